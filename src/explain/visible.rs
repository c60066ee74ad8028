use std::fmt::{self, Write};

/// Bytes of a request, safe on a terminal and with nothing invisible in them: what is not visible
/// ASCII is written as `\t` or `\xNN`, spaces at either end too, and a backslash as `\\`.
#[derive(Clone, Copy, Debug)]
pub struct Visible<'a>(pub &'a [u8]);

impl fmt::Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.0.len().saturating_sub(1);
        for (place, &byte) in self.0.iter().enumerate() {
            match byte {
                b'\t' => f.write_str("\\t")?,
                b'\\' => f.write_str("\\\\")?,
                b'!'..=b'~' => f.write_char(byte.into())?,
                b' ' if place != 0 && place != last => f.write_char(' ')?,
                _ => write!(f, "\\x{byte:02x}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_stays_invisible() {
        for (bytes, shown) in [
            ("", ""),
            ("/a?b='\"", "/a?b='\""),
            ("a b", "a b"),
            (" a ", "\\x20a\\x20"),
            (" ", "\\x20"),
            ("a\tb\\", "a\\tb\\\\"),
            ("\u{1b}[31m\r\n\0", "\\x1b[31m\\x0d\\x0a\\x00"),
            ("\u{202e}é", "\\xe2\\x80\\xae\\xc3\\xa9"),
        ] {
            assert_eq!(Visible(bytes.as_bytes()).to_string(), shown);
        }
    }
}
