//! Bytes on the wire: what hyper hands on of odd requests, over HTTP/1.1 and HTTP/2.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::body::Body;
use http::{HeaderValue, Request, Response, Version};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::Layer;
use wafpass::layer::CheckedBody;
use wafpass::{Freshness, Signature, UnixTime, VerifyLayer, clock};

use crate::common::*;

/// A plain hyper server, no axum, that answers `ok` to what passes.
async fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let layer = VerifyLayer::new(build(builder(Freshness::cloudfront())));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service =
                layer.layer(tower::service_fn(async |_: Request<CheckedBody<Incoming>>| {
                    Ok::<_, Infallible>(Response::new("ok".to_owned()))
                }));
            tokio::spawn(async move {
                let service = TowerToHyperService::new(service);
                let server = auto::Builder::new(TokioExecutor::new());
                drop(server.serve_connection_with_upgrades(TokioIo::new(stream), service).await);
            });
        }
    });
    address
}

fn sign(method: &str, target: &str, now: UnixTime) -> Signature {
    let fields: [(&[u8], &[u8]); 1] = [(b"host", b"shop.example")];
    let head = wafpass::MessageHead::from_raw(method.as_bytes(), target.as_bytes(), &fields);
    let nonce = wafpass::random_nonce().unwrap();
    Edge::new(&[])
        .signer
        .sign(&head, wafpass::scheme::edge::WafEvidence::Pass, &nonce, now)
        .unwrap()
}

/// The status line of the answer to exactly these bytes.
async fn status(address: SocketAddr, head: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer["HTTP/1.1 ".len()..]).into_owned()
}

#[tokio::test]
async fn http_1_requests_on_the_wire() {
    let address = serve().await;
    let signed_get = |target: &str| {
        let signature = sign("GET", target, clock::now());
        signature.fields().map(|(name, value)| format!("{name}: {value}\r\n")).concat()
    };
    let host = "host: shop.example\r\n";
    let s = signed_get("/a?b");
    for (expected, head) in [
        ("200", format!("GET /a?b HTTP/1.1\r\n{host}{}\r\n", signed_get("/a?b"))),
        ("200", format!("GET //a/../%2e?? HTTP/1.1\r\n{host}{}\r\n", signed_get("//a/../%2e??"))),
        ("200", format!("GET http://shop.example/a HTTP/1.1\r\n{host}{}\r\n", signed_get("/a"))),
        ("200", format!("GET http://shop.example HTTP/1.1\r\n{host}{}\r\n", signed_get("/"))),
        // hyper drops a fragment before any layer sees it, so what is judged is the path
        ("200", format!("GET /a#b HTTP/1.1\r\n{host}{}\r\n", signed_get("/a"))),
        ("403", format!("GET /a?b HTTP/1.1\r\n{host}\r\n")),
        ("403", format!("GET /a?b HTTP/1.1\r\n{s}\r\n")),
        ("403", format!("GET /a?b HTTP/1.1\r\n{host}{host}{s}\r\n")),
        ("403", format!("GET /a?b HTTP/1.1\r\nhost:\r\n{s}\r\n")),
        ("403", format!("GET /a?b HTTP/1.1\r\n{host}{s}{s}\r\n")),
        ("403", format!("GET /a?b HTTP/1.1\r\n{host}{s}connection: x-cloud-date\r\n\r\n")),
        ("403", format!("GET http://evil.example/a?b HTTP/1.1\r\n{host}{s}\r\n")),
        ("403", format!("GET http://u@shop.example/a?b HTTP/1.1\r\n{host}{s}\r\n")),
        ("403", format!("HEAD /a?b HTTP/1.1\r\n{host}{s}\r\n")),
        ("403", format!("GET /a HTTP/1.1\r\n{host}{s}\r\n")),
        ("403", format!("CONNECT shop.example:443 HTTP/1.1\r\n{host}{s}\r\n")),
        ("200", format!("GET /a?b HTTP/1.1\r\n{host}{s}\r\n")),
    ] {
        assert_eq!(status(address, &head).await, expected, "{head}");
    }
}

#[tokio::test]
async fn a_websocket_handshake_is_verified_once() {
    let app = axum::Router::new()
        .route(
            "/ws",
            axum::routing::any(async |ws: axum::extract::ws::WebSocketUpgrade| {
                ws.on_upgrade(async |_| ())
            }),
        )
        .layer(VerifyLayer::new(build(builder(Freshness::cloudfront()))));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(axum::serve(listener, app).into_future());

    let signature = sign("GET", "/ws", clock::now());
    let fields = signature.fields().map(|(name, value)| format!("{name}: {value}\r\n")).concat();
    let handshake = |fields: &str| {
        format!(
            "GET /ws HTTP/1.1\r\nhost: shop.example\r\n{fields}connection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
    };
    assert_eq!(status(address, &handshake("")).await, "403");
    assert_eq!(status(address, &handshake(&fields)).await, "101");
    // A plain GET would have two more uses by this preset.
    assert_eq!(status(address, &handshake(&fields)).await, "403");
    server.abort();
}

#[tokio::test]
async fn http_2_authority_stands_for_host() {
    let address = serve().await;
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);

    let request = |target: &str, host: Option<&'static str>| {
        let signature = sign("GET", "/a?b", clock::now());
        let mut request =
            Request::get(target).version(Version::HTTP_2).body(Body::empty()).unwrap();
        signature.insert_into(request.headers_mut());
        if let Some(host) = host {
            request.headers_mut().insert("host", HeaderValue::from_static(host));
        }
        request
    };
    for (target, host, expected) in [
        ("http://shop.example/a?b", None, 200),
        ("http://shop.example/a?b", Some("Shop.Example"), 200),
        ("http://shop.example/a?b", Some("evil.example"), 403),
        ("http://shop.example/a?c", None, 403),
    ] {
        let response = client.send_request(request(target, host)).await.unwrap();
        assert_eq!(response.status(), expected, "{target} {host:?}");
    }
}
