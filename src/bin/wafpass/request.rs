//! A raw HTTP/1 request, as captures and `curl -v` show it: nothing is decoded or put right.

use wafpass::MessageHead;

use crate::error::Fault;

/// A request in its parts.
pub(crate) struct RawRequest<'a> {
    method: &'a [u8],
    target: &'a [u8],
    version: &'a str,
    fields: Vec<(&'a [u8], &'a [u8])>,
    rest: &'a [u8],
}

impl<'a> RawRequest<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Fault> {
        let mut lines = Lines { rest: bytes, number: 0 };
        // RFC 9112 §2.2: an empty line in front of the request line is ignored.
        let first = lines.by_ref().find(|line| !line.is_empty()).unwrap_or_default();
        let (method, target, version) = request_line(first).ok_or_else(|| {
            let fault = format!("line {} is no request line", lines.number.max(1));
            Fault::new(fault, "begin with `GET /path HTTP/1.1`, without the `> ` of curl -v")
        })?;
        let mut fields = Vec::new();
        while let Some(line) = lines.next().filter(|line| !line.is_empty()) {
            fields.push(field(line).ok_or_else(|| {
                Fault::new(
                    format!("line {} is no `name: value`", lines.number),
                    "write each field on one line; an empty line ends them",
                )
            })?);
        }
        Ok(Self { method, target, version, fields, rest: lines.rest })
    }

    pub(crate) const fn method(&self) -> &'a [u8] {
        self.method
    }

    pub(crate) const fn target(&self) -> &'a [u8] {
        self.target
    }

    /// As rules know it: `HTTP/1.1`, `HTTP/2`.
    pub(crate) const fn version(&self) -> &'a str {
        self.version
    }

    /// The field lines, with the white space around their values.
    pub(crate) fn fields(&self) -> &[(&'a [u8], &'a [u8])] {
        &self.fields
    }

    pub(crate) fn head(&self) -> MessageHead<'_> {
        let head = MessageHead::from_raw(self.method, self.target, &self.fields);
        if self.rest.is_empty() { head } else { head.with_body(true) }
    }

    /// The body, when all of it is here.
    pub(crate) fn body(&self) -> Result<Option<&'a [u8]>, Fault> {
        let values = |name: &'static [u8]| {
            self.fields
                .iter()
                .filter(move |(field, _)| field.eq_ignore_ascii_case(name))
                .map(|(_, value)| value)
        };
        if values(b"transfer-encoding").next().is_some() && !self.rest.is_empty() {
            let fault = "the body is in transfer coding";
            return Err(Fault::new(
                fault,
                "put the decoded body there, with content-length in place of transfer-encoding",
            ));
        }
        if values(b"transfer-encoding").next().is_some() {
            return Ok(None);
        }
        let mut lengths = values(b"content-length").map(|length| length.trim_ascii());
        let Some(length) = lengths.next() else {
            return Ok(Some(self.rest)); // a capture may leave the framing out: what is here is it
        };
        // RFC 9110 §8.6: digits, and nothing else; RFC 9112 §6.3: two lengths are none.
        let is_number =
            length.iter().all(u8::is_ascii_digit) && lengths.all(|other| other == length);
        let number = str::from_utf8(length).ok().filter(|_| is_number);
        let Some(number) = number.and_then(|digits| digits.parse::<usize>().ok()) else {
            return Err(Fault::new(
                "content-length is no number, or there are two",
                "write the number of bytes of the body once",
            ));
        };
        match self.rest.get(..number) {
            Some(body) => Ok(Some(body)), // what follows is not of this request
            None if self.rest.is_empty() => Ok(None),
            None => {
                let fault =
                    format!("content-length is {number}, the body has {} bytes", self.rest.len());
                Err(Fault::new(fault, "give the body whole, or leave it out"))
            }
        }
    }
}

/// Method, target and version: what is before the first space, behind the last, and between them. The target
/// stays as it is, spaces and all: the verifier judges it.
fn request_line(line: &[u8]) -> Option<(&[u8], &[u8], &'static str)> {
    let (head, version) = line.split_at_checked(line.iter().rposition(|&byte| byte == b' ')?)?;
    let (method, target) = head.split_at_checked(head.iter().position(|&byte| byte == b' ')?)?;
    let target = target.get(1..)?;
    let version = match version {
        b" HTTP/1.0" => "HTTP/1.0",
        b" HTTP/1.1" => "HTTP/1.1",
        b" HTTP/2" | b" HTTP/2.0" => "HTTP/2",
        b" HTTP/3" => "HTTP/3",
        _ => return None,
    };
    (method != b">").then_some((method, target, version))
}

fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, value) = line.split_at_checked(line.iter().position(|&byte| byte == b':')?)?;
    // RFC 9110 §5.1, §5.5: a name is a token, and no value has NUL, CR or LF.
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let is_value = !value.iter().any(|byte| b"\0\r\n".contains(byte));
    let is_field = !name.is_empty() && name.iter().all(is_name) && is_value;
    is_field.then_some((name, value.get(1..)?))
}

/// Lines up to LF, without LF and one CR before it.
struct Lines<'a> {
    rest: &'a [u8],
    number: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        self.number += 1;
        let end = self.rest.iter().position(|&byte| byte == b'\n').unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest.get(1..).unwrap_or_default();
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(head: &str, rest: &str) -> Result<Option<String>, String> {
        let text = format!("POST / HTTP/1.1\r\n{head}\r\n{rest}");
        let request = RawRequest::parse(text.as_bytes()).map_err(|fault| fault.to_string())?;
        let body = request.body().map_err(|fault| fault.to_string())?;
        Ok(body.map(|body| String::from_utf8_lossy(body).into()))
    }

    #[test]
    fn bytes_are_taken_as_they_are() {
        let request =
            RawRequest::parse(b"\n\r\nGET /a b?\xff HTTP/1.1\nHost: h\r\nX-A:\t1 \x01x\n\nbody\n")
                .ok()
                .unwrap();
        assert_eq!((request.method, request.target), (b"GET".as_slice(), b"/a b?\xff".as_slice()));
        assert_eq!(
            request.fields,
            [(b"Host".as_slice(), b" h".as_slice()), (b"X-A", b"\t1 \x01x")]
        );
        assert_eq!(request.rest, b"body\n");
    }

    #[test]
    fn the_head_may_end_with_the_input() {
        for text in [
            "GET / HTTP/1.1",
            "GET / HTTP/1.1\n",
            "GET / HTTP/2\nhost: h",
            "GET / HTTP/1.1\nhost: h\n\n",
        ] {
            assert!(RawRequest::parse(text.as_bytes()).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_request_is_refused_with_its_line() {
        for (text, line) in [
            ("", "line 1 is no request line"),
            ("\n\n", "line 2 is no request line"),
            ("\nGET /", "line 2 is no request line"),
            ("> GET / HTTP/1.1", "line 1 is no request line"),
            ("GET / HTTP/banana", "line 1 is no request line"),
            ("GET / HTTP/1.1\nho(st: b", "line 2 is no `name: value`"),
            ("GET / HTTP/1.1\na: \0", "line 2 is no `name: value`"),
            ("GET / HTTP/1.1\nhost", "line 2 is no `name: value`"),
            ("GET / HTTP/1.1\na: b\n folded: c", "line 3 is no `name: value`"),
            ("GET / HTTP/1.1\na : b", "line 2 is no `name: value`"),
            ("GET / HTTP/1.1\n:authority: b", "line 2 is no `name: value`"),
        ] {
            let fault = RawRequest::parse(text.as_bytes()).err().unwrap().to_string();
            assert!(fault.contains(line), "{text}: {fault}");
        }
    }

    #[test]
    fn a_body_is_whole_or_not_there() {
        let told = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(body("", ""), told(""));
        assert_eq!(body("", "ab\n"), told("ab\n"));
        assert_eq!(body("Content-Length: 2\r\n", "ab\n"), told("ab"));
        assert_eq!(body("content-length: 0\r\n", ""), told(""));
        assert_eq!(body("content-length: 2\r\n", ""), Ok(None));
        assert_eq!(body("transfer-encoding: chunked\r\n", ""), Ok(None));
        assert!(
            body("content-length: 3\r\n", "ab")
                .unwrap_err()
                .contains("content-length is 3, the body has 2 bytes")
        );
        assert_eq!(body("content-length: 2\r\ncontent-length: 2\r\n", "ab"), told("ab"));
        for odd in ["x", "+2", "-2", "\u{2003}2", "2\r\ncontent-length: 1", "99999999999999999999"]
        {
            let told = body(&format!("content-length: {odd}\r\n"), "ab");
            assert!(told.unwrap_err().contains("no number"), "{odd}");
        }
        assert!(
            body("transfer-encoding: chunked\r\n", "0\r\n")
                .unwrap_err()
                .contains("transfer coding")
        );
    }
}
