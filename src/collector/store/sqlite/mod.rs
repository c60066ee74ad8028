//! Events in SQLite: a file for each tenant and UTC day.
//!
//! ```text
//! events/<tenant>/<YYYY-MM-DD>.sqlite3     rows in segments, counts, lists; see `schema`
//! events/<tenant>/<YYYY-MM-DD>.unsettled   stands there while batches in the file may be undecided, and beside
//!                                          an older day until it is closed
//! events.lock                              locked while a process has the store open
//! ```
//!
//! A chunk is synced into its partitions before its batch can be committed. The commit itself is one
//! transaction of the [`Ledger`]: with it, the batch is there, in all its partitions; without it, the next start
//! deletes what there is. Midnight in the middle of a batch is nothing special.
//!
//! Retention unlinks files. A day that is over gets its last indexes and its lists of frequent values.

mod bloom;
mod error;
mod partitions;
mod read;
mod rollup;
mod schema;
mod write;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;
use tokio::task::spawn_blocking;

use self::partitions::{Partition, Partitions};
use self::read::Reader;
use self::write::{Release, Writers};
use super::{Answer, BatchId, Deleted, Fresh, Store, StoreError, Usage, Visibility, Written};
use crate::collector::catalogue::{BatchRecord, Ledger};
use crate::collector::limits::{OPEN_PARTITIONS, SEGMENT_ROWS};
use crate::collector::query::{
    Filter, Histogram, HistogramQuery, Page, PageQuery, Snapshot, TimeRange, Top, TopQuery,
};
use crate::collector::{EventId, EventTime, Intake, NewEvent, StoredEvent, TenantId};

const NS_PER_DAY: i64 = 86_400_000_000_000;
/// Free space below which nothing more is taken in: room for the journals of what is under way, and for
/// deleting, which writes before it frees.
const MIN_FREE_BYTES: u64 = 64 << 20;

/// How a store works. The defaults were measured; tests make everything small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// Rows of a segment: what a search without an index has to read of the newest events, and how much is
    /// indexed at a time.
    pub segment_rows: usize,
    /// Partition files that are open for writing at once; each has a page cache of 8 MiB at most.
    pub open_partitions: usize,
    /// Pages of 8 KiB that a partition may grow to; `None` for what the disk has.
    pub max_partition_pages: Option<u32>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            segment_rows: SEGMENT_ROWS,
            open_partitions: OPEN_PARTITIONS,
            max_partition_pages: None,
        }
    }
}

/// Events in SQLite files below one folder.
#[derive(Debug)]
pub struct SqliteStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    partitions: Arc<Partitions>,
    visibility: Arc<Visibility>,
    reader: Reader,
    writers: Writers,
    closed: AtomicBool,
    removing: tokio::sync::Mutex<()>,
    /// Held while the store is open: no other process writes here.
    _lock: File,
}

impl SqliteStore {
    /// Opens the store below a data folder, and deletes what a crash left of batches that were never committed.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`] when the folder cannot be used, or another process does;
    /// [`StoreError::Full`]. A single damaged partition is no error: its day alone cannot be used.
    pub fn open(folder: &Path, ledger: Arc<dyn Ledger>) -> Result<Self, StoreError> {
        Self::open_with(folder, ledger, SqliteOptions::default())
    }

    /// The same, with options.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open).
    pub fn open_with(
        folder: &Path,
        ledger: Arc<dyn Ledger>,
        options: SqliteOptions,
    ) -> Result<Self, StoreError> {
        let folder = folder.join("events");
        partitions::make_folder(&folder)?;
        // Before the look at what is there: another process could still be adding to it.
        let lock = lock(&folder)?;
        let partitions = Arc::new(Partitions::scan(&folder)?);
        let (writers, visibility) = Writers::start(Arc::clone(&partitions), ledger, options)?;
        partitions.note_found(visibility.snapshot().last);
        let reader = Reader::new(Arc::clone(&partitions), Arc::clone(&visibility));
        let closed = AtomicBool::new(false);
        let removing = tokio::sync::Mutex::default();
        let inner = Inner {
            folder,
            partitions,
            visibility,
            reader,
            writers,
            closed,
            removing,
            _lock: lock,
        };
        Ok(Self { inner: Arc::new(inner) })
    }
}

fn lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.with_extension("lock");
    partitions::create_file(&path)?;
    let file = File::open(&path).map_err(|error| error::of_io(&error, &path))?;
    file.try_lock().map_err(|_taken| StoreError::Failed {
        reason: format!("another process has {} open", folder.display()),
    })?;
    Ok(file)
}

impl Inner {
    fn open(&self) -> Result<&Self, StoreError> {
        if self.closed.load(Ordering::Acquire) { Err(StoreError::Closed) } else { Ok(self) }
    }

    /// Unlinks a partition when nobody reads it any more. Answers how many events could be seen in it;
    /// `None` when it is gone already.
    async fn remove(
        &self,
        partition: &Arc<Partition>,
        release: Release,
    ) -> Result<Option<u64>, StoreError> {
        // One at a time: the name could be in use again.
        let _alone = self.removing.lock().await;
        let known = self.partitions.get(partition.tenant(), partition.day());
        if !known.is_some_and(|known| Arc::ptr_eq(&known, partition)) {
            return Ok(None);
        }
        let rows = self.writers.release(partition, release).await?;
        self.reader.forget(partition);
        partition.wait_for_readers().await;
        self.reader.forget(partition);
        let (partitions, partition) = (Arc::clone(&self.partitions), Arc::clone(partition));
        blocking(move || partitions.unlink(&partition)).await?;
        Ok(Some(rows))
    }

    async fn remove_all(&self, partitions: Vec<Arc<Partition>>) -> Result<Deleted, StoreError> {
        let mut deleted = Deleted::default();
        let mut failure = None;
        for partition in partitions {
            match self.remove(&partition, Release::Always).await {
                Ok(rows) => deleted.add(rows.unwrap_or_default(), u64::from(rows.is_some())),
                // One file that resists keeps no other.
                Err(error) => failure = Some(error),
            }
        }
        failure.map_or(Ok(deleted), Err)
    }

    async fn delete(&self, tenant: &TenantId, range: TimeRange) -> Result<Deleted, StoreError> {
        let mut deleted = Deleted::default();
        for partition in self.partitions.of(tenant) {
            let day = day_range(partition.day());
            let part = range.within(day);
            if part.is_empty() {
                continue;
            }
            if part == day {
                match self.remove(&partition, Release::WhenSettled).await {
                    Ok(rows) => {
                        deleted.add(rows.unwrap_or_default(), u64::from(rows.is_some()));
                        continue;
                    }
                    // A batch under way has events there: they are spared.
                    Err(StoreError::Conflict) => {}
                    Err(other) => return Err(other),
                }
            }
            let visible = self.visibility.snapshot();
            deleted.add(self.writers.delete(&partition, part, visible).await?, 0);
        }
        Ok(deleted)
    }

    async fn delete_tenant(&self, tenant: &TenantId) -> Result<Deleted, StoreError> {
        self.writers.abort_tenant(tenant)?;
        let deleted = self.remove_all(self.partitions.of(tenant)).await?;
        let (partitions, tenant) = (Arc::clone(&self.partitions), tenant.clone());
        blocking(move || partitions.forget_tenant(&tenant)).await?;
        Ok(deleted)
    }

    async fn expire(&self, tenant: &TenantId, before: EventTime) -> Result<Deleted, StoreError> {
        let mut old = self.partitions.of(tenant);
        old.retain(|partition| day_range(partition.day()).until <= before);
        self.remove_all(old).await
    }

    async fn maintain(&self, now: EventTime) -> Result<(), StoreError> {
        for wanted in self.writers.maintain(now).await? {
            let Ok(Some(lease)) = wanted.partition.lease() else { continue };
            let made_of = wanted.made_of;
            let lists = blocking(move || write::make_lists(lease.path(), made_of)).await;
            let done = match lists {
                Ok(Some(lists)) => self.writers.finish_closing(wanted, lists).await,
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            };
            if let Err(error) = done {
                tracing::warn!(%error, "a day cannot be closed yet");
            }
        }
        Ok(())
    }

    fn check_space(&self) -> Result<(), StoreError> {
        let space = rustix::fs::statvfs(&self.folder);
        let space = space.map_err(|error| error::of_io(&error.into(), &self.folder))?;
        if space.f_bavail.saturating_mul(space.f_frsize) < MIN_FREE_BYTES {
            return Err(StoreError::Full);
        }
        Ok(())
    }
}

impl Deleted {
    const fn add(&mut self, events: u64, partitions: u64) {
        self.events = self.events.saturating_add(events);
        self.partitions = self.partitions.saturating_add(partitions);
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    spawn_blocking(work).await.map_err(|_ended| StoreError::Closed)?
}

/// Runs to its end even when nobody waits any more: half a removal would keep a day locked.
async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::spawn(work).await.map_err(|_ended| StoreError::Closed)?
}

const fn day_range(day: i64) -> TimeRange {
    let from = day.saturating_mul(NS_PER_DAY);
    TimeRange { from: EventTime(from), until: EventTime(from.saturating_add(NS_PER_DAY)) }
}

impl Store for SqliteStore {
    fn begin(&self, tenant: &TenantId, _intake: Intake) -> Result<BatchId, StoreError> {
        self.inner.open()?.writers.begin(tenant)
    }

    fn write(&self, batch: BatchId, events: Vec<NewEvent>) -> Answer<'_, Written> {
        Box::pin(async move { self.inner.open()?.writers.write(batch, events).await })
    }

    fn commit(&self, batch: BatchId, record: BatchRecord) -> Answer<'_, ()> {
        Box::pin(async move { self.inner.open()?.writers.commit(batch, record).await })
    }

    fn abort(&self, batch: BatchId) {
        self.inner.writers.abort(batch);
    }

    fn page<'s>(&'s self, tenant: &'s TenantId, query: PageQuery) -> Answer<'s, Page> {
        Box::pin(async move { self.inner.open()?.reader.page(tenant, query).await })
    }

    fn event<'s>(
        &'s self,
        tenant: &'s TenantId,
        id: EventId,
        at: Option<EventTime>,
    ) -> Answer<'s, Option<StoredEvent>> {
        Box::pin(async move { self.inner.open()?.reader.event(tenant, id, at).await })
    }

    fn histogram<'s>(
        &'s self,
        tenant: &'s TenantId,
        query: HistogramQuery,
    ) -> Answer<'s, Histogram> {
        Box::pin(async move { self.inner.open()?.reader.histogram(tenant, query).await })
    }

    fn top<'s>(&'s self, tenant: &'s TenantId, query: TopQuery) -> Answer<'s, Top> {
        Box::pin(async move { self.inner.open()?.reader.top(tenant, query).await })
    }

    fn since<'s>(
        &'s self,
        tenant: &'s TenantId,
        since: Snapshot,
        filter: Filter,
        limit: usize,
    ) -> Answer<'s, Fresh> {
        Box::pin(async move { self.inner.open()?.reader.since(tenant, since, filter, limit).await })
    }

    fn snapshot(&self) -> Snapshot {
        self.inner.visibility.snapshot()
    }

    fn commits(&self) -> watch::Receiver<u64> {
        self.inner.visibility.commits()
    }

    fn delete<'s>(&'s self, tenant: &'s TenantId, range: TimeRange) -> Answer<'s, Deleted> {
        let (inner, tenant) = (Arc::clone(&self.inner), tenant.clone());
        Box::pin(to_the_end(async move { inner.open()?.delete(&tenant, range).await }))
    }

    fn expire<'s>(&'s self, tenant: &'s TenantId, before: EventTime) -> Answer<'s, Deleted> {
        let (inner, tenant) = (Arc::clone(&self.inner), tenant.clone());
        Box::pin(to_the_end(async move { inner.open()?.expire(&tenant, before).await }))
    }

    fn delete_tenant<'s>(&'s self, tenant: &'s TenantId) -> Answer<'s, Deleted> {
        let (inner, tenant) = (Arc::clone(&self.inner), tenant.clone());
        Box::pin(to_the_end(async move { inner.open()?.delete_tenant(&tenant).await }))
    }

    fn usage<'s>(&'s self, tenant: &'s TenantId) -> Answer<'s, Usage> {
        Box::pin(async move { self.inner.open()?.reader.usage(tenant).await })
    }

    fn stored_bytes<'s>(&'s self, tenant: &'s TenantId) -> Answer<'s, u64> {
        Box::pin(async move { self.inner.open()?.reader.stored_bytes(tenant).await })
    }

    fn maintain(&self, now: EventTime) -> Answer<'_, ()> {
        Box::pin(async move { self.inner.open()?.maintain(now).await })
    }

    fn ready(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            let inner = self.inner.open()?;
            inner.writers.check()?;
            inner.check_space()
        })
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            self.inner.closed.store(true, Ordering::Release);
            self.inner.reader.close();
            self.inner.writers.close().await
        })
    }
}
