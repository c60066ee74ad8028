//! The line of an expression that an error is about, with a mark under the place.

use std::ops::Range;

use super::functions::Function;
use super::limits::MAX_EXPRESSION_BYTES;

/// Columns of a line that are shown around the place.
const SHOWN_COLUMNS: usize = 100;

/// What a secret is shown as, letter by letter.
const HIDDEN: char = '•';

/// The line that starts at `line_start`, and the mark under `part`, in bytes of the text. Of a long line, what
/// is around the part. Keys of HMACs are hidden: errors are logged.
pub(super) fn excerpt(text: &str, line_start: usize, part: Range<usize>) -> String {
    let line = text.get(line_start..).unwrap_or_default();
    let line = line.split('\n').next().unwrap_or_default().trim_end_matches('\r');
    let end = part.end.min(line_start + line.len()).max(part.start);
    let part = part.start..end;
    // What is longer is told by its start, and each name looks for its end: that is quadratic.
    let most = (0..=MAX_EXPRESSION_BYTES).rev().find(|end| text.is_char_boundary(*end));
    let secrets = secrets(text.get(..most.unwrap_or_default()).unwrap_or_default());
    let from = window(line, part.start - line_start);
    let (mut shown_line, mut marks) = (String::from("  "), String::from("  "));
    if from > 0 {
        shown_line.push('…');
        marks.push(' ');
    }
    let mut columns = 0;
    for (at, character) in line.char_indices().skip_while(|(at, _)| *at < from) {
        let at = line_start + at;
        let hidden = secrets.iter().any(|secret| secret.contains(&at));
        let character = if hidden { HIDDEN } else { shown(character) };
        columns += width(character);
        if columns > SHOWN_COLUMNS {
            shown_line.push('…');
            break;
        }
        shown_line.push(character);
        let mark = if part.contains(&at) { '^' } else { ' ' };
        if at < part.end || at < part.start {
            marks.extend(std::iter::repeat_n(mark, width(character)));
        }
    }
    if !marks.contains('^') {
        marks.push('^');
    }
    format!("{shown_line}\n{marks}")
}

/// The texts of the literals that are keys, in bytes; up to the end of the text where they have no end.
fn secrets(text: &str) -> Vec<Range<usize>> {
    let name = Function::IsTimedHmacValidV0.name();
    text.match_indices(name).filter_map(|(at, _)| secret(text, at + name.len())).collect()
}

/// The first argument of a call, from behind the function's name.
fn secret(text: &str, behind_name: usize) -> Option<Range<usize>> {
    let rest = text.get(behind_name..)?;
    let argument = rest.trim_start().strip_prefix('(')?.trim_start();
    let start = text.len() - argument.len();
    let string = match argument.find(['"', ',', ')']) {
        Some(quote) if argument.get(quote..)?.starts_with('"') => {
            quote + string_length(argument.get(..quote)?, argument.get(quote..)?)
        }
        _ => 0,
    };
    // What follows without a comma is of the key too: a quote in it was not escaped.
    let behind = argument.get(string..)?;
    Some(start..start + string + behind.find([',', ')']).unwrap_or(behind.len()))
}

/// The length of a string, from its first quote on, with what is in front of that: `r##` of a raw one.
fn string_length(front: &str, quoted: &str) -> usize {
    let inner = quoted.get(1..).unwrap_or_default();
    let end = match front.strip_prefix('r') {
        Some(hashes) => inner.find(&format!("\"{hashes}")),
        None => unescaped_quote(inner),
    };
    end.map_or(quoted.len(), |end| end + 2)
}

fn unescaped_quote(inner: &str) -> Option<usize> {
    let mut is_escaped = false;
    inner.bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    })
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

    /// The excerpt of the line that `part` starts in.
    fn of(text: &str, part: Range<usize>) -> String {
        let before = &text[..part.start.min(text.len())];
        excerpt(text, before.rfind('\n').map_or(0, |end| end + 1), part)
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
            assert_eq!(of(text, span.clone()), shown, "{text:?} {span:?}");
        }
    }

    #[test]
    fn a_long_line_is_shown_around_the_place() {
        let text = format!("{}HERE{}", "a".repeat(500), "b".repeat(500));
        let excerpt = of(&text, 500..504);
        let (line, marks) = excerpt.split_once('\n').unwrap();
        assert_eq!(
            marks.find('^').map(|at| &line[at + 2..at + 6]),
            Some("HERE"),
            "… has three bytes"
        );
        assert!(line.chars().count() < 110 && line.starts_with("  …a") && line.ends_with("b…"));
    }

    #[test]
    fn keys_are_hidden() {
        for (text, shown) in [
            ("is_timed_hmac_valid_v0(\"s\\\"é日\", x", "is_timed_hmac_valid_v0(•••••••, x"),
            (
                "is_timed_hmac_valid_v0 ( r##\"a\"#b\"##, x",
                "is_timed_hmac_valid_v0 ( •••••••••••, x",
            ),
            ("is_timed_hmac_valid_v0(61:62, x)", "is_timed_hmac_valid_v0(•••••, x)"),
            ("is_timed_hmac_valid_v0(\"abc", "is_timed_hmac_valid_v0(••••"),
            ("is_timed_hmac_valid_v0(\"a\"bc\", x", "is_timed_hmac_valid_v0(••••••, x"),
            ("is_timed_hmac_valid_v0(", "is_timed_hmac_valid_v0("),
            (
                "ssl and is_timed_hmac_valid_v0(\"a\", \"b\") or is_timed_hmac_valid_v0(\"c\")",
                "ssl and is_timed_hmac_valid_v0(•••, \"b\") or is_timed_hmac_valid_v0(•••)",
            ),
        ] {
            let excerpt = of(text, 0..1);
            assert_eq!(excerpt.lines().next().unwrap().trim(), shown);
        }
        // On a line of its own, too.
        assert_eq!(of("is_timed_hmac_valid_v0(\n\"abc\", x", 31..32), "  •••••, x\n         ^");
    }
}
