//! A writer's thread: what waits in its queue, as a group; then some background work; and again.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::mpsc::error::TryRecvError;

use super::super::partitions::Partition;
use super::cache::{Cache, Key, key_of};
use super::commit::Commit;
use super::day::Day;
use super::insert::Part;
use super::recover::{self, Leftovers};
use super::tasks::Task;
use super::{Job, Reply, Shared, WRITERS, since, thread_number};
use crate::clock::monotonic;
use crate::collector::NewEvent;
use crate::collector::query::Snapshot;
use crate::collector::store::{BatchId, StoreError, Written};

/// Events of one group: those that wait for an answer wait for all of them.
const GROUP_EVENTS: usize = 20_000;
/// Days of one chunk that are written at a time. A chunk may hold hundreds of days, each with a file of its
/// own to open and sync: others get their turn in between.
const DAYS_PER_ROUND: usize = 8;
/// How long a batch has to have been visible before its counts are merged: a query that began before it
/// was visible has ended, or has its own view of the file.
const MERGE_AFTER: Duration = Duration::from_secs(5);

/// The state of a writer's thread.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) shared: Arc<Shared>,
    pub(super) days: Cache,
    /// Chunks that are not written to the end.
    writes: Vec<Writing>,
    /// What has to be known about the batches under way.
    pub(super) batches: HashMap<BatchId, Progress>,
    pub(super) tasks: VecDeque<Task>,
    /// Work that failed, for another try when the next maintenance comes.
    pub(super) stuck: Vec<Task>,
    /// Partitions that are still to be closed.
    pub(super) unclosed: BTreeMap<Key, Arc<Partition>>,
    /// What could be seen some seconds ago, and a moment ago.
    seen: (Snapshot, Snapshot),
    seen_at: Instant,
    /// Who waits for the end.
    pub(super) closing: Option<Reply<()>>,
    number: usize,
}

/// A batch under way.
#[derive(Debug, Default)]
pub(super) struct Progress {
    chunks: i64,
    /// The days that it has rows in.
    pub(super) days: BTreeSet<i64>,
    /// Whether a commit failed in a way that leaves open whether the ledger has it.
    pub(super) in_doubt: bool,
}

/// A chunk that is being written.
#[derive(Debug)]
struct Writing {
    batch: BatchId,
    chunk: i64,
    /// By time and id.
    events: Vec<NewEvent>,
    /// The first one that is not written.
    next: usize,
    outcome: Result<Written, StoreError>,
    reply: Option<Reply<Written>>,
    _permit: OwnedSemaphorePermit,
}

impl Writing {
    fn is_done(&self) -> bool {
        self.outcome.is_err() || self.next >= self.events.len()
    }

    /// The days that come next, with which events belong to each.
    fn next_days(&self) -> Vec<(i64, Range<usize>)> {
        let mut days = Vec::new();
        let mut start = self.next;
        let rest = self.events.get(start..).unwrap_or_default();
        for same in rest.chunk_by(|a, b| a.at.day() == b.at.day()).take(DAYS_PER_ROUND) {
            let end = start.saturating_add(same.len());
            days.push((same.first().map_or(0, |event| event.at.day()), start..end));
            start = end;
        }
        days
    }
}

impl Worker {
    /// A writer, one of [`WRITERS`].
    pub(super) fn new(number: usize, shared: Arc<Shared>, leftovers: &Leftovers) -> Self {
        let seen = shared.visibility.snapshot();
        let mut worker = Self {
            days: Cache::new(shared.options.open_partitions / WRITERS),
            writes: Vec::new(),
            batches: HashMap::new(),
            tasks: VecDeque::new(),
            stuck: Vec::new(),
            unclosed: BTreeMap::new(),
            seen: (seen.clone(), seen),
            seen_at: monotonic(),
            closing: None,
            number,
            shared,
        };
        for (batch, partitions) in leftovers {
            // A batch is of one tenant, and a tenant of one thread.
            let Some(first) = partitions.first().filter(|partition| worker.is_mine(partition))
            else {
                continue;
            };
            let (batch, tenant, partitions) = (*batch, first.tenant().clone(), partitions.clone());
            worker.tasks.push_back(Task::Erase {
                batch,
                tenant,
                partitions,
                is_recorded: Some(false),
            });
        }
        // The newest may have ended while nobody was there; what is older and not closed has kept its mark.
        for partition in worker.shared.partitions.all() {
            let is_recent = worker.shared.partitions.is_recent(&partition);
            if worker.is_mine(&partition) && (is_recent || partition.marker().exists()) {
                worker.unclosed.insert(key_of(&partition), partition);
            }
        }
        worker
    }

    /// Whether this thread writes to a partition.
    pub(super) fn is_mine(&self, partition: &Partition) -> bool {
        thread_number(partition.tenant()) == self.number
    }

    /// Works until the queue is closed.
    pub(super) fn run(mut self, mut queue: UnboundedReceiver<Job>) {
        loop {
            let started = monotonic();
            let Some(group) = self.gather(&mut queue) else { return };
            let commits = self.sort_out(group);
            self.write_round();
            self.commit_all(commits);
            self.look_around();
            if self.writes.is_empty()
                && let Some(reply) = self.closing.take()
            {
                let _ = reply.send(self.finish());
                return;
            }
            self.background(since(started));
        }
    }

    /// What waits. Blocks when there is nothing else to do; `None` when nobody can ask any more.
    fn gather(&mut self, queue: &mut UnboundedReceiver<Job>) -> Option<Vec<Job>> {
        let mut group = Vec::new();
        let mut events = 0_usize;
        if self.writes.is_empty() && self.tasks.is_empty() && self.closing.is_none() {
            let job = queue.blocking_recv()?;
            events = events.saturating_add(size(&job));
            group.push(job);
        }
        while events < GROUP_EVENTS && !matches!(group.last(), Some(Job::Close { .. })) {
            match queue.try_recv() {
                Ok(job) => {
                    events = events.saturating_add(size(&job));
                    group.push(job);
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return None,
            }
        }
        Some(group)
    }

    /// Queues the group's chunks and tasks; its commits come after its chunks.
    fn sort_out(&mut self, group: Vec<Job>) -> Vec<Commit> {
        let mut commits = Vec::new();
        for job in group {
            match job {
                Job::Write { batch, events, reply, permit } => {
                    self.queue_write(batch, events, reply, permit)
                }
                Job::Commit { batch, record, reply } => {
                    commits.push(Commit { batch, record, reply })
                }
                Job::Abort { batch } => self.give_up(batch),
                other => self.queue_task(other),
            }
        }
        commits
    }

    fn queue_write(
        &mut self,
        batch: BatchId,
        mut events: Vec<NewEvent>,
        reply: Reply<Written>,
        permit: OwnedSemaphorePermit,
    ) {
        events.sort_unstable_by_key(|event| (event.at, event.id));
        let progress = self.batches.entry(batch).or_default();
        let chunk = progress.chunks;
        progress.chunks = chunk.saturating_add(1);
        let (outcome, reply) = (Ok(Written::default()), Some(reply));
        self.writes.push(Writing {
            batch,
            chunk,
            events,
            next: 0,
            outcome,
            reply,
            _permit: permit,
        });
    }

    /// Whether a chunk of a batch is not written to the end.
    pub(super) fn is_writing(&self, batch: BatchId) -> bool {
        self.writes.iter().any(|writing| writing.batch == batch)
    }

    /// Writes the next days of all chunks: one transaction for each file. Then answers those that are done.
    fn write_round(&mut self) {
        let mut writes = std::mem::take(&mut self.writes);
        let mut by_partition: BTreeMap<Key, Vec<(usize, Range<usize>)>> = BTreeMap::new();
        for (place, writing) in writes.iter_mut().enumerate() {
            // It was given up while it waited.
            let Some(tenant) = self.shared.with_open(|open| open.get(&writing.batch).cloned())
            else {
                self.batches.remove(&writing.batch);
                writing.outcome = Err(StoreError::NoSuchBatch);
                continue;
            };
            for (day, range) in writing.next_days() {
                by_partition.entry((tenant.clone(), day)).or_default().push((place, range));
            }
        }
        for (key, parts) in by_partition {
            self.write_partition(&key, &parts, &mut writes);
        }
        for mut writing in writes {
            if !writing.is_done() {
                self.writes.push(writing);
                continue;
            }
            if writing.outcome.is_err() {
                self.give_up(writing.batch);
            }
            if let Some(reply) = writing.reply.take() {
                // Whoever asked may have gone; an abort follows then.
                let _ = reply.send(writing.outcome);
            }
        }
    }

    fn write_partition(
        &mut self,
        key: &Key,
        ranges: &[(usize, Range<usize>)],
        writes: &mut [Writing],
    ) {
        let mut places = Vec::with_capacity(ranges.len());
        let mut parts = Vec::with_capacity(ranges.len());
        for (place, range) in ranges {
            let Some(writing) = writes.get(*place).filter(|writing| writing.outcome.is_ok()) else {
                continue;
            };
            let Some(events) = writing.events.get(range.clone()) else { continue };
            places.push((*place, range.end));
            parts.push(Part { batch: writing.batch.0, chunk: writing.chunk, events });
        }
        if parts.is_empty() {
            return;
        }
        let visibility = Arc::clone(&self.shared.visibility);
        let mut in_doubt = false;
        let outcomes = self.on_new_day(key, |day| {
            let written = day.write(&parts, &visibility);
            in_doubt = day.in_doubt;
            written
        });
        self.queue_seal(key);
        let batches: Vec<BatchId> = parts.iter().map(|part| BatchId(part.batch)).collect();
        if in_doubt {
            // Giving them up looks for rows there.
            for batch in &batches {
                self.batches.entry(*batch).or_default().days.insert(key.1);
            }
        }
        let outcomes = match outcomes {
            Ok(outcomes) => outcomes,
            Err(error) => batches.iter().map(|_| Err(error.clone())).collect(),
        };
        for (((place, end), batch), outcome) in places.into_iter().zip(batches).zip(outcomes) {
            let Some(writing) = writes.get_mut(place) else { continue };
            match (outcome, &mut writing.outcome) {
                (Ok(more), Ok(written)) => {
                    written.stored = written.stored.saturating_add(more.stored);
                    written.repeated = written.repeated.saturating_add(more.repeated);
                    writing.next = end;
                    self.batches.entry(batch).or_default().days.insert(key.1);
                }
                (Err(error), outcome) => *outcome = Err(error),
                (Ok(_), Err(_)) => {}
            }
        }
    }

    /// A segment that has become full gets its indexes.
    fn queue_seal(&mut self, key: &Key) {
        let day = self.days.peek(key).filter(|day| day.backlog() > 0);
        let Some(partition) = day.map(|day| Arc::clone(&day.partition)) else { return };
        let is_queued = |task: &Task| matches!(task, Task::Seal { partition: of, .. } if Arc::ptr_eq(of, &partition));
        if !self.tasks.iter().any(is_queued) {
            self.tasks.push_back(Task::Seal { partition, round: None });
        }
    }

    /// Acts on a partition that is made where it is missing.
    fn on_new_day<T>(
        &mut self,
        key: &Key,
        act: impl FnOnce(&mut Day) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let partition = self.shared.partitions.get_or_create(&key.0, key.1)?;
        self.unclosed.entry(key.clone()).or_insert_with(|| Arc::clone(&partition));
        self.on_day(&partition, act)
    }

    /// Acts on a partition. One that fails is closed, and opened anew when it is needed again.
    pub(super) fn on_day<T>(
        &mut self,
        partition: &Arc<Partition>,
        act: impl FnOnce(&mut Day) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if partition.is_unrecovered() {
            self.recover(partition).inspect_err(|_| self.days.close(&key_of(partition)))?;
        }
        let day = self.days.get(partition, &self.shared.options);
        let done = day.and_then(act);
        if matches!(done, Err(StoreError::Full)) {
            self.shorten_journals();
        }
        if done.is_err() {
            self.days.close(&key_of(partition));
        }
        done
    }

    /// Gives the space of journals back: readers keep a file's journal even when the writer closes it.
    fn shorten_journals(&mut self) {
        for day in self.days.days_mut() {
            if let Err(error) = day.checkpoint() {
                tracing::debug!(%error, "a journal stays as long as it is");
            }
        }
    }

    /// Clears a partition that could not be cleared before.
    fn recover(&mut self, partition: &Arc<Partition>) -> Result<(), StoreError> {
        let day = self.days.get(partition, &self.shared.options)?;
        let undecided = day.undecided(&*self.shared.ledger, &self.shared.visibility);
        for batch in undecided.map_err(recover::Fault::into_error)? {
            day.erase(batch)?;
        }
        partition.set_recovered();
        Ok(())
    }

    /// What could be seen at least [`MERGE_AFTER`] ago.
    pub(super) const fn seen_before(&self) -> &Snapshot {
        &self.seen.0
    }

    /// Every now and then: which counts may be merged, and which work has become due.
    fn look_around(&mut self) {
        if since(self.seen_at) < MERGE_AFTER {
            return;
        }
        let now = self.shared.visibility.snapshot();
        self.seen.0 = std::mem::replace(&mut self.seen.1, now);
        self.seen_at = monotonic();
        self.queue_merges();
    }
}

fn size(job: &Job) -> usize {
    match job {
        Job::Write { events, .. } => events.len(),
        _ => 0,
    }
}
