//! The Open Cybersecurity Schema Framework, 1.7.0: class HTTP Activity (4002) with the profile `security_control`.
//!
//! <https://schema.ocsf.io/1.7.0/classes/http_activity?profiles=security_control>

use serde_json::{Value, json};

use super::members::{self, Members, Outcome};
use crate::collector::api::json as event_json;
use crate::collector::{Field, NewEvent, StoredEvent};

/// The class and its category.
const CLASS_UID: u32 = 4_002;
const CATEGORY_UID: u32 = 4;
const VERSION: &str = "1.7.0";

/// Writes an event on one line.
pub(super) fn write(out: &mut Vec<u8>, stored: &StoredEvent) {
    if serde_json::to_writer(&mut *out, &activity(stored)).is_err() {
        out.extend_from_slice(b"{}"); // a Vec takes all that it is given
    }
}

fn activity(stored: &StoredEvent) -> Value {
    let event = &stored.event;
    let (activity_id, activity_name) = method(event);
    let control = Control::of(event);
    let mut members = Members::default();
    members
        .set("class_uid", json!(CLASS_UID))
        .set("class_name", json!("HTTP Activity"))
        .set("category_uid", json!(CATEGORY_UID))
        .set("category_name", json!("Network Activity"))
        .set("activity_id", json!(activity_id))
        .set("activity_name", json!(activity_name))
        .set("type_uid", json!(CLASS_UID * 100 + activity_id))
        .set("type_name", json!(format!("HTTP Activity: {activity_name}")))
        .set("time", json!(event.at.as_ms()))
        .set("severity_id", json!(control.severity.0))
        .set("severity", json!(control.severity.1))
        .set("action_id", json!(control.action.0))
        .set("action", json!(control.action.1))
        .set("disposition_id", json!(control.disposition.0))
        .set("disposition", json!(control.disposition.1))
        .field("message", event, Field::Description)
        .set("firewall_rule", firewall_rule(event))
        .set("metadata", metadata(stored))
        .set("src_endpoint", source(event))
        .set("dst_endpoint", destination(event))
        .set("http_request", request(event))
        .set("http_response", response(event))
        .set("unmapped", unmapped(stored));
    members.done().unwrap_or_default()
}

// `activity_id` of HTTP Activity: the method.
fn method(event: &NewEvent) -> (u32, &'static str) {
    match event.get(Field::Method) {
        Some("CONNECT") => (1, "Connect"),
        Some("DELETE") => (2, "Delete"),
        Some("GET") => (3, "Get"),
        Some("HEAD") => (4, "Head"),
        Some("OPTIONS") => (5, "Options"),
        Some("POST") => (6, "Post"),
        Some("PUT") => (7, "Put"),
        Some("TRACE") => (8, "Trace"),
        Some("PATCH") => (9, "Patch"),
        Some(_) => (99, "Other"),
        None => (0, "Unknown"),
    }
}

type Id = (u32, &'static str);

/// What the WAF did, in the words of the profile `security_control`.
struct Control {
    action: Id,
    disposition: Id,
    severity: Id,
}

impl Control {
    fn of(event: &NewEvent) -> Self {
        const UNKNOWN: Id = (0, "Unknown");
        const ALLOWED: Id = (1, "Allowed");
        const DENIED: Id = (2, "Denied");
        const INFORMATIONAL: Id = (1, "Informational");
        const LOW: Id = (2, "Low");
        const MEDIUM: Id = (3, "Medium");
        let (action, disposition, severity) = match Outcome::of(event) {
            Outcome::Passed => (ALLOWED, (1, "Allowed"), INFORMATIONAL),
            Outcome::Noted => (ALLOWED, (17, "Logged"), LOW),
            Outcome::Stopped => (DENIED, (2, "Blocked"), MEDIUM),
            Outcome::Challenged => (DENIED, (23, "Challenge"), LOW),
            Outcome::Puzzled => (DENIED, (22, "Captcha"), LOW),
            Outcome::Unknown => (UNKNOWN, UNKNOWN, UNKNOWN),
        };
        Self { action, disposition, severity }
    }
}

fn firewall_rule(event: &NewEvent) -> Option<Value> {
    let mut rule = Members::default();
    rule.field("uid", event, Field::RuleId)
        .field("name", event, Field::Ref)
        .field("desc", event, Field::Description)
        .field("category", event, Field::Source);
    rule.done()
}

fn metadata(stored: &StoredEvent) -> Option<Value> {
    let event = &stored.event;
    let mut metadata = Members::default();
    metadata
        .set("version", json!(VERSION))
        .set("uid", json!(event.id.to_string()))
        .set("product", json!({ "name": "wafpass collector", "vendor_name": "wafpass" }))
        .set("profiles", json!(["security_control"]))
        .set("log_name", json!(event.intake.name()))
        .set("original_time", json!(event.datetime.trim_matches('"')))
        .field("correlation_uid", event, Field::RayId);
    metadata.done()
}

fn source(event: &NewEvent) -> Option<Value> {
    let mut system = Members::default();
    system.field("number", event, Field::ClientAsn).field(
        "name",
        event,
        Field::ClientAsnDescription,
    );
    let mut location = Members::default();
    location.field("country", event, Field::ClientCountry);
    let mut source = Members::default();
    source
        .field("ip", event, Field::ClientIp)
        .set("autonomous_system", system.done())
        .set("location", location.done());
    source.done()
}

fn destination(event: &NewEvent) -> Option<Value> {
    let mut destination = Members::default();
    destination.field("hostname", event, Field::Host);
    destination.done()
}

fn request(event: &NewEvent) -> Option<Value> {
    let mut url = Members::default();
    url.field("scheme", event, Field::Scheme)
        .field("hostname", event, Field::Host)
        .field("path", event, Field::Path)
        .set("query_string", members::query(event).map(Value::from))
        .set("url_string", members::url_text(event).map(Value::from));
    let mut request = Members::default();
    request
        .field("uid", event, Field::RayId)
        .field("http_method", event, Field::Method)
        .set("version", members::http_version(event).map(Value::from))
        .field("user_agent", event, Field::UserAgent)
        .set("referrer", members::referrer(event).map(Value::from))
        .set("url", url.done());
    request.done()
}

fn response(event: &NewEvent) -> Option<Value> {
    let mut response = Members::default();
    response.field("code", event, Field::EdgeResponseStatus);
    response.done()
}

// What the schema has no place for, by its own names; the blobs as they are stored.
fn unmapped(stored: &StoredEvent) -> Option<Value> {
    let event = &stored.event;
    let mut unmapped = Members::default();
    for (name, value) in members::of_text(&event.rest) {
        unmapped.set(&name, value);
    }
    const OTHERS: [Field; 8] = [
        Field::Action,
        Field::Kind,
        Field::MatchIndex,
        Field::ClientIpClass,
        Field::EdgeColoCode,
        Field::OriginResponseStatus,
        Field::OriginatorRayId,
        Field::KeyId,
    ];
    for field in OTHERS {
        unmapped.field(field.name(), event, field);
    }
    let flags: Vec<_> = event.flags.names().collect();
    unmapped
        .set(
            "Metadata",
            (!event.metadata.is_empty()).then(|| members::of_text(&event.metadata).into()),
        )
        .set("encrypted_matched_data", event_json::blob_text(stored).map(Value::from))
        .set("encrypted_request", event_json::sealed_request_text(stored).map(Value::from))
        .set("flags", (!flags.is_empty()).then(|| json!(flags)));
    unmapped.done()
}
