//! Nested routers, extractors, and where the layer sits.

use axum::Router;
use axum::body::Body;
use axum::routing::get as route;
use http::{Method, Request, StatusCode};
use wafpass::{RejectionKind as Kind, Verified};

use crate::common::*;

#[tokio::test]
async fn nested_routers_verify_the_uri_that_arrived() {
    let inner = Router::new()
        .route("/orders", route(async |verified: Verified| verified.audience().to_owned()))
        .route("/health", route(async || "up"));
    let layer = exempting(Method::GET, "/api/v1/health");
    let app = Router::new().nest("/api", Router::new().nest("/v1", inner.layer(layer)));

    assert_eq!(reason(&app, signed("/api/v1/orders?a=1")).await, None);
    assert_eq!(reason(&app, get("/api/v1/health")).await, None);
    let mut moved = signed("/orders");
    *moved.uri_mut() = "/api/v1/orders".parse().unwrap();
    assert_eq!(reason(&app, moved).await, Some(Kind::SignatureMismatch));
}

#[tokio::test]
async fn the_fallback_is_guarded_too() {
    let app = Router::new().route("/a", route(async || "a")).layer(strict_layer());
    assert_eq!(reason(&app, get("/nowhere")).await, Some(Kind::MissingSignature));
    assert_eq!(send(&app, signed("/nowhere")).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_handler_that_asks_for_verified_without_a_layer_is_a_fault() {
    let app = Router::new().route("/", route(async |_: Verified| "never"));
    let response = send(&app, signed("/")).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(response.headers()["cache-control"], "no-store");
}

#[tokio::test]
async fn targets_are_compared_as_they_arrived() {
    let app = app(strict_layer());
    for target in
        ["//a/../b/./c", "/%2e%2E/%2f", "/a?", "/?x=%20+&&=;", "/a;b=c", "/~!$&'()*+,;=:@"]
    {
        assert_eq!(reason(&app, signed(target)).await, None, "{target}");
    }
    for (was, is) in
        [("/%2e", "/."), ("/%2f", "/%2F"), ("//a", "/a"), ("/a/", "/a"), ("/?a=1&b=2", "/?b=2&a=1")]
    {
        let mut request = signed(was);
        *request.uri_mut() = is.parse().unwrap();
        assert_eq!(reason(&app, request).await, Some(Kind::SignatureMismatch), "{was}");
    }
}

#[tokio::test]
async fn absolute_form_and_asterisk_are_understood() {
    let app = app(strict_layer());
    let request = Request::get("http://shop.example/a?b").header("host", "SHOP.example");
    let request = Edge::new(&[]).sign(request.body(Body::empty()).unwrap());
    assert_eq!(reason(&app, request).await, None);

    let mut ftp = signed("/a?b");
    *ftp.uri_mut() = "ftp://shop.example/a?b".parse().unwrap();
    assert_eq!(reason(&app, ftp).await, Some(Kind::MalformedTarget));

    let asterisk =
        Request::options("*").header("host", "shop.example").body(Body::empty()).unwrap();
    assert_eq!(reason(&app, Edge::new(&[]).sign(asterisk)).await, None);
}
