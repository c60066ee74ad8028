//! A plain hyper server behind the layer: HTTP/1.1 and HTTP/2, no axum.
//!
//! ```text
//! export WAFPASS_KEY=$(head -c 32 /dev/urandom | basenc --base64url | tr -d =)
//! cargo run --example hyper_guard
//! curl -i http://127.0.0.1:3000/
//! ```

use std::convert::Infallible;
use std::error::Error;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::{ServiceBuilder, service_fn};
use wafpass::layer::CheckedBody;
use wafpass::{Freshness, Key, Keyring, Secret, Verified, Verifier, VerifyLayer};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let secret = std::env::var("WAFPASS_KEY").map_err(|_| "set WAFPASS_KEY, as shown above")?;
    let key = Key::new("2026-11-a", &Secret::from_base64url(&secret)?)?;
    let verifier = Verifier::builder("shop", Keyring::new([key])?, Freshness::strict()).build()?;

    let service = ServiceBuilder::new().layer(VerifyLayer::new(verifier)).service(service_fn(echo));
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            let server = auto::Builder::new(TokioExecutor::new());
            let connection = server.serve_connection_with_upgrades(TokioIo::new(stream), service);
            if let Err(error) = connection.await {
                eprintln!("connection: {error}");
            }
        });
    }
}

/// Sends the body back. Where the signature covers `content-digest`, it is the one that was signed.
async fn echo(request: Request<CheckedBody<Incoming>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let verified = request.extensions().get::<Verified>().cloned();
    let Ok(body) = request.into_body().collect().await else {
        return Ok(Response::builder().status(400).body(Full::default()).unwrap_or_default());
    };
    if let Some(verified) = verified {
        println!("request {} of key {}", verified.nonce(), verified.key_id());
    }
    Ok(Response::new(Full::new(body.to_bytes())))
}
