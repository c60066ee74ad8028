//! One event, by its id.

use rusqlite::{OptionalExtension, params};

use super::Ask;
use super::budget::Looking;
use super::pool::Reading;
use super::rows::Fetch;
use super::segment::{Key, Segment, number};
use crate::collector::query::{Snapshot, TimeRange};
use crate::collector::store::StoreError;
use crate::collector::store::sqlite::bloom::{self, Bloom};
use crate::collector::{EventId, EventTime, StoredEvent};

/// Milliseconds for a look at all partitions. Each sealed segment answers from its filter; those that
/// are open are read.
pub(super) const BUDGET_MS: u64 = 10_000;

/// The newest event of this id, or the one of this moment.
pub(super) fn event(
    ask: &Ask,
    id: EventId,
    at: Option<EventTime>,
    mut looking: Looking,
) -> Result<Option<StoredEvent>, StoreError> {
    for partition in &ask.partitions {
        if at.is_some_and(|at| at.day() != partition.day()) {
            continue;
        }
        let Some(reading) = ask.pool.read(partition)? else { continue };
        let place = match at {
            Some(at) => at_moment(&reading, Key { at, id }, &ask.snapshot)?,
            None => anywhere(&reading, id, &ask.snapshot, &mut looking)?,
        };
        if let Some((segment, key)) = place {
            return Fetch::default().event(&reading, segment, key).map(Some);
        }
    }
    Ok(None)
}

type Place = (i64, Key);

fn at_moment(
    reading: &Reading,
    key: Key,
    snapshot: &Snapshot,
) -> Result<Option<Place>, StoreError> {
    let until = EventTime(key.at.0.saturating_add(1));
    for segment in Segment::within(reading, TimeRange { from: key.at, until })? {
        let sql = format!("SELECT batch FROM events_{} WHERE at = ?1 AND id = ?2", segment.number);
        let batch = reading.run(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            statement.query_row(params![key.at.0, key.id.0], |row| number(row, 0)).optional()
        })?;
        if batch.is_some_and(|batch| snapshot.contains(batch)) {
            return Ok(Some((segment.number, key)));
        }
    }
    Ok(None)
}

/// Looks through all segments of a partition that may hold it: filters first, then rows.
fn anywhere(
    reading: &Reading,
    id: EventId,
    snapshot: &Snapshot,
    looking: &mut Looking,
) -> Result<Option<Place>, StoreError> {
    let mut newest: Option<Place> = None;
    for segment in may_hold(reading, id)? {
        looking.step()?;
        if looking.is_spent() {
            let reason = "an event without its time takes too long to find".to_owned();
            return Err(StoreError::Unavailable { reason });
        }
        let sql = format!("SELECT at, batch FROM events_{segment} WHERE id = ?1 ORDER BY at DESC");
        let at = reading.run(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query([id.0])?;
            while let Some(row) = rows.next()? {
                if snapshot.contains(number(row, 1)?) {
                    return Ok(Some(EventTime(row.get(0)?)));
                }
            }
            Ok(None)
        })?;
        let found = at.map(|at| (segment, Key { at, id }));
        newest = newest.into_iter().chain(found).max_by_key(|(_, key)| *key);
    }
    Ok(newest)
}

/// The segments that are not sure to lack it.
fn may_hold(reading: &Reading, id: EventId) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT segment, sealed, bloom FROM segments WHERE rows > 0";
    let key = bloom::Key::new(id);
    reading.run(|connection| {
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(())?;
        let mut segments = Vec::new();
        while let Some(row) = rows.next()? {
            let is_sealed: bool = row.get(1)?;
            let filter =
                row.get_ref(2)?.as_blob_or_null().ok().flatten().and_then(Bloom::from_bytes);
            let lacks_it = is_sealed && filter.is_some_and(|filter| !filter.may_hold(key));
            if !lacks_it {
                segments.push(row.get(0)?);
            }
        }
        Ok(segments)
    })
}
