//! The origin: an axum application behind [`VerifyLayer`], as in a service of one's own.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use wafpass::{Freshness, Key, Keyring, Rejection, UnixTime, Verified, Verifier, VerifyLayer};

use super::journal::{Entry, Journal, Place};

/// The name of this origin in signatures.
pub(super) const AUDIENCE: &str = "shop";

/// What CloudFront writes into Host.
pub(super) const HOST: &str = "origin.shop.internal";

/// An origin that is up.
pub(super) struct Origin {
    pub(super) addr: SocketAddr,
    /// When it may be sent requests.
    pub(super) ready_at: UnixTime,
}

/// What the application knows of a request, which it tells the viewer here.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) key_id: String,
    pub(super) nonce: String,
    pub(super) waf: String,
    pub(super) nth_use: u8,
    pub(super) viewer_ip: Option<String>,
    pub(super) viewer_host: Option<String>,
    /// Names of the fields that only the edge may write, and of their aliases, as the application
    /// found them.
    pub(super) edge_fields: Vec<String>,
}

/// Starts the origin on `listener`.
pub(super) fn start(listener: TcpListener, key: Key, journal: Journal) -> io::Result<Origin> {
    let keys = Keyring::new([key]).map_err(io::Error::other)?;
    let verifier = Verifier::builder(AUDIENCE, keys, Freshness::cloudfront());
    let verifier = Arc::new(verifier.build().map_err(io::Error::other)?);
    let addr = listener.local_addr()?;
    let ready_at = verifier.ready_at().unwrap_or(wafpass::clock::now());

    let app = Router::new()
        .fallback(tell)
        .layer(VerifyLayer::new(verifier))
        .layer(middleware::from_fn_with_state(journal, record));
    tokio::spawn(axum::serve(listener, app).into_future());
    Ok(Origin { addr, ready_at })
}

/// The application: every path and method answers with what is known of the request.
async fn tell(verified: Verified, headers: HeaderMap) -> String {
    let facts = Facts {
        key_id: verified.key_id().to_string(),
        nonce: verified.nonce().to_owned(),
        waf: verified.waf().as_str().to_owned(),
        nth_use: verified.nth_use(),
        viewer_ip: verified.viewer_ip().map(|ip| ip.to_string()),
        viewer_host: verified.covered_value("x-cloud-host").map(str::to_owned),
        edge_fields: edge_fields(&headers),
    };
    serde_json::to_string_pretty(&facts).unwrap_or_default() + "\n"
}

/// Names of the fields among `headers` that only the edge may write, of their aliases, and of what the
/// WAF inserts.
pub(super) fn edge_fields(headers: &HeaderMap) -> Vec<String> {
    let is_edge_field = |name: &&str| {
        let plain = name.replace(['_', '.'], "-");
        plain.starts_with("x-cloud-") || plain.starts_with("x-amzn-waf-")
    };
    let names = headers.keys().map(http::HeaderName::as_str);
    let mut names: Vec<String> = names.filter(is_edge_field).map(str::to_owned).collect();
    names.sort_unstable();
    names
}

/// Outside the layer: notes what arrived, and why it was refused, which the response's extensions
/// say in this process and no byte on the wire.
async fn record(State(journal): State<Journal>, request: Request, next: Next) -> Response {
    let (method, headers) = (request.method().clone(), request.headers().clone());
    let target = request.uri().to_string();
    let response = next.run(request).await;
    let rejection = response.extensions().get::<Rejection>();
    journal.write(Entry {
        place: Place::Origin,
        method,
        target,
        headers,
        status: response.status(),
        reason: rejection.map(|rejection| rejection.code().to_owned()),
    });
    response
}
