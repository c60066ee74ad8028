//! Prove at the origin that a request came through your edge and its WAF.
//!
//! An origin behind a CDN and a WAF has to know, for each request, that it came through them. A
//! static header such as `X-WAF-Checked: true` is a password on the wire: once it leaks, the WAF is
//! gone. With `wafpass` the edge signs what it saw, and the origin checks it in half a microsecond
//! (README.md has the measurements):
//!
//! - **what passes**: a request that a holder of the key signed, for this audience, a moment ago,
//!   after the WAF let it through, that has not been used up, with the method, path, query and
//!   covered fields that were signed;
//! - **what a refused request gets**: one status, an empty body, `cache-control: no-store`. The
//!   reason goes to the log and the response's extensions, never to the peer;
//! - **what a proxy in between does to the promise**: whatever it changes of what was signed is
//!   refused. It cannot weaken the promise.
//!
//! ```
//! use wafpass::{Freshness, Key, Keyring, Secret, Verifier};
//!
//! # fn main() -> Result<(), wafpass::ConfigError> {
//! let secret = Secret::from_base64url("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")?;
//! let keys = Keyring::new([Key::new("2026-11-a", &secret)?])?;
//! let verifier = Verifier::builder("shop", keys, Freshness::cloudfront());
//! # #[cfg(feature = "layer")]
//! let guard = wafpass::VerifyLayer::new(verifier.build()?); // for any tower service
//! # Ok(())
//! # }
//! ```
//!
//! # Table of contents
//!
//! | to | see |
//! | - | - |
//! | guard axum, tonic or hyper | [`layer`], [`VerifyLayer`]; in a handler, [`Verified`] |
//! | decide about one request | [`Verifier::check`], [`Verifier::admit`] |
//! | run it for years: `wafpass.toml`, reload, counts | `config`, `reload`, [`telemetry`], `docs/operating.md` |
//! | say what is asked where, and roll out | [`Routes`], [`Enforcement`], [`Perimeter`], `docs/rollout.md` |
//! | choose what is asked of a request | [`VerifierBuilder`], [`Freshness`], [`WafRequirement`] |
//! | hold keys | [`Secret`], [`Key`], [`Keyring`] |
//! | give the edge keys for a day only | [`RootKey`], [`DerivedKey`] |
//! | rotate keys | with `config`, the module `key_directory`; `docs/rotation.md` |
//! | know why a request was refused | [`Rejection`], [`RejectionKind`]; with `explain`, the module of that name |
//! | remember what was used, in one process or a fleet | [`replay`], `docs/fleet.md` |
//! | sign, as an edge or a client | [`Signer`], [`SignLayer`] |
//! | read the wire format | [`scheme::edge`], `docs/wire-format.md` |
//! | run rules on requests, and ship what they matched | with `rules-layer` and `ship`, the modules `layer::rules` and `ship`; `docs/rules-in-operation.md` |
//! | write rules, and decide about one request | with `rules`, the module `rules`; `docs/rules.md` |
//! | seal what a rule matched, and open it | with `matched-data`, the module `matched_data`; `docs/matched-data.md` |
//! | take sealed events in, and ask for them | with `collector`, the module `collector`; `docs/collector.md` |
//! | see every limit and its reason | [`limits`] |
//!
//! # Features
//!
//! | feature | adds |
//! | - | - |
//! | `layer` (default) | the tower layers, and the clock |
//! | `axum` | [`Verified`] as an extractor; nested routers verified against the original URI |
//! | `moka` | a replay store on moka, beside the default window |
//! | `config` | `wafpass.toml`, key files and the key directory |
//! | `schema` | the JSON Schema of `wafpass.toml` |
//! | `reload` | a changed configuration takes effect in a running origin |
//! | `metrics` | counters, gauges and histograms by the `metrics` facade |
//! | `prometheus` | a recorder for them that answers in Prometheus' text format |
//! | `redis` | a replay store on Redis or Valkey, which a fleet of origins shares |
//! | `explain` | why a request was refused, step by step |
//! | `vectors` | the vector files that all implementations share |
//! | `random` | the operating system's randomness: new keys, nonces, sealing; `layer` has it |
//! | `matched-data` | what a rule matched, sealed to its owner: keys, blobs |
//! | `archive` | whole logs of such blobs, opened in parallel or moved to a new key |
//! | `rules` | the rule engine in Cloudflare's expression language, and extraction of what matched |
//! | `rules-layer` | rules in the request path, as a tower layer |
//! | `ship` | sealed events go to a collector over HTTP, or wait on the disk |
//! | `collector` | the service that takes sealed events in and answers queries, on SQLite |
//! | `clickhouse` | its events in ClickHouse |
//! | `cli` | what the `wafpass` binary needs |
//! | `full` | all of them but `cli` |
//!
//! # Floors
//!
//! Arrows point down only. Floors 0 to 3 do no I/O, need no runtime and read no clock (`now` is an
//! argument), and build for WebAssembly.
//!
//! ```text
//! 5  the binary, edge/ (JavaScript, tied to the rest by vectors only)
//! 4  layer  telemetry  config  key_directory  reload  replay::redis  clock    async, tower and I/O
//! 3  verify  sign  verified  policy  route  replay  explain  vectors
//! 2  scheme  matched_data
//! 1  message  canon
//! 0  time  key  keyring  limits  rejection  error
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod canon;
#[cfg(feature = "layer")]
pub mod clock;
#[cfg(feature = "collector")]
pub mod collector;
#[cfg(feature = "config")]
pub mod config;
mod error;
#[cfg(feature = "explain")]
pub mod explain;
mod key;
#[cfg(feature = "config")]
pub mod key_directory;
mod keyring;
#[cfg(feature = "layer")]
pub mod layer;
pub mod limits;
#[cfg(feature = "matched-data")]
pub mod matched_data;
mod message;
mod policy;
mod rejection;
#[cfg(feature = "reload")]
pub mod reload;
pub mod replay;
mod route;
#[cfg(feature = "rules")]
pub mod rules;
pub mod scheme;
#[cfg(feature = "ship")]
pub mod ship;
mod sign;
#[cfg(feature = "layer")]
pub mod telemetry;
mod time;
#[cfg(feature = "vectors")]
pub mod vectors;
mod verified;
mod verify;

pub use self::canon::{ContentDigest, QueryMode};
pub use self::error::{ConfigError, SignError};
pub use self::key::{DerivedKey, Key, KeyId, RootKey, Secret};
pub use self::keyring::Keyring;
#[cfg(feature = "layer")]
pub use self::layer::{Perimeter, PerimeterHandle, Refusal, SignLayer, VerifyLayer};
pub use self::message::MessageHead;
pub use self::policy::{BodyCoverage, Freshness, HostBinding, RestartBarrier, WafRequirement};
pub use self::rejection::{Rejection, RejectionKind};
pub use self::route::{Enforcement, Route, Routes};
pub use self::scheme::edge::WafEvidence;
#[cfg(feature = "random")]
pub use self::sign::random_nonce;
pub use self::sign::{Signature, Signer, SignerBuilder};
pub use self::time::UnixTime;
pub use self::verified::{Authentic, Begun, Finish, PendingBody, PendingUse, Spent, Verified};
pub use self::verify::{Verifier, VerifierBuilder};

/// The example in README.md runs as a test.
#[cfg(all(
    doctest,
    feature = "axum",
    feature = "config",
    feature = "reload",
    feature = "rules-layer",
    feature = "ship"
))]
#[doc = include_str!("../README.md")]
struct Readme;
