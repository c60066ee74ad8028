//! One origin, one edge, and a clock that stands still until a test moves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::routing::any;
use http::{HeaderMap, Method, Request, Response};
use tower::ServiceExt;
use wafpass::clock::Clock;
use wafpass::scheme::edge::WafEvidence;
use wafpass::{
    Enforcement, Freshness, Key, Keyring, Perimeter, Rejection, RejectionKind, Route, Routes,
    Secret, Signer, UnixTime, Verified, Verifier, VerifierBuilder, VerifyLayer,
};

pub const NOW: i64 = 1_795_307_400;
pub const SIGNATURE: &str = "x-cloud-signature";
pub const DATE: &str = "x-cloud-date";

#[derive(Clone)]
pub struct FakeClock(Arc<AtomicI64>);

impl FakeClock {
    pub fn new() -> Self {
        Self(Arc::new(AtomicI64::new(NOW)))
    }

    pub fn set(&self, secs: i64) {
        self.0.store(secs, Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.load(Ordering::SeqCst))
    }
}

pub fn key(id: &str) -> Key {
    Key::new(id, &Secret::new([42; 32]).unwrap()).unwrap()
}

pub fn builder(freshness: Freshness) -> VerifierBuilder {
    Verifier::builder("shop", Keyring::new([key("k")]).unwrap(), freshness)
}

/// A verifier whose replay window began long ago.
pub fn build(builder: VerifierBuilder) -> Verifier {
    builder.build_at(UnixTime::from_secs(NOW - 1_000)).unwrap()
}

pub fn layer(builder: VerifierBuilder) -> VerifyLayer {
    at_now(Perimeter::new(build(builder)))
}

/// A layer whose clock stands still.
pub fn at_now<R>(perimeter: Perimeter<R>) -> VerifyLayer<R> {
    VerifyLayer::with_clock(perimeter, FakeClock::new())
}

pub fn strict() -> Perimeter {
    Perimeter::new(build(builder(Freshness::strict())))
}

/// Strict, but for one route.
pub fn exempting(method: Method, path: &str) -> VerifyLayer {
    let route = Route::exact(path, Enforcement::Exempt).unwrap().method(method);
    at_now(strict().routes(Routes::default().with(route).unwrap()))
}

pub fn strict_layer() -> VerifyLayer {
    at_now(strict())
}

/// An application that says what it was given.
pub fn app<R>(layer: VerifyLayer<R>) -> Router
where
    R: wafpass::layer::Refuse<Body> + Clone,
{
    Router::new().fallback(any(seen)).layer(layer)
}

async fn seen(
    verified: Option<Verified>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Response<Body> {
    let names: Vec<_> = headers.keys().map(|name| name.as_str()).collect();
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert("seen", names.join(" ").parse().unwrap());
    if let Some(verified) = verified {
        response.extensions_mut().insert(verified);
    }
    response
}

/// An edge that covers `covered`, with a new nonce for each request.
pub struct Edge {
    pub signer: Signer,
    pub waf: WafEvidence,
    pub now: UnixTime,
}

impl Edge {
    pub fn new(covered: &[&str]) -> Self {
        let builder =
            covered.iter().fold(Signer::builder("shop", key("k")), |b, name| b.cover(name));
        let signer = builder.build().unwrap();
        Self { signer, waf: WafEvidence::Pass, now: UnixTime::from_secs(NOW) }
    }

    pub fn sign<B>(&self, mut request: Request<B>) -> Request<B> {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let nonce = format!("request-id-{:08}", SERIAL.fetch_add(1, Ordering::Relaxed));
        self.signer.sign_request_at(&mut request, self.waf, &nonce, self.now).unwrap();
        request
    }
}

pub fn get(target: &str) -> Request<Body> {
    Request::get(target).header("host", "shop.example").body(Body::empty()).unwrap()
}

pub fn signed(target: &str) -> Request<Body> {
    Edge::new(&[]).sign(get(target))
}

/// The same head once more: what a captured request looks like.
pub fn replay(request: &Request<Body>) -> Request<Body> {
    let mut copy = Request::new(Body::empty());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}

pub async fn send(app: &Router, request: Request<Body>) -> Response<Body> {
    app.clone().oneshot(request).await.unwrap()
}

/// Why `app` refuses `request`; `None` when it passes.
pub async fn reason(app: &Router, request: Request<Body>) -> Option<RejectionKind> {
    let response = send(app, request).await;
    let rejection = response.extensions().get::<Rejection>().map(|rejection| rejection.kind);
    assert_eq!(rejection.is_none(), response.status().is_success());
    rejection
}
