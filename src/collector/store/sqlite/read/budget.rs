//! How much one query may look at: rows, time, and whether anybody still waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::clock::monotonic;
use crate::collector::query::Budget;
use crate::collector::store::StoreError;

/// Rows between two looks at the clock: some tens of microseconds.
const ROWS_PER_GLANCE: u64 = 128;
/// The same where rows are compared with patterns: some milliseconds for the longest texts and the most patterns.
const ROWS_PER_CAREFUL_GLANCE: u64 = 8;

/// What is left of a budget.
///
/// A row counts when SQLite has handed it over to be judged, whether it passes or not. The steps of a scan
/// ask for no more rows than are left, so the count is exact.
#[derive(Debug)]
pub(super) struct Looking {
    left: u64,
    looked_at: u64,
    rows_per_glance: u64,
    has_begun: bool,
    deadline: Option<Instant>,
    is_late: bool,
    given_up: Arc<AtomicBool>,
}

impl Looking {
    /// Begins now.
    pub(super) fn begin(budget: Budget, given_up: Arc<AtomicBool>) -> Self {
        // A budget beyond what the clock can express has no end.
        let deadline = monotonic().checked_add(Duration::from_millis(budget.ms));
        Self {
            left: budget.rows,
            looked_at: 0,
            rows_per_glance: ROWS_PER_GLANCE,
            has_begun: false,
            deadline,
            is_late: false,
            given_up,
        }
    }

    /// Looks at the clock more often from now on: each row may take long.
    pub(super) const fn be_careful(&mut self) {
        self.rows_per_glance = ROWS_PER_CAREFUL_GLANCE;
    }

    /// How many of `wanted` rows may be looked at in one step; 1 at least, so that every step moves on.
    pub(super) fn allow(&self, wanted: u64) -> u64 {
        wanted.min(self.left).max(1)
    }

    /// Counts a row. Says whether to go on with the step.
    pub(super) fn row(&mut self) -> Result<bool, StoreError> {
        self.left = self.left.saturating_sub(1);
        self.entry()?;
        Ok(!self.is_late)
    }

    /// Counts what is no row and yet takes time: an entry of a roll-up.
    pub(super) fn entry(&mut self) -> Result<(), StoreError> {
        self.looked_at = self.looked_at.saturating_add(1);
        if self.looked_at.is_multiple_of(self.rows_per_glance) {
            self.glance()?;
        }
        Ok(())
    }

    /// Counts a step, which may have found no row. An index that holds nothing was a look as well.
    pub(super) fn step(&mut self) -> Result<(), StoreError> {
        self.has_begun = true;
        self.glance()
    }

    /// Looks at the clock, and whether the caller is still there.
    pub(super) fn glance(&mut self) -> Result<(), StoreError> {
        if self.given_up.load(Ordering::Relaxed) {
            return Err(StoreError::Closed);
        }
        self.is_late =
            self.is_late || self.deadline.is_some_and(|deadline| monotonic() >= deadline);
        Ok(())
    }

    /// Whether the time is used up.
    pub(super) const fn is_late(&self) -> bool {
        self.is_late
    }

    /// Whether the rows or the time are used up.
    pub(super) const fn is_spent(&self) -> bool {
        self.is_late || self.left == 0
    }

    /// Whether anything was looked at.
    pub(super) const fn has_begun(&self) -> bool {
        self.has_begun
    }
}

/// Tells the work that its caller has gone away.
#[derive(Debug, Default)]
pub(super) struct GivenUp(Arc<AtomicBool>);

impl GivenUp {
    /// What the work looks at.
    pub(super) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows_until_late(mut looking: Looking) -> u64 {
        while looking.row().unwrap() {}
        looking.looked_at
    }

    #[test]
    fn patterns_make_the_looks_at_the_clock_more_frequent() {
        let late = || Looking::begin(Budget { rows: 1_000, ms: 0 }, Arc::default());
        assert_eq!(rows_until_late(late()), ROWS_PER_GLANCE);
        let mut careful = late();
        careful.be_careful();
        assert_eq!(rows_until_late(careful), ROWS_PER_CAREFUL_GLANCE);
    }
}
