//! `regex_replace` and `wildcard_replace`.

use std::borrow::Cow;
use std::ops::Range;

use super::written::{Pieces, Written, same};
use crate::rules::regex::Regex;
use crate::rules::replacement::{Part, Replacement};
use crate::rules::wildcard::Wildcard;

/// `regex_replace(s, regex, replacement)`: the first match is replaced.
pub(in crate::rules) fn regex_replace<'v, P: Pieces>(
    source: Cow<'v, [u8]>,
    regex: &Regex,
    replacement: &Replacement,
    most: usize,
    pieces: &mut P,
) -> Cow<'v, [u8]> {
    let groups = regex.captures(&source).unwrap_or_default();
    let Some(Some(found)) = groups.first().cloned() else { return same(source, pieces) };
    let mut written = Written::new(pieces, most);
    written.copy(0, &source, 0..found.start);
    let group = |number: usize| groups.get(number).cloned().flatten();
    write(replacement, &source, group, &mut written);
    written.copy(0, &source, found.end..source.len());
    written.finish()
}

/// `wildcard_replace(s, wildcard, replacement, flags)`: of a value that has the wildcard's form.
pub(in crate::rules) fn wildcard_replace<'v, P: Pieces>(
    source: Cow<'v, [u8]>,
    wildcard: &Wildcard,
    replacement: &Replacement,
    most: usize,
    pieces: &mut P,
) -> Cow<'v, [u8]> {
    let Some(stars) = wildcard.captures(&source) else { return same(source, pieces) };
    let group = |number: usize| match number.checked_sub(1) {
        None => Some(0..source.len()),
        Some(star) => stars.get(star).cloned(),
    };
    let mut written = Written::new(pieces, most);
    write(replacement, &source, group, &mut written);
    written.finish()
}

fn write<P: Pieces>(
    replacement: &Replacement,
    source: &[u8],
    group: impl Fn(usize) -> Option<Range<usize>>,
    written: &mut Written<'_, P>,
) {
    for part in replacement.parts() {
        match part {
            Part::Text(bytes) => written.own(bytes),
            Part::Group(number) => {
                if let Some(range) = group(*number) {
                    written.copy(0, source, range);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::ast::Case;

    fn regex(source: &str, pattern: &str, replacement: &str) -> String {
        let regex = Regex::capturing(pattern).unwrap();
        let replacement = Replacement::parse(replacement.as_bytes(), 9).unwrap();
        let source = Cow::Borrowed(source.as_bytes());
        let replaced = regex_replace(source, &regex, &replacement, 1_000, &mut ());
        String::from_utf8(replaced.into_owned()).unwrap()
    }

    #[test]
    fn regex_as_documented() {
        assert_eq!(regex("/foo/bar", "/bar$", "/baz"), "/foo/baz");
        assert_eq!(regex("/x", "^/y$", "/mumble"), "/x");
        assert_eq!(regex("/foo", "^/FOO$", "/x"), "/foo");
        assert_eq!(regex("/a/a", "/a", "/b"), "/b/a");
        assert_eq!(regex("/b", "^/b$", "/b$$"), "/b$");
        assert_eq!(regex("/foo/a/path", "^/foo/([^/]*)/(.*)$", "/bar/${2}/${1}"), "/bar/path/a");
        assert_eq!(regex("ab", "(a)|(x)", "[${2}${1}${9}]"), "[a]b");
    }

    fn wildcard(source: &str, pattern: &str, replacement: &str, case: Case) -> String {
        let wildcard = Wildcard::new(pattern.as_bytes(), case).unwrap();
        let replacement = Replacement::parse(replacement.as_bytes(), 9).unwrap();
        let source = Cow::Borrowed(source.as_bytes());
        let replaced = wildcard_replace(source, &wildcard, &replacement, 1_000, &mut ());
        String::from_utf8(replaced.into_owned()).unwrap()
    }

    #[test]
    fn wildcard_as_documented() {
        use Case::{Ignored, Sensitive};
        for (source, pattern, replacement, case, expected) in [
            (
                "https://apps.example.com/calendar/admin?expand=true",
                "https://*.example.com/*/*",
                "https://example.com/${1}/${2}/${3}",
                Ignored,
                "https://example.com/apps/calendar/admin?expand=true",
            ),
            (
                "https://example.com/applications/app1",
                "/applications/*",
                "/apps/${1}",
                Ignored,
                "https://example.com/applications/app1",
            ),
            ("/calendar", "/*", "/apps/${1}", Ignored, "/apps/calendar"),
            ("/Apps/calendar", "/apps/*", "/${1}", Ignored, "/calendar"),
            ("/Apps/calendar", "/apps/*", "/${1}", Sensitive, "/Apps/calendar"),
            ("/apps/calendar/login", "/apps/*/login", "/${1}/login", Ignored, "/calendar/login"),
            ("abc", "ABC", "<${0}>", Ignored, "<abc>"),
        ] {
            assert_eq!(
                wildcard(source, pattern, replacement, case),
                expected,
                "{source} {pattern}"
            );
        }
    }
}
