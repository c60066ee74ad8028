//! The members of an event that an archive looks at, and strings as JSON writes them.

use super::scan::Span;

/// A member that an archive looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// `encrypted_matched_data`.
    Blob,
    /// `matched_data`, and what else an opened blob is written as.
    Opened,
    Binding,
    /// `Metadata`, in either case.
    Metadata,
    /// `key` and `value` of the other form of metadata.
    Key,
    Value,
    /// Members by which a row says which event it is.
    Row(Column),
}

/// A column of a row that a binding is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// `RayID`, or `rayName` in GraphQL.
    Ray,
    MatchIndex,
    Rule,
    Time,
    /// AWS WAF, with the request's id in it.
    HttpRequest,
    /// AWS WAF, in milliseconds.
    AwsTime,
    /// Coraza and ModSecurity, with the transaction's id in it.
    Transaction,
}

impl Name {
    /// The name that this is, if it is one.
    pub(super) fn of(key: &[u8]) -> Option<Self> {
        let is = |name: &str| key.eq_ignore_ascii_case(name.as_bytes());
        let name = match key.len() {
            3 if key == b"key" => Self::Key,
            5 if key == b"value" => Self::Value,
            5 if is("RayID") => Self::Row(Column::Ray),
            6 if is("RuleID") => Self::Row(Column::Rule),
            7 if is("rayName") => Self::Row(Column::Ray),
            7 if key == b"binding" => Self::Binding,
            8 if is("Metadata") => Self::Metadata,
            8 if is("Datetime") => Self::Row(Column::Time),
            9 if key == b"timestamp" => Self::Row(Column::AwsTime),
            10 if is("MatchIndex") => Self::Row(Column::MatchIndex),
            11 if key == b"httpRequest" => Self::Row(Column::HttpRequest),
            11 if key == b"transaction" => Self::Row(Column::Transaction),
            17 if key == b"terminatingRuleId" => Self::Row(Column::Rule),
            22 if key == b"encrypted_matched_data" => Self::Blob,
            12..=22 if OPENED_NAMES.iter().any(|name| name.as_bytes() == key) => Self::Opened,
            _ => return None,
        };
        Some(name)
    }
}

/// What an opened blob is written as: text or JSON, other bytes, and both of another event.
pub(super) const OPENED_NAMES: [&str; 4] =
    ["matched_data", "matched_data_b64", "moved_matched_data", "moved_matched_data_b64"];

/// The text of a string at `span`, quotes and all; `None` where it is none, or no Unicode.
pub(super) fn unescaped(text: &[u8], span: &Span) -> Option<String> {
    serde_json::from_slice(text.get(span.clone())?).ok()
}

/// The member that the string at `span` names.
pub(super) fn named(text: &[u8], span: &Span) -> Option<Name> {
    let quoted = text.get(span.clone())?;
    let plain = quoted.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if plain.contains(&b'\\') {
        return Name::of(unescaped(text, span)?.as_bytes());
    }
    Name::of(plain)
}
