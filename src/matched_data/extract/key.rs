//! Where in the request, as the rule language writes it: `http.request.headers["x-foo"][0]`.

use std::fmt::Write as _;

use crate::rules::trace::Taken;

/// What stands in place of a name that is not logged.
const REDACTED: &str = "[redacted]";

/// A field, and the steps to an element. A name is written as a string of the language: `"` and `\` behind
/// a backslash, control characters and what is not UTF-8 as `\xHH`.
pub(super) fn text(field: &str, path: &[Taken], is_name_denied: bool) -> String {
    let mut text = field.to_owned();
    for step in path {
        match step {
            // Writing to a String does not fail.
            Taken::At(index) => {
                let _ = write!(text, "[{index}]");
            }
            Taken::Key(_) if is_name_denied => text.push_str(REDACTED),
            Taken::Key(name) => {
                text.push_str("[\"");
                push_name(&mut text, name);
                text.push_str("\"]");
            }
        }
    }
    text
}

fn push_name(text: &mut String, name: &[u8]) {
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' | '\\' => text.extend(['\\', character]),
                control if control.is_control() => {
                    let mut bytes = [0; 4];
                    push_bytes(text, control.encode_utf8(&mut bytes).as_bytes());
                }
                other => text.push(other),
            }
        }
        push_bytes(text, chunk.invalid());
    }
}

fn push_bytes(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        let _ = write!(text, "\\x{byte:02X}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_expressions() {
        let key = |name: &[u8]| text("f", &[Taken::Key(name.to_vec()), Taken::At(3)], false);
        assert_eq!(key(b"x-foo"), r#"f["x-foo"][3]"#);
        assert_eq!(key(b"a\"b\\\n\xff\x7f"), r#"f["a\"b\\\x0A\xFF\x7F"][3]"#);
        assert_eq!(key("ü".as_bytes()), r#"f["ü"][3]"#);
        assert_eq!(text("f", &[], false), "f");
        assert_eq!(text("f", &[Taken::Key(b"a".to_vec()), Taken::At(0)], true), "f[redacted][0]");
    }
}
