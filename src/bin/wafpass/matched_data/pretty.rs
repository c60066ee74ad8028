//! JSON, checked and laid out, with every token as it came.

use serde::de::IgnoredAny;

use super::terminal::escaped;

const INDENT: &str = "  ";

/// `text` on lines of their own for each member and element, if it is JSON. Numbers, order and members that
/// are there twice stay; what does not show as itself is escaped.
pub(crate) fn pretty(text: &str) -> Option<String> {
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth = 0_usize;
    let mut tokens = tokens(text).peekable();
    while let Some(token) = tokens.next() {
        match token {
            "{" | "[" => {
                out.push_str(token);
                if let Some(end) = tokens.next_if(|next| matches!(*next, "}" | "]")) {
                    out.push_str(end);
                } else {
                    depth += 1;
                    break_line(&mut out, depth);
                }
            }
            "}" | "]" => {
                depth = depth.saturating_sub(1);
                break_line(&mut out, depth);
                out.push_str(token);
            }
            "," => {
                out.push(',');
                break_line(&mut out, depth);
            }
            ":" => out.push_str(": "),
            token => out.push_str(&escaped(token)),
        }
    }
    Some(out)
}

fn break_line(out: &mut String, depth: usize) {
    out.push('\n');
    (0..depth).for_each(|_| out.push_str(INDENT));
}

/// The tokens of a text that is JSON.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let (token, after) = rest.split_at_checked(token_bytes(rest)?)?;
        rest = after;
        Some(token)
    })
}

fn token_bytes(text: &str) -> Option<usize> {
    let first = text.chars().next()?;
    if first == '"' {
        let mut is_escaped = false;
        let end = text.bytes().skip(1).position(|byte| {
            let is_end = byte == b'"' && !is_escaped;
            is_escaped = byte == b'\\' && !is_escaped;
            is_end
        })?;
        return Some(end + 2);
    }
    if "{}[],:".contains(first) {
        return Some(1);
    }
    Some(text.find(|c: char| " \t\r\n{}[],:".contains(c)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn laid_out_and_otherwise_as_it_came() {
        let text =
            r#" {"b":[1.0e+2,{"a":[],"a":{ }}],"c\"]":"\\","n":123456789012345678901234567890} "#;
        let laid_out = r#"{
  "b": [
    1.0e+2,
    {
      "a": [],
      "a": {}
    }
  ],
  "c\"]": "\\",
  "n": 123456789012345678901234567890
}"#;
        assert_eq!(pretty(text).unwrap(), laid_out);
        assert_eq!(pretty("\"\u{202e}\"").unwrap(), "\"\\u202e\"");
        for text in ["", "{", "{}{}", "test matched data"] {
            assert_eq!(pretty(text), None);
        }
    }
}
