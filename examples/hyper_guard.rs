//! A plain hyper server behind the layer: HTTP/1.1 and HTTP/2, no axum.
//!
//! ```text
//! wafpass keygen --kid 2026-11-a --aud shop --freshness strict --out keys.json --edge-out edge.json
//! export SHOP_KEY=$(jq -r '.keys[0].key' keys.json)
//! cargo run --example hyper_guard
//! ```
//!
//! Then, from another terminal: refused, and let through.
//!
//! ```text
//! curl -i -d hello http://127.0.0.1:3000/
//! curl -i -d hello $(wafpass sign --key-file keys.json --waf pass -X POST http://127.0.0.1:3000/)
//! ```

use std::convert::Infallible;
use std::error::Error;
use std::process::ExitCode;

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
async fn main() -> ExitCode {
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
        |_| "SHOP_KEY is not set\nset it as the first lines of examples/hyper_guard.rs show",
    )?;
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
async fn echo(
    request: Request<CheckedBody<Incoming>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let verified = request.extensions().get::<Verified>().cloned();
    let Ok(body) = request.into_body().collect().await else {
        return Ok(Response::builder().status(400).body(Full::default()).unwrap_or_default());
    };
    if let Some(verified) = verified {
        println!("request {} of key {}", verified.nonce(), verified.key_id());
    }
    Ok(Response::new(Full::new(body.to_bytes())))
}
