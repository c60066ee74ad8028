//! Backpressure: the inner service is called when it is ready, and only for what passes.

use std::convert::Infallible;

use axum::body::Body;
use http::{Request, Response};
use tower::{Layer, Service, ServiceExt};
use tower_test::mock;
use wafpass::layer::CheckedBody;

use crate::common::*;

type Inner = mock::Mock<Request<CheckedBody<Body>>, Response<Body>>;

#[tokio::test]
async fn the_layer_is_ready_when_the_inner_service_is() {
    let (inner, mut handle) = mock::pair::<Request<CheckedBody<Body>>, Response<Body>>();
    let mut guarded = strict_layer().layer(inner);
    handle.allow(0);
    let waiting = futures_util::poll!(std::pin::pin!(ready(&mut guarded)));
    assert!(waiting.is_pending());
    handle.allow(1);
    ready(&mut guarded).await;
}

/// A refused request leaves the place that `poll_ready` reserved to the next one.
#[tokio::test]
async fn a_refusal_uses_no_capacity_of_the_inner_service() {
    let (inner, mut handle) = mock::pair::<Request<CheckedBody<Body>>, Response<Body>>();
    handle.allow(1);
    let mut guarded = strict_layer().layer(inner);
    ready(&mut guarded).await;
    let refused = guarded.call(get("/")).await.unwrap();
    assert_eq!(refused.status(), 403);

    ready(&mut guarded).await; // the one place is still there
    let passed = tokio::spawn(guarded.call(signed("/")));
    let (request, respond) = handle.next_request().await.unwrap();
    assert_eq!(request.uri().path(), "/");
    respond.send_response(Response::new(Body::empty()));
    assert_eq!(passed.await.unwrap().unwrap().status(), 200);
}

async fn ready(guarded: &mut wafpass::layer::VerifyService<Inner>) {
    guarded.ready().await.map(drop).unwrap();
}

#[tokio::test]
async fn errors_of_the_inner_service_stay_what_they_are() {
    let inner = tower::service_fn(async |_: Request<CheckedBody<Body>>| {
        Err::<Response<Body>, _>(std::io::Error::other("inner"))
    });
    let error = strict_layer().layer(inner).oneshot(signed("/")).await.unwrap_err();
    assert_eq!(error.to_string(), "inner");
}

#[test]
fn the_service_is_send_sync_and_clone() {
    fn check<T: Clone + Send + Sync + 'static>(_: &T) {}
    let inner = tower::service_fn(|_: Request<CheckedBody<Body>>| {
        std::future::ready(Ok::<_, Infallible>(Response::new(Body::empty())))
    });
    check(&strict_layer().layer(inner));
}
