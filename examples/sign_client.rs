//! A Rust client that signs: another service of the same owner, or a probe that tests the origin.
//!
//! ```text
//! cargo run --example sign_client --features axum
//! ```
//!
//! Starts an origin on a free loopback port, sends it one signed and one bare request, and stops.

use std::error::Error;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tower::{ServiceBuilder, ServiceExt};
use wafpass::{
    Freshness, Key, Keyring, Secret, SignLayer, Signer, Verified, Verifier, VerifyLayer,
    WafRequirement, clock,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let key = Key::new("internal-1", &Secret::generate()?)?;

    // The origin. This client stands behind no WAF, so its signatures say `waf=none`: an audience
    // of its own that does not require evidence, rather than a weaker rule for everybody.
    let started = clock::now().saturating_add(-1); // it has seen nothing yet: there is no before
    let verifier = Verifier::builder("internal", Keyring::new([key.clone()])?, Freshness::strict())
        .waf(WafRequirement::NotRequired)
        .build_at(started)?;
    let app = Router::new()
        .route("/", get(async |verified: Verified| format!("signed by {}", verified.key_id())))
        .layer(VerifyLayer::new(verifier));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}/", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, app).await });

    // The client: SignLayer innermost, so that each attempt of a retry layer has its own nonce.
    let signer = Signer::builder("internal", key).cover("x-tenant").build()?;
    let bare = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let signing = ServiceBuilder::new().layer(SignLayer::new(signer)).service(bare.clone());

    let request = || Request::get(&origin).header("x-tenant", "t1").body(Body::empty());
    let response = signing.oneshot(request()?).await?;
    println!("signed: {}", response.status());
    assert_eq!(response.status(), 200);

    let response = bare.oneshot(request()?).await?;
    println!("bare:   {}", response.status());
    assert_eq!(response.status(), 403);
    Ok(())
}
