//! A partition that is open for writing.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

use super::super::SqliteOptions;
use super::super::error::{self, Unusable};
use super::super::partitions::{self, Partition, Partitions};
use super::super::schema;
use super::segment::{Mark, Segment};
use crate::collector::query::Snapshot;
use crate::collector::store::StoreError;

/// A partition with the writer's connection.
#[derive(Debug)]
pub(super) struct Day {
    /// Which one it is.
    pub(super) partition: Arc<Partition>,
    /// The only connection that writes to it.
    pub(super) db: Connection,
    /// Its segments by number; events go to the last.
    pub(super) segments: Vec<Segment>,
    /// Chunks whose counts are not merged yet.
    pub(super) deltas: u64,
    /// Whether its day is over and its lists are made.
    pub(super) closed: bool,
    /// Whether a transaction failed when it was to be synced: opened anew, the file may have it nevertheless.
    pub(super) in_doubt: bool,
    segment_rows: i64,
    marked: bool,
}

impl Day {
    /// Opens a partition, and makes its tables where it is new.
    pub(super) fn open(
        partition: Arc<Partition>,
        options: &SqliteOptions,
    ) -> Result<Self, StoreError> {
        let db = schema::open_writer(partition.path(), options.max_partition_pages)?;
        let as_error = |error| error::of(&error, partition.path());
        let segments = Segment::load(&db).map_err(as_error)?;
        let count = "SELECT count(*) FROM rollup_delta";
        let deltas = db.query_row(count, (), |row| row.get(0)).map_err(as_error)?;
        let marked = partition.marker().exists();
        let segment_rows = i64::try_from(options.segment_rows).unwrap_or(i64::MAX);
        let (closed, in_doubt) = (false, false);
        let mut day =
            Self { partition, db, segments, deltas, closed, in_doubt, segment_rows, marked };
        day.closed = day.meta("closed")? == Some(1);
        Ok(day)
    }

    /// Its file.
    pub(super) fn path(&self) -> &Path {
        self.partition.path()
    }

    /// What an error of SQLite means for it.
    pub(super) fn error(&self, error: &rusqlite::Error) -> StoreError {
        error::of(error, self.path())
    }

    /// Runs statements without values.
    pub(super) fn execute(&self, sql: &str) -> Result<(), StoreError> {
        self.db.execute_batch(sql).map_err(|error| self.error(&error))
    }

    /// One synced transaction: all of it, or nothing.
    pub(super) fn transaction<T>(
        &mut self,
        act: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let marks: Vec<Mark> = self.segments.iter().map(Segment::mark).collect();
        let (deltas, closed) = (self.deltas, self.closed);
        self.execute("BEGIN IMMEDIATE")?;
        let outcome = act(self).and_then(|done| self.commit().map(|()| done));
        if outcome.is_err() {
            // SQLite may have rolled back already; then there is nothing to do.
            let _ = self.db.execute_batch("ROLLBACK");
            self.segments.truncate(marks.len());
            for (segment, mark) in self.segments.iter_mut().zip(marks) {
                segment.restore(mark);
            }
            (self.deltas, self.closed) = (deltas, closed);
        }
        outcome
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.execute("COMMIT").inspect_err(|_| self.in_doubt = true)
    }

    /// The segment that events go to.
    pub(super) fn current(&mut self) -> Result<&mut Segment, StoreError> {
        let inconsistent = Unusable::Inconsistent.of(self.partition.path());
        self.segments.last_mut().ok_or(inconsistent)
    }

    /// Goes on in a new segment where the last one is full or has its indexes.
    pub(super) fn begin_segment_if_full(&mut self) -> Result<(), StoreError> {
        let full = self.segment_rows;
        let current = self.current()?;
        if current.rows < full && !current.sealed && current.indexes == 0 {
            return Ok(());
        }
        let room = usize::try_from(full).unwrap_or_default();
        let next = Segment::empty(current.number.saturating_add(1), room);
        next.create(&self.db).map_err(|error| self.error(&error))?;
        self.segments.push(next);
        Ok(())
    }

    /// Late rows: what was computed for the closed day is no longer right.
    pub(super) fn reopen_closed(&mut self) -> Result<(), StoreError> {
        if self.closed {
            self.execute(
                "DELETE FROM top; DELETE FROM top_meta; DELETE FROM meta WHERE key = 'closed'",
            )?;
            self.closed = false;
        }
        Ok(())
    }

    /// A number of `meta`.
    pub(super) fn meta(&self, key: &str) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT value FROM meta WHERE key = ?1";
        let value = self.db.query_row(sql, [key], |row| row.get(0)).optional();
        value.map_err(|error| self.error(&error))
    }

    /// Sets a number of `meta`.
    pub(super) fn set_meta(&self, key: &str, value: i64) -> Result<(), StoreError> {
        let sql = "INSERT INTO meta VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2";
        let done = self.db.execute(sql, (key, value));
        done.map(|_| ()).map_err(|error| self.error(&error))
    }

    /// Leaves a mark beside the file: batches in it may be undecided, and its day is to be closed. A start looks at
    /// marked files only.
    pub(super) fn mark_unsettled(&mut self) -> Result<(), StoreError> {
        if !self.marked {
            partitions::create_file(&self.partition.marker())?;
            self.marked = true;
        }
        Ok(())
    }

    /// Notes that all is decided, and takes the mark away, unless the next start has to find it to close the day.
    pub(super) fn settle(
        &mut self,
        visible: &Snapshot,
        partitions: &Partitions,
    ) -> Result<(), StoreError> {
        self.note_settled(visible)?;
        if self.closed || partitions.is_recent(&self.partition) {
            self.unmark()?;
        }
        Ok(())
    }

    /// Notes up to which batch every one is decided. To be called when nothing in the file is pending.
    pub(super) fn note_settled(&self, visible: &Snapshot) -> Result<(), StoreError> {
        if !self.marked {
            return Ok(());
        }
        let settled = visible.pending.first().map_or(visible.last, |first| first.saturating_sub(1));
        self.set_meta("settled", i64::try_from(settled).unwrap_or(i64::MAX))
    }

    /// Takes the mark away. A batch under way may still write to the file, and then leaves it again.
    pub(super) fn unmark(&mut self) -> Result<(), StoreError> {
        if !self.marked {
            return Ok(());
        }
        let marker = self.partition.marker();
        match fs::remove_file(&marker) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error::of_io(&error, &marker));
            }
            // Without a sync it may come back with a loss of power, which costs a look at the file.
            _ => self.marked = false,
        }
        Ok(())
    }

    /// Bytes that its filters take in memory.
    pub(super) fn memory(&self) -> usize {
        self.segments.iter().map(Segment::memory).sum()
    }

    /// How many full segments lack indexes.
    pub(super) fn backlog(&self) -> usize {
        self.full_unsealed().count()
    }

    /// The places of full segments that lack indexes. Events never go to one that has a later one beside it.
    pub(super) fn full_unsealed(&self) -> impl Iterator<Item = usize> {
        let last = self.segments.len().saturating_sub(1);
        let is_full =
            move |place, segment: &Segment| place < last || segment.rows >= self.segment_rows;
        let places = self.segments.iter().enumerate();
        places
            .filter(move |(place, segment)| !segment.sealed && is_full(*place, segment))
            .map(|(place, _)| place)
    }
}
