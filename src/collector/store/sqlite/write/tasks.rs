//! What the writer does between chunks, step by step.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::super::partitions::Partition;
use super::cache::key_of;
use super::close::{Closing, is_over};
use super::day::Day;
use super::recover::{Fault, not_recovered};
use super::worker::Worker;
use super::{Job, List, Release, Reply, Step, Wanted, since};
use crate::clock::monotonic;
use crate::collector::query::{Snapshot, TimeRange};
use crate::collector::store::{BatchId, StoreError};
use crate::collector::{EventTime, TenantId};

/// Full segments of a day without indexes, until the writer takes in no more before they have them: searches
/// read such segments from end to end.
const MAX_BACKLOG: usize = 3;
/// Chunks with counts of their own, until they are merged without waiting for the next maintenance: each query
/// for counts reads them all.
const MAX_DELTAS: u64 = 32;
/// How long a closing store goes on to delete what was given up. What is left then is found at the next start.
const CLOSE_WORK: Duration = Duration::from_secs(2);

/// Background work.
#[derive(Debug)]
pub(super) enum Task {
    /// Rows of a batch that was given up. `is_recorded` is `None` while the ledger could not be asked.
    Erase {
        batch: BatchId,
        tenant: TenantId,
        partitions: Vec<Arc<Partition>>,
        is_recorded: Option<bool>,
    },
    /// Indexes of full segments; a maintenance that asked for it waits.
    Seal { partition: Arc<Partition>, round: Option<Arc<Round>> },
    /// Counts of chunks.
    Merge { partition: Arc<Partition>, round: Option<Arc<Round>> },
    /// The end of a day.
    Close { partition: Arc<Partition>, round: Arc<Round> },
    /// Events that their owner wants gone.
    Delete {
        partition: Arc<Partition>,
        range: TimeRange,
        visible: Snapshot,
        gone: u64,
        reply: Reply<u64>,
    },
}

/// One maintenance: answered when the last of its tasks is done.
#[derive(Debug)]
pub(super) struct Round {
    wanted: Mutex<Vec<Wanted>>,
    reply: Mutex<Option<Reply<Vec<Wanted>>>>,
}

impl Drop for Round {
    fn drop(&mut self) {
        let wanted = std::mem::take(self.wanted.get_mut().unwrap_or_else(PoisonError::into_inner));
        if let Some(reply) = self.reply.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = reply.send(Ok(wanted));
        }
    }
}

impl Worker {
    /// Takes in what is neither a chunk nor the end of a batch.
    pub(super) fn queue_task(&mut self, job: Job) {
        match job {
            Job::AbortTenant { tenant } => self.give_up_tenant(&tenant),
            Job::Delete { partition, range, visible, reply } => {
                self.tasks.push_back(Task::Delete { partition, range, visible, gone: 0, reply });
            }
            Job::Release { partition, release, reply } => {
                let _ = reply.send(self.release(&partition, release));
            }
            Job::Maintain { now, reply } => self.queue_maintenance(now, reply),
            Job::Lists { wanted, lists, reply } => {
                let _ = reply.send(self.store_lists(&wanted, &lists));
            }
            Job::Reserve => {
                if let Err(error) = self.shared.reserve() {
                    tracing::warn!(%error, "batch numbers cannot be reserved");
                }
                self.shared.reserving.store(false, Ordering::Release);
            }
            Job::Close { reply } => self.closing = Some(reply),
            Job::Write { .. } | Job::Commit { .. } | Job::Abort { .. } => {}
        }
    }

    /// Some steps of what is queued: as long as the group before took, so that neither starves.
    pub(super) fn background(&mut self, share: Duration) {
        let started = monotonic();
        while let Some(task) = self.tasks.pop_front() {
            self.step(task);
            if since(started) >= share && !self.is_behind() {
                return;
            }
        }
    }

    /// Whether indexes are so late that what comes next has to wait for them.
    fn is_behind(&self) -> bool {
        self.tasks.iter().any(|task| match task {
            Task::Seal { partition, .. } => {
                let day = self.days.peek(&key_of(partition));
                day.is_some_and(|day| day.backlog() > MAX_BACKLOG)
            }
            _ => false,
        })
    }

    fn step(&mut self, task: Task) {
        let again = match task {
            Task::Erase { batch, tenant, partitions, is_recorded } => {
                self.erase(batch, tenant, partitions, is_recorded)
            }
            Task::Seal { partition, round } => {
                let step = self.on_existing(&partition, Day::seal_step);
                (step == Some(Step::More)).then_some(Task::Seal { partition, round })
            }
            Task::Merge { partition, round } => {
                let visible = self.seen_before().clone();
                let step = self.on_existing(&partition, |day| day.merge_step(&visible));
                (step == Some(Step::More)).then_some(Task::Merge { partition, round })
            }
            Task::Close { partition, round } => self.close_day(partition, round),
            Task::Delete { partition, range, visible, gone, reply } => {
                self.delete(partition, range, visible, gone, reply)
            }
        };
        self.tasks.extend(again);
    }

    /// Acts on a partition that is still there. A failure is said, and tried again by the next maintenance.
    fn on_existing<T>(
        &mut self,
        partition: &Arc<Partition>,
        act: impl FnOnce(&mut Day) -> Result<T, StoreError>,
    ) -> Option<T> {
        if partition.is_going() {
            return None;
        }
        let done = self.on_day(partition, act);
        done.inspect_err(|error| tracing::warn!(%error, "work on a partition has to wait")).ok()
    }

    fn erase(
        &mut self,
        batch: BatchId,
        tenant: TenantId,
        mut partitions: Vec<Arc<Partition>>,
        mut is_recorded: Option<bool>,
    ) -> Option<Task> {
        if is_recorded.is_none() {
            is_recorded = self.is_recorded(batch);
        }
        match is_recorded {
            Some(true) => {
                self.unstick(batch);
                self.shared.visibility.show([batch]);
                return None;
            }
            Some(false) => {}
            None => return self.stick(Task::Erase { batch, tenant, partitions, is_recorded }),
        }
        let Some(partition) = partitions.last().filter(|partition| !partition.is_going()).cloned()
        else {
            return self.next_partition(batch, tenant, partitions);
        };
        // A batch whose counts are merged reopens a closed day.
        self.unclosed.entry(key_of(&partition)).or_insert_with(|| Arc::clone(&partition));
        match self.on_day(&partition, |day| day.erase_step(batch.0)) {
            Ok(Step::More) => {}
            Ok(Step::Done) => return self.next_partition(batch, tenant, partitions),
            Err(StoreError::Full) => {
                return self.stick(Task::Erase { batch, tenant, partitions, is_recorded });
            }
            // Nobody can read it before it is recovered, and that deletes the rows.
            Err(error) => {
                not_recovered(&partition, &error);
                partitions.pop();
            }
        }
        Some(Task::Erase { batch, tenant, partitions, is_recorded })
    }

    /// A partition holds nothing of the batch any more. After the last one its number is free.
    fn next_partition(
        &mut self,
        batch: BatchId,
        tenant: TenantId,
        mut partitions: Vec<Arc<Partition>>,
    ) -> Option<Task> {
        partitions.pop();
        if !partitions.is_empty() {
            return Some(Task::Erase { batch, tenant, partitions, is_recorded: Some(false) });
        }
        self.unstick(batch);
        self.shared.visibility.forget(batch);
        None
    }

    /// Keeps work that cannot be done now for the next maintenance.
    fn stick(&mut self, task: Task) -> Option<Task> {
        if let Task::Erase { batch, tenant, .. } = &task {
            self.shared.with_stuck(|stuck| stuck.insert(*batch, tenant.clone()));
        }
        self.stuck.push(task);
        None
    }

    fn unstick(&self, batch: BatchId) {
        self.shared.with_stuck(|stuck| stuck.remove(&batch));
    }

    fn delete(
        &mut self,
        partition: Arc<Partition>,
        range: TimeRange,
        visible: Snapshot,
        gone: u64,
        reply: Reply<u64>,
    ) -> Option<Task> {
        if partition.is_going() {
            let _ = reply.send(Ok(gone));
            return None;
        }
        let step = self.on_day(&partition, |day| match day.merge_step(&visible)? {
            Step::More => Ok((Step::More, 0)),
            Step::Done => day.delete_step(range, &visible),
        });
        match step {
            Ok((Step::More, more)) => {
                let gone = gone.saturating_add(more);
                self.unclosed.entry(key_of(&partition)).or_insert_with(|| Arc::clone(&partition));
                Some(Task::Delete { partition, range, visible, gone, reply })
            }
            Ok((Step::Done, _)) => {
                let _ = reply.send(Ok(gone));
                None
            }
            Err(error) => {
                let _ = reply.send(Err(error));
                None
            }
        }
    }

    fn close_day(&mut self, partition: Arc<Partition>, round: Arc<Round>) -> Option<Task> {
        let visible = self.shared.visibility.snapshot();
        match self.on_existing(&partition, |day| {
            day.close_step(&visible).map(|step| (step, day.closed))
        })? {
            (Closing::More, _) => return Some(Task::Close { partition, round }),
            (Closing::Done, true) => drop(self.unclosed.remove(&key_of(&partition))),
            (Closing::Done, false) => {}
            (Closing::Lists(made_of), _) => {
                let wanted = Wanted { partition, made_of };
                round.wanted.lock().unwrap_or_else(PoisonError::into_inner).push(wanted);
            }
        }
        None
    }

    /// Ends a day with its lists, unless it was deleted while they were made.
    fn store_lists(&mut self, wanted: &Wanted, lists: &[List]) -> Result<(), StoreError> {
        if wanted.partition.is_going() {
            return Ok(());
        }
        let visible = self.shared.visibility.snapshot();
        self.on_day(&wanted.partition, |day| day.finish_closing(wanted.made_of, lists, &visible))
    }

    fn queue_maintenance(&mut self, now: EventTime, reply: Reply<Vec<Wanted>>) {
        self.tasks.extend(self.stuck.drain(..));
        self.recover_again();
        let round = Arc::new(Round { wanted: Mutex::default(), reply: Mutex::new(Some(reply)) });
        let (over, others): (Vec<_>, Vec<_>) =
            self.unclosed.values().cloned().partition(|partition| is_over(partition.day(), now));
        for partition in over {
            self.tasks.push_back(Task::Close { partition, round: Arc::clone(&round) });
        }
        for partition in others {
            if self.days.contains(&key_of(&partition)) {
                let round = Some(Arc::clone(&round));
                let same = Arc::clone(&partition);
                self.tasks.push_back(Task::Seal { partition: same, round: round.clone() });
                self.tasks.push_back(Task::Merge { partition, round });
            }
        }
    }

    /// Tries again to recover what could not be recovered before.
    fn recover_again(&mut self) {
        for partition in self.shared.partitions.all() {
            if self.is_mine(&partition) && partition.is_unrecovered() {
                // It fails as before, or it is well.
                let _ = self.on_existing(&partition, |_| Ok(()));
            }
        }
    }

    /// Merges counts that have piled up.
    pub(super) fn queue_merges(&mut self) {
        let due = self.days.days().filter(|(_, day)| day.deltas > MAX_DELTAS);
        let partitions: Vec<_> = due.map(|(_, day)| Arc::clone(&day.partition)).collect();
        self.tasks
            .extend(partitions.into_iter().map(|partition| Task::Merge { partition, round: None }));
    }

    /// Lets a partition go, so that it can be unlinked.
    fn release(&mut self, partition: &Arc<Partition>, release: Release) -> Result<u64, StoreError> {
        let pending = self.shared.visibility.snapshot().pending;
        let rows = self.on_day(partition, |day| {
            Ok((day.visible_rows(&pending)?, day.pending_rows(&pending)?))
        });
        let visible = match (rows, release) {
            (Ok((_, 1..)), Release::WhenSettled) => return Err(StoreError::Conflict),
            (Err(error), Release::WhenSettled) => return Err(error),
            (Ok((visible, _)), _) => visible,
            // What cannot be read can be unlinked all the same.
            (Err(_), Release::Always) => 0,
        };
        partition.set_going();
        self.days.close(&key_of(partition));
        self.unclosed.remove(&key_of(partition));
        Ok(visible)
    }

    fn give_up_tenant(&mut self, tenant: &TenantId) {
        let batches: Vec<BatchId> = self.shared.with_open(|open| {
            open.iter().filter(|(_, of)| *of == tenant).map(|(batch, _)| *batch).collect()
        });
        for batch in batches {
            self.give_up(batch);
        }
    }

    /// The end: what is queued is written, what is not committed is given up, files are closed.
    pub(super) fn finish(&mut self) -> Result<(), StoreError> {
        let open: Vec<BatchId> = self.batches.keys().copied().collect();
        for batch in open {
            self.give_up(batch);
        }
        let started = monotonic();
        while since(started) < CLOSE_WORK {
            match self.tasks.pop_front() {
                Some(task @ (Task::Erase { .. } | Task::Delete { .. })) => self.step(task),
                Some(_) => {}
                None => break,
            }
        }
        let visible = self.shared.visibility.snapshot();
        let partitions = Arc::clone(&self.shared.partitions);
        for day in self.days.days_mut().filter(|day| !day.partition.is_unrecovered()) {
            let settled = day.pending_rows(&visible.pending).and_then(|pending| match pending {
                0 => day.settle(&visible, &partitions),
                _ => Ok(()),
            });
            if let Err(error) = settled.and_then(|()| day.checkpoint()) {
                tracing::warn!(%error, "a partition is left to the next start");
            }
        }
        Ok(())
    }
}

impl Fault {
    /// The error itself.
    pub(super) fn into_error(self) -> StoreError {
        match self {
            Self::Ledger(error) | Self::Partition(error) => error,
        }
    }
}
