//! Wildcards: literal pieces with `*` between them, over the whole value, in linear time.

use std::fmt;
use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use memchr::memmem;

use super::ast::Case;
use super::limits::MAX_WILDCARD_STARS;

/// Longest piece that is looked for by the automaton which takes most memory, in bytes.
const MAX_FAST_BYTES: usize = 64;

/// A compiled wildcard: `*` is any bytes, perhaps none; `\*` and `\\` are the characters.
#[derive(Clone, Debug)]
pub struct Wildcard {
    case: Case,
    /// What a value starts with; all of it where there is no star.
    first: Vec<u8>,
    stars: Option<Stars>,
}

/// What follows the first star.
#[derive(Clone, Debug)]
struct Stars {
    middle: Vec<Piece>,
    last: Vec<u8>,
}

/// A piece between two stars.
#[derive(Clone, Debug)]
struct Piece {
    length: usize,
    finder: Finder,
}

#[derive(Clone, Debug)]
enum Finder {
    Exact(Box<memmem::Finder<'static>>),
    AnyCase(AhoCorasick),
}

/// Why a text is no wildcard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WildcardError {
    /// `**`
    #[error(
        "the wildcard has two stars in a row\none star is any bytes already; \\* is the character, in a raw string r\"\\*\""
    )]
    DoubleStar,
    /// A backslash before something else, or at the end.
    #[error(
        "in a wildcard, a backslash stands before * or another backslash only\nwrite it twice, in a raw string r\"\\\\\""
    )]
    Escape,
    /// More stars than [`MAX_WILDCARD_STARS`].
    #[error(
        "the wildcard has {0} stars, and {MAX_WILDCARD_STARS} are the most\nwrite a regular expression, with matches"
    )]
    Stars(usize),
}

impl Wildcard {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// [`WildcardError`] where it is none.
    pub fn new(pattern: &[u8], case: Case) -> Result<Self, WildcardError> {
        let mut pieces = pieces(pattern)?.into_iter();
        let first = pieces.next().unwrap_or_default();
        let mut rest: Vec<_> = pieces.collect();
        let stars = match rest.pop() {
            None => None,
            Some(last) => {
                let middle = rest.into_iter().map(|piece| Piece::new(&piece, case)).collect();
                Some(Stars { middle, last })
            }
        };
        Ok(Self { case, first, stars })
    }

    /// Whether the whole value has this form.
    #[must_use]
    pub fn is_match(&self, value: &[u8]) -> bool {
        self.walk(value, |_| {}).is_some()
    }

    /// What each star took, in order, each as little as it can; `None` where the value has another form.
    #[must_use]
    pub fn captures(&self, value: &[u8]) -> Option<Vec<Range<usize>>> {
        let mut taken = Vec::new();
        self.walk(value, |range| taken.push(range)).map(|()| taken)
    }

    /// How many stars it has.
    #[must_use]
    pub fn stars(&self) -> usize {
        self.stars.as_ref().map_or(0, |stars| stars.middle.len() + 1)
    }

    /// What its automatons take, in bytes.
    pub(super) fn memory_usage(&self) -> usize {
        let pieces = self.stars.iter().flat_map(|stars| &stars.middle);
        pieces.map(|piece| piece.finder.memory_usage()).sum()
    }

    /// Each middle piece at its first place after the one before: if any way fits, this one does.
    fn walk(&self, value: &[u8], mut star: impl FnMut(Range<usize>)) -> Option<()> {
        let Some(stars) = &self.stars else {
            return self.same(value, &self.first).then_some(());
        };
        let end = value.len().checked_sub(stars.last.len())?;
        let mut at = self.first.len();
        if at > end
            || !self.same(value.get(..at)?, &self.first)
            || !self.same(value.get(end..)?, &stars.last)
        {
            return None;
        }
        for piece in &stars.middle {
            let found = at + piece.find(value.get(at..end)?)?;
            star(at..found);
            at = found + piece.length;
        }
        star(at..end);
        Some(())
    }

    fn same(&self, value: &[u8], piece: &[u8]) -> bool {
        match self.case {
            Case::Sensitive => value == piece,
            Case::Ignored => value.eq_ignore_ascii_case(piece),
        }
    }
}

impl Piece {
    fn new(piece: &[u8], case: Case) -> Self {
        let exact = || Finder::Exact(Box::new(memmem::Finder::new(piece).into_owned()));
        let finder = match case {
            Case::Sensitive => exact(),
            Case::Ignored => any_case(piece).map_or_else(exact, Finder::AnyCase),
        };
        Self { length: piece.len(), finder }
    }

    fn find(&self, value: &[u8]) -> Option<usize> {
        match &self.finder {
            Finder::Exact(finder) => finder.find(value),
            Finder::AnyCase(finder) => finder.find(value).map(|found| found.start()),
        }
    }
}

impl Finder {
    fn memory_usage(&self) -> usize {
        match self {
            Self::Exact(finder) => finder.needle().len(),
            Self::AnyCase(finder) => finder.memory_usage(),
        }
    }
}

/// Finds a piece whatever its case; `None` where it has no letters.
fn any_case(piece: &[u8]) -> Option<AhoCorasick> {
    if !piece.iter().any(u8::is_ascii_alphabetic) {
        return None;
    }
    // The fastest kind takes up to 1 KiB for each byte, and of a long piece nobody waits for the end.
    let kind = (piece.len() > MAX_FAST_BYTES).then_some(AhoCorasickKind::ContiguousNFA);
    // It can fail for want of room only, with a piece of 2^31 bytes.
    AhoCorasick::builder().ascii_case_insensitive(true).kind(kind).build([piece]).ok()
}

/// The literal pieces, unescaped: one more than there are stars.
pub(super) fn pieces(pattern: &[u8]) -> Result<Vec<Vec<u8>>, WildcardError> {
    let mut pieces = vec![Vec::new()];
    let mut bytes = pattern.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'*' if bytes.peek() == Some(&b'*') => return Err(WildcardError::DoubleStar),
            b'*' => {
                pieces.push(Vec::new());
                continue;
            }
            b'\\' => bytes
                .next()
                .filter(|escaped| matches!(escaped, b'*' | b'\\'))
                .ok_or(WildcardError::Escape)?,
            byte => byte,
        };
        if let Some(piece) = pieces.last_mut() {
            piece.push(byte);
        }
    }
    match pieces.len() - 1 {
        stars if stars > MAX_WILDCARD_STARS => Err(WildcardError::Stars(stars)),
        _ => Ok(pieces),
    }
}

impl fmt::Display for Case {
    /// The operator that compares like this.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ignored => "wildcard",
            Self::Sensitive => "strict wildcard",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(pattern: &str, case: Case) -> Wildcard {
        Wildcard::new(pattern.as_bytes(), case).unwrap()
    }

    #[test]
    fn the_whole_value_has_the_form() {
        for (pattern, fits, does_not) in [
            ("", &[""][..], &["a"][..]),
            ("*", &["", "a", "\n"], &[]),
            ("a*", &["a", "ab", "A"], &["", "ba"]),
            ("*a", &["a", "ba", "aa"], &["ab"]),
            ("a*a", &["aa", "aba", "aaa"], &["a"]),
            ("*ab*ab*", &["abab", "xabxabx", "ABxaB"], &["ab", "aba", "aabb"]),
            (r"\*\\*", &[r"*\", r"*\x"], &["x", r"\*"]),
            ("/x/*/y/*.php", &["/x/1/y/2.php", "/x//y/.PHP"], &["/x/y/2.php", "/x/1/y/2.php5"]),
            ("a*bc*c", &["abcc", "abcbc"], &["abc"]),
        ] {
            let wildcard = new(pattern, Case::Ignored);
            for value in fits {
                assert!(wildcard.is_match(value.as_bytes()), "{pattern} {value}");
            }
            for value in does_not {
                assert!(!wildcard.is_match(value.as_bytes()), "{pattern} {value}");
            }
        }
        let strict = new("A*b*C", Case::Sensitive);
        assert!(strict.is_match(b"AbC") && !strict.is_match(b"abC") && !strict.is_match(b"ABC"));
    }

    #[test]
    fn stars_take_as_little_as_they_can() {
        let wildcard = new("https://*.example.com/*/*", Case::Ignored);
        let url = "https://apps.example.com/calendar/admin?expand=true";
        let taken = wildcard.captures(url.as_bytes()).unwrap();
        let taken: Vec<_> = taken.into_iter().map(|range| &url[range]).collect();
        assert_eq!(taken, ["apps", "calendar", "admin?expand=true"]);
        assert_eq!(wildcard.stars(), 3);
        assert_eq!(new("a", Case::Ignored).captures(b"a"), Some(vec![]));
    }

    #[test]
    fn no_piece_takes_much_memory() {
        let letters: String = ('a'..='z').chain('0'..='9').cycle().take(4_000).collect();
        for (piece, most) in
            [("/wp-content/", 8_192), (&letters[..64], 65_536), (&letters, 262_144)]
        {
            let memory = new(&format!("*{piece}*"), Case::Ignored).memory_usage();
            assert!((piece.len()..most).contains(&memory), "{}: {memory}", piece.len());
        }
        let value = format!("..{}..", letters.to_uppercase());
        assert!(new(&format!("*{letters}*"), Case::Ignored).is_match(value.as_bytes()));
        assert!(!new(&format!("*{letters}*"), Case::Ignored).is_match(&value.as_bytes()[3..]));
    }

    #[test]
    fn what_is_no_wildcard_is_refused() {
        for (pattern, expected) in [
            ("a**", WildcardError::DoubleStar),
            (r"a\", WildcardError::Escape),
            (r"\n", WildcardError::Escape),
            ("*a*b*c*d*e*f*g*h*i*j*k*l*m*n*o*p*q", WildcardError::Stars(17)),
        ] {
            assert_eq!(Wildcard::new(pattern.as_bytes(), Case::Ignored).unwrap_err(), expected);
        }
        assert!(Wildcard::new(br"*\**", Case::Ignored).is_ok());
    }
}
