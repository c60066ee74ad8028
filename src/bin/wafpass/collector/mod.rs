//! `wafpass collector`: the service, and what its operator does beside it. One module a verb.

mod backup;
mod keys;
mod migrate;
mod run;
mod stats;
mod table;
mod tenants;
mod tokens;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use wafpass::clock::{Clock, SystemClock};
use wafpass::collector::TenantId;
use wafpass::collector::catalogue::{BackupError, Catalogue, CatalogueError};
use wafpass::collector::store::StoreError;
use wafpass::config::CollectorConfig;

use crate::error::Fault;
use crate::{Verdict, style};

/// The command line in the history of keys.
const ACTOR: &str = "command line";

const AFTER: &str = "\
Without a verb it runs. The verbs work on the data folder, also while the service
runs; what they change counts a second later. --data or --config says which folder,
else it is wafpass-collector in the working directory.

Example:
  wafpass collector tenants add acme
  wafpass collector tokens new acme --name edge --scope ingest > edge.token
  wafpass collector

docs/collector.md is the guide.";

/// Run the collector, which takes sealed events in and answers queries; or look after it.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER, args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    run: run::Args,
}

#[derive(clap::Subcommand)]
enum Verb {
    Run(run::Args),
    Tenants(tenants::Args),
    Tokens(tokens::Args),
    Keys(keys::Args),
    Stats(stats::Args),
    Backup(backup::Args),
    Restore(backup::RestoreArgs),
    Migrate(migrate::Args),
}

impl Args {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Verdict, Fault> {
        match &self.verb {
            None => return self.run.run(out),
            Some(Verb::Run(args)) => return args.run(out),
            Some(Verb::Tenants(args)) => args.run(out),
            Some(Verb::Tokens(args)) => args.run(out),
            Some(Verb::Keys(args)) => args.run(out),
            Some(Verb::Stats(args)) => args.run(out),
            Some(Verb::Backup(args)) => args.run(out),
            Some(Verb::Restore(args)) => args.run(out),
            Some(Verb::Migrate(args)) => args.run(out),
        }?;
        Ok(Verdict::Good)
    }
}

/// Where the collector keeps its things.
#[derive(clap::Args)]
struct Data {
    /// The data folder [default: the configuration's, or wafpass-collector].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A wafpass.toml with a section [collector].
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    config: Option<PathBuf>,
}

impl Data {
    fn folder(&self) -> Result<PathBuf, Fault> {
        Ok(match (&self.data, &self.config) {
            (Some(data), _) => data.clone(),
            (None, Some(config)) => CollectorConfig::load(config)?.settings().data.clone(),
            (None, None) => CollectorConfig::default().settings().data.clone(),
        })
    }

    fn open(&self) -> Result<Catalogue, Fault> {
        Ok(Catalogue::open(&self.folder()?, Arc::new(SystemClock))?)
    }
}

fn now_ms() -> u64 {
    SystemClock.now_ms()
}

/// A tenant's id among the arguments.
fn tenant_id(text: &str) -> Result<TenantId, String> {
    TenantId::new(text).ok_or_else(|| {
        "1 to 32 of a-z, 0-9, - and _, beginning with a letter or a digit".to_owned()
    })
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::two_lines(&error.to_string())
    }
}

impl From<BackupError> for Fault {
    fn from(error: BackupError) -> Self {
        Self::two_lines(&error.to_string())
    }
}

impl From<CatalogueError> for Fault {
    fn from(error: CatalogueError) -> Self {
        let told = Self::two_lines(&error.to_string());
        match (told, error) {
            // A step that is not to be taken now: an answer, and not a good one.
            (
                Self::Told { fault, way_out },
                CatalogueError::WrongState { .. }
                | CatalogueError::WrongAnswer { .. }
                | CatalogueError::NoChallenge(_)
                | CatalogueError::PrivateKey,
            ) => Self::refused(fault, way_out),
            (told, _) => told,
        }
    }
}
