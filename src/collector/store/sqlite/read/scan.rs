//! What a scan looks for, and what it may look at.

use rusqlite::types::ValueRef;

use super::budget::Looking;
use super::segment::Key;
use super::source::MIN_STEP;
use super::text::has_patterns;
use super::values::{ValueId, Values};
use crate::collector::EventTime;
use crate::collector::query::{Filter, Snapshot};

/// What the steps of a scan have in common, over all partitions.
#[derive(Debug)]
pub(super) struct Scan<'q> {
    pub(super) filter: &'q Filter,
    pub(super) visible: Visible,
    /// The first moment.
    pub(super) from: EventTime,
    /// All that is looked at is below.
    pub(super) below: Key,
    pub(super) looking: Looking,
    /// Rows of a segment's first step: as many as are wanted, where all pass.
    pub(super) first_step: u64,
    values: Option<Values>,
    has_too_many_values: bool,
}

impl<'q> Scan<'q> {
    /// For whole events.
    pub(super) fn of_events(
        filter: &'q Filter,
        visible: Visible,
        (from, below): (EventTime, Key),
        mut looking: Looking,
        first_step: u64,
    ) -> Self {
        if has_patterns(filter) {
            looking.be_careful();
        }
        let (values, has_too_many_values) = (None, false);
        Self { filter, visible, from, below, looking, first_step, values, has_too_many_values }
    }

    /// For counting values.
    pub(super) fn of_values(
        filter: &'q Filter,
        visible: Visible,
        (from, below): (EventTime, Key),
        looking: Looking,
        values: Values,
    ) -> Self {
        let scan = Self::of_events(filter, visible, (from, below), looking, 1_024);
        Self { values: Some(values), ..scan }
    }

    /// The column whose values are counted.
    pub(super) fn column(&self) -> &'static str {
        self.values.as_ref().map_or("NULL", Values::column)
    }

    pub(super) const fn counts_values(&self) -> bool {
        self.values.is_some()
    }

    /// The id of a value; `None` when there are too many.
    pub(super) fn value_id(&mut self, value: ValueRef<'_>) -> Option<ValueId> {
        let id = self.values.as_mut().and_then(|values| values.id(value));
        self.has_too_many_values |= id.is_none();
        id
    }

    /// Whether to end here, all from `key` on being looked at. Every scan makes one step at least, and
    /// gets below where it began.
    pub(super) fn has_to_stop(&self, key: Key) -> bool {
        let has_moved = self.looking.has_begun() && key < self.below;
        self.has_too_many_values || (self.looking.is_spent() && has_moved)
    }

    /// Rows of a first step by one of several ways. A page is filled by all of them together; of values, each
    /// row is counted in any case.
    pub(super) fn first_step_of(&self, ways: usize) -> u64 {
        if self.counts_values() {
            return self.first_step;
        }
        let ways = u64::try_from(ways).unwrap_or(u64::MAX).max(1);
        self.first_step.div_ceil(ways).max(MIN_STEP)
    }

    /// The values that were met, and what is left of the budget.
    pub(super) fn into_parts(self) -> (Option<Values>, Looking) {
        (self.values, self.looking)
    }
}

/// Which batches a query sees: those that its cursor names, and that are visible now. A cursor comes from
/// outside: it cannot show what is not committed.
#[derive(Clone, Debug)]
pub(super) struct Visible {
    pub(super) asked: Snapshot,
    pub(super) now: Snapshot,
}

impl Visible {
    /// What is visible now.
    pub(super) fn now(now: Snapshot) -> Self {
        Self { asked: now.clone(), now }
    }

    /// Whether a batch can be seen.
    pub(super) fn contains(&self, batch: u64) -> bool {
        self.asked.contains(batch) && self.now.contains(batch)
    }
}
