//! The distinct values of a field that a scan has met, each once.

use std::collections::HashMap;

use rusqlite::types::ValueRef;

use crate::collector::field::address_text;
use crate::collector::{Field, FieldKind};

/// Values that are told apart; with their bytes it bounds the memory of one query.
const MAX_VALUES: usize = 100_000;
/// Bytes of them: paths and user agents can be long.
const MAX_VALUE_BYTES: usize = 16 << 20;

/// Which value it is: its place among those that were met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ValueId(u32);

impl ValueId {
    /// The id of a place.
    pub(super) const fn of_index(index: u32) -> Self {
        Self(index)
    }

    /// Its place among those that were met, from 0.
    pub(super) fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// Values that were met, numbered in order. A count by value is then a number for each place.
#[derive(Debug, Default)]
pub(super) struct Values {
    field: Option<Field>,
    ids: HashMap<Box<[u8]>, ValueId>,
    absent: Option<ValueId>,
    bytes: usize,
}

impl Values {
    /// None so far. Without a field there is one value: none.
    pub(super) fn of(field: Option<Field>) -> Self {
        Self { field, ids: HashMap::new(), absent: None, bytes: 0 }
    }

    /// The column to read.
    pub(super) fn column(&self) -> &'static str {
        self.field.map_or("NULL", Field::column)
    }

    /// The id of a stored value. `None` when there are too many: then the scan has to stop.
    pub(super) fn id(&mut self, value: ValueRef<'_>) -> Option<ValueId> {
        match value {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => self.id_of(Some(bytes)),
            ValueRef::Integer(number) => self.id_of(Some(&number.to_be_bytes())),
            ValueRef::Null | ValueRef::Real(_) => self.id_of(None),
        }
    }

    /// The id of a text.
    pub(super) fn id_of_text(&mut self, value: Option<&str>) -> Option<ValueId> {
        self.id_of(value.map(str::as_bytes))
    }

    fn id_of(&mut self, value: Option<&[u8]>) -> Option<ValueId> {
        let known = value.map_or(self.absent, |bytes| self.ids.get(bytes).copied());
        if known.is_some() {
            return known;
        }
        let count = self.len();
        let bytes = self.bytes.saturating_add(value.map_or(0, <[u8]>::len));
        if count >= MAX_VALUES || bytes > MAX_VALUE_BYTES {
            return None;
        }
        let id = ValueId(u32::try_from(count).ok()?);
        self.bytes = bytes;
        match value {
            Some(bytes) => drop(self.ids.insert(bytes.into(), id)),
            None => self.absent = Some(id),
        }
        Some(id)
    }

    fn len(&self) -> usize {
        self.ids.len().saturating_add(usize::from(self.absent.is_some()))
    }

    /// The values as texts, with their ids.
    pub(super) fn into_texts(self) -> impl Iterator<Item = (Option<String>, ValueId)> {
        let kind = self.field.map_or(FieldKind::Text, Field::kind);
        let there = self.ids.into_iter().map(move |(bytes, id)| (Some(text(kind, &bytes)), id));
        self.absent.map(|id| (None, id)).into_iter().chain(there)
    }
}

fn text(kind: FieldKind, bytes: &[u8]) -> String {
    let as_is = || String::from_utf8_lossy(bytes).into_owned();
    match kind {
        FieldKind::Text => as_is(),
        FieldKind::Integer => <[u8; 8]>::try_from(bytes)
            .map_or_else(|_| as_is(), |b| i64::from_be_bytes(b).to_string()),
        FieldKind::Address => <[u8; 16]>::try_from(bytes).map_or_else(|_| as_is(), address_text),
    }
}
