//! What became visible since a snapshot: for those who watch.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rusqlite::params_from_iter;

use super::Ask;
use super::budget::Looking;
use super::clause::Clause;
use super::pool::{Reading, prepare};
use super::rows::Fetch;
use super::segment::{Key, number};
use super::text::has_patterns;
use crate::collector::limits::MAX_PAGE_BYTES;
use crate::collector::query::{Filter, Snapshot};
use crate::collector::store::sqlite::partitions::Partition;
use crate::collector::store::{Fresh, StoreError};
use crate::collector::{EventId, EventTime, StoredEvent};

/// Days that are held open at once, the newest of those that something came in for: whoever asks from far back
/// would else have all of them opened.
const MAX_DAYS: usize = 32;
/// Pieces that are gone through for their events, those of the newest batches: half a second of looks, and many
/// more than a client keeps up with.
const MAX_PIECES: usize = 10_000;

/// Events of batches that `since` does not contain, the newest `limit` of those that pass. What came in for more
/// than [`MAX_DAYS`] days, or in more than [`MAX_PIECES`] pieces, is only counted for the oldest of them.
pub(super) fn since(
    ask: &Ask,
    since: &Snapshot,
    filter: &Filter,
    limit: usize,
    mut looking: Looking,
) -> Result<Fresh, StoreError> {
    if has_patterns(filter) {
        looking.be_careful();
    }
    let news = News::new(since, &ask.snapshot);
    let Gathered { readings, pieces, rest, skipped } = Gathered::of(ask, &news, &mut looking)?;
    let mut found = Newest { places: BTreeSet::new(), limit, skipped };
    // Newest batch first: when the budget ends, the oldest are left out.
    for (origin, piece) in pieces.iter().rev() {
        if looking.is_spent() && looking.has_begun() {
            found.skip(piece.rows);
            continue;
        }
        let Some(reading) = readings.get(origin.reading) else { continue };
        piece.find(reading, *origin, filter, &mut looking, &mut found)?;
        looking.step()?;
    }
    let events = found.fetch(&readings, &mut looking)?;
    // Last, with what time is left: those who watch want events, not counts.
    for (partition, until) in &rest {
        if looking.is_spent() {
            // Nobody knows how many: at least that there are some is said.
            found.skip(1);
            break;
        }
        found.skip(news.count(ask, partition, *until, &mut looking)?);
    }
    Ok(Fresh { events, skipped: found.skipped, snapshot: ask.snapshot.clone() })
}

/// Which batches are new.
#[derive(Debug)]
struct News<'a> {
    since: &'a Snapshot,
    now: &'a Snapshot,
    /// None before it is.
    first: u64,
}

impl<'a> News<'a> {
    fn new(since: &'a Snapshot, now: &'a Snapshot) -> Self {
        // What was under way and still is, is no news, however long that lasts.
        let shown = since.pending.iter().copied().filter(|batch| now.contains(*batch)).min();
        Self { since, now, first: shown.unwrap_or_else(|| since.last.saturating_add(1)) }
    }

    fn contains(&self, batch: u64) -> bool {
        self.now.contains(batch) && !self.since.contains(batch)
    }

    /// How many rows of a partition are new, of batches up to one.
    fn count(
        &self,
        ask: &Ask,
        partition: &Arc<Partition>,
        until: u64,
        looking: &mut Looking,
    ) -> Result<u64, StoreError> {
        let Some(reading) = open(ask, partition)? else { return Ok(0) };
        let sql = "SELECT batch, rows FROM chunks WHERE batch BETWEEN ?1 AND ?2";
        reading.run(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query((signed(self.first), signed(until)))?;
            let mut sum = 0_u64;
            while let Some(row) = rows.next()? {
                if self.contains(number(row, 0)?) {
                    sum = sum.saturating_add(number(row, 1)?);
                }
                match looking.row() {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => return Ok(Err(error)),
                }
            }
            Ok(Ok(sum))
        })?
    }
}

/// A partition to read, and a note of how new it is.
fn open(ask: &Ask, partition: &Arc<Partition>) -> Result<Option<Reading>, StoreError> {
    let Some(reading) = ask.pool.read(partition)? else { return Ok(None) };
    partition.note_found(greatest_batch(&reading)?);
    Ok(Some(reading))
}

/// The greatest batch of a partition; 0 for none.
fn greatest_batch(reading: &Reading) -> Result<u64, StoreError> {
    let sql = "SELECT coalesce(max(batch), 0) FROM chunks";
    reading.run(|connection| connection.prepare_cached(sql)?.query_row((), |row| number(row, 0)))
}

fn signed(batch: u64) -> i64 {
    i64::try_from(batch).unwrap_or(i64::MAX)
}

/// Rows of a batch in one segment.
#[derive(Debug)]
struct Piece {
    rows: u64,
    min_at: i64,
    max_at: i64,
}

/// Which batch and segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Origin {
    batch: u64,
    reading: usize,
    segment: i64,
}

/// Where news are.
#[derive(Debug, Default)]
struct Gathered {
    readings: Vec<Reading>,
    pieces: BTreeMap<Origin, Piece>,
    /// Partitions that are only counted, up to a batch.
    rest: Vec<(Arc<Partition>, u64)>,
    skipped: u64,
}

impl Gathered {
    fn of(ask: &Ask, news: &News<'_>, looking: &mut Looking) -> Result<Self, StoreError> {
        let mut gathered = Self::default();
        for partition in &ask.partitions {
            if partition.is_older_than(news.first) {
                continue;
            }
            looking.glance()?;
            if gathered.readings.len() >= MAX_DAYS || looking.is_spent() {
                gathered.rest.push((Arc::clone(partition), u64::MAX));
                continue;
            }
            let Some(reading) = open(ask, partition)? else { continue };
            if let Some(until) = gathered.take_from(&reading, news, looking)? {
                gathered.rest.push((Arc::clone(partition), until));
            }
            let place = gathered.readings.len();
            if gathered.pieces.keys().any(|origin| origin.reading == place) {
                gathered.readings.push(reading);
            }
        }
        Ok(gathered)
    }

    /// Takes the newest pieces of a partition. Answers from which batch on down they are left.
    fn take_from(
        &mut self,
        reading: &Reading,
        news: &News<'_>,
        looking: &mut Looking,
    ) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT batch, segment, rows, min_at, max_at FROM chunks \
                   WHERE batch BETWEEN ?1 AND ?2 ORDER BY batch DESC";
        let place = self.readings.len();
        let mut above = u64::MAX;
        let left = reading.run(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query((signed(news.first), signed(news.now.last)))?;
            while let Some(row) = rows.next()? {
                let batch = number(row, 0)?;
                // Only between two batches: a piece is whole then.
                if batch != above {
                    self.trim();
                    let is_late = looking.is_spent() && !self.pieces.is_empty();
                    if is_late || self.is_full_above(batch) {
                        return Ok(Ok(Some(batch)));
                    }
                    above = batch;
                }
                if let Err(error) = looking.row() {
                    return Ok(Err(error));
                }
                if news.contains(batch) {
                    let origin = Origin { batch, reading: place, segment: row.get(1)? };
                    let piece =
                        Piece { rows: number(row, 2)?, min_at: row.get(3)?, max_at: row.get(4)? };
                    self.add(origin, piece);
                }
            }
            Ok(Ok(None))
        })?;
        self.trim();
        left
    }

    fn add(&mut self, origin: Origin, chunk: Piece) {
        let piece = self.pieces.entry(origin).or_insert(Piece { rows: 0, ..chunk });
        piece.rows = piece.rows.saturating_add(chunk.rows);
        piece.min_at = piece.min_at.min(chunk.min_at);
        piece.max_at = piece.max_at.max(chunk.max_at);
    }

    /// Only counts the oldest of too many.
    fn trim(&mut self) {
        while self.pieces.len() > MAX_PIECES {
            let Some((_, oldest)) = self.pieces.pop_first() else { return };
            self.skipped = self.skipped.saturating_add(oldest.rows);
        }
    }

    fn is_full_above(&self, batch: u64) -> bool {
        let oldest = self.pieces.first_key_value();
        self.pieces.len() >= MAX_PIECES && oldest.is_some_and(|(oldest, _)| oldest.batch > batch)
    }
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
            self.skip(1);
        }
    }

    const fn skip(&mut self, rows: u64) {
        self.skipped = self.skipped.saturating_add(rows);
    }

    /// The events, oldest first. Where they are long, the oldest of them are left out.
    fn fetch(
        &mut self,
        readings: &[Reading],
        looking: &mut Looking,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let mut fetch = Fetch::default();
        let (mut events, mut bytes) = (Vec::new(), 0_usize);
        while bytes < MAX_PAGE_BYTES {
            let Some(place) = self.places.pop_last() else { break };
            let reading = readings.get(place.reading).ok_or(StoreError::Closed)?;
            let event = fetch.event(reading, place.segment, place.key)?;
            bytes = bytes.saturating_add(event.event.bytes());
            events.push(event);
            looking.glance()?;
        }
        self.skip(u64::try_from(self.places.len()).unwrap_or(u64::MAX));
        events.reverse();
        Ok(events)
    }
}

impl Piece {
    fn find(
        &self,
        reading: &Reading,
        origin: Origin,
        filter: &Filter,
        looking: &mut Looking,
        found: &mut Newest,
    ) -> Result<(), StoreError> {
        let Origin { batch, segment, .. } = origin;
        let mut clause = Clause::default();
        // What does not pass is handed over too: it takes time, and is counted.
        clause.push("SELECT at, id, ");
        clause.filter(filter, None);
        clause.push(&format!(" FROM events_{segment} WHERE at >= "));
        clause.bind(self.min_at);
        clause.push(" AND at <= ");
        clause.bind(self.max_at);
        clause.push(" AND batch = ");
        clause.bind(signed(batch));
        clause.push(" ORDER BY at DESC, id DESC");
        reading.run(|connection| {
            let mut statement = prepare(connection, &clause.sql)?;
            let mut rows = statement.query(params_from_iter(&clause.values))?;
            let mut left = self.rows;
            while let Some(row) = rows.next()? {
                left = left.saturating_sub(1);
                if row.get(2)? {
                    let key = Key { at: EventTime(row.get(0)?), id: EventId(row.get(1)?) };
                    found.add(Place { batch, key, reading: origin.reading, segment });
                }
                match looking.row() {
                    Ok(true) => {}
                    Ok(false) => {
                        found.skip(left);
                        break;
                    }
                    Err(error) => return Ok(Err(error)),
                }
            }
            Ok(Ok(()))
        })?
    }
}
