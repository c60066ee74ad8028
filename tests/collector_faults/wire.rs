//! HTTP/1.1 by hand: a test decides what is sent, when, and what is left out.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// For an answer that never comes: a test fails then rather than hangs.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
    /// The same, as it came.
    pub(crate) bytes: Vec<u8>,
}

pub(crate) fn connect(to: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&to, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// The head of a request with a body of `bytes` bytes.
pub(crate) fn head(method: &str, path: &str, token: &str, more: &str, bytes: usize) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: collector\r\nauthorization: Bearer {token}\r\nconnection: close\r\n{more}content-length: {bytes}\r\n\r\n"
    )
}

/// Sends the head of a batch, and comes back once the collector asks for its body: it is under way.
pub(crate) fn begin_batch(to: SocketAddr, token: &str, bytes: usize) -> io::Result<TcpStream> {
    const GO_ON: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
    let more = "content-type: application/x-ndjson\r\nexpect: 100-continue\r\n";
    let mut stream = connect(to)?;
    stream.write_all(head("POST", "/v1/events", token, more, bytes).as_bytes())?;
    let mut answer = [0; GO_ON.len()];
    stream.read_exact(&mut answer)?;
    assert_eq!(answer, GO_ON);
    Ok(stream)
}

pub(crate) fn ask(
    to: SocketAddr,
    method: &str,
    path: &str,
    token: &str,
    more: &str,
    body: &[u8],
) -> io::Result<Answer> {
    let mut stream = connect(to)?;
    stream.write_all(head(method, path, token, more, body.len()).as_bytes())?;
    stream.write_all(body)?;
    read(&mut stream)
}

pub(crate) fn get(to: SocketAddr, path: &str, token: &str) -> io::Result<Answer> {
    ask(to, "GET", path, token, "", b"")
}

/// Reads an answer to its end. One that is cut is an error.
pub(crate) fn read(stream: &mut TcpStream) -> io::Result<Answer> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let cut = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").ok_or_else(cut)?;
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(cut)?;
    let body = &bytes[end + 4..];
    let body = if head.contains("transfer-encoding: chunked") {
        unchunk(body).ok_or_else(cut)?
    } else {
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
        body.get(..length).ok_or_else(cut)?.to_vec()
    };
    Ok(Answer { status, head, body: String::from_utf8_lossy(&body).into_owned(), bytes: body })
}

/// The content of chunks; `None` where the last one is missing.
fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).ok()?, 16).ok()?;
        rest = &rest[end + 2..];
        content.extend_from_slice(rest.get(..length)?);
        rest = rest.get(length + 2..)?;
        if length == 0 {
            return Some(content);
        }
    }
}
