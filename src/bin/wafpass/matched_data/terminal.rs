//! What somebody else chose, shown on a terminal: nothing in it moves the cursor, changes colours, reorders,
//! hides or grows over other lines.

use std::io::{self, Write};

/// Writes text with everything escaped that does not show as itself, in the way of JSON: in a JSON text the
/// value stays the same. What is no UTF-8 shows as U+FFFD.
pub(super) struct Escaped<W>(pub(super) W);

impl<W: Write> Write for Escaped<W> {
    /// Takes whole characters only, as everybody here writes.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(escaped(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Most marks that are shown on one character: what Hebrew and Vietnamese write, with one to spare. A hundred
/// of them cover the lines above and below.
const MAX_MARKS: usize = 4;

/// `text` with `\uXXXX` for what does not show as itself. Line ends and tabs stay.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut marks = 0;
    for c in text.chars() {
        marks = if is_mark(c) { marks + 1 } else { 0 };
        if is_shown(c) && marks <= MAX_MARKS {
            out.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

/// Whether a terminal shows the character, and nothing else.
fn is_shown(c: char) -> bool {
    match c {
        '\n' | '\t' | ' '..='~' => true,
        c if c.is_control() => false,
        // Soft hyphen, joiners and fillers, which show as nothing.
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' => false,
        '\u{180b}'..='\u{180f}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}' | '\u{feff}' => false,
        // What reorders: marks, embeddings, overrides, isolates.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' => false,
        '\u{2060}'..='\u{206f}' => false,
        // Zero-width space and joiners, line and paragraph separators.
        '\u{200b}'..='\u{200d}' | '\u{2028}' | '\u{2029}' => false,
        // Annotations, variation selectors and tags, in which text can be hidden.
        '\u{fff9}'..='\u{fffb}' | '\u{fe00}'..='\u{fe0f}' => false,
        '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' => false,
        '\u{e0000}'..='\u{e0fff}' => false,
        // What has no shape that everybody agrees on: unassigned, private.
        c => is_printable(c),
    }
}

/// As the standard library knows it from Unicode's tables; marks are printable, on the character before.
fn is_printable(c: char) -> bool {
    is_mark(c) || c.escape_debug().len() == 1
}

/// Whether the character is drawn onto the one before.
fn is_mark(c: char) -> bool {
    // At the start of a text the standard library escapes marks, and behind another character only what is
    // not printable.
    c > '~' && c.escape_debug().len() > 1 && format!("a{c}").escape_debug().count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_stays_that_a_terminal_obeys_or_hides() {
        for (text, shown) in [
            ("{\"a\": \"é 你\"}\n\t", "{\"a\": \"é 你\"}\n\t"),
            ("\u{1b}[2J\u{7}\r\u{7f}\u{9b}", "\\u001b[2J\\u0007\\u000d\\u007f\\u009b"),
            ("a\u{202e}b\u{2066}\u{200f}", "a\\u202eb\\u2066\\u200f"),
            ("a\u{200b}b\u{feff}\u{ad}\u{3164}", "a\\u200bb\\ufeff\\u00ad\\u3164"),
            ("\u{2028}\u{fe0f}\u{e0041}", "\\u2028\\ufe0f\\udb40\\udc41"),
            // A link that leads elsewhere than it says (OSC 8), C1 as characters of their own.
            ("\u{1b}]8;;x\u{1b}\\a\u{85}\u{90}", "\\u001b]8;;x\\u001b\\a\\u0085\\u0090"),
            ("\u{e000}\u{378}\u{10ffff}", "\\ue000\\u0378\\udbff\\udfff"),
            ("e\u{301}\u{5b0}", "e\u{301}\u{5b0}"),
            (
                "a\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}b",
                "a\u{301}\u{301}\u{301}\u{301}\\u0301\\u0301b",
            ),
        ] {
            assert_eq!(escaped(text), shown);
            let json = serde_json::Value::from(text).to_string();
            assert_eq!(serde_json::from_str::<String>(&escaped(&json)).unwrap(), text);
        }
        let mut out = Vec::new();
        Escaped(&mut out).write_all(b"a\xff\x1b").unwrap();
        assert_eq!(out, "a\u{fffd}\\u001b".as_bytes());
    }
}
