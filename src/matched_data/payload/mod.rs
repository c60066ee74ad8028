//! What matched, and its JSON (matched data §2).

mod read;
mod seal;

pub use self::read::PayloadError;

use base64ct::{Base64, Encoding};
use serde_json::Value;

use super::limits::MAX_PAYLOAD_BYTES;

/// What of a request matched, by where it stood.
///
/// ```
/// use wafpass::matched_data::{Content, Form, Payload};
///
/// let json = br#"{"http.request.uri": {"before": "/admin", "content": "/.git/", "after": "config"}}"#;
/// let payload = Payload::parse(json)?;
/// let entry = &payload.entries()[0];
/// assert_eq!(entry.key(), "http.request.uri");
/// assert_eq!(entry.matches()[0].content(), &Content::Bytes(b"/.git/".to_vec()));
/// assert_eq!(
///     payload.to_json(Form::V4).unwrap(),
///     r#"{"http.request.uri":{"before":"/admin","content":"/.git/","after":"config"}}"#
/// );
/// # Ok::<(), wafpass::matched_data::PayloadError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payload {
    entries: Vec<Entry>,
}

/// A place in the request, and what matched there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub(super) key: String,
    pub(super) shape: Shape,
    pub(super) matches: Vec<Match>,
}

/// How an entry is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// An object, where there is one match.
    Object,
    /// An array of objects.
    Array,
}

/// Bytes that matched, and the few around them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Match {
    pub(super) before: Vec<u8>,
    pub(super) content: Content,
    pub(super) after: Vec<u8>,
    pub(super) via: Vec<String>,
    pub(super) rules: Vec<String>,
}

/// What matched.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// These bytes, which need not be UTF-8.
    Bytes(Vec<u8>),
    /// So many bytes, which the deny list keeps out of the log.
    Redacted {
        /// Length of what matched, in bytes.
        bytes: u64,
    },
}

impl Default for Content {
    fn default() -> Self {
        Self::Bytes(Vec::new())
    }
}

/// How bytes that are not UTF-8 are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Form {
    /// As version 3 of a blob holds it: U+FFFD for each maximal bad subpart (Unicode §3.9).
    V3,
    /// As version 4 holds it: `content_b64`, `before_b64`, `after_b64`.
    V4,
}

/// A payload above [`MAX_PAYLOAD_BYTES`]: the word `truncated` stands in place of its blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a payload of {bytes} bytes is larger than {MAX_PAYLOAD_BYTES}\nwrite the word truncated in place of the blob, as a log does"
)]
pub struct TooLarge {
    bytes: usize,
}

impl Payload {
    /// A payload of these entries.
    #[cfg(feature = "rules")]
    pub(super) const fn new(entries: Vec<Entry>) -> Self {
        Self { entries }
    }

    /// The entries, in order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The JSON to seal: no white space, members in the order of the entries.
    ///
    /// # Errors
    ///
    /// [`TooLarge`] above [`MAX_PAYLOAD_BYTES`].
    pub fn to_json(&self, form: Form) -> Result<String, TooLarge> {
        let entries = self.entries.iter().map(|entry| entry.to_json(form));
        let json = format!("{{{}}}", entries.collect::<Vec<_>>().join(","));
        if json.len() > MAX_PAYLOAD_BYTES { Err(TooLarge { bytes: json.len() }) } else { Ok(json) }
    }
}

impl Entry {
    /// Where in the request: a field, with the steps to the element.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What matched there, in order of start.
    #[must_use]
    pub fn matches(&self) -> &[Match] {
        &self.matches
    }

    fn to_json(&self, form: Form) -> String {
        let matches: Vec<String> = self.matches.iter().map(|one| one.to_json(form)).collect();
        let value = match (self.shape, matches.as_slice()) {
            (Shape::Object, [one]) => one.clone(),
            _ => format!("[{}]", matches.join(",")),
        };
        format!("{}:{value}", quoted(&self.key))
    }
}

impl Match {
    /// The bytes before it, 15 at most where `wafpass` wrote it.
    #[must_use]
    pub fn before(&self) -> &[u8] {
        &self.before
    }

    /// What matched.
    #[must_use]
    pub const fn content(&self) -> &Content {
        &self.content
    }

    /// The bytes after it, 15 at most where `wafpass` wrote it.
    #[must_use]
    pub fn after(&self) -> &[u8] {
        &self.after
    }

    /// The functions that the value went through before it was compared, inner first.
    #[must_use]
    pub fn via(&self) -> &[String] {
        &self.via
    }

    /// The rules that matched here; none where the event has only one.
    #[must_use]
    pub fn rules(&self) -> &[String] {
        &self.rules
    }

    fn to_json(&self, form: Form) -> String {
        let mut members = Vec::with_capacity(5);
        if !self.before.is_empty() {
            members.push(text_member("before", &self.before, form));
        }
        members.push(match &self.content {
            Content::Bytes(bytes) => text_member("content", bytes, form),
            Content::Redacted { bytes } => format!(r#""content":{{"redacted":{bytes}}}"#),
        });
        if !self.after.is_empty() {
            members.push(text_member("after", &self.after, form));
        }
        for (name, list) in [("via", &self.via), ("rules", &self.rules)] {
            if !list.is_empty() {
                let list: Vec<String> = list.iter().map(|text| quoted(text)).collect();
                members.push(format!("\"{name}\":[{}]", list.join(",")));
            }
        }
        format!("{{{}}}", members.join(","))
    }
}

fn text_member(name: &str, bytes: &[u8], form: Form) -> String {
    match (str::from_utf8(bytes), form) {
        (Ok(text), _) => format!("\"{name}\":{}", quoted(text)),
        (Err(_), Form::V3) => format!("\"{name}\":{}", quoted(&String::from_utf8_lossy(bytes))),
        (Err(_), Form::V4) => format!("\"{name}_b64\":\"{}\"", Base64::encode_string(bytes)),
    }
}

/// A JSON string.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
