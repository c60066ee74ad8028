//! The store for the promises that every store keeps, on the real engine.

use std::sync::Arc;

use wafpass::collector::catalogue::Ledger;
use wafpass::collector::store::Store;
use wafpass::collector::store::clickhouse::{ClickHouseOptions, ClickHouseStore};

use crate::engine::Engine;
use crate::support::conformance::Lab;
use crate::support::ledger::MemoryLedger;
use wafpass::clock::SystemClock;

pub(crate) struct ClickHouseLab {
    options: ClickHouseOptions,
    ledger: Arc<MemoryLedger>,
    store: Arc<ClickHouseStore>,
}

impl ClickHouseLab {
    async fn on(options: ClickHouseOptions, ledger: Arc<MemoryLedger>) -> Self {
        let store = open(options.clone(), ledger.clone()).await;
        Self { options, ledger, store }
    }
}

/// Opens a store.
pub(crate) async fn open(
    options: ClickHouseOptions,
    ledger: Arc<dyn Ledger>,
) -> Arc<ClickHouseStore> {
    Arc::new(ClickHouseStore::open(options, ledger, Arc::new(SystemClock)).await.unwrap())
}

impl Lab for ClickHouseLab {
    const FEWER_CASES: u32 = 16;

    async fn new() -> Self {
        Self::on(Engine::shared().options(), Arc::default()).await
    }

    fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    async fn reopen(self) -> Self {
        self.store.close().await.unwrap();
        Self::on(self.options, self.ledger).await
    }

    async fn crash(self) -> Self {
        // Its background ends with it.
        drop(self.store);
        Self::on(self.options, self.ledger).await
    }
}
