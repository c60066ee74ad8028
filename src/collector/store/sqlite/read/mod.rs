//! The reading side: queries on partition files, by connections that can only read.
//!
//! Each query runs on a thread for blocking work, a few at a time, and ends when its caller goes away. It names
//! its tenant once, where its partitions are chosen: a partition holds one tenant's events, and nothing
//! else is ever opened.

mod buckets;
mod budget;
mod clause;
mod event;
mod histogram;
mod merge;
mod page;
mod plan;
mod pool;
mod rollups;
mod rows;
mod scan;
mod segment;
mod since;
mod source;
mod tally;
mod text;
mod top;
mod turns;
mod usage;
mod values;

use std::sync::Arc;

use tokio::task::spawn_blocking;

use self::budget::{GivenUp, Looking};
use self::pool::Pool;
use self::turns::Turns;
use super::partitions::{Partition, Partitions};
use crate::collector::limits::{SCAN_BUDGET_MS, SCAN_BUDGET_ROWS};
use crate::collector::query::{
    Budget, Filter, Histogram, HistogramQuery, Page, PageQuery, Snapshot, Top, TopQuery,
};
use crate::collector::store::{Fresh, StoreError, Usage, Visibility};
use crate::collector::{EventId, EventTime, StoredEvent, TenantId, telemetry};

/// For queries that bring no budget of their own.
const BUDGET: Budget = Budget { rows: SCAN_BUDGET_ROWS, ms: SCAN_BUDGET_MS };

/// Answers queries.
#[derive(Debug)]
pub(super) struct Reader {
    shared: Arc<Shared>,
    turns: Arc<Turns>,
}

#[derive(Debug)]
struct Shared {
    partitions: Arc<Partitions>,
    visibility: Arc<Visibility>,
    pool: Arc<Pool>,
}

impl Reader {
    /// A reader of these partitions.
    pub(super) fn new(partitions: Arc<Partitions>, visibility: Arc<Visibility>) -> Self {
        let pool = Arc::default();
        Self { shared: Arc::new(Shared { partitions, visibility, pool }), turns: Arc::default() }
    }

    /// A page of events.
    pub(super) async fn page(
        &self,
        tenant: &TenantId,
        query: PageQuery,
    ) -> Result<Page, StoreError> {
        self.run("page", tenant, query.budget, move |ask, looking| {
            page::page(&ask, &query, looking)
        })
        .await
    }

    /// One event, by its id and the moment that it stands at, where that is known.
    pub(super) async fn event(
        &self,
        tenant: &TenantId,
        id: EventId,
        at: Option<EventTime>,
    ) -> Result<Option<StoredEvent>, StoreError> {
        let budget = Budget { rows: u64::MAX, ms: event::BUDGET_MS };
        self.run("event", tenant, budget, move |ask, looking| event::event(&ask, id, at, looking))
            .await
    }

    /// Counts by interval.
    pub(super) async fn histogram(
        &self,
        tenant: &TenantId,
        query: HistogramQuery,
    ) -> Result<Histogram, StoreError> {
        self.run("histogram", tenant, query.budget, move |ask, looking| {
            histogram::histogram(&ask, &query, looking)
        })
        .await
    }

    /// The most frequent values of a field.
    pub(super) async fn top(&self, tenant: &TenantId, query: TopQuery) -> Result<Top, StoreError> {
        self.run("top", tenant, query.budget, move |ask, looking| top::top(&ask, &query, looking))
            .await
    }

    /// What became visible since a snapshot.
    pub(super) async fn since(
        &self,
        tenant: &TenantId,
        since: Snapshot,
        filter: Filter,
        limit: usize,
    ) -> Result<Fresh, StoreError> {
        self.run("since", tenant, BUDGET, move |ask, looking| {
            since::since(&ask, &since, &filter, limit, looking)
        })
        .await
    }

    /// What a tenant has stored.
    pub(super) async fn usage(&self, tenant: &TenantId) -> Result<Usage, StoreError> {
        self.run("usage", tenant, BUDGET, |ask, looking| usage::usage(&ask, looking)).await
    }

    /// What a tenant's files take on the disk. No file is opened, and no query's turn is taken.
    pub(super) async fn stored_bytes(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        let partitions = self.shared.partitions.of(tenant);
        let sum = move || {
            let bytes = partitions.iter().map(|partition| usage::bytes(partition.path()));
            bytes.fold(0, u64::saturating_add)
        };
        spawn_blocking(sum).await.map_err(|_| StoreError::Closed)
    }

    /// Closes the connections that wait for a partition. One in use holds a lease.
    pub(super) fn forget(&self, partition: &Partition) {
        self.shared.pool.forget(partition.path());
    }

    /// Closes all connections; what runs comes to its end, what begins later is refused.
    pub(super) fn close(&self) {
        self.turns.close();
        self.shared.pool.close();
    }

    async fn run<T: Send + 'static>(
        &self,
        name: &'static str,
        tenant: &TenantId,
        budget: Budget,
        work: impl FnOnce(Ask, Looking) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = self.turns.take(tenant).await?;
        // Dropped with this future: the work sees it, and ends.
        let given_up = GivenUp::default();
        let flag = given_up.flag();
        let (shared, tenant) = (Arc::clone(&self.shared), tenant.clone());
        let done = spawn_blocking(move || {
            let begun = crate::clock::monotonic();
            let answer = work(shared.ask(&tenant), Looking::begin(budget, flag));
            let took = crate::clock::monotonic().saturating_duration_since(begun);
            telemetry::query(name, took.as_secs_f64());
            drop(turn);
            answer
        });
        let answer = done.await.map_err(|_| StoreError::Closed)?;
        drop(given_up);
        answer
    }
}

/// What a query has to do with: a tenant's partitions, newest first, and what is visible when it begins.
#[derive(Debug)]
struct Ask {
    pool: Arc<Pool>,
    partitions: Vec<Arc<Partition>>,
    snapshot: Snapshot,
}

impl Shared {
    fn ask(&self, tenant: &TenantId) -> Ask {
        // First what is visible, then where it is: a batch that is visible has its partitions.
        let snapshot = self.visibility.snapshot();
        let mut partitions = self.partitions.of(tenant);
        partitions.reverse();
        Ask { pool: Arc::clone(&self.pool), partitions, snapshot }
    }
}
