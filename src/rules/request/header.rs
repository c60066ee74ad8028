//! What is read in the values of header lines: media types, parameters, languages.

use std::ops::Range;

use super::limits::MAX_LANGUAGES;
use super::pairs::{is_blank, trimmed};

/// The kinds of bodies that are taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    /// `application/x-www-form-urlencoded`
    Form,
    /// `multipart/form-data`; any other `multipart/` too, which some servers take for one.
    Multipart,
    /// JSON, or a suffix of it: `application/json`, `application/problem+json`.
    Json,
    /// Anything else.
    Other,
}

impl Media {
    /// The kind that a `Content-Type` line names. A comma ends the type as `;` does (a proxy may have
    /// joined two lines), and so does a blank, for PHP.
    pub(crate) fn of(content_type: &[u8]) -> Self {
        let range = trimmed(content_type, 0..content_type.len());
        let name = content_type.get(range).unwrap_or_default();
        let end = name.iter().position(|byte| b";, \t".contains(byte)).unwrap_or(name.len());
        let name = name.get(..end).unwrap_or_default().to_ascii_lowercase();
        match name.as_slice() {
            b"application/x-www-form-urlencoded" => Self::Form,
            name if name.starts_with(b"multipart/") => Self::Multipart,
            name if memchr::memmem::find(name, b"json").is_some() => Self::Json,
            _ => Self::Other,
        }
    }
}

/// A parameter: `; name=value` or `; name="value"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parameter {
    pub(super) name: Range<usize>,
    /// Without its quotes.
    pub(super) value: Range<usize>,
    /// Whether it stood in quotes, in which a backslash escapes.
    pub(super) is_quoted: bool,
}

/// The parameters after the first `;`. Forgiving as servers are: white space around `=`, a quote that
/// nothing closes, and a comma in place of a `;` are taken.
pub(super) fn parameters(text: &[u8]) -> impl Iterator<Item = Parameter> {
    let mut at = memchr::memchr2(b';', b',', text).unwrap_or(text.len());
    std::iter::from_fn(move || {
        loop {
            at += 1;
            let rest = text.get(at..)?;
            let name_len = rest.iter().position(|byte| b"=;,".contains(byte)).unwrap_or(rest.len());
            let name = trimmed(text, at..at + name_len);
            at += name_len;
            if text.get(at) != Some(&b'=') {
                if at >= text.len() {
                    return None;
                }
                continue;
            }
            let (value, is_quoted, end) = parameter_value(text, at + 1);
            at = end;
            return Some(Parameter { name, value, is_quoted });
        }
    })
}

/// The value that starts at `start`, and where the next parameter's `;` is looked for.
fn parameter_value(text: &[u8], start: usize) -> (Range<usize>, bool, usize) {
    let rest = text.get(start..).unwrap_or_default();
    let separator = |from: usize| {
        text.get(from..).unwrap_or_default().iter().position(|byte| b";,".contains(byte))
    };
    let blanks = rest.iter().take_while(|byte| is_blank(**byte) || b"\r\n".contains(byte)).count();
    let quoted = start + blanks + 1;
    if rest.get(blanks) == Some(&b'"') {
        let end = closing_quote(text, quoted);
        let next = separator(end).map_or(text.len(), |len| end + len);
        return (quoted..end, true, next);
    }
    let end = separator(start).map_or(text.len(), |len| start + len);
    (trimmed(text, start..end), false, end)
}

/// Where the quote stands that closes a string; the end where none does.
fn closing_quote(text: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => return at,
            // A backslash at the end escapes nothing: `"C:\"` is closed, as servers read it.
            b'\\' if text.get(at + 1) == Some(&b'\\') => at += 2,
            b'\\' if text.get(at + 1) == Some(&b'"') && has_quote(text, at + 2) => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

fn has_quote(text: &[u8], from: usize) -> bool {
    memchr::memchr(b'"', text.get(from..).unwrap_or_default()).is_some()
}

/// The boundaries that a `Content-Type` line names, each that it does: two servers may take two.
pub(super) fn boundaries(content_type: &[u8]) -> impl Iterator<Item = &[u8]> {
    parameters(content_type).filter_map(|parameter| {
        let name = content_type.get(parameter.name)?;
        let value = content_type.get(parameter.value)?;
        let end =
            if parameter.is_quoted { None } else { value.iter().position(|&byte| is_blank(byte)) };
        let value = value.get(..end.unwrap_or(value.len()))?;
        (name.eq_ignore_ascii_case(b"boundary") && !value.is_empty()).then_some(value)
    })
}

/// A language tag that an `Accept-Language` line names, and its weight in thousandths.
pub(super) struct Language {
    pub(super) tag: Range<usize>,
    pub(super) weight: u16,
}

/// The languages of a line, in its order; `*` is none.
pub(super) fn languages(text: &[u8]) -> impl Iterator<Item = Language> {
    let mut at = 0;
    let elements = std::iter::from_fn(move || {
        let rest = text.get(at..)?;
        let element = at..at + memchr::memchr(b',', rest).unwrap_or(rest.len());
        at = element.end + 1;
        Some(element)
    });
    let languages = elements.filter_map(|element| {
        let inner = text.get(element.clone())?;
        let tag_end = memchr::memchr(b';', inner).map_or(element.end, |at| element.start + at);
        let tag = trimmed(text, element.start..tag_end);
        let name = text.get(tag.clone()).filter(|name| !name.is_empty() && *name != b"*")?;
        debug_assert!(!name.is_empty());
        Some(Language { tag, weight: weight(inner) })
    });
    languages.take(MAX_LANGUAGES)
}

/// The `q` of an element (RFC 9110 §12.4.2); 1 where there is none that could be read.
fn weight(element: &[u8]) -> u16 {
    let q = parameters(element).find(|parameter| {
        element.get(parameter.name.clone()).is_some_and(|name| name.eq_ignore_ascii_case(b"q"))
    });
    let digits = q.and_then(|q| element.get(q.value)).unwrap_or_default();
    let thousandths = match digits {
        [whole @ (b'0' | b'1')] => Some((*whole, &[][..])),
        [whole @ (b'0' | b'1'), b'.', rest @ ..] if rest.len() <= 3 => Some((*whole, rest)),
        _ => None,
    };
    let Some((whole, rest)) = thousandths.filter(|(_, rest)| rest.iter().all(u8::is_ascii_digit))
    else {
        return 1_000;
    };
    let places = [100, 10, 1].iter().zip(rest);
    let fraction: u16 = places.map(|(place, digit)| place * u16::from(digit - b'0')).sum();
    (u16::from(whole - b'0') * 1_000 + fraction).min(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_told_apart() {
        for (text, expected) in [
            ("application/x-www-form-urlencoded", Media::Form),
            (" Application/X-WWW-Form-Urlencoded ;charset=utf-8", Media::Form),
            ("multipart/form-data; boundary=x", Media::Multipart),
            ("multipart/form-data,text/plain", Media::Multipart),
            ("application/problem+json", Media::Json),
            ("multipart/mixed; boundary=x", Media::Multipart),
            ("multipart/form-data boundary=x", Media::Multipart),
            ("application/x-www-form-urlencoded\tx; a", Media::Form),
            ("multipart", Media::Other),
            ("", Media::Other),
        ] {
            assert_eq!(Media::of(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn every_boundary_is_found() {
        for (text, expected) in [
            ("multipart/form-data; boundary=a", &["a"][..]),
            ("multipart/form-data; Boundary = \"a;b\" ; boundary=c d;x", &["a;b", "c"]),
            ("multipart/form-data; boundary=\"a", &["a"]),
            ("multipart/form-data; boundary=a,b", &["a"]),
            ("multipart/form-data; boundary=; boundary", &[]),
            ("multipart/form-data;;;boundary=a", &["a"]),
        ] {
            let found: Vec<_> = boundaries(text.as_bytes()).collect();
            assert_eq!(
                found,
                expected.iter().map(|text| text.as_bytes()).collect::<Vec<_>>(),
                "{text}"
            );
        }
    }

    #[test]
    fn languages_have_weights() {
        let text = b"fr-CH, fr;q=0.8, en ; q=0.9,, *;q=0.5, de;q=x, it;q=1.5, rm;Q=0";
        let found: Vec<_> = languages(text)
            .map(|language| (str::from_utf8(&text[language.tag]).unwrap(), language.weight))
            .collect();
        let expected =
            [("fr-CH", 1000), ("fr", 800), ("en", 900), ("de", 1000), ("it", 1000), ("rm", 0)];
        assert_eq!(found, expected);
    }

    #[test]
    fn quotes_are_read_as_servers_do() {
        for (text, expected) in [
            (r#"f; name="a\"b"; x=1"#, &[r#"a\"b"#, "1"][..]),
            (r#"f; name="C:\"; x=1"#, &[r"C:\", "1"]),
            (r#"f; name="a\\"; x="y;z""#, &[r"a\\", "y;z"]),
            (r#"f; name=a b; x="#, &["a b", ""]),
        ] {
            let found: Vec<_> = parameters(text.as_bytes()).map(|one| &text[one.value]).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
