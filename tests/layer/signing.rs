//! `SignLayer`: what a Rust client sends passes, and what cannot be signed is not sent.

use axum::body::Body;
use http::{HeaderValue, Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tower::{Layer, ServiceExt};
use wafpass::layer::SignServiceError;
use wafpass::scheme::edge::WafEvidence;
use wafpass::{Freshness, SignError, SignLayer, VerifyLayer};

use crate::common::*;

#[tokio::test]
async fn a_hyper_client_signs_and_passes() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let layer = VerifyLayer::new(build(builder(Freshness::strict())));
    let server = tokio::spawn(axum::serve(listener, app(layer)).into_future());

    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let client = SignLayer::new(Edge::new(&["x-tenant"]).signer).layer(client);
    for target in ["", "/", "/a/../b?c=%20", "/?"] {
        let mut request = Request::get(format!("http://{address}{target}"))
            .header("x-tenant", "t1")
            .header("x-cloud-viewer-ip", "forged")
            .header("x_tenant", "forged")
            .body(Body::empty())
            .unwrap();
        request.extensions_mut().insert(WafEvidence::Pass);
        let response = client.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200, "{target}");
        assert!(!response.headers()["seen"].to_str().unwrap().contains("viewer"));
    }
    server.abort();
}

#[tokio::test]
async fn what_cannot_be_signed_is_not_sent() {
    let inner =
        tower::service_fn(async |_: Request<Body>| -> Result<Response<Body>, std::io::Error> {
            panic!("sent unsigned")
        });
    let client = SignLayer::new(Edge::new(&["x-tenant"]).signer).layer(inner);
    let tenant = HeaderValue::from_static("t1");
    let mut twice = get("/");
    twice.headers_mut().append("x-tenant", tenant.clone());
    twice.headers_mut().append("x-tenant", tenant.clone());
    let mut nowhere = Request::new(Body::empty());
    nowhere.headers_mut().insert("x-tenant", tenant);
    for (request, expected) in [
        (get("/"), SignError::MissingCoveredHeader { name: "x-tenant".into() }),
        (twice, SignError::DuplicateHeader { name: "x-tenant".into() }),
        (nowhere, SignError::Request),
    ] {
        let error = client.clone().oneshot(request).await.unwrap_err();
        assert!(matches!(&error, SignServiceError::Sign(fault) if *fault == expected), "{error}");
    }
}
