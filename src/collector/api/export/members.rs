//! JSON objects of an export: values that are not there leave no member behind.

use serde_json::{Map, Value};

use crate::collector::{Field, NewEvent};

/// An object that is being filled.
#[derive(Debug, Default)]
pub(super) struct Members(Map<String, Value>);

impl Members {
    /// Adds a member, if there is a value.
    pub(super) fn set(&mut self, name: &str, value: impl Into<Option<Value>>) -> &mut Self {
        if let Some(value) = value.into() {
            self.0.insert(name.to_owned(), value);
        }
        self
    }

    /// Adds a field of an event as a member: a number for an integer, else a text.
    pub(super) fn field(&mut self, name: &str, event: &NewEvent, field: Field) -> &mut Self {
        let number = event.fields.integer(field).map(Value::from);
        let value = match field.kind() {
            crate::collector::FieldKind::Integer => number,
            _ => event.get(field).map(Value::from),
        };
        self.set(name, value)
    }

    /// The object; none where nothing is in it.
    pub(super) fn done(self) -> Option<Value> {
        (!self.0.is_empty()).then_some(Value::Object(self.0))
    }
}

/// The members of an object's text, as values; none of a text that is no object.
pub(super) fn of_text(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}

/// `https://host/path?query`, as far as the parts are known.
pub(super) fn url_text(event: &NewEvent) -> Option<String> {
    let host = event.get(Field::Host)?;
    let scheme = event.get(Field::Scheme).unwrap_or("https");
    Some(format!("{scheme}://{host}{}", target(event)))
}

/// Path and query.
pub(super) fn target(event: &NewEvent) -> String {
    let path = event.get(Field::Path).unwrap_or("/");
    match query(event) {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }
}

/// The query without its `?`.
pub(super) fn query(event: &NewEvent) -> Option<&str> {
    let query = event.get(Field::Query)?;
    Some(query.strip_prefix('?').unwrap_or(query)).filter(|query| !query.is_empty())
}

/// The referer, as far as its parts are known.
pub(super) fn referrer(event: &NewEvent) -> Option<String> {
    let host = event.get(Field::RefererHost).filter(|host| !host.is_empty())?;
    let scheme = event.get(Field::RefererScheme).unwrap_or("https");
    let path = event.get(Field::RefererPath).unwrap_or_default();
    let query = event.get(Field::RefererQuery).unwrap_or_default();
    let mark = if query.is_empty() || query.starts_with('?') { "" } else { "?" };
    Some(format!("{scheme}://{host}{path}{mark}{query}"))
}

/// `HTTP/1.1` as `1.1`.
pub(super) fn http_version(event: &NewEvent) -> Option<&str> {
    let protocol = event.get(Field::Protocol)?;
    Some(protocol.strip_prefix("HTTP/").unwrap_or(protocol))
}

/// What came of a request, whoever named it: Cloudflare, AWS WAF, ModSecurity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It passed: `allow`, `bypass`, `skip`, a challenge that was met or not asked for.
    Passed,
    /// It passed and was noted: `log`, `count`.
    Noted,
    /// It was stopped.
    Stopped,
    /// A challenge stands in its way that a browser meets by itself.
    Challenged,
    /// A challenge stands in its way that a human has to meet.
    Puzzled,
    /// The name says nothing.
    Unknown,
}

impl Outcome {
    /// Of an event's action.
    pub(super) fn of(event: &NewEvent) -> Self {
        let action = event.get(Field::Action).unwrap_or_default().to_ascii_lowercase();
        match action.as_str() {
            "allow"
            | "bypass"
            | "skip"
            | "pass"
            | "challengesolved"
            | "challengebypassed"
            | "jschallengesolved"
            | "jschallengebypassed"
            | "managedchallengebypassed"
            | "managedchallengenoninteractivesolved"
            | "managedchallengeinteractivesolved" => Self::Passed,
            "log" | "count" => Self::Noted,
            "block"
            | "drop"
            | "deny"
            | "connectionclose"
            | "challengefailed"
            | "jschallengefailed"
            | "managedchallengefailed" => Self::Stopped,
            "jschallenge" | "managedchallenge" => Self::Challenged,
            "challenge" | "captcha" => Self::Puzzled,
            _ => Self::Unknown,
        }
    }
}
