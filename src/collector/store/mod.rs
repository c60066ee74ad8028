//! Where events are kept: one trait, and what its implementations have in common.

#[cfg(feature = "clickhouse")]
pub mod clickhouse;
pub mod migrate;
pub mod sqlite;
mod visibility;

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use thiserror::Error;
use tokio::sync::watch;

pub use self::visibility::Visibility;
use super::catalogue::BatchRecord;
use super::query::{
    Histogram, HistogramQuery, Page, PageQuery, Snapshot, TimeRange, Top, TopQuery,
};
use super::{EventId, EventTime, Intake, NewEvent, StoredEvent, TenantId};
use crate::collector::query::Filter;

/// An answer that comes later.
pub type Answer<'s, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 's>>;

/// Events by tenant, written in batches, visible all at once.
///
/// A batch goes `begin`, any number of `write`, then `commit` or `abort`. What `commit` has answered is
/// durable: it survives kill -9 and a loss of power. Until then no query sees any of it, and what is left of
/// it after a crash is deleted when the store is opened.
///
/// Every query names its tenant, and sees nothing of another.
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// A number for a new batch.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] while [`MAX_OPEN_BATCHES`](super::limits::MAX_OPEN_BATCHES) are under way.
    fn begin(&self, tenant: &TenantId, intake: Intake) -> Result<BatchId, StoreError>;

    /// Stores some events of a batch, [`CHUNK_EVENTS`](super::limits::CHUNK_EVENTS) or so. Waits for room in the writer's queue: that is how
    /// a slow disk slows its senders.
    ///
    /// An event whose id is already stored at its moment, by a committed batch or by this one, is left
    /// out and counted as a repeat. One that is stored by another batch under way is a
    /// [`Conflict`](StoreError::Conflict): that batch may still be given up.
    ///
    /// After an error the batch can only be given up: later calls get [`StoreError::NoSuchBatch`].
    fn write(&self, batch: BatchId, events: Vec<NewEvent>) -> Answer<'_, Written>;

    /// Makes a batch durable and visible, with its record. The record's numbers are what `write`
    /// reported, added up. After an error other than [`StoreError::NoSuchBatch`] the batch is still under way.
    fn commit(&self, batch: BatchId, record: BatchRecord) -> Answer<'_, ()>;

    /// Gives a batch up. Its rows are deleted in the background. To call it twice or for an unknown batch does nothing.
    fn abort(&self, batch: BatchId);

    /// A page of events.
    fn page<'s>(&'s self, tenant: &'s TenantId, query: PageQuery) -> Answer<'s, Page>;

    /// One event; the newest, where one id stands at several moments. With its moment it is found at
    /// once; by its id alone, every partition has to be asked.
    fn event<'s>(
        &'s self,
        tenant: &'s TenantId,
        id: EventId,
        at: Option<EventTime>,
    ) -> Answer<'s, Option<StoredEvent>>;

    /// Counts by interval.
    fn histogram<'s>(
        &'s self,
        tenant: &'s TenantId,
        query: HistogramQuery,
    ) -> Answer<'s, Histogram>;

    /// The most frequent values of a field.
    fn top<'s>(&'s self, tenant: &'s TenantId, query: TopQuery) -> Answer<'s, Top>;

    /// What became visible since a snapshot: events of batches that it does not contain, by batch, time
    /// and id, ascending, `limit` at most, with the snapshot up to which all were given. Where more than
    /// `limit` are waiting, or more than [`MAX_PAGE_BYTES`](super::limits::MAX_PAGE_BYTES) of them, the last are
    /// given and the others counted: with a filter, those that it would have left out may be counted too; where
    /// there are so many that to count them takes too long, some are not.
    fn since<'s>(
        &'s self,
        tenant: &'s TenantId,
        since: Snapshot,
        filter: Filter,
        limit: usize,
    ) -> Answer<'s, Fresh>;

    /// What is visible now.
    fn snapshot(&self) -> Snapshot;

    /// Changes with every commit.
    fn commits(&self) -> watch::Receiver<u64>;

    /// Deletes the events of a time range that are visible now, and answers when they are gone from
    /// every query, that of an old cursor too. Batches under way are spared. What was deleted can be
    /// stored again.
    fn delete<'s>(&'s self, tenant: &'s TenantId, range: TimeRange) -> Answer<'s, Deleted>;

    /// Deletes whole days that ended by a moment: retention. What batches under way have in such a day may
    /// go with it.
    fn expire<'s>(&'s self, tenant: &'s TenantId, before: super::EventTime) -> Answer<'s, Deleted>;

    /// Deletes all that a tenant has.
    fn delete_tenant<'s>(&'s self, tenant: &'s TenantId) -> Answer<'s, Deleted>;

    /// What a tenant has stored.
    fn usage<'s>(&'s self, tenant: &'s TenantId) -> Answer<'s, Usage>;

    /// Bytes that a tenant takes: what its quota is held against. Cheap enough to be asked while events come in.
    /// What cannot be read counts as far as its size can be told: a damaged part is no error.
    fn stored_bytes<'s>(&'s self, tenant: &'s TenantId) -> Answer<'s, u64>;

    /// Says how many days a tenant's events are kept, for a store that drops them by itself where nobody calls
    /// [`expire`](Self::expire) any more. To be called at the start and after each change.
    fn retain<'s>(&'s self, tenant: &'s TenantId, days: u32) -> Answer<'s, ()> {
        let _ = (tenant, days);
        Box::pin(std::future::ready(Ok(())))
    }

    /// Work for quiet minutes: closes partitions, merges roll-ups. `now` is the collector's time.
    fn maintain(&self, now: super::EventTime) -> Answer<'_, ()>;

    /// Whether batches can be taken in right now.
    fn ready(&self) -> Answer<'_, ()>;

    /// Finishes what was handed over and closes the files. Later calls are answered with
    /// [`StoreError::Closed`].
    fn close(&self) -> Answer<'_, ()>;
}

/// A batch that was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId(pub u64);

/// What became of a chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Events that were stored.
    pub stored: u64,
    /// Events that were there already.
    pub repeated: u64,
}

/// What a deletion took away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Events.
    pub events: u64,
    /// Partitions that went as a whole.
    pub partitions: u64,
}

/// What a tenant has stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Events that queries can see.
    pub events: u64,
    /// Bytes on the disk.
    pub bytes: u64,
    /// Partitions: days, mostly.
    pub partitions: u64,
    /// The time of the oldest and of the newest event that queries can see.
    pub span: Option<(super::EventTime, super::EventTime)>,
}

/// What came in since a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fresh {
    /// The events, oldest batch first.
    pub events: Vec<StoredEvent>,
    /// How many were left out for the limit; fewer than there are where they are too many to count.
    pub skipped: u64,
    /// From where to ask next.
    pub snapshot: Snapshot,
}

/// Why a store cannot do what was asked.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Too much is under way; nothing of this was stored.
    #[error("the collector is busy\nsend it again after a pause")]
    Busy,
    /// The disk, or the space given to the store, is full; nothing of this was stored.
    #[error("the store has no space left\nfree some, shorten the retention or give it more")]
    Full,
    /// The store cannot be reached or does not answer; nothing of this was stored.
    #[error("the store does not answer: {reason}\nsend it again after a pause")]
    Unavailable {
        /// What happened.
        reason: String,
    },
    /// Another batch, not yet committed, holds some of the same events.
    #[error("the same events are arriving in another batch\nsend it again after a pause")]
    Conflict,
    /// The batch is not under way: never begun, committed, or given up.
    #[error("there is no such batch under way\nbegin a new one")]
    NoSuchBatch,
    /// A file of the store is damaged. What else it holds can be read.
    #[error(
        "{path} is damaged: {reason}\nrestore it from a backup, or move it away to go on without it"
    )]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of the store was written by another version.
    #[error(
        "{path} has schema {found}, this build knows up to {known}\nrun the version of wafpass that wrote it, or a later one"
    )]
    Newer {
        /// The file or database.
        path: String,
        /// Its schema.
        found: u32,
        /// The newest that this build knows.
        known: u32,
    },
    /// The store is closing.
    #[error("the store is closed\nstart the collector again")]
    Closed,
    /// Something failed that should not.
    #[error("the store failed: {reason}\nsee the collector's log")]
    Failed {
        /// What happened. It names no secret and no event's text.
        reason: String,
    },
}
