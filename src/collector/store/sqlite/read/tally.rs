//! Counts by value and bucket.

use std::collections::VecDeque;
use std::sync::Arc;

use super::buckets::{Buckets, Place};
use super::budget::Looking;
use super::merge::{Merge, Next};
use super::pool::Pool;
use super::scan::{Scan, Visible};
use super::segment::{Key, days};
use super::values::{ValueId, Values};
use crate::collector::EventTime;
use crate::collector::query::{Filter, TimeRange};
use crate::collector::store::StoreError;
use crate::collector::store::sqlite::partitions::Partition;

/// Counts of one query, 16 bytes each: more would be of no use to anybody, and end it.
const MAX_CELLS: usize = 1 << 20;

/// Counts of one value: the buckets that have any, in order. They are met at one end mostly.
pub(super) type Counts = VecDeque<(Place, u64)>;

/// Counts by value and bucket.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) buckets: Buckets,
    pub(super) values: Values,
    /// By the values' places.
    counts: Vec<Counts>,
    cells: usize,
}

/// What rows to count, and where they are.
#[derive(Debug)]
pub(super) struct Rows<'q> {
    pub(super) pool: &'q Arc<Pool>,
    /// Newest first.
    pub(super) partitions: &'q [Arc<Partition>],
    pub(super) filter: &'q Filter,
    pub(super) visible: &'q Visible,
}

impl Rows<'_> {
    /// The partitions that may hold events of a range, newest first.
    pub(super) fn within(&self, range: TimeRange) -> impl Iterator<Item = &Arc<Partition>> {
        self.partitions.iter().filter(move |one| days(range).contains(&one.day()))
    }
}

impl Tally {
    /// Nothing yet.
    pub(super) fn new(buckets: Buckets, values: Values) -> Self {
        Self { buckets, values, counts: Vec::new(), cells: 0 }
    }

    /// Counts events of a bucket.
    pub(super) fn add(&mut self, value: ValueId, place: Place, count: u64) {
        self.add_all(value, std::iter::once((place, count)));
    }

    /// Counts events of buckets.
    pub(super) fn add_all(&mut self, value: ValueId, buckets: impl Iterator<Item = (Place, u64)>) {
        if self.counts.len() <= value.index() {
            self.counts.resize_with(value.index().saturating_add(1), Counts::new);
        }
        let Some(counts) = self.counts.get_mut(value.index()) else { return };
        let before = counts.len();
        buckets.for_each(|(place, count)| add(counts, place, count));
        self.cells = self.cells.saturating_add(counts.len().saturating_sub(before));
    }

    /// Whether more than this would be of no use to anybody.
    pub(super) const fn is_full(&self) -> bool {
        self.cells >= MAX_CELLS
    }

    /// A tally for what is counted all together, or not at all. The values go with it.
    pub(super) fn apart(&mut self) -> Self {
        let values = std::mem::take(&mut self.values);
        Self { buckets: self.buckets, values, counts: Vec::new(), cells: self.cells }
    }

    /// Takes in what was counted apart.
    pub(super) fn absorb(&mut self, apart: Self) {
        self.values = apart.values;
        if self.counts.is_empty() {
            (self.counts, self.cells) = (apart.counts, apart.cells);
            return;
        }
        let ids = (0_u32..).map(ValueId::of_index);
        for (id, counts) in ids.zip(apart.counts) {
            // Days come newest first: each of these goes to the front.
            for (place, count) in counts.into_iter().rev() {
                self.add(id, place, count);
            }
        }
    }

    /// Drops what was counted apart; its values stay known.
    pub(super) fn dismiss(&mut self, apart: Self) {
        self.values = apart.values;
    }

    /// Forgets what is in buckets before a place.
    pub(super) fn forget_before(&mut self, first: Place) {
        self.counts.iter_mut().for_each(|counts| counts.retain(|(place, _)| *place >= first));
        self.cells = self.counts.iter().map(VecDeque::len).sum();
    }

    /// The values, and by their places the counts of each; trailing values may lack any.
    pub(super) fn into_parts(self) -> (Values, Vec<Counts>) {
        (self.values, self.counts)
    }

    /// Counts rows of a range, newest first. Answers from when on all were counted, where that is not
    /// all of them.
    pub(super) fn count(
        &mut self,
        rows: &Rows<'_>,
        range: TimeRange,
        looking: Looking,
    ) -> Result<(Looking, Option<EventTime>), StoreError> {
        let values = std::mem::take(&mut self.values);
        let bounds = (range.from, Key::first_of(range.until));
        let mut scan = Scan::of_values(rows.filter, rows.visible.clone(), bounds, looking, values);
        let mut stopped = Ok(None);
        for partition in rows.within(range) {
            stopped = self.count_partition(rows.pool, partition, &mut scan);
            if !matches!(stopped, Ok(None)) {
                break;
            }
        }
        let (values, looking) = scan.into_parts();
        self.values = values.unwrap_or_default();
        Ok((looking, stopped?))
    }

    fn count_partition(
        &mut self,
        pool: &Arc<Pool>,
        partition: &Arc<Partition>,
        scan: &mut Scan<'_>,
    ) -> Result<Option<EventTime>, StoreError> {
        let Some(reading) = pool.read(partition)? else { return Ok(None) };
        let mut merge = Merge::new(&reading, scan)?;
        // Events of one moment count all together, or not at all.
        let mut held: Vec<ValueId> = Vec::new();
        let mut moment = EventTime(i64::MAX);
        loop {
            let next = merge.next(scan)?;
            if !matches!(&next, Next::Found(found) if found.key.at == moment) {
                let counted_from = match &next {
                    Next::Stopped(key) => key.looked_at_from(),
                    Next::Found(_) | Next::End => EventTime(i64::MIN),
                };
                for value in held.drain(..).filter(|_| moment >= counted_from) {
                    self.add(value, self.buckets.place(moment.0), 1);
                }
            }
            match next {
                Next::Found(found) if self.is_full() => {
                    return Ok(Some(EventTime(found.key.at.0.saturating_add(1))));
                }
                Next::Found(found) => {
                    moment = found.key.at;
                    held.extend(found.value);
                }
                Next::Stopped(key) => return Ok(Some(key.looked_at_from())),
                Next::End => return Ok(None),
            }
        }
    }
}

fn add(counts: &mut Counts, place: Place, count: u64) {
    match counts.back_mut() {
        _ if count == 0 => {}
        Some((last, sum)) if *last == place => *sum = sum.saturating_add(count),
        Some((last, _)) if *last > place => {
            let found = counts.binary_search_by_key(&place, |(place, _)| *place);
            match found {
                Err(at) => counts.insert(at, (place, count)),
                Ok(at) => {
                    if let Some((_, sum)) = counts.get_mut(at) {
                        *sum = sum.saturating_add(count);
                    }
                }
            }
        }
        Some(_) | None => counts.push_back((place, count)),
    }
}
