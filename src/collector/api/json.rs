//! An event as JSON: Cloudflare's members, what came beside them in its place, `Metadata` with its blob
//! again, and what the collector has to say in `_wafpass`.
//!
//! Sent in again, it is the same event: `_wafpass` is not read, all else is.

use base64ct::{Base64, Encoding};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOfBuilder, Type,
};
use utoipa::openapi::{KnownFormat, RefOr, Schema, SchemaFormat};

use super::moments;
use crate::collector::store::StoreError;
use crate::collector::{Field, FieldKind, Flags, Intake, SealedText, StoredEvent};

/// An event's JSON, checked to be some.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct EventJson(Box<RawValue>);

impl TryFrom<&StoredEvent> for EventJson {
    type Error = StoreError;

    fn try_from(stored: &StoredEvent) -> Result<Self, StoreError> {
        let unreadable =
            |_| StoreError::Failed { reason: "an event's text is no JSON any more".to_owned() };
        let mut text = Vec::new();
        write(&mut text, stored);
        let text = String::from_utf8(text).map_err(|_| StoreError::Failed {
            reason: "an event's text is no UTF-8 any more".to_owned(),
        })?;
        RawValue::from_string(text).map(Self).map_err(unreadable)
    }
}

/// Writes an event's JSON on one line.
pub(crate) fn write(out: &mut Vec<u8>, stored: &StoredEvent) {
    let event = &stored.event;
    let mut members = Members::open(out);
    match event.datetime.as_str() {
        "" => members.text("Datetime", &moments::text_of(event.at)),
        datetime => members.raw("Datetime", datetime),
    }
    for (field, value) in event.fields.iter().filter(|(field, _)| *field != Field::KeyId) {
        match field.kind() {
            FieldKind::Integer => members.raw(field.name(), value),
            FieldKind::Text | FieldKind::Address => members.text(field.name(), value),
        }
    }
    members.splice(&event.rest);
    if !event.metadata.is_empty() || event.blob.is_some() || event.sealed_request.is_some() {
        let mut metadata = Vec::new();
        write_metadata(&mut metadata, stored);
        members.name("Metadata");
        members.out.extend_from_slice(&metadata);
    }
    members.name("_wafpass");
    write_origin(members.out, stored);
    members.close();
}

/// The blob as text: canonical base64, or what stands in its place.
pub(crate) fn blob_text(stored: &StoredEvent) -> Option<String> {
    stored.event.blob.as_ref().map(|blob| match blob {
        SealedText::Blob(bytes) => Base64::encode_string(bytes),
        SealedText::Other(text) => text.clone(),
    })
}

/// The request's clear text that was sealed here: base64.
pub(crate) fn sealed_request_text(stored: &StoredEvent) -> Option<String> {
    stored.event.sealed_request.as_deref().map(Base64::encode_string)
}

/// Writes a text as JSON.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    if serde_json::to_writer(&mut *out, text).is_err() {
        out.extend_from_slice(b"null"); // a Vec takes all that it is given
    }
}

fn write_metadata(out: &mut Vec<u8>, stored: &StoredEvent) {
    let mut members = Members::open(out);
    members.splice(&stored.event.metadata);
    if let Some(blob) = blob_text(stored) {
        members.text("encrypted_matched_data", &blob);
    }
    if let Some(request) = sealed_request_text(stored) {
        members.text("encrypted_request", &request);
    }
    members.close();
}

fn write_origin(out: &mut Vec<u8>, stored: &StoredEvent) {
    let event = &stored.event;
    let mut members = Members::open(out);
    members.text("id", &event.id.to_string());
    members.text("at", &moments::text_of(event.at));
    members.raw("batch", &stored.batch.to_string());
    members.text("intake", event.intake.name());
    if let Some(key_id) = event.get(Field::KeyId) {
        members.text("key_id", key_id);
    }
    members.name("flags");
    for (n, name) in event.flags.names().enumerate() {
        members.out.push(if n == 0 { b'[' } else { b',' });
        write_text(members.out, name);
    }
    let end: &[u8] = if event.flags == Flags::default() { b"[]" } else { b"]" };
    members.out.extend_from_slice(end);
    members.close();
}

/// The members of an object that is being written.
struct Members<'o> {
    out: &'o mut Vec<u8>,
    is_first: bool,
}

impl<'o> Members<'o> {
    fn open(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, is_first: true }
    }

    fn name(&mut self, name: &str) {
        self.comma();
        write_text(self.out, name);
        self.out.push(b':');
    }

    fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        write_text(self.out, value);
    }

    fn raw(&mut self, name: &str, json: &str) {
        self.name(name);
        self.out.extend(json.bytes().map(on_one_line));
    }

    // The members of an object's text.
    fn splice(&mut self, object: &str) {
        let inside = object.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let inside = inside.unwrap_or_default().trim();
        if !inside.is_empty() {
            self.comma();
            self.out.extend(inside.bytes().map(on_one_line));
        }
    }

    fn comma(&mut self) {
        if !self.is_first {
            self.out.push(b',');
        }
        self.is_first = false;
    }

    fn close(self) {
        self.out.push(b'}');
    }
}

// In JSON a raw line break stands between values only, never in a text: a blank says the same.
const fn on_one_line(byte: u8) -> u8 {
    match byte {
        b'\n' | b'\r' => b' ',
        other => other,
    }
}

impl utoipa::PartialSchema for EventJson {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let number = || {
            let int64 = SchemaFormat::KnownFormat(KnownFormat::Int64);
            ObjectBuilder::new().schema_type(Type::Integer).format(Some(int64)).minimum(Some(0))
        };
        let datetime = OneOfBuilder::new()
            .item(text())
            .item(ObjectBuilder::new().schema_type(Type::Number))
            .description(Some("As it was received."));
        let mut event = ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some("An event. Members that are no field stand as they came."))
            .property("Datetime", datetime)
            .required("Datetime");
        for field in Field::ALL.into_iter().filter(|field| *field != Field::KeyId) {
            event = match field.kind() {
                FieldKind::Integer => event.property(field.name(), number()),
                FieldKind::Text | FieldKind::Address => event.property(field.name(), text()),
            };
        }
        let metadata = ObjectBuilder::new()
            .schema_type(Type::Object)
            .property(
                "encrypted_matched_data",
                text().description(Some("What the rule matched, sealed.")),
            )
            .property(
                "encrypted_request",
                text().description(Some("Clear text that was sealed here.")),
            )
            .additional_properties(Some(AdditionalProperties::FreeForm(true)));
        let origin = ObjectBuilder::new()
            .schema_type(Type::Object)
            .property("id", text().pattern(Some("^[0-9a-f]{32}$")))
            .required("id")
            .property("at", text().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))))
            .required("at")
            .property("batch", number())
            .required("batch")
            .property("intake", text().enum_values(Some(Intake::ALL.map(Intake::name))))
            .required("intake")
            .property("key_id", text())
            .property("flags", ArrayBuilder::new().items(text()))
            .required("flags");
        event
            .property("Metadata", metadata)
            .property("_wafpass", origin)
            .required("_wafpass")
            .additional_properties(Some(AdditionalProperties::FreeForm(true)))
            .into()
    }
}

impl utoipa::ToSchema for EventJson {
    fn name() -> std::borrow::Cow<'static, str> {
        "Event".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::{EventId, EventTime, NewEvent};

    fn text(stored: &StoredEvent) -> String {
        let mut out = Vec::new();
        write(&mut out, stored);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_event_stands_on_one_line_with_all_that_came() {
        let mut event = NewEvent::new(EventTime(5), EventId([0xab; 16]), Intake::Logpush);
        event.datetime = "1795348800".to_owned();
        event.fields.set(Field::Action, "block");
        event.fields.set(Field::ClientAsn, "64496");
        event.fields.set(Field::Path, "/a\"\n\u{2028}");
        event.fields.set(Field::KeyId, "00112233");
        event.rest = "{ \"New\":\n[1,\r\n2] }".to_owned();
        event.metadata = r#"{"type":"customer"}"#.to_owned();
        event.blob = Some(SealedText::Blob(vec![3, 0, 0]));
        event.flags.insert(Flags::CUT);
        event.flags.insert(Flags::SEALED_HERE);
        let expected = concat!(
            r#"{"Datetime":1795348800,"Action":"block","ClientASN":64496,"#,
            "\"ClientRequestPath\":\"/a\\\"\\n\u{2028}\",",
            r#""New": [1,  2],"Metadata":{"type":"customer","encrypted_matched_data":"AwAA"},"#,
            r#""_wafpass":{"id":"abababababababababababababababab","at":"1970-01-01T00:00:00.000000005Z","#,
            r#""batch":7,"intake":"logpush","key_id":"00112233","flags":["sealed-here","cut"]}}"#,
        );
        let stored = StoredEvent::new(event, 7);
        assert_eq!(text(&stored), expected);
        assert!(EventJson::try_from(&stored).is_ok());
    }

    #[test]
    fn an_event_with_nothing_is_an_object_still() {
        let stored =
            StoredEvent::new(NewEvent::new(EventTime(0), EventId([0; 16]), Intake::Native), 1);
        let value: serde_json::Value = serde_json::from_str(&text(&stored)).unwrap();
        assert_eq!(value["Datetime"], "1970-01-01T00:00:00.000000000Z");
        assert_eq!(value["_wafpass"]["flags"], serde_json::json!([]));
        assert!(value.get("Metadata").is_none());
    }
}
