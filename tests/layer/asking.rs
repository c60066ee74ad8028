//! A replay store that answers later: the request waits, and passes only on a good answer.

use std::sync::Mutex;
use std::time::Duration;

use axum::body::{Body, Bytes};
use http::Request;
use http_body_util::BodyExt;
use tokio::sync::oneshot;
use wafpass::replay::{
    Admission, Admitting, Capacity, Health, ReplayStore, ReplayWindow, Retention, Use,
};
use wafpass::{ContentDigest, Freshness, Perimeter, RejectionKind as Kind, UnixTime, Verified};

use crate::common::*;

/// A window behind a short wait, as a store in another process has it.
struct Remote(ReplayWindow);

impl Remote {
    fn new() -> Self {
        let retention = Freshness::cloudfront().retention();
        let started = UnixTime::from_secs(NOW - 1_000);
        Self(ReplayWindow::new(retention, Capacity::default(), started).unwrap())
    }
}

impl ReplayStore for Remote {
    fn admit(&self, claim: &Use<'_>, now: UnixTime) -> Admitting {
        let answer = self.0.admit(claim, now);
        Admitting::Later(Box::pin(async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            answer.await
        }))
    }

    fn retention(&self) -> Retention {
        self.0.retention()
    }

    fn started(&self) -> Option<UnixTime> {
        None
    }

    fn live(&self) -> usize {
        self.0.live()
    }
}

/// Says of itself what a test wants.
struct Shared(Remote, Health);

impl ReplayStore for Shared {
    fn admit(&self, claim: &Use<'_>, now: UnixTime) -> Admitting {
        self.0.admit(claim, now)
    }

    fn retention(&self) -> Retention {
        self.0.retention()
    }

    fn started(&self) -> Option<UnixTime> {
        None
    }

    fn live(&self) -> usize {
        0
    }

    fn health(&self) -> Option<Health> {
        Some(self.1)
    }
}

/// A service is ready once its store can judge: the barrier is over, and a shared store is asked, or done
/// without as it was told to.
#[test]
fn a_service_is_ready_when_its_store_is() {
    let now = UnixTime::from_secs(NOW);
    let window = builder(Freshness::strict()).build_at(now).unwrap();
    let ready: Vec<_> =
        [0, 1, 2, 60].map(|later| window.is_ready(now.saturating_add(later))).into();
    assert_eq!(ready, [false, false, true, true]);
    for (is_connected, is_degraded, expected) in
        [(false, false, false), (true, false, true), (false, true, true), (true, true, true)]
    {
        let mut health = Health::default();
        (health.is_connected, health.is_degraded) = (is_connected, is_degraded);
        let store = std::sync::Arc::new(Shared(Remote::new(), health));
        let verifier = build(builder(Freshness::strict()).replay_store(store));
        assert_eq!(verifier.is_ready(now), expected, "{is_connected} {is_degraded}");
    }
}

/// Answers whatever it is told to, or nothing.
struct Told(Mutex<Option<oneshot::Receiver<Admission>>>);

impl ReplayStore for Told {
    fn admit(&self, _: &Use<'_>, _: UnixTime) -> Admitting {
        let answer = self.0.lock().unwrap().take().unwrap();
        Admitting::Later(Box::pin(async { answer.await.unwrap_or(Admission::Unavailable) }))
    }

    fn retention(&self) -> Retention {
        Freshness::strict().retention()
    }

    fn started(&self) -> Option<UnixTime> {
        None
    }

    fn live(&self) -> usize {
        0
    }
}

fn remote_app(freshness: Freshness) -> axum::Router {
    let store = std::sync::Arc::new(Remote::new());
    app(at_now(Perimeter::new(build(builder(freshness).replay_store(store)))))
}

#[tokio::test]
async fn a_use_is_taken_once() {
    let app = remote_app(Freshness::strict());
    let request = signed("/");
    let again = replay(&request);
    let response = send(&app, request).await;
    let verified = response.extensions().get::<Verified>().unwrap();
    assert_eq!(verified.nth_use(), 1);
    assert_eq!(reason(&app, again).await, Some(Kind::Replayed));
    assert_eq!(reason(&app, get("/")).await, Some(Kind::MissingSignature));
}

#[tokio::test]
async fn a_retry_is_told_as_such() {
    let app = remote_app(Freshness::cloudfront());
    let request = signed("/");
    for nth in 1..=3 {
        let response = send(&app, replay(&request)).await;
        assert_eq!(response.extensions().get::<Verified>().unwrap().nth_use(), nth);
    }
    assert_eq!(reason(&app, request).await, Some(Kind::Replayed));
}

#[tokio::test]
async fn a_covered_body_is_checked_after_the_answer() {
    let app = remote_app(Freshness::strict());
    for (body, expected) in [("signed", None), ("altered", Some(Kind::BodyMismatch))] {
        let request = Request::post("/")
            .header("host", "shop.example")
            .header("content-digest", ContentDigest::of(b"signed").to_field_value())
            .body(Body::from(body))
            .unwrap();
        let response = send(&app, Edge::new(&["content-digest"]).sign(request)).await;
        let rejection = response.extensions().get::<wafpass::Rejection>().copied();
        assert_eq!(rejection.map(|rejection| rejection.kind), expected);
        if let Some(rejection) = rejection {
            assert!(rejection.key_id.is_some());
        } else {
            let seen = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(seen, Bytes::from_static(b"signed"));
        }
    }
}

#[tokio::test]
async fn every_answer_has_its_reason() {
    for (answer, expected) in [
        (Admission::Replayed, Kind::Replayed),
        (Admission::Full, Kind::ReplayCapacity),
        (Admission::Expired, Kind::Expired),
        (Admission::NotYetValid, Kind::NotYetValid),
        (Admission::Unavailable, Kind::ReplayUnavailable),
    ] {
        let (tell, told) = oneshot::channel();
        let store = std::sync::Arc::new(Told(Mutex::new(Some(told))));
        let verifier = build(builder(Freshness::strict()).replay_store(store));
        tell.send(answer).unwrap();
        let app = app(at_now(Perimeter::new(verifier)));
        assert_eq!(reason(&app, signed("/")).await, Some(expected));
    }
}

/// Whoever calls `admit` on such a store gets no answer, and the request does not pass.
#[test]
fn the_plain_function_fails_closed() {
    let (_tell, told) = oneshot::channel();
    let store = std::sync::Arc::new(Told(Mutex::new(Some(told))));
    let verifier = build(builder(Freshness::strict()).replay_store(store));
    let request = signed("/");
    let head = wafpass::MessageHead::from_request(&request);
    let now = UnixTime::from_secs(NOW);
    let refused = verifier.admit(verifier.check(&head, now).unwrap(), now).unwrap_err();
    assert_eq!(refused.kind, Kind::ReplayUnavailable);
}

/// Nothing reaches the application before the answer.
#[tokio::test]
async fn a_request_waits_for_its_answer() {
    let (tell, told) = oneshot::channel();
    let store = std::sync::Arc::new(Told(Mutex::new(Some(told))));
    let verifier = build(builder(Freshness::strict()).replay_store(store));
    let app = app(at_now(Perimeter::new(verifier)));
    let request = signed("/");
    let mut response = Box::pin(send(&app, request));
    let waited = tokio::time::timeout(Duration::from_millis(20), &mut response).await;
    assert!(waited.is_err());
    tell.send(Admission::Fresh { nth: std::num::NonZeroU8::MIN }).unwrap();
    assert!(response.await.extensions().get::<Verified>().is_some());
}
