//! The parts of a `multipart/form-data` body (RFC 7578, RFC 2046 §5.1.1), so that none can be hidden.
//!
//! Servers differ in what they take for a part, and whoever attacks one picks what a firewall reads in
//! another way. So wherever they differ, this takes the reading that shows more:
//!
//! - every boundary that `Content-Type` names counts, and so does a line that only starts with one;
//! - lines end in CRLF or LF; a delimiter ends the part before it wherever it stands;
//! - what follows the closing delimiter is one more part, unless it is blank;
//! - a block of headers that is none, never ends or is too long is a part of the value;
//! - the last part of a body that was cut off ends where the body does.
//!
//! Nothing is decoded: not the content-transfer-encoding, not `filename*`.

use std::ops::Range;

use super::header::parameters;
use super::limits::{MAX_PART_HEADER_BYTES, MAX_PARTS};
use super::pairs::trimmed;

/// A text in the body; quoted strings have escapes in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Quoted {
    pub(crate) range: Range<usize>,
    pub(crate) is_quoted: bool,
}

/// One part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct BodyPart {
    /// Each `name` that its Content-Disposition gives: one, in a part that no attacker made.
    pub(crate) names: Vec<Quoted>,
    pub(crate) filenames: Vec<Quoted>,
    pub(crate) content_types: Vec<Range<usize>>,
    pub(crate) content_dispositions: Vec<Range<usize>>,
    pub(crate) content_transfer_encodings: Vec<Range<usize>>,
    pub(crate) value: Range<usize>,
}

/// The parts of a body, in order.
pub(crate) fn parts(body: &[u8], boundaries: &[&[u8]]) -> Vec<BodyPart> {
    let mut parts = Vec::new();
    let mut delimiters = Delimiters { body, boundaries, at: 0 };
    let mut current = delimiters.next();
    while let Some(delimiter) = current {
        let is_last = parts.len() + 1 >= MAX_PARTS;
        let next = if is_last { None } else { delimiters.next() };
        let content = delimiter.end..next.as_ref().map_or(body.len(), |next| next.start);
        let content = content.start.min(content.end)..content.end;
        let text = body.get(content.clone()).unwrap_or_default();
        let is_epilogue = delimiter.closes && text.iter().all(u8::is_ascii_whitespace);
        if !is_epilogue {
            parts.push(BodyPart::read(body, content));
        }
        current = next;
    }
    parts
}

/// A line that parts two parts.
struct Delimiter {
    /// Where the part before it ends: before the line break that belongs to the delimiter.
    start: usize,
    /// Where the part after it begins.
    end: usize,
    closes: bool,
}

struct Delimiters<'b> {
    body: &'b [u8],
    boundaries: &'b [&'b [u8]],
    at: usize,
}

impl Iterator for Delimiters<'_> {
    type Item = Delimiter;

    fn next(&mut self) -> Option<Delimiter> {
        loop {
            let line = self.at;
            let rest = self.body.get(line..).filter(|rest| !rest.is_empty())?;
            let line_len = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            self.at = line + line_len;
            let Some(dashed) = rest.strip_prefix(b"--") else { continue };
            let longest = self.boundaries.iter().filter(|boundary| dashed.starts_with(boundary));
            let Some(boundary_len) = longest.map(|boundary| boundary.len()).max() else { continue };
            return Some(self.delimiter(line, line + 2 + boundary_len));
        }
    }
}

impl Delimiters<'_> {
    fn delimiter(&self, line: usize, after: usize) -> Delimiter {
        let tail = self.body.get(after..self.at).unwrap_or_default();
        let (closes, padding) = match tail.strip_prefix(b"--") {
            Some(padding) if padding.iter().all(u8::is_ascii_whitespace) => (true, padding),
            _ => (false, tail),
        };
        // RFC 2046 §5.1.1: white space may follow. Of anything else the part begins, so that it is seen.
        let end = if padding.iter().all(u8::is_ascii_whitespace) { self.at } else { after };
        let before = self.body.get(..line).unwrap_or_default();
        let before = before.strip_suffix(b"\n").unwrap_or(before);
        let start = before.strip_suffix(b"\r").unwrap_or(before).len();
        Delimiter { start, end, closes }
    }
}

impl BodyPart {
    fn read(body: &[u8], content: Range<usize>) -> Self {
        let mut part = Self { value: content.clone(), ..Self::default() };
        let Some((headers, value_start)) = headers(body, &content) else { return part };
        part.value = value_start..content.end;
        for (name, value) in headers {
            match body.get(name).unwrap_or_default().to_ascii_lowercase().as_slice() {
                b"content-type" => part.content_types.push(value),
                b"content-transfer-encoding" => part.content_transfer_encodings.push(value),
                b"content-disposition" => {
                    part.read_disposition(body, &value);
                    part.content_dispositions.push(value);
                }
                _ => {}
            }
        }
        part
    }

    fn read_disposition(&mut self, body: &[u8], value: &Range<usize>) {
        let text = body.get(value.clone()).unwrap_or_default();
        for parameter in parameters(text) {
            let name = text.get(trim_breaks(text, parameter.name)).unwrap_or_default();
            let range = value.start + parameter.value.start..value.start + parameter.value.end;
            let quoted = Quoted { range, is_quoted: parameter.is_quoted };
            match name.to_ascii_lowercase().as_slice() {
                b"name" | b"name*" => self.names.push(quoted),
                b"filename" | b"filename*" => self.filenames.push(quoted),
                _ => {}
            }
        }
    }
}

/// A header line of a part: its name, its value.
type Line = (Range<usize>, Range<usize>);

/// Header lines as names and values, and where the value of the part begins; `None` where there is no
/// such block.
fn headers(body: &[u8], content: &Range<usize>) -> Option<(Vec<Line>, usize)> {
    let mut headers: Vec<Line> = Vec::new();
    let mut at = content.start;
    loop {
        let rest = body.get(at..content.end)?;
        let line_end = at + memchr::memchr(b'\n', rest)?;
        let line = body.get(at..line_end)?;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let range = at..at + line.len();
        at = line_end + 1;
        if at - content.start > MAX_PART_HEADER_BYTES {
            return None;
        }
        match line {
            [] => return Some((headers, at)),
            // RFC 5322 §2.2.3: a line that starts with white space goes on the one before.
            [b' ' | b'\t', ..] => headers.last_mut()?.1.end = trimmed(body, range).end,
            _ => {
                let colon = range.start + memchr::memchr(b':', line)?;
                headers
                    .push((trimmed(body, range.start..colon), trimmed(body, colon + 1..range.end)));
            }
        }
    }
}

/// The range without line breaks and blanks at its ends: a folded line has them.
fn trim_breaks(text: &[u8], range: Range<usize>) -> Range<usize> {
    let inner = text.get(range.clone()).unwrap_or_default();
    let start = inner.len() - inner.trim_ascii_start().len();
    let end = start + inner.trim_ascii().len();
    range.start + start..range.start + end
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (names, filenames, value) of each part.
    fn read(body: &str, boundaries: &[&str]) -> Vec<(Vec<String>, Vec<String>, String)> {
        let boundaries: Vec<&[u8]> = boundaries.iter().map(|text| text.as_bytes()).collect();
        let texts =
            |list: &[Quoted]| list.iter().map(|one| body[one.range.clone()].to_owned()).collect();
        parts(body.as_bytes(), &boundaries)
            .iter()
            .map(|part| {
                (texts(&part.names), texts(&part.filenames), body[part.value.clone()].to_owned())
            })
            .collect()
    }

    fn part(name: &str, value: &str) -> (Vec<String>, Vec<String>, String) {
        let names = if name.is_empty() { Vec::new() } else { vec![name.to_owned()] };
        (names, Vec::new(), value.to_owned())
    }

    #[test]
    fn a_body_as_browsers_send_it() {
        let body = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n2\r\n\
                    --x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"p;.png\"\r\n\
                    Content-Type: image/png\r\n\r\n\u{1}\r\n--x--\r\n";
        let expected =
            [part("a", "1\r\n2"), (vec!["f".into()], vec!["p;.png".into()], "\u{1}".into())];
        assert_eq!(read(body, &["x"]), expected);
        let file = &parts(body.as_bytes(), &[b"x"])[1];
        assert_eq!(&body[file.content_types[0].clone()], "image/png");
        assert_eq!(
            &body[file.content_dispositions[0].clone()],
            "form-data; name=\"f\"; filename=\"p;.png\""
        );
        assert!(file.content_transfer_encodings.is_empty());
    }

    #[test]
    fn no_part_hides_behind_what_servers_read_in_two_ways() {
        let named = "\nContent-Disposition: form-data; name=a\n\n";
        for (what, body, boundaries, expected) in [
            ("bare line feeds", format!("--x{named}1\n--x--"), &["x"][..], vec![part("a", "1")]),
            ("cut off", format!("--x{named}1\r\n--"), &["x"], vec![part("a", "1\r\n--")]),
            (
                "another boundary",
                format!("--x{named}1\n--y{named}2\n--x--"),
                &["x", "y"],
                vec![part("a", "1"), part("a", "2")],
            ),
            (
                "after the end",
                format!("--x{named}1\n--x--\n--x{named}2"),
                &["x"],
                vec![part("a", "1"), part("a", "2")],
            ),
            (
                "an epilogue",
                format!("--x{named}1\n--x--\nattack"),
                &["x"],
                vec![part("a", "1"), part("", "attack")],
            ),
            (
                "a line that goes on",
                format!("--x{named}1\n--xyz\n2"),
                &["x"],
                vec![part("a", "1"), part("", "yz\n2")],
            ),
            ("no end of the headers", "--x\nattack: 1".into(), &["x"], vec![part("", "attack: 1")]),
            ("no header line", "--x\nattack\n\n1".into(), &["x"], vec![part("", "attack\n\n1")]),
            ("no headers", "--x\n\n1\n--x--".into(), &["x"], vec![part("", "1")]),
            (
                "too long",
                format!("--x\na:{}\n\n1", "b".repeat(9_000)),
                &["x"],
                vec![part("", &format!("a:{}\n\n1", "b".repeat(9_000)))],
            ),
            ("a preamble", format!("pre\n--x{named}1"), &["x"], vec![part("a", "1")]),
            ("nothing", "a\nb".into(), &["x"], vec![]),
            ("twice in a row", "--x\n--x\n\n1".into(), &["x"], vec![part("", ""), part("", "1")]),
        ] {
            assert_eq!(read(&body, boundaries), expected, "{what}");
        }
    }

    #[test]
    fn every_name_counts_and_lines_may_be_folded() {
        let body = "--x\nCONTENT-DISPOSITION : form-data;\n name=\"a\";\r\n\tname = b; filename*=UTF-8''c\n\n1";
        assert_eq!(
            read(body, &["x"]),
            [(vec!["a".into(), "b".into()], vec!["UTF-8''c".into()], "1".into())]
        );
    }

    #[test]
    fn what_is_beyond_the_limit_is_in_the_last_part() {
        let body = "--x\n\n1\n".repeat(MAX_PARTS + 3) + "attack";
        let found = read(&body, &["x"]);
        assert_eq!(found.len(), MAX_PARTS);
        assert!(found[MAX_PARTS - 1].2.ends_with("attack"));
    }
}
