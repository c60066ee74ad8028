//! Counts by interval.
//!
//! What roll-ups can answer takes whole hours and minutes from them, and looks at the rows of the edges alone.
//! Anything else looks at rows, newest first, as far as the budget goes.

use super::Ask;
use super::buckets::Buckets;
use super::budget::Looking;
use super::rollups::{Rolled, Sums};
use super::scan::Visible;
use super::tally::{Counts, Rows, Tally};
use super::values::{ValueId, Values};
use crate::collector::query::{Exactness, Filter, Histogram, HistogramQuery, Series};
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
    looking: Looking,
) -> Result<(Tally, Exactness), StoreError> {
    let visible = Visible::now(ask.snapshot.clone());
    let rows = Rows { pool: &ask.pool, partitions: &ask.partitions, filter, visible: &visible };
    if let Some(rolled) = Rolled::of(filter, group) {
        let tally = Tally::new(buckets, Values::of(group));
        if let Some(tally) = add_up(&rolled, &rows, tally)? {
            return count_edges(tally, &rows, looking);
        }
    }
    let mut tally = Tally::new(buckets, Values::of(group));
    let (_, stopped) = tally.count(&rows, buckets.range(), looking)?;
    Ok((tally, exactness(stopped)))
}

fn exactness(stopped: Option<EventTime>) -> Exactness {
    stopped.map_or(Exactness::Exact, |scanned_until| Exactness::Partial { scanned_until })
}

/// The whole minutes; `None` where there are too many values.
fn add_up(
    rolled: &Rolled<'_>,
    rows: &Rows<'_>,
    mut tally: Tally,
) -> Result<Option<Tally>, StoreError> {
    for partition in rows.within(tally.buckets.range()) {
        let Some(reading) = rows.pool.read(partition)? else { continue };
        if rolled.add_up(&reading, rows.visible, &mut tally)? == Sums::TooManyValues {
            return Ok(None);
        }
    }
    Ok(Some(tally))
}

/// The rows of minutes that are not whole.
fn count_edges(
    mut tally: Tally,
    rows: &Rows<'_>,
    mut looking: Looking,
) -> Result<(Tally, Exactness), StoreError> {
    for part in tally.buckets.ragged() {
        let (left, stopped) = tally.count(rows, part, looking)?;
        looking = left;
        if let Some(stopped) = stopped {
            // Minutes before it were counted, rows were not: only whole buckets are given.
            let missing = stopped.0.saturating_sub(1).max(tally.buckets.range().from.0);
            tally.forget_before(tally.buckets.place(missing).saturating_add(1));
            let from = EventTime(tally.buckets.end_of(missing));
            return Ok((tally, exactness(Some(from))));
        }
    }
    Ok((tally, Exactness::Exact))
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
fn spread(
    ranked: Vec<Ranked>,
    mut counts: Vec<Counts>,
    buckets: usize,
) -> (Vec<Series>, Vec<u64>) {
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
