//! AWS WAF's logs: one JSON object a request, with what matched in clear.
//!
//! Source: docs.aws.amazon.com/waf/latest/developerguide/logging-fields.html.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::datetime::datetime;
use super::raw;
use super::request::{
    Draft, country, is_country, is_host, is_method, is_name, is_protocol, is_request_id, is_scheme,
    members, with_text,
};
use super::rules::{Rules, Unread};
use crate::collector::catalogue::QuarantineCode;
use crate::collector::limits::MAX_DATETIME_BYTES;
use crate::collector::{Field, NewEvent};

/// Reads a line into Cloudflare's names.
pub(super) fn read(rules: &Rules, line: &[u8]) -> Result<NewEvent, Unread> {
    with_text(line, |text| read_text(rules, text))
}

fn read_text(rules: &Rules, text: &str) -> Result<NewEvent, Unread> {
    let all = members(text)?;
    let find = |name: &str| all.iter().find(|(known, _)| known.0 == name).map(|(_, value)| *value);
    let mut names: Vec<&str> = all.iter().map(|(name, _)| &*name.0).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err(QuarantineCode::Duplicate.into());
    }
    let time = find("timestamp").map(RawValue::get).filter(|time| time.len() <= MAX_DATETIME_BYTES);
    let time = time.ok_or(QuarantineCode::NoTime)?;
    let at = datetime(time).ok_or(QuarantineCode::NoTime)?;
    let rule_id = find("terminatingRuleId").and_then(raw::text);

    let mut draft = Draft::new(rules);
    let rule_id = rule_id.as_deref().and_then(|id| draft.matched(id));
    draft.set(Field::Source, "awsWaf");
    draft.set(Field::Kind, "firewall");
    for (name, value) in &all {
        member(&mut draft, &name.0, value, rule_id);
    }
    draft.finish(at, time, rule_id)
}

type Members<'v> = [(raw::Name<'v>, &'v RawValue)];

fn member(draft: &mut Draft<'_>, name: &str, value: &RawValue, rule_id: Option<&str>) {
    let place = format!("aws.{name}");
    match name {
        "timestamp" => {}
        "terminatingRuleId" if rule_id.is_some() => {}
        "action" => action(draft, value),
        "webaclId"
        | "terminatingRuleType"
        | "httpSourceName"
        | "httpSourceId"
        | "formatVersion"
        | "ja3Fingerprint"
        | "ja4Fingerprint" => draft.name(name, value, &place),
        "responseCodeSent" => {
            if !raw::is_null(value) {
                draft.integer(Field::EdgeResponseStatus, value, &place);
            }
        }
        "clientAsn" => draft.integer(Field::ClientAsn, value, &place),
        "httpRequest" => http_request(draft, value),
        "terminatingRuleMatchDetails" => details(draft, value, rule_id),
        "nonTerminatingMatchingRules" => each(draft, value, &place, rule),
        "ruleGroupList" => each(draft, value, &place, rule_group),
        "labels" => labels(draft, value),
        // Rates are counted by values of the request, which these hold.
        _ => draft.hold_raw(&place, value, &[]),
    }
}

fn action(draft: &mut Draft<'_>, value: &RawValue) {
    let action = match raw::text(value).as_deref() {
        Some("ALLOW") => "allow",
        Some("BLOCK") => "block",
        Some("COUNT") => "log",
        Some("CAPTCHA") => "challenge",
        Some("CHALLENGE") => "jschallenge",
        _ => return draft.hold_raw("aws.action", value, &[]),
    };
    draft.set(Field::Action, action);
}

fn http_request(draft: &mut Draft<'_>, value: &RawValue) {
    let Ok(all) = members(value.get()) else {
        return draft.hold_raw("aws.httpRequest", value, &[]);
    };
    for (name, value) in &all {
        let place = format!("aws.httpRequest.{}", name.0);
        let text = raw::text(value);
        match (&*name.0, text.as_deref()) {
            ("headers", _) => headers(draft, value),
            ("clientIp", Some(text)) => draft.address(text, "ip.src"),
            ("country", Some("-")) => {}
            ("country", Some(text)) => {
                draft.field(Field::ClientCountry, &country(text), is_country, &place);
            }
            ("uri", Some(text)) => draft.uri(text),
            ("args", Some("")) => {}
            ("args", Some(text)) => draft.query(text),
            ("httpVersion", Some(text)) => {
                draft.field(Field::Protocol, text, is_protocol, "http.request.version")
            }
            ("httpMethod", Some(text)) => {
                draft.field(Field::Method, text, is_method, "http.request.method")
            }
            ("requestId", Some(text)) => draft.field(Field::RayId, text, is_request_id, &place),
            ("scheme", Some(text)) => draft.field(Field::Scheme, text, is_scheme, &place),
            ("host", Some(text)) => draft.field(Field::Host, text, is_host, "http.host"),
            _ => draft.hold_raw(&place, value, &[]),
        }
    }
}

fn headers(draft: &mut Draft<'_>, value: &RawValue) {
    each(draft, value, "aws.httpRequest.headers", |draft, header| {
        let Some([name, value]) = pair(header, ["name", "value"]) else { return false };
        let (Some(name), Some(value)) = (raw::text(name), raw::text(value)) else { return false };
        draft.header(&name, &value);
        true
    });
}

/// The members of an object that has no others.
fn pair<'v, const N: usize>(object: &'v RawValue, names: [&str; N]) -> Option<[&'v RawValue; N]> {
    let all = members(object.get()).ok().filter(|all| all.len() == N)?;
    let find = |wanted| all.iter().find(|(name, _)| name.0 == wanted).map(|(_, value)| *value);
    let found: Option<Vec<&RawValue>> = names.into_iter().map(find).collect();
    found?.try_into().ok()
}

/// Calls `act` with each element of an array; what it does not take is held as it is.
fn each(
    draft: &mut Draft<'_>,
    value: &RawValue,
    place: &str,
    mut act: impl FnMut(&mut Draft<'_>, &RawValue) -> bool,
) {
    if raw::is_null(value) {
        return;
    }
    let mut list = Vec::new();
    let read = raw::elements(value.get(), |element| {
        list.push(element);
        Ok(())
    });
    if read.is_err() {
        return draft.hold_raw(place, value, &[]);
    }
    for element in list {
        if !act(draft, element) {
            draft.hold_raw(place, element, &[]);
        }
    }
}

/// A rule with its matches: of the web ACL, or of a group.
fn rule(draft: &mut Draft<'_>, value: &RawValue) -> bool {
    let Ok(all) = members(value.get()) else { return false };
    let id = rule_id(&all);
    let id = id.as_deref().and_then(|id| draft.matched(id));
    for (name, value) in &all {
        match &*name.0 {
            "ruleId" if id.is_some() => {}
            "ruleMatchDetails" => details(draft, value, id),
            other => draft.hold_raw(&format!("aws.rule.{other}"), value, id.as_slice()),
        }
    }
    true
}

fn rule_id<'v>(rule: &Members<'v>) -> Option<Cow<'v, str>> {
    rule.iter().find(|(name, _)| name.0 == "ruleId").and_then(|(_, id)| raw::text(id))
}

/// The names of a group's rules that matched.
fn matched_of<'v>(group: &Members<'v>) -> Vec<Cow<'v, str>> {
    let mut ids = Vec::new();
    let mut add = |rule: &'v RawValue| {
        let id = members(rule.get()).ok().and_then(|rule| rule_id(&rule));
        ids.extend(id.filter(|id| is_name(id)));
        Ok(())
    };
    for (name, value) in group {
        // What is no rule adds none, and is held where it is read.
        let _ = match &*name.0 {
            "terminatingRule" => add(value),
            "nonTerminatingMatchingRules" | "excludedRules" => raw::elements(value.get(), &mut add),
            _ => Ok(()),
        };
    }
    ids
}

fn rule_group(draft: &mut Draft<'_>, value: &RawValue) -> bool {
    let Ok(all) = members(value.get()) else { return false };
    let matched = matched_of(&all);
    let matched: Vec<&str> = matched.iter().map(|id| &**id).collect();
    for (name, value) in &all {
        match &*name.0 {
            // Each line names all groups: only those count of which something matched.
            "ruleGroupId"
                if matched.is_empty() && raw::text(value).is_some_and(|id| is_name(&id)) => {}
            "ruleGroupId" => draft.hold_raw("aws.ruleGroup.ruleGroupId", value, &matched),
            "terminatingRule" if raw::is_null(value) => {}
            "terminatingRule" => {
                if !rule(draft, value) {
                    draft.hold_raw("aws.ruleGroup.terminatingRule", value, &[]);
                }
            }
            "nonTerminatingMatchingRules" => {
                each(draft, value, "aws.ruleGroup.nonTerminatingMatchingRules", rule)
            }
            "excludedRules" => each(draft, value, "aws.ruleGroup.excludedRules", rule),
            other => draft.hold_raw(&format!("aws.ruleGroup.{other}"), value, &[]),
        }
    }
    true
}

/// What matched: the texts, by where they stood in the request.
fn details(draft: &mut Draft<'_>, value: &RawValue, rule_id: Option<&str>) {
    let rules = rule_id.as_slice();
    each(draft, value, "aws.matched", |draft, detail| {
        let Ok(all) = members(detail.get()) else { return false };
        let text = |wanted: &str| {
            all.iter()
                .find(|(name, _)| name.0 == wanted)
                .and_then(|(_, value)| raw::text(value))
                .unwrap_or_default()
        };
        let (location, field) = (text("location"), text("matchedFieldName"));
        let place = match &*field {
            "" => format!("aws.matched.{location}"),
            field => format!("aws.matched.{location}[\"{}\"]", field.escape_debug()),
        };
        for (name, value) in &all {
            match &*name.0 {
                "location" | "matchedFieldName" => {}
                "matchedData" => each(draft, value, &place, |draft, text| {
                    draft.hold_raw(&place, text, rules);
                    true
                }),
                other => draft.hold_raw(&format!("{place}.{other}"), value, rules),
            }
        }
        true
    });
}

/// Labels are names, which rules give.
fn labels(draft: &mut Draft<'_>, value: &RawValue) {
    let mut names = Vec::new();
    each(draft, value, "aws.labels", |draft, label| {
        let name = pair(label, ["name"]).and_then(|[name]| raw::text(name));
        match name.filter(|name| is_name(name) && !draft.rules.is_suspect(name.as_bytes())) {
            Some(name) => {
                names.push(name.into_owned());
                true
            }
            None => false,
        }
    });
    draft.names("labels", names.iter().map(String::as_str));
}
