//! The writing side: threads that alone write to partition files.
//!
//! A tenant's partitions belong to one thread. It takes what waits in its queue as a group: one synced
//! transaction for each file, then one in the ledger for all batches that are to be committed. What takes long
//! (indexes, deletions, merging) is cut into steps, between which the queue has its turn.

mod cache;
mod close;
mod commit;
mod day;
mod erase;
mod insert;
mod merge;
mod recover;
mod seal;
mod segment;
mod tasks;
#[cfg(test)]
mod tests;
mod worker;

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

pub(super) use self::close::{Fingerprint, List, make_lists};
use self::recover::Leftovers;
use self::worker::Worker;
use super::SqliteOptions;
use super::error;
use super::partitions::{Partition, Partitions};
use crate::clock::monotonic;
use crate::collector::catalogue::{BatchRecord, Ledger};
use crate::collector::limits::{CHUNK_BYTES, CHUNK_EVENTS};
use crate::collector::query::{Snapshot, TimeRange};
use crate::collector::store::{BatchId, StoreError, Visibility, Written};
use crate::collector::{EventTime, NewEvent, TenantId, telemetry};

/// Threads that write. Two, so that one tenant's slow file does not stop all others.
const WRITERS: usize = 2;
/// Full chunks that may wait for a writer, or as many events in smaller ones: with the chunks that are being
/// made they bound the memory.
const QUEUED_CHUNKS: usize = 4;
/// Batch numbers that are reserved in the ledger at a time: one sync for each.
const RESERVED_NUMBERS: u64 = 4_096;
/// Batches of one tenant that were given up and whose rows cannot be deleted, until it gets no new ones: its
/// broken file does not take the numbers of others.
const MAX_STUCK: usize = 8;

/// Whether background work has more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    More,
    Done,
}

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What a writer is asked to do.
#[derive(Debug)]
enum Job {
    Write {
        batch: BatchId,
        events: Vec<NewEvent>,
        reply: Reply<Written>,
        permit: OwnedSemaphorePermit,
    },
    Commit {
        batch: BatchId,
        record: Box<BatchRecord>,
        reply: Reply<()>,
    },
    Abort {
        batch: BatchId,
    },
    AbortTenant {
        tenant: TenantId,
    },
    Delete {
        partition: Arc<Partition>,
        range: TimeRange,
        visible: Snapshot,
        reply: Reply<u64>,
    },
    Release {
        partition: Arc<Partition>,
        release: Release,
        reply: Reply<u64>,
    },
    Maintain {
        now: EventTime,
        reply: Reply<Vec<Wanted>>,
    },
    Lists {
        wanted: Wanted,
        lists: Vec<List>,
        reply: Reply<()>,
    },
    Reserve,
    Close {
        reply: Reply<()>,
    },
}

/// When a partition may be let go of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Release {
    /// When no batch that is pending has events in it; otherwise the answer is
    /// [`StoreError::Conflict`].
    WhenSettled,
    /// In any case.
    Always,
}

/// A partition that is ready for its lists.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) partition: Arc<Partition>,
    pub(super) made_of: Fingerprint,
}

/// What the front and the writers share.
#[derive(Debug)]
struct Shared {
    partitions: Arc<Partitions>,
    visibility: Arc<Visibility>,
    ledger: Arc<dyn Ledger>,
    options: SqliteOptions,
    /// Batches under way, with whose they are.
    open: Mutex<HashMap<BatchId, TenantId>>,
    /// Batches that were given up and cannot be deleted now.
    stuck: Mutex<HashMap<BatchId, TenantId>>,
    /// The last batch number that may be given out.
    reserved: AtomicU64,
    reserving: AtomicBool,
}

impl Shared {
    fn with_open<T>(&self, act: impl FnOnce(&mut HashMap<BatchId, TenantId>) -> T) -> T {
        act(&mut self.open.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn with_stuck<T>(&self, act: impl FnOnce(&mut HashMap<BatchId, TenantId>) -> T) -> T {
        act(&mut self.stuck.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has more numbers reserved.
    fn reserve(&self) -> Result<(), StoreError> {
        let base = self.ledger.reserve(RESERVED_NUMBERS)?;
        self.reserved.fetch_max(base.saturating_add(RESERVED_NUMBERS), Ordering::AcqRel);
        Ok(())
    }
}

/// The writers, from outside.
#[derive(Debug)]
pub(super) struct Writers {
    shared: Arc<Shared>,
    threads: Vec<Thread>,
}

#[derive(Debug)]
struct Thread {
    jobs: Option<mpsc::UnboundedSender<Job>>,
    room: Arc<Semaphore>,
    handle: Option<JoinHandle<()>>,
}

impl Writers {
    /// Clears what a crash left, and starts.
    pub(super) fn start(
        partitions: Arc<Partitions>,
        ledger: Arc<dyn Ledger>,
        options: SqliteOptions,
    ) -> Result<(Self, Arc<Visibility>), StoreError> {
        let base = ledger.reserve(RESERVED_NUMBERS)?;
        let visibility = Arc::new(Visibility::new(base));
        let leftovers = recover::recover_all(&partitions, &options, &*ledger, &visibility)?;
        let shared = Arc::new(Shared {
            partitions,
            visibility: Arc::clone(&visibility),
            ledger,
            options,
            open: Mutex::default(),
            stuck: Mutex::default(),
            reserved: AtomicU64::new(base.saturating_add(RESERVED_NUMBERS)),
            reserving: AtomicBool::new(false),
        });
        let threads = (0..WRITERS).map(|number| Thread::start(number, &shared, &leftovers));
        Ok((Self { threads: threads.collect::<Result<_, _>>()?, shared }, visibility))
    }

    /// Gives out a number for a batch.
    pub(super) fn begin(&self, tenant: &TenantId) -> Result<BatchId, StoreError> {
        let stuck =
            self.shared.with_stuck(|stuck| stuck.values().filter(|of| *of == tenant).count());
        if stuck >= MAX_STUCK {
            return Err(StoreError::Busy);
        }
        let batch = self.shared.visibility.begin()?;
        let reserved = self.shared.reserved.load(Ordering::Acquire);
        if batch.0.saturating_add(RESERVED_NUMBERS / 2) > reserved
            && !self.shared.reserving.swap(true, Ordering::AcqRel)
            && let Err(closed) = self.send(tenant, Job::Reserve)
        {
            self.shared.reserving.store(false, Ordering::Release);
            self.shared.visibility.forget(batch);
            return Err(closed);
        }
        if batch.0 > reserved {
            self.shared.visibility.forget(batch);
            return Err(StoreError::Busy);
        }
        self.shared.with_open(|open| open.insert(batch, tenant.clone()));
        Ok(batch)
    }

    /// Queues a chunk, waits for room before and for the sync after.
    pub(super) async fn write(
        &self,
        batch: BatchId,
        events: Vec<NewEvent>,
    ) -> Result<Written, StoreError> {
        let tenant = self.tenant_of(batch)?;
        let thread = self.thread_of(&tenant).ok_or(StoreError::Closed)?;
        let free = thread.room.available_permits() / CHUNK_EVENTS;
        telemetry::writer_queue(QUEUED_CHUNKS.saturating_sub(free));
        let room = Arc::clone(&thread.room).acquire_many_owned(weight(&events)).await;
        let permit = room.map_err(|_closed| StoreError::Closed)?;
        self.ask(&tenant, |reply| Job::Write { batch, events, reply, permit }).await
    }

    /// Queues a commit and waits for it.
    pub(super) async fn commit(
        &self,
        batch: BatchId,
        record: BatchRecord,
    ) -> Result<(), StoreError> {
        let tenant = self.tenant_of(batch)?;
        self.ask(&tenant, |reply| Job::Commit { batch, record: Box::new(record), reply }).await
    }

    /// Gives a batch up.
    pub(super) fn abort(&self, batch: BatchId) {
        if let Ok(tenant) = self.tenant_of(batch) {
            // A closed writer gives up all that is open by itself.
            let _ = self.send(&tenant, Job::Abort { batch });
        }
    }

    /// Gives up all batches of a tenant.
    pub(super) fn abort_tenant(&self, tenant: &TenantId) -> Result<(), StoreError> {
        self.send(tenant, Job::AbortTenant { tenant: tenant.clone() })
    }

    /// Deletes events of one partition, step by step, and answers how many.
    pub(super) async fn delete(
        &self,
        partition: &Arc<Partition>,
        range: TimeRange,
        visible: Snapshot,
    ) -> Result<u64, StoreError> {
        let tenant = partition.tenant();
        let partition = Arc::clone(partition);
        self.ask(tenant, |reply| Job::Delete { partition, range, visible, reply }).await
    }

    /// Lets go of a partition that is to be unlinked: nobody can begin to read or write it any more. Answers how
    /// many events could be seen in it.
    pub(super) async fn release(
        &self,
        partition: &Arc<Partition>,
        release: Release,
    ) -> Result<u64, StoreError> {
        let tenant = partition.tenant();
        let partition = Arc::clone(partition);
        self.ask(tenant, |reply| Job::Release { partition, release, reply }).await
    }

    /// Tidies up, and answers which partitions are ready for their lists.
    pub(super) async fn maintain(&self, now: EventTime) -> Result<Vec<Wanted>, StoreError> {
        let mut wanted = Vec::new();
        for thread in &self.threads {
            wanted.extend(thread.ask(|reply| Job::Maintain { now, reply }).await?);
        }
        Ok(wanted)
    }

    /// Stores the lists of a partition and closes it.
    pub(super) async fn finish_closing(
        &self,
        wanted: Wanted,
        lists: Vec<List>,
    ) -> Result<(), StoreError> {
        let tenant = wanted.partition.tenant().clone();
        self.ask(&tenant, |reply| Job::Lists { wanted, lists, reply }).await
    }

    /// Whether each thread takes in what it is asked: one that has ended answers nothing any more.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let takes_in = |thread: &Thread| thread.jobs.as_ref().is_some_and(|jobs| !jobs.is_closed());
        if self.threads.iter().all(takes_in) { Ok(()) } else { Err(StoreError::Closed) }
    }

    /// Finishes what is queued, gives up what is not committed, and closes all files.
    pub(super) async fn close(&self) -> Result<(), StoreError> {
        for thread in &self.threads {
            match thread.ask(|reply| Job::Close { reply }).await {
                Err(StoreError::Closed) | Ok(()) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    fn tenant_of(&self, batch: BatchId) -> Result<TenantId, StoreError> {
        self.shared.with_open(|open| open.get(&batch).cloned()).ok_or(StoreError::NoSuchBatch)
    }

    fn thread_of(&self, tenant: &TenantId) -> Option<&Thread> {
        self.threads.get(thread_number(tenant))
    }

    fn send(&self, tenant: &TenantId, job: Job) -> Result<(), StoreError> {
        self.thread_of(tenant).ok_or(StoreError::Closed)?.send(job)
    }

    async fn ask<T>(
        &self,
        tenant: &TenantId,
        job: impl FnOnce(Reply<T>) -> Job,
    ) -> Result<T, StoreError> {
        self.thread_of(tenant).ok_or(StoreError::Closed)?.ask(job).await
    }
}

impl Drop for Writers {
    fn drop(&mut self) {
        for thread in &mut self.threads {
            thread.jobs = None;
        }
        for handle in self.threads.iter_mut().filter_map(|thread| thread.handle.take()) {
            // A thread that panicked has said so already.
            let _ = handle.join();
        }
    }
}

impl Thread {
    fn start(
        number: usize,
        shared: &Arc<Shared>,
        leftovers: &Leftovers,
    ) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::unbounded_channel();
        let worker = Worker::new(number, Arc::clone(shared), leftovers);
        let handle = std::thread::Builder::new()
            .name(format!("wafpass-store-{number}"))
            .spawn(move || worker.run(queue))
            .map_err(|error| error::of_io(&error, "thread".as_ref()))?;
        let room = Arc::new(Semaphore::new(QUEUED_CHUNKS.saturating_mul(CHUNK_EVENTS)));
        Ok(Self { jobs: Some(jobs), room, handle: Some(handle) })
    }

    fn send(&self, job: Job) -> Result<(), StoreError> {
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        jobs.send(job).map_err(|_closed| StoreError::Closed)
    }

    async fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(job(reply))?;
        answer.await.map_err(|_dropped| StoreError::Closed)?
    }
}

/// How much of the queue a chunk takes: its events, or its bytes where they are larger than most.
fn weight(events: &[NewEvent]) -> u32 {
    let bytes: usize = events.iter().map(NewEvent::bytes).sum();
    let of_bytes = bytes / (CHUNK_BYTES / CHUNK_EVENTS);
    u32::try_from(events.len().max(of_bytes).clamp(1, CHUNK_EVENTS)).unwrap_or(1)
}

/// How long ago a moment was.
fn since(moment: Instant) -> Duration {
    monotonic().saturating_duration_since(moment)
}

/// Which thread a tenant's partitions belong to.
fn thread_number(tenant: &TenantId) -> usize {
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(tenant.as_str());
    usize::try_from(hash).unwrap_or_default() % WRITERS
}
