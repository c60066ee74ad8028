//! Counts that were kept by minute: what they can answer, and their sums.

use rusqlite::types::ValueRef;

use super::buckets::NS_PER_MINUTE;
use super::pool::Reading;
use super::scan::Visible;
use super::segment::number;
use super::tally::Tally;
use super::text::passes;
use crate::collector::Field;
use crate::collector::query::Filter;
use crate::collector::store::StoreError;
use crate::collector::store::sqlite::rollup::{self, DIMS};

/// A question that roll-ups answer: each of them counts by one field and by action.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rolled<'q> {
    filter: &'q Filter,
    group: Option<Field>,
    dim: Field,
}

/// Whether sums are whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sums {
    Whole,
    /// There are more values than one query may tell apart.
    TooManyValues,
}

impl<'q> Rolled<'q> {
    /// The same question, where it asks about one such field and the action only.
    pub(super) fn of(filter: &'q Filter, group: Option<Field>) -> Option<Self> {
        let asked = filter.conditions.iter().map(|condition| condition.field).chain(group);
        let mut others = asked.filter(|field| *field != Field::Action);
        // The counts of any field add up to those of all events: take the one with the fewest values.
        let dim = others.next().unwrap_or(Field::Source);
        let is_one = DIMS.contains(&dim) && others.all(|other| other == dim);
        let is_counted = filter.intakes.is_empty() && filter.matched_data.is_none();
        (is_one && is_counted).then_some(Self { filter, group, dim })
    }

    /// Whether actions are told apart.
    fn asks_for_actions(&self) -> bool {
        let mut asked = self.filter.conditions.iter().map(|condition| condition.field);
        self.group == Some(Field::Action) || asked.any(|field| field == Field::Action)
    }

    /// Adds up the whole minutes of a partition.
    pub(super) fn add_up(
        &self,
        reading: &Reading,
        visible: &Visible,
        tally: &mut Tally,
    ) -> Result<Sums, StoreError> {
        if self.add_merged(reading, tally)? == Sums::TooManyValues {
            return Ok(Sums::TooManyValues);
        }
        self.add_deltas(reading, visible, tally)
    }

    fn add_merged(&self, reading: &Reading, tally: &mut Tally) -> Result<Sums, StoreError> {
        let range = tally.buckets.range();
        let hour = |at: i64| at.div_euclid(60 * NS_PER_MINUTE);
        let sql = "SELECT hour, value, action, count, minutes FROM rollup \
                   WHERE dim = ?1 AND by_action = ?2 AND hour >= ?3 AND hour <= ?4";
        let (first, last) = (hour(range.from.0), hour(range.until.0.saturating_sub(1)));
        let bounds = (self.dim.column(), self.asks_for_actions(), first, last);
        reading.run(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query(bounds)?;
            while let Some(row) = rows.next()? {
                let (hour, count) = (row.get(0)?, number(row, 3)?);
                let (value, action) = (text(row.get_ref(1)?), text(row.get_ref(2)?));
                let minutes = match row.get_ref(4)? {
                    ValueRef::Blob(packed) => packed,
                    _ => &[],
                };
                let whole = tally.buckets.has_hour(hour);
                let first = hour.saturating_mul(60);
                let sums = match whole {
                    true => self.add(tally, value, action, std::iter::once((first, count))),
                    false => self.add(tally, value, action, rollup::minutes(hour, minutes)),
                };
                if sums == Sums::TooManyValues {
                    return Ok(sums);
                }
            }
            Ok(Sums::Whole)
        })
    }

    fn add_deltas(
        &self,
        reading: &Reading,
        visible: &Visible,
        tally: &mut Tally,
    ) -> Result<Sums, StoreError> {
        reading.run(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT batch, counts FROM rollup_delta")?;
            let mut rows = statement.query(())?;
            while let Some(row) = rows.next()? {
                let (true, ValueRef::Blob(packed)) =
                    (visible.contains(number(row, 0)?), row.get_ref(1)?)
                else {
                    continue;
                };
                for entry in rollup::entries(packed).filter(|entry| entry.dim == self.dim) {
                    let sums = self.add(tally, entry.value, entry.action, entry.minutes());
                    if sums == Sums::TooManyValues {
                        return Ok(sums);
                    }
                }
            }
            Ok(Sums::Whole)
        })
    }

    /// Adds the minutes, of one value and action, that are counted whole. A count of an hour stands at its
    /// first minute.
    fn add(
        &self,
        tally: &mut Tally,
        value: Option<&str>,
        action: Option<&str>,
        minutes: impl Iterator<Item = (i64, u64)>,
    ) -> Sums {
        let of = |field| if field == Field::Action { action } else { value };
        if !self.filter.conditions.iter().all(|one| passes(one, of(one.field))) {
            return Sums::Whole;
        }
        let buckets = tally.buckets;
        let mut minutes = minutes.filter(|(minute, _)| buckets.has_minute(*minute)).peekable();
        if minutes.peek().is_none() {
            return Sums::Whole;
        }
        let Some(id) = tally.values.id_of_text(self.group.and_then(of)) else {
            return Sums::TooManyValues;
        };
        // Neighbours of one bucket are added up first.
        let (mut place, mut end, mut sum) = (0, i64::MIN, 0_u64);
        for (minute, count) in minutes {
            let at = minute.saturating_mul(NS_PER_MINUTE);
            if at >= end {
                tally.add(id, place, std::mem::take(&mut sum));
                (place, end) = (buckets.place(at), buckets.end_of(at));
            }
            sum = sum.saturating_add(count);
        }
        tally.add(id, place, sum);
        Sums::Whole
    }
}

/// A text of a roll-up; where events lack it, it stands as the integer 0.
fn text(value: ValueRef<'_>) -> Option<&str> {
    value.as_str().ok()
}
