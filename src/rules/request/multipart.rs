//! The parts of a `multipart/form-data` body (RFC 7578, RFC 2046 §5.1.1), so that none can be hidden.
//!
//! Servers differ in what they take for a part, and whoever attacks one picks what a firewall reads in
//! another way. So wherever they differ, this takes the reading that shows more:
//!
//! - every boundary that `Content-Type` names counts, and so does a line that only starts with one;
//! - lines end in CRLF or LF; a delimiter ends the part before it wherever it stands;
//! - what follows the closing delimiter is one more part, unless it is blank;
//! - the first delimiter counts wherever it stands, and not only at the start of a line;
//! - a block of headers with a line that is none, without an end or too long is a part of the value, and what
//!   can be read in it counts as well;
//! - the last part of a body that was cut off ends where the body does.
//!
//! Nothing is decoded: not the content-transfer-encoding, not `filename*`.

use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

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
    let boundaries = Boundaries::new(boundaries);
    let mut delimiters =
        Delimiters { body, boundaries: &boundaries, at: 0, may_have_preamble: true };
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

/// Boundaries in order, each once: an attacker names thousands, and each line is compared with them.
struct Boundaries<'b> {
    sorted: Vec<&'b [u8]>,
}

impl<'b> Boundaries<'b> {
    fn new(boundaries: &[&'b [u8]]) -> Self {
        let mut sorted = boundaries.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        Self { sorted }
    }

    /// Where the first of them stands behind two dashes, in one pass: a body may be nothing but dashes.
    fn first_in(&self, body: &[u8]) -> Option<(usize, usize)> {
        let delimiters = self.sorted.iter().map(|one| [b"--", *one].concat());
        let mut finder = AhoCorasick::builder();
        let finder = finder.match_kind(MatchKind::LeftmostLongest).build(delimiters).ok()?;
        finder.find(body).map(|found| (found.start(), found.end()))
    }

    /// The length of the longest one that the text starts with.
    fn longest_before(&self, text: &[u8]) -> Option<usize> {
        let mut left = self.sorted.as_slice();
        let mut longest = None;
        for (depth, byte) in text.iter().map(Some).chain([None]).enumerate() {
            // Of those with the same first bytes, the one that ends here comes first.
            if let Some((_, longer)) = left.split_first().filter(|(one, _)| one.len() == depth) {
                (longest, left) = (Some(depth), longer);
            }
            let start = left.partition_point(|one| one.get(depth) < byte);
            let end = left.partition_point(|one| one.get(depth) <= byte);
            left = left.get(start..end).unwrap_or_default();
            if left.is_empty() {
                break;
            }
        }
        longest
    }
}

struct Delimiters<'b> {
    body: &'b [u8],
    boundaries: &'b Boundaries<'b>,
    at: usize,
    may_have_preamble: bool,
}

impl Iterator for Delimiters<'_> {
    type Item = Delimiter;

    fn next(&mut self) -> Option<Delimiter> {
        let mut preamble = std::mem::take(&mut self.may_have_preamble);
        loop {
            let line = self.at;
            let rest = self.body.get(line..).filter(|rest| !rest.is_empty())?;
            let line_len = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            self.at = line + line_len;
            let text = rest.get(..line_len).unwrap_or_default();
            let dashed = text.strip_prefix(b"--");
            if let Some(len) = dashed.and_then(|dashed| self.boundaries.longest_before(dashed)) {
                return Some(self.delimiter(line, line + 2 + len));
            }
            if std::mem::take(&mut preamble) {
                return self.after_preamble();
            }
        }
    }
}

impl Delimiters<'_> {
    /// The first delimiter, wherever it stands.
    fn after_preamble(&mut self) -> Option<Delimiter> {
        let (start, end) = self.boundaries.first_in(self.body)?;
        let rest = self.body.get(end..).unwrap_or_default();
        self.at = end + memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        Some(self.delimiter(start, end))
    }

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
        let (headers, value_start) = headers(body, &content);
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
            let is_quoted = parameter.is_quoted;
            // PHP takes single quotes for quotes; others take them for a part of the name.
            let inner = single_quoted(body, &range).filter(|_| !is_quoted);
            let inner = inner.map(|range| Quoted { range, is_quoted: false });
            let readings = [Quoted { range, is_quoted }].into_iter().chain(inner);
            match without_section(&name.to_ascii_lowercase()) {
                b"name" => self.names.extend(readings),
                b"filename" => self.filenames.extend(readings),
                _ => {}
            }
        }
    }
}

/// The name of a parameter without what RFC 2231 adds to it: `name*`, `name*0`, `name*0*`.
fn without_section(name: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'*', name).unwrap_or(name.len());
    name.get(..end).unwrap_or_default()
}

/// What stands between single quotes.
fn single_quoted(body: &[u8], range: &Range<usize>) -> Option<Range<usize>> {
    let inner = body.get(range.clone())?.strip_prefix(b"'")?;
    let inner = inner.strip_suffix(b"'").unwrap_or(inner);
    Some(range.start + 1..range.start + 1 + inner.len())
}

/// A header line of a part: its name, its value.
type Line = (Range<usize>, Range<usize>);

/// Header lines as names and values, and where the value of the part begins: at its first byte where the block
/// is none.
fn headers(body: &[u8], content: &Range<usize>) -> (Vec<Line>, usize) {
    let mut headers: Vec<Line> = Vec::new();
    let (mut at, mut is_block) = (content.start, true);
    let limit = content.start + MAX_PART_HEADER_BYTES;
    while let Some(rest) = body.get(at..content.end) {
        let Some(len) = memchr::memchr(b'\n', rest).filter(|len| at + len < limit) else { break };
        let line = rest.get(..len).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let range = at..at + line.len();
        at += len + 1;
        if line.is_empty() {
            return (headers, if is_block { at } else { content.start });
        }
        let is_folded = matches!(line, [b' ' | b'\t', ..]);
        match (headers.last_mut(), memchr::memchr(b':', line)) {
            // RFC 5322 §2.2.3: a line that starts with white space goes on the one before.
            (Some(last), _) if is_folded => last.1.end = trimmed(body, range).end,
            (_, Some(colon)) => {
                is_block &= !is_folded;
                let (name, value) = (range.start..range.start + colon, range.start + colon + 1);
                headers.push((trimmed(body, name), trimmed(body, value..range.end)));
            }
            // Servers skip such a line, or take it for more of the one before.
            (_, None) => is_block = false,
        }
    }
    (headers, content.start)
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
            (
                "in a preamble's line",
                format!("pre--x{named}1\nb--x"),
                &["x"],
                vec![part("a", "1\nb--x")],
            ),
            (
                "a line that is no header",
                format!("--x\njunk{named}1"),
                &["x"],
                vec![part("a", &format!("junk{named}1"))],
            ),
            (
                "no end after a header",
                format!("--x{}", named.trim_end_matches('\n')) + "\n",
                &["x"],
                vec![part("a", &format!("{}\n", named.trim_matches('\n')))],
            ),
            (
                "too long after a header",
                format!(
                    "--x{}b:{}\n\n1",
                    named.trim_end_matches('\n').to_owned() + "\n",
                    "b".repeat(9_000)
                ),
                &["x"],
                vec![part(
                    "a",
                    &format!("{}\nb:{}\n\n1", named.trim_matches('\n'), "b".repeat(9_000)),
                )],
            ),
            (
                "many boundaries",
                format!("--ab{named}1\n--a{named}2\n--ac{named}3\n--b--\n"),
                &["ac", "b", "a", "ab", "a"],
                vec![part("a", "1"), part("a", "2"), part("a", "3")],
            ),
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
    fn single_quotes_and_sections_count_as_well() {
        let body =
            "--x\nContent-Disposition: form-data; name='a'; name*0=b; filename*1*='c.php\n\n1";
        let names = vec!["'a'".into(), "a".into(), "b".into()];
        assert_eq!(
            read(body, &["x"]),
            [(names, vec!["'c.php".into(), "c.php".into()], "1".into())]
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
