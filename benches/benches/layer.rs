//! The layer in front of an axum router: what it adds to a request, in one process, without sockets.
//!
//! Every request has a signature and a nonce of its own, made before the clock starts.
//!
//! `cargo bench -p wafpass-benches --bench layer` takes ten seconds; `-- --gate` makes it fail when a
//! limit is missed.

use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hmac::{Hmac, KeyInit, Mac};
use moka::sync::Cache;
use sha2::Sha256;
use tower_service::Service;

use wafpass::scheme::edge::{DATE, HOST, SIGNATURE, VIEWER_IP};
use wafpass::{UnixTime, VerifyLayer, clock};
use wafpass_benches::request::{AUDIENCE, KEY_ID, SECRET, signed, signer, verifier};
use wafpass_benches::{Comparison, Gate};

fn main() -> ExitCode {
    // Requests are signed as they are needed; the window began before.
    let verifier = verifier(clock::now().saturating_add(-1));
    let naive = from_fn_with_state(Arc::new(Naive::new()), Naive::guard);

    let signer = &signer();
    let request = || signed::<Body>(signer, clock::now());
    let [mut bare, mut noop, mut verify, mut naive] = [
        router(),
        router().layer(from_fn(async |request: Request, next: Next| next.run(request).await)),
        router().layer(VerifyLayer::new(verifier)),
        router().layer(naive),
    ];
    let report = Comparison::new("one request through an axum router")
        .candidate_with("bare", request, |request| answer(&mut bare, request))
        .candidate_with("no-op from_fn", request, |request| answer(&mut noop, request))
        .candidate_with("VerifyLayer", request, |request| answer(&mut verify, request))
        .candidate_with("naive from_fn", request, |request| answer(&mut naive, request))
        .run();

    let added_us = (report.ns("VerifyLayer") - report.ns("bare")) / 1e3;
    let mut gate = Gate::new();
    gate.at_most("VerifyLayer adds, µs", added_us, 1.6);
    gate.finish()
}

fn router() -> Router {
    Router::new().route("/catalog/garden/tools", get(async || "Hello, World!"))
}

/// Runs a service that never waits.
fn answer(router: &mut Router, request: Request) -> Response {
    let future = pin!(router.call(request));
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(response)) => {
            assert_eq!(response.status(), StatusCode::OK);
            response
        }
        Poll::Pending => unreachable!("nothing to wait for"),
    }
}

/// The same checks as one writes them first: text, a key for each request, and a cache of nonces.
struct Naive {
    nonces: Cache<String, ()>,
}

impl Naive {
    fn new() -> Self {
        Self { nonces: Cache::builder().time_to_live(Duration::from_secs(95)).build() }
    }

    async fn guard(State(naive): State<Arc<Self>>, request: Request, next: Next) -> Response {
        if naive.accepts(&request).is_some() {
            next.run(request).await
        } else {
            StatusCode::FORBIDDEN.into_response()
        }
    }

    fn accepts(&self, request: &Request) -> Option<()> {
        let field = |name: &str| request.headers().get(name)?.to_str().ok().map(str::to_owned);
        let signature = field(SIGNATURE)?;
        let claim = |name: &str| {
            let claims = signature.split(';');
            claims.filter_map(|claim| claim.split_once('=')).find(|(claim, _)| *claim == name)
        };
        let claim = |name| claim(name).map(|(_, value)| value.to_owned());
        let [kid, nonce, aud, waf, mac] = ["kid", "nonce", "aud", "waf", "sig"].map(claim);
        let (kid, nonce, aud, waf, mac) = (kid?, nonce?, aud?, waf?, mac?);
        let (date, host, viewer_ip) = (field(DATE)?, field(HOST)?, field(VIEWER_IP)?);

        let age_s = clock::now().seconds_since(UnixTime::parse_date(date.as_bytes())?);
        if kid != KEY_ID || aud != AUDIENCE || waf != "pass" || !(-5..=90).contains(&age_s) {
            return None;
        }
        let base = format!(
            "WAFPASS1-HMAC-SHA256\n{date}\n{kid}\n{nonce}\n{aud}\n{waf}\n{}\n{}\n{}\n\
             {HOST}:{host}\n{VIEWER_IP}:{viewer_ip}",
            request.method(),
            request.uri().path(),
            request.uri().query().unwrap_or_default(),
        );
        let computed = Hmac::<Sha256>::new_from_slice(&SECRET).ok()?.chain_update(base);
        let hex = |text: &str| u8::from_str_radix(text, 16).ok();
        let mac: Option<Vec<u8>> = (0..64).step_by(2).map(|at| hex(mac.get(at..at + 2)?)).collect();
        computed.verify_slice(&mac?).ok()?;
        self.nonces.entry(nonce).or_insert(()).is_fresh().then_some(())
    }
}
