//! Strings: `"quoted"`, `r"raw"`, `r#"raw"#` and `62:79:74:65:73`; and quoted regular expressions.

use super::{Cursor, cut, shown};
use crate::rules::ast::Span;
use crate::rules::error::Fault;
use crate::rules::limits::MAX_STRING_BYTES;

/// Most `#` of a raw string, as in Rust.
const MAX_HASHES: usize = 255;

/// A regular expression in the text of a rule.
pub(in crate::rules) struct RegexText {
    /// As the engine is to read it.
    pub(in crate::rules) pattern: String,
    /// Where its first character stands.
    start: usize,
    /// The places in the pattern before which an escape was left out.
    left_out: Vec<usize>,
}

impl RegexText {
    /// Where a part of the pattern stands in the expression.
    pub(in crate::rules) fn place(&self, part: &Span) -> Span {
        let shift =
            |at: usize| self.start + at + self.left_out.iter().filter(|out| **out <= at).count();
        shift(part.start)..shift(part.end)
    }
}

/// A string or byte string.
pub(in crate::rules) fn bytes(cursor: &mut Cursor<'_>) -> Result<Vec<u8>, Fault> {
    if is_byte_string(cursor.rest()) { byte_string(cursor) } else { string(cursor) }
}

/// A quoted or raw string.
pub(in crate::rules) fn string(cursor: &mut Cursor<'_>) -> Result<Vec<u8>, Fault> {
    let start = cursor.at();
    let found = match cursor.peek() {
        Some('"') => quoted(cursor)?,
        _ if is_raw(cursor.rest()) => raw(cursor)?.as_bytes().to_vec(),
        _ => return no_string(cursor),
    };
    within_limit(cursor, start, found.len())?;
    Ok(found)
}

/// A regular expression: raw, or quoted with its escapes left to the regular expression.
pub(in crate::rules) fn regex(cursor: &mut Cursor<'_>) -> Result<RegexText, Fault> {
    let start = cursor.at();
    let found = match cursor.peek() {
        Some('"') => quoted_regex(cursor)?,
        _ if is_raw(cursor.rest()) => {
            let pattern = raw(cursor)?.to_owned();
            let hashes = cursor.since(start).len() - pattern.len();
            // `r`, the hashes and the quote: half of them, and the `r`.
            RegexText { pattern, start: start + hashes.div_ceil(2), left_out: Vec::new() }
        }
        Some('/') => {
            let way_out = "write it in quotes: \"…\", or raw: r\"…\"";
            return cursor.fault(
                cursor.token(),
                "a regular expression does not stand between slashes",
                way_out,
            );
        }
        _ => return no_string(cursor),
    };
    within_limit(cursor, start, found.pattern.len())?;
    Ok(found)
}

/// Whether a byte string starts here: two hexadecimal digits, a separator, and more.
pub(in crate::rules) fn is_byte_string(rest: &str) -> bool {
    let mut bytes = rest.bytes();
    let mut digit = || bytes.next().is_some_and(|byte| byte.is_ascii_hexdigit());
    digit() && digit() && bytes.next().is_some_and(is_separator)
}

const fn is_separator(byte: u8) -> bool {
    matches!(byte, b':' | b'-' | b'.')
}

fn is_raw(rest: &str) -> bool {
    rest.strip_prefix('r').is_some_and(|rest| rest.trim_start_matches('#').starts_with('"'))
}

fn byte_string(cursor: &mut Cursor<'_>) -> Result<Vec<u8>, Fault> {
    let start = cursor.at();
    let mut found = Vec::new();
    loop {
        let digits = cursor.rest().get(..2).and_then(hex_byte);
        let Some(byte) = digits else {
            cursor.next();
            let way_out = "a byte string is like 61:62:63, two hexadecimal digits for each byte";
            return cursor.fault(
                cursor.span(start),
                "a byte is missing in the byte string",
                way_out,
            );
        };
        cursor.next();
        cursor.next();
        found.push(byte);
        if !cursor.rest().bytes().next().is_some_and(is_separator) {
            break;
        }
        cursor.next();
    }
    within_limit(cursor, start, found.len())?;
    Ok(found)
}

fn quoted(cursor: &mut Cursor<'_>) -> Result<Vec<u8>, Fault> {
    let start = cursor.at();
    cursor.next();
    let mut found = Vec::new();
    loop {
        let text = cursor.take_while(|next| !matches!(next, '"' | '\\'));
        found.extend_from_slice(text.as_bytes());
        match cursor.next() {
            Some('"') => return Ok(found),
            Some(_) => found.push(escaped(cursor, start)?),
            None => return no_end(cursor, start),
        }
    }
}

/// What a backslash, which has been read, and what follows it stand for.
fn escaped(cursor: &mut Cursor<'_>, start: usize) -> Result<u8, Fault> {
    let backslash = cursor.at() - 1;
    let rest = cursor.rest();
    let (byte, length) = match cursor.peek() {
        Some('"') => (Some(b'"'), 1),
        Some('\\') => (Some(b'\\'), 1),
        Some('x') => (rest.get(1..3).and_then(hex_byte), 3),
        Some('0'..='7') => (rest.get(..3).and_then(octal_byte), 3),
        Some(_) => (None, 0),
        None => return no_end(cursor, start),
    };
    if let Some(byte) = byte {
        cursor.at += length;
        return Ok(byte);
    }
    let Some(letter) = cursor.next() else { return no_end(cursor, start) };
    let (fault, way_out) = no_escape(letter);
    cursor.fault(cursor.span(backslash), fault, way_out)
}

fn no_escape(letter: char) -> (String, String) {
    let known = "a string knows \\\", \\\\, \\xHH and \\OOO";
    let written = match letter {
        'x' => {
            return (
                "\\x is followed by two hexadecimal digits".into(),
                "write \\x0a for a line feed".into(),
            );
        }
        '0'..='7' => {
            let fault = "an octal escape has three digits, up to \\377";
            return (fault.into(), "write \\012 or \\x0a for a line feed".into());
        }
        'n' => format!("{known}: write \\x0a for a line feed"),
        'r' => format!("{known}: write \\x0d for a carriage return"),
        't' => format!("{known}: write \\x09 for a tab"),
        _ => format!("{known}; in a raw string r\"…\" a backslash is a backslash"),
    };
    (format!("{} is not an escape", cut(&format!("\\{letter}"))), written)
}

/// The text between the quotes.
fn raw<'t>(cursor: &mut Cursor<'t>) -> Result<&'t str, Fault> {
    let start = cursor.at();
    cursor.eat("r");
    let hashes = cursor.take_while(|next| next == '#');
    cursor.eat("\"");
    if hashes.len() > MAX_HASHES {
        let fault = format!("a raw string has more than {MAX_HASHES} #");
        return cursor.fault(cursor.span(start), fault, "write it as a quoted string");
    }
    let end = format!("\"{hashes}");
    let Some(length) = cursor.rest().find(&end) else {
        let fault = "the raw string has no end";
        return cursor.fault(start..cursor.at(), fault, format!("close it with {end}"));
    };
    let found = cursor.rest().get(..length).unwrap_or_default();
    cursor.at += length + end.len();
    Ok(found)
}

/// Only `\"` outside a class is an escape of the literal; inside `[…]` a quote does not end it.
fn quoted_regex(cursor: &mut Cursor<'_>) -> Result<RegexText, Fault> {
    let start = cursor.at();
    cursor.next();
    let mut found = RegexText { pattern: String::new(), start: cursor.at(), left_out: Vec::new() };
    let mut in_class = false;
    loop {
        match cursor.next() {
            Some('\\') => match cursor.next() {
                Some('"') if !in_class => {
                    found.left_out.push(found.pattern.len());
                    found.pattern.push('"');
                }
                Some(next) => found.pattern.extend(['\\', next]),
                None => return no_end(cursor, start),
            },
            Some('"') if !in_class => return Ok(found),
            Some(next) => {
                match next {
                    '[' => in_class = true,
                    ']' => in_class = false,
                    _ => {}
                }
                found.pattern.push(next);
            }
            None if in_class => {
                let way_out = "close the class with ], and the string with \"";
                return cursor.fault(
                    start..start + 1,
                    "the string has no end: a quote inside […] does not end it",
                    way_out,
                );
            }
            None => return no_end(cursor, start),
        }
    }
}

fn hex_byte(digits: &str) -> Option<u8> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

fn octal_byte(digits: &str) -> Option<u8> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| u8::from_str_radix(digits, 8).ok()).flatten()
}

fn within_limit(cursor: &Cursor<'_>, start: usize, length: usize) -> Result<(), Fault> {
    if length <= MAX_STRING_BYTES {
        return Ok(());
    }
    let fault = format!("a string has {length} bytes, and {MAX_STRING_BYTES} are the most");
    cursor.fault(cursor.span(start), fault, "look for a part of it that is as telling")
}

fn no_end<T>(cursor: &Cursor<'_>, start: usize) -> Result<T, Fault> {
    cursor.fault(
        start..start + 1,
        "the string has no end",
        "close it with \", and write a quote inside it as \\\"",
    )
}

fn no_string<T>(cursor: &Cursor<'_>) -> Result<T, Fault> {
    let (fault, way_out) = match cursor.peek() {
        Some('\'') => ("a string stands in double quotes".into(), "write \"…\" in place of '…'"),
        Some('\u{201c}' | '\u{201d}' | '\u{201e}') => (
            format!("{} is not a quote of this language", shown('\u{201c}')),
            "write \"…\" with plain quotes",
        ),
        Some('{') => {
            (format!("a string belongs here, and {}", cursor.found()), "a set stands after `in`")
        }
        Some('0'..='9') => {
            let way_out = "write it in quotes; a byte string is like 61:62, two digits for each of two bytes or more";
            (format!("a string belongs here, and {}", cursor.found()), way_out)
        }
        _ => (
            format!("a string belongs here, and {}", cursor.found()),
            "strings are like \"…\", r\"…\" or 61:62",
        ),
    };
    cursor.fault(cursor.token(), fault, way_out)
}
