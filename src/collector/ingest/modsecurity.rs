//! The JSON audit logs of ModSecurity 3 and Coraza 3: one transaction a line, with everything in clear.
//!
//! Both have `transaction`, with the request and the response in it. ModSecurity has `messages` in there, each with
//! `details`; Coraza beside it, each with `data`, and header values in lists.
//! Sources: libmodsecurity's `Transaction::toJSON`, Coraza's `internal/auditlog`.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::datetime::{datetime, days};
use super::raw;
use super::request::{Draft, is_host, is_method, is_protocol, is_request_id, members, with_text};
use super::rules::{Rules, Unread};
use crate::collector::catalogue::QuarantineCode;
use crate::collector::limits::MAX_DATETIME_BYTES;
use crate::collector::{EventTime, Field, NewEvent};

const NS_PER_S: i64 = 1_000_000_000;
/// No zone is further from UTC.
const WIDEST_ZONE_S: i64 = 15 * 3_600;

/// Reads a line into Cloudflare's names.
pub(super) fn read(rules: &Rules, line: &[u8]) -> Result<NewEvent, Unread> {
    with_text(line, |text| read_text(rules, text))
}

fn read_text(rules: &Rules, text: &str) -> Result<NewEvent, Unread> {
    let all = members(text)?;
    let transaction = find(&all, "transaction").ok_or(QuarantineCode::WrongType)?;
    if all.iter().filter(|(name, _)| name.0 == "transaction").count() > 1 {
        return Err(QuarantineCode::Duplicate.into());
    }
    let inner = members(transaction.get()).map_err(|_| QuarantineCode::WrongType)?;
    let (at, time) = moment(&inner).ok_or(QuarantineCode::NoTime)?;

    let mut draft = Draft::new(rules);
    draft.set(Field::Source, "modsecurity");
    draft.set(Field::Kind, "firewall");
    let mut found = Found::default();
    for (name, value) in all.iter().filter(|(name, _)| name.0 != "transaction") {
        match &*name.0 {
            "messages" => messages(&mut draft, value, &mut found),
            other => draft.hold_raw(&format!("modsecurity.{other}"), value, &[]),
        }
    }
    // Coraza's `server_id` is the client's Host, and ModSecurity's its own name.
    let is_coraza = find(&inner, "unix_timestamp").is_some();
    let is_server = |name: &raw::Name<'_>| is_coraza && name.0 == "server_id";
    for (name, value) in inner.iter().filter(|(name, _)| !is_server(name)) {
        member(&mut draft, &name.0, value, &mut found);
    }
    for (_, value) in inner.iter().filter(|(name, _)| is_server(name)) {
        server_name(&mut draft, value);
    }
    draft.set(Field::Action, if found.is_blocked() { "block" } else { "log" });
    let rule_id = found.rule.or(found.score);
    draft.finish(at, &time, rule_id.as_deref())
}

/// What decides about the event as a whole.
#[derive(Default)]
struct Found {
    /// The first rule that looked at the request itself.
    rule: Option<String>,
    /// The first of those that add the others' scores up.
    score: Option<String>,
    is_interrupted: Option<bool>,
    /// Whether the status is one that little else than a WAF answers.
    is_refused: bool,
    is_bad_request: bool,
    /// Whether the scores are so high that the Core Rule Set blocks.
    is_over: bool,
    is_enabled: bool,
}

impl Found {
    /// ModSecurity up to 3.0.14 writes no `is_interrupted`: there, the engine, the status and the rules say so.
    fn is_blocked(&self) -> bool {
        // Applications answer 400 too.
        let has_rule = self.rule.is_some() || self.score.is_some();
        let is_refused = self.is_refused || self.is_over || (self.is_bad_request && has_rule);
        self.is_interrupted.unwrap_or(self.is_enabled && is_refused)
    }
}

type Members<'v> = [(raw::Name<'v>, &'v RawValue)];

fn find<'v>(all: &Members<'v>, wanted: &str) -> Option<&'v RawValue> {
    all.iter().find(|(name, _)| name.0 == wanted).map(|(_, value)| *value)
}

fn member(draft: &mut Draft<'_>, name: &str, value: &RawValue, found: &mut Found) {
    let place = format!("modsecurity.transaction.{name}");
    let text = raw::text(value);
    match (name, text.as_deref()) {
        ("client_ip", Some(text)) => draft.address(text, "ip.src"),
        ("unique_id" | "id", Some(text)) if !draft.has(Field::RayId) => {
            draft.field(Field::RayId, text, is_request_id, &place);
        }
        ("is_interrupted", _) => match value.get() {
            "true" => found.is_interrupted = Some(true),
            "false" => found.is_interrupted = Some(false),
            _ => draft.hold_raw(&place, value, &[]),
        },
        ("client_port" | "host_port" | "server_id" | "host_ip", _) => {
            draft.name(name, value, &place)
        }
        ("request", _) => request(draft, value),
        ("response", _) => response(draft, value, found),
        ("producer", _) => producer(draft, value, found),
        ("messages", _) => messages(draft, value, found),
        _ => draft.hold_raw(&place, value, &[]),
    }
}

fn server_name(draft: &mut Draft<'_>, value: &RawValue) {
    let text = raw::text(value);
    match text.as_deref() {
        Some(name) if draft.is(Field::Host, name) => {}
        Some(name) if !draft.has(Field::Host) => {
            draft.field(Field::Host, name, is_host, "http.host");
        }
        _ => draft.hold_raw("modsecurity.transaction.server_id", value, &[]),
    }
}

fn request(draft: &mut Draft<'_>, value: &RawValue) {
    let Ok(all) = members(value.get()) else {
        return draft.hold_raw("modsecurity.request", value, &[]);
    };
    for (name, value) in &all {
        let text = raw::text(value);
        match (&*name.0, text.as_deref()) {
            ("method", Some(text)) => {
                draft.field(Field::Method, text, is_method, "http.request.method")
            }
            ("http_version", text) => {
                let version = format!("HTTP/{}", text.unwrap_or(value.get()));
                if version.len() > 5 && !draft.has(Field::Protocol) {
                    draft.field(Field::Protocol, &version, is_protocol, "http.request.version");
                }
            }
            ("protocol", Some(text)) if is_protocol(text) => {
                draft.field(Field::Protocol, text, is_protocol, "http.request.version");
            }
            ("hostname", Some(text)) if !draft.has(Field::Host) => {
                draft.field(Field::Host, text, is_host, "http.host");
            }
            ("uri", Some(text)) => draft.uri(text),
            ("headers", _) => headers(draft, value, "http.request.headers", true),
            ("body", _) => draft.hold_raw("http.request.body.raw", value, &[]),
            // The query's are among them.
            ("args", _) if value.get() != "{}" && draft.drops(Field::Query) => {}
            ("args", _) => draft.hold_raw("http.request.args", value, &[]),
            ("length", _) if value.get().bytes().all(|byte| byte.is_ascii_digit()) => {}
            (other, _) => draft.hold_raw(&format!("modsecurity.request.{other}"), value, &[]),
        }
    }
}

fn response(draft: &mut Draft<'_>, value: &RawValue, found: &mut Found) {
    let Ok(all) = members(value.get()) else {
        return draft.hold_raw("modsecurity.response", value, &[]);
    };
    for (name, value) in &all {
        match &*name.0 {
            "http_code" | "status" if value.get() != "0" => {
                found.is_refused = matches!(value.get(), "403" | "406" | "429" | "503");
                found.is_bad_request = value.get() == "400";
                draft.integer(Field::EdgeResponseStatus, value, "http.response.code");
            }
            "headers" => headers(draft, value, "http.response.headers", false),
            "body" => draft.hold_raw("http.response.body", value, &[]),
            other => draft.hold_raw(&format!("modsecurity.response.{other}"), value, &[]),
        }
    }
}

/// Headers by name, each with a text or a list of texts; a name may stand twice.
fn headers(draft: &mut Draft<'_>, value: &RawValue, place: &str, is_request: bool) {
    let Ok(all) = members(value.get()) else { return draft.hold_raw(place, value, &[]) };
    for (name, value) in &all {
        let place = format!("{place}[\"{}\"]", name.0.to_ascii_lowercase().escape_debug());
        let mut one = |value: &RawValue| match raw::text(value) {
            Some(text) if is_request => draft.header(&name.0, &text),
            _ => draft.hold_raw(&place, value, &[]),
        };
        let is_list = value.get().starts_with('[');
        let listed = is_list
            && raw::elements(value.get(), |value| {
                one(value);
                Ok(())
            })
            .is_ok();
        if !listed {
            one(value);
        }
    }
}

fn producer(draft: &mut Draft<'_>, value: &RawValue, found: &mut Found) {
    if let Ok(all) = members(value.get()) {
        let engine =
            find(&all, "secrules_engine").or_else(|| find(&all, "rule_engine")).and_then(raw::text);
        found.is_enabled = engine.is_some_and(|engine| matches!(&*engine, "Enabled" | "On"));
    }
    draft.hold_raw("modsecurity.producer", value, &[]);
}

/// The rules that matched: each id in clear, all else held. A rule's message may quote the request.
fn messages(draft: &mut Draft<'_>, value: &RawValue, found: &mut Found) {
    let mut list = Vec::new();
    let read = raw::elements(value.get(), |message| {
        list.push(message);
        Ok(())
    });
    if read.is_err() {
        return draft.hold_raw("modsecurity.messages", value, &[]);
    }
    for message in list {
        let id = rule_id(message);
        let id = id.as_deref().and_then(|id| draft.matched(id));
        if let Some(id) = id {
            found.is_over |= is_score(id) && !id.starts_with("980");
            let place = if is_score(id) { &mut found.score } else { &mut found.rule };
            place.get_or_insert_with(|| id.to_owned());
        }
        draft.hold_raw("modsecurity.messages", message, id.as_slice());
    }
}

fn rule_id(message: &RawValue) -> Option<String> {
    let all = members(message.get()).ok()?;
    let inner = members(find(&all, "details").or_else(|| find(&all, "data"))?.get()).ok()?;
    let id = find(&inner, "ruleId").or_else(|| find(&inner, "id"))?;
    let digits = raw::text(id).map_or_else(|| id.get().to_owned(), Cow::into_owned);
    let is_id =
        (1..=19).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    (is_id && digits != "0").then_some(digits)
}

/// The Core Rule Set's rules that add the scores of the others up, and report them: 949, 959 and 980.
fn is_score(id: &str) -> bool {
    id.len() == 6 && ["949", "959", "980"].iter().any(|lead| id.starts_with(lead))
}

/// When it happened, and the JSON that says so: as it came, or in Unix time where nobody else could read it.
fn moment<'v>(transaction: &Members<'v>) -> Option<(EventTime, Cow<'v, str>)> {
    let short = |name: &str| {
        find(transaction, name).map(RawValue::get).filter(|raw| raw.len() <= MAX_DATETIME_BYTES)
    };
    if let Some(raw) = short("unix_timestamp") {
        return Some((datetime(raw)?, Cow::Borrowed(raw)));
    }
    let raw = short("time_stamp")?;
    let local_s = asctime(raw.strip_prefix('"')?.strip_suffix('"')?)?;
    // ModSecurity writes the server's local time without its zone, but begins its id with Unix time.
    let id = find(transaction, "unique_id").and_then(raw::text);
    let utc_s =
        id.as_deref().and_then(|id| id.get(..10)).and_then(|digits| digits.parse::<i64>().ok());
    let utc_s = utc_s.filter(|utc_s| (utc_s - local_s).abs() <= WIDEST_ZONE_S);
    let at_s = utc_s.unwrap_or(local_s);
    let at = at_s.checked_mul(NS_PER_S).filter(|at| *at >= 0)?;
    Some((EventTime(at), Cow::Owned(at_s.to_string())))
}

/// `Fri Oct  9 20:19:57 2026`, in seconds since 1970 as if it were UTC.
fn asctime(text: &str) -> Option<i64> {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split(' ').filter(|word| !word.is_empty());
    let mut next = || words.next();
    let (weekday, month, day, time, year) = (next()?, next()?, next()?, next()?, next()?);
    let number = |digits: &str, most: i64| {
        let is_number =
            (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<i64>().ok().filter(|number| is_number && *number <= most)
    };
    let month = i64::try_from(MONTHS.iter().position(|known| *known == month)?).ok()? + 1;
    let mut clock = time.split(':');
    let (hour, minute, second) = (clock.next()?, clock.next()?, clock.next()?);
    if next().is_some() || clock.next().is_some() || !DAYS.contains(&weekday) {
        return None;
    }
    let days = days(number(year, 9_999)?, month, number(day, 31)?)?;
    Some(((days * 24 + number(hour, 23)?) * 60 + number(minute, 59)?) * 60 + number(second, 60)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_c() {
        assert_eq!(asctime("Fri Oct  9 20:19:57 2026"), Some(1_791_577_197));
        assert_eq!(asctime("Thu Jan  1 00:00:00 1970"), Some(0));
        for text in [
            "",
            "Fri Oct 9 20:19:57",
            "Fri Oct 9 20:19 2026",
            "Fri Okt 9 20:19:57 2026",
            "Fri Oct 32 20:19:57 2026",
            "Fri Oct 9 20:19:57 2026 x",
            "a Oct 9 20:19:57 2026",
        ] {
            assert_eq!(asctime(text), None, "{text}");
        }
    }
}
