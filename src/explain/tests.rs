use super::*;
use crate::canon::QueryMode;
use crate::key::Secret;
use crate::keyring::Keyring;
use crate::policy::Freshness;
use crate::replay::Capacity;
use crate::scheme::edge::{self, WafEvidence};
use crate::sign::Signer;
use crate::verify::VerifierBuilder;

const NOW: UnixTime = UnixTime::from_secs(1_795_307_400);
const NONCE: &str = "0123456789abcdef";

/// A request as it was signed, or as it arrived.
#[derive(Clone)]
struct Message {
    method: &'static str,
    target: String,
    fields: Vec<(String, String)>,
}

impl Message {
    fn get(target: &str) -> Self {
        Self {
            method: "GET",
            target: target.into(),
            fields: vec![("host".into(), "shop.example".into())],
        }
    }

    fn method(self, method: &'static str) -> Self {
        Self { method, ..self }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(field, _)| field != name);
        self
    }

    fn set(self, name: &str, value: &str) -> Self {
        self.without(name).with(name, value)
    }

    fn value(&self, name: &str) -> &str {
        &self.fields.iter().find(|(field, _)| field == name).unwrap().1
    }

    fn head<T>(&self, look: impl FnOnce(&MessageHead<'_>) -> T) -> T {
        let fields: Vec<(&[u8], &[u8])> =
            self.fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        look(&MessageHead::from_raw(self.method.as_bytes(), self.target.as_bytes(), &fields))
    }

    fn signed_with(self, key: Key, waf: WafEvidence, covered: &[&str]) -> Self {
        let signer =
            covered.iter().fold(Signer::builder("shop", key), |signer, name| signer.cover(name));
        let signature =
            self.head(|head| signer.build().unwrap().sign(head, waf, NONCE, NOW)).unwrap();
        signature.fields().iter().fold(self, |message, (name, value)| message.with(name, value))
    }

    fn signed(self) -> Self {
        let names: Vec<String> = self
            .fields
            .iter()
            .map(|(name, _)| name.clone())
            .filter(|name| name.starts_with("x-c"))
            .collect();
        self.signed_with(
            key("a", 1),
            WafEvidence::Pass,
            &names.iter().map(String::as_str).collect::<Vec<_>>(),
        )
    }

    /// The signature of `self` on another request.
    fn arrives_as(&self, other: Self) -> Self {
        [edge::DATE, edge::SIGNATURE]
            .iter()
            .fold(other, |other, name| other.with(name, self.value(name)))
    }
}

fn key(id: &str, seed: u8) -> Key {
    Key::new(id, &Secret::new([seed; 32]).unwrap()).unwrap()
}

fn builder() -> VerifierBuilder {
    let keys = Keyring::new([key("a", 1), key("b", 2), key("c", 3).revoked()]).unwrap();
    Verifier::builder("shop", keys, Freshness::strict()).replay_capacity(Capacity::shared(1))
}

fn explain_with(builder: VerifierBuilder, message: &Message, now: UnixTime) -> Explanation {
    let verifier = builder.build_at(NOW).unwrap();
    message.head(|head| Explainer::new(&verifier).explain(head, None, now))
}

fn codes(explanation: &Explanation) -> Vec<&'static str> {
    explanation.hints.iter().map(|hint| hint.code).collect()
}

#[track_caller]
fn expect(
    builder: VerifierBuilder,
    message: &Message,
    now: UnixTime,
    reason: &str,
    hint: &str,
    text: &str,
) {
    let explanation = explain_with(builder, message, now);
    assert_eq!(explanation.rejection.unwrap().code(), reason);
    let found = explanation.hints.iter().find(|found| found.code == hint);
    let found = found.unwrap_or_else(|| panic!("{hint} is not in {:?}", explanation.hints));
    assert!(found.text.contains(text), "{}", found.text);
}

#[test]
fn each_change_to_target_and_method_has_its_hint() {
    for (hint, signed, arrived) in [
        ("query-dropped", "/a", "/a?utm=1"),
        ("query-plus", "/a?q=x+y", "/a?q=x%20y"),
        ("query-percent-20", "/a?q=x%20y", "/a?q=x+y"),
        ("query-escapes-upper", "/a?q=%2F", "/a?q=%2f"),
        ("query-escapes-lower", "/a?q=%2f", "/a?q=%2F"),
        ("query-decoded", "/a?q=[1]", "/a?q=%5B1%5D"),
        ("query-encoded", "/a?q=%5B1%5D", "/a?q=[1]"),
        ("query-sorted", "/a?a=1&b=2", "/a?b=2&a=1"),
        ("query-empty-values", "/a?x=&y=1", "/a?x&y=1"),
        ("query-bare-names", "/a?x&y=1", "/a?x=&y=1"),
        ("query-mark", "/a??x", "/a?x"),
        ("path-dot-segments", "/b/", "/a/./../b/."),
        ("path-slashes", "/a/b", "//a///b"),
        ("path-escapes-upper", "/%2F", "/%2f"),
        ("path-escapes-lower", "/%2f", "/%2F"),
        ("path-decoded", "/a b", "/a%20b"),
        ("path-encoded", "/%7Ba%7D", "/{a}"),
        ("path-slash-cut", "/a/b", "/a/b/"),
        ("path-slash-added", "/a/", "/a"),
        ("path-lower", "/a/b", "/A/b"),
        ("prefix", "/a", "/prod/v1/a"),
        ("prefix", "/", "/prod"),
        ("path-and-query", "/b?x=+", "/a/../b?x=%20"),
        ("nothing-matched", "/a", "/b"),
    ] {
        // What no target may hold, a signer can still have signed.
        let arrived = if signed.contains(' ') {
            Message::get(arrived).with_mac_over(&signed_path(signed))
        } else {
            Message::get(signed).signed().arrives_as(Message::get(arrived))
        };
        let explanation = explain_with(builder(), &arrived, NOW);
        assert_eq!(explanation.rejection.unwrap().code(), "signature-mismatch", "{hint}");
        assert_eq!(codes(&explanation), [hint], "{signed}");
    }
    let head = Message::get("/a").method("HEAD").signed().arrives_as(Message::get("/a"));
    expect(
        builder(),
        &head,
        NOW,
        "signature-mismatch",
        "method",
        "`HEAD` was signed, `GET` arrived",
    );
}

fn signed_path(path: &str) -> String {
    format!("WAFPASS1-HMAC-SHA256\n20261122T003000Z\na\n{NONCE}\nshop\npass\nGET\n{path}\n")
}

impl Message {
    /// The signature of a signer that signs `base`, whatever the request is.
    fn with_mac_over(self, base: &str) -> Self {
        use hmac::Mac;
        let mac = key("a", 1).keyed().chain_update(base).finalize().into_bytes();
        let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
        self.with(edge::DATE, "20261122T003000Z").with(
            edge::SIGNATURE,
            &format!("v1;kid=a;nonce={NONCE};aud=shop;waf=pass;h=;sig={hex}"),
        )
    }
}

#[test]
fn each_mistake_of_a_signer_has_its_hint() {
    let base = signed_path("/a");
    for (hint, signed) in [("line-feed", format!("{base}\n")), ("crlf", base.replace('\n', "\r\n"))]
    {
        let explanation = explain_with(builder(), &Message::get("/a").with_mac_over(&signed), NOW);
        assert_eq!(codes(&explanation), [hint]);
    }
}

#[test]
fn each_change_to_a_covered_value_has_its_hint() {
    let name = "x-cloud-host";
    for (hint, signed, arrived) in [
        ("value-lower", "shop.example", "Shop.example"),
        ("value-without-port", "192.0.2.1", "192.0.2.1:443"),
        ("value-without-port", "2001:db8::1", "[2001:db8::1]:443"),
        ("value-list-tight", "a,b", "a, b"),
        ("value-list-spaced", "a, b", "a,b"),
        ("value-host", "shop.example", "origin.example"),
        ("value-forwarded", "198.51.100.7", "192.0.2.1"),
        ("nothing-matched", "a", "b"),
    ] {
        let arrives = Message::get("/")
            .with("x-forwarded-for", "198.51.100.7, 192.0.2.1")
            .with(name, arrived);
        let message = Message::get("/").with(name, signed).signed().arrives_as(arrives);
        let explanation = explain_with(builder(), &message, NOW);
        assert!(codes(&explanation).contains(&hint), "{hint}: {:?}", explanation.hints);
    }
    let line = "x-cloud-host: shop.example";
    let signed = Message::get("/").with_mac_over(&format!("{}\n{line}", signed_path("/")));
    let covered = signed.value(edge::SIGNATURE).replace(";h=;", ";h=x-cloud-host;");
    let message = signed.set(edge::SIGNATURE, &covered).with(name, "shop.example");
    expect(builder(), &message, NOW, "signature-mismatch", "value-space", "name:value");
}

#[test]
fn settings_of_the_verifier_have_their_hints() {
    let prefixed = Message::get("/prod/a").signed();
    expect(
        builder().strip_prefix("/prod"),
        &prefixed,
        NOW,
        "signature-mismatch",
        "prefix-extra",
        "`/prod/a` was signed",
    );
    let query = Message::get("/a?x").signed();
    let none = builder().query(QueryMode::None);
    expect(none, &query, NOW, "signature-mismatch", "query-signed", "set query = all here");
    let deeper = Message::get("/a").signed().arrives_as(Message::get("/prod/v1/a"));
    expect(
        builder().strip_prefix("/prod"),
        &deeper,
        NOW,
        "signature-mismatch",
        "prefix",
        "`/prod/v1`",
    );
}

#[test]
fn other_keys_and_changed_claims_have_their_hints() {
    let other = Message::get("/").signed_with(key("a", 2), WafEvidence::Pass, &[]);
    expect(
        builder(),
        &other,
        NOW,
        "signature-mismatch",
        "other-key",
        "the secret of b signed under the name a",
    );

    let suspect = Message::get("/").signed_with(key("a", 9), WafEvidence::Pass, &[]);
    let verifier = builder().build_at(NOW).unwrap();
    let explainer = Explainer::new(&verifier).suspect("the one under the doormat", key("x", 9));
    let explanation = suspect.head(|head| explainer.explain(head, None, NOW));
    assert_eq!(
        explanation.hints,
        [Hint::new("suspect-key", "the key was the one under the doormat")]
    );

    let none = Message::get("/").signed_with(key("a", 1), WafEvidence::None, &[]);
    for (hint, from, to) in [("waf", "waf=none", "waf=pass"), ("audience", "aud=shop", "aud=barn")]
    {
        let changed = none.value(edge::SIGNATURE).replace(from, to);
        let message = none.clone().set(edge::SIGNATURE, &changed);
        expect(builder(), &message, NOW, "signature-mismatch", hint, "was changed after signing");
    }
}

#[test]
fn every_other_reason_says_what_exactly_is_wrong() {
    let good = || Message::get("/").signed();
    let covering = || Message::get("/").with("x-cloud-host", "shop.example").signed();
    let value = good().value(edge::SIGNATURE).to_owned();
    let grammar = |from: &str, to: &str| good().set(edge::SIGNATURE, &value.replace(from, to));
    for (message, reason, hint, text) in [
        (good().method("G\u{1b}T"), "malformed-request", "method", "`G\\x1bT`"),
        (good().without("host"), "malformed-request", "host-missing", ""),
        (good().with("host", "b"), "malformed-request", "host-repeated", "2 times"),
        (good().set("host", " "), "malformed-request", "host-empty", ""),
        (
            good().with("connection", "close, X-Cloud-Date"),
            "malformed-request",
            "connection",
            "`x-cloud-date`",
        ),
        (
            covering().with("connection", "x-cloud-host"),
            "malformed-request",
            "connection",
            "`x-cloud-host`",
        ),
        (
            good().arrives_as(Message::get("http://b/")),
            "malformed-request",
            "host-differs",
            "`shop.example`, the target says `b`",
        ),
        (
            good().arrives_as(Message::get("http://a@shop.example/")),
            "malformed-request",
            "host-userinfo",
            "",
        ),
        (Message::get("/"), "missing-signature", "unsigned", "forward"),
        (
            good().with(edge::DATE, "20261122T003000Z"),
            "duplicate-header",
            "repeated",
            "x-cloud-date is there 2 times",
        ),
        (covering().with("x-cloud-host", "b"), "duplicate-header", "repeated", "`x-cloud-host`"),
        (good().without(edge::DATE), "malformed-signature", "half-signed", "x-cloud-date is not"),
        (
            good().without(edge::SIGNATURE),
            "malformed-signature",
            "half-signed",
            "x-cloud-signature is not",
        ),
        (
            good().set(edge::DATE, "20261322T003000Z"),
            "malformed-signature",
            "grammar",
            "x-cloud-date is `20261322T003000Z`",
        ),
        (grammar("v1;", "v2;"), "malformed-signature", "grammar", "at byte 0"),
        (grammar("kid=a", "kid=a b"), "malformed-signature", "grammar", "`kid` is `a b`"),
        (
            grammar(";aud=", "; aud="),
            "malformed-signature",
            "grammar",
            "at byte 31 of x-cloud-signature, `;aud=` is expected",
        ),
        (grammar(NONCE, "short"), "malformed-signature", "grammar", "`nonce` is `short`"),
        (grammar("waf=pass", "waf=yes"), "malformed-signature", "grammar", "`waf` is `yes`"),
        (grammar(";h=", ";h=host"), "malformed-signature", "grammar", "`h` is `host`"),
        (grammar(";sig=", ";sig=A"), "malformed-signature", "grammar", "64 digits"),
        (
            good().set(edge::SIGNATURE, &format!("{value};x")),
            "malformed-signature",
            "grammar",
            "`;x` stands behind",
        ),
        (good().arrives_as(Message::get("/#")), "malformed-target", "target", "without #"),
        (
            covering().without("x-cloud-host"),
            "missing-covered-header",
            "not-forwarded",
            "`x-cloud-host`",
        ),
        (covering().set("x-cloud-host", "é"), "malformed-header", "forbidden-byte", "`\\xc3\\xa9`"),
        (
            Message::get("/").signed_with(key("d", 1), WafEvidence::Pass, &[]),
            "unknown-key",
            "key-id",
            "names d; known here: a, b, c",
        ),
        (
            Message::get("/").signed_with(key("c", 3), WafEvidence::Pass, &[]).clone(),
            "inactive-key",
            "key-window",
            "c is revoked",
        ),
        (
            Message::get("/").signed_with(key("a", 1), WafEvidence::None, &[]),
            "waf-not-evaluated",
            "waf",
            "detached",
        ),
    ] {
        expect(builder(), &message, NOW, reason, hint, text);
    }
    let at = |offset| NOW.saturating_add(offset);
    expect(
        builder(),
        &good(),
        at(95),
        "expired",
        "clock",
        "signed 95 s ago, 35 s more than max_age (60 s)",
    );
    expect(
        builder(),
        &good(),
        at(-20),
        "not-yet-valid",
        "clock",
        "dated 20 s ahead, 15 s more than skew (5 s)",
    );
    expect(
        builder().strip_prefix("/prod"),
        &good(),
        NOW,
        "malformed-target",
        "prefix-missing",
        "`/prod`",
    );
    expect(
        builder().require_header("x-a"),
        &good(),
        NOW,
        "insufficient-coverage",
        "coverage",
        "not covered: x-a",
    );
    let body = Message::get("/").with("content-length", "3").signed();
    let covered = builder().body_coverage(BodyCoverage::Required);
    expect(covered, &body, NOW, "insufficient-coverage", "coverage", "has a body");
    let bound = || builder().bind_host(HostBinding::Bound);
    expect(bound(), &good(), NOW, "wrong-host", "host", "does not cover x-cloud-host");
    let moved = covering().set("host", "b");
    expect(
        bound(),
        &moved,
        NOW,
        "wrong-host",
        "host",
        "signed for `shop.example`, the Host that arrived is `b`",
    );

    let window =
        |key: Key| Verifier::builder("shop", Keyring::new([key]).unwrap(), Freshness::strict());
    expect(
        window(key("a", 1).not_before(at(1))),
        &good(),
        NOW,
        "inactive-key",
        "key-window",
        "a counts from 20261122T003001Z on; now is 20261122T003000Z",
    );
    expect(
        window(key("a", 1).not_after(NOW)),
        &good(),
        NOW,
        "inactive-key",
        "key-window",
        "a counted until 20261122T003000Z",
    );
    let keys = Keyring::new([key("a", 1)]).unwrap();
    expect(
        Verifier::builder("barn", keys, Freshness::strict()),
        &good(),
        NOW,
        "wrong-audience",
        "audience",
        "signed for shop; here is barn",
    );
}

#[test]
fn bodies_have_their_hints() {
    let digest = |body: &[u8]| ContentDigest::of(body).to_field_value();
    for (signed, body, reason, hint, text) in [
        (digest(b"a"), "a", None, "", ""),
        (digest(b"a"), "a\r\n", Some("body-mismatch"), "body-differs", "without the line break"),
        (digest(b"a\n"), "a", Some("body-mismatch"), "body-differs", "with a line break"),
        (digest(b"a"), "b", Some("body-mismatch"), "body-differs", "compressed or changed"),
        (digest(b"a"), "", Some("body-mismatch"), "body-differs", "the body is empty"),
        ("sha-512=::".into(), "b", Some("body-mismatch"), "digest-form", "`sha-512=::`"),
        (digest(b"a"), "12345", Some("body-too-large"), "body-cap", "5 bytes, the cap is 4"),
    ] {
        let message = Message::get("/").with("content-digest", &signed);
        let message = message.signed_with(key("a", 1), WafEvidence::Pass, &["content-digest"]);
        let verifier = builder().body_cap(4).build_at(NOW).unwrap();
        let explanation = message
            .head(|head| Explainer::new(&verifier).explain(head, Some(body.as_bytes()), NOW));
        assert_eq!(explanation.rejection.map(|rejection| rejection.code()), reason);
        assert!(
            explanation.hints.iter().all(|found| found.code == hint && found.text.contains(text)),
            "{:?}",
            explanation.hints
        );
        let outcome = if reason.is_some() { Outcome::Failed } else { Outcome::Passed };
        assert_eq!(explanation.steps[18].outcome, outcome);
        let unread = message.head(|head| Explainer::new(&verifier).explain(head, None, NOW));
        assert_eq!((unread.rejection, unread.steps[18].outcome), (None, Outcome::NotRun));
    }
}

#[test]
fn steps_stop_where_the_verdict_falls() {
    let outcomes = |message: &Message| -> String {
        let letter = |outcome| match outcome {
            Outcome::Passed => '+',
            Outcome::Failed => '!',
            Outcome::NotReached => '.',
            Outcome::NotRun => '-',
            Outcome::NotAsked => '?',
            Outcome::NotCovered => 'o',
        };
        explain_with(builder(), message, NOW)
            .steps
            .iter()
            .map(|step| letter(step.outcome))
            .collect()
    };
    let good = Message::get("/").signed();
    let covering = Message::get("/").with("x-cloud-host", "a").signed();
    for (message, expected) in [
        (good.clone(), "+++++++++++++??---o"),
        (good.clone().without("host"), "!.................."),
        (good.clone().with(edge::DATE, "a"), "++!................"),
        (covering.with("x-cloud-host", "b"), "+++++!............."),
        (good.arrives_as(Message::get("/a")), "++++++++!.........."),
    ] {
        assert_eq!(outcomes(&message), expected);
    }
}

#[test]
fn the_base_is_shown_line_by_line_where_there_is_one() {
    let message = Message::get("/a?b").with("x-cloud-host", "h").signed();
    let base = explain_with(builder(), &message, NOW).base;
    let lines: Vec<_> =
        base.iter().map(|line| (line.label, str::from_utf8(&line.bytes).unwrap())).collect();
    assert_eq!(
        lines[6..],
        [("method", "GET"), ("path", "/a"), ("query", "b"), ("covered", "x-cloud-host:h")]
    );
    assert!(explain_with(builder(), &message.without(edge::DATE), NOW).base.is_empty());
}

#[test]
fn the_expected_mac_is_never_given_out() {
    let signed = Message::get("/b").signed();
    let expected = signed.value(edge::SIGNATURE).rsplit_once('=').unwrap().1.to_owned();
    let arrived = Message::get("/a").signed().arrives_as(Message::get("/b"));
    let told = format!("{:?}", explain_with(builder(), &arrived, NOW));
    assert!(told.contains("signature-mismatch") || told.contains("SignatureMismatch"));
    assert!(!told.contains(&expected));
}

mod derived {
    use super::*;
    use crate::key::RootKey;

    fn root(id: &str, seed: u8) -> RootKey {
        RootKey::new(id, &Secret::new([seed; 32]).unwrap()).unwrap()
    }

    fn with_roots(roots: impl IntoIterator<Item = RootKey>) -> VerifierBuilder {
        let keys = Keyring::with_roots([key("a", 1)], roots).unwrap();
        Verifier::builder("shop", keys, Freshness::strict()).replay_capacity(Capacity::shared(1))
    }

    fn builder() -> VerifierBuilder {
        with_roots([root("r", 5), root("s", 6)])
    }

    /// Signed with the key of `days` after today for `audience`.
    fn signed(days: i64, audience: &str) -> Message {
        let day = NOW.saturating_add(days * 86_400);
        sign_as(root("r", 5).derive(day, audience).unwrap().secret(), "r.20261122")
    }

    fn sign_as(secret: &Secret, id: &str) -> Message {
        let key = Key::new(id, secret).unwrap();
        Message::get("/").signed_with(key, WafEvidence::Pass, &[])
    }

    #[test]
    fn a_good_request_passes() {
        let explanation = explain_with(builder(), &signed(0, "shop"), NOW);
        assert_eq!(explanation.rejection, None);
    }

    #[test]
    fn a_changed_request_has_the_hints_of_any_other() {
        let arrived = signed(0, "shop").arrives_as(Message::get("/?utm=1"));
        let explanation = explain_with(builder(), &arrived, NOW);
        assert_eq!(codes(&explanation), ["query-dropped"]);
    }

    #[test]
    fn ids_that_name_no_derived_key_have_their_hints() {
        let secret = Secret::new([5; 32]).unwrap();
        for (id, hint, text) in [
            ("r", "root-key", "the root r, which signs nothing"),
            ("r.20260230", "derived-day", "the root r is named r.YYYYMMDD"),
            ("r.", "derived-day", "names r.;"),
            ("t.20261122", "key-id", "known here: a, r.YYYYMMDD, s.YYYYMMDD"),
            ("rr", "key-id", "names rr"),
        ] {
            let message = sign_as(&secret, id);
            expect(builder(), &message, NOW, "unknown-key", hint, text);
        }
    }

    #[test]
    fn a_key_outside_its_day_has_its_hint() {
        let at = |secs| NOW.saturating_add(secs);
        for (now, text) in [
            (at(-6_000), "counts from 20261121T230000Z until 20261123T010000Z"),
            (at(-6_000), "too early"),
            (at(90_000), "did not get the key of the next day"),
        ] {
            expect(builder(), &signed(0, "shop"), now, "inactive-key", "derived-day", text);
        }
        for (root, text) in [
            (root("r", 5).revoked(), "the root r is revoked"),
            (root("r", 5).not_before(at(1)), "the root r counts from 20261122T003001Z on"),
            (root("r", 5).not_after(NOW), "the root r counted until 20261122T003000Z"),
        ] {
            let verifier = with_roots([root]);
            expect(verifier, &signed(0, "shop"), NOW, "inactive-key", "key-window", text);
        }
    }

    #[test]
    fn other_keys_of_a_root_are_found() {
        let of_s = root("s", 6).derive(NOW, "shop").unwrap();
        for (message, hint, text) in [
            (signed(-1, "shop"), "derived-day", "r.20261121 signed under the name r.20261122"),
            (signed(1, "shop"), "derived-day", "r.20261123 signed"),
            (sign_as(of_s.secret(), "r.20261122"), "derived-day", "s.20261122 signed"),
            (
                sign_as(&Secret::new([5; 32]).unwrap(), "r.20261122"),
                "root-key",
                "the root r itself",
            ),
            (sign_as(&Secret::new([6; 32]).unwrap(), "a"), "root-key", "the root s itself"),
            (sign_as(&Secret::new([1; 32]).unwrap(), "r.20261122"), "other-key", "secret of a"),
            (signed(2, "shop"), "nothing-matched", ""),
        ] {
            expect(builder(), &message, NOW, "signature-mismatch", hint, text);
        }
        let keys = Keyring::with_roots([], [root("r", 5)]).unwrap();
        let barn = Verifier::builder("barn", keys, Freshness::strict());
        let message = signed(0, "barn"); // in a message for shop
        let (reason, hint) = ("signature-mismatch", "derived-audience");
        expect(barn, &message, NOW, reason, hint, "derived for barn");
    }
}
