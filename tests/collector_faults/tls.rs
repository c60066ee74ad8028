//! TLS: both protocols, and certificates that change while it runs.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use http::{Request, StatusCode, Version};
use http_body_util::Empty;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::place::{Place, Running};
use crate::wire;

const TLS: &str = "[collector.tls]\ncertificate = \"server.pem\"\nprivate_key = \"server.key\"\n";

/// An authority of this name, and a certificate of it for localhost, in place of the one that is there.
fn certificates(dir: &Path, authority: &str) {
    fs::write(dir.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    let key = "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    for command in [
        format!(
            "{key} -x509 -days 2 -subj /CN={authority} -keyout {authority}.key -out {authority}.pem"
        ),
        format!("{key} -subj /CN=localhost -keyout new.key -out new.csr"),
        format!(
            "x509 -req -in new.csr -CA {authority}.pem -CAkey {authority}.key -CAcreateserial -days 2 -extfile names -out new.pem"
        ),
    ] {
        let mut openssl = Command::new("openssl");
        openssl.args(command.split(' ')).current_dir(dir).stdin(Stdio::null());
        let output = openssl.output().expect("openssl is there: tools/setup installs it");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    fs::rename(dir.join("new.key"), dir.join("server.key")).unwrap();
    fs::rename(dir.join("new.pem"), dir.join("server.pem")).unwrap();
}

fn secure() -> (Place, Running) {
    let place = Place::new(TLS);
    certificates(place.path(), "first");
    let running = place.start();
    (place, running)
}

/// A connection for this protocol (ALPN), to a server whose certificate is of this authority.
async fn connect(
    to: SocketAddr,
    authority: &Path,
    protocol: &str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authority).unwrap() {
        roots.add(certificate.unwrap()).unwrap();
    }
    let mut client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let tcp = TcpStream::connect(to).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(client)).connect(name, tcp).await
}

fn usage(token: &str, origin: &str) -> Request<Empty<&'static [u8]>> {
    Request::get(format!("{origin}/v1/usage"))
        .header("host", "localhost")
        .header("authorization", format!("Bearer {token}"))
        .body(Empty::new())
        .unwrap()
}

/// An HTTP/2 session, open until it is dropped.
async fn session(
    to: SocketAddr,
    authority: &Path,
) -> std::io::Result<http2::SendRequest<Empty<&'static [u8]>>> {
    let tls = connect(to, authority, "h2").await?;
    let (session, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(tls)).await.unwrap();
    tokio::spawn(connection);
    Ok(session)
}

#[tokio::test(flavor = "multi_thread")]
async fn both_protocols_are_spoken_over_tls_and_nothing_without_it() {
    let (place, running) = secure();
    let authority = place.path().join("first.pem");
    let tls = connect(running.service, &authority, "http/1.1").await.unwrap();
    assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let (mut old, connection) = http1::handshake(TokioIo::new(tls)).await.unwrap();
    tokio::spawn(connection);
    let answer = old.send_request(usage(&place.token, "")).await.unwrap();
    assert_eq!((answer.status(), answer.version()), (StatusCode::OK, Version::HTTP_11));
    let mut new = session(running.service, &authority).await.unwrap();
    let (good, bad) = (usage(&place.token, "https://localhost"), usage("", "https://localhost"));
    let both = (new.clone().send_request(good), new.send_request(bad));
    let (good, bad) = tokio::join!(both.0, both.1);
    let (good, bad) = (good.unwrap(), bad.unwrap());
    assert_eq!((good.status(), good.version()), (StatusCode::OK, Version::HTTP_2));
    assert_eq!(bad.status(), StatusCode::UNAUTHORIZED);
    let clear = wire::get(running.service, "/v1/usage", &place.token);
    assert!(clear.is_err(), "{clear:?}");
    assert_eq!(running.admin("/readyz").body, "ready\n", "the admin address has no TLS");
}

/// SIGHUP, and the line of the log that tells what came of it.
fn reload(running: &Running, told: &str) {
    let before = running.log().matches(told).count();
    running.signal("HUP");
    for _ in 0..6_000 {
        if running.log().matches(told).count() > before {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("not told in a minute: {told}\n{}", running.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_holds_for_new_connections_and_a_bad_one_for_none() {
    let (place, running) = secure();
    let (first, second) = (place.path().join("first.pem"), place.path().join("second.pem"));
    let mut before = session(running.service, &first).await.unwrap();
    certificates(place.path(), "second");
    reload(&running, "a new certificate holds");
    let mut after = session(running.service, &second).await.unwrap();
    let refused = connect(running.service, &first, "h2").await.unwrap_err();
    assert!(refused.to_string().contains("UnknownIssuer"), "{refused}");
    for session in [&mut before, &mut after] {
        let answer = session.send_request(usage(&place.token, "https://localhost")).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "what began goes on");
    }
    let key = fs::read_to_string(place.path().join("server.key")).unwrap();
    fs::write(place.path().join("server.key"), &key[..key.len() / 2]).unwrap();
    reload(&running, "the new certificate is refused");
    assert!(session(running.service, &second).await.is_ok(), "the old one holds");
    fs::write(place.path().join("server.key"), &key).unwrap();
    reload(&running, "a new certificate holds");
    assert!(session(running.service, &second).await.is_ok());
    let metrics = running.admin("/metrics").body;
    let alarm = "wafpass_collector_alarms_total{kind=\"certificate\"} 1";
    assert!(metrics.contains(alarm), "{metrics}");
    let (status, log) = running.stop();
    assert!(status.success(), "{log}");
    let secret = key.lines().nth(1).unwrap();
    assert!(!log.contains(secret) && !log.contains("PRIVATE"), "{log}");
}
