//! What is shown of a case that failed, and of a file that cannot be run.

use std::fmt;

/// A vector file that cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct VectorError(pub(super) String);

/// What came of a case that failed. Text of the file in it is escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub(super) expected: String,
    pub(super) got: String,
    pub(super) base: Option<Difference>,
}

impl fmt::Display for Failure {
    /// A line for each of: expected, got, and where the signature bases part.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected: {}\ngot:      {}", self.expected, self.got.replace('\n', "; "))?;
        let Some(Difference { line, expected, got }) = &self.base else {
            return Ok(());
        };
        let shown = |text: &Option<Vec<u8>>| match text {
            Some(text) => format!("\"{}\"", text.escape_ascii()),
            None => "no such line".into(),
        };
        write!(
            f,
            "\nline {line} of the base, expected: {}\nline {line} of the base, got:      {}",
            shown(expected),
            shown(got)
        )
    }
}

/// The first line in which two signature bases differ, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    line: usize,
    expected: Option<Vec<u8>>,
    got: Option<Vec<u8>>,
}

impl Difference {
    pub(super) fn between(expected: &[u8], got: &[u8]) -> Option<Self> {
        let lines =
            |text: &[u8]| text.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>();
        let (expected, got) = (lines(expected), lines(got));
        let line =
            (0..expected.len().max(got.len())).find(|&line| expected.get(line) != got.get(line))?;
        let (expected, got) = (expected.get(line).cloned(), got.get(line).cloned());
        Some(Self { line: line + 1, expected, got })
    }
}
