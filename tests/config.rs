//! A configuration that would not work, or would leave a hole, is refused with its reason.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "in a test, a panic is the report"
)]

use std::sync::Arc;

use wafpass::limits::{MAX_MAX_AGE_S, MAX_OVERLAP_S, MAX_SKEW_S, MAX_USES};
use wafpass::replay::{Admitting, Capacity, ReplayStore, ReplayWindow, Retention, Use};
use wafpass::{
    BodyCoverage, ConfigError, Enforcement, Freshness, Key, Keyring, RootKey, Route, Routes,
    Secret, SignError, Signer, UnixTime, Verifier, VerifierBuilder,
};

const START: UnixTime = UnixTime::from_secs(1_795_307_400);

fn key() -> Key {
    Key::new("k", &Secret::new([1; 32]).unwrap()).unwrap()
}

fn root(id: &str) -> Result<RootKey, ConfigError> {
    RootKey::new(id, &Secret::new([1; 32]).unwrap())
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

/// A store that cannot remember longer than it was made for.
struct Fixed(ReplayWindow);

impl ReplayStore for Fixed {
    fn admit(&self, claim: &Use<'_>, now: UnixTime) -> Admitting {
        self.0.admit(claim, now)
    }

    fn retention(&self) -> Retention {
        self.0.retention()
    }

    fn started(&self) -> Option<UnixTime> {
        self.0.started()
    }

    fn live(&self) -> usize {
        self.0.live()
    }
}

fn window(max_age_s: u32, skew_s: u32) -> ReplayWindow {
    let retention = Retention { max_age_s, skew_s };
    ReplayWindow::new(retention, Capacity::default(), START).unwrap()
}

fn store(max_age_s: u32, skew_s: u32) -> Arc<Fixed> {
    Arc::new(Fixed(window(max_age_s, skew_s)))
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
        (fault(root(&"r".repeat(56))), "1 to 55", "short label"),
        (fault(root("a b")), "root id \"a b\"", "add a dot and a day"),
        (
            fault(Keyring::with_roots(
                [Key::new("k.20261122", &Secret::new([1; 32]).unwrap()).unwrap()],
                [root("k").unwrap()],
            )),
            "id k.20261122 could also mean a key derived from a root",
            "rename",
        ),
        (
            fault(Keyring::with_roots([key()], [root("k").unwrap()])),
            "two keys have the id k",
            "of its own",
        ),
        (fault(root("k").unwrap().overlap(MAX_OVERLAP_S + 1)), "43201 s", "an hour"),
        (
            fault(root("k").unwrap().derive(UnixTime::from_secs(i64::MAX), "shop")),
            "years 0001 to 9999",
            "clock",
        ),
        (fault(root("k").unwrap().derive(START, "a b")), "audience \"a b\"", "plain label"),
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
        (fault(Route::exact("/a/../b", Enforcement::Exempt)), "\"/a/../b\"", "as it arrives"),
        (fault(Route::prefix("/a", Enforcement::Exempt)), "\"/a\"", "a prefix ends with /"),
        (fault(Routes::new(Enforcement::Exempt)), "everything would be exempt", "single routes"),
        (
            fault(
                Routes::default()
                    .with(Route::exact("/a", Enforcement::Exempt).unwrap())
                    .and_then(|routes| routes.with(Route::exact("/a", Enforcement::Enforce)?)),
            ),
            "two routes hold for /a",
            "keep one",
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
    // One that can remember longer does so when it is asked.
    let grows = Arc::new(window(59, 4));
    assert!(builder().replay_store(Arc::<ReplayWindow>::clone(&grows)).build_at(START).is_ok());
    assert_eq!(grows.retention(), Retention { max_age_s: 60, skew_s: 5 });
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
