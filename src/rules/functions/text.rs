//! Functions that take bytes apart and put them together.

use std::borrow::Cow;

use memchr::memmem::Finder;

use super::limits::MAX_MADE_BYTES;
use super::written::{How, Pieces, Written, part, same};

/// `lower(s)`: ASCII letters in lower case, every other byte as it is.
pub(in crate::rules) fn lower<'v, P: Pieces>(
    value: Cow<'v, [u8]>,
    pieces: &mut P,
) -> Cow<'v, [u8]> {
    let mut value = same(value, pieces);
    if let Some(first) = value.iter().position(u8::is_ascii_uppercase) {
        value.to_mut().get_mut(first..).unwrap_or_default().make_ascii_lowercase();
    }
    value
}

/// `upper(s)`: ASCII letters in upper case, every other byte as it is.
pub(in crate::rules) fn upper<'v, P: Pieces>(
    value: Cow<'v, [u8]>,
    pieces: &mut P,
) -> Cow<'v, [u8]> {
    let mut value = same(value, pieces);
    if let Some(first) = value.iter().position(u8::is_ascii_lowercase) {
        value.to_mut().get_mut(first..).unwrap_or_default().make_ascii_uppercase();
    }
    value
}

/// `substring(s, start, end)`: a negative index counts from the end; indexes beyond the ends stand for
/// the ends, and an end before the start gives nothing.
pub(in crate::rules) fn substring<'v, P: Pieces>(
    value: Cow<'v, [u8]>,
    start: i64,
    end: Option<i64>,
    pieces: &mut P,
) -> Cow<'v, [u8]> {
    let start = place(start, value.len());
    let end = end.map_or(value.len(), |end| place(end, value.len())).max(start);
    part(value, start..end, pieces)
}

/// The offset that an index stands for.
fn place(index: i64, length: usize) -> usize {
    let magnitude = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
    if index < 0 { length.saturating_sub(magnitude) } else { magnitude.min(length) }
}

/// Bytes, told apart by a table.
#[derive(Clone, Debug)]
pub(in crate::rules) struct ByteSet([bool; 256]);

impl ByteSet {
    pub(in crate::rules) fn new(bytes: &[u8]) -> Self {
        let mut set = [false; 256];
        for byte in bytes {
            if let Some(place) = set.get_mut(usize::from(*byte)) {
                *place = true;
            }
        }
        Self(set)
    }

    fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte)).copied().unwrap_or(false)
    }
}

/// `remove_bytes(s, bytes)`: `s` without any of these bytes.
pub(in crate::rules) fn remove_bytes<'v, P: Pieces>(
    value: Cow<'v, [u8]>,
    removed: &ByteSet,
    pieces: &mut P,
) -> Cow<'v, [u8]> {
    if !value.iter().any(|byte| removed.has(*byte)) {
        return same(value, pieces);
    }
    let mut written = Written::new(pieces, value.len());
    written.reserve(value.len());
    let mut start = 0;
    for (offset, byte) in value.iter().enumerate() {
        if removed.has(*byte) {
            written.copy(0, &value, start..offset);
            start = offset + 1;
        }
    }
    written.copy(0, &value, start..value.len());
    written.finish()
}

/// `concat(a, b, …)` of bytes: `(number of the argument, value)` of each that has a value.
pub(in crate::rules) fn concat<'v, 'a, P: Pieces>(
    values: impl Iterator<Item = (usize, &'a [u8])>,
    most: usize,
    pieces: &mut P,
) -> Cow<'v, [u8]> {
    let mut written = Written::new(pieces, most);
    for (argument, value) in values {
        written.copy(argument, value, 0..value.len());
    }
    written.finish()
}

/// `join(items, separator)`: the items, with the separator between each two. The separator is argument 1,
/// the items themselves are the arguments from 2.
pub(in crate::rules) fn join<'v, 'a, P: Pieces>(
    items: impl Iterator<Item = &'a [u8]>,
    separator: &[u8],
    most: usize,
    pieces: &mut P,
) -> Cow<'v, [u8]> {
    let mut written = Written::new(pieces, most);
    for (number, item) in items.enumerate() {
        if number > 0 {
            written.copy(1, separator, 0..separator.len());
        }
        written.copy(number + 2, item, 0..item.len());
    }
    written.finish()
}

/// `split(s, separator, limit)`: the ranges of its parts, `limit` at most; the last one holds the rest.
pub(in crate::rules) fn split(
    value: &[u8],
    separator: &Finder<'_>,
    limit: usize,
) -> Vec<std::ops::Range<usize>> {
    let mut parts = Vec::new();
    let mut start = 0;
    while parts.len() + 1 < limit {
        let rest = value.get(start..).unwrap_or_default();
        let Some(found) = separator.find(rest) else { break };
        parts.push(start..start + found);
        start += found + separator.needle().len();
    }
    parts.push(start..value.len());
    parts
}

/// One part of a split value.
pub(in crate::rules) fn part_of<'v, P: Pieces>(
    value: &Cow<'v, [u8]>,
    range: std::ops::Range<usize>,
    pieces: &mut P,
) -> Cow<'v, [u8]> {
    match value {
        Cow::Borrowed(bytes) => part(Cow::Borrowed(bytes), range, pieces),
        Cow::Owned(bytes) => {
            pieces.next(range.len(), 0, range.clone(), How::Aligned);
            Cow::Owned(bytes.get(range).unwrap_or_default().to_vec())
        }
    }
}

/// `remove_query_args(query, name, …)`: the query without these arguments. Names are compared as they
/// stand in the query.
pub(in crate::rules) fn remove_query_args<'v, P: Pieces>(
    query: Cow<'v, [u8]>,
    is_removed: impl Fn(&[u8]) -> bool,
    pieces: &mut P,
) -> Cow<'v, [u8]> {
    let name = |argument: &[u8]| -> bool {
        let end = memchr::memchr(b'=', argument).unwrap_or(argument.len());
        is_removed(argument.get(..end).unwrap_or_default())
    };
    if !query.split(|byte| *byte == b'&').any(name) {
        return same(query, pieces);
    }
    let mut written = Written::new(pieces, MAX_MADE_BYTES);
    let mut start = 0;
    let mut has_one = false;
    for argument in query.split(|byte| *byte == b'&') {
        let end = start + argument.len();
        if !name(argument) {
            // With the `&` before it, where something stands before that.
            let from = if has_one { start.saturating_sub(1) } else { start };
            written.copy(0, &query, from..end);
            has_one = true;
        }
        start = end + 1;
    }
    written.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text<'v>(value: impl Into<Cow<'v, [u8]>>) -> String {
        String::from_utf8(value.into().into_owned()).unwrap()
    }

    fn bytes(value: &str) -> Cow<'_, [u8]> {
        Cow::Borrowed(value.as_bytes())
    }

    #[test]
    fn case_borrows_what_it_does_not_change() {
        assert!(matches!(lower(bytes("abc-1\u{e9}"), &mut ()), Cow::Borrowed(_)));
        assert!(matches!(upper(bytes("ABC-1"), &mut ()), Cow::Borrowed(_)));
        assert_eq!(text(lower(bytes("WWW.cloudflare.com"), &mut ())), "www.cloudflare.com");
        assert_eq!(text(upper(bytes("www.cloudflare.com"), &mut ())), "WWW.CLOUDFLARE.COM");
        assert_eq!(text(lower(bytes("\u{c9}A"), &mut ())), "\u{c9}a");
    }

    #[test]
    fn substring_as_documented() {
        let of = |start, end| text(substring(bytes("asdfghjk"), start, end, &mut ()));
        assert_eq!(of(2, Some(5)), "dfg");
        assert_eq!(of(2, None), "dfghjk");
        assert_eq!(of(-2, None), "jk");
        assert_eq!(of(0, Some(-2)), "asdfgh");
        assert_eq!(of(-100, Some(100)), "asdfghjk");
        assert_eq!(of(5, Some(2)), "");
        assert_eq!(of(8, None), "");
        assert_eq!(of(i64::MIN, Some(i64::MAX)), "asdfghjk");
        assert_eq!(of(i64::MAX, Some(i64::MIN)), "");
    }

    #[test]
    fn remove_bytes_as_documented() {
        let removed = ByteSet::new(b"\x2e\x77");
        assert_eq!(
            text(remove_bytes(bytes("www.cloudflare.com"), &removed, &mut ())),
            "cloudflarecom"
        );
        assert!(matches!(remove_bytes(bytes("abc"), &removed, &mut ()), Cow::Borrowed(_)));
        assert_eq!(text(remove_bytes(bytes("w.w"), &removed, &mut ())), "");
    }

    #[test]
    fn split_as_documented() {
        let of = |value: &str, separator: &str, limit| -> Vec<String> {
            let finder = Finder::new(separator);
            let parts = split(value.as_bytes(), &finder, limit);
            parts.into_iter().map(|range| value[range].to_owned()).collect()
        };
        assert_eq!(
            of("groceries,electronics,diy,auto", ",", 64),
            ["groceries", "electronics", "diy", "auto"]
        );
        assert_eq!(
            of("groceries,electronics,diy,auto", ",", 3),
            ["groceries", "electronics", "diy,auto"]
        );
        assert_eq!(of("groceries,,electronics", ",", 64), ["groceries", "", "electronics"]);
        assert_eq!(of("", ",", 64), [""]);
        assert_eq!(of("a,b", ",", 1), ["a,b"]);
        assert_eq!(of(",", ",", 9), ["", ""]);
        assert_eq!(of("aaa", "aa", 9), ["", "a"]);
    }

    #[test]
    fn query_arguments_as_documented() {
        let of = |query: &'static str, names: &[&str]| {
            let is = |name: &[u8]| names.iter().any(|known| known.as_bytes() == name);
            text(remove_query_args(bytes(query), is, &mut ()))
        };
        assert_eq!(of("order=asc&country=GB", &["country"]), "order=asc");
        assert_eq!(of("order=asc&country=GB", &["order"]), "country=GB");
        assert_eq!(of("order=asc&country=GB", &["search"]), "order=asc&country=GB");
        assert_eq!(
            of("category=Foo&order=desc&category=Bar", &["order"]),
            "category=Foo&category=Bar"
        );
        assert_eq!(of("category=Foo&order=desc&category=Bar", &["category"]), "order=desc");
        assert_eq!(of("a=1&b&c", &["b"]), "a=1&c");
        assert_eq!(of("a&&b", &["a"]), "&b");
        assert_eq!(of("a", &["a"]), "");
    }

    #[test]
    fn join_and_concat() {
        let join = |items: &[&str], most| {
            text(join(items.iter().map(|item| item.as_bytes()), b", ", most, &mut ()))
        };
        assert_eq!(join(&["a", "b", ""], 99), "a, b, ");
        assert_eq!(join(&["a", "b"], 2), "a,");
        assert_eq!(join(&["a"], 99), "a");
        assert_eq!(join(&[], 99), "");
        let values = [(0, &b"String1"[..]), (1, b" "), (2, b"2")];
        assert_eq!(text(concat(values.into_iter(), 99, &mut ())), "String1 2");
        assert_eq!(text(concat(values.into_iter(), 3, &mut ())), "Str");
    }
}
