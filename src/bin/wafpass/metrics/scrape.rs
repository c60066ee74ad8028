//! Fetching metrics: plain HTTP, from this host or its network, within a time and a size.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use http::header::{ACCEPT, HOST};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, lookup_host};

use crate::error::Fault;

/// For one origin, from the name to the last byte. Who takes longer is not well.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A busy service shows some hundred KB.
const MAX_BODY_BYTES: usize = 8 * 1_024 * 1_024;

const HTTP_PORT: u16 = 80;

/// What one origin answered.
pub(crate) struct Page {
    /// Its address.
    pub(crate) origin: String,
    pub(crate) text: String,
}

/// Asks all of them. One that does not answer is a fault.
pub(crate) fn all(urls: &[String]) -> Result<Vec<Page>, Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        Fault::new(format!("no origin could be asked: {error}"), "again, on a machine less busy")
    })?;
    runtime.block_on(async {
        let mut pages = Vec::new();
        for url in urls {
            let target = Target::parse(url)?;
            for addresses in target.origins().await? {
                pages.push(target.fetch(&addresses).await?);
            }
        }
        Ok(pages)
    })
}

/// A URL that may be asked.
struct Target<'a> {
    url: &'a str,
    host: &'a str,
    port: u16,
    uri: Uri,
}

impl<'a> Target<'a> {
    fn parse(url: &'a str) -> Result<Self, Fault> {
        let fault = || {
            let fault = format!("{} is no address of metrics", url.escape_debug());
            Fault::new(fault, "http://HOST:PORT/metrics, on this host or network")
        };
        let rest = url.strip_prefix("http://").ok_or_else(fault)?;
        let uri: Uri = url.parse().map_err(|_| fault())?;
        let authority = uri.authority().ok_or_else(fault)?;
        let length = authority.host().len();
        if authority.as_str().contains('@') || length == 0 {
            return Err(fault());
        }
        let port = authority.port_u16().unwrap_or(HTTP_PORT);
        let host = rest.get(..length).ok_or_else(fault)?;
        Ok(Self { url, host, port, uri })
    }

    /// The origins behind the name, each with its addresses. A name of this host has several addresses
    /// for one origin; any other name with several addresses stands for several origins.
    async fn origins(&self) -> Result<Vec<Vec<SocketAddr>>, Fault> {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        let found = tokio::time::timeout(TIMEOUT, lookup_host((host, self.port))).await;
        let found: Vec<SocketAddr> = found
            .map_err(io::Error::from)
            .and_then(|found| found)
            .map_err(|e| self.silent(&e))?
            .collect();
        if let Some(far) = found.iter().find(|address| !is_near(address.ip())) {
            let fault = format!(
                "{} is at {far}, outside this network: plain HTTP can be forged on the way",
                self.url
            );
            return Err(Fault::new(
                fault,
                "ask from a host beside the origins, or through a tunnel",
            ));
        }
        if found.is_empty() {
            return Err(self.silent(&io::ErrorKind::NotFound.into()));
        }
        if found.iter().all(|address| address.ip().is_loopback()) {
            return Ok(vec![found]);
        }
        Ok(found.into_iter().map(|address| vec![address]).collect())
    }

    async fn fetch(&self, addresses: &[SocketAddr]) -> Result<Page, Fault> {
        let text = tokio::time::timeout(TIMEOUT, self.get(addresses)).await;
        let text = text
            .map_err(io::Error::from)
            .and_then(|text| text)
            .map_err(|error| self.silent(&error))?;
        let origin = match addresses {
            [address] => address.to_string(),
            _ => format!("{}:{}", self.host, self.port),
        };
        Ok(Page { origin, text })
    }

    async fn get(&self, addresses: &[SocketAddr]) -> io::Result<String> {
        let stream = TcpStream::connect(addresses).await?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(io::Error::other)?;
        tokio::spawn(connection); // ends with the exchange, and an error shows in the response
        let path = self.uri.path_and_query().map_or("/", |path| path.as_str());
        let authority = self.uri.authority().map_or("", |authority| authority.as_str());
        let request = Request::get(path).header(HOST, authority).header(ACCEPT, "text/plain");
        let request = request.body(Empty::<Bytes>::new()).map_err(io::Error::other)?;
        let response = sender.send_request(request).await.map_err(io::Error::other)?;
        if response.status() != StatusCode::OK {
            return Err(io::Error::other(format!("status {}", response.status().as_u16())));
        }
        let body = Limited::new(response.into_body(), MAX_BODY_BYTES).collect().await;
        let body = body.map_err(|error| io::Error::other(error.to_string()))?;
        String::from_utf8(body.to_bytes().into()).map_err(io::Error::other)
    }

    fn silent(&self, error: &io::Error) -> Fault {
        let fault = format!("{} does not tell its metrics: {error}", self.url.escape_debug());
        Fault::new(fault, "every origin has to answer; silence is no evidence")
    }
}

/// Whether an address is of this host, or of a network that is not the Internet.
fn is_near(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, ..] = address.octets();
            let is_shared = a == 100 && (64..128).contains(&b); // RFC 6598, used inside clouds
            address.is_loopback() || address.is_private() || is_shared
        }
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_host_and_its_network_are_near() {
        for near in [
            "127.0.0.1",
            "10.1.2.3",
            "172.31.0.1",
            "192.168.9.9",
            "100.64.0.1",
            "::1",
            "fd00::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(is_near(near.parse().unwrap()), "{near}");
        }
        for far in [
            "8.8.8.8",
            "172.32.0.1",
            "169.254.169.254",
            "100.128.0.1",
            "0.0.0.0",
            "fe80::1",
            "2001:db8::1",
            "::ffff:8.8.8.8",
        ] {
            assert!(!is_near(far.parse().unwrap()), "{far}");
        }
    }

    #[test]
    fn addresses_are_plain_http_without_credentials() {
        for bad in [
            "https://a/",
            "a:9000",
            "http://",
            "http://u:p@a/",
            "HTTP://a/",
            "http://a b/",
            "file:///etc/passwd",
            "",
        ] {
            assert!(Target::parse(bad).is_err(), "{bad}");
        }
        let target = Target::parse("http://[::1]:9000/metrics").unwrap();
        assert_eq!((target.host, target.port), ("[::1]", 9000));
        assert_eq!(Target::parse("http://a/metrics").unwrap().port, 80);
    }
}
