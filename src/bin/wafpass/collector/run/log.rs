//! The log: one line an event, for humans or as JSON, on standard error.

use std::io::{self, IsTerminal};
use std::panic;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};
use wafpass::config::LogFormat;

use crate::error::Fault;

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Verbosity {
    /// What failed.
    Error,
    /// What failed, and what may.
    Warn,
    /// What was done, too.
    Info,
    /// Every request, too.
    Debug,
}

impl From<Verbosity> for LevelFilter {
    fn from(verbosity: Verbosity) -> Self {
        match verbosity {
            Verbosity::Error => Self::ERROR,
            Verbosity::Warn => Self::WARN,
            Verbosity::Info => Self::INFO,
            Verbosity::Debug => Self::DEBUG,
        }
    }
}

/// Logs from here on.
pub(super) fn start(format: LogFormat, verbosity: Verbosity) -> Result<(), Fault> {
    // Libraries log frames and headers when they are asked for more, and those hold tokens.
    let targets = Targets::new()
        .with_default(LevelFilter::WARN.min(verbosity.into()))
        .with_target("wafpass", LevelFilter::from(verbosity));
    let layer = fmt::layer().with_writer(io::stderr);
    let layer = match format {
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
        _ => layer.with_ansi(io::stderr().is_terminal()).boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(targets)).try_init().map_err(
        |error| Fault::new(format!("nothing can be logged: {error}"), "please report it"),
    )?;
    panic::set_hook(Box::new(|panicked| {
        // The message may hold what was parsed.
        let place = panicked.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(%place, "panicked");
    }));
    Ok(())
}
