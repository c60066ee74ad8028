//! One pass over the text of an event: whether it is JSON, and where the members of interest stand.
//!
//! Nothing is built from what is read, so nothing is lost of it: numbers beyond 64 bits, the order of
//! members, and members that are there twice.

use std::ops::Range;

use memchr::memchr2;

/// Bytes of the text.
pub(super) type Span = Range<usize>;

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
    fn of(key: &[u8]) -> Option<Self> {
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

/// A member of interest.
#[derive(Clone, Debug)]
pub(super) struct Note {
    /// The object that it is a member of.
    pub(super) node: usize,
    pub(super) name: Name,
    /// The key with its quotes.
    pub(super) key: Span,
    /// The value, a text with its quotes.
    pub(super) value: Span,
}

/// An object or an array.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) parent: Option<usize>,
    pub(super) kind: Kind,
    /// The member that it is the value of.
    pub(super) name: Option<Name>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    Array,
}

/// What was found. Kept from one event to the next for its room.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) notes: Vec<Note>,
    pub(super) nodes: Vec<Node>,
    /// Whether any blob is there.
    pub(super) has_blob: bool,
    open: Vec<Open>,
}

/// An object or array whose end has not been met.
#[derive(Debug)]
struct Open {
    node: usize,
    kind: Kind,
    /// The note that it is the value of.
    note: Option<usize>,
}

impl Scan {
    /// Reads one JSON text, with white space around it.
    ///
    /// The error is the place of the byte that cannot stand there, or of the one that nests deeper than
    /// `max_depth`.
    pub(super) fn read(&mut self, text: &str, max_depth: usize) -> Result<(), usize> {
        self.notes.clear();
        self.nodes.clear();
        self.open.clear();
        self.has_blob = false;
        let mut cursor = Cursor { text: text.as_bytes(), at: 0, max_depth };
        cursor.document(self).ok_or(cursor.at)
    }

    fn note_mut(&mut self, note: Option<usize>) -> Option<&mut Note> {
        self.notes.get_mut(note?)
    }
}

struct Cursor<'t> {
    text: &'t [u8],
    at: usize,
    max_depth: usize,
}

impl Cursor<'_> {
    fn document(&mut self, scan: &mut Scan) -> Option<()> {
        let mut note = None;
        loop {
            if self.value(scan, note)? {
                note = self.first(scan)?;
                continue;
            }
            note = loop {
                self.skip_space();
                let Some(Open { kind, .. }) = scan.open.last() else {
                    return (self.at == self.text.len()).then_some(());
                };
                match (self.peek()?, kind) {
                    (b',', Kind::Array) => {
                        self.at += 1;
                        break None;
                    }
                    (b',', Kind::Object) => {
                        self.at += 1;
                        break self.key(scan)?;
                    }
                    (b']', Kind::Array) | (b'}', Kind::Object) => self.close(scan),
                    _ => return None,
                }
            };
        }
    }

    /// Reads a value that `note` is of. Whether it was the start of an object or array with something
    /// in it.
    fn value(&mut self, scan: &mut Scan, note: Option<usize>) -> Option<bool> {
        self.skip_space();
        let start = self.at;
        let (kind, end) = match self.peek()? {
            b'{' => (Kind::Object, b'}'),
            b'[' => (Kind::Array, b']'),
            b'"' => {
                self.string()?;
                if let Some(note) = scan.note_mut(note) {
                    note.value = start..self.at;
                }
                scan.mark_blob(note, self.text);
                return Some(false);
            }
            _ => {
                self.word()?;
                if let Some(note) = scan.note_mut(note) {
                    note.value = start..self.at;
                }
                return Some(false);
            }
        };
        if scan.open.len() == self.max_depth {
            return None;
        }
        self.at += 1;
        let name = scan.note_mut(note).map(|note| {
            note.value = start..start;
            note.name
        });
        let parent = scan.open.last().map(|open| open.node);
        let node = scan.nodes.len();
        scan.nodes.push(Node { parent, kind, name });
        scan.open.push(Open { node, kind, note });
        self.skip_space();
        if self.peek()? == end {
            self.close(scan);
            return Some(false);
        }
        Some(true)
    }

    /// The key of an object's first member; nothing in an array.
    fn first(&mut self, scan: &mut Scan) -> Option<Option<usize>> {
        match scan.open.last()?.kind {
            Kind::Array => Some(None),
            Kind::Object => self.key(scan),
        }
    }

    /// Reads a key and its colon. The note, if the member is of interest.
    fn key(&mut self, scan: &mut Scan) -> Option<Option<usize>> {
        self.skip_space();
        let start = self.at;
        if self.peek()? != b'"' {
            return None;
        }
        self.string()?;
        let key = start..self.at;
        self.skip_space();
        if self.peek()? != b':' {
            return None;
        }
        self.at += 1;
        let text = self.text.get(key.start + 1..key.end - 1)?;
        let name = if text.contains(&b'\\') {
            unescaped(self.text, &key).and_then(|text| Name::of(text.as_bytes()))
        } else {
            Name::of(text)
        };
        let node = scan.open.last()?.node;
        Some(name.map(|name| {
            scan.has_blob |= name == Name::Blob;
            scan.notes.push(Note { node, name, key, value: 0..0 });
            scan.notes.len() - 1
        }))
    }

    fn close(&mut self, scan: &mut Scan) {
        self.at += 1;
        let note = scan.open.pop().and_then(|open| open.note);
        if let Some(note) = scan.note_mut(note) {
            note.value.end = self.at;
        }
    }

    /// RFC 8259 §7.
    fn string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            let rest = self.text.get(self.at..)?;
            let plain = memchr2(b'"', b'\\', rest)?;
            let run = rest.get(..plain)?;
            if run.iter().fold(false, |found, &byte| found | (byte < b' ')) {
                return None;
            }
            self.at += plain + 1;
            if rest.get(plain) == Some(&b'"') {
                return Some(());
            }
            match self.peek()? {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 1,
                b'u' => {
                    let digits = self.text.get(self.at + 1..self.at + 5)?;
                    if !digits.iter().all(u8::is_ascii_hexdigit) {
                        return None;
                    }
                    self.at += 5;
                }
                _ => return None,
            }
        }
    }

    /// RFC 8259 §3 and §6: a literal or a number.
    fn word(&mut self) -> Option<()> {
        let rest = self.text.get(self.at..)?;
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        let end = rest.iter().position(|byte| !is_word(byte)).unwrap_or(rest.len());
        let word = rest.get(..end)?;
        if !matches!(word, b"true" | b"false" | b"null") && !is_number(word) {
            return None;
        }
        self.at += end;
        Some(())
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
}

impl Scan {
    /// A pair whose key is the name of a blob holds one too.
    fn mark_blob(&mut self, note: Option<usize>, text: &[u8]) {
        let Some(Note { name: Name::Key, value, .. }) = self.note_mut(note) else { return };
        let value = value.clone();
        self.has_blob |= named(text, &value) == Some(Name::Blob);
    }
}

/// `-? (0 | [1-9][0-9]*) (\.[0-9]+)? ([eE][+-]?[0-9]+)?`
fn is_number(word: &[u8]) -> bool {
    let word = word.strip_prefix(b"-").unwrap_or(word);
    let (mantissa, exponent) = match word.iter().position(|byte| b"eE".contains(byte)) {
        Some(e) => (word.get(..e), word.get(e + 1..)),
        None => (Some(word), None),
    };
    let mantissa = mantissa.unwrap_or_default();
    let (whole, fraction) = match mantissa.iter().position(|&byte| byte == b'.') {
        Some(dot) => (mantissa.get(..dot), mantissa.get(dot + 1..)),
        None => (Some(mantissa), None),
    };
    let are_digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let whole = whole.unwrap_or_default();
    let unsigned = |text: &[u8]| {
        let text = text.strip_prefix(b"+").or_else(|| text.strip_prefix(b"-")).unwrap_or(text);
        are_digits(text)
    };
    are_digits(whole)
        && (whole.len() == 1 || !whole.starts_with(b"0"))
        && fraction.is_none_or(are_digits)
        && exponent.is_none_or(unsigned)
}

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

#[cfg(test)]
mod tests {
    use super::super::limits::MAX_DEPTH;
    use super::*;

    fn is_json(text: &str) -> bool {
        Scan::default().read(text, MAX_DEPTH).is_ok()
    }

    #[test]
    fn takes_what_serde_json_takes() {
        let parts = [
            "{}",
            "[]",
            "{\"a\":1}",
            "[1,2]",
            "\"a\"",
            "1",
            "-0",
            "01",
            "1.",
            ".5",
            "1.5e+9",
            "1e",
            "1e5",
            "-",
            "+1",
            "true",
            "tru",
            "null",
            "nul",
            "{\"a\"}",
            "{\"a\":}",
            "{,}",
            "[,]",
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "\"",
            "\"\\",
            "\"\\x\"",
            "\"\\u00e9\"",
            "\"\\u00g9\"",
            "\"\\u12\"",
            "\"\n\"",
            "\"\u{7f}\"",
            "",
            " ",
            "{",
            "[",
            "]",
            "[}",
            "{]",
            "1 2",
            "{} {}",
            "[1 2]",
            "NaN",
            "\"é\"",
            "{\"a\":[{\"b\":null},[]],\"c\":\"\\\\\\\"\"}",
            "  [ 1 , { } ]\r\n",
            "\u{feff}1",
            "/**/1",
            "'a'",
        ];
        for part in parts {
            for text in [part.to_owned(), format!("[{part}]"), format!("{{\"k\": {part} }}")] {
                let is = serde_json::from_str::<serde_json::Value>(&text).is_ok();
                assert_eq!(is_json(&text), is, "{text:?}");
            }
        }
    }

    #[test]
    fn nesting_is_limited() {
        let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert!(is_json(&nested(MAX_DEPTH)));
        assert!(!is_json(&nested(MAX_DEPTH + 1)));
        assert!(!is_json(&"[".repeat(1_000_000)));
    }

    #[test]
    fn finds_members_however_they_are_written() {
        let text = r#"{"Metadata": {"encrypted\u005fmatched_data": "A", "binding": {"a": [1, {}]}}, "rayid": 7}"#;
        let mut scan = Scan::default();
        scan.read(text, MAX_DEPTH).unwrap();
        let found: Vec<_> = scan
            .notes
            .iter()
            .map(|note| (note.node, note.name, &text[note.value.clone()]))
            .collect();
        assert!(scan.has_blob);
        assert_eq!(found[1], (1, Name::Blob, "\"A\""));
        assert_eq!(found[2], (1, Name::Binding, r#"{"a": [1, {}]}"#));
        assert_eq!(found[3], (0, Name::Row(Column::Ray), "7"));
        assert_eq!((scan.nodes[1].parent, scan.nodes[1].name), (Some(0), Some(Name::Metadata)));

        scan.read(r#"[{"value": "A", "key": "encrypted\u005fmatched_data"}]"#, MAX_DEPTH).unwrap();
        assert!(scan.has_blob);
        scan.read(r#"[{"value": "encrypted_matched_data", "key": "other"}]"#, MAX_DEPTH).unwrap();
        assert!(!scan.has_blob);
    }
}
