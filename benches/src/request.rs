//! The request that is measured: a GET as CloudFront sends it, 11 fields with those of the edge.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, Request};
use wafpass::replay::{Capacity, ReplayStore};
use wafpass::scheme::edge::{HOST, VIEWER_IP, WafEvidence};
use wafpass::{Freshness, Key, Keyring, RootKey, Secret, Signer, UnixTime, Verifier};

/// The name of the key.
pub const KEY_ID: &str = "2026-11-a";
/// Its secret.
pub const SECRET: [u8; 32] = *b"a secret that only benches share";
/// The site that the signatures are for.
pub const AUDIENCE: &str = "shop";
/// Path and query.
pub const TARGET: &str =
    "/catalog/garden/tools?sort=price&page=3&utm_source=newsletter&utm_medium=mail";

const FIELDS: [(&str, &str); 9] = [
    ("host", "origin.shop.example"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"),
    ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ("accept-encoding", "br,gzip"),
    ("via", "2.0 1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d.cloudfront.net (CloudFront)"),
    ("x-forwarded-for", "198.51.100.178"),
    ("x-amz-cf-id", "U7b4hR_RaxMADupvKvAr8_m9gsGXvioUggLV5Oyq-vmAtH8HADpjhw=="),
    (HOST, "www.shop.example"),
    (VIEWER_IP, "198.51.100.178"),
];

/// The request without date and signature.
#[must_use]
pub fn unsigned<B: Default>() -> Request<B> {
    unsigned_to(TARGET)
}

fn unsigned_to<B: Default>(target: &str) -> Request<B> {
    let mut request = Request::new(B::default());
    *request.uri_mut() = target.parse().expect("a target");
    for (name, value) in FIELDS {
        request.headers_mut().insert(name, value.parse().expect("a value"));
    }
    request
}

/// The request, signed at `now` with a nonce of its own.
#[must_use]
pub fn signed<B: Default>(signer: &Signer, now: UnixTime) -> Request<B> {
    signed_to(TARGET, signer, now)
}

/// The same request to another target.
#[must_use]
pub fn signed_to<B: Default>(target: &str, signer: &Signer, now: UnixTime) -> Request<B> {
    let mut request = unsigned_to(target);
    let signed = signer.sign_request_at(&mut request, WafEvidence::Pass, &nonce(), now);
    signed.expect("a request that can be signed");
    request
}

/// Signs as the CloudFront function does, covering the viewer's Host and address.
#[must_use]
pub fn signer() -> Signer {
    signer_with(key())
}

/// The same with the key of the day, derived from the root of [`verifier_of_root`].
#[must_use]
pub fn derived_signer(now: UnixTime) -> Signer {
    signer_with(root().derive(now, AUDIENCE).expect("a derived key").key().clone())
}

fn signer_with(key: Key) -> Signer {
    Signer::builder(AUDIENCE, key).cover(HOST).cover(VIEWER_IP).build().expect("a signer")
}

/// Accepts what [`signer`] signs, with a replay window that began at `started`.
#[must_use]
pub fn verifier(started: UnixTime) -> Verifier {
    verifier_with(Keyring::new([key()]).expect("a keyring"), started)
}

/// The same with another replay store.
#[must_use]
pub fn verifier_on(store: Arc<dyn ReplayStore>) -> Verifier {
    Verifier::builder(AUDIENCE, Keyring::new([key()]).expect("a keyring"), Freshness::cloudfront())
        .require_header(HOST)
        .require_header(VIEWER_IP)
        .replay_store(store)
        .build()
        .expect("a verifier")
}

/// The same with a root, from which it derives the key of each request.
#[must_use]
pub fn verifier_of_root(started: UnixTime) -> Verifier {
    verifier_with(Keyring::with_roots([], [root()]).expect("a keyring"), started)
}

fn verifier_with(keys: Keyring, started: UnixTime) -> Verifier {
    Verifier::builder(AUDIENCE, keys, Freshness::cloudfront())
        .require_header(HOST)
        .require_header(VIEWER_IP)
        .replay_capacity(Capacity::shared(10_000_000))
        .build_at(started)
        .expect("a verifier")
}

/// The fields as raw lines.
#[must_use]
pub fn lines(fields: &HeaderMap) -> Vec<(&[u8], &[u8])> {
    fields.iter().map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes())).collect()
}

fn key() -> Key {
    Key::new(KEY_ID, &Secret::new(SECRET).expect("32 bytes")).expect("a key")
}

fn root() -> RootKey {
    RootKey::new("shop-root", &Secret::new(SECRET).expect("32 bytes")).expect("a root")
}

/// As long as CloudFront's request ids are, and never the same again.
fn nonce() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("U7b4hR_RaxMADupvKvAr8_m9gsGXvioUgg-{:019}==", NEXT.fetch_add(1, Ordering::Relaxed))
}
