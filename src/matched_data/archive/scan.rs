//! One pass over the text of an event: whether it is JSON, and where the members of interest stand.
//!
//! Nothing is built from what is read, so nothing is lost of it: numbers beyond 64 bits, the order of
//! members, and members that are there twice.

use std::ops::Range;

use memchr::memchr2;

use super::limits::{MAX_CONTAINERS, MAX_MEMBERS};
use super::name::{Name, named, unescaped};

/// Bytes of the text.
pub(super) type Span = Range<usize>;

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
    /// `max_depth`, or that begins more than an event may hold.
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
        if scan.open.len() == self.max_depth || scan.nodes.len() == MAX_CONTAINERS {
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
        let has_escapes = self.string()?;
        let key = start..self.at;
        self.skip_space();
        if self.peek()? != b':' {
            return None;
        }
        self.at += 1;
        let name = if has_escapes {
            unescaped(self.text, &key).and_then(|text| Name::of(text.as_bytes()))
        } else {
            Name::of(self.text.get(key.start + 1..key.end - 1)?)
        };
        if name.is_some() && scan.notes.len() == MAX_MEMBERS {
            return None;
        }
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

    /// RFC 8259 §7. Whether anything in the string is escaped.
    fn string(&mut self) -> Option<bool> {
        self.at += 1;
        let mut has_escapes = false;
        loop {
            let rest = self.text.get(self.at..)?;
            let plain = plain_bytes(rest)?;
            self.at += plain + 1;
            match rest.get(plain)? {
                b'"' => return Some(has_escapes),
                b'\\' => has_escapes = true,
                _ => return None,
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

/// How many bytes of a string's rest stand for themselves. `None` where it does not end.
fn plain_bytes(text: &[u8]) -> Option<usize> {
    /// Most strings are shorter, and over before a search for the end of longer ones has begun.
    const SHORT_WORDS: usize = 4;

    let (words, _) = text.as_chunks::<8>();
    for (place, word) in words.iter().take(SHORT_WORDS).enumerate() {
        if let Some(byte) = first_special(*word) {
            return Some(place * 8 + byte);
        }
    }
    let from = words.len().min(SHORT_WORDS) * 8;
    let rest = text.get(from..)?;
    let end = memchr2(b'"', b'\\', rest)?;
    // A control character may not stand in a string, and is not what is searched for.
    let has_control = rest.get(..end)?.iter().fold(false, |found, &byte| found | (byte < b' '));
    let control = has_control.then(|| rest.iter().position(|&byte| byte < b' ')).flatten();
    Some(from + control.unwrap_or(end))
}

/// The place of the first quote, backslash or control character among eight bytes, all looked at together.
fn first_special(word: [u8; 8]) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;

    let word = u64::from_le_bytes(word);
    // The high bit of each byte below the limit. A borrow may set it in bytes behind one that is, too:
    // the first that is set is right.
    let below =
        |word: u64, limit: u8| word.wrapping_sub(ONES.wrapping_mul(limit.into())) & !word & HIGHS;
    let is = |byte: u8| below(word ^ ONES.wrapping_mul(byte.into()), 1);
    let found = below(word, b' ') | is(b'"') | is(b'\\');
    usize::try_from(found.trailing_zeros() / 8).ok().filter(|&place| place < 8)
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

#[cfg(test)]
mod tests {
    use super::super::limits::MAX_DEPTH;
    use super::super::name::Column;
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
    fn strings_end_where_they_end() {
        for length in 0..70 {
            for (byte, end) in
                [(b'"', Some(length)), (b'\\', Some(length)), (7, Some(length)), (b'a', None)]
            {
                let mut text = "é\u{7f}!~".repeat(20).into_bytes();
                text.truncate(length);
                text.push(byte);
                if byte != 7 {
                    assert_eq!(plain_bytes(&text), end, "{length} {byte}"); // else it does not end
                }
                text.extend_from_slice(b"\"\\\x01 and more");
                assert_eq!(plain_bytes(&text), end.or(Some(length + 1)), "{length} {byte}");
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
    fn what_is_kept_of_an_event_is_limited() {
        let fault = |text: &str| Scan::default().read(text, MAX_DEPTH).unwrap_err();
        let arrays = format!("[{}]", "[],".repeat(MAX_CONTAINERS));
        assert_eq!(fault(&arrays), 1 + 3 * (MAX_CONTAINERS - 1));
        let members = format!("{{{}", "\"key\":0,".repeat(MAX_MEMBERS + 1));
        assert_eq!(fault(&members), 1 + 8 * MAX_MEMBERS + 6);
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
