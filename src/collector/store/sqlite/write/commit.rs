//! Batches become visible, or are given up.

use super::tasks::Task;
use super::worker::{Progress, Worker};
use super::{Reply, since};
use crate::clock::monotonic;
use crate::collector::catalogue::BatchRecord;
use crate::collector::store::{BatchId, StoreError};
use crate::collector::telemetry;

/// A batch that is to be committed.
#[derive(Debug)]
pub(super) struct Commit {
    pub(super) batch: BatchId,
    pub(super) record: Box<BatchRecord>,
    pub(super) reply: Reply<()>,
}

impl Worker {
    /// Commits a group: all chunks of it are synced already, and one transaction of the ledger decides.
    pub(super) fn commit_all(&mut self, commits: Vec<Commit>) {
        let mut records = Vec::with_capacity(commits.len());
        let mut replies = Vec::with_capacity(commits.len());
        for Commit { batch, record, reply } in commits {
            let is_open = self.shared.with_open(|open| open.contains_key(&batch));
            let in_doubt = self.batches.get(&batch).is_some_and(|progress| progress.in_doubt);
            if is_open && in_doubt && self.is_recorded(batch) != Some(false) {
                // Nothing is said before the ledger says something.
                let _ = reply.send(self.settle_doubt(batch));
                continue;
            }
            if is_open && !self.is_writing(batch) {
                records.push((batch, *record));
                replies.push(reply);
                continue;
            }
            // A chunk whose sender did not wait for it: what is stored would not be what was counted.
            self.give_up(batch);
            let _ = reply.send(Err(StoreError::NoSuchBatch));
        }
        if records.is_empty() {
            return;
        }
        let started = monotonic();
        let outcomes = self.record_all(&records);
        telemetry::commit(since(started).as_secs_f64());
        let committed = records.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok());
        let shown: Vec<BatchId> = committed.map(|((batch, _), _)| *batch).collect();
        self.shared.with_open(|open| shown.iter().for_each(|batch| drop(open.remove(batch))));
        for batch in &shown {
            self.batches.remove(batch);
        }
        if !shown.is_empty() {
            self.shared.visibility.show(shown);
        }
        for (reply, outcome) in replies.into_iter().zip(outcomes) {
            let _ = reply.send(outcome);
        }
    }

    fn record_all(&mut self, records: &[(BatchId, BatchRecord)]) -> Vec<Result<(), StoreError>> {
        match self.shared.ledger.record(records) {
            Ok(()) => records.iter().map(|_| Ok(())).collect(),
            // One that cannot be recorded does not take the others with it. A catalogue that is held or full is
            // so for all of them, and is not asked once more for each.
            Err(StoreError::Conflict | StoreError::Failed { .. }) if records.len() > 1 => {
                records.chunks(1).flat_map(|one| self.record_all(one)).collect()
            }
            Err(error) => records.iter().map(|(batch, _)| self.doubt(*batch, &error)).collect(),
        }
    }

    /// The ledger failed: whether it has the batch nevertheless, it alone can say. Otherwise the batch is still
    /// under way.
    fn doubt(&mut self, batch: BatchId, error: &StoreError) -> Result<(), StoreError> {
        let is_recorded = self.is_recorded(batch);
        if is_recorded == Some(true) {
            return Ok(());
        }
        self.batches.entry(batch).or_default().in_doubt = is_recorded.is_none();
        Err(error.clone())
    }

    /// A second commit of a batch that the ledger may have.
    fn settle_doubt(&mut self, batch: BatchId) -> Result<(), StoreError> {
        if self.is_recorded(batch) != Some(true) {
            return Err(StoreError::Unavailable {
                reason: "the catalogue does not answer".to_owned(),
            });
        }
        self.shared.with_open(|open| drop(open.remove(&batch)));
        self.batches.remove(&batch);
        self.shared.visibility.show([batch]);
        Ok(())
    }

    /// Whether the ledger has a batch; `None` when it does not say.
    pub(super) fn is_recorded(&self, batch: BatchId) -> Option<bool> {
        self.shared.ledger.recorded(&[batch]).ok().map(|known| known.contains(&batch))
    }

    /// Gives a batch up. It stays pending, and so out of sight, until its rows are gone. Unknown ones are no
    /// concern.
    pub(super) fn give_up(&mut self, batch: BatchId) {
        let Some(tenant) = self.shared.with_open(|open| open.remove(&batch)) else { return };
        let Progress { days, in_doubt, .. } = self.batches.remove(&batch).unwrap_or_default();
        let is_recorded = (!in_doubt).then_some(false);
        let of_day = |day| self.shared.partitions.get(&tenant, day);
        let partitions: Vec<_> = days.into_iter().filter_map(of_day).collect();
        if partitions.is_empty() && is_recorded.is_some() {
            self.shared.visibility.forget(batch);
        } else {
            self.tasks.push_back(Task::Erase { batch, tenant, partitions, is_recorded });
        }
    }
}
