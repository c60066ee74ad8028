//! One event in Cloudflare's shape: the native door's lines, and Logpush's.

use std::net::IpAddr;

use serde_json::value::RawValue;

use super::check::Kind;
use super::clear::{Clear, NotSealed};
use super::datetime::datetime;
use super::metadata::{BindingText, Metadata, event_id, is_opened_name};
use super::raw;
use super::request::country;
use super::rules::{REMOVED, Rules, Unread, cut};
use crate::collector::catalogue::{ClearText, QuarantineCode};
use crate::collector::limits::MAX_DATETIME_BYTES;
use crate::collector::{EventId, EventTime, Field, FieldKind, FieldValues, Flags, NewEvent};

/// Reads a line.
///
/// Members that are [`Field`]s are read by their kind: a text, an integer (also as digits in a string), an
/// address; `null` means absent, and so does an empty address. Members of other names keep their raw value.
/// `KeyID` and `_wafpass`, which a collector writes, are passed over.
pub(super) fn read(rules: &Rules, line: &[u8]) -> Result<NewEvent, Unread> {
    let text = str::from_utf8(line).map_err(|_| QuarantineCode::NotJson)?;
    let mut draft = Draft::new(rules, line.len());
    raw::members(text, |name, value| draft.member(&name.0, value))?;
    draft.finish()
}

/// An event that is being read.
struct Draft<'r> {
    rules: &'r Rules,
    fields: FieldValues,
    flags: Flags,
    seen: u64,
    datetime: Option<String>,
    at: Option<EventTime>,
    rest: String,
    metadata: Option<Metadata>,
    clear: Clear,
    /// Whether what identifies the event is stored as it came.
    is_identity_whole: bool,
}

impl<'r> Draft<'r> {
    fn new(rules: &'r Rules, line_bytes: usize) -> Self {
        Self {
            rules,
            // Half of a line is names, punctuation and the blob.
            fields: FieldValues::with_capacity(line_bytes / 2),
            flags: Flags::default(),
            seen: 0,
            datetime: None,
            at: None,
            rest: String::new(),
            metadata: None,
            clear: Clear::default(),
            is_identity_whole: true,
        }
    }

    fn member(&mut self, name: &str, value: &RawValue) -> Result<(), QuarantineCode> {
        match Field::from_name(name) {
            Some(Field::KeyId) => Ok(()),
            Some(field) => self.field(field, value),
            None => match name {
                "Datetime" => self.datetime(value),
                "Metadata" if self.metadata.is_some() => Err(QuarantineCode::Duplicate),
                "Metadata" if !raw::is_shallow(value.get()) => Err(QuarantineCode::NotJson),
                "Metadata" => {
                    self.metadata = Some(Metadata::read(value, self.rules, &mut self.flags)?);
                    Ok(())
                }
                "_wafpass" => Ok(()),
                other => self.other(other, value),
            },
        }
    }

    fn field(&mut self, field: Field, value: &RawValue) -> Result<(), QuarantineCode> {
        let bit = 1_u64 << (field.index() % 64);
        if self.seen & bit != 0 {
            return Err(QuarantineCode::Duplicate);
        }
        self.seen |= bit;
        if raw::is_null(value) {
            return Ok(());
        }
        let text = raw::text(value);
        match (field.kind(), text) {
            (FieldKind::Text, Some(text)) if field == Field::ClientCountry => {
                self.text(field, &country(&text));
            }
            (FieldKind::Text, Some(text)) => self.text(field, &text),
            (FieldKind::Integer, text) => {
                let digits = text.as_deref().unwrap_or(value.get());
                let number: u32 = digits.parse().map_err(|_| QuarantineCode::WrongType)?;
                // A sign or a leading zero is left out.
                self.fields.set(field, &number.to_string());
            }
            (FieldKind::Address, Some(text)) if text.is_empty() => {}
            (FieldKind::Address, Some(text)) => {
                let address: IpAddr = text.parse().map_err(|_| QuarantineCode::WrongType)?;
                self.fields.set(field, &address.to_canonical().to_string());
            }
            (_, None) => return Err(QuarantineCode::WrongType),
        }
        Ok(())
    }

    fn text(&mut self, field: Field, text: &str) {
        match self.rules.policy(field) {
            ClearText::Drop => return self.flags.insert(Flags::DROPPED),
            ClearText::Seal => return self.clear.member(field.name(), text),
            ClearText::Keep => {}
        }
        let shown = if self.rules.is_suspect(text.as_bytes()) {
            self.flags.insert(Flags::PRIVATE_KEY_REMOVED);
            REMOVED
        } else {
            cut(field, text)
        };
        if shown.len() < text.len() && shown != REMOVED {
            self.flags.insert(Flags::CUT);
        }
        self.is_identity_whole &=
            shown.len() == text.len() || !matches!(field, Field::RayId | Field::RuleId);
        self.fields.set(field, shown);
    }

    fn datetime(&mut self, value: &RawValue) -> Result<(), QuarantineCode> {
        if self.datetime.is_some() {
            return Err(QuarantineCode::Duplicate);
        }
        if value.get().len() > MAX_DATETIME_BYTES {
            return Err(QuarantineCode::NoTime);
        }
        self.at = datetime(value.get());
        self.datetime = Some(value.get().to_owned());
        Ok(())
    }

    fn other(&mut self, name: &str, value: &RawValue) -> Result<(), QuarantineCode> {
        if raw::is_key_name(name) {
            return Err(QuarantineCode::PrivateKey);
        }
        // A blob stands in `Metadata`. Here nobody looks whether it is one.
        let is_blob = matches!(name, "encrypted_matched_data" | "encrypted_request");
        if (is_blob || is_opened_name(name)) && !raw::is_null(value) {
            return Err(QuarantineCode::NotSealed);
        }
        if !raw::is_shallow(value.get()) {
            return Err(QuarantineCode::NotJson);
        }
        let is_name_suspect = self.rules.is_suspect(name.as_bytes());
        if is_name_suspect || raw::is_suspect(value.get(), self.rules) {
            self.flags.insert(Flags::PRIVATE_KEY_REMOVED);
            let name = if is_name_suspect { "removed" } else { name };
            raw::push(&mut self.rest, name, &format!("\"{REMOVED}\""));
        } else {
            raw::push(&mut self.rest, name, value.get());
        }
        Ok(())
    }

    fn finish(mut self) -> Result<NewEvent, Unread> {
        let rules = self.rules;
        let at = rules.within(self.at.ok_or(QuarantineCode::NoTime)?)?;
        let datetime = self.datetime.take().unwrap_or_default();
        let own = |field| self.fields.get(field).filter(|_| self.is_identity_whole);
        let identity = [own(Field::RayId), own(Field::RuleId), own(Field::MatchIndex)];
        let id = rules.id(identity, &datetime)?;
        let mut event = NewEvent::new(at, id, rules.intake());
        let mut metadata = self.metadata.take().unwrap_or_default();
        if let Some(sealed) = metadata.blob.take() {
            match sealed.kind {
                Kind::Unbound => {}
                // Without its binding it opens for nobody, and its sender has to know.
                Kind::Bound(_) if metadata.binding().is_none() => {
                    return Err(QuarantineCode::WrongType.into());
                }
                Kind::Bound(key) => {
                    self.fields.set(Field::KeyId, &key.to_string());
                    if !rules.keys().knows(key) {
                        self.flags.insert(Flags::UNKNOWN_KEY);
                    }
                }
                Kind::Truncated => self.flags.insert(Flags::TRUNCATED),
                Kind::Later => self.flags.insert(Flags::UNKNOWN_VERSION),
            }
            event.blob = Some(sealed.text);
        }
        event.sealed_request = metadata.sealed_request.take();
        if !self.clear.is_empty() {
            event.sealed_request = Some(self.seal(&mut metadata, at, id)?);
            self.flags.insert(Flags::SEALED_HERE);
        }
        event.fields = self.fields;
        event.datetime = datetime;
        event.rest = raw::closed(self.rest);
        event.metadata = metadata.into_text();
        event.flags = self.flags;
        Ok(event)
    }

    /// Seals what the tenant wants sealed: for the binding that the event has, or else for one that it gets.
    fn seal(&self, metadata: &mut Metadata, at: EventTime, id: EventId) -> Result<Vec<u8>, Unread> {
        let key = self.rules.sealing_key()?;
        if let Some(binding) = metadata.binding() {
            return self.clear.seal(key, &binding.as_binding()?).map_err(Unread::from);
        }
        if metadata.has_binding() {
            return Err(QuarantineCode::WrongType.into());
        }
        let rule_id = self.fields.get(Field::RuleId).unwrap_or_default();
        let own =
            BindingText::new(self.rules.tenant().as_str(), event_id(&self.fields, id), rule_id, at);
        let binding = own.as_binding()?;
        let sealed = self.clear.seal(key, &binding)?;
        metadata.push_binding(&binding);
        Ok(sealed)
    }
}

impl From<NotSealed> for Unread {
    fn from(reason: NotSealed) -> Self {
        match reason {
            NotSealed::TooLarge => Self::Line(QuarantineCode::TooLong),
            NotSealed::Failed => Self::NotSealed,
        }
    }
}
