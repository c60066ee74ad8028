//! gRPC, websockets, raw sockets; and what of it all may be read in logs and metrics.

use std::io;
use std::sync::{Arc, Mutex};

use axum::routing::any;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tonic::transport::{Endpoint, Server};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use wafpass::layer::rules::{GrpcBodies, NotTaken, RulesLayer};

use crate::common::*;

#[tokio::test]
async fn grpc_calls_are_seen_unless_somebody_asks_for_less() {
    let rules = || {
        rules(
            r#"
            body: block: http.request.body.raw contains "shop"
            partly: log: http.request.body.truncated
            path: block: http.request.uri.path contains "Watch" and http.request.version eq "HTTP/2"
        "#,
        )
    };
    for (builder, is_read) in [
        (RulesLayer::builder(rules()), true),
        (RulesLayer::builder(rules()).grpc(GrpcBodies::Unseen), false),
    ] {
        let layer = builder.build().unwrap();
        let handle = layer.handle();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (reporter, health) = tonic_health::server::health_reporter();
        reporter.set_service_status("shop", tonic_health::ServingStatus::Serving).await;
        let server = Server::builder()
            .layer(layer)
            .add_service(health)
            .serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener));
        let server = tokio::spawn(server);
        let endpoint = Endpoint::new(format!("http://{address}")).unwrap().timeout(10 * SECOND);
        let mut client = HealthClient::new(endpoint.connect().await.unwrap());
        let request = || HealthCheckRequest { service: "shop".into() };
        let answer = client.check(request()).await;
        assert_eq!(answer.is_err(), is_read, "{answer:?}");
        let mut watched = client.watch(request()).await.unwrap().into_inner();
        let refused = watched.message().await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::PermissionDenied);
        let partly = handle.counts().into_iter().find(|rule| rule.rule_id == "partly").unwrap();
        assert_eq!(partly.enforced, if is_read { 0 } else { 2 });
        server.abort();
    }
}

/// What a raw socket is answered.
async fn exchange(address: std::net::SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4_096];
    let mut read = 0;
    while !String::from_utf8_lossy(&answer[..read]).contains("\r\n\r\n") {
        let more = stream.read(&mut answer[read..]).await.unwrap();
        assert!(more > 0, "{}", String::from_utf8_lossy(&answer[..read]));
        read += more;
    }
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

#[tokio::test]
async fn a_websocket_is_judged_by_its_handshake() {
    let rules = rules(
        r#"
        body: block: http.request.body.raw contains "x" or http.request.body.truncated
        path: block: http.request.uri.path contains "/old"
    "#,
    );
    let upgrade = async |ws: axum::extract::ws::WebSocketUpgrade| ws.on_upgrade(async |_| ());
    let app = axum::Router::new().route("/{*path}", any(upgrade)).layer(RulesLayer::new(rules));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let handshake = |path: &str| {
        format!(
            "GET {path} HTTP/1.1\r\nhost: shop.example\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
    };
    assert!(exchange(address, &handshake("/ws")).await.starts_with("HTTP/1.1 101 "));
    assert!(exchange(address, &handshake("/old")).await.starts_with("HTTP/1.1 403 "));
}

#[tokio::test]
async fn over_a_socket_bodies_come_in_chunks() {
    let app = app(RulesLayer::new(rules(r#"a: block: http.request.body.raw contains "needle""#)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let chunked = |chunks: &str| {
        format!("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n")
    };
    // Nor is one a tunnel because its method says so: in HTTP/1 a CONNECT may come with a body.
    let connect = "CONNECT shop.example:80 HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nneedle";
    assert!(exchange(address, connect).await.starts_with("HTTP/1.1 403 "));
    let answer = exchange(address, &chunked("3\r\nnee\r\n3\r\ndle\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("no-store"), "{answer}");
    assert!(exchange(address, &chunked("3\r\nnee\r\n")).await.starts_with("HTTP/1.1 200 "));
}

/// What is logged by this process.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Alone in its process under nextest; `cargo test` has others beside it, whose lines do no harm here.
#[tokio::test]
async fn neither_logs_nor_events_nor_debug_tell_what_matched() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    let _ = tracing::subscriber::set_global_default(subscriber);
    let (owner, kept) = (owner(), Kept::default());
    let rules = rules(
        r#"
        body: log: http.request.body.raw contains "hunter"
        field: block: any(http.request.headers["x-code"][*] contains "hunter")
    "#,
    );
    let inner = kept.clone();
    let sink = move |event: axum::body::Bytes| {
        let _ = wafpass::layer::rules::EventSink::take(&inner, event);
        Err(NotTaken) // so that a loss is told too
    };
    let events = log_to(&owner, sink).build().unwrap();
    let layer = RulesLayer::builder(rules).log(events.clone());
    let shown = format!("{layer:?}");
    let layer = layer.build().unwrap();
    let shown = format!("{shown}{layer:?}{:?}{events:?}", layer.handle());
    let app = app(layer);
    for _ in 0..30 {
        let mut request = post("hunter2");
        request.headers_mut().insert("x-code", "hunter3".parse().unwrap());
        let response = send(&app, request).await;
        assert!(!format!("{response:?}").contains("hunter"));
    }
    assert!(events.shutdown(10 * SECOND).await);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("wafpass::rules") && text.contains("rule_id=\"field\""), "{text}");
    assert!(text.contains("events of rules are lost"), "{text}");
    let of_ours = |line: &&str| line.contains("a rule matched") && line.contains("\"field\"");
    assert!(text.lines().filter(of_ours).count() <= 21, "ten a second: {text}");
    let lines = kept.events().iter().map(ToString::to_string).collect::<String>();
    for told in [&text, &shown, &lines] {
        assert!(!told.contains("hunter"), "{told}");
    }
    assert!(opened(&kept.events()[0], &owner).to_string().contains("hunter"));
}
