use hmac::Mac;
use proptest::prelude::*;

use super::digest::Hex16;
use super::*;
use crate::keyring::Keyring;
use crate::policy::Freshness;
use crate::scheme::edge::{self, WafEvidence};
use crate::sign::Signer;
use crate::{RootKey, Secret};

const NOW: UnixTime = UnixTime::from_secs(1_795_307_400);
const NONCE: &str = "0123456789abcdef";
const COVERED: [&str; 3] = ["path", "x-cloud-host", "x-cloud-viewer-ip"];

fn secret(byte: u8) -> Secret {
    Secret::new([byte; 32]).unwrap()
}

fn key() -> Key {
    Key::new("k", &secret(7)).unwrap()
}

fn keyring() -> Keyring {
    Keyring::new([key()]).unwrap()
}

fn salt(byte: u8) -> Hex16 {
    Hex16::new([byte; SALT_BYTES])
}

fn verifier(keyring: Keyring) -> Verifier {
    Verifier::builder("shop", keyring, Freshness::strict()).build_at(NOW).unwrap()
}

/// A request as it was signed, or as it arrived.
#[derive(Clone)]
struct Message {
    method: String,
    target: String,
    fields: Vec<(String, String)>,
}

impl Message {
    fn new(target: &str) -> Self {
        let fields = [
            ("host", "shop.example"),
            ("path", "/a"), // a field by the name of a part
            ("x-cloud-host", "Shop.example:443"),
            ("x-cloud-viewer-ip", "203.0.113.7"),
        ];
        let fields = fields.map(|(name, value)| (name.into(), value.into())).into();
        Self { method: "GET".into(), target: target.into(), fields }
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(field, _)| field != name);
        self.fields.push((name.into(), value.into()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(field, _)| field != name);
        self
    }

    fn to(self, target: &str) -> Self {
        Self { target: target.into(), ..self }
    }

    fn value(&self, name: &str) -> &str {
        &self.fields.iter().find(|(field, _)| field == name).unwrap().1
    }

    fn head<T>(&self, look: impl FnOnce(&MessageHead<'_>) -> T) -> T {
        let fields: Vec<(&[u8], &[u8])> =
            self.fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        look(&MessageHead::from_raw(self.method.as_bytes(), self.target.as_bytes(), &fields))
    }

    fn signed_with(self, key: Key) -> Self {
        let builder = COVERED.iter().fold(Signer::builder("shop", key), |b, name| b.cover(name));
        let signer = builder.build().unwrap();
        let signature = self.head(|head| signer.sign(head, WafEvidence::Pass, NONCE, NOW)).unwrap();
        signature.fields().into_iter().fold(self, |message, (name, value)| message.set(name, value))
    }

    fn signed(self) -> Self {
        self.signed_with(key())
    }

    /// What the origin logs of this request.
    fn record_by(&self, keyring: Keyring) -> ExplainRecord {
        self.head(|head| ExplainRecord::of(&verifier(keyring), head, NOW, salt(1)).unwrap())
    }

    fn record(&self) -> ExplainRecord {
        self.record_by(keyring())
    }
}

fn compare(signed: &Message, record: &ExplainRecord) -> Comparison {
    let keyring = keyring();
    signed.head(|head| Comparer::new(&keyring).compare(record, head).unwrap())
}

fn differing(comparison: &Comparison) -> Vec<&str> {
    comparison.differing().map(|part| &*part.label).collect()
}

fn codes(comparison: &Comparison) -> Vec<&str> {
    comparison.hints.iter().map(|hint| hint.code).collect()
}

#[test]
fn the_text_is_one_line_of_visible_ascii_and_reads_back() {
    let record = Message::new("/a?b=1").signed().record();
    let text = record.to_string();
    assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{text}");
    assert!(text.starts_with(
        "wafpass-explain-1 salt=01010101010101010101010101010101 reason=signature-mismatch \
         now=20261122T003000Z kid=k date=20261122T003000Z nonce=0123456789abcdef aud=shop waf=pass \
         h=path:x-cloud-host:x-cloud-viewer-ip key="
    ));
    assert!(text.contains(" method=3:") && text.contains(" path=2:") && text.contains(" query=3:"));
    assert_eq!(ExplainRecord::parse(text.as_bytes()), Ok(record.clone()));
    let wrapped = text.replace(' ', "\r\n   ");
    assert_eq!(ExplainRecord::parse(wrapped.as_bytes()), Ok(record));
}

/// Made by `tests/vectors/explain_record.py`, which shares no code with this project.
#[test]
fn another_implementation_makes_the_same_record() {
    let log = include_bytes!("../../../tests/vectors/explain-records.log");
    let records = ExplainRecord::all_in(log);
    let expected = records[0].as_ref().unwrap();
    let secret: Vec<u8> = (0..32).collect();
    let key = Key::new("2026-11-a", &Secret::new(secret).unwrap()).unwrap();
    let signer = Signer::builder("shop", key.clone()).cover("x-cloud-viewer-ip").build().unwrap();
    let message = Message::new("/prod/a%20b?x=+");
    let signature = message.head(|head| signer.sign(head, WafEvidence::Pass, NONCE, NOW)).unwrap();
    let sent = signature.fields().into_iter().fold(message, |m, (name, value)| m.set(name, value));
    let (now, salt) = (NOW.saturating_add(10), expected.salt);
    let verifier = verifier(Keyring::new([key]).unwrap());
    let made = sent.head(|head| ExplainRecord::of(&verifier, head, now, salt));
    assert_eq!(made.as_ref(), Some(expected));
}

#[test]
fn records_are_found_in_what_surrounds_them() {
    let [first, second] = [salt(1), salt(2)].map(|salt| {
        let message = Message::new("/").signed();
        message.head(|head| ExplainRecord::of(&verifier(keyring()), head, NOW, salt).unwrap())
    });
    let log = format!(
        "2026-11-22T00:30:00Z INFO wafpass::explain: explained record=\"{first}\"\n\
         {{\"target\":\"wafpass::explain\",\"fields\":{{\"record\":\"{second}\"}}}}\nrecord={first}\n"
    );
    let expected = [Ok(first.clone()), Ok(second), Ok(first.clone())];
    assert_eq!(ExplainRecord::all_in(log.as_bytes()), expected);

    let broken = format!("{}\n{first}", first.to_string().get(..200).unwrap());
    let found = ExplainRecord::all_in(broken.as_bytes());
    assert!(matches!(found[..], [Err(RecordError::Malformed { .. }), Ok(_)]), "{found:?}");
    assert!(ExplainRecord::all_in(b"").is_empty());
}

#[test]
fn what_departs_from_the_grammar_is_refused() {
    let text = Message::new("/a").signed().record().to_string();
    let parse = |text: &str| ExplainRecord::parse(text.as_bytes()).unwrap_err();
    assert_eq!(parse(""), RecordError::Missing);
    assert_eq!(parse(&format!("record={text}")), RecordError::Missing);
    assert_eq!(parse(&text.replace("explain-1", "explain-2")), RecordError::Version);
    for (from, to, expected) in [
        ("salt=", "salt=0", "salt=<32 hex>"),
        ("salt=01", "salt=0A", "salt=<32 hex>"),
        ("signature-mismatch", "expired", "reason=signature-mismatch"),
        ("now=2026", "now=20a6", "now=<YYYYMMDDTHHMMSSZ>"),
        ("kid=k", "kid=", "kid=<key id>"),
        ("kid=k", "kid=\u{1b}", "kid=<key id>"),
        (" date=", " dated=", "date=<YYYYMMDDTHHMMSSZ>"),
        ("nonce=0", "nonce=;0", "nonce=<nonce>"),
        ("aud=shop", "aud=s/p", "aud=<audience>"),
        ("waf=pass", "waf=passed", "waf=pass or waf=none"),
        ("h=path:", "h=x:path:", "h=<covered names>"),
        ("h=path:", "h=Path:", "h=<covered names>"),
        ("h=path:", "h=host:", "h=<covered names>"),
        (" key=", " key=x", "key=<32 hex>"),
        ("method=3", "method=03", "method=<length>:<32 hex>"),
        ("method=3", "method=-3", "method=<length>:<32 hex>"),
        ("path=2:", "path=99999999999999999999999:", "path=<length>:<32 hex>"),
        ("query=0:", "query=0", "query=<length>:<32 hex>"),
        (" h.x-cloud-host=", " h.x-cloud-hast=", "h.<name>=<length>:<32 hex> for each name in h"),
    ] {
        assert!(text.contains(from), "{from}");
        let fault = parse(&text.replacen(from, to, 1));
        assert!(
            matches!(fault, RecordError::Malformed { expected: told, .. } if told == expected),
            "{from} -> {to}: {fault}"
        );
        assert_eq!(fault.to_string().lines().count(), 2);
    }
    for tail in ["0", "\"", " x"] {
        assert!(matches!(parse(&format!("{text}{tail}")), RecordError::Malformed { .. }));
    }
}

/// Each part is named when it is the one that changed, and no other.
#[test]
fn the_part_that_changed_is_named() {
    let signed = Message::new("/a?b=1").signed();
    for (label, arrived) in [
        ("method", Message { method: "PATCH".into(), ..signed.clone() }),
        ("path", signed.clone().to("/z9?b=1")),
        ("query", signed.clone().to("/a?zz=9")),
        ("h.path", signed.clone().set("path", "/b")),
        ("h.x-cloud-host", signed.clone().set("x-cloud-host", "evil.example")),
        ("h.x-cloud-viewer-ip", signed.clone().set("x-cloud-viewer-ip", "198.51.100.9")),
    ] {
        let comparison = compare(&signed, &arrived.record());
        assert_eq!(differing(&comparison), [label]);
        assert_eq!(comparison.signature, LocalSignature::Right);
        assert_eq!(comparison.hints.len(), 1);
        // Without the protocol fields, too.
        let bare = signed.clone().without(edge::SIGNATURE).without(edge::DATE);
        let comparison = compare(&bare, &arrived.record());
        assert_eq!(differing(&comparison), [label]);
        assert_eq!(comparison.signature, LocalSignature::NotThere);
    }
    let comparison = compare(&signed, &signed.record());
    assert_eq!((differing(&comparison), codes(&comparison)), (vec![], vec!["nothing-differs"]));
    assert!(!comparison.differs());
}

#[test]
fn what_stands_in_clear_is_compared_as_it_is() {
    let signed = Message::new("/").signed();
    let with = |from, to| {
        let value = signed.value(edge::SIGNATURE).replace(from, to);
        compare(&signed, &signed.clone().set(edge::SIGNATURE, &value).record())
    };
    assert_eq!(differing(&with("waf=pass", "waf=none")), ["waf"]);
    assert_eq!(differing(&with("aud=shop", "aud=other")), ["aud"]);
    let fewer = with("h=path:x-cloud-host:", "h=path:");
    assert_eq!(differing(&fewer), ["h", "h.x-cloud-host"]);
    assert_eq!(fewer.parts[11].finding, Finding::NotInRecord);
    let other = with(NONCE, "another-nonce-12345");
    assert_eq!((differing(&other), codes(&other)), (vec!["nonce"], vec!["other-request"]));
}

#[test]
fn a_field_that_the_signer_leaves_out_is_named() {
    let signed = Message::new("/").signed();
    let comparison = compare(&signed.clone().without("x-cloud-host"), &signed.record());
    assert_eq!(differing(&comparison), ["h.x-cloud-host"]);
    let part = comparison.parts.iter().find(|part| part.label == "h.x-cloud-host").unwrap();
    assert_eq!((part.finding, &part.seen), (Finding::NotInRequest, &Seen::Bytes(16)));
}

#[test]
fn says_what_the_origin_saw() {
    let at = |target: &str| Message::new(target).signed();
    for (signed, arrived, code, seen) in [
        ("/a?b=1", "/prod/a?b=1", "prefix", "`/prod/a` arrived"),
        ("/prod/a", "/a", "prefix-extra", "`/a` arrived"),
        ("/a//b", "/a/b", "path-slashes", "`/a/b` arrived"),
        ("/a/../b", "/b", "path-dot-segments", "`/b` arrived"),
        ("/a%2fb", "/a/b", "path-encoded", "`/a/b` arrived"),
        ("/a%2fb", "/a%2Fb", "path-escapes-upper", "`/a%2Fb` arrived"),
        ("/a", "/a/", "path-slash-cut", "`/a/` arrived"),
        ("/A", "/a", "path-lowered", "`/a` arrived"),
        ("/?q=a%20b", "/?q=a+b", "query-percent-20", "`q=a+b` arrived"),
        ("/?q=a+b", "/?q=a%20b", "query-plus", "`q=a%20b` arrived"),
        ("/?q=a", "/", "query-empty", "(empty) arrived"),
        ("/?b=1&a=2", "/?a=2&b=1", "query-order", "`a=2&b=1` arrived"),
        ("/?c&a&d&b", "/?d&c&b&a", "query-order", "`d&c&b&a` arrived"),
        ("/?utm=x&a=1&b=2", "/?a=1&b=2", "query-parameters", "`a=1&b=2` arrived"),
        ("/?a", "/?a=", "query-bare-names", "`a=` arrived"),
        ("/?a=", "/?a", "query-empty-values", "`a` arrived"),
        ("/?z=%41&b", "/?b&z=A", "two-changes", "`b&z=A` arrived"),
        ("/?q=(x)", "/?q=%28x%29", "query-decoded", "`q=%28x%29` arrived"),
        ("/", "/?unknown", "not-signed", "nothing was signed, 7 bytes arrived"),
        ("/?q=1", "/?q=unknown", "nothing-matched", "3 bytes were signed, 9 arrived"),
    ] {
        let signed = at(signed);
        let comparison = compare(&signed, &signed.clone().to(arrived).record());
        let hint = &comparison.hints[0];
        assert_eq!(hint.code, code, "{arrived}: {}", hint.text);
        assert!(hint.text.contains(seen), "{arrived}: {}", hint.text);
    }
    let signed = at("/");
    for (name, value, code) in [
        ("x-cloud-host", "Shop.example", "value-without-port"),
        ("x-cloud-host", "shop.example:443", "value-lower"),
        ("x-cloud-host", "shop.example", "value-other-field"), // the Host
        ("x-cloud-viewer-ip", "", "value-empty"),
        ("x-cloud-viewer-ip", "192.0.2.1", "nothing-matched"),
    ] {
        let comparison = compare(&signed, &signed.clone().set(name, value).record());
        assert_eq!(codes(&comparison), [code], "{name}: {value}");
    }
    let head = Message { method: "HEAD".into(), ..signed.clone() };
    assert_eq!(codes(&compare(&signed, &head.record())), ["method"]);
}

#[test]
fn another_secret_is_told_from_other_parts() {
    let signed = Message::new("/").signed();
    let other = || Key::new("k", &secret(8)).unwrap();
    let record = signed.record_by(Keyring::new([other()]).unwrap());
    let comparison = compare(&signed, &record);
    assert_eq!((differing(&comparison), codes(&comparison)), (vec!["key"], vec!["key"]));
    assert!(comparison.parts[7..].iter().all(|part| part.finding == Finding::NotComparable));

    // Where it is at hand, it is named, and the rest compared.
    let keyring = Keyring::new([key(), Key::new("k2", &secret(8)).unwrap()]).unwrap();
    let record = signed.clone().to("/b").record_by(Keyring::new([other()]).unwrap());
    let comparison = signed.head(|head| Comparer::new(&keyring).compare(&record, head).unwrap());
    assert_eq!(differing(&comparison), ["key", "path"]);
    assert!(comparison.hints[0].text.ends_with("the origin holds the secret of k2"));
    let keyring = self::keyring();
    let comparer = Comparer::new(&keyring).suspect("a suspect", other());
    let comparison = signed.head(|head| comparer.compare(&record, head).unwrap());
    assert!(comparison.hints[0].text.ends_with("the origin holds a suspect"));

    let unknown = Keyring::new([Key::new("k3", &secret(7)).unwrap()]).unwrap();
    let fault = signed.head(|head| Comparer::new(&unknown).compare(&record, head).unwrap_err());
    assert_eq!(fault, RecordError::UnknownKey { key_id: KeyId::new("k").unwrap() });
}

#[test]
fn a_signer_that_signs_something_else_is_told_so() {
    let sent = Message::new("/a").signed().to("/b");
    let comparison = compare(&sent, &sent.record());
    assert_eq!(comparison.signature, LocalSignature::Wrong);
    assert_eq!((differing(&comparison), codes(&comparison)), (vec![], vec!["signature"]));
}

#[test]
fn requests_that_could_not_be_signed_are_faults() {
    let (signed, keyring) = (Message::new("/a").signed(), keyring());
    let record = signed.record();
    let fault = |message: Message, prefix: &str| {
        let comparer = Comparer::new(&keyring).strip_prefix(prefix).unwrap();
        message.head(|head| comparer.compare(&record, head).unwrap_err())
    };
    assert_eq!(fault(signed.clone().without("host"), ""), RecordError::Request);
    assert_eq!(fault(signed.clone(), "/prod"), RecordError::Target);
    assert_eq!(fault(signed.clone().without(edge::DATE), ""), RecordError::Signature);
    assert_eq!(fault(signed.set(edge::SIGNATURE, "v1;"), ""), RecordError::Signature);
}

/// The origin holds the root, the signer the key of the day.
#[test]
fn derived_keys_compare_too() {
    let root = RootKey::new("r", &secret(9)).unwrap();
    let derived = root.derive(NOW, "shop").unwrap();
    let signed = Message::new("/a").signed_with(derived.key().clone());
    let record = signed.clone().to("/b").record_by(Keyring::with_roots([], [root]).unwrap());
    let edge = Keyring::new([derived.key().clone()]).unwrap();
    let comparison = signed.head(|head| Comparer::new(&edge).compare(&record, head).unwrap());
    assert_eq!(record.key_id().as_str(), "r.20261122");
    assert_eq!(differing(&comparison), ["path"]);
}

#[test]
fn no_record_without_a_key_that_counts_or_a_base() {
    let signed = Message::new("/a").signed();
    let of = |message: &Message, keyring, now| {
        message.head(|head| ExplainRecord::of(&verifier(keyring), head, now, salt(1)))
    };
    assert!(of(&signed, keyring(), NOW).is_some());
    assert!(of(&signed, Keyring::new([key().revoked()]).unwrap(), NOW).is_none());
    assert!(of(&signed, Keyring::new([key().not_after(NOW)]).unwrap(), NOW).is_none());
    assert!(
        of(&signed, Keyring::new([Key::new("k2", &secret(7)).unwrap()]).unwrap(), NOW).is_none()
    );
    assert!(of(&signed.clone().without("x-cloud-host"), keyring(), NOW).is_none());
    assert!(of(&signed, keyring(), UnixTime::from_secs(i64::MAX)).is_none());
}

/// Whoever repeats date and nonce with a guess gets digests that compare with nothing.
#[test]
fn digests_of_two_records_tell_nothing_of_each_other() {
    let message = Message::new("/a").signed();
    let record = |salt| {
        message.head(|head| ExplainRecord::of(&verifier(keyring()), head, NOW, salt).unwrap())
    };
    let (one, other) = (record(salt(1)), record(salt(2)));
    assert_ne!(one.key, other.key);
    for (a, b) in [(one.path, other.path), (one.query, other.query), (one.method, other.method)] {
        assert_ne!(a.digest, b.digest);
    }
    // Nor do two parts of one record: the path, and a field with the same text.
    assert_ne!(one.path.digest, one.covered[0].1.digest);
}

#[test]
fn neither_a_mac_nor_a_secret_is_in_a_record() {
    let message = Message::new("/a").signed();
    let text = message.clone().to("/b").record().to_string();
    let of_arrived = message.clone().to("/b").signed();
    for mac in [message, of_arrived].map(|message| {
        let value = message.value(edge::SIGNATURE).to_owned();
        value.split_once("sig=").unwrap().1.to_owned()
    }) {
        assert_eq!(mac.len(), 64);
        for piece in [&mac[..32], &mac[32..], &mac[16..48]] {
            assert!(!text.contains(piece), "{text}");
        }
    }
    assert!(!text.contains(&"07".repeat(16)) && !text.contains(&*secret(7).to_base64url()));
}

/// First lines of what else is MACed under a key, taken from where it is made.
#[test]
fn no_digest_is_of_what_else_a_key_makes_macs_of() {
    const DERIVED: &[u8] = b"WAFPASS1-DERIVED-KEY\n";
    let evidence = include_str!("../../../edge/cloudfront-function/index.js")
        .lines()
        .find_map(|line| line.strip_prefix("const EVIDENCE = '")?.split_once("\\n'"))
        .unwrap();
    assert_eq!(evidence.0, "WAFPASS1-WAF-EVIDENCE");

    // That a derived key is the MAC of a text with that first line, and a signature of this base.
    let root = RootKey::new("r", &secret(9)).unwrap();
    let info = [DERIVED, b"r.20261122\nshop", &[1]].concat();
    let mac = root.as_key().keyed().chain_update(info).finalize().into_bytes();
    let derived = root.derive(NOW, "shop").unwrap().secret().to_base64url();
    assert_eq!(*derived, *Secret::new(mac.to_vec()).unwrap().to_base64url());
    let base = Message::new("/a").signed().head(|head| verifier(keyring()).signature_base(head));
    let base = base.unwrap();
    assert!(base.starts_with(b"WAFPASS1-HMAC-SHA256\n"));

    let key = key();
    let digester = Digester { key: &key, salt: salt(0), nonce: NONCE, date: "20261122T003000Z" };
    let input = digester.input(Label::Path, b"/a");
    let first_line = |text: &[u8]| text.split(|&byte| byte == b'\n').next().unwrap().to_vec();
    let lines = [&input, &base, DERIVED, evidence.0.as_bytes()].map(first_line);
    for (place, line) in lines.iter().enumerate() {
        assert!(lines[..place].iter().all(|other| other != line));
    }
}

fn any_label() -> impl Strategy<Value = String> {
    "[a-z0-9-]{1,64}"
}

proptest! {
    /// Whatever is digested begins with its own first line, which nothing else under a key does, and
    /// two inputs are the same only when all their parts are.
    #[test]
    fn inputs_are_apart(
        a in ("[A-Za-z0-9._=-]{16,20}", any_label(), any::<Vec<u8>>()),
        b in ("[A-Za-z0-9._=-]{16,20}", any_label(), any::<Vec<u8>>()),
    ) {
        let key = key();
        let input = |(nonce, name, value): &(String, String, Vec<u8>)| {
            let digester = Digester { key: &key, salt: salt(3), nonce, date: "20261122T003000Z" };
            digester.input(Label::Covered(name), value)
        };
        prop_assert!(input(&a).starts_with(b"WAFPASS1-EXPLAIN\n"));
        prop_assert_eq!(input(&a) == input(&b), a == b);
    }

    /// No bytes make the reader panic.
    #[test]
    fn no_text_makes_the_reader_panic(bytes in any::<Vec<u8>>()) {
        prop_assert!(ExplainRecord::parse(&bytes).is_err());
        let with_marker = [b"wafpass-explain-1 ", bytes.as_slice()].concat();
        prop_assert!(ExplainRecord::parse(&with_marker).is_err());
        prop_assert!(ExplainRecord::all_in(&with_marker).iter().all(Result::is_err));
    }

    /// A byte of a record changed: it is refused, or it is another record, which reads back.
    #[test]
    fn a_changed_record_is_strict(place in any::<proptest::sample::Index>(), byte in any::<u8>()) {
        let record = Message::new("/a?b").signed().record();
        let mut text = record.to_string().into_bytes();
        let place = place.index(text.len());
        text[place] = byte;
        if let Ok(read) = ExplainRecord::parse(&text) {
            let is_space = byte.is_ascii_whitespace();
            prop_assert!(is_space || read.to_string().into_bytes() == text);
        }
        for read in ExplainRecord::all_in(&text).into_iter().flatten() {
            prop_assert_eq!(ExplainRecord::parse(read.to_string().as_bytes()), Ok(read));
        }
    }

    /// What was signed and what arrived, whatever they are: the differing parts are those that differ.
    #[test]
    fn findings_are_right(
        signed in ("/[a-c%+./]{0,6}", "[a-c&=%+]{0,8}", "[ab ,:.]{0,6}"),
        arrived in ("/[a-c%+./]{0,6}", "[a-c&=%+]{0,8}", "[ab ,:.]{0,6}"),
    ) {
        let target = |(path, query, _): &(String, String, String)| format!("{path}?{query}");
        let one = Message::new(&target(&signed)).set("path", &signed.2).signed();
        let other = one.clone().to(&target(&arrived)).set("path", &arrived.2);
        let comparison = compare(&one, &other.record());
        let trim = |value: &str| value.trim_matches(' ').to_owned();
        let mut expected = Vec::new();
        expected.extend((signed.0 != arrived.0).then_some("path"));
        expected.extend((signed.1 != arrived.1).then_some("query"));
        expected.extend((trim(&signed.2) != trim(&arrived.2)).then_some("h.path"));
        prop_assert_eq!(differing(&comparison), expected);
    }
}
