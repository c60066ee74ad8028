//! The store on `ClickHouse`, as the configuration says.

use std::sync::Arc;

use wafpass::clock::SystemClock;
use wafpass::collector::catalogue::Catalogue;
use wafpass::collector::store::Store;
use wafpass::collector::store::clickhouse::{ClickHouseOptions, ClickHouseStore, SpoolOptions};
use wafpass::config::{ClickHouseSettings, CollectorConfig};

use super::told;
use crate::error::Fault;

/// Where batches wait, in the data folder.
const SPOOL: &str = "spool";

pub(super) async fn open(
    config: &CollectorConfig,
    settings: &ClickHouseSettings,
    catalogue: Arc<Catalogue>,
    clock: Arc<SystemClock>,
) -> Result<Arc<dyn Store>, Fault> {
    let mut options = ClickHouseOptions::new(&settings.url, &settings.database);
    options.user = Some(settings.user.clone());
    options.password = config.clickhouse_password()?;
    options.node = settings.node;
    options.request_timeout = settings.timeout();
    options.spool = (settings.spool_bytes > 0)
        .then(|| SpoolOptions::new(config.settings().data.join(SPOOL), settings.spool_bytes));
    let store = ClickHouseStore::open(options, catalogue, clock).await;
    Ok(Arc::new(store.map_err(|error| told(&error))?))
}
