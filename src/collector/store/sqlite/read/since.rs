//! What became visible since a snapshot: for those who watch.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::params_from_iter;

use super::Ask;
use super::budget::Looking;
use super::clause::Clause;
use super::pool::Reading;
use super::rows::Fetch;
use super::segment::{Key, number};
use crate::collector::query::{Filter, Snapshot};
use crate::collector::store::{Fresh, StoreError};
use crate::collector::{EventId, EventTime};

/// Days that are held open at once, the newest of those that something came in for: whoever asks from far back
/// would else have all of them opened.
const MAX_DAYS: usize = 32;

/// Events of batches that `since` does not contain, the newest `limit` of those that pass. What came in for more
/// than [`MAX_DAYS`] days is only counted for the oldest of them.
pub(super) fn since(
    ask: &Ask,
    since: &Snapshot,
    filter: &Filter,
    limit: usize,
    mut looking: Looking,
) -> Result<Fresh, StoreError> {
    let (readings, batches, skipped) = fresh_batches(ask, since, &mut looking)?;
    let mut found = Newest { places: BTreeSet::new(), limit, skipped };
    // Newest batch first: when the budget ends, the oldest are left out.
    for (batch, pieces) in batches.into_iter().rev() {
        for piece in pieces {
            if looking.is_spent() {
                found.skipped = found.skipped.saturating_add(piece.rows);
                continue;
            }
            let Some(reading) = readings.get(piece.reading) else { continue };
            piece.find(reading, batch, filter, &mut looking, &mut found)?;
            looking.step()?;
        }
    }
    let mut fetch = Fetch::default();
    let event = |place: &Place| {
        let reading = readings.get(place.reading).ok_or(StoreError::Closed)?;
        fetch.event(reading, place.segment, place.key)
    };
    let events = found.places.iter().map(event).collect::<Result<_, _>>()?;
    Ok(Fresh { events, skipped: found.skipped, snapshot: ask.snapshot.clone() })
}

/// Rows of a batch in one segment.
#[derive(Debug)]
struct Piece {
    reading: usize,
    segment: i64,
    rows: u64,
    min_at: i64,
    max_at: i64,
}

/// Where an event stands, in the order of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    batch: u64,
    key: Key,
    reading: usize,
    segment: i64,
}

#[derive(Debug)]
struct Newest {
    places: BTreeSet<Place>,
    limit: usize,
    skipped: u64,
}

impl Newest {
    fn add(&mut self, place: Place) {
        if self.places.insert(place) && self.places.len() > self.limit {
            self.places.pop_first();
            self.skipped = self.skipped.saturating_add(1);
        }
    }
}

type Batches = BTreeMap<u64, Vec<Piece>>;

/// Where fresh batches are, and how many of their rows are only counted.
fn fresh_batches(
    ask: &Ask,
    since: &Snapshot,
    looking: &mut Looking,
) -> Result<(Vec<Reading>, Batches, u64), StoreError> {
    let first = since.pending.first().map_or_else(|| since.last.saturating_add(1), |first| *first);
    let is_fresh = |batch: &u64| ask.snapshot.contains(*batch) && !since.contains(*batch);
    let (mut readings, mut batches, mut skipped) = (Vec::new(), Batches::new(), 0_u64);
    for partition in ask.partitions.iter().filter(|partition| !partition.is_older_than(first)) {
        let Some(reading) = ask.pool.read(partition)? else { continue };
        partition.note_found(greatest_batch(&reading)?);
        let place = readings.len();
        let pieces = chunks(&reading, first, place)?;
        let mut is_due = false;
        for (batch, piece) in pieces.into_iter().filter(|(batch, _)| is_fresh(batch)) {
            if place >= MAX_DAYS {
                skipped = skipped.saturating_add(piece.rows);
                continue;
            }
            batches.entry(batch).or_default().push(piece);
            is_due = true;
        }
        if is_due {
            readings.push(reading);
        }
        looking.glance()?;
    }
    Ok((readings, batches, skipped))
}

/// The greatest batch of a partition; 0 for none.
fn greatest_batch(reading: &Reading) -> Result<u64, StoreError> {
    let sql = "SELECT coalesce(max(batch), 0) FROM chunks";
    reading.run(|connection| connection.prepare_cached(sql)?.query_row((), |row| number(row, 0)))
}

fn chunks(reading: &Reading, first: u64, place: usize) -> Result<Vec<(u64, Piece)>, StoreError> {
    let sql = "SELECT batch, segment, sum(rows), min(min_at), max(max_at) FROM chunks \
               WHERE batch >= ?1 GROUP BY batch, segment";
    let first = i64::try_from(first).unwrap_or(i64::MAX);
    reading.run(|connection| {
        let mut statement = connection.prepare_cached(sql)?;
        let pieces = statement.query_map([first], |row| {
            let piece = Piece {
                reading: place,
                segment: row.get(1)?,
                rows: number(row, 2)?,
                min_at: row.get(3)?,
                max_at: row.get(4)?,
            };
            Ok((number(row, 0)?, piece))
        })?;
        pieces.collect()
    })
}

impl Piece {
    fn find(
        &self,
        reading: &Reading,
        batch: u64,
        filter: &Filter,
        looking: &mut Looking,
        found: &mut Newest,
    ) -> Result<(), StoreError> {
        let mut clause = Clause::default();
        clause.push(&format!("SELECT at, id FROM events_{} WHERE at >= ", self.segment));
        clause.bind(self.min_at);
        clause.push(" AND at <= ");
        clause.bind(self.max_at);
        clause.push(" AND batch = ");
        clause.bind(i64::try_from(batch).unwrap_or(i64::MAX));
        clause.push(" AND ");
        clause.filter(filter, None);
        let outcome = reading.run(|connection| {
            let mut statement = connection.prepare_cached(&clause.sql)?;
            let mut rows = statement.query(params_from_iter(&clause.values))?;
            while let Some(row) = rows.next()? {
                let key = Key { at: EventTime(row.get(0)?), id: EventId(row.get(1)?) };
                found.add(Place { batch, key, reading: self.reading, segment: self.segment });
                if let Err(error) = looking.row() {
                    return Ok(Err(error));
                }
            }
            Ok(Ok(()))
        });
        outcome?
    }
}
