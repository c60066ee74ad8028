//! What an operator reads in the log: reason, route, key id and nonce; no secret, signature or query.

use std::io;
use std::sync::{Arc, Mutex};

use http::{Method, Request};
use tracing::subscriber::DefaultGuard;
use wafpass::limits::DEFAULT_LOGGED_PER_SECOND as LOGGED_PER_SECOND;
use wafpass::{Enforcement, Perimeter, Route, Routes, UnixTime, VerifyLayer};

use crate::common::*;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// Takes in what this thread logs while the guard lives.
    fn capture() -> (Self, DefaultGuard) {
        let lines = Self::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .without_time()
            .with_ansi(false)
            .finish();
        (lines, tracing::subscriber::set_default(subscriber))
    }

    fn take(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }
}

fn routed() -> Perimeter {
    let trial = Route::prefix("/trial/", Enforcement::ReportOnly).unwrap().method(Method::GET);
    strict().routes(Routes::default().with(trial).unwrap())
}

#[tokio::test]
async fn a_refusal_is_told_in_one_line() {
    let (lines, _guard) = Lines::capture();
    let app = app(at_now(routed()));
    send(&app, get("/a?token=secret")).await;
    let mut altered = signed("/a");
    *altered.uri_mut() = "/b?token=secret".parse().unwrap();
    let value = altered.headers()[SIGNATURE].to_str().unwrap().to_owned();
    let nonce = value.split("nonce=").nth(1).unwrap().split(';').next().unwrap();
    send(&app, altered).await;
    let told = lines.take();
    assert_eq!(
        told,
        [
            " INFO wafpass::refused: refused enforcement=enforce reason=missing-signature route=\"*\"",
            &format!(
                " INFO wafpass::refused: refused enforcement=enforce reason=signature-mismatch route=\"*\" key_id=k nonce=\"{nonce}\" age_s=0"
            ),
        ]
    );
    let signature = value.split("sig=").nth(1).unwrap();
    assert!(!told.concat().contains("secret") && !told.concat().contains(signature));
}

#[tokio::test]
async fn report_only_says_so() {
    let (lines, _guard) = Lines::capture();
    let app = app(at_now(routed()));
    send(&app, get("/trial/x")).await;
    assert_eq!(
        lines.take(),
        [
            " INFO wafpass::refused: would be refused enforcement=report-only reason=missing-signature route=\"GET /trial/*\""
        ]
    );
}

/// What a stranger writes into the field goes into no log line unless it follows the grammar.
#[tokio::test]
async fn nobody_can_write_the_log() {
    let (lines, _guard) = Lines::capture();
    let app = app(strict_layer());
    let mut request = signed("/a");
    let odd = b"v1;kid=k;nonce=0123456789abcdef\xffreason=ok;aud=shop;waf=pass;h=;sig=00";
    request.headers_mut().insert(SIGNATURE, http::HeaderValue::from_bytes(odd).unwrap());
    send(&app, request).await;
    let told = lines.take();
    assert_eq!(
        told,
        [
            " INFO wafpass::refused: refused enforcement=enforce reason=malformed-signature route=\"*\""
        ]
    );
}

#[tokio::test]
async fn a_flood_is_sampled_and_counted() {
    let (lines, _guard) = Lines::capture();
    let clock = FakeClock::new();
    let layer = VerifyLayer::with_clock(strict(), clock.clone());
    let (handle, app) = (layer.handle(), app(layer));
    for _ in 0..1_000 {
        send(&app, Request::get("/").header("host", "a").body(axum::body::Body::empty()).unwrap())
            .await;
    }
    assert_eq!(lines.take().len(), usize::try_from(LOGGED_PER_SECOND).unwrap());
    clock.set(NOW + 1);
    send(&app, get("/")).await;
    let told = lines.take();
    assert!(told[0].ends_with(&format!("suppressed={}", 1_000 - LOGGED_PER_SECOND)), "{told:?}");
    assert_eq!(handle.telemetry().summary().requests("refused"), 1_001);

    handle.replace(strict().logged_per_second(2));
    clock.set(NOW + 2);
    for _ in 0..10 {
        send(&app, get("/")).await;
    }
    assert_eq!(lines.take().len(), 2);
}

#[tokio::test]
async fn clocks_that_differ_are_told_before_requests_are_refused() {
    let (lines, _guard) = Lines::capture();
    let clock = FakeClock::new();
    let app = app(VerifyLayer::with_clock(strict(), clock.clone()));
    let run = async |age_s: i64| {
        for _ in 0..30 {
            let edge =
                Edge { now: UnixTime::from_secs(clock_now(&clock) - age_s), ..Edge::new(&[]) };
            assert_eq!(reason(&app, edge.sign(get("/"))).await, None);
        }
        clock.set(clock_now(&clock) + 61);
        let edge = Edge { now: UnixTime::from_secs(clock_now(&clock) - age_s), ..Edge::new(&[]) };
        assert_eq!(reason(&app, edge.sign(get("/"))).await, None);
        lines.take()
    };
    assert_eq!(run(0).await, Vec::<String>::new());
    let behind = run(-3).await;
    assert!(
        behind[0].starts_with(" WARN wafpass::clock: signatures come from the future"),
        "{behind:?}"
    );
    assert!(behind[0].contains("key_id=\"k\" median_age_s=-3"), "{behind:?}");
    let ahead = run(30).await;
    assert!(ahead[0].starts_with(" WARN wafpass::clock: signatures are old"), "{ahead:?}");
}

fn clock_now(clock: &FakeClock) -> i64 {
    wafpass::clock::Clock::now(clock).as_secs()
}
