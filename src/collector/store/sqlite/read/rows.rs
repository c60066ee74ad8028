//! Rows as events.

use std::fmt::Write as _;

use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension, Row};

use super::pool::Reading;
use super::segment::{Key, number};
use crate::collector::field::{FIELDS, address_text};
use crate::collector::store::StoreError;
use crate::collector::store::sqlite::schema;
use crate::collector::{
    EventId, EventTime, Field, FieldValues, Flags, Intake, NewEvent, SealedText, StoredEvent,
};

/// The first column after the fields: `datetime`, then `rest`, `metadata`, and those of the blobs.
const AFTER_FIELDS: usize = schema::LEADING_COLUMNS.len() + FIELDS;
/// Most events' texts fit in it.
const FIELD_BYTES: usize = 512;

/// Events by their places. The text of the statement is kept: neighbours are of one segment.
#[derive(Debug, Default)]
pub(super) struct Fetch {
    segment: i64,
    sql: String,
}

impl Fetch {
    /// An event of a segment, whole.
    pub(super) fn event(
        &mut self,
        reading: &Reading,
        segment: i64,
        key: Key,
    ) -> Result<StoredEvent, StoreError> {
        if self.segment != segment || self.sql.is_empty() {
            *self = Self { segment, sql: select(segment) };
        }
        let row = reading.run(|connection| {
            let mut statement = connection.prepare_cached(&self.sql)?;
            statement.query_row((key.at.0, key.id.0), read).optional()
        })?;
        // What was found is there: all is read at one moment.
        row.flatten().ok_or_else(|| reading.inconsistent())
    }
}

fn select(segment: i64) -> String {
    let mut sql = "SELECT ".to_owned();
    for column in schema::event_columns() {
        let _ = write!(sql, "e.{column}, ");
    }
    let _ = write!(
        sql,
        "b.blob, b.sealed_request FROM events_{segment} e LEFT JOIN blobs_{segment} b \
         ON b.at = e.at AND b.id = e.id WHERE e.at = ?1 AND e.id = ?2"
    );
    sql
}

/// A row of [`select`]; `None` where a value cannot be. Columns are read by their places: to look up their
/// names takes longer than to read them.
fn read(row: &Row<'_>) -> rusqlite::Result<Option<StoredEvent>> {
    let Some(intake) = Intake::from_number(row.get(3)?) else { return Ok(None) };
    let mut event = NewEvent::new(EventTime(row.get(0)?), EventId(row.get(1)?), intake);
    event.flags = Flags(row.get(4)?);
    event.fields = FieldValues::with_capacity(FIELD_BYTES);
    for (field, column) in Field::ALL.into_iter().zip(schema::LEADING_COLUMNS.len()..) {
        if !set(&mut event.fields, field, row.get_ref(column)?) {
            return Ok(None);
        }
    }
    event.datetime = row.get(AFTER_FIELDS)?;
    event.rest = row.get::<_, Option<String>>(AFTER_FIELDS + 1)?.unwrap_or_default();
    event.metadata = row.get::<_, Option<String>>(AFTER_FIELDS + 2)?.unwrap_or_default();
    event.blob = match row.get_ref(AFTER_FIELDS + 3)? {
        ValueRef::Blob(bytes) => Some(SealedText::Blob(bytes.to_vec())),
        ValueRef::Text(_) => Some(SealedText::Other(row.get(AFTER_FIELDS + 3)?)),
        _ => None,
    };
    event.sealed_request = row.get(AFTER_FIELDS + 4)?;
    Ok(Some(StoredEvent::new(event, number(row, 2)?)))
}

fn set(fields: &mut FieldValues, field: Field, value: ValueRef<'_>) -> bool {
    match value {
        ValueRef::Null => {}
        ValueRef::Integer(number) => fields.set(field, &number.to_string()),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => fields.set(field, text),
            Err(_) => return false,
        },
        ValueRef::Blob(bytes) => match <[u8; 16]>::try_from(bytes) {
            Ok(octets) => fields.set(field, &address_text(octets)),
            Err(_) => return false,
        },
        ValueRef::Real(_) => return false,
    }
    true
}
