//! An origin whose operator can have refusals explained to a signer far away, from a port of their own.
//!
//! ```text
//! wafpass keygen --kid 2026-11-a --aud shop --freshness cloudfront --out keys.json --edge-out edge.json
//! export SHOP_KEY=$(jq -r '.keys[0].key' keys.json)
//! cargo run --example explained_refusals --features axum,explain | tee origin.log
//! ```
//!
//! Then, from another terminal: the operator switches it on, and somebody signs `/a` and sends `/prod/a`.
//!
//! ```text
//! curl -X POST http://127.0.0.1:3001/explain/2026-11-a
//! curl -i $(wafpass sign --key-file keys.json --waf pass http://127.0.0.1:3000/a | sed s:/a$:/prod/a:)
//! ```
//!
//! docs/explain-at-distance.md goes on from here.

use std::error::Error;
use std::process::ExitCode;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Router, serve};
use tokio::net::TcpListener;
use wafpass::layer::{ExplainSwitch, PerimeterHandle};
use wafpass::{Freshness, Key, KeyId, Keyring, Secret, Verifier, VerifyLayer};

/// Long enough for one telephone call.
const EXPLAINED_FOR_S: i64 = 15 * 60;

#[tokio::main]
async fn main() -> ExitCode {
    // Records are events of target `wafpass::explain`, level INFO.
    tracing_subscriber::fmt().with_ansi(false).init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}"); // the fault, and the way out
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let secret = std::env::var("SHOP_KEY").map_err(
        |_| "SHOP_KEY is not set\nset it as the first lines of examples/explained_refusals.rs show",
    )?;
    let key = Key::new("2026-11-a", &Secret::from_base64url(&secret)?)?;
    let keys = Keyring::new([key])?;
    let verifier = Verifier::builder("shop", keys, Freshness::cloudfront()).build()?;
    let layer = VerifyLayer::new(verifier);

    // Who reaches this port may switch it on: the operators, and nobody else.
    let operators = Router::new()
        .route("/explain/{key_id}", post(explain))
        .route("/explain", axum::routing::delete(explain_off))
        .with_state(layer.handle());
    let app = Router::new().route("/a", get(async || "hello\n")).layer(layer);

    let operators_port = TcpListener::bind("127.0.0.1:3001").await?;
    let port = TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}", port.local_addr()?);
    tokio::try_join!(serve(operators_port, operators), serve(port, app))?;
    Ok(())
}

async fn explain(
    State(handle): State<PerimeterHandle>,
    Path(key_id): Path<String>,
) -> Result<String, (StatusCode, String)> {
    let now = handle.now();
    let until = now.saturating_add(EXPLAINED_FOR_S);
    let switch = KeyId::new(&key_id).and_then(|key_id| ExplainSwitch::new(key_id, until, now));
    let switch = switch.map_err(|error| (StatusCode::BAD_REQUEST, format!("{error}\n")))?;
    handle.explain([switch]);
    Ok(format!("refusals of {key_id} are explained until {until}\n"))
}

async fn explain_off(State(handle): State<PerimeterHandle>) -> StatusCode {
    handle.explain_off();
    StatusCode::NO_CONTENT
}
