//! Events in ClickHouse, for when one machine is not enough.
//!
//! - **A batch is visible all at once**: its rows carry its number, and queries look only at those of
//!   numbers that `batch_log` has as committed. Before the first row, the log has an intent; what is left
//!   of a crash is finished or deleted when the store is opened again.
//! - **What is acknowledged stays**: each INSERT is synced by ClickHouse before it answers, then the local
//!   ledger records the batch, then the log has its commit. While ClickHouse is away, batches go to a
//!   [spool](SpoolOptions) on the local disk, and from there to ClickHouse in order.
//! - **What is sent twice is stored once**: rows that are there are left out before the INSERT, and an INSERT
//!   that is repeated for want of an answer has the same deduplication token.
//! - **A tenant's queries see that tenant's rows**: its name, the time and what is visible are added to every query in
//!   one place, and values are parameters, never text.
//!
//! Several collectors may share a database, each with a [node](ClickHouseOptions::node) of its own: each sees
//! what all have committed. What the same sender gives to two of them at the same moment may be stored
//! twice; pages show it once.

mod aggregate;
mod background;
mod chunk;
mod client;
mod delete;
mod filter;
mod inner;
mod log;
mod node;
mod options;
mod read;
mod row;
mod schema;
mod scope;
mod settle;
mod spool;
mod sql;
mod write;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use self::options::{ClickHouseOptions, Compression, MAX_NODE, SpoolOptions};
pub use self::schema::cluster_ddl;

use self::client::Database;
use self::inner::Inner;
use self::node::Node;
use self::spool::Spool;
use super::{Answer, BatchId, Deleted, Fresh, Store, StoreError, Usage, Written};
use crate::clock::Clock;
use crate::collector::catalogue::{BatchRecord, Ledger};
use crate::collector::query::{
    Filter, Histogram, HistogramQuery, Page, PageQuery, Snapshot, TimeRange, Top, TopQuery,
};
use crate::collector::{EventId, EventTime, Intake, NewEvent, StoredEvent, TenantId};

/// A store on a ClickHouse.
pub struct ClickHouseStore {
    inner: Arc<Inner>,
    background: Mutex<Option<JoinHandle<()>>>,
}

impl ClickHouseStore {
    /// Makes the tables, resolves what a former run left, and begins to drain the spool.
    ///
    /// Where ClickHouse is away and there is a spool, the store opens all the same, and does that later.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] without a spool, [`StoreError::Newer`] for tables of a later build,
    /// [`StoreError::Failed`] for a name of a database that is not plain, or what ClickHouse refuses.
    pub async fn open(
        options: ClickHouseOptions,
        ledger: Arc<dyn Ledger>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        if !options.has_plain_database() {
            let reason =
                "the database's name is not made of letters, digits and _ alone".to_owned();
            return Err(StoreError::Failed { reason });
        }
        let spool = options.spool.as_ref().map(Spool::open).transpose()?.map(Arc::new);
        let inner = Inner::new(
            Database::new(&options).inside(),
            Node(options.node),
            ledger,
            clock,
            spool,
            options.fallback_retention_days,
        )?;
        let inner = Arc::new(inner);
        let outside = Database::new(&options);
        settle::spool(&inner).await?;
        let is_settled = match settle::database(&inner, &outside).await {
            Ok(()) => true,
            Err(StoreError::Unavailable { reason }) if inner.turn_to_spool(&reason) => false,
            Err(error) => return Err(error),
        };
        let background = tokio::spawn(background::run(inner.clone(), outside, is_settled));
        Ok(Self { inner, background: Mutex::new(Some(background)) })
    }

    /// The batches that wait in the spool, and the bytes of its folder.
    #[must_use]
    pub fn spooled(&self) -> (u64, u64) {
        self.inner.spool.as_ref().map_or((0, 0), |spool| spool.size())
    }
}

impl Drop for ClickHouseStore {
    fn drop(&mut self) {
        let background = self.background.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = background.take() {
            task.abort();
        }
    }
}

impl fmt::Debug for ClickHouseStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (batches, bytes) = self.spooled();
        f.debug_struct("ClickHouseStore")
            .field("database", &self.inner.database.name)
            .field("spooled_batches", &batches)
            .field("spooled_bytes", &bytes)
            .finish_non_exhaustive()
    }
}

impl Store for ClickHouseStore {
    fn begin(&self, tenant: &TenantId, _intake: Intake) -> Result<BatchId, StoreError> {
        write::begin(&self.inner, tenant)
    }

    fn write(&self, batch: BatchId, events: Vec<NewEvent>) -> Answer<'_, Written> {
        Box::pin(write::write(&self.inner, batch, events))
    }

    fn commit(&self, batch: BatchId, record: BatchRecord) -> Answer<'_, ()> {
        Box::pin(write::commit(&self.inner, batch, record))
    }

    fn abort(&self, batch: BatchId) {
        write::abort(&self.inner, batch);
    }

    fn page<'s>(&'s self, tenant: &'s TenantId, query: PageQuery) -> Answer<'s, Page> {
        Box::pin(read::page(&self.inner, tenant, query))
    }

    fn event<'s>(
        &'s self,
        tenant: &'s TenantId,
        id: EventId,
        at: Option<EventTime>,
    ) -> Answer<'s, Option<StoredEvent>> {
        Box::pin(read::event(&self.inner, tenant, id, at))
    }

    fn histogram<'s>(
        &'s self,
        tenant: &'s TenantId,
        query: HistogramQuery,
    ) -> Answer<'s, Histogram> {
        Box::pin(aggregate::histogram(&self.inner, tenant, query))
    }

    fn top<'s>(&'s self, tenant: &'s TenantId, query: TopQuery) -> Answer<'s, Top> {
        Box::pin(aggregate::top(&self.inner, tenant, query))
    }

    fn since<'s>(
        &'s self,
        tenant: &'s TenantId,
        since: Snapshot,
        filter: Filter,
        limit: usize,
    ) -> Answer<'s, Fresh> {
        Box::pin(read::since(&self.inner, tenant, since, filter, limit))
    }

    fn snapshot(&self) -> Snapshot {
        self.inner.visibility.snapshot()
    }

    fn commits(&self) -> watch::Receiver<u64> {
        self.inner.visibility.commits()
    }

    fn delete<'s>(&'s self, tenant: &'s TenantId, range: TimeRange) -> Answer<'s, Deleted> {
        Box::pin(delete::range(&self.inner, tenant, range))
    }

    fn expire<'s>(&'s self, tenant: &'s TenantId, before: EventTime) -> Answer<'s, Deleted> {
        Box::pin(delete::expire(&self.inner, tenant, before))
    }

    fn delete_tenant<'s>(&'s self, tenant: &'s TenantId) -> Answer<'s, Deleted> {
        Box::pin(delete::tenant(&self.inner, tenant))
    }

    fn usage<'s>(&'s self, tenant: &'s TenantId) -> Answer<'s, Usage> {
        Box::pin(read::usage(&self.inner, tenant))
    }

    fn stored_bytes<'s>(&'s self, tenant: &'s TenantId) -> Answer<'s, u64> {
        Box::pin(read::stored_bytes(&self.inner, tenant))
    }

    fn retain<'s>(&'s self, tenant: &'s TenantId, days: u32) -> Answer<'s, ()> {
        Box::pin(delete::retain(&self.inner, tenant, days))
    }

    fn maintain(&self, _now: EventTime) -> Answer<'_, ()> {
        // Merges and TTL are ClickHouse's own work.
        Box::pin(async {
            self.inner.show_spool();
            self.inner.check_open()
        })
    }

    fn ready(&self) -> Answer<'_, ()> {
        Box::pin(write::ready(&self.inner))
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async {
            self.inner.close();
            let task = self.background.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(task) = task {
                // It ends by itself, after the request that it waits for.
                let _ = task.await;
            }
            Ok(())
        })
    }
}
