//! One connection: its protocol, its limits, its end.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

use super::activity::{Activity, Answer};
use super::limits::{
    KEEPALIVE, LINGER, MAX_HEAD_BYTES, MAX_HEADERS, MAX_RESET_STREAMS, MAX_SEND_BYTES, MAX_STREAMS,
};
use super::stall::Unstalled;
use super::tls::Certificate;
use crate::config::ConnectionLimits;

/// What all connections of a listener share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) router: Router,
    pub(super) certificate: Option<Arc<Certificate>>,
    pub(super) limits: ConnectionLimits,
    pub(super) end: End,
}

/// How connections end, and what is left of them.
#[derive(Clone, Default)]
pub(super) struct End {
    /// Requests that are under way end, no new ones begin.
    pub(super) stop: CancellationToken,
    /// All is dropped.
    pub(super) abort: CancellationToken,
    pub(super) tasks: TaskTracker,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for End {
    /// The streams of HTTP/2, which would outlive their connection otherwise.
    fn execute(&self, stream: F) {
        let abort = self.abort.clone();
        self.tasks.spawn(async move {
            abort.run_until_cancelled(stream).await;
        });
    }
}

/// Serves a connection until it ends.
pub(super) async fn serve(tcp: TcpStream, peer: SocketAddr, shared: Shared) {
    let Shared { router, certificate, limits, end } = shared;
    let tcp = Unstalled::new(tcp, limits.write());
    let Some(certificate) = certificate else {
        // Which protocol it is, is not guessed: a guess would wait for the first bytes without a limit.
        return converse(tcp, Protocol::Http1, peer, router, limits, &end).await;
    };
    let handshake = timeout(limits.head(), certificate.acceptor().accept(tcp));
    let Some(Ok(Ok(tls))) = end.abort.run_until_cancelled(handshake).await else {
        return;
    };
    let protocol = match tls.get_ref().1.alpn_protocol() {
        Some(b"h2") => Protocol::Http2,
        _ => Protocol::Http1,
    };
    converse(tls, protocol, peer, router, limits, &end).await;
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Http1,
    Http2,
}

fn builder(protocol: Protocol, limits: ConnectionLimits, end: &End) -> Builder<End> {
    let mut builder = Builder::new(end.clone());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head())
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE)
        .max_concurrent_streams(MAX_STREAMS)
        .max_pending_accept_reset_streams(MAX_RESET_STREAMS)
        .max_header_list_size(u32::try_from(MAX_HEAD_BYTES).unwrap_or(u32::MAX))
        .max_send_buf_size(MAX_SEND_BYTES);
    match protocol {
        Protocol::Http1 => builder.http1_only(),
        Protocol::Http2 => builder.http2_only(),
    }
}

async fn converse(
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    protocol: Protocol,
    peer: SocketAddr,
    router: Router,
    limits: ConnectionLimits,
    end: &End,
) {
    let activity = Activity::new();
    let idle = idle(activity.watch(), limits.head());
    let service = service_fn(move |request| answer(router.clone(), request, peer, &activity));
    let builder = builder(protocol, limits, end);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(io), service));
    tokio::select! {
        _ended = connection.as_mut() => return, // an error is the peer's: it went, or broke the protocol
        () = end.abort.cancelled() => return,
        () = end.stop.cancelled() => connection.as_mut().graceful_shutdown(),
        () = idle => {
            // A peer that answers pings and asks for nothing holds a place that others wait for.
            connection.as_mut().graceful_shutdown();
            let _in_time = timeout(LINGER, connection).await;
            return;
        }
    }
    tokio::select! {
        _ended = connection => {}
        () = end.abort.cancelled() => {}
    }
}

/// Comes back once nothing was under way for `limit`.
async fn idle(mut under_way: watch::Receiver<usize>, limit: Duration) {
    loop {
        let is_quiet = *under_way.borrow_and_update() == 0;
        tokio::select! {
            changed = under_way.changed() => if changed.is_err() {
                std::future::pending::<()>().await; // the connection itself is over
            },
            () = sleep(limit), if is_quiet => return,
        }
    }
}

fn answer(
    mut router: Router,
    mut request: Request<Incoming>,
    peer: SocketAddr,
    activity: &Activity,
) -> impl Future<Output = Result<Response, Infallible>> + use<> {
    let under_way = activity.begin();
    request.extensions_mut().insert(ConnectInfo(peer));
    let response = router.call(request.map(Body::new));
    async move { Ok(response.await?.map(|body| Body::new(Answer::new(body, under_way)))) }
}
