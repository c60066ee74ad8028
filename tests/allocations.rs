//! `Verifier::check` allocates nothing, whatever it is shown.
//!
//! It runs before anything is known of the peer: nobody without a key can make it use memory.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that panics has failed, which is its purpose"
)]

use std::hint::black_box;

use allocation_counter::measure;
use http::{HeaderValue, Request};

use wafpass::scheme::edge::{DATE, HOST, SIGNATURE, VIEWER_IP, WafEvidence};
use wafpass::{
    Freshness, Key, Keyring, MessageHead, RejectionKind, RootKey, Secret, Signer, UnixTime,
    Verifier,
};

const NOW: UnixTime = UnixTime::from_secs(1_795_307_400);

fn key() -> Key {
    Key::new("2026-11-a", &Secret::new([7; 32]).unwrap()).unwrap()
}

fn verifier() -> Verifier {
    let keys = Keyring::new([key()]).unwrap();
    let builder = Verifier::builder("shop", keys, Freshness::strict()).require_header(HOST);
    builder.build_at(NOW.saturating_add(-10)).unwrap()
}

fn signed(target: &str) -> Request<()> {
    let request = Request::get(target).header("host", "shop.example").header("via", "1.1 cdn");
    let request = request.header("x-edge", "a").header("x-edge-2", "b");
    let request = request.header(HOST, "shop.example").header(VIEWER_IP, "203.0.113.9");
    let mut request = request.body(()).unwrap();
    let signer = Signer::builder("shop", key()).cover(HOST).cover(VIEWER_IP).cover("x-edge");
    let (signer, nonce) = (signer.build().unwrap(), "the-edge-s-request-id");
    signer.sign_request_at(&mut request, WafEvidence::Pass, nonce, NOW).unwrap();
    request
}

fn with_signature(request: &Request<()>, change: impl Fn(&str) -> String) -> Request<()> {
    let mut request = request.clone();
    let changed = change(request.headers()[SIGNATURE].to_str().unwrap());
    request.headers_mut().insert(SIGNATURE, changed.parse().unwrap());
    request
}

/// Checks the request from its parts and from raw lines; returns the answer and the allocations.
fn check(
    verifier: &Verifier,
    request: &Request<()>,
    now: UnixTime,
) -> (Option<RejectionKind>, u64) {
    let target = request.uri().to_string();
    let lines: Vec<_> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()))
        .collect();
    let heads = [
        MessageHead::from_request(request),
        MessageHead::from_raw(request.method().as_str().as_bytes(), target.as_bytes(), &lines),
    ];
    let mut answers = [None; 2];
    let allocations = measure(|| {
        for (head, answer) in heads.iter().zip(&mut answers) {
            *answer = black_box(verifier.check(black_box(head), now)).err().map(|r| r.kind);
        }
    });
    assert_eq!(answers[0], answers[1]);
    (answers[0], allocations.count_total)
}

#[test]
fn the_counter_counts() {
    assert_eq!(measure(|| drop(black_box(Box::new(1)))).count_total, 1);
    assert_eq!(measure(|| assert_eq!(black_box(1), 1)).count_total, 0);
}

#[test]
fn accepting_allocates_nothing() {
    let verifier = verifier();
    // Once within the buffer that the signature base goes through, and thrice around it.
    for query_bytes in [0, 300, 512, 5_000] {
        let request = signed(&format!("/a?{}", "q".repeat(query_bytes)));
        assert_eq!(check(&verifier, &request, NOW), (None, 0), "{query_bytes}");
    }
}

#[test]
fn deriving_a_key_allocates_nothing() {
    let root = RootKey::new("root", &Secret::new([7; 32]).unwrap()).unwrap();
    let derived = root.derive(NOW, "shop").unwrap();
    let keys = Keyring::with_roots([key()], [root]).unwrap();
    let verifier = Verifier::builder("shop", keys, Freshness::strict());
    let verifier = verifier.build_at(NOW.saturating_add(-10)).unwrap();

    let mut request = Request::get("/a?b").header("host", "shop.example").body(()).unwrap();
    let signer = Signer::builder("shop", derived.key().clone()).build().unwrap();
    let nonce = "the-edge-s-request-id";
    signer.sign_request_at(&mut request, WafEvidence::Pass, nonce, NOW).unwrap();
    assert_eq!(check(&verifier, &request, NOW), (None, 0));
    for (from, to, kind) in [
        ("root.20261122", "root.20260230", RejectionKind::UnknownKey),
        ("root.20261122", "root.20261121", RejectionKind::SignatureMismatch),
        ("root.20261122", "root.20261120", RejectionKind::InactiveKey),
        ("aud=shop", "aud=barn", RejectionKind::SignatureMismatch),
    ] {
        let altered = with_signature(&request, |value| value.replace(from, to));
        assert_eq!(check(&verifier, &altered, NOW), (Some(kind), 0), "{to}");
    }
}

#[test]
fn refusing_allocates_nothing() {
    let (verifier, good) = (verifier(), signed("/a?b"));
    let altered = |alter: fn(&mut Request<()>)| {
        let mut request = good.clone();
        alter(&mut request);
        request
    };
    let claim = |from: &str, to: &str| with_signature(&good, |value| value.replace(from, to));
    let cases = [
        (
            RejectionKind::MalformedRequest,
            altered(|r| {
                r.headers_mut().remove("host");
            }),
        ),
        (
            RejectionKind::MissingSignature,
            altered(|r| {
                r.headers_mut().remove(SIGNATURE);
                r.headers_mut().remove(DATE);
            }),
        ),
        (
            RejectionKind::DuplicateHeader,
            altered(|r| {
                r.headers_mut().append("x-edge", "b".parse().unwrap());
            }),
        ),
        (RejectionKind::MalformedSignature, claim("v1;", "v2;")),
        (RejectionKind::MissingCoveredHeader, claim(":x-edge", ":x-edge-3")),
        (
            RejectionKind::MalformedHeader,
            altered(|r| {
                let value = HeaderValue::from_bytes(b"\xff").unwrap();
                r.headers_mut().insert("x-edge", value);
            }),
        ),
        (RejectionKind::UnknownKey, claim("2026-11-a", "2026-11-b")),
        (RejectionKind::SignatureMismatch, claim("waf=pass", "waf=none")),
        (RejectionKind::SignatureMismatch, claim(":x-edge", ":x-edge-2")),
    ];
    for (kind, request) in cases {
        assert_eq!(check(&verifier, &request, NOW), (Some(kind), 0));
    }
    for (later_s, kind) in [(61, RejectionKind::Expired), (-6, RejectionKind::NotYetValid)] {
        assert_eq!(check(&verifier, &good, NOW.saturating_add(later_s)), (Some(kind), 0));
    }
}
