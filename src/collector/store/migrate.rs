//! Moves events from one store to another: day by day, and each day is compared when it is done.
//!
//! Times, ids and everything else of an event stay. Batches do not: the new store gives its own numbers, so
//! cursors of the old one are void. What is there already is left out by the new store, so that a run which
//! was cut short is simply started again.

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{Store, StoreError, Written};
use crate::collector::catalogue::{BatchCounts, BatchKey, BatchRecord};
use crate::collector::limits::{CHUNK_EVENTS, MAX_PAGE_EVENTS};
use crate::collector::query::{Budget, Exactness, Filter, HistogramQuery, PageQuery, TimeRange};
use crate::collector::{EventTime, Intake, NewEvent, TenantId};

const DAY_NS: i64 = 86_400_000_000_000;
/// Nobody waits for one of these queries: they may look at everything.
const UNBOUNDED: Budget = Budget { rows: u64::MAX, ms: 86_400_000 };

/// What was done with one day of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MovedDay {
    /// Days since 1970.
    pub day: i64,
    /// Events of the day, in both stores.
    pub events: u64,
    /// How many of them this run has brought.
    pub brought: u64,
}

/// Why not everything was moved.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// One of the stores failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The stores disagree after the day was moved.
    #[error(
        "the day {day} of {tenant} has {old} events, and {new} in the new store\nsee that nothing writes to either of them, and start again"
    )]
    Differs {
        /// Whose it is.
        tenant: TenantId,
        /// Days since 1970.
        day: i64,
        /// Events in the old store.
        old: u64,
        /// Events in the new store.
        new: u64,
    },
}

/// Moves all that a tenant has. Nothing may write to the old store meanwhile; it stays as it is.
///
/// `told` hears of each day that is done, oldest first.
///
/// # Errors
///
/// [`MigrateError`]; what was moved by then stays, and is not moved again.
pub async fn migrate(
    old: &dyn Store,
    new: &dyn Store,
    tenant: &TenantId,
    now_ms: i64,
    mut told: impl FnMut(MovedDay),
) -> Result<u64, MigrateError> {
    let Some((first, last)) = old.usage(tenant).await?.span else { return Ok(0) };
    let mut moved = 0_u64;
    for day in first.day()..=last.day() {
        let done = migrate_day(old, new, tenant, day, now_ms).await?;
        moved = moved.saturating_add(done.brought);
        if done.events > 0 {
            told(done);
        }
    }
    Ok(moved)
}

async fn migrate_day(
    old: &dyn Store,
    new: &dyn Store,
    tenant: &TenantId,
    day: i64,
    now_ms: i64,
) -> Result<MovedDay, MigrateError> {
    let from = day.saturating_mul(DAY_NS);
    let range = TimeRange { from: EventTime(from), until: EventTime(from.saturating_add(DAY_NS)) };
    let events = count(old, tenant, range).await?;
    let mut brought = 0;
    if events != count(new, tenant, range).await? {
        brought = copy(old, new, tenant, range, now_ms).await?;
        let there = count(new, tenant, range).await?;
        if there != events {
            return Err(MigrateError::Differs {
                tenant: tenant.clone(),
                day,
                old: events,
                new: there,
            });
        }
    }
    Ok(MovedDay { day, events, brought })
}

async fn count(store: &dyn Store, tenant: &TenantId, range: TimeRange) -> Result<u64, StoreError> {
    let query = HistogramQuery {
        range,
        filter: Filter::default(),
        interval_s: 86_400,
        group: None,
        max_groups: 1,
        budget: UNBOUNDED,
    };
    let histogram = store.histogram(tenant, query).await?;
    if histogram.exactness != Exactness::Exact {
        return Err(StoreError::Failed { reason: "a day could not be counted".to_owned() });
    }
    Ok(histogram.series.iter().flat_map(|series| &series.counts).sum())
}

async fn copy(
    old: &dyn Store,
    new: &dyn Store,
    tenant: &TenantId,
    range: TimeRange,
    now_ms: i64,
) -> Result<u64, StoreError> {
    let (mut after, mut chunk, mut brought) = (None, Vec::new(), 0_u64);
    loop {
        let filter = Filter::default();
        let query = PageQuery { range, filter, limit: MAX_PAGE_EVENTS, after, budget: UNBOUNDED };
        let page = old.page(tenant, query).await?;
        chunk.extend(page.events.into_iter().map(|stored| stored.event));
        let is_last = page.next.is_none();
        if is_last || chunk.len() >= CHUNK_EVENTS {
            brought =
                brought.saturating_add(put(new, tenant, std::mem::take(&mut chunk), now_ms).await?);
        }
        if is_last {
            return Ok(brought);
        }
        after = page.next;
    }
}

/// Stores a chunk as a batch of its own.
async fn put(
    store: &dyn Store,
    tenant: &TenantId,
    events: Vec<NewEvent>,
    now_ms: i64,
) -> Result<u64, StoreError> {
    if events.is_empty() {
        return Ok(0);
    }
    let mut hash = Sha256::new_with_prefix(b"wafpass migrate");
    events.iter().for_each(|event| hash.update(event.id.0));
    let bytes = events.iter().map(|event| u64::try_from(event.bytes()).unwrap_or(u64::MAX)).sum();
    let batch = store.begin(tenant, Intake::Native)?;
    let Written { stored, repeated } = store.write(batch, events).await?;
    if stored == 0 {
        store.abort(batch);
        return Ok(0);
    }
    let record = BatchRecord {
        tenant: tenant.clone(),
        intake: Intake::Native,
        key: BatchKey::Content,
        body_hash: hash.finalize().into(),
        received_ms: now_ms,
        counts: BatchCounts { stored, repeated, quarantined: 0, bytes },
        quarantined: Vec::new(),
    };
    store.commit(batch, record).await.inspect_err(|_| store.abort(batch))?;
    Ok(stored)
}
