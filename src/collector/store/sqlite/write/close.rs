//! A day that is over is closed: all indexes, all counts merged, lists of frequent values, a short journal.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::super::error;
use super::super::schema::{BUSY_TIMEOUT, LIST_LENGTH, LISTED};
use super::Step;
use super::day::Day;
use crate::collector::field::address_text;
use crate::collector::query::Snapshot;
use crate::collector::store::StoreError;
use crate::collector::{EventTime, Field};

/// A day is closed this long after its end: senders deliver late.
const CLOSE_AFTER_NS: i64 = 3_600_000_000_000;
const NS_PER_DAY: i64 = 86_400_000_000_000;
/// Tables that one statement of SQLite can add up (its limit is 500). A day of more than 20 million events
/// gets no lists; they are counted when they are asked for.
const MAX_LISTED_SEGMENTS: usize = 400;

/// Whether a day is over for good.
pub(super) const fn is_over(day: i64, now: EventTime) -> bool {
    let end = day.saturating_add(1).saturating_mul(NS_PER_DAY);
    now.0 >= end.saturating_add(CLOSE_AFTER_NS)
}

/// The rows that lists were made of: the same again means that nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Fingerprint {
    chunks: i64,
    rows: i64,
}

/// The most frequent values of a field.
#[derive(Debug)]
pub(in super::super) struct List {
    field: Field,
    values: Vec<(String, i64)>,
    least: i64,
}

/// What closing needs next.
#[derive(Debug)]
pub(super) enum Closing {
    /// Another step.
    More,
    /// Nothing now: it is closed, or something in it is pending.
    Done,
    /// Its lists, computed from these rows, elsewhere: they take seconds.
    Lists(Fingerprint),
}

impl Day {
    /// One step towards the end of a day.
    pub(super) fn close_step(&mut self, visible: &Snapshot) -> Result<Closing, StoreError> {
        if self.pending_rows(&visible.pending)? > 0 {
            return Ok(Closing::Done);
        }
        if let Step::More = self.seal_all_step()? {
            return Ok(Closing::More);
        }
        if let Step::More = self.merge_step(visible)? {
            return Ok(Closing::More);
        }
        if self.deltas > 0 || self.closed {
            return Ok(Closing::Done);
        }
        self.fingerprint().map(Closing::Lists)
    }

    /// Stores the lists, if they are still right, and ends the day.
    pub(super) fn finish_closing(
        &mut self,
        made_of: Fingerprint,
        lists: &[List],
        visible: &Snapshot,
    ) -> Result<(), StoreError> {
        if self.closed || self.fingerprint()? != made_of {
            return Ok(());
        }
        self.transaction(|day| {
            for list in lists {
                store(&day.db, list).map_err(|error| day.error(&error))?;
            }
            day.set_meta("closed", 1)?;
            day.closed = true;
            Ok(())
        })?;
        if self.pending_rows(&visible.pending)? == 0 {
            self.note_settled(visible)?;
            self.unmark()?;
        }
        self.checkpoint()
    }

    /// Moves the journal into the file and shortens it, unless a reader needs it: then it is done
    /// another time.
    pub(super) fn checkpoint(&self) -> Result<(), StoreError> {
        let checkpoint = || {
            self.db.busy_timeout(Duration::ZERO)?;
            let done = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()));
            // Whatever came of it: the connection goes on to write.
            self.db.busy_timeout(BUSY_TIMEOUT)?;
            done
        };
        checkpoint().map_err(|error| self.error(&error))
    }

    fn fingerprint(&self) -> Result<Fingerprint, StoreError> {
        Fingerprint::read(&self.db).map_err(|error| self.error(&error))
    }
}

impl Fingerprint {
    fn read(db: &Connection) -> rusqlite::Result<Self> {
        let sql =
            "SELECT (SELECT count(*) FROM chunks), (SELECT coalesce(sum(rows), 0) FROM segments)";
        db.query_row(sql, (), |row| Ok(Self { chunks: row.get(0)?, rows: row.get(1)? }))
    }
}

fn store(db: &Connection, list: &List) -> rusqlite::Result<()> {
    let field = list.field.column();
    db.execute("DELETE FROM top WHERE field = ?1", [field])?;
    let mut insert = db.prepare_cached("INSERT INTO top VALUES (?1, ?2, ?3, ?4)")?;
    for (rank, (value, count)) in (1_i64..).zip(&list.values) {
        insert.execute((field, rank, value, count))?;
    }
    db.execute("INSERT OR REPLACE INTO top_meta VALUES (?1, ?2)", (field, list.least))?;
    Ok(())
}

/// Counts the values of a partition, beside the writer, by a connection that only reads. What does not fit
/// into memory is sorted in temporary files. `None` where other rows are there by now.
pub(in super::super) fn make_lists(
    path: &Path,
    made_of: Fingerprint,
) -> Result<Option<Vec<List>>, StoreError> {
    let count = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(path, flags)?;
        db.busy_timeout(BUSY_TIMEOUT)?;
        db.pragma_update(None, "cache_size", -4_096)?;
        db.pragma_update(None, "temp_store", "FILE")?;
        // All of one moment, and without rows that come and are given up before the day is closed.
        db.execute_batch("BEGIN")?;
        if Fingerprint::read(&db)? != made_of {
            return Ok(None);
        }
        let segments = db
            .prepare("SELECT segment FROM segments WHERE rows > 0")?
            .query_map((), |row| row.get(0))?
            .collect::<rusqlite::Result<Vec<i64>>>()?;
        if segments.len() > MAX_LISTED_SEGMENTS {
            return Ok(Some(Vec::new()));
        }
        let lists = LISTED.into_iter().map(|field| make_list(&db, field, &segments));
        lists.collect::<rusqlite::Result<_>>().map(Some)
    };
    count().map_err(|error| error::of(&error, path))
}

fn make_list(db: &Connection, field: Field, segments: &[i64]) -> rusqlite::Result<List> {
    let mut list = List { field, values: Vec::new(), least: 0 };
    if segments.is_empty() {
        return Ok(list);
    }
    let mut statement = db.prepare(&count_values(field.column(), segments))?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let count = row.get(1)?;
        if list.values.len() == LIST_LENGTH {
            list.least = count;
            break;
        }
        let value = match row.get_ref(0)? {
            rusqlite::types::ValueRef::Integer(number) => number.to_string(),
            rusqlite::types::ValueRef::Blob(bytes) => {
                bytes.try_into().map(address_text).unwrap_or_default()
            }
            text => text.as_str()?.to_owned(),
        };
        list.values.push((value, count));
    }
    Ok(list)
}

fn count_values(column: &str, segments: &[i64]) -> String {
    let mut sql = "SELECT value, count(*) AS events FROM (".to_owned();
    for (place, segment) in segments.iter().enumerate() {
        let union = if place == 0 { "" } else { " UNION ALL " };
        let _ = write!(sql, "{union}SELECT {column} AS value FROM events_{segment}");
    }
    let _ = write!(
        sql,
        ") WHERE value IS NOT NULL GROUP BY value ORDER BY events DESC, value LIMIT {}",
        LIST_LENGTH.saturating_add(1)
    );
    sql
}

#[cfg(test)]
mod tests {
    use super::super::super::schema;
    use super::*;

    #[test]
    fn lists_are_made_of_the_rows_that_were_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("2026-03-01.sqlite3");
        let db = schema::open_writer(&path, None).unwrap();
        let before = Fingerprint::read(&db).unwrap();
        assert_eq!(make_lists(&path, before).unwrap().unwrap().len(), LISTED.len());
        db.execute("INSERT INTO chunks VALUES (1, 0, 1, 5, 0, 0)", ()).unwrap();
        assert!(make_lists(&path, before).unwrap().is_none());
    }
}
