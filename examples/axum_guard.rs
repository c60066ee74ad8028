//! An axum origin that answers only what its edge signed.
//!
//! ```text
//! wafpass keygen --kid 2026-11-a --aud shop --freshness cloudfront --out keys.json --edge-out edge.json
//! export SHOP_KEY=$(jq -r '.keys[0].key' keys.json)
//! cargo run --example axum_guard --features axum
//! ```
//!
//! Then, from another terminal: refused, exempt, and let through.
//!
//! ```text
//! curl -i http://127.0.0.1:3000/
//! curl -i http://127.0.0.1:3000/health
//! curl -i $(wafpass sign --key-file keys.json --waf pass -H x-cloud-viewer-ip:203.0.113.9 http://127.0.0.1:3000/)
//! ```
//!
//! `edge.json` is for the edge: edge/cloudfront-function/README.md.

use std::error::Error;
use std::process::ExitCode;

use axum::Router;
use axum::http::{Method, StatusCode};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use wafpass::{
    Enforcement, Freshness, Key, Keyring, Perimeter, Refusal, Route, Routes, Secret, UnixTime,
    Verified, Verifier, VerifyLayer,
};

#[tokio::main]
async fn main() -> ExitCode {
    // Why a request was refused is an event of target `wafpass::refused`, level INFO.
    tracing_subscriber::fmt().init();
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}"); // the fault, and the way out
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let secret = std::env::var("SHOP_KEY").map_err(
        |_| "SHOP_KEY is not set\nset it as the first lines of examples/axum_guard.rs show",
    )?;
    let key = Key::new("2026-11-a", &Secret::from_base64url(&secret)?)?;

    // The audience is this site's name. CloudFront repeats GET and HEAD on its own: the preset
    // gives a signature the age and the uses that this needs. Evidence of the WAF is required.
    let verifier = Verifier::builder("shop", Keyring::new([key])?, Freshness::cloudfront())
        .require_header("x-cloud-viewer-ip")
        .build()?;
    let ready_at = verifier.ready_at();

    // 401, since a CloudFront origin group may take 403 for a reason to fail over.
    let health_check = Route::exact("/health", Enforcement::Exempt)?.method(Method::GET);
    let guard = Perimeter::new(verifier)
        .routes(Routes::default().with(health_check)?)
        .refuse_with(Refusal::with_status(StatusCode::UNAUTHORIZED)?);

    let app = Router::new()
        .route("/", get(hello))
        .route("/orders", post(async || StatusCode::CREATED))
        .route("/health", get(move || async move { health(ready_at) }))
        .layer(VerifyLayer::of(guard)); // outermost, and around the fallback too

    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

/// Runs only for verified requests, so it can ask for what was verified.
async fn hello(verified: Verified) -> String {
    let viewer = verified.viewer_ip().map_or("unknown".to_owned(), |ip| ip.to_string());
    format!("hello {viewer}, request {}\n", verified.nonce())
}

/// Not ready in the first two seconds, so that no request signed before the start arrives.
fn health(ready_at: Option<UnixTime>) -> StatusCode {
    match ready_at {
        Some(ready_at) if wafpass::clock::now() < ready_at => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::OK,
    }
}
