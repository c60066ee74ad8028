//! Why a text is no expression: where, what, and the way out.

use std::fmt;
use std::ops::Range;

use super::ast::Span;

/// Columns of a line that an error shows around the place it is about.
const SHOWN_COLUMNS: usize = 100;

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
        let line = text.get(line_start..).unwrap_or_default();
        let line = line.split('\n').next().unwrap_or_default().trim_end_matches('\r');
        let column = text.get(line_start..start).unwrap_or_default().chars().count();
        let end = span.end.saturating_sub(line_start).min(line.len());
        Self {
            line: before.matches('\n').count() + 1,
            column: column + 1,
            excerpt: excerpt(line, start - line_start..end),
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

/// A line and the mark under a part of it. Of a long line, what is around the part.
fn excerpt(line: &str, part: Range<usize>) -> String {
    let part = part.start..part.end.max(part.start);
    let (mut text, mut marks) = (String::from("  "), String::from("  "));
    let from = window(line, part.start);
    let mut columns = 0;
    if from > 0 {
        text.push('…');
        marks.push(' ');
    }
    for (at, character) in line.char_indices().skip_while(|(at, _)| *at < from) {
        let width = width(character);
        columns += width;
        if columns > SHOWN_COLUMNS {
            text.push('…');
            break;
        }
        text.push(shown(character));
        let mark = if part.contains(&at) { '^' } else { ' ' };
        if at < part.end || at < part.start {
            marks.extend(std::iter::repeat_n(mark, width));
        }
    }
    if !marks.contains('^') {
        marks.push('^');
    }
    format!("{text}\n{marks}")
}

/// Where the shown part of a line starts, so that the byte at `place` is within it.
fn window(line: &str, place: usize) -> usize {
    let before = line.get(..place).unwrap_or_default();
    let columns: usize = before.chars().map(width).sum();
    if columns < SHOWN_COLUMNS * 3 / 4 {
        return 0;
    }
    let mut kept = 0;
    let starts = before.char_indices().rev().take_while(|(_, character)| {
        kept += width(*character);
        kept <= SHOWN_COLUMNS / 2
    });
    starts.last().map_or(place, |(at, _)| at)
}

/// What a terminal shows of a character: nothing that moves its cursor, turns its text or is not seen.
fn shown(character: char) -> char {
    match character {
        '\t' => ' ',
        '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}' => '\u{fffd}',
        character if character.is_control() => '\u{fffd}',
        character => character,
    }
}

/// The columns that a terminal gives a character: none to a combining mark, two to a wide one.
fn width(character: char) -> usize {
    match u32::from(character) {
        0x300..=0x36f | 0xfe00..=0xfe0f | 0x1f3fb..=0x1f3ff => 0,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

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

    #[test]
    fn the_mark_is_under_the_place() {
        for (text, span, shown) in [
            ("ab cd", 3..5, "  ab cd\n     ^^"),
            ("", 0..0, "  \n  ^"),
            ("ab", 2..2, "  ab\n    ^"),
            ("a\r\nb", 0..4, "  a\n  ^"),
            ("a\n\tb c\nd", 5..6, "   b c\n     ^"),
            ("\"é\" x", 5..6, "  \"é\" x\n      ^"),
            ("\"日本\" x", 9..10, "  \"日本\" x\n         ^"),
            ("\"\u{1b}[0m\" x", 7..8, "  \"\u{fffd}[0m\" x\n         ^"),
            ("\u{202e} x", 4..5, "  \u{fffd} x\n    ^"),
        ] {
            assert_eq!(error(text, span.clone()).excerpt(), shown, "{text:?} {span:?}");
        }
    }

    #[test]
    fn a_long_line_is_shown_around_the_place() {
        let text = format!("{}HERE{}", "a".repeat(500), "b".repeat(500));
        let error = error(&text, 500..504);
        let (line, marks) = error.excerpt().split_once('\n').unwrap();
        assert_eq!(
            marks.find('^').map(|at| &line[at + 2..at + 6]),
            Some("HERE"),
            "… has three bytes"
        );
        assert!(line.chars().count() < 110 && line.starts_with("  …a") && line.ends_with("b…"));
    }
}
