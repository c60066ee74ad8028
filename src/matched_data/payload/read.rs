//! Reading payloads of all generations.

use base64ct::{Base64, Encoding};
use serde_json::{Map, Value};

use super::{Content, Entry, Match, Payload, Shape};

/// A plaintext that is no payload. Two lines: the fault, the way out. The text of the payload is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// Not JSON, or no object.
    #[error(
        "the plaintext is no JSON object\nshow it as it is: whoever sealed it has a form of their own"
    )]
    NotAnObject,
    /// A member is of another form.
    #[error(
        "member {index} is no text and no match\nshow the plaintext as it is: whoever sealed it has a form of their own"
    )]
    Member {
        /// Which, counted from 0 in order of the names.
        index: usize,
    },
}

impl Payload {
    /// Reads the plaintext of a blob, of any generation: an object or an array of objects for each field, or
    /// the older flat form `{"field": "value"}`. Context may be of any length, members come in order of
    /// their names, and what a later writer may add to an object is ignored.
    ///
    /// # Errors
    ///
    /// [`PayloadError`] where it is no payload.
    pub fn parse(plaintext: &[u8]) -> Result<Self, PayloadError> {
        let members: Map<String, Value> =
            serde_json::from_slice(plaintext).map_err(|_| PayloadError::NotAnObject)?;
        let entry = |(index, (key, value)): (usize, (String, Value))| {
            let (shape, matches) = matches(&value).ok_or(PayloadError::Member { index })?;
            Ok(Entry { key, shape, matches })
        };
        let mut members: Vec<(String, Value)> = members.into_iter().collect();
        members.sort_by(|(one, _), (other, _)| one.cmp(other));
        let entries = members.into_iter().enumerate().map(entry);
        Ok(Self { entries: entries.collect::<Result<_, _>>()? })
    }
}

fn matches(value: &Value) -> Option<(Shape, Vec<Match>)> {
    match value {
        Value::Array(list) => {
            let matches: Option<Vec<Match>> = list.iter().map(one).collect();
            Some((Shape::Array, matches?))
        }
        value => Some((Shape::Object, vec![one(value)?])),
    }
}

/// One match: an object, or in the flat form a value by itself.
fn one(value: &Value) -> Option<Match> {
    let members = match value {
        Value::Object(members) => members,
        flat => {
            let content = Content::Bytes(scalar(flat)?);
            return Some(Match { content, ..Match::default() });
        }
    };
    let redacted = members.get("content").and_then(|content| content.get("redacted"));
    let content = match redacted {
        Some(bytes) => Content::Redacted { bytes: bytes.as_u64()? },
        None => Content::Bytes(text(members, "content")?),
    };
    let context = |name| if has(members, name) { text(members, name) } else { Some(Vec::new()) };
    Some(Match {
        before: context("before")?,
        content,
        after: context("after")?,
        via: texts(members.get("via"))?,
        rules: texts(members.get("rules"))?,
    })
}

fn has(members: &Map<String, Value>, name: &str) -> bool {
    members.contains_key(name) || members.contains_key(&format!("{name}_b64"))
}

fn text(members: &Map<String, Value>, name: &str) -> Option<Vec<u8>> {
    match (members.get(name), members.get(&format!("{name}_b64"))) {
        (Some(text), None) => scalar(text),
        (None, Some(text)) => Base64::decode_vec(text.as_str()?).ok(),
        _ => None,
    }
}

/// A text, or a number or truth as it is written.
fn scalar(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.as_bytes().to_vec()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string().into_bytes()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn texts(list: Option<&Value>) -> Option<Vec<String>> {
    let Some(list) = list else { return Some(Vec::new()) };
    list.as_array()?.iter().map(|text| Some(text.as_str()?.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Form;
    use super::*;

    #[test]
    fn every_generation_is_read() {
        for (json, written) in [
            (
                r#"{"http.request.version":"HTTP/1.1"}"#,
                r#"{"http.request.version":{"content":"HTTP/1.1"}}"#,
            ),
            (r#"{"a":{"content":"1","later":{}}}"#, r#"{"a":{"content":"1"}}"#),
            (r#"{"a[3]":[{"content":"phar://","after":"example"}]}"#, ""),
            (r#"{"a":["x","y"]}"#, r#"{"a":[{"content":"x"},{"content":"y"}]}"#),
            (r#"{"a":5}"#, r#"{"a":{"content":"5"}}"#),
            (r#"{"a":{"content":{"redacted":7},"after":"&b"}}"#, ""),
            (r#"{"a":{"before":"x","content_b64":"/w==","via":["lower"],"rules":["r","s"]}}"#, ""),
            (r#"{"a":{"before":"a long way before it","content":""}}"#, ""),
            ("{}", ""),
        ] {
            let payload = Payload::parse(json.as_bytes()).unwrap();
            let expected = if written.is_empty() { json } else { written };
            assert_eq!(payload.to_json(Form::V4).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_no_payload_is_refused() {
        for json in ["", "[]", "\"a\"", "{\"a\":1}x", "\u{feff}{}"] {
            assert_eq!(Payload::parse(json.as_bytes()), Err(PayloadError::NotAnObject), "{json}");
        }
        assert_eq!(Payload::parse(b"\xff"), Err(PayloadError::NotAnObject));
        for value in [
            "null",
            "{}",
            r#"{"content":null}"#,
            r#"{"content":"a","content_b64":"YQ=="}"#,
            r#"{"content_b64":"a"}"#,
            r#"{"content":{"redacted":-1}}"#,
            r#"{"content":"a","before":[]}"#,
            r#"{"content":"a","via":"lower"}"#,
            r#"{"content":"a","rules":[1]}"#,
            "[[]]",
        ] {
            let json = format!(r#"{{"a":"1","b":{value}}}"#);
            assert_eq!(
                Payload::parse(json.as_bytes()),
                Err(PayloadError::Member { index: 1 }),
                "{json}"
            );
        }
    }

    #[test]
    fn bytes_are_written_by_version() {
        let json = br#"{"a":{"before_b64":"4oI=","content_b64":"Yf/wn5g=","after":"z"}}"#;
        let payload = Payload::parse(json).unwrap();
        assert_eq!(payload.to_json(Form::V4).unwrap().as_bytes(), json);
        assert_eq!(
            payload.to_json(Form::V3).unwrap(),
            "{\"a\":{\"before\":\"\u{fffd}\",\"content\":\"a\u{fffd}\u{fffd}\",\"after\":\"z\"}}"
        );
    }
}
