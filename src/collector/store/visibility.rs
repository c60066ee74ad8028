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
}

impl Visibility {
    /// Numbers go on after `last`, the greatest that any file has seen.
    #[must_use]
    pub fn new(last: u64) -> Self {
        let state = State { last, pending: BTreeSet::new() };
        Self { state: Mutex::new(state), commits: watch::Sender::new(0) }
    }

    /// A new number, pending from now on.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] when too many are pending.
    pub fn begin(&self) -> Result<BatchId, StoreError> {
        self.with(|state| {
            if state.pending.len() >= MAX_OPEN_BATCHES {
                return Err(StoreError::Busy);
            }
            state.last = state.last.saturating_add(1);
            state.pending.insert(state.last);
            Ok(BatchId(state.last))
        })
    }

    /// Keeps a batch from before a crash out of sight, until its rows are gone.
    pub fn hold(&self, batch: BatchId) {
        self.with(|state| state.pending.insert(batch.0));
    }

    /// Numbers go on after `last`, where they have not come so far: those between belong to another.
    pub fn skip_to(&self, last: u64) {
        self.with(|state| state.last = state.last.max(last));
    }

    /// Shows batches, all at once.
    pub fn show(&self, batches: impl IntoIterator<Item = BatchId>) {
        self.with(|state| {
            for batch in batches {
                state.pending.remove(&batch.0);
            }
        });
        self.commits.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Forgets a batch that left nothing behind.
    pub fn forget(&self, batch: BatchId) {
        self.with(|state| state.pending.remove(&batch.0));
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
