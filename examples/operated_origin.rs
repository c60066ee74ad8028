//! An origin as it runs for years: its configuration in `wafpass.toml` and reloaded when it changes,
//! ready when its replay store is, metrics on a port of their own, and logs.
//!
//! ```sh
//! wafpass keys new --dir keys --kid 2026-11-a && wafpass keys promote 2026-11-a --dir keys
//! printf 'audience = "shop"\n[keys]\ndirectory = "keys"\n[freshness]\npreset = "cloudfront"\n' > wafpass.toml
//! cargo run --example operated_origin --features axum,config,reload,prometheus
//! ```
//!
//! Then, from another terminal: refused and counted; a new key, loaded a moment later.
//!
//! ```sh
//! curl -i http://127.0.0.1:3000/
//! curl -s http://127.0.0.1:9464/metrics | grep wafpass_requests
//! wafpass keys new --dir keys --kid 2026-12-a && sleep 1
//! curl -s http://127.0.0.1:9464/metrics | grep wafpass_key_loaded
//! ```

use std::error::Error;
use std::io::IsTerminal;
use std::path::PathBuf;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use wafpass::config::Config;
use wafpass::telemetry::Prometheus;
use wafpass::{PerimeterHandle, Verified, VerifyLayer, clock, reload};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let colour = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(colour).init();
    let path = std::env::args_os().nth(1).map_or_else(|| "wafpass.toml".into(), PathBuf::from);
    let prometheus = Prometheus::install()?; // before the first request

    // A broken configuration does not start; once it runs, a broken one changes nothing.
    let config = Config::load(path).inspect_err(|fault| eprintln!("{fault}"))?;
    let layer = VerifyLayer::of(config.perimeter()?);
    let handle = layer.handle();
    prometheus.look_at(handle.clone());
    let _watch = reload::watch(config, handle.clone())?; // for as long as this runs

    let app = Router::new().route("/", get(hello)).layer(layer);
    // For the monitoring and the load balancer; the world does not reach this port.
    let inside = Router::new()
        .route("/metrics", get(async move || prometheus.render()))
        .route("/ready", get(async move || ready(&handle)));

    let outside = TcpListener::bind("127.0.0.1:3000").await?;
    let private = TcpListener::bind("127.0.0.1:9464").await?;
    tracing::info!("origin on http://127.0.0.1:3000, metrics on http://127.0.0.1:9464/metrics");
    tokio::try_join!(axum::serve(outside, app), axum::serve(private, inside))?;
    Ok(())
}

async fn hello(verified: Verified) -> String {
    format!("signed by {}, request {}\n", verified.key_id(), verified.nonce())
}

/// Not in the first two seconds, so that no request signed before the start arrives; with Redis, not
/// before it answers.
fn ready(handle: &PerimeterHandle) -> StatusCode {
    if handle.verifier().is_ready(clock::now()) {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}
