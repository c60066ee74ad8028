//! Report-only: the same checks, reasons and counts, and the request passes without a `Verified`.

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use wafpass::telemetry::Verdict;
use wafpass::{
    ContentDigest, Enforcement, Freshness, Perimeter, Rejection, RejectionKind as Kind, Route,
    Routes, Verified, VerifyLayer,
};

use crate::common::*;

fn reporting(perimeter: Perimeter) -> VerifyLayer {
    let admin = Route::prefix("/admin/", Enforcement::Enforce).unwrap();
    let routes = Routes::new(Enforcement::ReportOnly).unwrap().with(admin).unwrap();
    at_now(perimeter.routes(routes))
}

#[tokio::test]
async fn what_would_be_refused_passes_bare() {
    let app = app(reporting(strict()));
    let forged = Request::get("/a")
        .header("host", "shop.example")
        .header("x-cloud-viewer-ip", "6.6.6.6")
        .header("x_cloud_host", "evil.example")
        .body(Body::empty())
        .unwrap();
    let response = send(&app, forged).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["seen"], "host");
    assert!(response.extensions().get::<Verified>().is_none());
    assert!(response.extensions().get::<Rejection>().is_none());
}

#[tokio::test]
async fn what_is_good_passes_verified_and_its_use_is_taken() {
    let layer = reporting(strict());
    let (handle, app) = (layer.handle(), app(layer));
    let request = signed("/a");
    let again = replay(&request);
    assert!(send(&app, request).await.extensions().get::<Verified>().is_some());
    assert!(send(&app, again).await.extensions().get::<Verified>().is_none());
    let verdicts: Vec<_> =
        handle.telemetry().summary().rows.into_iter().map(|row| row.verdict).collect();
    assert_eq!(verdicts, [Verdict::Accepted, Verdict::Reported(Kind::Replayed)]);
}

#[tokio::test]
async fn an_enforced_route_refuses_however_it_is_written() {
    let app = app(reporting(strict()));
    for path in ["/admin/x", "/a/../admin/x", "//admin/x", "/%61dmin/x", "/admin/x;y"] {
        assert_eq!(reason(&app, get(path)).await, Some(Kind::MissingSignature), "{path}");
    }
    for path in ["/", "/admin", "/administrator"] {
        assert_eq!(reason(&app, get(path)).await, None, "{path}");
    }
}

/// A covered body that does not match, or is too large, reaches the application whole.
#[tokio::test]
async fn a_bad_body_passes_whole() {
    let cap = 10;
    let layer = reporting(Perimeter::new(build(builder(Freshness::strict()).body_cap(cap))));
    let (handle, app) = (layer.handle(), app(layer));
    let digest = ContentDigest::of(b"signed").to_field_value();
    for (pieces, kind) in [
        (vec!["altered"], Kind::BodyMismatch),
        (vec!["alte", "red"], Kind::BodyMismatch),
        (vec!["much longer than the cap allows"], Kind::BodyTooLarge),
        (vec!["long", "er than", " the cap", " allows"], Kind::BodyTooLarge),
        (vec!["signed"], Kind::BodyTooLarge), // fits, and is accepted
    ] {
        let frames = pieces.clone().into_iter().map(|piece| {
            Ok::<_, std::convert::Infallible>(http_body::Frame::data(axum::body::Bytes::from(
                piece,
            )))
        });
        let body = Body::new(StreamBody::new(tokio_stream::iter(frames)));
        let request = Request::post("/a").header("host", "shop.example");
        let request = request.header("content-digest", &digest).body(body).unwrap();
        let response = send(&app, Edge::new(&["content-digest"]).sign(request)).await;
        assert_eq!(response.status(), StatusCode::OK);
        let is_good = pieces == ["signed"];
        assert_eq!(response.extensions().get::<Verified>().is_some(), is_good, "{pieces:?}");
        let seen = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(seen, pieces.concat().as_bytes());
        if !is_good {
            let rows = handle.telemetry().summary().rows;
            assert!(rows.iter().any(|row| row.verdict == Verdict::Reported(kind)), "{rows:?}");
        }
    }
}

/// The application would take what there is for the whole.
#[tokio::test]
async fn a_body_that_broke_off_goes_no_further() {
    let app = app(reporting(strict()));
    let frames = [
        Ok(http_body::Frame::data(axum::body::Bytes::from_static(b"sig"))),
        Err(std::io::Error::other("reset")),
    ];
    let request = Request::post("/a")
        .header("host", "shop.example")
        .header("content-digest", ContentDigest::of(b"signed").to_field_value())
        .body(Body::new(StreamBody::new(tokio_stream::iter(frames))))
        .unwrap();
    let request = Edge::new(&["content-digest"]).sign(request);
    assert_eq!(reason(&app, request).await, Some(Kind::BodyMismatch));
}

#[tokio::test]
async fn the_summary_counts_by_reason_route_and_key() {
    let layer = reporting(strict());
    let (handle, app) = (layer.handle(), app(layer));
    for _ in 0..3 {
        send(&app, get("/a")).await;
    }
    let mut altered = signed("/a");
    *altered.uri_mut() = "/b".parse().unwrap();
    send(&app, altered).await;
    send(&app, get("/admin/x")).await;
    let mut stranger = signed("/a");
    let value = stranger.headers()[SIGNATURE].to_str().unwrap().replace("kid=k;", "kid=other;");
    stranger.headers_mut().insert(SIGNATURE, value.parse().unwrap());
    send(&app, stranger).await;
    send(&app, signed("/a")).await;

    let summary = handle.telemetry().summary();
    let rows: Vec<_> = summary
        .rows
        .iter()
        .map(|row| (row.requests, row.verdict, &*row.route, &*row.key_id))
        .collect();
    assert_eq!(
        rows,
        [
            (3, Verdict::Reported(Kind::MissingSignature), "*", ""),
            (1, Verdict::Accepted, "*", "k"),
            (1, Verdict::Refused(Kind::MissingSignature), "/admin/*", ""),
            (1, Verdict::Reported(Kind::UnknownKey), "*", ""), // a stranger's word is no label
            (1, Verdict::Reported(Kind::SignatureMismatch), "*", "k"),
        ]
    );
    assert_eq!(summary.requests("reported"), 5);
    let table = summary.to_string();
    assert!(table.lines().nth(1).unwrap().contains("missing-signature"), "{table}");
}

/// Two layers, one in the other: what the outer one verified is not what the inner route asks.
#[tokio::test]
async fn an_inner_route_does_not_keep_what_an_outer_layer_verified() {
    let inner = app(exempting(http::Method::GET, "/a"));
    let app = inner.layer(strict_layer());
    let response = send(&app, signed("/a")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.extensions().get::<Verified>().is_none());
}
