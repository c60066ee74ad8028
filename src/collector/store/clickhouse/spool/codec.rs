//! Events as bytes, and back: lengths in front, little-endian.

use crate::collector::{EventId, EventTime, Field, Flags, Intake, NewEvent, SealedText};

/// Writes the fields that events name by their place in this list.
pub(super) fn put_fields(out: &mut Vec<u8>) {
    put_u32(out, Field::ALL.len());
    Field::ALL.iter().for_each(|field| put_bytes(out, field.column().as_bytes()));
}

pub(super) fn put_events(out: &mut Vec<u8>, events: &[NewEvent]) {
    put_u32(out, events.len());
    events.iter().for_each(|event| put_event(out, event));
}

fn put_event(out: &mut Vec<u8>, event: &NewEvent) {
    out.extend(event.at.0.to_le_bytes());
    out.extend(event.id.0);
    out.push(event.intake.number());
    out.extend(event.flags.0.to_le_bytes());
    put_bytes(out, event.datetime.as_bytes());
    put_bytes(out, event.rest.as_bytes());
    put_bytes(out, event.metadata.as_bytes());
    match &event.blob {
        None => out.push(0),
        Some(SealedText::Blob(bytes)) => {
            out.push(1);
            put_bytes(out, bytes);
        }
        Some(SealedText::Other(text)) => {
            out.push(2);
            put_bytes(out, text.as_bytes());
        }
    }
    match &event.sealed_request {
        None => out.push(0),
        Some(bytes) => {
            out.push(1);
            put_bytes(out, bytes);
        }
    }
    put_u32(out, event.fields.iter().count());
    for (place, field) in Field::ALL.into_iter().enumerate() {
        if let Some(value) = event.get(field) {
            put_u32(out, place);
            put_bytes(out, value.as_bytes());
        }
    }
}

pub(super) fn put_u32(out: &mut Vec<u8>, number: usize) {
    out.extend(u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
}

pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u32(out, bytes.len());
    out.extend(bytes);
}

/// Reads what the functions above write. `None` for anything else.
#[derive(Debug)]
pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl<'a> Input<'a> {
    /// The fields by their place; `None` in the list for one that this build does not know.
    pub(super) fn fields(&mut self) -> Option<Vec<Option<Field>>> {
        let count = self.u32()?;
        (0..count).map(|_| Some(Field::from_column(self.text()?))).collect()
    }

    pub(super) fn events(&mut self, fields: &[Option<Field>]) -> Option<Vec<NewEvent>> {
        let count = self.u32()?;
        (0..count).map(|_| self.event(fields)).collect()
    }

    fn event(&mut self, fields: &[Option<Field>]) -> Option<NewEvent> {
        let at = EventTime(i64::from_le_bytes(self.array()?));
        let id = EventId(self.array()?);
        let [intake] = self.array()?;
        let mut event = NewEvent::new(at, id, Intake::from_number(intake)?);
        event.flags = Flags(u32::from_le_bytes(self.array()?));
        self.text()?.clone_into(&mut event.datetime);
        self.text()?.clone_into(&mut event.rest);
        self.text()?.clone_into(&mut event.metadata);
        event.blob = match self.array()? {
            [0] => None,
            [1] => Some(SealedText::Blob(self.bytes()?.to_vec())),
            [2] => Some(SealedText::Other(self.text()?.to_owned())),
            _ => return None,
        };
        event.sealed_request = match self.array()? {
            [0] => None,
            [1] => Some(self.bytes()?.to_vec()),
            _ => return None,
        };
        for _ in 0..self.u32()? {
            let place = usize::try_from(self.u32()?).ok()?;
            let (field, value) = (fields.get(place)?, self.text()?);
            if let Some(field) = field {
                event.fields.set(*field, value);
            }
        }
        Some(event)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.u32()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }
}
