//! Why a text is no expression: where, what, and the way out.

use std::fmt;

use super::ast::Span;
use super::excerpt::excerpt;

/// Why a text is no expression.
///
/// `{}` prints two lines: the place with the fault, and the way out. `{:#}` shows the line of the expression
/// between them, with a mark under the place:
///
/// ```
/// use wafpass::rules::{Scheme, parse};
///
/// let error = parse("ip.src in {10.0.0.1/8}", &Scheme::default()).unwrap_err();
/// assert_eq!(
///     format!("{error:#}"),
///     "line 1, column 12: 10.0.0.1/8 has bits set behind its prefix
///   ip.src in {10.0.0.1/8}
///              ^^^^^^^^^^
/// write 10.0.0.0/8, or 10.0.0.1 alone"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    line: usize,
    column: usize,
    span: Span,
    fault: String,
    way_out: String,
    excerpt: String,
}

/// A fault, before it is known in which line it is. Boxed, for the parser's results to need little stack.
#[derive(Debug)]
pub(super) struct Fault(Box<Told>);

#[derive(Debug)]
struct Told {
    span: Span,
    fault: String,
    way_out: String,
}

impl Fault {
    pub(super) fn new(span: Span, fault: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self(Box::new(Told { span, fault: fault.into(), way_out: way_out.into() }))
    }

    /// The fault and the way out.
    pub(super) fn into_lines(self) -> (String, String) {
        (self.0.fault, self.0.way_out)
    }

    /// Of an error that prints two lines.
    pub(super) fn of(span: Span, error: &impl fmt::Display) -> Self {
        let text = error.to_string();
        let (fault, way_out) = text.split_once('\n').unwrap_or((&text, "look at what it names"));
        Self::new(span, fault, way_out)
    }
}

impl ParseError {
    pub(super) fn new(text: &str, Fault(told): Fault) -> Self {
        let Told { span, fault, way_out } = *told;
        let start = span.start.min(text.len());
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        let column = text.get(line_start..start).unwrap_or_default().chars().count();
        Self {
            line: before.matches('\n').count() + 1,
            column: column + 1,
            excerpt: excerpt(text, line_start, start..span.end),
            span,
            fault,
            way_out,
        }
    }

    /// The line, from 1.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.line
    }

    /// The column, from 1, in characters.
    #[must_use]
    pub const fn column(&self) -> usize {
        self.column
    }

    /// The place, in bytes of the expression.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span.clone()
    }

    /// What is wrong, in one line.
    #[must_use]
    pub fn fault(&self) -> &str {
        &self.fault
    }

    /// What to do, in one line.
    #[must_use]
    pub fn way_out(&self) -> &str {
        &self.way_out
    }

    /// The line of the expression, and a mark under the place: two lines, each indented by two spaces. Safe
    /// on a terminal.
    #[must_use]
    pub fn excerpt(&self) -> &str {
        &self.excerpt
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "line {}, column {}: {}", self.line, self.column, self.fault)?;
        if f.alternate() {
            writeln!(f, "{}", self.excerpt)?;
        }
        f.write_str(&self.way_out)
    }
}

impl std::error::Error for ParseError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str, span: Span) -> ParseError {
        ParseError::new(text, Fault::new(span, "fault", "way out"))
    }

    #[test]
    fn the_place_counts_from_one() {
        let text = "a\r\n\tbé == 1";
        for (at, place) in
            [(0, (1, 1)), (3, (2, 1)), (4, (2, 2)), (7, (2, 4)), (12, (2, 9)), (99, (2, 9))]
        {
            let error = error(text, at..at + 1);
            assert_eq!((error.line(), error.column()), place, "{at}");
        }
    }
}
