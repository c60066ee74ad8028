//! Which batches queries can see.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use super::{BatchId, StoreError};
use crate::collector::limits::MAX_OPEN_BATCHES;
use crate::collector::query::Snapshot;

/// Gives out batch numbers, and knows which are not yet to be seen.
///
/// A number stays pending until it is committed, or until its rows are gone for good: to forget an aborted
/// batch early would show its rows.
#[derive(Debug)]
pub struct Visibility {
    state: Mutex<State>,
    commits: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    last: u64,
    pending: BTreeSet<u64>,
    /// Those of the pending ones that are from before the start.
    held: BTreeSet<u64>,
}

impl State {
    fn remove(&mut self, batch: BatchId) {
        self.pending.remove(&batch.0);
        self.held.remove(&batch.0);
    }
}

impl Visibility {
    /// Numbers go on after `last`, the greatest that any file has seen.
    #[must_use]
    pub fn new(last: u64) -> Self {
        let state = State { last, pending: BTreeSet::new(), held: BTreeSet::new() };
        Self { state: Mutex::new(state), commits: watch::Sender::new(0) }
    }

    /// A new number, pending from now on.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] when too many are pending, not counting those that are [held](Self::hold).
    pub fn begin(&self) -> Result<BatchId, StoreError> {
        self.with(|state| {
            if state.pending.len().saturating_sub(state.held.len()) >= MAX_OPEN_BATCHES {
                return Err(StoreError::Busy);
            }
            state.last = state.last.saturating_add(1);
            state.pending.insert(state.last);
            Ok(BatchId(state.last))
        })
    }

    /// Keeps a batch from before a crash out of sight, until its rows are gone.
    pub fn hold(&self, batch: BatchId) {
        self.with(|state| {
            state.pending.insert(batch.0);
            state.held.insert(batch.0);
        });
    }

    /// Numbers go on after `last`, where they have not come so far: those between belong to another.
    pub fn skip_to(&self, last: u64) {
        self.with(|state| state.last = state.last.max(last));
    }

    /// Shows batches, all at once.
    pub fn show(&self, batches: impl IntoIterator<Item = BatchId>) {
        self.with(|state| {
            batches.into_iter().for_each(|batch| state.remove(batch));
        });
        self.commits.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Forgets a batch that left nothing behind.
    pub fn forget(&self, batch: BatchId) {
        self.with(|state| state.remove(batch));
    }

    /// Whether a batch is under way, or its rows are still to be deleted.
    #[must_use]
    pub fn is_pending(&self, batch: u64) -> bool {
        self.with(|state| state.pending.contains(&batch))
    }

    /// What can be seen now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.with(|state| Snapshot {
            last: state.last,
            pending: state.pending.iter().copied().collect(),
        })
    }

    /// Changes whenever batches are shown.
    #[must_use]
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.commits.subscribe()
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_crash_left_takes_no_place_of_new_batches() {
        let visibility = Visibility::new(1_000);
        let held: Vec<_> = (1..=100).map(BatchId).collect();
        held.iter().for_each(|batch| visibility.hold(*batch));
        let begun: Vec<_> = (0..MAX_OPEN_BATCHES).map(|_| visibility.begin().unwrap()).collect();
        assert!(matches!(visibility.begin(), Err(StoreError::Busy)));
        assert_eq!(visibility.snapshot().pending.len(), 100 + MAX_OPEN_BATCHES);
        held.iter().for_each(|batch| visibility.forget(*batch));
        assert!(matches!(visibility.begin(), Err(StoreError::Busy)));
        visibility.show(begun);
        assert!(visibility.snapshot().pending.is_empty());
        assert!(visibility.begin().is_ok());
    }
}
