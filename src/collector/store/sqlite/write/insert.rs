//! Events become rows.

use std::fmt::Write as _;

use rusqlite::{Connection, Statement};

use super::super::bloom::Key;
use super::super::{error, rollup, schema};
use super::day::Day;
use super::segment;
use crate::collector::store::{StoreError, Visibility, Written};
use crate::collector::{Field, FieldKind, NewEvent, SealedText};

/// What of a chunk belongs into one partition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'e> {
    /// The batch.
    pub(super) batch: u64,
    /// Which chunk of the batch it is.
    pub(super) chunk: i64,
    /// Its events, by time and id: neighbours in the table.
    pub(super) events: &'e [NewEvent],
}

impl Day {
    /// Writes parts of chunks in one synced transaction. A part that another batch stands in the way of is left
    /// out alone; any other error leaves nothing of any of them.
    pub(super) fn write(
        &mut self,
        parts: &[Part<'_>],
        visibility: &Visibility,
    ) -> Result<Vec<Result<Written, StoreError>>, StoreError> {
        self.mark_unsettled()?;
        parts.iter().for_each(|part| self.partition.note_written(part.batch));
        self.transaction(|day| {
            day.reopen_closed()?;
            parts.iter().map(|part| day.write_part(*part, visibility)).collect()
        })
    }

    /// The inner result is the part's, the outer one the transaction's.
    fn write_part(
        &mut self,
        part: Part<'_>,
        visibility: &Visibility,
    ) -> Result<Result<Written, StoreError>, StoreError> {
        self.begin_segment_if_full()?;
        let mark = self.current()?.mark();
        self.execute("SAVEPOINT part")?;
        let written = self.insert(part, visibility);
        match written {
            Ok(written) => self.execute("RELEASE part").map(|()| Ok(written)),
            Err(StoreError::Conflict) => {
                self.execute("ROLLBACK TO part; RELEASE part")?;
                self.current()?.restore(mark);
                Ok(Err(StoreError::Conflict))
            }
            Err(other) => Err(other),
        }
    }

    fn insert(&mut self, part: Part<'_>, visibility: &Visibility) -> Result<Written, StoreError> {
        let path = self.path().to_owned();
        let as_error = |error| error::of(&error, &path);
        let Some((current, older)) = self.segments.split_last_mut() else {
            return Err(error::Unusable::Inconsistent.of(&path));
        };
        let db = &self.db;
        let mut event_row = db.prepare_cached(&insert_event(current.number)).map_err(as_error)?;
        let mut blob_row = db.prepare_cached(&insert_blob(current.number)).map_err(as_error)?;
        let mut counts = rollup::ChunkCounts::default();
        let mut written = Written::default();
        for event in part.events {
            let key = Key::new(event.id);
            let mut found = None;
            for segment in older.iter_mut().rev() {
                found = segment.find(db, event, key).map_err(as_error)?;
                if found.is_some() {
                    break;
                }
            }
            if found.is_none()
                && !bind_event(&mut event_row, event, part.batch).map_err(as_error)?
            {
                found = segment::batch_of(db, current.number, event).map_err(as_error)?;
            } else if found.is_none() {
                insert_blobs(&mut blob_row, event).map_err(as_error)?;
                counts.add(event);
                current.add(event);
                written.stored = written.stored.saturating_add(1);
                continue;
            }
            // A batch that is pending may still be given up, and the event with it.
            if found.is_some_and(|batch| batch != part.batch && visibility.is_pending(batch)) {
                return Err(StoreError::Conflict);
            }
            written.repeated = written.repeated.saturating_add(1);
        }
        if written.stored > 0 {
            current.save(db).map_err(as_error)?;
            note_chunk(db, part, current.number, written.stored, counts).map_err(as_error)?;
            self.deltas = self.deltas.saturating_add(1);
        }
        Ok(written)
    }
}

/// Notes which rows the chunk brought, and what they add to the counts.
fn note_chunk(
    db: &Connection,
    part: Part<'_>,
    segment: i64,
    rows: u64,
    counts: rollup::ChunkCounts<'_>,
) -> rusqlite::Result<()> {
    let min_at = part.events.first().map_or(0, |event| event.at.0);
    let max_at = part.events.last().map_or(0, |event| event.at.0);
    db.prepare_cached("INSERT INTO chunks VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute((part.batch, part.chunk, segment, rows, min_at, max_at))?;
    db.prepare_cached("INSERT INTO rollup_delta VALUES (?1, ?2, ?3)")?.execute((
        part.batch,
        part.chunk,
        counts.pack(),
    ))?;
    Ok(())
}

fn insert_event(segment: i64) -> String {
    let mut sql = format!("INSERT INTO events_{segment} VALUES (?1");
    for place in 2..=schema::event_columns().count() {
        let _ = write!(sql, ", ?{place}");
    }
    sql.push_str(") ON CONFLICT DO NOTHING");
    sql
}

fn insert_blob(segment: i64) -> String {
    format!("INSERT INTO blobs_{segment} VALUES (?1, ?2, ?3, ?4)")
}

/// Inserts a row; false where one of this key is there.
fn bind_event(row: &mut Statement<'_>, event: &NewEvent, batch: u64) -> rusqlite::Result<bool> {
    row.clear_bindings();
    row.raw_bind_parameter(1, event.at.0)?;
    row.raw_bind_parameter(2, event.id.0.as_slice())?;
    row.raw_bind_parameter(3, batch)?;
    row.raw_bind_parameter(4, event.intake.number())?;
    row.raw_bind_parameter(5, event.flags.0)?;
    row.raw_bind_parameter(6, event.blob.is_some())?;
    let mut place = schema::LEADING_COLUMNS.len();
    for field in Field::ALL {
        place = place.saturating_add(1);
        let Some(text) = event.get(field) else { continue };
        match field.kind() {
            FieldKind::Text => row.raw_bind_parameter(place, text)?,
            FieldKind::Integer => row.raw_bind_parameter(place, event.fields.integer(field))?,
            FieldKind::Address => {
                let address = event.fields.address(field);
                row.raw_bind_parameter(place, address.as_ref().map(<[u8; 16]>::as_slice))?;
            }
        }
    }
    row.raw_bind_parameter(place.saturating_add(1), event.datetime.as_str())?;
    if !event.rest.is_empty() {
        row.raw_bind_parameter(place.saturating_add(2), event.rest.as_str())?;
    }
    if !event.metadata.is_empty() {
        row.raw_bind_parameter(place.saturating_add(3), event.metadata.as_str())?;
    }
    Ok(row.raw_execute()? > 0)
}

fn insert_blobs(row: &mut Statement<'_>, event: &NewEvent) -> rusqlite::Result<()> {
    if event.blob.is_none() && event.sealed_request.is_none() {
        return Ok(());
    }
    row.clear_bindings();
    row.raw_bind_parameter(1, event.at.0)?;
    row.raw_bind_parameter(2, event.id.0.as_slice())?;
    match &event.blob {
        Some(SealedText::Blob(bytes)) => row.raw_bind_parameter(3, bytes.as_slice())?,
        Some(SealedText::Other(text)) => row.raw_bind_parameter(3, text.as_str())?,
        None => {}
    }
    if let Some(sealed) = &event.sealed_request {
        row.raw_bind_parameter(4, sealed.as_slice())?;
    }
    row.raw_execute()?;
    Ok(())
}
