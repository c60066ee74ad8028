//! A covered `content-digest`: the application sees the body that was signed, or nothing.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use http::{HeaderMap, Request, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use wafpass::ContentDigest;
use wafpass::{BodyCoverage, Freshness, Perimeter, RejectionKind as Kind};

use crate::common::*;

const BODY: &str = "the body that was signed";

fn post(body: Body, digest: &str) -> Request<Body> {
    let request =
        Request::post("/").header("host", "shop.example").header("content-digest", digest);
    request.body(body).unwrap()
}

fn digest() -> String {
    ContentDigest::of(BODY.as_bytes()).to_field_value()
}

fn in_pieces(pieces: &[&'static str], trailers: Option<HeaderMap>) -> Body {
    let frames = pieces.iter().map(|piece| Frame::data(Bytes::from_static(piece.as_bytes())));
    let frames: Vec<Result<_, Infallible>> =
        frames.chain(trailers.map(Frame::trailers)).map(Ok).collect();
    Body::new(StreamBody::new(futures_util::stream::iter(frames)))
}

fn edge() -> Edge {
    Edge::new(&["content-digest"])
}

#[tokio::test]
async fn the_signed_body_reaches_the_application_whole() {
    let app = app(strict_layer());
    let (start, end) = BODY.split_at(7);
    for body in [
        Body::from(BODY),
        in_pieces(&[start, "", end], None),
        in_pieces(&[BODY], Some(HeaderMap::new())),
    ] {
        let response = send(&app, edge().sign(post(body, &digest()))).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), BODY);
    }
    let empty = ContentDigest::of(b"").to_field_value();
    assert_eq!(reason(&app, edge().sign(post(Body::empty(), &empty))).await, None);
}

#[tokio::test]
async fn any_other_body_is_refused() {
    let app = app(strict_layer());
    for body in
        ["", "the body that was signe", "the body that was signed.", "The body that was signed"]
    {
        let request = edge().sign(post(Body::from(body), &digest()));
        assert_eq!(reason(&app, request).await, Some(Kind::BodyMismatch), "{body}");
    }
    let broken = futures_util::stream::iter([Ok("the body"), Err(std::io::Error::other("reset"))]);
    let request = edge().sign(post(Body::from_stream(broken), &digest()));
    assert_eq!(reason(&app, request).await, Some(Kind::BodyMismatch));
}

#[tokio::test]
async fn a_digest_is_one_sha_256_member() {
    let app = app(strict_layer());
    let good = digest();
    for bad in ["", "sha-256=abc", &good.replace("256", "512"), &format!("{good}, {good}")] {
        let request = edge().sign(post(Body::from(BODY), bad));
        assert_eq!(reason(&app, request).await, Some(Kind::BodyMismatch), "{bad}");
    }
    // An uncovered one is ignored: anybody could have written it.
    let request = Edge::new(&[]).sign(post(Body::from(BODY), "sha-256=:AAAA:"));
    assert_eq!(reason(&app, request).await, None);
}

/// Nothing in a trailer is signed, and a framework may take it for a header.
#[tokio::test]
async fn trailers_cannot_pose_as_signed_fields() {
    let layer = crate::common::exempting(http::Method::POST, "/health");
    let names = |request: axum::extract::Request| async {
        let trailers = request.into_body().collect().await.unwrap().trailers().cloned();
        let mut names: Vec<_> = trailers.unwrap().keys().map(ToString::to_string).collect();
        names.sort_unstable();
        names.join(" ")
    };
    let app = axum::Router::new().fallback(names).layer(layer);
    let body = || {
        let names = ["x-cloud-viewer-ip", "x_cloud_host", "x-tenant", "x.tenant", "grpc-status"];
        let trailers =
            names.map(|name| (http::HeaderName::from_static(name), "1".parse().unwrap()));
        in_pieces(&[BODY], Some(HeaderMap::from_iter(trailers)))
    };
    let tenant = |mut request: Request<Body>| {
        request.headers_mut().insert("x-tenant", "t1".parse().unwrap());
        request
    };
    let uncovered = Request::post("/").header("host", "shop.example").body(body()).unwrap();
    let exempt = Request::post("/health").header("host", "shop.example").body(body()).unwrap();
    for (request, expected) in [
        (
            Edge::new(&["content-digest", "x-tenant"]).sign(tenant(post(body(), &digest()))),
            "grpc-status",
        ),
        (Edge::new(&["x-tenant"]).sign(tenant(uncovered)), "grpc-status"),
        (exempt, "grpc-status x-tenant x.tenant"),
    ] {
        let seen = send(&app, request).await.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(seen, expected);
    }
}

#[tokio::test]
async fn a_body_over_the_cap_is_413_announced_or_not() {
    let app = app(layer(builder(Freshness::strict()).body_cap(BODY.len() - 1)));
    for body in [Body::from(BODY), in_pieces(&["the body ", "that was signed"], None)] {
        let response = send(&app, edge().sign(post(body, &digest()))).await;
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(
            response.extensions().get::<wafpass::Rejection>().unwrap().kind,
            Kind::BodyTooLarge
        );
    }
    let fits = crate::common::app(layer(builder(Freshness::strict()).body_cap(BODY.len())));
    assert_eq!(reason(&fits, edge().sign(post(Body::from(BODY), &digest()))).await, None);
}

#[tokio::test]
async fn a_bad_body_does_not_give_the_use_back() {
    let app = app(strict_layer());
    let request = edge().sign(post(Body::from("other"), &digest()));
    let head = replay(&request);
    assert_eq!(reason(&app, request).await, Some(Kind::BodyMismatch));
    let good = head.map(|_| Body::from(BODY));
    assert_eq!(reason(&app, good).await, Some(Kind::Replayed));
}

/// A body that is finished after the window cannot land a second time: its use was taken before.
#[tokio::test]
async fn a_slow_body_lands_once() {
    let clock = FakeClock::new();
    let verifier = build(builder(Freshness::strict()));
    let app = app(wafpass::VerifyLayer::with_clock(Perimeter::new(verifier), clock.clone()));
    let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
    let slow = async move {
        receiver.await.unwrap();
        Ok::<_, Infallible>(Frame::data(Bytes::from_static(BODY.as_bytes())))
    };
    let body = Body::new(StreamBody::new(futures_util::stream::once(Box::pin(slow))));
    let request = edge().sign(post(body, &digest()));
    let head = replay(&request);
    let slow = tokio::spawn({
        let app = app.clone();
        async move { reason(&app, request).await }
    });
    tokio::task::yield_now().await;
    assert_eq!(reason(&app, replay(&head).map(|_| Body::from(BODY))).await, Some(Kind::Replayed));
    clock.set(NOW + 61);
    sender.send(()).unwrap();
    assert_eq!(slow.await.unwrap(), None);
    assert_eq!(reason(&app, head.map(|_| Body::from(BODY))).await, Some(Kind::Expired));
}

#[tokio::test]
async fn where_bodies_must_be_covered_a_bare_one_is_refused() {
    let app = app(layer(builder(Freshness::strict()).body_coverage(BodyCoverage::Required)));
    let bare = || Request::post("/").header("host", "shop.example");
    let with_body = Edge::new(&[]).sign(bare().body(Body::from(BODY)).unwrap());
    assert_eq!(reason(&app, with_body).await, Some(Kind::InsufficientCoverage));
    let without = Edge::new(&[]).sign(bare().body(Body::empty()).unwrap());
    assert_eq!(reason(&app, without).await, None);
    assert_eq!(reason(&app, edge().sign(post(Body::from(BODY), &digest()))).await, None);
}
