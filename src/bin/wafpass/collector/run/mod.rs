//! `wafpass collector run`: the service.

mod clickhouse;
mod log;
mod welcome;

use std::future::Future;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use wafpass::clock::SystemClock;
use wafpass::collector::Collector;
use wafpass::collector::catalogue::Catalogue;
use wafpass::collector::server::{FolderLock, ServeError, Server, raise_file_limit};
use wafpass::collector::store::sqlite::SqliteStore;
use wafpass::collector::store::{Store, StoreError};
use wafpass::config::{ClearHttp, CollectorConfig, StoreSettings};
use wafpass::telemetry::Prometheus;

use self::log::Verbosity;
use crate::error::Fault;
use crate::{Verdict, style};

/// For threads that are busy when all else has ended.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// Exit code when a second signal ends the process at once: 128 + SIGINT, as shells have it.
const ENDED_AT_ONCE: i32 = 130;

const AFTER: &str = "\
Without a configuration it listens on 127.0.0.1:8787 and keeps all in the folder
wafpass-collector. On a terminal, the first start makes a tenant and prints its
token once; elsewhere it says how to make one.

SIGTERM and SIGINT let batches under way end (collector.shutdown), and a second
one ends at once: nothing that was acknowledged is lost. SIGHUP reads the
certificate anew.

Examples:
  wafpass collector
  wafpass collector run --config /etc/wafpass.toml
  curl --data-binary @events.ndjson -H \"authorization: Bearer $TOKEN\" \\
    -H 'content-type: application/x-ndjson' http://127.0.0.1:8787/v1/events

Exit codes: 0 ended by a signal, 1 it could not go on, 2 usage, or it could not start";

/// Take events in, keep them, and answer queries, until a signal comes.
#[derive(clap::Args)]
#[group(id = "run")] // also flattened into `wafpass collector`
#[command(styles = style::HELP, after_help = AFTER)]
pub(crate) struct Args {
    /// A wafpass.toml with a section [collector].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder of the catalogue and the events, in place of the configuration's.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where the service listens, in place of the configuration's address.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Where /livez, /readyz and /metrics are, in place of the configuration's address.
    #[arg(long, value_name = "ADDRESS")]
    admin_listen: Option<SocketAddr>,
    /// How much is logged.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: Verbosity,
}

impl Args {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Verdict, Fault> {
        let config = self.config()?;
        log::start(config.settings().log, self.log_level)?;
        raise_file_limit();
        let runtime = Runtime::new().map_err(|error| not_started(&error))?;
        let ended = runtime.block_on(serve(&config, out));
        // Whoever read our output need not be there when it ends.
        runtime.shutdown_timeout(LAST_WAIT);
        ended
    }

    fn config(&self) -> Result<CollectorConfig, Fault> {
        let mut config = match &self.config {
            Some(path) => CollectorConfig::load(path)?,
            None => CollectorConfig::default(),
        };
        let settings = config.settings_mut();
        settings.data = self.data.clone().unwrap_or_else(|| settings.data.clone());
        settings.listen = self.listen.unwrap_or(settings.listen);
        settings.admin_listen = self.admin_listen.unwrap_or(settings.admin_listen);
        Ok(config)
    }
}

async fn serve(config: &CollectorConfig, out: &mut dyn Write) -> Result<Verdict, Fault> {
    let settings = config.settings();
    let _lock = FolderLock::take(&settings.data)?;
    // Listening first: an address that is taken is told before anything is made.
    let prometheus = Prometheus::install().map_err(|error| not_started(&error))?;
    let server = Server::bind(config, prometheus)?;
    let clock = Arc::new(SystemClock);
    let catalogue = Catalogue::open(&settings.data, clock.clone()).map_err(|error| told(&error))?;
    let catalogue = Arc::new(catalogue);
    let store = open_store(config, &catalogue, &clock).await?;
    let shutdown = signals().map_err(|error| not_started(&error))?;

    welcome::tell(out, config, &server, &catalogue)?;
    if settings.clear_http == ClearHttp::InsecureAnywhere {
        tracing::warn!(
            "insecure_http: who sits between senders and this machine reads their tokens"
        );
    }
    let collector = Collector::new(store, catalogue, clock);
    match server.run(collector, shutdown).await {
        Ok(ended) => {
            tracing::info!(given_up = ended.given_up, "ended");
            Ok(Verdict::Good)
        }
        Err(error) => {
            tracing::error!("it did not end as it should\n{error}");
            Ok(Verdict::Bad)
        }
    }
}

async fn open_store(
    config: &CollectorConfig,
    catalogue: &Arc<Catalogue>,
    clock: &Arc<SystemClock>,
) -> Result<Arc<dyn Store>, Fault> {
    match &config.settings().store {
        StoreSettings::ClickHouse(settings) => {
            clickhouse::open(config, settings, catalogue.clone(), clock.clone()).await
        }
        _ => {
            let store = SqliteStore::open(&config.settings().data, catalogue.clone());
            Ok(Arc::new(store.map_err(|error| told(&error))?))
        }
    }
}

/// Comes back at the first SIGTERM or SIGINT. The second ends the process.
fn signals() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (told, first) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let mut told = Some(told);
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            match told.take() {
                Some(told) => {
                    let _nobody_waits = told.send(());
                }
                None => process::exit(ENDED_AT_ONCE),
            }
        }
    });
    Ok(async move {
        let _gone = first.await;
    })
}

fn told(error: &StoreError) -> Fault {
    Fault::two_lines(&error.to_string())
}

fn not_started(error: &dyn std::error::Error) -> Fault {
    Fault::new(
        format!("the collector could not start: {error}"),
        "again; if it stays, please report it",
    )
}

impl From<ServeError> for Fault {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::Config(fault) => fault.into(),
            error => Self::two_lines(&error.to_string()),
        }
    }
}
