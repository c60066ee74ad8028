//! The layers for tower: [`VerifyLayer`] at the origin, [`SignLayer`] in a client.
//!
//! What passes: a request whose head is good, whose use is not taken, and whose body, where it is
//! covered, is the one that was signed. The application then sees it with a [`Verified`] in its
//! extensions, and without the protocol fields, but for those that the signature covers.
//!
//! What a refused request gets: one status, an empty body, `cache-control: no-store`. The reason is
//! a [`Rejection`] in the response's extensions and an event under the tracing target
//! `wafpass::refused` ([`telemetry`](crate::telemetry)); the peer learns nothing.
//!
//! What a proxy in front does to the promise: whatever it changes of method, path, query or a
//! covered field makes the request fail. It does not weaken the promise.
//!
//! ```
//! use axum::{Router, body::Body, http::Request, http::StatusCode, routing::get};
//! use tower::ServiceExt;
//! use wafpass::{
//!     Freshness, Key, Keyring, Secret, Signer, Verified, Verifier, VerifyLayer, WafEvidence,
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = Key::new("2026-11-a", &Secret::generate()?)?;
//! let keys = Keyring::new([key.clone()])?;
//! // A moment ago, so that the restart barrier of this example lets its request through.
//! let started = wafpass::clock::now().saturating_add(-1);
//! let verifier = Verifier::builder("shop", keys, Freshness::cloudfront()).build_at(started)?;
//! let app = Router::new()
//!     .route("/", get(async |verified: Verified| verified.nonce().to_owned()))
//!     .layer(VerifyLayer::new(verifier));
//!
//! // What the edge does: sign as its last act.
//! let mut request = Request::get("/").header("host", "shop.example").body(Body::empty())?;
//! let signer = Signer::builder("shop", key).build()?;
//! signer.sign_request(&mut request, WafEvidence::Pass, "the-request-id-of-the-edge")?;
//! assert_eq!(app.clone().oneshot(request).await?.status(), StatusCode::OK);
//!
//! // What a stranger does: come straight to the origin.
//! let request = Request::get("/").header("host", "shop.example").body(Body::empty())?;
//! assert_eq!(app.oneshot(request).await?.status(), StatusCode::FORBIDDEN);
//! # Ok(())
//! # }
//! ```
//!
//! # Where to put it
//!
//! Outermost, before anything that changes the request. In axum, `Router::layer` also covers the
//! fallback, which `route_layer` does not. With the feature `axum`, a router that is nested is
//! verified against the URI that arrived; without it, the shortened URI fails the check.
//!
//! hyper settles `Content-Length` against `Transfer-Encoding`, and a few odd targets, before any
//! layer sees them; [`MessageHead`](crate::MessageHead) from raw parts checks those too.

mod body;
#[cfg(feature = "explain")]
mod explaining;
#[cfg(feature = "axum")]
mod extract;
mod future;
mod judge;
mod perimeter;
mod refusal;
#[cfg(feature = "rules-layer")]
pub mod rules;
mod service;
mod sign;
mod strip;

pub use self::body::CheckedBody;
#[cfg(feature = "explain")]
pub use self::explaining::ExplainSwitch;
#[cfg(feature = "axum")]
pub use self::extract::NotVerified;
pub use self::future::VerifyFuture;
pub use self::perimeter::{Perimeter, PerimeterHandle};
pub use self::refusal::{Refusal, Refuse};
pub use self::service::{VerifyLayer, VerifyService};
pub use self::sign::{SignFuture, SignLayer, SignService, SignServiceError};

#[cfg(doc)]
use crate::{Rejection, Verified};
