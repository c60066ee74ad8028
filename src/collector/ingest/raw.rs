//! JSON that is passed on as it came: members and elements with their raw values.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Value, from_str};

use super::rules::Rules;
use crate::collector::catalogue::QuarantineCode;
use crate::collector::limits::MAX_NESTING;

/// Calls `act` with each member of a JSON object, in order, repeated ones too.
///
/// Values are not looked into, so that no depth of them costs stack.
///
/// # Errors
///
/// The first error of `act`; [`QuarantineCode::NotJson`] where the text is no object.
pub(super) fn members<'a, A>(text: &'a str, act: A) -> Result<(), QuarantineCode>
where
    A: FnMut(Name<'a>, &'a RawValue) -> Result<(), QuarantineCode>,
{
    let is_object = text.trim_ascii_start().starts_with('{');
    if is_object { visit(text, act, |_| Ok(())) } else { Err(QuarantineCode::NotJson) }
}

/// Calls `act` with each element of a JSON array, in order.
///
/// # Errors
///
/// As [`members`].
pub(super) fn elements<'a, A>(text: &'a str, act: A) -> Result<(), QuarantineCode>
where
    A: FnMut(&'a RawValue) -> Result<(), QuarantineCode>,
{
    let is_array = text.trim_ascii_start().starts_with('[');
    if is_array { visit(text, |_, _| Ok(()), act) } else { Err(QuarantineCode::NotJson) }
}

fn visit<'a, M, E>(text: &'a str, member: M, element: E) -> Result<(), QuarantineCode>
where
    M: FnMut(Name<'a>, &'a RawValue) -> Result<(), QuarantineCode>,
    E: FnMut(&'a RawValue) -> Result<(), QuarantineCode>,
{
    let mut fault = None;
    let mut json = serde_json::Deserializer::from_str(text);
    let each = Each { member, element, fault: &mut fault };
    let read = json.deserialize_any(each).and_then(|()| json.end());
    match (fault, read) {
        (Some(code), _) => Err(code),
        (None, Err(_)) => Err(QuarantineCode::NotJson),
        (None, Ok(())) => Ok(()),
    }
}

/// Errors of serde have only a text, so the code goes beside them.
struct Each<'f, M, E> {
    member: M,
    element: E,
    fault: &'f mut Option<QuarantineCode>,
}

impl<'de, M, E> Visitor<'de> for Each<'_, M, E>
where
    M: FnMut(Name<'de>, &'de RawValue) -> Result<(), QuarantineCode>,
    E: FnMut(&'de RawValue) -> Result<(), QuarantineCode>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key()? {
            let value = map.next_value()?;
            if let Err(code) = (self.member)(name, value) {
                *self.fault = Some(code);
                return Err(A::Error::custom(""));
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(value) = list.next_element()? {
            if let Err(code) = (self.element)(value) {
                *self.fault = Some(code);
                return Err(A::Error::custom(""));
            }
        }
        Ok(())
    }
}

/// A member's name: of the text where it has no escapes.
pub(super) struct Name<'a>(pub(super) Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Owned(text.to_owned())))
    }
}

/// The text of a JSON string; `None` for any other value.
pub(super) fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    let inner = value.get().strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    from_str(value.get()).ok().map(Cow::Owned)
}

/// Whether it is `null`.
pub(super) fn is_null(value: &RawValue) -> bool {
    value.get() == "null"
}

/// Appends a member to the text of an object, which is empty or not closed yet: [`closed`] ends it.
pub(super) fn push(object: &mut String, name: &str, value: &str) {
    object.push(if object.is_empty() { '{' } else { ',' });
    push_string(object, name);
    object.push(':');
    // A line break can only stand between tokens, and lines have to stay lines.
    if value.bytes().any(|byte| byte < b' ') {
        object.extend(value.chars().filter(|character| *character >= ' '));
    } else {
        object.push_str(value);
    }
}

/// Appends a JSON string.
pub(super) fn push_string(json: &mut String, text: &str) {
    if text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        json.extend(["\"", text, "\""]);
    } else {
        json.push_str(&Value::from(text).to_string());
    }
}

/// The object that [`push`] has written; empty for none.
pub(super) fn closed(mut object: String) -> String {
    if !object.is_empty() {
        object.push('}');
    }
    object
}

/// Whether a value nests no deeper than [`MAX_NESTING`].
pub(super) fn is_shallow(value: &str) -> bool {
    if !value.starts_with(['[', '{']) {
        return true;
    }
    let (mut depth, mut deepest, mut in_string, mut is_escaped) = (0_usize, 0, false, false);
    for byte in value.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_string,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest <= MAX_NESTING
}

/// Whether a value that [is shallow](is_shallow) holds what looks like a private key, in a text or in its own shape.
pub(super) fn is_suspect(value: &str, rules: &Rules) -> bool {
    if rules.is_suspect(value.as_bytes()) {
        return true;
    }
    // Escapes may hide a tag.
    let has_escapes = memchr::memchr(b'\\', value.as_bytes()).is_some();
    has_escapes && from_str::<Value>(value).map_or(true, |value| holds_suspect(&value, rules))
}

fn holds_suspect(value: &Value, rules: &Rules) -> bool {
    match value {
        Value::String(text) => rules.is_suspect(text.as_bytes()),
        Value::Array(list) => list.iter().any(|value| holds_suspect(value, rules)),
        Value::Object(members) => members.iter().any(|(name, value)| {
            is_key_name(name) || rules.is_suspect(name.as_bytes()) || holds_suspect(value, rules)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The name of the member that a private key is printed in.
pub(super) fn is_key_name(name: &str) -> bool {
    name.eq_ignore_ascii_case("private_key")
}
