//! HTTP/1.1 by hand: one connection, kept open, and nothing that costs time.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// A connection with a token.
pub(crate) struct Client {
    connection: BufReader<TcpStream>,
    head: String,
}

impl Client {
    pub(crate) fn new(address: SocketAddr, token: &str) -> Self {
        let connection = TcpStream::connect(address).expect("the server listens");
        connection.set_nodelay(true).expect("a socket");
        let head = format!("host: {address}\r\nauthorization: Bearer {token}\r\n");
        Self { connection: BufReader::new(connection), head }
    }

    /// Sends a packed batch of so many new events, and waits until they are durable.
    pub(crate) fn post(&mut self, path: &str, gzip: &[u8], events: usize) {
        let head = format!("content-encoding: gzip\r\ncontent-length: {}\r\n", gzip.len());
        let (status, body) = self.ask("POST", path, &head, gzip);
        stored(status, &body, events);
    }

    /// Sends what is made on the way, in chunks.
    pub(crate) fn post_stream(
        &mut self,
        path: &str,
        parts: impl Iterator<Item = Vec<u8>>,
        events: usize,
    ) {
        let Self { connection, head } = self;
        let stream = connection.get_mut();
        let chunked = "content-encoding: gzip\r\ntransfer-encoding: chunked\r\n";
        write!(stream, "POST {path} HTTP/1.1\r\n{head}{chunked}\r\n").expect("sent");
        for part in parts {
            write!(stream, "{:x}\r\n", part.len()).expect("sent");
            stream.write_all(&part).expect("sent");
            stream.write_all(b"\r\n").expect("sent");
        }
        stream.write_all(b"0\r\n\r\n").expect("sent");
        let (status, body) = self.answer();
        stored(status, &body, events);
    }

    /// Asks for a path with its query.
    pub(crate) fn get(&mut self, path: &str) -> Vec<u8> {
        let (status, body) = self.ask("GET", path, "", b"");
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
        body
    }

    fn ask(&mut self, method: &str, path: &str, more: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let Self { connection, head } = self;
        let stream = connection.get_mut();
        write!(stream, "{method} {path} HTTP/1.1\r\n{head}{more}\r\n").expect("sent");
        stream.write_all(body).expect("sent");
        self.answer()
    }

    fn answer(&mut self) -> (u16, Vec<u8>) {
        let mut line = String::new();
        self.connection.read_line(&mut line).expect("an answer");
        let status = line.split(' ').nth(1).and_then(|text| text.parse().ok()).expect("a status");
        let (mut bytes, mut is_chunked) = (0, false);
        loop {
            line.clear();
            self.connection.read_line(&mut line).expect("a head");
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            match name {
                "content-length" => bytes = value.parse().expect("a length"),
                "transfer-encoding" => is_chunked = value == "chunked",
                _ => {}
            }
        }
        let mut body = Vec::new();
        while is_chunked {
            line.clear();
            self.connection.read_line(&mut line).expect("a chunk");
            let bytes = u64::from_str_radix(line.trim_end(), 16).expect("a length");
            (&mut self.connection).take(bytes).read_to_end(&mut body).expect("a chunk");
            self.connection.read_exact(&mut [0; 2]).expect("its end");
            is_chunked = bytes > 0;
        }
        (&mut self.connection).take(bytes).read_to_end(&mut body).expect("a body");
        (status, body)
    }
}

/// All of them were taken in.
fn stored(status: u16, body: &[u8], events: usize) {
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(body));
    let answer: serde_json::Value = serde_json::from_slice(body).expect("JSON");
    assert_eq!(answer["stored"], events, "{answer}");
}
