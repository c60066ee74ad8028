//! Counts by interval.
//!
//! What roll-ups can answer takes whole hours and minutes from them, and looks at the rows of the edges alone: a day
//! at a time, newest first, and one day at least. Anything else looks at rows, newest first. Both go as far as the
//! budget does.

use super::Ask;
use super::buckets::{Buckets, day_range};
use super::budget::Looking;
use super::rollups::{Completeness, Rolled, Wanted, WhenLate};
use super::scan::Visible;
use super::tally::{Counts, Rows, Tally};
use super::text::has_patterns;
use super::values::{ValueId, Values};
use crate::collector::query::{Exactness, Filter, Histogram, HistogramQuery, Series, TimeRange};
use crate::collector::store::StoreError;
use crate::collector::{EventTime, Field};

/// Counts by interval.
pub(super) fn histogram(
    ask: &Ask,
    query: &HistogramQuery,
    looking: Looking,
) -> Result<Histogram, StoreError> {
    let buckets = Buckets::of(query.range, query.interval_s)?;
    let starts = buckets.starts();
    let (tally, exactness) = count(ask, buckets, &query.filter, query.group, looking)?;
    let (values, counts) = tally.into_parts();
    let mut ranked = ranked(values, &counts);
    if query.group.is_none() && ranked.is_empty() {
        ranked.push(Ranked { total: 0, value: None, id: None });
    }
    let max_groups = if query.group.is_some() { query.max_groups } else { 1 };
    let has_others = ranked.len() > max_groups;
    ranked.truncate(max_groups);
    let (series, other) = spread(ranked, counts, starts.len());
    Ok(Histogram { buckets: starts, series, other: has_others.then_some(other), exactness })
}

/// Counts by value and bucket: from roll-ups, where they know.
pub(super) fn count(
    ask: &Ask,
    buckets: Buckets,
    filter: &Filter,
    group: Option<Field>,
    mut looking: Looking,
) -> Result<(Tally, Exactness), StoreError> {
    let visible = Visible::now(ask.snapshot.clone());
    let rows = Rows { pool: &ask.pool, partitions: &ask.partitions, filter, visible: &visible };
    if has_patterns(filter) {
        looking.be_careful();
    }
    if let Some(rolled) = Rolled::of(filter, group) {
        let tally = Tally::new(buckets, Values::of(group));
        looking = match add_up(&rolled, &rows, tally, looking)? {
            Added::Up(tally, exactness) => return Ok((tally, exactness)),
            Added::ByRows(looking) => looking,
        };
    }
    let mut tally = Tally::new(buckets, Values::of(group));
    let (_, stopped) = tally.count(&rows, buckets.range(), looking)?;
    let exactness =
        stopped.map_or(Exactness::Exact, |scanned_until| Exactness::Partial { scanned_until });
    Ok((tally, exactness))
}

/// What came of adding up.
enum Added {
    Up(Tally, Exactness),
    /// Rows have to be counted: no minute is whole, or one day alone has too many values. This is left of the
    /// budget.
    ByRows(Looking),
}

/// The roll-ups of whole minutes and the rows of all others, a day at a time, newest first.
fn add_up(
    rolled: &Rolled<'_>,
    rows: &Rows<'_>,
    mut tally: Tally,
    mut looking: Looking,
) -> Result<Added, StoreError> {
    let range = tally.buckets.range();
    let mut ragged = tally.buckets.ragged();
    if ragged == [range] {
        return Ok(Added::ByRows(looking));
    }
    // The oldest edge comes last: all that is counted when a day ends is then newer than what is not.
    let oldest_day = day_range(range.from.day());
    let mut oldest = None;
    if let Some(part) = ragged.pop_if(|part| part.from == range.from) {
        oldest = Some(part.within(oldest_day));
        if part.until > oldest_day.until {
            ragged.push(TimeRange { from: oldest_day.until, ..part });
        }
    }
    let mut has_moved = false;
    for partition in rows.within(range) {
        looking.glance()?;
        let day = day_range(partition.day());
        if looking.is_late() && has_moved {
            return Ok(counted_from(tally, day.until));
        }
        let mut apart = tally.apart();
        let edges = ragged.iter().map(|part| part.within(day)).filter(|part| !part.is_empty());
        let (left, stopped) = count_edges(&mut apart, edges, rows, looking)?;
        looking = left;
        // What was looked at has to be of use.
        let when_late = match stopped {
            None if has_moved => WhenLate::Stop,
            _ => WhenLate::Finish,
        };
        let wanted = Wanted { from: stopped.unwrap_or(day.from), when_late };
        let sums = match rows.pool.read(partition)? {
            Some(reading) => {
                rolled.add_up(&reading, rows.visible, wanted, &mut looking, &mut apart)?
            }
            None => Completeness::Whole,
        };
        match sums {
            Completeness::Whole => tally.absorb(apart),
            Completeness::TooMany if !has_moved => return Ok(Added::ByRows(looking)),
            Completeness::TooMany | Completeness::Late => {
                tally.dismiss(apart);
                return Ok(counted_from(tally, day.until));
            }
        }
        if let Some(stopped) = stopped {
            return Ok(counted_from(tally, stopped));
        }
        has_moved = true;
    }
    let (_, stopped) = count_edges(&mut tally, oldest.into_iter(), rows, looking)?;
    Ok(match stopped {
        Some(stopped) => counted_from(tally, stopped),
        None => Added::Up(tally, Exactness::Exact),
    })
}

/// The rows of minutes that are not whole.
fn count_edges(
    tally: &mut Tally,
    edges: impl Iterator<Item = TimeRange>,
    rows: &Rows<'_>,
    mut looking: Looking,
) -> Result<(Looking, Option<EventTime>), StoreError> {
    for edge in edges {
        let (left, stopped) = tally.count(rows, edge, looking)?;
        looking = left;
        if stopped.is_some() {
            return Ok((looking, stopped));
        }
    }
    Ok((looking, None))
}

/// What is counted from a moment on, and in part before: only whole buckets are given.
fn counted_from(mut tally: Tally, moment: EventTime) -> Added {
    let (first, scanned_until) = tally.buckets.whole_from(moment);
    tally.forget_before(first);
    Added::Up(tally, Exactness::Partial { scanned_until })
}

/// A value with its total.
#[derive(Debug)]
pub(super) struct Ranked {
    pub(super) total: u64,
    pub(super) value: Option<String>,
    id: Option<ValueId>,
}

/// The values that occur, by total, descending, then by value.
pub(super) fn ranked(values: Values, counts: &[Counts]) -> Vec<Ranked> {
    let total = |id: ValueId| {
        counts.get(id.index())?.iter().map(|(_, count)| *count).reduce(u64::saturating_add)
    };
    let occurs = |(value, id)| Some(Ranked { total: total(id)?, value, id: Some(id) });
    let mut ranked: Vec<Ranked> = values.into_texts().filter_map(occurs).collect();
    ranked.sort_unstable_by(|a, b| b.total.cmp(&a.total).then_with(|| a.value.cmp(&b.value)));
    ranked
}

/// A series for each of these values, and the sum of all others.
fn spread(ranked: Vec<Ranked>, mut counts: Vec<Counts>, buckets: usize) -> (Vec<Series>, Vec<u64>) {
    let mut series = Vec::with_capacity(ranked.len());
    for one in ranked {
        let mut sums = vec![0; buckets];
        if let Some(own) = one.id.and_then(|id| counts.get_mut(id.index())) {
            add(&mut sums, &std::mem::take(own));
        }
        series.push(Series { value: one.value, counts: sums });
    }
    let mut other = vec![0; buckets];
    counts.iter().for_each(|counts| add(&mut other, counts));
    (series, other)
}

fn add(sums: &mut [u64], counts: &Counts) {
    for (place, count) in counts {
        if let Some(sum) = usize::try_from(*place).ok().and_then(|place| sums.get_mut(place)) {
            *sum = sum.saturating_add(*count);
        }
    }
}
