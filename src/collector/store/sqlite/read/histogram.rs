//! Counts by interval.
//!
//! What roll-ups can answer takes whole hours and minutes from them, and looks at the rows of the edges alone.
//! Anything else looks at rows, newest first, as far as the budget goes.

use std::collections::HashMap;

use super::Ask;
use super::budget::Looking;
use super::buckets::{Buckets, Place};
use super::rollups::{Rolled, Sums};
use super::scan::Visible;
use super::tally::{Rows, Tally};
use super::values::{ValueId, Values};
use crate::collector::{EventTime, Field};
use crate::collector::query::{Exactness, Filter, Histogram, HistogramQuery, Series};
use crate::collector::store::StoreError;

/// Counts by interval.
pub(super) fn histogram(
    ask: &Ask,
    query: &HistogramQuery,
    looking: Looking,
) -> Result<Histogram, StoreError> {
    let buckets = Buckets::of(query.range, query.interval_s)?;
    let starts = buckets.starts();
    let (tally, exactness) = count(ask, buckets, &query.filter, query.group, looking)?;
    let (values, cells) = tally.into_parts();
    let mut series = series(values, &cells, starts.len(), query.group);
    let mut other = None;
    if query.group.is_some() && series.len() > query.max_groups {
        let rest = series.split_off(query.max_groups);
        let mut sums = vec![0_u64; starts.len()];
        for counts in rest.iter().map(|one| &one.counts) {
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum = sum.saturating_add(*count));
        }
        other = Some(sums);
    }
    Ok(Histogram { buckets: starts, series, other, exactness })
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
            let from = tally.buckets.end_of(stopped.0.saturating_sub(1));
            tally.forget_before(tally.buckets.place(from));
            return Ok((tally, exactness(Some(EventTime(from)))));
        }
    }
    Ok((tally, Exactness::Exact))
}

fn series(
    values: Values,
    cells: &HashMap<(ValueId, Place), u64>,
    buckets: usize,
    group: Option<Field>,
) -> Vec<Series> {
    let mut totals: HashMap<ValueId, u64> = HashMap::new();
    for ((value, _), count) in cells {
        let total = totals.entry(*value).or_default();
        *total = total.saturating_add(*count);
    }
    let mut all: Vec<(u64, Option<String>, ValueId)> = values
        .into_texts()
        .filter_map(|(text, id)| Some((*totals.get(&id)?, text, id)))
        .collect();
    all.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let mut places = HashMap::new();
    let mut series: Vec<Series> = Vec::with_capacity(all.len());
    for (_, value, id) in all {
        places.insert(id, series.len());
        series.push(Series { value, counts: vec![0; buckets] });
    }
    for ((value, place), count) in cells {
        let row = places.get(value).and_then(|place| series.get_mut(*place));
        let place = usize::try_from(*place).unwrap_or(usize::MAX);
        if let Some(cell) = row.and_then(|row| row.counts.get_mut(place)) {
            *cell = *count;
        }
    }
    if series.is_empty() && group.is_none() {
        series.push(Series { value: None, counts: vec![0; buckets] });
    }
    series
}
