//! What a handler can know of a verified request, and what it must not take from anywhere else.
//!
//! ```text
//! cargo run --example verified_handler --features axum
//! ```

use std::error::Error;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::routing::get;
use axum::{Router, response::IntoResponse};
use tower::ServiceExt;
use wafpass::{
    Freshness, Key, Keyring, Secret, Signer, Verified, Verifier, VerifyLayer, WafEvidence, clock,
};

async fn handler(verified: Verified) -> impl IntoResponse {
    // The viewer's address as the edge saw it: not from x-forwarded-for, which anybody can write.
    let viewer = verified.viewer_ip().map(|ip| ip.to_string());
    let mut report = format!(
        "key id    {}\naudience  {}\nsigned    {} s ago\nwaf       {}\nnonce     {}\nviewer    {}\n",
        verified.key_id(),
        verified.audience(),
        clock::now().seconds_since(verified.date()),
        verified.waf().as_str(),
        verified.nonce(), // in CloudFront the request id: the same as in its logs
        viewer.as_deref().unwrap_or("not covered"),
    );
    if verified.nth_use() > 1 {
        report += "a retry by the CDN: the first attempt may have been answered\n";
    }
    for (name, value) in verified.covered() {
        report += &format!("covered   {name}: {value}\n");
    }
    report
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let key = Key::new("2026-11-a", &Secret::generate()?)?;
    let keys = Keyring::new([key.clone()])?;
    let started = clock::now().saturating_add(-1); // it has seen nothing yet: there is no before
    let verifier = Verifier::builder("shop", keys, Freshness::cloudfront()).build_at(started)?;
    let app = Router::new().route("/", get(handler)).layer(VerifyLayer::new(verifier));

    // In place of the edge.
    let signer = Signer::builder("shop", key).cover("x-cloud-host").cover("x-cloud-viewer-ip");
    let mut request = Request::get("/")
        .header("host", "origin.example")
        .header("x-cloud-host", "shop.example")
        .header("x-cloud-viewer-ip", "2001:db8::7")
        .header("x_cloud_viewer_ip", "an alias that a stranger sent: the layer removes it")
        .body(Body::empty())?;
    let nonce = wafpass::random_nonce()?;
    signer.build()?.sign_request(&mut request, WafEvidence::Pass, &nonce)?;

    let response = app.oneshot(request).await?;
    println!("{}", String::from_utf8(to_bytes(response.into_body(), 4096).await?.to_vec())?);
    Ok(())
}
