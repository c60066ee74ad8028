//! Members of JSON, found in bytes that need not be valid: a body that was cut off, or that only one
//! server in the chain takes for JSON, keeps its secrets too.

use std::ops::Range;

/// Whether a server may take it for JSON.
pub(super) fn looks_like(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text).trim_ascii_start();
    matches!(text.first(), Some(b'{' | b'['))
}

/// The values of members that have such a name, at any depth: of a string what stands between its quotes.
/// JSON in a string of JSON is looked through as well.
pub(super) fn values<'t>(
    text: &'t [u8],
    has_name: impl Fn(&[u8]) -> bool + 't,
) -> impl Iterator<Item = Range<usize>> + 't {
    let mut covered = 0;
    memchr::memchr_iter(b':', text).filter_map(move |colon| {
        // What is in a value that was found is of it; so no byte is looked through again and again.
        let (name, level) = name_before(text, colon).filter(|_| colon >= covered)?;
        let value = has_name(&unescaped(name)).then(|| value_after(text, colon + 1, level))?;
        covered = value.end;
        Some(value)
    })
}

/// The name that ends before a colon, and how many backslashes its quotes have.
fn name_before(text: &[u8], colon: usize) -> Option<(&[u8], usize)> {
    let before = text.get(..colon)?.trim_ascii_end();
    let end = before.strip_suffix(b"\"")?;
    let level = backslashes(end);
    let end = end.get(..end.len() - level)?;
    let start = memchr::memrchr_iter(b'"', end).find(|&quote| closes(end, quote, level))?;
    Some((end.get(start + 1..)?, level))
}

/// Whether the quote at `at` begins or ends a string whose quotes have `level` backslashes.
fn closes(text: &[u8], at: usize, level: usize) -> bool {
    let found = backslashes(text.get(..at).unwrap_or_default());
    if level == 0 { found.is_multiple_of(2) } else { found <= level }
}

fn backslashes(text: &[u8]) -> usize {
    text.iter().rev().take_while(|byte| **byte == b'\\').count()
}

/// The value after a colon; to the end where it has none.
fn value_after(text: &[u8], start: usize, level: usize) -> Range<usize> {
    let rest = text.get(start..).unwrap_or_default();
    let start = start + rest.len() - rest.trim_ascii_start().len();
    let rest = text.get(start..).unwrap_or_default();
    let leading = rest.iter().take_while(|byte| **byte == b'\\').count();
    match rest.get(leading) {
        Some(b'"') => {
            let inner = start + leading + 1;
            inner..string_end(text, inner, leading)
        }
        Some(b'{' | b'[') => start..nested_end(text, start, level),
        _ => start..start + scalar_len(rest, level),
    }
}

/// The length of a number, a truth or null; all the text where it is none of them, since nobody knows where a
/// lenient server ends it.
fn scalar_len(text: &[u8], level: usize) -> usize {
    let is_of_scalar = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    let len = text.iter().take_while(|byte| is_of_scalar(byte)).count();
    let after = text.get(len..).unwrap_or_default().trim_ascii_start();
    match after.first() {
        None | Some(b',' | b'}' | b']') => len,
        // JSON in a string: its end, or an escaped blank.
        Some(b'"' | b'\\') if level > 0 && len > 0 => len,
        Some(_) => text.len(),
    }
}

/// Where the string that starts at `start` ends, before the backslashes of its quote.
fn string_end(text: &[u8], start: usize, level: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let quote = memchr::memchr_iter(b'"', rest).find(|&quote| closes(rest, quote, level));
    quote.map_or(text.len(), |quote| {
        let escapes =
            if level == 0 { 0 } else { backslashes(rest.get(..quote).unwrap_or_default()) };
        start + quote - escapes
    })
}

/// Where the array or object that starts at `start` ends.
fn nested_end(text: &[u8], start: usize, level: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' if closes(text, at, level) => at = string_end(text, at + 1, level) + level,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// A name with `\u0041` as `A`. Other escapes stand for nothing that a name is compared by.
fn unescaped(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    let mut rest = name;
    while let [first, tail @ ..] = rest {
        let code = (*first == b'\\').then(|| tail.strip_prefix(b"u")).flatten();
        let digits = code.and_then(|code| str::from_utf8(code.get(..4)?).ok());
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            Some(code) => {
                if let Ok(byte) = u8::try_from(code) {
                    out.push(byte);
                }
                rest = tail.get(5..).unwrap_or_default();
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        let is_secret = |name: &[u8]| name.eq_ignore_ascii_case(b"password");
        values(text.as_bytes(), is_secret).map(|range| &text[range]).collect()
    }

    #[test]
    fn values_of_every_kind_at_any_depth() {
        for (text, expected) in [
            (r#"{"password": "a\"b\\", "x": 1}"#, &[r#"a\"b\\"#][..]),
            (r#"{"a":[{"b":{"password" : 12.5}}]}"#, &["12.5"]),
            (r#"{"password":{"a":"}","b":["]"]},"x":1}"#, &[r#"{"a":"}","b":["]"]}"#]),
            (r#"{"password":["a",{}],"password":null}"#, &[r#"["a",{}]"#, "null"]),
            (r#"{"p\u0061ssword":"a"}"#, &["a"]),
            (r#"{"x":"password","y":"a"}"#, &[]),
            (r#"{"x":"\"password\":\"a\"","y":"b"}"#, &["a"]),
            (r#"{"x":"{\"password\":{\"a\":\"}\"}}"}"#, &[r#"{\"a\":\"}\"}"#]),
            (r#"{"x":"\\\"password\\\":7"}"#, &["7"]),
            (r#"{"a":"b","#, &[]),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }

    #[test]
    fn a_value_that_is_no_json_is_denied_to_the_end() {
        for (text, expected) in [
            (r#"{"password": 'a b', "x": 1}"#, r#"'a b', "x": 1}"#),
            (r#"{"password": a b}"#, "a b}"),
            (r#"{"x":"{\"password\":\n\"a b\"}"}"#, r#"\n\"a b\"}"}"#),
            ("{\"password\": -1.5e+3\r\n}", "-1.5e+3"),
            (r#"{"password": true ,"x":1}"#, "true"),
        ] {
            assert_eq!(found(text), [expected], "{text}");
        }
    }

    #[test]
    fn what_was_cut_off_is_denied_to_its_end() {
        for (text, expected) in [
            (r#"{"password": "abc"#, "abc"),
            (r#"{"password": {"a": "b}"#, r#"{"a": "b}"#),
            (r#"{"password": 12"#, "12"),
            (r#"{"password":"#, ""),
            (r#"junk" {"password":"a"}"#, "a"),
        ] {
            assert_eq!(found(text), [expected], "{text}");
        }
    }
}
