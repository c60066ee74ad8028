//! Rules in the request path: [`RulesLayer`] runs a rule set on each request, stops those that it says,
//! and seals what of a request made a rule match.
//!
//! - **What passes**: a request that no rule stops, byte for byte as it came. The application finds what
//!   matched as [`RulesMatched`] in its extensions.
//! - **What a stopped request gets**: the status of its rule, an empty body, `cache-control: no-store`.
//!   Which rule it was is in the response's extensions, in the event and under the tracing target
//!   `wafpass::rules`; the peer learns nothing.
//! - **What of it is written down**: one event for each request that matched, with one blob that only
//!   the owner of the key can open. No log line and no metric holds a byte of what matched.
//! - **What a request pays**: the evaluation. Tracing, extraction and sealing (0.2 to 0.4 ms) are done
//!   by a thread of their own, behind a rate for each rule and a bounded queue; what goes beyond them is
//!   counted by rule and reason, never waited for.
//! - **What rules do not see**: a body beyond 128 KiB or 10 seconds; `http.request.body.truncated` says so,
//!   and a rule can refuse such requests. What goes through a tunnel (an upgrade, CONNECT) after the answer.
//!
//! ```
//! use axum::{Router, body::Body, http::Request, http::StatusCode, routing::get};
//! use tower::ServiceExt;
//! use wafpass::layer::rules::{EventLog, RulesLayer};
//! use wafpass::matched_data::{PrivateKey, Suite};
//! use wafpass::rules::{RuleFile, RuleSet, Scheme};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let rules = r#"
//! [[rules]]
//! id = "step-up"
//! expression = 'http.request.uri.path contains "../"'
//! action = "block"
//! "#;
//! let rules = RuleSet::compile(RuleFile::from_toml(rules, &Scheme::default())?)?;
//! let owner = PrivateKey::generate(Suite::X25519)?; // the origin has the public key only
//! let (events, mut sealed) = tokio::sync::mpsc::channel(16);
//! let log = EventLog::builder("acme", owner.public_key().clone(), events).build()?;
//! let layer = RulesLayer::builder(rules).log(log).build()?;
//! let app: Router = Router::new().route("/{*path}", get(async || "hello")).layer(layer);
//!
//! let get = |path| Request::get(path).header("host", "shop.example").body(Body::empty());
//! assert_eq!(app.clone().oneshot(get("/index")?).await?.status(), StatusCode::OK);
//! assert_eq!(app.oneshot(get("/a/../b")?).await?.status(), StatusCode::FORBIDDEN);
//!
//! let event: serde_json::Value = serde_json::from_slice(&sealed.recv().await.unwrap())?;
//! assert_eq!(event["RuleID"], "step-up");
//! assert!(event["Metadata"]["encrypted_matched_data"].is_string());
//! # Ok(())
//! # }
//! ```
//!
//! # Where to put it
//!
//! Inside a [`VerifyLayer`](crate::VerifyLayer), where there is one: rules then see requests that the
//! edge let through, without the protocol fields, and the body that was verified. In axum, layers that
//! are added later are further out: `.layer(rules).layer(verify)`. The layer needs a tokio runtime with
//! its timer.

mod body;
mod bucket;
mod builder;
mod error;
mod future;
mod handle;
mod head;
mod judge;
pub mod limits;
mod log;
mod matched;
mod origin;
mod record;
mod sealing;
mod service;
mod sink;

pub use self::body::RulesBody;
pub use self::builder::{GrpcBodies, RulesLayerBuilder};
pub use self::error::RulesLayerError;
pub use self::future::RulesFuture;
pub use self::handle::RulesHandle;
pub use self::log::{BlobVersion, EventLog, EventLogBuilder};
pub use self::matched::RulesMatched;
pub use self::origin::{AddressOf, ClientIp, RayId};
pub use self::record::{LostEvent, RuleCounts};
pub use self::service::{RulesLayer, RulesService};
pub use self::sink::{EventSink, NdjsonSink, NotTaken};
