//! The most frequent values of a field.
//!
//! Fields with roll-ups come from them. Of others, a closed day has a list of its most frequent values, with
//! a bound on how often any other occurs; days that are open, or covered in part, are looked at row by row.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::Ask;
use super::buckets::{Buckets, day_range};
use super::budget::Looking;
use super::histogram::{count, ranked};
use super::pool::Reading;
use super::rollups::Rolled;
use super::scan::Visible;
use super::segment::number;
use super::tally::{Rows, Tally};
use super::values::Values;
use crate::collector::query::{Exactness, Filter, Top, TopQuery};
use crate::collector::store::StoreError;
use crate::collector::{EventTime, Field};

/// Bytes of the values of one query, with what each takes besides: lists of a year fit, where values are as long
/// as paths mostly are; long user agents, and more of them, end it.
const MAX_SUM_BYTES: usize = 32 << 20;
/// What a value takes besides its text.
const SUM_BYTES: usize = 64;

/// The most frequent values.
pub(super) fn top(ask: &Ask, query: &TopQuery, looking: Looking) -> Result<Top, StoreError> {
    let is_rolled = Rolled::of(&query.filter, Some(query.field)).is_some();
    if !is_rolled && query.filter == Filter::default() {
        return of_lists(ask, query, looking);
    }
    let whole = Buckets::whole(query.range);
    let (tally, exactness) = count(ask, whole, &query.filter, Some(query.field), looking)?;
    let mut sums = Sums::default();
    sums.add_rows(tally);
    Ok(Top { values: sums.ranked(query.limit), exactness })
}

fn of_lists(ask: &Ask, query: &TopQuery, mut looking: Looking) -> Result<Top, StoreError> {
    let visible = Visible::now(ask.snapshot.clone());
    let rows = Rows {
        pool: &ask.pool,
        partitions: &ask.partitions,
        filter: &query.filter,
        visible: &visible,
    };
    let mut sums = Sums::default();
    // From when on no list has left anything out.
    let mut whole_from = EventTime(i64::MIN);
    let mut has_moved = false;
    for partition in rows.within(query.range) {
        looking.glance()?;
        let day = day_range(partition.day());
        let part = query.range.within(day);
        if has_moved && (looking.is_late() || sums.is_full()) {
            return Ok(sums.until(part.until.max(whole_from), query.limit));
        }
        has_moved = true;
        if part == day {
            let Some(reading) = ask.pool.read(partition)? else { continue };
            if let Some(list) = List::read(&reading, query.field)? {
                if list.least > 0 {
                    whole_from = whole_from.max(day.until);
                }
                sums.add_list(list);
                continue;
            }
        }
        let mut tally = Tally::new(Buckets::whole(part), Values::of(Some(query.field)));
        let (left, stopped) = tally.count(&rows, part, looking)?;
        sums.add_rows(tally);
        looking = left;
        if let Some(stopped) = stopped {
            return Ok(sums.until(stopped.max(whole_from), query.limit));
        }
    }
    let values = sums.ranked(query.limit);
    let exactness = sums.exactness(&values, query.limit);
    Ok(Top { values, exactness })
}

/// The most frequent values of a closed day.
#[derive(Debug)]
struct List {
    values: Vec<(String, u64)>,
    /// No value that is not listed occurs more often.
    least: u64,
}

impl List {
    /// The list of a partition, where it has one.
    fn read(reading: &Reading, field: Field) -> Result<Option<Self>, StoreError> {
        let column = field.column();
        reading.run(|connection| {
            let mut meta =
                connection.prepare_cached("SELECT least FROM top_meta WHERE field = ?1")?;
            let mut rows = meta.query([column])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            let least = number(row, 0)?;
            let sql = "SELECT value, count FROM top WHERE field = ?1";
            let mut list = connection.prepare_cached(sql)?;
            let values = list.query_map([column], |row| Ok((row.get(0)?, number(row, 1)?)))?;
            Ok(Some(Self { values: values.collect::<Result<_, _>>()?, least }))
        })
    }
}

/// Counts of values, of which some may be too low.
#[derive(Debug, Default)]
struct Sums {
    values: HashMap<String, Sum>,
    /// How often a value may occur that no list names.
    unlisted: u64,
    bytes: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    count: u64,
    /// What the lists that name the value say at most of others.
    known: u64,
}

impl Sums {
    fn add_rows(&mut self, tally: Tally) {
        let (values, counts) = tally.into_parts();
        for one in ranked(values, &counts) {
            if let Some(value) = one.value {
                let sum = self.sum(value);
                sum.count = sum.count.saturating_add(one.total);
            }
        }
    }

    fn add_list(&mut self, list: List) {
        self.unlisted = self.unlisted.saturating_add(list.least);
        for (value, count) in list.values {
            let sum = self.sum(value);
            sum.count = sum.count.saturating_add(count);
            sum.known = sum.known.saturating_add(list.least);
        }
    }

    fn sum(&mut self, value: String) -> &mut Sum {
        let bytes = value.len().saturating_add(SUM_BYTES);
        match self.values.entry(value) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                self.bytes = self.bytes.saturating_add(bytes);
                new.insert(Sum::default())
            }
        }
    }

    /// Whether the values take more than they may: one more day is too much.
    const fn is_full(&self) -> bool {
        self.bytes >= MAX_SUM_BYTES
    }

    /// What was counted when the count ended, all of it from `scanned_until` on.
    fn until(&self, scanned_until: EventTime, limit: usize) -> Top {
        Top { values: self.ranked(limit), exactness: Exactness::Partial { scanned_until } }
    }

    /// How much too low a count may be.
    const fn error(&self, sum: Sum) -> u64 {
        self.unlisted.saturating_sub(sum.known)
    }

    /// The values with the greatest counts.
    fn ranked(&self, limit: usize) -> Vec<(String, u64)> {
        let mut ranked: Vec<(&String, u64)> =
            self.values.iter().map(|(value, sum)| (value, sum.count)).collect();
        ranked.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        ranked.truncate(limit);
        ranked.into_iter().map(|(value, count)| (value.clone(), count)).collect()
    }

    /// Whether these are certainly the most frequent, with their right counts.
    fn exactness(&self, top: &[(String, u64)], limit: usize) -> Exactness {
        let is_right =
            |value: &String| self.values.get(value).is_none_or(|sum| self.error(*sum) == 0);
        // Any other has to stay below the last of them; where there is room, there must be no other.
        let bar = if top.len() < limit { 1 } else { top.last().map_or(1, |(_, count)| *count) };
        let stays_below =
            |sum: &Sum| self.error(*sum) == 0 || sum.count.saturating_add(self.error(*sum)) < bar;
        let is_all = self.unlisted < bar && self.values.values().all(stays_below);
        if is_all && top.iter().all(|(value, _)| is_right(value)) {
            Exactness::Exact
        } else {
            Exactness::AtLeast { error: self.unlisted }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_bounded_by_their_bytes() {
        let mut sums = Sums::default();
        let list = |day: usize| List {
            values: (0..1_000).map(|number| (format!("{day}/{number}/{:01000}", 0), 1)).collect(),
            least: 1,
        };
        let fit = (0..100).take_while(|day| {
            sums.add_list(list(*day));
            !sums.is_full()
        });
        // A million bytes a day, and some more.
        assert_eq!(fit.count(), 31);
        // What is known already takes nothing more.
        let bytes = sums.bytes;
        sums.add_list(list(0));
        assert_eq!(sums.bytes, bytes);
    }
}
