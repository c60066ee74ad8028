//! Rows are deleted: of batches that were given up, and of times that an owner wants gone.

use std::borrow::Cow;

use rusqlite::{Connection, OptionalExtension};

use super::super::error;
use super::super::rollup::{self, HourCounts};
use super::Step;
use super::day::Day;
use super::merge;
use crate::collector::Field;
use crate::collector::query::{Snapshot, TimeRange};
use crate::collector::store::StoreError;

/// Rows that one step deletes: a tenth of a second at most, with the indexes of a sealed segment.
const ROWS_PER_STEP: i64 = 2_000;

/// Where rows are deleted, and which.
struct Place {
    segment: i64,
    from: i64,
    last: i64,
}

impl Day {
    /// Deletes some rows of a batch that is given up; its counts go with the last of them.
    pub(super) fn erase_step(&mut self, batch: u64) -> Result<Step, StoreError> {
        let path = self.path().to_owned();
        let as_error = |error| error::of(&error, &path);
        let sql = "SELECT segment, min(min_at), max(max_at) FROM chunks WHERE batch = ?1 \
                   GROUP BY segment ORDER BY segment LIMIT 1";
        let place = self.db.prepare_cached(sql).and_then(|mut statement| {
            let place = |row: &rusqlite::Row<'_>| {
                Ok(Place { segment: row.get(0)?, from: row.get(1)?, last: row.get(2)? })
            };
            statement.query_row([batch], place).optional()
        });
        let Some(place) = place.map_err(as_error)? else { return Ok(Step::Done) };
        let is_merged = is_merged(&self.db, batch).map_err(as_error)?;
        self.mark_unsettled()?;
        self.transaction(|day| {
            let gone = if is_merged {
                day.reopen_closed()?;
                day.delete_merged(&place, batch).map_err(as_error)?
            } else {
                delete_batch(&day.db, &place, batch).map_err(as_error)?
            };
            day.take_rows(place.segment, gone)?;
            take_chunk_rows(&day.db, batch, place.segment, gone).map_err(as_error)?;
            if gone < ROWS_PER_STEP {
                let sql = "DELETE FROM chunks WHERE batch = ?1 AND segment = ?2";
                day.db.execute(sql, (batch, place.segment)).map_err(as_error)?;
                let sql = "DELETE FROM rollup_delta WHERE batch = ?1 AND chunk NOT IN \
                           (SELECT chunk FROM chunks WHERE batch = ?1)";
                let deltas = day.db.execute(sql, [batch]).map_err(as_error)?;
                day.deltas = day.deltas.saturating_sub(u64::try_from(deltas).unwrap_or_default());
            }
            Ok(Step::More)
        })
    }

    /// Deletes some rows of a batch whose counts are among the day's: it was committed once, and a
    /// catalogue from a backup does not know it.
    fn delete_merged(&mut self, place: &Place, batch: u64) -> rusqlite::Result<i64> {
        let merged = merge::merge_batch(&self.db, batch)?;
        self.deltas = self.deltas.saturating_sub(merged);
        let found = find(&self.db, place, |of| of == batch)?;
        delete_keys(&self.db, place.segment, &found.keys)?;
        merge::add(&self.db, &found.counts)?;
        Ok(i64::try_from(found.keys.len()).unwrap_or(i64::MAX))
    }

    /// Deletes some events of a time range that can be seen, and takes them out of the counts. Answers how many.
    ///
    /// The counts of all visible batches have to be merged before.
    pub(super) fn delete_step(
        &mut self,
        range: TimeRange,
        visible: &Snapshot,
    ) -> Result<(Step, u64), StoreError> {
        let path = self.path().to_owned();
        let as_error = |error| error::of(&error, &path);
        for place in 0..self.segments.len() {
            let Some(segment) = self.segments.get(place) else { break };
            let apart = segment.max_at < range.from.0 || segment.min_at >= range.until.0;
            if segment.rows == 0 || apart {
                continue;
            }
            let last = range.until.0.saturating_sub(1);
            let place = Place { segment: segment.number, from: range.from.0, last };
            let found = find(&self.db, &place, |batch| visible.contains(batch));
            let found = found.map_err(as_error)?;
            if found.keys.is_empty() {
                continue;
            }
            self.mark_unsettled()?;
            let gone = self.transaction(|day| {
                day.reopen_closed()?;
                delete_keys(&day.db, place.segment, &found.keys).map_err(as_error)?;
                merge::add(&day.db, &found.counts).map_err(as_error)?;
                let gone = i64::try_from(found.keys.len()).unwrap_or(i64::MAX);
                day.take_rows(place.segment, gone).map(|()| gone)
            })?;
            return Ok((Step::More, u64::try_from(gone).unwrap_or_default()));
        }
        Ok((Step::Done, 0))
    }

    /// How many events can be seen when these batches cannot.
    pub(super) fn visible_rows(&self, pending: &[u64]) -> Result<u64, StoreError> {
        let all: i64 = self.segments.iter().map(|segment| segment.rows).sum();
        let hidden = self.pending_rows(pending)?;
        Ok(u64::try_from(all.saturating_sub(hidden)).unwrap_or_default())
    }

    /// How many events these batches have here.
    pub(super) fn pending_rows(&self, pending: &[u64]) -> Result<i64, StoreError> {
        let count = || {
            let mut statement = self
                .db
                .prepare_cached("SELECT coalesce(sum(rows), 0) FROM chunks WHERE batch = ?1")?;
            let of = |batch: &u64| statement.query_row([*batch], |row| row.get::<_, i64>(0));
            pending.iter().map(of).sum::<rusqlite::Result<i64>>()
        };
        count().map_err(|error| self.error(&error))
    }

    fn take_rows(&mut self, number: i64, gone: i64) -> Result<(), StoreError> {
        let Some(segment) = self.segments.iter_mut().find(|segment| segment.number == number)
        else {
            return Ok(());
        };
        segment.rows = segment.rows.saturating_sub(gone).max(0);
        segment.save(&self.db).map_err(|error| error::of(&error, self.partition.path()))
    }
}

/// Whether counts of a batch are no longer its own.
fn is_merged(db: &Connection, batch: u64) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM chunks WHERE batch = ?1 AND chunk NOT IN \
               (SELECT chunk FROM rollup_delta WHERE batch = ?1))";
    db.prepare_cached(sql)?.query_row([batch], |row| row.get(0))
}

fn delete_batch(db: &Connection, place: &Place, batch: u64) -> rusqlite::Result<i64> {
    let sql = format!(
        "SELECT at, id FROM events_{} WHERE at BETWEEN ?1 AND ?2 AND batch = ?3 LIMIT {ROWS_PER_STEP}",
        place.segment
    );
    let keys: Vec<(i64, [u8; 16])> = db
        .prepare_cached(&sql)?
        .query_map((place.from, place.last, batch), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    delete_keys(db, place.segment, &keys)?;
    Ok(i64::try_from(keys.len()).unwrap_or(i64::MAX))
}

/// Takes rows that are gone out of the numbers of a batch's chunks, in step with those of their segment: what is
/// left of them is hidden, and no more. Which chunk they came with does not matter.
fn take_chunk_rows(
    db: &Connection,
    batch: u64,
    segment: i64,
    mut gone: i64,
) -> rusqlite::Result<()> {
    let chunks = db
        .prepare_cached("SELECT chunk, rows FROM chunks WHERE batch = ?1 AND segment = ?2")?
        .query_map((batch, segment), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<Vec<(i64, i64)>>>()?;
    let sql = "UPDATE chunks SET rows = rows - ?4 WHERE batch = ?1 AND chunk = ?2 AND segment = ?3";
    let mut update = db.prepare_cached(sql)?;
    for (chunk, rows) in chunks {
        let taken = rows.min(gone);
        if taken > 0 {
            update.execute((batch, chunk, segment, taken))?;
            gone = gone.saturating_sub(taken);
        }
    }
    Ok(())
}

fn delete_keys(db: &Connection, segment: i64, keys: &[(i64, [u8; 16])]) -> rusqlite::Result<()> {
    for table in ["blobs", "events"] {
        let sql = format!("DELETE FROM {table}_{segment} WHERE at = ?1 AND id = ?2");
        let mut delete = db.prepare_cached(&sql)?;
        for key in keys {
            delete.execute(*key)?;
        }
    }
    Ok(())
}

/// Events that are about to go, with what to take from the counts.
#[derive(Default)]
struct Found {
    keys: Vec<(i64, [u8; 16])>,
    counts: HourCounts<'static>,
}

fn find(
    db: &Connection,
    place: &Place,
    is_wanted: impl Fn(u64) -> bool,
) -> rusqlite::Result<Found> {
    let dims = rollup::DIMS.map(Field::column).join(", ");
    let sql = format!(
        "SELECT at, id, batch, action, {dims} FROM events_{} WHERE at BETWEEN ?1 AND ?2 ORDER BY at",
        place.segment
    );
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query((place.from, place.last))?;
    let mut found = Found::default();
    let owned = |text: &str| Cow::Owned(text.to_owned());
    while let Some(row) = rows.next()? {
        if !is_wanted(row.get(2)?) {
            continue;
        }
        let at = row.get(0)?;
        let action = row.get_ref(3)?.as_str_or_null()?;
        for (dim, column) in rollup::DIMS.into_iter().zip(4_usize..) {
            let value = row.get_ref(column)?.as_str_or_null()?;
            let (value, action) = (value.map(owned), action.map(owned));
            found.counts.add(dim, value, action, rollup::minute_of(at), -1);
        }
        found.keys.push((at, row.get(1)?));
        if found.keys.len() >= usize::try_from(ROWS_PER_STEP).unwrap_or(usize::MAX) {
            break;
        }
    }
    Ok(found)
}
