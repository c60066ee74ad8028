use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::Runtime;
use wafpass::clock::SystemClock;
use wafpass::collector::TenantId;
use wafpass::collector::catalogue::Catalogue;
use wafpass::collector::store::Store;
use wafpass::collector::store::clickhouse::{ClickHouseOptions, ClickHouseStore, Compression};
use wafpass::collector::store::migrate::{MigrateError, migrate};
use wafpass::collector::store::sqlite::SqliteStore;
use wafpass::config::{ClickHouseSettings, CollectorConfig, StoreSettings};

use super::{Data, now_ms, tenant_id};
use crate::error::Fault;
use crate::style;

const AFTER: &str = "\
Stop the collector first. Each day is compared when it is moved; what is in
ClickHouse already is not moved again, so after an interruption start it anew. The
files in the data folder stay as they are: remove `events` when all is well. The
catalogue, with tenants, tokens, keys and batches, stays in use.

Example:
  wafpass collector migrate --data wafpass-collector \\
    --to-clickhouse https://clickhouse.internal:8443 --user wafpass --password-file ch.pw

Exit codes: 0 all is moved, 2 usage, or something is not; start it again then";

/// Move the events of a data folder from SQLite to ClickHouse.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER)]
pub(super) struct Args {
    /// ClickHouse's HTTP interface; without it, the one that --config names.
    #[arg(long, value_name = "URL", required_unless_present = "config")]
    to_clickhouse: Option<String>,
    /// The database; made if it is not there.
    #[arg(long, value_name = "NAME", default_value = "wafpass")]
    database: String,
    /// The user.
    #[arg(long, value_name = "NAME", default_value = "default")]
    user: String,
    /// A file with the user's password.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// The number of this collector among those on the database.
    #[arg(long, value_name = "N", default_value_t = 0)]
    node: u8,
    /// Send without compression.
    #[arg(long)]
    uncompressed: bool,
    /// Move this tenant only; can be given more than once.
    #[arg(long, value_name = "TENANT", value_parser = tenant_id)]
    tenant: Vec<TenantId>,
    #[command(flatten)]
    data: Data,
}

impl Args {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let config = self.config()?;
        let folder = self.data.folder()?;
        let catalogue = Arc::new(self.data.open()?);
        let runtime = Runtime::new()?;
        runtime.block_on(async {
            let old = SqliteStore::open(&folder, catalogue.clone())?;
            let options = self.options(&config)?;
            let new =
                ClickHouseStore::open(options, catalogue.clone(), Arc::new(SystemClock)).await?;
            self.move_all(&old, &new, &catalogue, out).await?;
            new.close().await?;
            Ok(old.close().await?)
        })
    }

    async fn move_all(
        &self,
        old: &dyn Store,
        new: &dyn Store,
        catalogue: &Catalogue,
        out: &mut dyn Write,
    ) -> Result<(), Fault> {
        let tenants =
            if self.tenant.is_empty() { catalogue.tenants() } else { self.tenant.clone() };
        for tenant in tenants {
            new.retain(&tenant, catalogue.settings(&tenant).retention_days).await?;
            let mut days = 0_u64;
            let now = i64::try_from(now_ms()).unwrap_or(i64::MAX);
            let moved = migrate(old, new, &tenant, now, |_| days = days.saturating_add(1)).await?;
            writeln!(out, "{tenant}: {moved} events moved, {days} days compared")?;
        }
        Ok(())
    }

    /// What --config says, or else the command line, by the same rules.
    fn config(&self) -> Result<CollectorConfig, Fault> {
        let Some(url) = &self.to_clickhouse else {
            return Ok(CollectorConfig::load(self.data.config.clone().unwrap_or_default())?);
        };
        let text = |text: &str| toml::Value::from(text).to_string();
        let mut document = format!(
            "[collector]\nstore = \"clickhouse\"\n[collector.clickhouse]\nurl = {}\ndatabase = {}\nuser = {}\nnode = {}\n",
            text(url),
            text(&self.database),
            text(&self.user),
            self.node,
        );
        if let Some(path) = &self.password_file {
            document.push_str(&format!("password_file = {}\n", text(&path.display().to_string())));
        }
        Ok(CollectorConfig::parse(&document, "command line")?)
    }

    /// No spool: what ClickHouse does not take stays where it is.
    fn options(&self, config: &CollectorConfig) -> Result<ClickHouseOptions, Fault> {
        let StoreSettings::ClickHouse(settings) = &config.settings().store else {
            let fault = "the configuration does not name a ClickHouse".to_owned();
            let way_out = "write [collector.clickhouse], or name it by --to-clickhouse".to_owned();
            return Err(Fault::Told { fault, way_out });
        };
        let ClickHouseSettings { url, database, user, node, .. } = settings;
        let mut options = ClickHouseOptions::new(url, database);
        options.user = Some(user.clone());
        options.password = config.clickhouse_password()?;
        options.node = *node;
        options.request_timeout = settings.timeout();
        if self.uncompressed {
            options.compression = Compression::None;
        }
        Ok(options)
    }
}

impl From<MigrateError> for Fault {
    fn from(error: MigrateError) -> Self {
        Self::two_lines(&error.to_string())
    }
}
