//! The Elastic Common Schema, 8.17: `event`, `rule`, `source`, `url`, `http`, `user_agent`; what it has no place for
//! stands in `labels`, as texts.
//!
//! <https://www.elastic.co/guide/en/ecs/8.17/ecs-field-reference.html>

use serde_json::{Value, json};

use super::members::{self, Members, Outcome};
use crate::collector::api::{json as event_json, moments};
use crate::collector::{Field, NewEvent, StoredEvent};

/// The version whose fields these are.
const VERSION: &str = "8.17.0";

/// Writes an event on one line.
pub(super) fn write(out: &mut Vec<u8>, stored: &StoredEvent) {
    if serde_json::to_writer(&mut *out, &document(stored)).is_err() {
        out.extend_from_slice(b"{}"); // a Vec takes all that it is given
    }
}

fn document(stored: &StoredEvent) -> Value {
    let event = &stored.event;
    let mut members = Members::default();
    members
        .set("@timestamp", json!(moments::text_of(event.at)))
        .set("ecs", json!({ "version": VERSION }))
        .field("message", event, Field::Description)
        .set("event", about(stored))
        .set("observer", json!({ "type": "waf", "vendor": event.intake.name() }))
        .set("rule", rule(event))
        .set("source", source(event))
        .set("url", url(event))
        .set("http", http(event))
        .set("user_agent", event.get(Field::UserAgent).map(|text| json!({ "original": text })))
        .set("labels", labels(stored));
    members.done().unwrap_or_default()
}

fn about(stored: &StoredEvent) -> Option<Value> {
    let event = &stored.event;
    let (kind, types, outcome) = match Outcome::of(event) {
        Outcome::Passed => ("event", json!(["allowed", "access"]), "success"),
        Outcome::Noted => ("alert", json!(["allowed", "info"]), "success"),
        Outcome::Stopped => ("alert", json!(["denied", "access"]), "failure"),
        Outcome::Challenged | Outcome::Puzzled => ("event", json!(["denied", "info"]), "unknown"),
        Outcome::Unknown => ("event", json!(["info"]), "unknown"),
    };
    let mut about = Members::default();
    about
        .set("id", json!(event.id.to_string()))
        .set("kind", json!(kind))
        .set("category", json!(["web", "intrusion_detection"]))
        .set("type", types)
        .set("outcome", json!(outcome))
        .set("module", json!("wafpass"))
        .set("dataset", json!(format!("wafpass.{}", event.intake.name())))
        .field("provider", event, Field::Source)
        .field("action", event, Field::Action);
    about.done()
}

fn rule(event: &NewEvent) -> Option<Value> {
    let mut rule = Members::default();
    rule.field("id", event, Field::RuleId)
        .field("name", event, Field::Ref)
        .field("description", event, Field::Description)
        .field("ruleset", event, Field::Source);
    rule.done()
}

fn source(event: &NewEvent) -> Option<Value> {
    let (mut system, mut organisation, mut geo) =
        (Members::default(), Members::default(), Members::default());
    organisation.field("name", event, Field::ClientAsnDescription);
    system.field("number", event, Field::ClientAsn).set("organization", organisation.done());
    geo.field("country_iso_code", event, Field::ClientCountry);
    let mut source = Members::default();
    source
        .field("ip", event, Field::ClientIp)
        .field("address", event, Field::ClientIp)
        .set("as", system.done())
        .set("geo", geo.done());
    source.done()
}

fn url(event: &NewEvent) -> Option<Value> {
    let mut url = Members::default();
    url.field("scheme", event, Field::Scheme)
        .field("domain", event, Field::Host)
        .field("path", event, Field::Path)
        .set("query", members::query(event).map(Value::from))
        .set("original", event.get(Field::Path).map(|_| members::target(event).into()))
        .set("full", members::url_text(event).map(Value::from));
    url.done()
}

fn http(event: &NewEvent) -> Option<Value> {
    let (mut request, mut response) = (Members::default(), Members::default());
    request
        .field("id", event, Field::RayId)
        .field("method", event, Field::Method)
        .set("referrer", members::referrer(event).map(Value::from));
    response.field("status_code", event, Field::EdgeResponseStatus);
    let mut http = Members::default();
    http.set("version", members::http_version(event).map(Value::from))
        .set("request", request.done())
        .set("response", response.done());
    http.done()
}

// Labels are texts: what is none stands as its JSON.
fn labels(stored: &StoredEvent) -> Option<Value> {
    let event = &stored.event;
    let mut labels = Members::default();
    const OTHERS: [Field; 7] = [
        Field::Kind,
        Field::MatchIndex,
        Field::ClientIpClass,
        Field::EdgeColoCode,
        Field::OriginResponseStatus,
        Field::OriginatorRayId,
        Field::KeyId,
    ];
    for field in OTHERS {
        labels.set(field.column(), event.get(field).map(Value::from));
    }
    let flags: Vec<_> = event.flags.names().collect();
    let text = |text: &str| (!text.is_empty()).then(|| Value::from(text));
    labels
        .set("encrypted_matched_data", event_json::blob_text(stored).map(Value::from))
        .set("encrypted_request", event_json::sealed_request_text(stored).map(Value::from))
        .set("flags", text(&flags.join(" ")))
        .set("metadata", text(&event.metadata))
        .set("rest", text(&event.rest));
    labels.done()
}
