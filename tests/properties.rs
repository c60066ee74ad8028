//! What holds for every request, not only for the ones somebody thought of.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "in a test, a panic is the report"
)]

use proptest::prelude::*;
use proptest::sample::Index;
use wafpass::scheme::edge::WafEvidence;
use wafpass::{
    Freshness, Key, Keyring, MessageHead, RejectionKind, Secret, Signer, UnixTime, Verifier,
    WafRequirement,
};

const NOW: UnixTime = UnixTime::from_secs(1_795_307_400);
const COVERED: [&str; 2] = ["x-a", "x-b"];

/// A request as raw bytes, fields in order.
#[derive(Clone, Debug)]
struct Request {
    method: Vec<u8>,
    target: Vec<u8>,
    fields: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Request {
    fn with_head<T>(&self, then: impl FnOnce(&MessageHead<'_>) -> T) -> T {
        let fields: Vec<_> =
            self.fields.iter().map(|(n, v)| (n.as_slice(), v.as_slice())).collect();
        then(&MessageHead::from_raw(&self.method, &self.target, &fields))
    }

    fn check(&self) -> Result<(), RejectionKind> {
        let verdict = self.with_head(|head| verifier().check(head, NOW).map(drop));
        verdict.map_err(|rejection| rejection.kind)
    }

    fn base(&self) -> Option<Vec<u8>> {
        self.with_head(|head| verifier().signature_base(head).ok())
    }
}

fn key() -> Key {
    Key::new("k", &Secret::new([7; 32]).unwrap()).unwrap()
}

fn verifier() -> Verifier {
    let builder = Verifier::builder("shop", Keyring::new([key()]).unwrap(), Freshness::strict());
    builder.waf(WafRequirement::NotRequired).build_at(UnixTime::from_secs(0)).unwrap()
}

fn signed(method: &str, target: &str, values: [&str; 2], nonce: &str, waf: WafEvidence) -> Request {
    let builder = COVERED.iter().fold(Signer::builder("shop", key()), |b, name| b.cover(name));
    let signer = builder.build().unwrap();
    let field = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
    let mut fields = vec![field("host", "shop.example")];
    fields.extend(COVERED.iter().zip(values).map(|(name, value)| field(name, value)));
    let mut request = Request { method: method.into(), target: target.into(), fields };
    let signature = request.with_head(|head| signer.sign(head, waf, nonce, NOW)).unwrap();
    request.fields.extend(signature.fields().map(|(name, value)| field(name, value)));
    request
}

fn any_signed() -> impl Strategy<Value = Request> {
    let waf = prop_oneof![Just(WafEvidence::Pass), Just(WafEvidence::None)];
    ("[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}", target(), value(), value(), "[A-Za-z0-9._=-]{16,128}", waf)
        .prop_map(|(method, target, a, b, nonce, waf)| {
            signed(&method, &target, [&a, &b], &nonce, waf)
        })
}

fn target() -> impl Strategy<Value = String> {
    ("/[!\"$-~]{0,40}", proptest::option::of("[!\"$-~]{0,40}")).prop_map(
        |(path, query)| match query {
            Some(query) => format!("{path}?{query}"),
            None => path,
        },
    )
}

fn value() -> impl Strategy<Value = String> {
    "[ -~\t]{0,40}"
}

/// Requests close to each other, from few letters, so that two of them collide often.
fn near() -> impl Strategy<Value = Request> {
    let letters = "[a:;/?\n ]{0,3}";
    ("[aG]{1,2}", "/[a/?]{0,3}", letters, letters, "[ab]{16,17}").prop_map(
        |(method, target, a, b, nonce)| {
            let field =
                |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
            let mac = "0".repeat(64);
            let value = format!("v1;kid=k;nonce={nonce};aud=shop;waf=pass;h=x-a:x-b;sig={mac}");
            let fields = vec![
                field("host", "shop.example"),
                field("x-a", &a),
                field("x-b", &b),
                field("x-cloud-date", "20261122T003000Z"),
                field("x-cloud-signature", &value),
            ];
            Request { method: method.into(), target: target.into(), fields }
        },
    )
}

/// What a base has to tell apart.
fn meaning(request: &Request) -> impl PartialEq + std::fmt::Debug + use<> {
    let target = String::from_utf8_lossy(&request.target).into_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let values: Vec<_> =
        request.fields.iter().map(|(_, value)| value.trim_ascii().to_vec()).collect();
    (request.method.clone(), path.to_owned(), query.to_owned(), values)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_signed_is_accepted(request in any_signed()) {
        prop_assert_eq!(request.check(), Ok(()));
    }

    /// Two requests with one base are one request.
    #[test]
    fn bases_tell_requests_apart(one in near(), other in near()) {
        if let (Some(a), Some(b)) = (one.base(), other.base()) {
            prop_assert_eq!(a == b, meaning(&one) == meaning(&other));
        }
    }

    /// Any byte of what is signed, changed to any other: refused.
    #[test]
    fn a_changed_byte_is_refused(request in any_signed(), place in any::<Index>(), byte in any::<u8>()) {
        let mut changed = request.clone();
        let bytes: Vec<&mut u8> = changed.method.iter_mut()
            .chain(&mut changed.target)
            .chain(changed.fields[1..].iter_mut().flat_map(|(name, value)| name.iter_mut().chain(value)))
            .collect();
        let count = bytes.len();
        let slot = bytes.into_iter().nth(place.index(count)).unwrap();
        prop_assume!(!slot.eq_ignore_ascii_case(&byte)); // names have no case
        *slot = byte;
        // A tab for a space around a value changes nothing: neither is part of it.
        prop_assume!(changed.base() != request.base() || signature_of(&changed) != signature_of(&request));
        prop_assert!(changed.check().is_err());
    }

    /// A byte too many or too few: refused, unless the request means the same as before.
    #[test]
    fn a_byte_more_or_less_is_refused(
        request in any_signed(), part in 0..6_usize, place in any::<Index>(), byte in proptest::option::of(any::<u8>()),
    ) {
        let mut changed = request.clone();
        let text = match part {
            0 => &mut changed.method,
            1 => &mut changed.target,
            _ => &mut changed.fields[part - 1].1,
        };
        let at = place.index(text.len() + 1);
        match byte {
            Some(byte) => text.insert(at, byte),
            None if at < text.len() => drop(text.remove(at)),
            None => drop(text.pop()),
        }
        if changed.check().is_ok() {
            prop_assert_eq!(changed.base(), request.base());
            prop_assert_eq!(signature_of(&changed), signature_of(&request));
        }
    }

    /// No bytes whatever make the verifier panic, and none of them pass.
    #[test]
    fn garbage_is_refused(
        method in any::<Vec<u8>>(), target in any::<Vec<u8>>(),
        fields in proptest::collection::vec((field_name(), any::<Vec<u8>>()), 0..8),
    ) {
        let request = Request { method, target, fields };
        prop_assert!(request.check().is_err());
    }
}

fn field_name() -> impl Strategy<Value = Vec<u8>> {
    const KNOWN: &[&str] =
        &["host", "connection", "x-cloud-date", "x-cloud-signature", "upgrade", "x-a"];
    prop_oneof![
        proptest::sample::select(KNOWN).prop_map(|name| name.as_bytes().to_vec()),
        any::<Vec<u8>>(),
    ]
}

fn signature_of(request: &Request) -> Vec<u8> {
    let found =
        request.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(b"x-cloud-signature"));
    found.map(|(_, value)| value.trim_ascii().to_vec()).unwrap_or_default()
}
