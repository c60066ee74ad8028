//! A configuration that would not work, or would leave a hole, is refused with its reason.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "in a test, a panic is the report"
)]

use std::sync::Arc;

use wafpass::limits::{MAX_MAX_AGE_S, MAX_SKEW_S, MAX_USES};
use wafpass::replay::{Capacity, ReplayWindow, Retention};
use wafpass::{
    BodyCoverage, ConfigError, Freshness, Key, Keyring, Secret, SignError, Signer, UnixTime,
    Verifier, VerifierBuilder,
};

const START: UnixTime = UnixTime::from_secs(1_795_307_400);

fn key() -> Key {
    Key::new("k", &Secret::new([1; 32]).unwrap()).unwrap()
}

fn builder() -> VerifierBuilder {
    Verifier::builder("shop", Keyring::new([key()]).unwrap(), Freshness::strict())
}

fn fault<T>(result: Result<T, ConfigError>) -> ConfigError {
    match result {
        Ok(_) => panic!("an unsafe configuration was accepted"),
        Err(error) => error,
    }
}

fn store(max_age_s: u32, skew_s: u32) -> Arc<ReplayWindow> {
    let retention = Retention { max_age_s, skew_s };
    Arc::new(ReplayWindow::new(retention, Capacity::default(), START).unwrap())
}

/// The fault in the first line, the way out in the second.
#[test]
fn every_hole_is_named_with_its_way_out() {
    let build = |builder: VerifierBuilder| fault(builder.build_at(START));
    let table = [
        (fault(Secret::new([0; 31])), "31 bytes is shorter than 32", "wafpass keygen"),
        (fault(Secret::from_base64url("AAAA=")), "not unpadded base64url", "without = at the end"),
        (fault(Key::new("a b", &Secret::new([1; 32]).unwrap())), "key id \"a b\"", "plain label"),
        (fault(Keyring::new([])), "no key", "at least one"),
        (fault(Keyring::new([key(), key()])), "two keys have the id k", "of its own"),
        (
            fault(Keyring::new([key().not_before(START).not_after(START)])),
            "could never count",
            "window",
        ),
        (fault(Freshness::custom(MAX_MAX_AGE_S + 1, 0)), "86401 s", "86400 s"),
        (fault(Freshness::custom(60, MAX_SKEW_S + 1)), "3601 s", "3600 s"),
        (fault(Freshness::strict().with_uses(0)), "0 uses", "1 to 15"),
        (fault(Freshness::strict().with_uses(MAX_USES + 1)), "16 uses", "1 to 15"),
        (build(builder().strip_prefix("prod/")), "\"prod/\"", "start it with /"),
        (
            build(Verifier::builder("", Keyring::new([key()]).unwrap(), Freshness::strict())),
            "audience \"\"",
            "plain label",
        ),
        (build(builder().require_header("Cookie")), "\"Cookie\"", "lower case"),
        (build(builder().require_header("cookie")), "\"cookie\"", "copy its value"),
        (build(builder().require_header("x-cloud-date")), "\"x-cloud-date\"", "copy its value"),
        (
            build((0..17).fold(builder(), |b, n| b.require_header(&format!("x-{n}")))),
            "17 covered",
            "fewer",
        ),
        (build(builder().strip_prefix("/")), "\"/\"", "do not end it with /"),
        (
            build(builder().body_coverage(BodyCoverage::Required).body_cap(0)),
            "0 bytes",
            "largest body",
        ),
        (
            build(builder().replay_capacity(Capacity::shared(0))),
            "capacity 0",
            "requests per second",
        ),
        (
            build(builder().replay_capacity(Capacity { total: 1, per_key: 0 })),
            "capacity 0",
            "requests per second",
        ),
        (build(builder().replay_store(store(59, 5))), "59 s", "land twice"),
        (build(builder().replay_store(store(60, 4))), "skew 4 s", "land twice"),
    ];
    for (error, says, helps) in table {
        let text = error.to_string();
        let lines: Vec<&str> = text.lines().collect();
        let [line, way_out] = lines[..] else { panic!("{} lines: {text}", lines.len()) };
        assert!(line.contains(says), "{line:?} does not say {says:?}");
        assert!(way_out.contains(helps), "{way_out:?} does not say {helps:?}");
    }
    assert!(builder().replay_store(store(60, 5)).build_at(START).is_ok());
    assert!(builder().replay_store(store(90, 9)).build_at(START).is_ok());
}

#[test]
fn a_signer_is_held_to_the_same_rules() {
    let signer = |builder: wafpass::SignerBuilder| fault(builder.build());
    assert!(matches!(signer(Signer::builder("a b", key())), ConfigError::Label { .. }));
    assert!(matches!(
        signer(Signer::builder("shop", key()).cover("via")),
        ConfigError::CoveredField { .. }
    ));
    assert!(matches!(
        signer(Signer::builder("shop", key()).strip_prefix("x")),
        ConfigError::StripPrefix { .. }
    ));
}

/// Rows 0, 4 and 5 at the signer, and what only a signer can get wrong.
#[test]
fn a_signer_refuses_what_no_verifier_would_take() {
    let sign = |method: &str, target: &str, fields: &[(&str, &str)], nonce: &str, now: UnixTime| {
        let lines: Vec<_> = fields.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())).collect();
        let head = wafpass::MessageHead::from_raw(method.as_bytes(), target.as_bytes(), &lines);
        let key = key().not_after(START.saturating_add(10));
        let signer = Signer::builder("shop", key).cover("x-a").build().unwrap();
        signer.sign(&head, wafpass::scheme::edge::WafEvidence::Pass, nonce, now).err()
    };
    let nonce = "0123456789abcdef";
    let good: &[(&str, &str)] = &[("host", "h"), ("x-a", "1")];
    assert_eq!(sign("GET", "/", good, nonce, START), None);
    let with = |more: (&'static str, &'static str)| [good, &[more]].concat();
    for (method, target, fields, nonce, now, expected) in [
        ("GE T", "/", good.to_vec(), nonce, START, SignError::Request),
        ("GET", "/", vec![("x-a", "1")], nonce, START, SignError::Request),
        ("GET", "/", with(("host", "h")), nonce, START, SignError::Request),
        ("GET", "/", with(("connection", "x-a")), nonce, START, SignError::Request),
        ("GET", "/", with(("connection", "x-cloud-date")), nonce, START, SignError::Request),
        ("GET", "http://other/", good.to_vec(), nonce, START, SignError::Request),
        ("GET", "a", good.to_vec(), nonce, START, SignError::Target),
        ("GET", "/a b", good.to_vec(), nonce, START, SignError::Target),
        ("GET", "*", good.to_vec(), nonce, START, SignError::Target),
        (
            "GET",
            "/",
            vec![("host", "h")],
            nonce,
            START,
            SignError::MissingCoveredHeader { name: "x-a".into() },
        ),
        (
            "GET",
            "/",
            with(("X-A", "2")),
            nonce,
            START,
            SignError::DuplicateHeader { name: "x-a".into() },
        ),
        (
            "GET",
            "/",
            vec![("host", "h"), ("x-a", "é")],
            nonce,
            START,
            SignError::MalformedHeader { name: "x-a".into() },
        ),
        ("GET", "/", good.to_vec(), "short", START, SignError::Nonce),
        ("GET", "/", good.to_vec(), "0123456789abcdef;", START, SignError::Nonce),
        ("GET", "/", good.to_vec(), nonce, START.saturating_add(10), SignError::InactiveKey),
    ] {
        assert_eq!(
            sign(method, target, &fields, nonce, now),
            Some(expected.clone()),
            "{method} {target} {fields:?}"
        );
        assert_eq!(expected.to_string().lines().count(), 2);
    }
    let early = UnixTime::from_secs(i64::MIN);
    assert_eq!(sign("GET", "/", good, nonce, early), Some(SignError::Date));
}
