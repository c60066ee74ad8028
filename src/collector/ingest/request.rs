//! Events of senders that log in clear: what may be stored as it is, and what goes into a blob.
//!
//! Only what is named here is stored in clear, and only in the shape that it has to have: times, addresses,
//! methods, host names, statuses, and the names that somebody gave to rules and resources. Everything else of
//! a line, members that nobody knows too, is sealed, or dropped where the tenant wants that.

use std::borrow::Cow;
use std::collections::HashSet;
use std::net::IpAddr;

use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::clear::{Clear, NotSealed};
use super::metadata::{BindingText, Metadata, event_id};
use super::raw;
use super::rules::{REMOVED, Rules, Unread, cut};
use crate::collector::catalogue::{ClearText, QuarantineCode};
use crate::collector::{EventTime, Field, FieldValues, Flags, NewEvent, SealedText};
use crate::matched_data::TRUNCATED;

/// The longest name of a rule or resource: an ARN is shorter.
const MAX_NAME_BYTES: usize = 512;
/// RFC 1035 §2.3.4, and a port.
const MAX_HOST_BYTES: usize = 261;

/// An event that is being read.
pub(super) struct Draft<'r> {
    pub(super) rules: &'r Rules,
    fields: FieldValues,
    flags: Flags,
    clear: Clear,
    rest: String,
    headers: String,
    matched_rules: Vec<String>,
    /// The same, to be asked: a line may name thousands.
    known_rules: HashSet<String>,
}

impl<'r> Draft<'r> {
    pub(super) fn new(rules: &'r Rules) -> Self {
        Self {
            rules,
            fields: FieldValues::with_capacity(512),
            flags: Flags::default(),
            clear: Clear::default(),
            rest: String::new(),
            headers: String::new(),
            matched_rules: Vec::new(),
            known_rules: HashSet::new(),
        }
    }

    /// Something of the request: sealed, or dropped.
    pub(super) fn hold(&mut self, place: &str, content: &str, rules: &[&str]) {
        if self.rules.settings().policy.drop_matched_data {
            self.flags.insert(Flags::DROPPED);
        } else {
            self.clear.found(place, content, rules);
        }
    }

    /// A value of any kind: its text, or its JSON.
    pub(super) fn hold_raw(&mut self, place: &str, value: &RawValue, rules: &[&str]) {
        if matches!(value.get(), "null" | "[]" | "{}" | "\"\"") {
            return;
        }
        match raw::text(value) {
            Some(text) => self.hold(place, &text, rules),
            None => self.hold(place, value.get(), rules),
        }
    }

    /// A field's text if it has the shape that such a text has to have; else it is held.
    pub(super) fn field(
        &mut self,
        field: Field,
        text: &str,
        is_shape: fn(&str) -> bool,
        place: &str,
    ) {
        if text.is_empty() {
            return;
        }
        if is_shape(text) && !self.rules.is_suspect(text.as_bytes()) {
            self.fields.set(field, text);
        } else {
            self.hold(place, text, &[]);
        }
    }

    pub(super) fn has(&self, field: Field) -> bool {
        self.fields.get(field).is_some()
    }

    pub(super) fn is(&self, field: Field, text: &str) -> bool {
        self.fields.get(field) == Some(text)
    }

    /// Whether the tenant wants a field dropped; the event says then that something was.
    pub(super) fn drops(&mut self, field: Field) -> bool {
        let is_dropped = self.rules.policy(field) == ClearText::Drop;
        if is_dropped {
            self.flags.insert(Flags::DROPPED);
        }
        is_dropped
    }

    pub(super) fn address(&mut self, text: &str, place: &str) {
        match text.parse::<IpAddr>() {
            Ok(address) => self.fields.set(Field::ClientIp, &address.to_canonical().to_string()),
            Err(_) => self.hold(place, text, &[]),
        }
    }

    pub(super) fn integer(&mut self, field: Field, value: &RawValue, place: &str) {
        let text = raw::text(value);
        match text.as_deref().unwrap_or(value.get()).parse::<u32>() {
            Ok(number) => self.fields.set(field, &number.to_string()),
            Err(_) => self.hold_raw(place, value, &[]),
        }
    }

    /// A member that is no field and is stored in clear: a name, or digits.
    pub(super) fn name(&mut self, name: &str, value: &RawValue, place: &str) {
        let text = raw::text(value);
        let shown = text.as_deref().unwrap_or(value.get());
        if raw::is_null(value) || shown.is_empty() {
        } else if is_name(shown) && !self.rules.is_suspect(shown.as_bytes()) {
            raw::push(&mut self.rest, name, value.get());
        } else {
            self.hold_raw(place, value, &[]);
        }
    }

    /// A list of names that is stored in clear.
    pub(super) fn names<'t>(&mut self, name: &str, names: impl IntoIterator<Item = &'t str>) {
        let mut list = String::new();
        for one in names {
            list.push(if list.is_empty() { '[' } else { ',' });
            raw::push_string(&mut list, one);
        }
        if !list.is_empty() {
            list.push(']');
            raw::push(&mut self.rest, name, &list);
        }
    }

    /// A rule that matched, by its id; `None` where that is no name.
    pub(super) fn matched<'t>(&mut self, id: &'t str) -> Option<&'t str> {
        let is_good = is_name(id) && !self.rules.is_suspect(id.as_bytes());
        if is_good && self.known_rules.insert(id.to_owned()) {
            self.matched_rules.push(id.to_owned());
        }
        is_good.then_some(id)
    }

    /// Path and query, which the tenant's policy is about.
    pub(super) fn uri(&mut self, uri: &str) {
        let (path, query) =
            uri.split_once('?').map_or((uri, None), |(path, query)| (path, Some(query)));
        self.by_policy(Field::Path, path, "http.request.uri.path");
        if let Some(query) = query {
            self.query(query);
        }
    }

    /// The query, which is never stored in clear.
    pub(super) fn query(&mut self, query: &str) {
        if !self.drops(Field::Query) {
            self.hold("http.request.uri.query", query, &[]);
        }
    }

    fn by_policy(&mut self, field: Field, text: &str, place: &str) {
        match self.rules.policy(field) {
            ClearText::Seal => self.hold(place, text, &[]),
            ClearText::Drop => self.flags.insert(Flags::DROPPED),
            ClearText::Keep if self.rules.is_suspect(text.as_bytes()) => {
                self.flags.insert(Flags::PRIVATE_KEY_REMOVED);
                self.fields.set(field, REMOVED);
            }
            ClearText::Keep => {
                let shown = cut(field, text);
                if shown.len() < text.len() {
                    self.flags.insert(Flags::CUT);
                }
                self.fields.set(field, shown);
            }
        }
    }

    /// A header of the request: in clear where the tenant lists it, and the host where it is one.
    pub(super) fn header(&mut self, name: &str, value: &str) {
        let lower = name.to_ascii_lowercase();
        let is_clear = self.rules.settings().policy.clear_headers.contains(&lower);
        let place = format!("http.request.headers[\"{}\"]", lower.escape_debug());
        match lower.as_str() {
            "host" | ":authority" if self.is(Field::Host, value) => {}
            "host" | ":authority" if !self.has(Field::Host) => {
                self.field(Field::Host, value, is_host, &place);
            }
            "user-agent" if self.drops(Field::UserAgent) => {}
            "referer" if self.drops(Field::RefererPath) => {}
            "user-agent" if is_clear => self.by_policy(Field::UserAgent, value, &place),
            "referer" if is_clear => self.referer(value, &place),
            _ if is_clear && self.rules.is_suspect(value.as_bytes()) => {
                self.flags.insert(Flags::PRIVATE_KEY_REMOVED);
            }
            _ if is_clear => {
                let mut json = String::new();
                raw::push_string(&mut json, value);
                raw::push(&mut self.headers, &lower, &json);
            }
            _ => self.hold(&place, value, &[]),
        }
    }

    fn referer(&mut self, value: &str, place: &str) {
        let parts = value.split_once("://").map(|(scheme, rest)| {
            let at = rest.find(['/', '?']).unwrap_or(rest.len());
            let (host, target) = rest.split_at_checked(at).unwrap_or((rest, ""));
            (scheme, host, target)
        });
        match (self.rules.policy(Field::RefererPath), parts) {
            (ClearText::Keep, Some((scheme, host, target)))
                if is_scheme(scheme)
                    && is_host(host)
                    && !self.rules.is_suspect(host.as_bytes()) =>
            {
                let (path, query) = target
                    .split_once('?')
                    .map_or((target, None), |(path, query)| (path, Some(query)));
                self.fields.set(Field::RefererScheme, scheme);
                self.fields.set(Field::RefererHost, host);
                self.by_policy(Field::RefererPath, path, place);
                if let Some(query) = query {
                    self.by_policy(Field::RefererQuery, query, place);
                }
            }
            _ => self.hold(place, value, &[]),
        }
    }

    /// The event, sealed: `request_id` and `rule_id` are what its blob is bound to.
    pub(super) fn finish(
        mut self,
        at: EventTime,
        datetime: &str,
        rule_id: Option<&str>,
    ) -> Result<NewEvent, Unread> {
        let rules = self.rules;
        let at = rules.within(at)?;
        if let Some(rule_id) = rule_id {
            self.fields.set(Field::RuleId, rule_id);
        }
        if self.has(Field::RayId) {
            self.fields.set(Field::MatchIndex, "0");
        }
        let identity =
            [Field::RayId, Field::RuleId, Field::MatchIndex].map(|field| self.fields.get(field));
        let id = rules.id(identity, datetime)?;
        let mut event = NewEvent::new(at, id, rules.intake());
        let mut metadata = Metadata::default();
        let others: Vec<&str> = self
            .matched_rules
            .iter()
            .map(String::as_str)
            .filter(|other| Some(*other) != rule_id)
            .collect();
        if !others.is_empty() {
            metadata.push_list("matched_rules", &others);
        }
        if !self.clear.is_empty() {
            let key = rules.sealing_key()?;
            // As in Cloudflare's shape, which the event has from here on: readers compare it with that row.
            let event_id = event_id(&self.fields, id);
            let rule_id = rule_id.unwrap_or_default();
            let own = BindingText::new(rules.tenant().as_str(), event_id, rule_id, at);
            let binding = own.as_binding()?;
            event.blob = Some(match self.clear.seal(key, &binding) {
                Ok(blob) => {
                    metadata.push_binding(&binding);
                    self.fields.set(Field::KeyId, &key.key_id().to_string());
                    self.flags.insert(Flags::SEALED_HERE);
                    SealedText::Blob(blob)
                }
                Err(NotSealed::TooLarge) => {
                    self.flags.insert(Flags::TRUNCATED);
                    SealedText::Other(TRUNCATED.to_owned())
                }
                Err(NotSealed::Failed) => return Err(Unread::NotSealed),
            });
        }
        if !self.headers.is_empty() {
            raw::push(&mut self.rest, "ClientRequestHeaders", &raw::closed(self.headers));
        }
        event.fields = self.fields;
        event.datetime = datetime.to_owned();
        event.rest = raw::closed(self.rest);
        event.metadata = metadata.into_text();
        event.flags = self.flags;
        Ok(event)
    }

    /// Sets a field to a text of this program.
    pub(super) fn set(&mut self, field: Field, text: &'static str) {
        self.fields.set(field, text);
    }
}

/// A line as text, with what is no UTF-8 in it replaced: who wrote the request, wrote that, and must not be able to
/// make its line vanish. A copy is wiped.
pub(super) fn with_text<T>(line: &[u8], read: impl FnOnce(&str) -> T) -> T {
    match String::from_utf8_lossy(line) {
        Cow::Borrowed(text) => read(text),
        Cow::Owned(text) => read(&Zeroizing::new(text)),
    }
}

/// The members of an object, in order, repeated ones too.
pub(super) fn members(text: &str) -> Result<Vec<(raw::Name<'_>, &RawValue)>, QuarantineCode> {
    let mut members: Vec<(raw::Name<'_>, &RawValue)> = Vec::new();
    raw::members(text, |name, value| {
        members.push((name, value));
        Ok(())
    })?;
    Ok(members)
}

/// Whether a text is a name that somebody gave to a rule or a resource, and no sentence, address or code.
pub(super) fn is_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/#".contains(&byte);
    (1..=MAX_NAME_BYTES).contains(&text.len()) && text.bytes().all(is_part)
}

/// Whether a text is a host's name or address, perhaps with a port.
pub(super) fn is_host(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte);
    (1..=MAX_HOST_BYTES).contains(&text.len()) && text.bytes().all(is_part)
}

/// Whether a text is a method's name (RFC 9110 §9.1), as servers know them.
pub(super) fn is_method(text: &str) -> bool {
    (1..=20).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-')
}

/// Whether a text is `http` or `https`, or another scheme of these.
pub(super) fn is_scheme(text: &str) -> bool {
    matches!(text, "http" | "https" | "ws" | "wss")
}

/// Whether a text is a version of HTTP.
pub(super) fn is_protocol(text: &str) -> bool {
    let version = text.strip_prefix("HTTP/").unwrap_or_default();
    (1..=3).contains(&version.len())
        && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// A country as it is stored: one sender writes `us`, another `US`.
pub(crate) fn country(text: &str) -> Cow<'_, str> {
    if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        Cow::Owned(text.to_ascii_uppercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// Whether a text is a country of two letters.
pub(super) fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// Whether a text is an id that a server gave to a request.
pub(super) fn is_request_id(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.=+/:@".contains(&byte);
    (1..=128).contains(&text.len()) && text.bytes().all(is_part)
}
