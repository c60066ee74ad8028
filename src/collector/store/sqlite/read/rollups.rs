//! Counts that were kept by minute: what they can answer, and their sums.

use rusqlite::types::ValueRef;

use super::buckets::{NS_PER_HOUR, NS_PER_MINUTE};
use super::budget::Looking;
use super::pool::Reading;
use super::scan::Visible;
use super::segment::number;
use super::tally::Tally;
use super::text::passes;
use crate::collector::query::Filter;
use crate::collector::store::StoreError;
use crate::collector::store::sqlite::rollup::{self, DIMS};
use crate::collector::{EventTime, Field};

/// A question that roll-ups answer: each of them counts by one field and by action.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rolled<'q> {
    filter: &'q Filter,
    group: Option<Field>,
    dim: Field,
}

/// Whether sums are whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Completeness {
    Whole,
    /// There are more values, or counts of them, than one query may have.
    TooMany,
    /// The time is up.
    Late,
}

/// What of a day is added up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// Minutes that begin before are left out.
    pub(super) from: EventTime,
    pub(super) when_late: WhenLate,
}

impl Wanted {
    /// Whether a minute since 1970 begins late enough.
    const fn has_minute(&self, minute: i64) -> bool {
        minute.saturating_mul(NS_PER_MINUTE) >= self.from.0
    }
}

/// What to do when the time is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WhenLate {
    Stop,
    /// There would be no answer at all.
    Finish,
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

    /// Adds up the whole minutes of a partition. Where the sums are not whole, the tally is of no use.
    pub(super) fn add_up(
        &self,
        reading: &Reading,
        visible: &Visible,
        wanted: Wanted,
        looking: &mut Looking,
        tally: &mut Tally,
    ) -> Result<Completeness, StoreError> {
        let mut adding = Adding { rolled: self, wanted, looking, tally };
        match adding.add_merged(reading)? {
            Completeness::Whole => adding.add_deltas(reading, visible),
            other => Ok(other),
        }
    }
}

/// Completeness of one partition, while they are made.
struct Adding<'a, 'q> {
    rolled: &'a Rolled<'q>,
    wanted: Wanted,
    looking: &'a mut Looking,
    tally: &'a mut Tally,
}

impl Adding<'_, '_> {
    fn add_merged(&mut self, reading: &Reading) -> Result<Completeness, StoreError> {
        let range = self.tally.buckets.range();
        let hour = |at: i64| at.div_euclid(NS_PER_HOUR);
        let sql = "SELECT hour, value, action, count, minutes FROM rollup \
                   WHERE dim = ?1 AND by_action = ?2 AND hour >= ?3 AND hour <= ?4";
        let from = self.wanted.from.max(range.from);
        let (first, last) = (hour(from.0), hour(range.until.0.saturating_sub(1)));
        let bounds = (self.rolled.dim.column(), self.rolled.asks_for_actions(), first, last);
        let sums = reading.run(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query(bounds)?;
            while let Some(row) = rows.next()? {
                let (hour, count): (i64, _) = (row.get(0)?, number(row, 3)?);
                let (value, action) = (text(row.get_ref(1)?), text(row.get_ref(2)?));
                let minutes = match row.get_ref(4)? {
                    ValueRef::Blob(packed) => packed,
                    _ => &[],
                };
                let first = hour.saturating_mul(60);
                let sums = match self.tally.buckets.has_hour(hour) && self.wanted.has_minute(first)
                {
                    true => self.add(value, action, std::iter::once((first, count))),
                    false => self.add(value, action, rollup::minutes(hour, minutes)),
                };
                if !matches!(sums, Ok(Completeness::Whole)) {
                    return Ok(sums);
                }
            }
            Ok(Ok(Completeness::Whole))
        });
        sums?
    }

    fn add_deltas(
        &mut self,
        reading: &Reading,
        visible: &Visible,
    ) -> Result<Completeness, StoreError> {
        let sums = reading.run(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT batch, counts FROM rollup_delta")?;
            let mut rows = statement.query(())?;
            while let Some(row) = rows.next()? {
                let (true, ValueRef::Blob(packed)) =
                    (visible.contains(number(row, 0)?), row.get_ref(1)?)
                else {
                    continue;
                };
                // Those of a field stand together: what comes behind them is not even read.
                let dim = self.rolled.dim;
                let of_dim = rollup::entries(packed)
                    .skip_while(|entry| entry.dim != dim)
                    .take_while(|entry| entry.dim == dim);
                for entry in of_dim {
                    let sums = self.add(entry.value, entry.action, entry.minutes());
                    if !matches!(sums, Ok(Completeness::Whole)) {
                        return Ok(sums);
                    }
                }
            }
            Ok(Ok(Completeness::Whole))
        });
        sums?
    }

    /// Adds the minutes, of one value and action, that are counted whole. A count of an hour stands at its
    /// first minute.
    fn add(
        &mut self,
        value: Option<&str>,
        action: Option<&str>,
        minutes: impl Iterator<Item = (i64, u64)>,
    ) -> Result<Completeness, StoreError> {
        self.looking.entry()?;
        if self.looking.is_late() && self.wanted.when_late == WhenLate::Stop {
            return Ok(Completeness::Late);
        }
        let of = |field| if field == Field::Action { action } else { value };
        if !self.rolled.filter.conditions.iter().all(|one| passes(one, of(one.field))) {
            return Ok(Completeness::Whole);
        }
        let (buckets, wanted) = (self.tally.buckets, self.wanted);
        let is_counted = |minute| buckets.has_minute(minute) && wanted.has_minute(minute);
        let mut minutes = minutes.filter(|(minute, _)| is_counted(*minute)).peekable();
        if minutes.peek().is_none() {
            return Ok(Completeness::Whole);
        }
        if self.tally.is_full() {
            return Ok(Completeness::TooMany);
        }
        let Some(id) = self.tally.values.id_of_text(self.rolled.group.and_then(of)) else {
            return Ok(Completeness::TooMany);
        };
        let (mut place, mut end) = (0, i64::MIN);
        let in_buckets = minutes.map(|(minute, count)| {
            let at = minute.saturating_mul(NS_PER_MINUTE);
            if at >= end {
                (place, end) = buckets.place_and_end(at);
            }
            (place, count)
        });
        self.tally.add_all(id, in_buckets);
        Ok(Completeness::Whole)
    }
}

/// A text of a roll-up; where events lack it, it stands as the integer 0.
fn text(value: ValueRef<'_>) -> Option<&str> {
    value.as_str().ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::collector::query::{Budget, TimeRange};
    use crate::collector::store::sqlite::read::buckets::Buckets;
    use crate::collector::store::sqlite::read::values::Values;

    const MINUTES: i64 = 2_000;

    fn by_host() -> Filter {
        Filter::default()
    }

    fn tally() -> Tally {
        let until = EventTime(MINUTES * NS_PER_MINUTE);
        let buckets = Buckets::of(TimeRange { from: EventTime(0), until }, 60).unwrap();
        Tally::new(buckets, Values::of(Some(Field::Host)))
    }

    /// Adds entries of one host each, in every minute, until one does not go in.
    fn fill(
        when_late: WhenLate,
        ms: u64,
        given_up: &Arc<AtomicBool>,
    ) -> (usize, Result<Completeness, StoreError>) {
        let filter = by_host();
        let rolled = Rolled::of(&filter, Some(Field::Host)).unwrap();
        let budget = Budget { rows: 1, ms };
        let mut looking = Looking::begin(budget, Arc::clone(given_up));
        let mut tally = tally();
        let wanted = Wanted { from: EventTime(0), when_late };
        let mut adding =
            Adding { rolled: &rolled, wanted, looking: &mut looking, tally: &mut tally };
        for number in 0..2_000 {
            let host = number.to_string();
            let sums = adding.add(Some(&host), None, (0..MINUTES).map(|minute| (minute, 1)));
            if !matches!(sums, Ok(Completeness::Whole)) {
                return (number, sums);
            }
        }
        (2_000, Ok(Completeness::Whole))
    }

    #[test]
    fn counts_of_one_query_have_a_bound() {
        // 2^20 counts, 2,000 of each host.
        let filled = fill(WhenLate::Finish, u64::MAX, &Arc::default());
        assert!(matches!(filled, (525, Ok(Completeness::TooMany))), "{filled:?}");
    }

    #[test]
    fn sums_end_when_the_time_is_up_or_nobody_waits() {
        let late = fill(WhenLate::Stop, 0, &Arc::default());
        assert!(matches!(late, (127, Ok(Completeness::Late))), "{late:?}");
        let finished = fill(WhenLate::Finish, 0, &Arc::default());
        assert!(matches!(finished, (525, Ok(Completeness::TooMany))), "{finished:?}");
        let given_up = Arc::new(AtomicBool::default());
        given_up.store(true, Ordering::Relaxed);
        let ended = fill(WhenLate::Finish, u64::MAX, &given_up);
        assert!(matches!(ended, (127, Err(StoreError::Closed))), "{ended:?}");
    }
}
