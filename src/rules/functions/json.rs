//! `lookup_json_string` and `lookup_json_integer`: one value of a JSON document, and where it stands.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserializer, IgnoredAny, Visitor};

use super::written::{How, Pieces};

/// One step into a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::rules) enum JsonKey<'k> {
    /// The value of a member; of several with this name, the last.
    Name(Cow<'k, [u8]>),
    /// The element with this index.
    Index(i64),
}

/// `lookup_json_string(document, key, …)`: no value unless all of the document is valid JSON and there is a
/// string. What is no Unicode in it stays as it is.
pub(in crate::rules) fn lookup_string<'v, P: Pieces>(
    document: &Cow<'v, [u8]>,
    keys: &[JsonKey<'_>],
    pieces: &mut P,
) -> Option<Cow<'v, [u8]>> {
    let token = token(document, keys)?;
    let text = document.get(token.clone())?;
    if text.first() != Some(&b'"') {
        return None;
    }
    let inside = token.start + 1..token.end.checked_sub(1)?;
    if memchr::memchr(b'\\', text).is_none() {
        pieces.next(inside.len(), 0, inside.clone(), How::Aligned);
        return match document {
            Cow::Borrowed(bytes) => bytes.get(inside).map(Cow::Borrowed),
            Cow::Owned(bytes) => bytes.get(inside).map(|found| Cow::Owned(found.to_vec())),
        };
    }
    let decoded = unescaped(text)?.into_owned();
    pieces.next(decoded.len(), 0, inside, How::Coarse);
    Some(Cow::Owned(decoded))
}

/// `lookup_json_integer(document, key, …)`: no value unless all of the document is valid JSON and there is
/// a plain integer of 64 bits. Also says where it stands.
pub(in crate::rules) fn lookup_integer(
    document: &[u8],
    keys: &[JsonKey<'_>],
) -> Option<(i64, Range<usize>)> {
    let token = token(document, keys)?;
    let text = std::str::from_utf8(document.get(token.clone())?).ok()?;
    if !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        return None;
    }
    Some((text.parse().ok()?, token))
}

/// Where the value stands that the keys lead to.
fn token(document: &[u8], keys: &[JsonKey<'_>]) -> Option<Range<usize>> {
    // Valid JSON from here on: the walk only has to tell tokens apart.
    serde_json::from_slice::<IgnoredAny>(document).ok()?;
    let mut token = Cursor { document, at: 0 }.value()?;
    for key in keys {
        let cursor = Cursor { document, at: token.start };
        token = match key {
            JsonKey::Name(name) => cursor.member(name)?,
            JsonKey::Index(index) => cursor.element(usize::try_from(*index).ok()?)?,
        };
    }
    Some(token)
}

/// A place in a document that is known to be valid.
struct Cursor<'d> {
    document: &'d [u8],
    at: usize,
}

impl Cursor<'_> {
    /// The last member of this name in the object that begins here.
    fn member(mut self, name: &[u8]) -> Option<Range<usize>> {
        if self.peek()? != b'{' {
            return None;
        }
        self.at += 1;
        let mut found = None;
        while self.peek()? != b'}' {
            let key = self.value()?;
            let is_it = unescaped(self.document.get(key)?)?.as_ref() == name;
            self.skip(b':')?;
            let value = self.value()?;
            if is_it {
                found = Some(value);
            }
            if self.peek()? == b',' {
                self.at += 1;
            }
        }
        found
    }

    /// The element with this index in the array that begins here.
    fn element(mut self, index: usize) -> Option<Range<usize>> {
        if self.peek()? != b'[' {
            return None;
        }
        self.at += 1;
        let mut left = index;
        while self.peek()? != b']' {
            let value = self.value()?;
            if left == 0 {
                return Some(value);
            }
            left -= 1;
            if self.peek()? == b',' {
                self.at += 1;
            }
        }
        None
    }

    /// The byte that the next token begins with.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.document.get(self.at)? {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                byte => return Some(*byte),
            }
        }
    }

    fn skip(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Goes past the next value; nesting is counted, not recursed into.
    fn value(&mut self) -> Option<Range<usize>> {
        self.peek()?;
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b'"' => self.string()?,
                b',' | b':' => self.at += 1,
                _ => self.scalar(),
            }
            if depth == 0 {
                return Some(start..self.at);
            }
        }
    }

    fn string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            let rest = self.document.get(self.at..)?;
            let found = memchr::memchr2(b'"', b'\\', rest)?;
            self.at += found + 1;
            if rest.get(found) == Some(&b'"') {
                return Some(());
            }
            self.at += 1;
        }
    }

    /// A number, `true`, `false` or `null`.
    fn scalar(&mut self) {
        let rest = self.document.get(self.at..).unwrap_or_default();
        let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r');
        self.at += rest.iter().position(ends).unwrap_or(rest.len());
    }
}

/// The bytes of a JSON string, without quotes and escapes.
fn unescaped(token: &[u8]) -> Option<Cow<'_, [u8]>> {
    if memchr::memchr(b'\\', token).is_none() {
        return token.get(1..token.len().checked_sub(1)?).map(Cow::Borrowed);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(token);
    deserializer.deserialize_byte_buf(AsBytes).ok().map(Cow::Owned)
}

/// A JSON string as bytes: lone surrogates and what is no UTF-8 are let through.
struct AsBytes;

impl Visitor<'_> for AsBytes {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(name: &str) -> JsonKey<'_> {
        JsonKey::Name(Cow::Borrowed(name.as_bytes()))
    }

    fn string(document: &str, keys: &[JsonKey<'_>]) -> Option<String> {
        let document = Cow::Borrowed(document.as_bytes());
        let found = lookup_string(&document, keys, &mut ())?;
        Some(String::from_utf8_lossy(&found).into_owned())
    }

    fn integer(document: &str, keys: &[JsonKey<'_>]) -> Option<i64> {
        lookup_integer(document.as_bytes(), keys).map(|(integer, _)| integer)
    }

    #[test]
    fn strings_as_documented() {
        use JsonKey::Index;
        let cloudflare = Some("cloudflare".to_owned());
        assert_eq!(
            string(r#"{ "company": "cloudflare", "product": "rulesets" }"#, &[name("company")]),
            cloudflare
        );
        assert_eq!(
            string(r#"{ "network": { "name": "cloudflare" } }"#, &[name("network"), name("name")]),
            cloudflare
        );
        assert_eq!(string(r#"["other_company", "cloudflare"]"#, &[Index(1)]), cloudflare);
        assert_eq!(
            string(
                r#"{ "networks": ["other_company", "cloudflare"] }"#,
                &[name("networks"), Index(1)]
            ),
            cloudflare
        );
        let of_objects = r#"[{ "network": "other_company" }, { "network": "cloudflare" }]"#;
        assert_eq!(string(of_objects, &[Index(1), name("network")]), cloudflare);
    }

    #[test]
    fn integers_as_documented() {
        use JsonKey::Index;
        assert_eq!(
            integer(r#"{ "record_id": "aed53a", "version": 2 }"#, &[name("version")]),
            Some(2)
        );
        assert_eq!(
            integer(r#"{ "product": { "id": 356 } }"#, &[name("product"), name("id")]),
            Some(356)
        );
        assert_eq!(integer(r#"["first_item", -234]"#, &[Index(1)]), Some(-234));
        assert_eq!(
            integer(r#"{ "network_ids": [123, 456] }"#, &[name("network_ids"), Index(0)]),
            Some(123)
        );
        let of_objects = r#"[{ "product_id": 123 }, { "product_id": 456 }]"#;
        assert_eq!(integer(of_objects, &[Index(1), name("product_id")]), Some(456));
        for document in [
            r#"{"a": 42.0}"#,
            r#"{"a": 1e3}"#,
            r#"{"a": "1"}"#,
            r#"{"a": 9223372036854775808}"#,
            r#"{"b": 1}"#,
        ] {
            assert_eq!(integer(document, &[name("a")]), None, "{document}");
        }
        assert_eq!(integer(r#"{"a": -9223372036854775808}"#, &[name("a")]), Some(i64::MIN));
    }

    #[test]
    fn escapes_duplicates_and_what_is_not_there() {
        assert_eq!(
            string(r#"{"a":1,"a":"x\n\u00e9"}"#, &[name("a")]),
            Some("x\n\u{e9}".to_owned())
        );
        assert_eq!(string(r#"{"a":"x","a":1}"#, &[name("a")]), None);
        assert_eq!(string(r#"{"\u0061":"x"}"#, &[name("a")]), Some("x".to_owned()));
        assert_eq!(string(r#"{"a":"x\\","b":"y"}"#, &[name("b")]), Some("y".to_owned()));
        assert_eq!(string(r#"{"a":"x"} trailing"#, &[name("a")]), None);
        assert_eq!(string(r#"{"a":"x","b":}"#, &[name("a")]), None);
        assert_eq!(string("[]", &[JsonKey::Index(0)]), None);
        assert_eq!(string(r#"["a"]"#, &[JsonKey::Index(-1)]), None);
        assert_eq!(string(r#""a""#, &[]), Some("a".to_owned()));
        assert_eq!(string("", &[name("a")]), None);
    }

    #[test]
    fn deep_documents_are_walked_without_recursion() {
        let deep = format!(r#"{{"d":{}{},"a":"x"}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(string(&deep, &[name("a")]), Some("x".to_owned()));
    }

    fn documents() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            any::<i64>().prop_map(serde_json::Value::from),
            "[a-c\\\\\"\u{e9}\n]{0,4}".prop_map(serde_json::Value::from),
            Just(serde_json::Value::Null),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
                prop::collection::hash_map("[ab\\\\]{1,2}", inner, 0..4)
                    .prop_map(serde_json::Value::from_iter),
            ]
        })
    }

    proptest! {
        #[test]
        fn finds_what_serde_json_finds(document in documents(), pretty: bool, path in prop::collection::vec(0_usize..6, 0..4)) {
            let text = if pretty { serde_json::to_string_pretty(&document) } else { serde_json::to_string(&document) };
            let names = ["a", "b", "ab", "\\"];
            let mut expected = Some(&document);
            let mut keys = Vec::new();
            for step in path {
                if step < names.len() {
                    keys.push(name(names[step]));
                    expected = expected.and_then(|value| value.get(names[step]));
                } else {
                    keys.push(JsonKey::Index(i64::try_from(step).unwrap() - 4));
                    expected = expected.and_then(|value| value.get(step - 4));
                }
            }
            let text = text.unwrap();
            let found = string(&text, &keys);
            prop_assert_eq!(found.as_deref(), expected.and_then(|value| value.as_str()));
            prop_assert_eq!(integer(&text, &keys), expected.and_then(|value| value.as_i64()));
        }
    }
}
