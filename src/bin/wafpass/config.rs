//! `wafpass config`: what a `wafpass.toml` asks for, its schema, and an example.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use wafpass::config::{
    ClearHttp, CollectorConfig, Config, ConfigFault, EXAMPLE, KeySource, LoadedKey, StoreSettings,
    json_schema,
};
use wafpass::key_directory::OriginKey;
use wafpass::limits::DEFAULT_LOGGED_PER_SECOND;
use wafpass::{
    BodyCoverage, Enforcement, HostBinding, QueryMode, RestartBarrier, UnixTime, WafRequirement,
    clock,
};

use crate::error::{Fault, shown};
use crate::style::{BAD, FAINT, GOOD, HEADING};
use crate::{Verdict, style};

const AFTER: &str = "\
The same file is for the library (Config::load) and for --config of sign, verify
and explain; its section [collector] is for wafpass collector. The example has
every key, with its default and its reason.

Examples:
  wafpass config example > wafpass.toml
  wafpass config check
  wafpass config schema > wafpass.schema.json

Exit codes: 0 good, 1 it does not load, 2 usage, or a file that cannot be read";

const AFTER_CHECK: &str = "\
Reads the file and all that it names: keys, certificate authorities, the URL of
Redis. Redis itself is not asked. Every fault is told with its line and column,
and what to do. Secrets are never printed.

Exit codes: 0 it loads, 1 it does not, 2 usage, or a file that cannot be read";

/// Check a wafpass.toml; print its JSON Schema, or an example.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    Check(Check),
    /// Print the JSON Schema, for editors and pipelines.
    Schema,
    /// Print an annotated wafpass.toml, with every key.
    Example,
}

/// Tell what a wafpass.toml asks for, and what it loosens; or why it does not load.
#[derive(clap::Args)]
#[command(after_help = AFTER_CHECK)]
struct Check {
    /// The file.
    #[arg(value_name = "FILE", default_value = "wafpass.toml")]
    file: PathBuf,
}

impl Args {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Verdict, Fault> {
        match &self.verb {
            Verb::Check(check) => check.run(out),
            Verb::Schema => {
                let schema = json_schema();
                let text = serde_json::to_string_pretty(&schema).map_err(io::Error::from)?;
                writeln!(out, "{text}")?;
                Ok(Verdict::Good)
            }
            Verb::Example => {
                write!(out, "{EXAMPLE}")?;
                Ok(Verdict::Good)
            }
        }
    }
}

impl Check {
    fn run(&self, out: &mut dyn Write) -> Result<Verdict, Fault> {
        match Loaded::of(&self.file) {
            Ok(Loaded { origin, collector }) => {
                writeln!(out, "{} {GOOD}loads{GOOD:#}\n", shown(&self.file))?;
                if let Some((config, keys)) = &origin {
                    print(out, config, keys, clock::now())?;
                }
                if let Some(collector) = &collector {
                    if origin.is_some() {
                        writeln!(out)?;
                    }
                    print_collector(out, collector)?;
                }
                Ok(Verdict::Good)
            }
            Err(fault @ ConfigFault::Text { .. }) => {
                Fault::from(fault).print();
                Ok(Verdict::Bad)
            }
            Err(fault) => Err(fault.into()),
        }
    }
}

/// What a file is for: origins, a collector, or both.
struct Loaded {
    origin: Option<(Config, Vec<LoadedKey>)>,
    collector: Option<CollectorConfig>,
}

impl Loaded {
    fn of(file: &Path) -> Result<Self, ConfigFault> {
        let collector = CollectorConfig::load_if_any(file)?;
        if collector.as_ref().is_some_and(|config| config.stands_alone()) {
            return Ok(Self { origin: None, collector });
        }
        let config = Config::load(file)?;
        let keys = config.keys()?;
        Ok(Self { origin: Some((config, keys)), collector })
    }
}

fn print(
    out: &mut dyn Write,
    config: &Config,
    keys: &[LoadedKey],
    now: UnixTime,
) -> Result<(), Fault> {
    print_policy(out, config)?;
    print_routes(out, config)?;
    print_keys(out, keys, now)?;
    print_loosened(out, config)?;
    if keys.iter().all(|key| !key.is_active(now)) {
        writeln!(out, "\n{BAD}No key counts now:{BAD:#} every request is refused.")?;
    }
    Ok(())
}

fn print_policy(out: &mut dyn Write, config: &Config) -> Result<(), Fault> {
    let retention = config.freshness().retention();
    let uses = match config.uses() {
        1 => "one use".into(),
        uses => format!("{uses} uses of GET, HEAD and OPTIONS, one of the rest"),
    };
    let waf = match config.waf() {
        WafRequirement::Required => "evidence required",
        _ => "evidence not required",
    };
    let barrier = match config.restart_barrier() {
        RestartBarrier::On => "restart barrier on",
        RestartBarrier::WithSkew => "restart barrier with skew",
        _ => "no restart barrier",
    };
    let capacity = config.replay_capacity();
    let per_key = if capacity.per_key < capacity.total {
        format!(" ({} for each key)", capacity.per_key)
    } else {
        String::new()
    };
    let refusal = config.refusal().status(wafpass::RejectionKind::Expired);
    writeln!(out, "{HEADING}Asks{HEADING:#}")?;
    writeln!(out, "  audience   {}", config.audience())?;
    writeln!(
        out,
        "  freshness  {} s, {} s of skew, {uses}",
        retention.max_age_s, retention.skew_s
    )?;
    writeln!(out, "  waf        {waf}")?;
    writeln!(out, "  signature  {}", signature(config))?;
    let backend = config.replay_backend();
    writeln!(out, "  replay     {backend}, {} requests{per_key}, {barrier}", capacity.total)?;
    writeln!(out, "  refusal    {}", refusal.as_u16())?;
    match config.logged_per_second() {
        DEFAULT_LOGGED_PER_SECOND => {}
        0 => writeln!(out, "  telemetry  logs no refusals, counts all of them")?,
        events => writeln!(out, "  telemetry  logs {events} refusals of each reason a second")?,
    }
    Ok(())
}

/// What a signature has to cover.
fn signature(config: &Config) -> String {
    let query = match config.query() {
        QueryMode::None => "no query",
        _ => "the whole query",
    };
    let host = match config.host() {
        HostBinding::Bound => Some("the Host"),
        _ => None,
    };
    let body = match config.body() {
        BodyCoverage::Required => format!("every body (up to {} bytes)", config.body_cap()),
        _ => format!("bodies where it can (up to {} bytes)", config.body_cap()),
    };
    let headers = config.required_headers().iter().map(String::as_str);
    let covered = ["method", "path", query].into_iter().chain(host).chain(headers);
    let covered = covered.collect::<Vec<_>>().join(", ");
    let prefix = match config.strip_prefix() {
        "" => String::new(),
        prefix => format!("; without the origin path prefix {prefix}"),
    };
    format!("covers {covered}, {body}{prefix}")
}

/// In the order in which they are asked.
fn print_routes(out: &mut dyn Write, config: &Config) -> Result<(), Fault> {
    let routes = config.routes();
    let rest = [("everything else".into(), routes.rest())];
    writeln!(out, "\n{HEADING}Routes{HEADING:#}")?;
    let named = routes.iter().map(|route| (route.to_string(), route.enforcement()));
    for (route, enforcement) in named.chain(rest) {
        let style = if enforcement == Enforcement::Enforce { GOOD } else { BAD };
        writeln!(out, "  {style}{enforcement:<11}{style:#}  {route}")?;
    }
    Ok(())
}

fn print_keys(out: &mut dyn Write, keys: &[LoadedKey], now: UnixTime) -> Result<(), Fault> {
    writeln!(out, "\n{HEADING}Keys{HEADING:#}")?;
    let width = keys.iter().map(|key| key.id().as_str().len()).max().unwrap_or_default();
    for key in keys {
        let source = match key.source() {
            KeySource::Directory => "directory",
            KeySource::File => "file",
            KeySource::Env => "env",
            _ => "inline",
        };
        let (style, state) = match key.state() {
            Some(state) if key.is_active(now) => (GOOD, state.as_str()),
            Some(state) if key.is_revoked() => (FAINT, state.as_str()),
            None if key.is_active(now) => (GOOD, "accepted"),
            None if key.is_revoked() => (FAINT, "revoked"),
            _ if key.not_before().is_some_and(|start| now < start) => (FAINT, "not yet"),
            _ => (FAINT, "over"),
        };
        let line = format!(
            "  {:<width$}  {style}{state:<8}{style:#}  {source:<9}  {}",
            key.id(),
            about(key)
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// The window of a key, and what is derived from it.
fn about(key: &LoadedKey) -> String {
    let mut about = Vec::new();
    if let OriginKey::Root(root) = key.origin() {
        about.push(format!("a key for each day, {} s of overlap", root.overlap_s()));
    }
    about.extend(key.not_before().map(|start| format!("from {start}")));
    about.extend(key.not_after().map(|end| format!("until {end}")));
    about.join(", ")
}

fn print_loosened(out: &mut dyn Write, config: &Config) -> Result<(), Fault> {
    let loosened = config.loosened();
    writeln!(out, "\n{HEADING}Loosened{HEADING:#}")?;
    if loosened.is_empty() {
        writeln!(out, "  nothing: this is as strict as it gets")?;
    }
    for loosened in loosened {
        writeln!(out, "  {}\n    {FAINT}{}{FAINT:#}", loosened.setting, loosened.why)?;
    }
    Ok(())
}

fn print_collector(out: &mut dyn Write, config: &CollectorConfig) -> Result<(), Fault> {
    let settings = config.settings();
    let tls = if settings.tls.is_some() { "TLS" } else { "without TLS" };
    let store = match &settings.store {
        StoreSettings::ClickHouse(there) => {
            format!("clickhouse, {} at {}", there.database, there.url)
        }
        _ => "sqlite".into(),
    };
    let credentials = match config.perimeter() {
        Some(perimeter) => format!("a token and an edge signature for {}", perimeter.audience()),
        None => "a token".into(),
    };
    writeln!(out, "{HEADING}Collector{HEADING:#}")?;
    writeln!(out, "  service    {}, {tls}", settings.listen)?;
    writeln!(out, "  admin      {}", settings.admin_listen)?;
    writeln!(out, "  data       {}", shown(&settings.data))?;
    writeln!(out, "  store      {store}")?;
    writeln!(out, "  ingest     asks for {credentials}")?;
    if settings.clear_http == ClearHttp::InsecureAnywhere {
        writeln!(
            out,
            "  {BAD}insecure_http{BAD:#}\n    {FAINT}who sits in between reads tokens{FAINT:#}"
        )?;
    }
    Ok(())
}
