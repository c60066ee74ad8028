//! Segments of a partition, and the places of events in them.

use std::ops::Range;

use rusqlite::Row;

use super::pool::Reading;
use crate::collector::query::TimeRange;
use crate::collector::store::StoreError;
use crate::collector::{EventId, EventTime};

/// Where an event stands: newest first means descending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) at: EventTime,
    pub(super) id: EventId,
}

impl Key {
    /// The least of a moment: all that is before the moment is less.
    pub(super) const fn first_of(at: EventTime) -> Self {
        Self { at, id: EventId([0; 16]) }
    }

    /// From when on everything was looked at, when all from this key on was: of its moment, others may be left.
    pub(super) fn looked_at_from(self) -> EventTime {
        if self.id == EventId([0; 16]) { self.at } else { EventTime(self.at.0.saturating_add(1)) }
    }
}

/// A table of events.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) number: i64,
    pub(super) rows: u64,
    pub(super) min_at: EventTime,
    pub(super) max_at: EventTime,
    /// Whether it has its indexes.
    pub(super) is_sealed: bool,
}

impl Segment {
    /// Those that may hold events of a range.
    pub(super) fn within(reading: &Reading, range: TimeRange) -> Result<Vec<Self>, StoreError> {
        let sql = "SELECT segment, rows, min_at, max_at, sealed FROM segments \
                   WHERE rows > 0 AND max_at >= ?1 AND min_at < ?2 ORDER BY segment";
        reading.run(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map((range.from.0, range.until.0), Self::from_row)?;
            rows.collect()
        })
    }

    /// A key that all its rows are below.
    pub(super) const fn above(&self) -> Key {
        Key::first_of(EventTime(self.max_at.0.saturating_add(1)))
    }

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: row.get(0)?,
            rows: number(row, 1)?,
            min_at: EventTime(row.get(2)?),
            max_at: EventTime(row.get(3)?),
            is_sealed: row.get(4)?,
        })
    }
}

/// The days that a range touches.
pub(super) fn days(range: TimeRange) -> Range<i64> {
    if range.is_empty() {
        return 0..0;
    }
    let last = EventTime(range.until.0.saturating_sub(1));
    range.from.day()..last.day().saturating_add(1)
}

/// A number that is not below 0.
pub(super) fn number(row: &Row<'_>, place: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(place)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(place, number))
}
