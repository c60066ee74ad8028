//! One way through one segment, newest first, in steps.

use std::collections::VecDeque;
use std::fmt::Write as _;

use rusqlite::types::Value;
use rusqlite::{Row, params_from_iter};

use super::clause::{Clause, Range};
use super::pool::{Reading, prepare};
use super::scan::Scan;
use super::segment::{Key, Segment, number};
use super::values::ValueId;
use crate::collector::query::Condition;
use crate::collector::store::StoreError;
use crate::collector::{EventId, EventTime};

/// Rows of the longest step: what is buffered of a segment.
const MAX_STEP: u64 = 4_096;
/// Rows of the shortest first step: fewer are not worth a statement.
pub(super) const MIN_STEP: u64 = 16;

/// How the rows of a segment are reached.
#[derive(Clone, Debug)]
pub(super) enum Access<'q> {
    /// In the order of the table.
    Table,
    /// By the index of a condition's field, one value of it: the index is in the order of the table.
    Equal(&'q Condition, Value),
    /// By the index of a condition's field, some values of it, all at once: they are put in order.
    Range(&'q Condition, Range),
}

/// A row that passed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) key: Key,
    pub(super) value: Option<ValueId>,
    pub(super) segment: i64,
}

/// What is left of a segment, by one way.
#[derive(Debug)]
pub(super) struct Source {
    segment: i64,
    statement: Clause,
    step: u64,
    /// All from here on was looked at.
    frontier: Key,
    found: VecDeque<Found>,
    is_done: bool,
}

impl Source {
    /// The rows below a key, by one of so many `ways` that lead to rows of the segment.
    pub(super) fn new(
        segment: &Segment,
        access: &Access<'_>,
        ways: usize,
        scan: &Scan<'_>,
        below: Key,
    ) -> Self {
        let step = match access {
            // Putting them in order takes all of them at once: `plan` sees that they are few.
            Access::Range(..) => u64::from(u32::MAX),
            Access::Table | Access::Equal(..) => scan.first_step_of(ways),
        };
        Self {
            segment: segment.number,
            statement: statement(segment.number, access, scan),
            step,
            frontier: below,
            found: VecDeque::new(),
            is_done: false,
        }
    }

    /// The next row that was found.
    pub(super) fn head(&self) -> Option<&Found> {
        self.found.front()
    }

    /// Takes it.
    pub(super) fn pop(&mut self) -> Option<Found> {
        self.found.pop_front()
    }

    /// From where on all was looked at; `None` when nothing is left to look at.
    pub(super) const fn frontier(&self) -> Option<Key> {
        if self.is_done { None } else { Some(self.frontier) }
    }

    /// Looks at a step of rows.
    pub(super) fn advance(
        &mut self,
        reading: &Reading,
        scan: &mut Scan<'_>,
    ) -> Result<(), StoreError> {
        let wanted = scan.looking.allow(self.step);
        self.set_bounds(scan.from, wanted);
        let step = reading.run(|connection| {
            let mut statement = prepare(connection, &self.statement.sql)?;
            let mut rows = statement.query(params_from_iter(&self.statement.values))?;
            let mut looked_at = 0;
            while let Some(row) = rows.next()? {
                looked_at += 1;
                let goes_on = match scan.looking.row() {
                    Ok(goes_on) => goes_on,
                    Err(error) => return Ok(Step::Failed(error)),
                };
                let passes: bool = row.get(3)?;
                // Most rows of a long search do not pass: their places are not even read.
                if passes || looked_at == wanted || !goes_on {
                    let key = Key { at: EventTime(row.get(0)?), id: EventId(row.get(1)?) };
                    if passes && scan.visible.contains(number(row, 2)?) {
                        // Too many values: this row is not counted.
                        let Some(found) = self.found(row, key, scan)? else { return Ok(Step::Cut) };
                        self.found.push_back(found);
                    }
                    self.frontier = key;
                }
                if !goes_on {
                    return Ok(Step::Cut);
                }
            }
            Ok(if looked_at < wanted { Step::Last } else { Step::Whole })
        })?;
        match step {
            Step::Failed(error) => return Err(error),
            Step::Last => self.is_done = true,
            Step::Whole => self.step = self.step.saturating_mul(4).min(MAX_STEP),
            Step::Cut => {}
        }
        scan.looking.step()
    }

    fn found(
        &self,
        row: &Row<'_>,
        key: Key,
        scan: &mut Scan<'_>,
    ) -> rusqlite::Result<Option<Found>> {
        let found = |value| Found { key, value, segment: self.segment };
        if !scan.counts_values() {
            return Ok(Some(found(None)));
        }
        Ok(scan.value_id(row.get_ref(4)?).map(|id| found(Some(id))))
    }

    fn set_bounds(&mut self, from: EventTime, limit: u64) {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let Key { at, id } = self.frontier;
        let bounds: [Value; BOUNDS] =
            [at.0.into(), id.0.to_vec().into(), from.0.into(), limit.into()];
        for (place, bound) in self.statement.values.iter_mut().zip(bounds) {
            *place = bound;
        }
    }
}

enum Step {
    /// As many rows as were wanted.
    Whole,
    /// Fewer: there are no more.
    Last,
    /// The time is up, or there are too many values.
    Cut,
    Failed(StoreError),
}

/// `?1` to `?4`: the key above, the first moment, how many rows.
const BOUNDS: usize = 4;

fn statement(segment: i64, access: &Access<'_>, scan: &Scan<'_>) -> Clause {
    let but = match access {
        Access::Equal(condition, _) => Some(*condition),
        // The others of a condition's ranges have ways of their own.
        Access::Range(condition, _) => Some(*condition),
        Access::Table => None,
    };
    let mut clause = Clause::with_bounds(BOUNDS);
    clause.push("SELECT at, id, batch, ");
    clause.filter(scan.filter, but);
    let _ = write!(clause.sql, ", {} FROM events_{segment}", scan.column());
    if let Some(condition) = but {
        let _ = write!(clause.sql, " INDEXED BY events_{segment}_{}", condition.field.column());
    }
    clause.push(" WHERE (at, id) < (?1, ?2) AND at >= ?3");
    match access {
        Access::Table => {}
        Access::Equal(condition, value) => {
            clause.push(&format!(" AND {} = ", condition.field.column()));
            clause.bind(value.clone());
        }
        Access::Range(condition, range) => {
            clause.push(" AND ");
            clause.range(condition.field.column(), range);
        }
    }
    clause.push(" ORDER BY at DESC, id DESC LIMIT ?4");
    clause
}
