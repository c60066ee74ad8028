//! The segments of an open partition, and which events older ones hold.

use rusqlite::{Connection, OptionalExtension, params};

use super::super::bloom::{Bloom, Key};
use super::super::schema;
use crate::collector::limits::CHUNK_EVENTS;
use crate::collector::{EventId, NewEvent};

/// A table of events.
#[derive(Debug)]
pub(super) struct Segment {
    /// Its number: it stands in the names of its tables.
    pub(super) number: i64,
    /// How many events it holds.
    pub(super) rows: i64,
    /// The moment of its first event, or before it.
    pub(super) min_at: i64,
    /// The moment of its last event, or after it.
    pub(super) max_at: i64,
    /// Whether its indexes are complete.
    pub(super) sealed: bool,
    /// How many of its indexes are made.
    pub(super) indexes: usize,
    /// The events it may hold; made when it is first asked for.
    bloom: Option<Bloom>,
}

impl Segment {
    /// A new one without rows.
    pub(super) fn empty(number: i64, room: usize) -> Self {
        let bloom = Some(Bloom::with_room(room.saturating_add(CHUNK_EVENTS)));
        Self { number, rows: 0, min_at: 0, max_at: 0, sealed: false, indexes: 0, bloom }
    }

    /// All of a partition, by number.
    pub(super) fn load(db: &Connection) -> rusqlite::Result<Vec<Self>> {
        let mut statement = db.prepare(
            "SELECT segment, rows, min_at, max_at, sealed FROM segments ORDER BY segment",
        )?;
        let segments = statement.query_map((), |row| {
            Ok(Self {
                number: row.get(0)?,
                rows: row.get(1)?,
                min_at: row.get(2)?,
                max_at: row.get(3)?,
                sealed: row.get(4)?,
                indexes: 0,
                bloom: None,
            })
        })?;
        segments.collect()
    }

    /// Counts an event in.
    pub(super) fn add(&mut self, event: &NewEvent) {
        let at = event.at.0;
        if self.rows == 0 {
            (self.min_at, self.max_at) = (at, at);
        }
        (self.min_at, self.max_at) = (self.min_at.min(at), self.max_at.max(at));
        self.rows = self.rows.saturating_add(1);
        if let Some(bloom) = &mut self.bloom {
            bloom.insert(Key::new(event.id));
        }
    }

    /// Which batch brought the event, where this segment has it.
    pub(super) fn find(
        &mut self,
        db: &Connection,
        event: &NewEvent,
        key: Key,
    ) -> rusqlite::Result<Option<u64>> {
        let at = event.at.0;
        if self.rows == 0 || at < self.min_at || at > self.max_at {
            return Ok(None);
        }
        if !self.bloom(db)?.may_hold(key) {
            return Ok(None);
        }
        batch_of(db, self.number, event)
    }

    /// The filter, read or made where it is not at hand.
    fn bloom(&mut self, db: &Connection) -> rusqlite::Result<&Bloom> {
        let bloom = match self.bloom.take() {
            Some(bloom) => bloom,
            None => load_bloom(db, self.number, self.rows)?,
        };
        Ok(self.bloom.insert(bloom))
    }

    /// Its filter as it is stored.
    pub(super) fn bloom_bytes(&mut self, db: &Connection) -> rusqlite::Result<Vec<u8>> {
        Ok(self.bloom(db)?.to_bytes())
    }

    /// Bytes that its filter takes in memory.
    pub(super) fn memory(&self) -> usize {
        self.bloom.as_ref().map_or(0, Bloom::bytes)
    }

    /// What a transaction that fails has to put back. A filter may keep events that went again.
    pub(super) const fn mark(&self) -> Mark {
        Mark { rows: self.rows, min_at: self.min_at, max_at: self.max_at }
    }

    /// Puts it back.
    pub(super) const fn restore(&mut self, mark: Mark) {
        (self.rows, self.min_at, self.max_at) = (mark.rows, mark.min_at, mark.max_at);
    }

    /// Writes its numbers.
    pub(super) fn save(&self, db: &Connection) -> rusqlite::Result<()> {
        let mut statement = db.prepare_cached(
            "UPDATE segments SET rows = ?2, min_at = ?3, max_at = ?4 WHERE segment = ?1",
        )?;
        statement.execute((self.number, self.rows, self.min_at, self.max_at))?;
        Ok(())
    }

    /// Makes its tables.
    pub(super) fn create(&self, db: &Connection) -> rusqlite::Result<()> {
        db.execute_batch(&schema::create_segment(self.number))?;
        db.execute(
            "INSERT INTO segments (segment, rows, min_at, max_at, sealed) VALUES (?1, 0, 0, 0, 0)",
            params![self.number],
        )?;
        Ok(())
    }
}

/// The numbers of a segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    rows: i64,
    min_at: i64,
    max_at: i64,
}

/// Which batch brought an event that a segment may have.
pub(super) fn batch_of(
    db: &Connection,
    segment: i64,
    event: &NewEvent,
) -> rusqlite::Result<Option<u64>> {
    let sql = format!("SELECT batch FROM events_{segment} WHERE at = ?1 AND id = ?2");
    let mut statement = db.prepare_cached(&sql)?;
    statement.query_row((event.at.0, event.id.0), |row| row.get(0)).optional()
}

fn load_bloom(db: &Connection, segment: i64, rows: i64) -> rusqlite::Result<Bloom> {
    let stored: Option<Vec<u8>> =
        db.query_row("SELECT bloom FROM segments WHERE segment = ?1", [segment], |row| row.get(0))?;
    if let Some(bloom) = stored.as_deref().and_then(Bloom::from_bytes) {
        return Ok(bloom);
    }
    let room = usize::try_from(rows).unwrap_or_default().saturating_add(CHUNK_EVENTS);
    let mut bloom = Bloom::with_room(room);
    let mut statement = db.prepare(&format!("SELECT id FROM events_{segment}"))?;
    let mut keys = statement.query(())?;
    while let Some(row) = keys.next()? {
        bloom.insert(Key::new(EventId(row.get(0)?)));
    }
    Ok(bloom)
}
