//! Behind a layer that verifies.

use axum::body::Body;
use http::Request;
use serde_json::json;
use wafpass::layer::rules::{ClientIp, RayId, RulesLayer};
use wafpass::{
    BodyCoverage, ContentDigest, Freshness, Key, Keyring, Secret, Signer, Verifier, VerifyLayer,
    WafEvidence, clock, random_nonce,
};

use crate::common::*;

const ATTACK: &str = "a needle in a body";

fn key() -> Key {
    Key::new("k", &Secret::new([42; 32]).unwrap()).unwrap()
}

fn verify() -> VerifyLayer {
    let keys = Keyring::new([key()]).unwrap();
    let verifier = Verifier::builder("shop", keys, Freshness::cloudfront());
    let verifier = verifier.body_coverage(BodyCoverage::Required);
    VerifyLayer::new(verifier.build_at(clock::now().saturating_add(-10)).unwrap())
}

/// A request of the edge, and its nonce.
fn signed(body: &str) -> (Request<Body>, String) {
    let mut request = post(body.to_owned());
    let digest = ContentDigest::of(body.as_bytes()).to_field_value();
    request.headers_mut().insert("content-digest", digest.parse().unwrap());
    request.headers_mut().insert("x-cloud-viewer-ip", "203.0.113.9".parse().unwrap());
    let signer = Signer::builder("shop", key()).cover("content-digest").cover("x-cloud-viewer-ip");
    let nonce = random_nonce().unwrap();
    signer.build().unwrap().sign_request(&mut request, WafEvidence::Pass, &nonce).unwrap();
    (request, nonce)
}

#[tokio::test]
async fn rules_see_the_body_that_was_verified_and_the_viewer_that_was_signed() {
    let rules = rules(
        r#"
        viewer: log: ip.src eq 203.0.113.9
        body: block: http.request.body.raw contains "needle"
        protocol: block 418: any(http.request.headers.names[*] eq "x-cloud-signature")
    "#,
    );
    let (owner, kept) = (owner(), Kept::default());
    let layer = RulesLayer::builder(rules)
        .client_ip(ClientIp::SignedViewer)
        .ray_id(RayId::SignedNonce)
        .log(log_to(&owner, kept.clone()).build().unwrap());
    let layer = layer.build().unwrap();
    let handle = layer.handle();
    let app = app(layer).layer(verify());

    let (request, nonce) = signed(ATTACK);
    let response = send(&app, request).await;
    assert_eq!(response.status(), 403);
    let event = kept.only().await;
    assert_eq!((&event["RayID"], &event["ClientIP"]), (&json!(nonce), &json!("203.0.113.9")));
    let matched = opened(&event, &owner);
    assert_eq!(matched["http.request.body.raw"]["content"], "needle");
    assert_eq!(matched["ip.src"]["content"], "203.0.113.9");

    let (request, _) = signed("nothing of note");
    let response = send(&app, request).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["matched"]),
        (200, &"viewer".parse().unwrap())
    );
    assert_eq!(text(response).await, "nothing of note");
    assert_eq!(handle.evaluated(), 2);

    // What the edge did not sign reaches no rule.
    assert_eq!(status(&app, post(ATTACK)).await, 403);
    let (mut changed, _) = signed(ATTACK);
    *changed.body_mut() = Body::from("another body");
    assert_eq!(status(&app, changed).await, 403);
    assert_eq!(handle.evaluated(), 2);
}
