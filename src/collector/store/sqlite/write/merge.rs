//! Counts of chunks go into the day's counts, and what is deleted is taken out of them.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use rusqlite::{CachedStatement, Connection, OptionalExtension};

use super::super::error;
use super::super::rollup::{self, HourCounts};
use super::Step;
use super::day::Day;
use crate::collector::query::Snapshot;
use crate::collector::store::StoreError;

/// Bytes of packed counts that one step merges: they are added up in memory first, where a small entry takes thirty
/// times its bytes, and then each hour is written once.
const BYTES_PER_STEP: usize = 1 << 20;
/// Chunks that one step merges, however small: batches of one event have a sync for a thousand of them.
const CHUNKS_PER_STEP: usize = 1_000;

impl Day {
    /// Merges the counts of some chunks whose batches can be seen.
    pub(super) fn merge_step(&mut self, visible: &Snapshot) -> Result<Step, StoreError> {
        if self.deltas == 0 {
            return Ok(Step::Done);
        }
        let path = self.path().to_owned();
        let as_error = |error| error::of(&error, &path);
        let due = due(&self.db, 0..=visible.last, |batch| visible.contains(batch));
        let due = due.map_err(as_error)?;
        if due.is_empty() {
            return Ok(Step::Done);
        }
        self.transaction(|day| merge(&day.db, &due).map_err(as_error))?;
        self.deltas = self.deltas.saturating_sub(u64::try_from(due.len()).unwrap_or(u64::MAX));
        Ok(if self.deltas == 0 { Step::Done } else { Step::More })
    }
}

/// A chunk: its batch, and its number there.
type ChunkKey = (u64, i64);

/// Merges the counts of these chunks; within the caller's transaction.
fn merge(db: &Connection, chunks: &[ChunkKey]) -> rusqlite::Result<()> {
    let key = "batch = ?1 AND chunk = ?2";
    let mut read = db.prepare_cached(&format!("SELECT counts FROM rollup_delta WHERE {key}"))?;
    let packed = chunks.iter().map(|chunk| read.query_row(*chunk, |row| row.get(0)));
    let packed = packed.collect::<rusqlite::Result<Vec<Vec<u8>>>>()?;
    let mut counts = HourCounts::default();
    packed.iter().for_each(|packed| counts.add_packed(packed));
    add(db, &counts)?;
    let mut drop = db.prepare_cached(&format!("DELETE FROM rollup_delta WHERE {key}"))?;
    chunks.iter().try_for_each(|chunk| drop.execute(*chunk).map(|_| ()))
}

/// Merges what is left of a batch's counts; within the caller's transaction. Answers how many chunks that
/// were.
pub(super) fn merge_batch(db: &Connection, batch: u64) -> rusqlite::Result<u64> {
    let mut merged = 0_u64;
    loop {
        let due = due(db, batch..=batch, |_| true)?;
        if due.is_empty() {
            return Ok(merged);
        }
        merge(db, &due)?;
        merged = merged.saturating_add(u64::try_from(due.len()).unwrap_or_default());
    }
}

/// The next chunks of batches that are wanted, as many as one step merges: one at least.
fn due(
    db: &Connection,
    batches: RangeInclusive<u64>,
    is_wanted: impl Fn(u64) -> bool,
) -> rusqlite::Result<Vec<ChunkKey>> {
    let sql = "SELECT batch, chunk, length(counts) FROM rollup_delta WHERE batch BETWEEN ?1 AND ?2 \
               ORDER BY batch, chunk";
    let number = |batch: &u64| i64::try_from(*batch).unwrap_or(i64::MAX);
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query((number(batches.start()), number(batches.end())))?;
    let (mut due, mut bytes) = (Vec::new(), 0_usize);
    while let Some(row) = rows.next()? {
        let batch = row.get(0)?;
        if !is_wanted(batch) {
            continue;
        }
        bytes = bytes.saturating_add(row.get(2)?);
        let is_enough = bytes > BYTES_PER_STEP || due.len() >= CHUNKS_PER_STEP;
        if is_enough && !due.is_empty() {
            break;
        }
        due.push((batch, row.get(1)?));
    }
    Ok(due)
}

/// Adds counts to the day's; within the caller's transaction.
pub(super) fn add(db: &Connection, counts: &HourCounts<'_>) -> rusqlite::Result<()> {
    let mut rows = Rows::of(db)?;
    // Neighbours in the table one after the other.
    let mut all: Vec<_> = counts.hours.iter().collect();
    all.sort_unstable_by_key(|(key, _)| *key);
    for same in all.chunk_by(|(a, _), (b, _)| (a.0, a.1, &a.2) == (b.0, b.1, &b.2)) {
        let mut of_all = BTreeMap::new();
        for ((dim, hour, value, action), added) in same {
            let (value, action) = (Value(value.as_deref()), Value(action.as_deref()));
            rows.add((dim.column(), true, *hour, value, action), added)?;
            for (minute, count) in *added {
                let sum: &mut i64 = of_all.entry(*minute).or_default();
                *sum = sum.saturating_add(*count);
            }
        }
        if let Some(((dim, hour, value, _), _)) = same.first() {
            rows.add((dim.column(), false, *hour, Value(value.as_deref()), Value(None)), &of_all)?;
        }
    }
    Ok(())
}

/// A row's key: the field, whether it counts one action, the hour, the value, the action.
type RowKey<'k> = (&'static str, bool, i64, Value<'k>, Value<'k>);

/// The rows of the day's counts.
struct Rows<'c> {
    read: CachedStatement<'c>,
    write: CachedStatement<'c>,
    drop: CachedStatement<'c>,
}

impl<'c> Rows<'c> {
    fn of(db: &'c Connection) -> rusqlite::Result<Self> {
        let key = "dim = ?1 AND by_action = ?2 AND hour = ?3 AND value = ?4 AND action = ?5";
        Ok(Self {
            read: db.prepare_cached(&format!("SELECT minutes FROM rollup WHERE {key}"))?,
            write: db.prepare_cached(
                "INSERT OR REPLACE INTO rollup VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?,
            drop: db.prepare_cached(&format!("DELETE FROM rollup WHERE {key}"))?,
        })
    }

    fn add(&mut self, key: RowKey<'_>, added: &BTreeMap<u8, i64>) -> rusqlite::Result<()> {
        let before: Option<Vec<u8>> = self.read.query_row(key, |row| row.get(0)).optional()?;
        let (minutes, count) = rollup::add_to_hour(before.as_deref().unwrap_or_default(), added);
        let (dim, by_action, hour, value, action) = key;
        if count > 0 {
            self.write.execute((dim, by_action, hour, value, action, count, minutes))?;
        } else {
            self.drop.execute(key)?;
        }
        Ok(())
    }
}

/// A text, or 0 for one that events lack.
#[derive(Clone, Copy)]
struct Value<'v>(Option<&'v str>);

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        Ok(self.0.map_or_else(|| 0_i64.into(), Into::into))
    }
}
