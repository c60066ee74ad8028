//! Derived keys, from the root to the verdict: what an edge holds signs on its day, and no longer.
#![allow(clippy::unwrap_used, missing_docs, reason = "in a test, a panic is the report")]

use proptest::prelude::*;
use wafpass::scheme::edge::WafEvidence;
use wafpass::{
    Freshness, Key, Keyring, MessageHead, RejectionKind, RootKey, Secret, SignError, Signer,
    UnixTime, Verifier,
};

const MIDNIGHT: UnixTime = UnixTime::from_secs(1_795_305_600); // 2026-11-22T00:00:00Z
const NONCE: &str = "the-edge-s-request-id";

fn root(id: &str, seed: [u8; 32]) -> RootKey {
    RootKey::new(id, &Secret::new(seed).unwrap()).unwrap()
}

fn verifier(audience: &str, root: RootKey) -> Verifier {
    let keys = Keyring::with_roots([], [root]).unwrap();
    let builder = Verifier::builder(audience, keys, Freshness::cloudfront());
    builder.build_at(UnixTime::from_secs(0)).unwrap()
}

fn signer(audience: &str, key: &Key) -> Signer {
    Signer::builder(audience, key.clone()).build().unwrap()
}

/// Signs at `now`, and checks a request with these fields at `later`.
fn send(
    signer: &Signer,
    verifier: &Verifier,
    now: UnixTime,
    later: UnixTime,
) -> Result<String, RejectionKind> {
    let host = (b"host".as_slice(), b"shop.example".as_slice());
    let unsigned = [host];
    let head = MessageHead::from_raw(b"GET", b"/", &unsigned);
    let signature = signer.sign(&head, WafEvidence::Pass, NONCE, now).unwrap();
    let [date, value] = signature.fields().map(|(name, text)| (name.as_bytes(), text.as_bytes()));
    let signed = [host, date, value];
    let head = MessageHead::from_raw(b"GET", b"/", &signed);
    match verifier.check(&head, later) {
        Ok(authentic) => Ok(authentic.key_id().to_string()),
        Err(rejection) => Err(rejection.kind),
    }
}

/// Two edges and an origin through a midnight, the key changed half an hour before and after.
#[test]
fn midnight_passes_without_a_refusal() {
    let at = |secs| MIDNIGHT.saturating_add(secs);
    let root = root("shop-root", [7; 32]);
    let origin = verifier("shop", root.clone());
    let yesterday = signer("shop", root.derive(at(-1), "shop").unwrap().key());
    let today = signer("shop", root.derive(at(0), "shop").unwrap().key());

    for now in (-3_600..3_600).step_by(30).map(at) {
        let late_edge = send(&yesterday, &origin, now, now);
        let early_edge = send(&today, &origin, now, now);
        assert_eq!(late_edge.as_deref(), Ok("shop-root.20261121"));
        assert_eq!(early_edge.as_deref(), Ok("shop-root.20261122"));
    }
    // On its way while the overlap ends: the key is what is no longer good.
    let on_its_way = send(&yesterday, &origin, at(3_599), at(3_600));
    assert_eq!(on_its_way, Err(RejectionKind::InactiveKey));
}

#[test]
fn a_signer_stops_with_its_key() {
    let root = root("r", [7; 32]);
    let derived = root.derive(MIDNIGHT, "shop").unwrap();
    let fields = [(b"host".as_slice(), b"h".as_slice())];
    let head = MessageHead::from_raw(b"GET", b"/", &fields);
    let sign = |secs| {
        let now = MIDNIGHT.saturating_add(secs);
        signer("shop", derived.key()).sign(&head, WafEvidence::Pass, NONCE, now).err()
    };
    assert_eq!([sign(-3_600), sign(89_999)], [None, None]);
    assert_eq!([sign(-3_601), sign(90_000)], [const { Some(SignError::InactiveKey) }; 2]);
}

/// What leaks from one edge does not sign for another, nor tell its key.
#[test]
fn a_key_is_good_for_its_audience_only() {
    let root = root("r", [7; 32]);
    let [shop, barn] = ["shop", "barn"].map(|aud| root.derive(MIDNIGHT, aud).unwrap());
    let origin = verifier("barn", root);
    let now = MIDNIGHT;
    assert_eq!(send(&signer("barn", barn.key()), &origin, now, now).as_deref(), Ok("r.20261122"));
    let own_words = send(&signer("shop", shop.key()), &origin, now, now);
    assert_eq!(own_words, Err(RejectionKind::WrongAudience));
    let forged = send(&signer("barn", shop.key()), &origin, now, now);
    assert_eq!(forged, Err(RejectionKind::SignatureMismatch));
}

#[test]
fn nothing_of_a_root_is_shown() {
    let secret = Secret::new(*b"a secret that no log may ever see").unwrap();
    let root = RootKey::new("r", &secret).unwrap();
    let derived = root.derive(MIDNIGHT, "shop").unwrap();
    let keys = Keyring::with_roots([derived.key().clone()], []).unwrap();
    let shown = format!("{root:?} {:?} {keys:?}", verifier("shop", root.clone()));
    for secret in [secret.to_base64url(), derived.secret().to_base64url()] {
        assert!(!shown.contains(&*secret) && !shown.contains("a secret"));
    }
    assert!(shown.contains("r.20261122") && !shown.contains("keyed"));
}

fn label(bytes: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = String> {
    proptest::string::string_regex(&format!("[A-Za-z0-9._-]{{{},{}}}", bytes.start(), bytes.end()))
        .unwrap()
}

/// Names of which many differ in one byte only, or run into each other.
fn near_label() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[a.]{1,3}").unwrap()
}

fn any_derivation() -> impl Strategy<Value = (u8, String, i64, String)> {
    (0..2_u8, near_label(), 0..3_i64, near_label())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Two derived keys are the same only when root, day and audience are.
    #[test]
    fn derived_keys_differ(one in any_derivation(), other in any_derivation()) {
        let derive = |(seed, id, days, audience): &(u8, String, i64, String)| {
            let moment = MIDNIGHT.saturating_add(days * 86_400);
            let derived = root(id, [*seed; 32]).derive(moment, audience).unwrap();
            derived.secret().to_base64url()
        };
        prop_assert_eq!(derive(&one) == derive(&other), one == other);
    }

    /// For any names and any moment of the years there are: what is derived verifies, under its id.
    #[test]
    fn what_is_derived_is_accepted(
        id in label(1..=55), audience in label(1..=64), seed in any::<[u8; 32]>(),
        secs in -62_135_596_800..253_402_300_000_i64,
    ) {
        let (root, now) = (root(&id, seed), UnixTime::from_secs(secs));
        let derived = root.derive(now, &audience).unwrap();
        prop_assert_eq!(derived.id().as_str().strip_prefix(&*id).map(str::len), Some(9));
        let origin = verifier(&audience, root);
        let verdict = send(&signer(&audience, derived.key()), &origin, now, now);
        prop_assert_eq!(verdict.as_deref(), Ok(derived.id().as_str()));
    }

    /// No kid whatever makes the verifier panic, and none passes that the root did not derive.
    #[test]
    fn no_id_passes_by_itself(kid in prop_oneof![
        "[A-Za-z0-9._-]{0,70}", "r\\.[0-9]{0,9}", "(r\\.)?[0-9.]{0,64}", "\\PC{0,70}",
    ]) {
        let value = format!("v1;kid={kid};nonce={NONCE};aud=shop;waf=pass;h=;sig={}", "0".repeat(64));
        let fields: [(&[u8], &[u8]); 3] = [
            (b"host", b"h"), (b"x-cloud-date", b"20261122T000000Z"), (b"x-cloud-signature", value.as_bytes()),
        ];
        let head = MessageHead::from_raw(b"GET", b"/", &fields);
        let kind = verifier("shop", root("r", [7; 32])).check(&head, MIDNIGHT).unwrap_err().kind;
        let today = kid == "r.20261122" || kid == "r.20261121";
        prop_assert_eq!(kind == RejectionKind::SignatureMismatch, today);
    }
}
