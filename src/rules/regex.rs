//! Regular expressions of rules: over bytes, in linear time, of bounded size.

use std::fmt;
use std::ops::Range;

use regex_automata::Input;
use regex_automata::meta;
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::util::captures::Captures;
use regex_syntax::ast::ErrorKind;
use regex_syntax::hir::{self, Hir};

use super::limits::{MAX_REGEX_BYTES, MAX_REGEX_NESTING, REGEX_CACHE_BYTES};

/// A compiled regular expression.
///
/// It sees bytes: `.` is any byte but a line feed, `\w` is ASCII, and `\xFF` is the byte. With `(?u)` in
/// front it sees characters, such as `(?u)\p{Hangul}`. No search takes longer than the length of what is
/// searched, times the size of the expression.
#[derive(Clone)]
pub struct Regex {
    pattern: Box<str>,
    inner: meta::Regex,
}

/// What a search is asked to tell.
#[derive(Clone, Copy)]
enum Groups {
    /// Where the match is.
    Whole,
    /// Also where each group is.
    Each,
}

impl Regex {
    /// Compiles a pattern.
    ///
    /// # Errors
    ///
    /// [`RegexError`] where the pattern is not one, or would be larger than
    /// [`MAX_REGEX_BYTES`](super::limits::MAX_REGEX_BYTES).
    pub fn new(pattern: &str) -> Result<Self, RegexError> {
        Self::compile(pattern, Groups::Whole)
    }

    /// Compiles a pattern whose groups [`captures`](Self::captures) tells. Slower than [`new`](Self::new).
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn capturing(pattern: &str) -> Result<Self, RegexError> {
        Self::compile(pattern, Groups::Each)
    }

    fn compile(pattern: &str, groups: Groups) -> Result<Self, RegexError> {
        let hir = read(pattern)?;
        let captures = match groups {
            Groups::Whole => WhichCaptures::Implicit,
            Groups::Each => WhichCaptures::All,
        };
        let config = meta::Config::new()
            .utf8_empty(false)
            .which_captures(captures)
            .nfa_size_limit(Some(MAX_REGEX_BYTES))
            .hybrid_cache_capacity(REGEX_CACHE_BYTES);
        let inner = meta::Builder::new().configure(config).build_from_hir(&hir);
        let inner = inner.map_err(|error| RegexError::of_build(&error))?;
        Ok(Self { pattern: pattern.into(), inner })
    }

    /// The pattern.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.pattern
    }

    /// Whether it matches somewhere.
    #[must_use]
    #[inline]
    pub fn is_match(&self, haystack: &[u8]) -> bool {
        self.inner.is_match(haystack)
    }

    /// Where it matches: the first place, and there what the leftmost alternative takes. May be empty.
    #[must_use]
    #[inline]
    pub fn find(&self, haystack: &[u8]) -> Option<Range<usize>> {
        self.inner.find(haystack).map(|found| found.range())
    }

    /// Where it matches, as [`find`](Self::find), and where each of its groups did: number 0 is the whole
    /// match. Groups are told of one that is [`capturing`](Self::capturing) only.
    #[must_use]
    pub fn captures(&self, haystack: &[u8]) -> Option<Vec<Option<Range<usize>>>> {
        let mut captures = Captures::all(self.inner.group_info().clone());
        self.inner.search_captures(&Input::new(haystack), &mut captures);
        let groups = || captures.iter().map(|group| group.map(|span| span.range())).collect();
        captures.is_match().then(groups)
    }

    /// How many groups it has, the whole match included.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.inner.group_info().group_len(regex_automata::PatternID::ZERO)
    }

    /// What it takes once compiled, in bytes, without what its searches remember.
    #[must_use]
    pub fn memory_usage(&self) -> usize {
        self.inner.memory_usage()
    }
}

impl fmt::Debug for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Regex").field(&self.pattern).finish()
    }
}

/// The syntax of a pattern, as the engine reads it: bytes, not characters.
///
/// # Errors
///
/// [`RegexError`] where it is none.
pub(super) fn read(pattern: &str) -> Result<Hir, RegexError> {
    let mut parser = regex_syntax::ParserBuilder::new();
    parser.unicode(false).utf8(false).nest_limit(MAX_REGEX_NESTING);
    parser.build().parse(pattern).map_err(|error| RegexError::of_syntax(&error))
}

/// Why a pattern is no regular expression of this engine: the fault, and the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegexError {
    at: Option<Range<usize>>,
    fault: String,
    way_out: &'static str,
}

/// The way out where there is no better one.
const SYNTAX: &str =
    "see docs.rs/regex for the syntax; a raw string r\"…\" needs no escapes of its own";

impl RegexError {
    /// Where in the pattern, in bytes; `None` where it is about the whole.
    #[must_use]
    pub fn at(&self) -> Option<Range<usize>> {
        self.at.clone()
    }

    /// What is wrong, in one line.
    #[must_use]
    pub fn fault(&self) -> &str {
        &self.fault
    }

    /// What to do, in one line.
    #[must_use]
    pub const fn way_out(&self) -> &'static str {
        self.way_out
    }

    fn of_syntax(error: &regex_syntax::Error) -> Self {
        match error {
            regex_syntax::Error::Parse(error) => {
                let (fault, way_out) = told(error.kind());
                Self { at: Some(range(error.span())), fault, way_out }
            }
            regex_syntax::Error::Translate(error) => Self {
                at: Some(range(error.span())),
                fault: format!("the regular expression is refused: {}", error.kind()),
                way_out: match error.kind() {
                    hir::ErrorKind::UnicodeNotAllowed => {
                        "it sees bytes; write (?u) in front where it is to see characters"
                    }
                    _ => "see docs.rs/regex for the classes that there are",
                },
            },
            error => Self { at: None, fault: one_line(error), way_out: SYNTAX },
        }
    }

    fn of_build(error: &meta::BuildError) -> Self {
        let Some(limit) = error.size_limit() else {
            return Self { at: None, fault: one_line(error), way_out: SYNTAX };
        };
        let fault = format!(
            "the regular expression is too big: compiled, it takes more than {limit} bytes"
        );
        Self {
            at: None,
            fault,
            way_out: "count less, such as .{0,64} for .{0,5000}, or split the rule",
        }
    }
}

impl fmt::Display for RegexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.fault, self.way_out)
    }
}

impl std::error::Error for RegexError {}

/// The two lines for a kind of fault.
fn told(kind: &ErrorKind) -> (String, &'static str) {
    match kind {
        ErrorKind::UnsupportedLookAround => (
            "regular expressions have no look-around".into(),
            "they search in linear time; write two comparisons, joined by and, or, not",
        ),
        ErrorKind::UnsupportedBackreference => (
            "regular expressions have no backreferences".into(),
            "they search in linear time; write out what is to come again",
        ),
        ErrorKind::NestLimitExceeded(limit) => (
            format!("the regular expression nests more than {limit} levels deep"),
            "drop groups that do nothing, or split the rule",
        ),
        kind => (format!("the regular expression is refused: {kind}"), SYNTAX),
    }
}

fn one_line(error: &impl fmt::Display) -> String {
    format!("the regular expression is refused: {error}").replace('\n', "; ")
}

fn range(span: &regex_syntax::ast::Span) -> Range<usize> {
    span.start.offset..span.end.offset
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, haystack: &[u8]) -> Option<Range<usize>> {
        let regex = Regex::new(pattern).unwrap();
        assert_eq!(regex.is_match(haystack), regex.find(haystack).is_some(), "{pattern}");
        regex.find(haystack)
    }

    #[test]
    fn bytes_are_matched_not_characters() {
        for (pattern, haystack, expected) in [
            (".", &b"\xff"[..], Some(0..1)),
            (".", b"\n", None),
            ("(?s).", b"\n", Some(0..1)),
            (r"\xff", b"a\xff", Some(1..2)),
            (r"\w+", "né".as_bytes(), Some(0..1)),
            (r"(?u)\w+", "né".as_bytes(), Some(0..3)),
            (r"(?u)\p{Hangul}", "한".as_bytes(), Some(0..3)),
            ("é", "né".as_bytes(), Some(1..3)),
            ("(?i)É", "né".as_bytes(), None),
            ("(?iu)É", "né".as_bytes(), Some(1..3)),
            (r"(?u)\bé\b", "é".as_bytes(), Some(0..2)),
            ("(?i)A", b"a", Some(0..1)),
            ("^b", b"a\nb", None),
            ("(?m)^b", b"a\nb", Some(2..3)),
            ("", "é".as_bytes(), Some(0..0)),
            ("$", b"ab", Some(2..2)),
        ] {
            assert_eq!(found(pattern, haystack), expected, "{pattern}");
        }
    }

    #[test]
    fn the_leftmost_match_and_its_first_alternative_are_found() {
        assert_eq!(found("b|ab|a", b"xab"), Some(1..3));
        assert_eq!(found("a|ab", b"xab"), Some(1..2));
        assert_eq!(found("a*?", b"aa"), Some(0..0));
        assert_eq!(found("a*", b"baa"), Some(0..0));
    }

    #[test]
    fn groups_are_told_where_they_are_asked_for() {
        let regex = Regex::capturing("/(a)?(b+)/(?:c)").unwrap();
        assert_eq!(regex.groups(), 3);
        let groups = regex.captures(b"x/bb/c").unwrap();
        assert_eq!(groups, [Some(1..6), None, Some(2..4)]);
        assert_eq!(regex.captures(b"/a/c"), None);
        assert_eq!(Regex::new("(a)").unwrap().groups(), 1);
    }

    #[test]
    fn what_is_no_regular_expression_is_told_with_its_place() {
        for (pattern, at, fault) in [
            ("a(?=b)", Some(1..4), "regular expressions have no look-around"),
            (r"(a)\1", Some(3..5), "regular expressions have no backreferences"),
            ("(", Some(0..1), "the regular expression is refused: unclosed group"),
            (r"\pL", Some(0..3), "the regular expression is refused: Unicode not allowed here"),
            (
                "a{1000}{1000}",
                None,
                "the regular expression is too big: compiled, it takes more than 196608 bytes",
            ),
        ] {
            let error = Regex::new(pattern).unwrap_err();
            assert_eq!((error.at(), error.fault()), (at, fault), "{pattern}");
            assert_eq!(error.to_string().lines().count(), 2, "{pattern}");
        }
        let deep = format!("{}a{}", "(".repeat(101), ")".repeat(101));
        let error = Regex::new(&deep).unwrap_err();
        assert_eq!(error.fault(), "the regular expression nests more than 100 levels deep");
        assert!(Regex::new(&format!("{}a{}", "(".repeat(99), ")".repeat(99))).is_ok());
    }

    #[test]
    fn the_longest_alternation_of_a_string_fits() {
        let words: Vec<_> = (0..585).map(|word: u32| format!("w{:05x}", word * 1_790)).collect();
        let pattern = format!("(?i){}", words.join("|"));
        assert!((4_000..4_100).contains(&pattern.len()));
        assert!(Regex::new(&pattern).is_ok());
    }
}
