//! The verifier: against the bare MAC of the same bytes, refusals against acceptance, and against
//! two peers that verify the same request.
//!
//! `cargo bench -p wafpass-benches --bench check` takes ten seconds; `-- --gate` makes it fail when
//! a limit is missed.

mod httpsig;
mod jwt;

use std::hint::black_box;
use std::process::ExitCode;

use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use sha2::Sha256;

use wafpass::scheme::edge::SIGNATURE;
use wafpass::{MessageHead, RejectionKind, UnixTime, Verifier, clock};
use wafpass_benches::request::{
    SECRET, derived_signer, lines, signed, signed_to, signer, verifier, verifier_of_root,
};
use wafpass_benches::{Comparison, Gate};

fn main() -> ExitCode {
    let now = clock::now();
    let mut gate = Gate::new();
    for base_bytes in [200, 300, 400] {
        check(base_bytes, now, &mut gate);
    }
    derived(now, &mut gate);
    admit(now);
    refusals(now);
    peers(now, &mut gate);
    gate.finish()
}

/// Against the MAC alone: keyed ahead, one update, one comparison. With the shortest and the longest
/// base that is usual, since what is not the MAC hardly grows with it.
fn check(base_bytes: usize, now: UnixTime, gate: &mut Gate) {
    let verifier = &verifier(now);
    let target = &target_for(base_bytes, verifier, now);
    let request = &signed_to::<()>(target, &signer(), now);
    let lines = &lines(request.headers());
    let parsed = || MessageHead::from_request(black_box(request));
    let raw = || MessageHead::from_raw(b"GET", target.as_bytes(), black_box(lines));

    let base = &verifier.signature_base(&parsed()).expect("a base");
    assert_eq!(base.len(), base_bytes);
    assert_eq!(*base, verifier.signature_base(&raw()).expect("a base"));
    let keyed = Hmac::<Sha256>::new_from_slice(&SECRET).expect("any key");
    let mac = &keyed.clone().chain_update(base).finalize().into_bytes();

    let report = Comparison::new(format!("check, {base_bytes} bytes of signature base"))
        .candidate("hmac", || {
            keyed.clone().chain_update(black_box(base)).verify_slice(mac).expect("the same")
        })
        .candidate("check, parsed", || accept(verifier, &parsed(), now))
        .candidate("check, raw lines", || accept(verifier, &raw(), now))
        .run();
    for what in ["check, parsed", "check, raw lines"] {
        gate.at_most(&format!("{what} / hmac, {base_bytes} bytes"), report.ratio(what), 1.8);
    }
}

/// A path and query with which the signature base has `bytes`.
fn target_for(bytes: usize, verifier: &Verifier, now: UnixTime) -> String {
    let path = "/catalog/garden?q=";
    let request = signed_to::<()>(path, &signer(), now);
    let shortest = verifier.signature_base(&MessageHead::from_request(&request)).expect("a base");
    format!("{path}{}", "a".repeat(bytes - shortest.len()))
}

/// What it costs to derive the key of the day for each request.
fn derived(now: UnixTime, gate: &mut Gate) {
    let (verifier, of_root) = (&verifier(now), &verifier_of_root(now));
    let request = &signed::<()>(&signer(), now);
    let derived = &signed::<()>(&derived_signer(now), now);
    let report = Comparison::new("keys")
        .candidate("check, key", || {
            accept(verifier, &MessageHead::from_request(black_box(request)), now)
        })
        .candidate("check, derived key", || {
            accept(of_root, &MessageHead::from_request(black_box(derived)), now)
        })
        .run();
    gate.at_most("derived key / key", report.ratio("check, derived key"), 2.0);
}

/// With the replay window, for requests that it sees for the first time.
fn admit(now: UnixTime) {
    let (verifier, signer) = (&verifier(now), &signer());
    let later = now.saturating_add(1);
    let admit = |request: Request<()>| {
        let head = MessageHead::from_request(&request);
        let authentic = verifier.check(&head, later).expect("accepted");
        verifier.admit(authentic, later).map(drop).expect("admitted");
        request
    };
    let check = |request: Request<()>| {
        accept(verifier, &MessageHead::from_request(&request), later);
        request
    };
    let _ = Comparison::new("admission, each request for the first time")
        .candidate_with("check", || signed(signer, later), check)
        .candidate_with("check + admit", || signed(signer, later), admit)
        .run();
}

/// What a request costs that is refused.
fn refusals(now: UnixTime) {
    let verifier = &verifier(now);
    let request = &signed::<()>(&signer(), now);
    let value = request.headers()[SIGNATURE].to_str().expect("text");
    let with_value = |value: &str| {
        let mut request = request.clone();
        request.headers_mut().insert(SIGNATURE, value.parse().expect("a value"));
        request
    };

    let unsigned = wafpass_benches::request::unsigned::<()>();
    let unknown_key = with_value(&value.replace("2026", "2025"));
    let bad_grammar = with_value(&value.replace(";sig=", ";sig=A"));
    let mut another_path = request.clone();
    *another_path.uri_mut() = "/admin".parse().expect("a target");

    let refuse = |request: &Request<()>, now, kind| {
        let head = MessageHead::from_request(black_box(request));
        let rejection = verifier.check(&head, now).expect_err("refused");
        assert_eq!(rejection.kind, kind);
    };
    let _ = Comparison::new("refusals")
        .candidate("accept", || {
            accept(verifier, &MessageHead::from_request(black_box(request)), now)
        })
        .candidate("missing signature", || refuse(&unsigned, now, RejectionKind::MissingSignature))
        .candidate("bad grammar", || refuse(&bad_grammar, now, RejectionKind::MalformedSignature))
        .candidate("unknown key", || refuse(&unknown_key, now, RejectionKind::UnknownKey))
        .candidate("mismatch", || refuse(&another_path, now, RejectionKind::SignatureMismatch))
        .candidate("expired", || {
            refuse(request, now.saturating_add(91), RejectionKind::Expired);
        })
        .run();
}

/// Against others that prove the same of the same request.
fn peers(now: UnixTime, gate: &mut Gate) {
    let verifier = &verifier(now);
    let request = &signed::<()>(&signer(), now);
    let (jwt, with_jwt) = (&jwt::Verifier::new(), &jwt::signed(now));
    let (httpsig, with_httpsig) = (&httpsig::Verifier::new(), &httpsig::signed(now));

    let report = Comparison::new("peers")
        .candidate("check", || {
            accept(verifier, &MessageHead::from_request(black_box(request)), now)
        })
        .candidate("jsonwebtoken HS256", || jwt.verify(black_box(with_jwt)))
        .candidate("httpsig hmac-sha256", || httpsig.verify(black_box(with_httpsig)))
        .run();
    gate.at_least("jsonwebtoken / check", report.ratio("jsonwebtoken HS256"), 4.0);
    gate.at_least("httpsig / check", report.ratio("httpsig hmac-sha256"), 15.0);
}

fn accept(verifier: &Verifier, head: &MessageHead<'_>, now: UnixTime) {
    assert!(black_box(&verifier.check(head, now)).is_ok());
}
