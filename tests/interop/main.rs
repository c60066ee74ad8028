//! Blobs and keys against HPKE as others wrote it, both ways: the `@hpke` packages under Node, and
//! `pyhpke` under Python. `tools/setup` installs them; where they are missing, the tests fail.
#![allow(missing_docs, reason = "tests are no API")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod oracle;

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use wafpass::matched_data::{
    Binding, Engine, Opener, PrivateKey, PublicKey, Refused, Suite, seal_v3, seal_v4,
};

use crate::oracle::Oracle;

/// Around the padding, and the largest payload that is logged.
const LENGTHS: [usize; 7] = [0, 1, 17, 255, 256, 257, 8_192];

#[test]
fn javascript_x25519() {
    both_ways(&Oracle::javascript().unwrap(), Suite::X25519);
}

#[test]
fn javascript_xwing() {
    both_ways(&Oracle::javascript().unwrap(), Suite::XWing);
}

#[test]
fn python_x25519() {
    both_ways(&Oracle::python().unwrap(), Suite::X25519);
}

fn both_ways(oracle: &Oracle, suite: Suite) {
    keys_are_read_alike(oracle, suite);
    what_they_seal_opens_here(oracle, suite);
    what_is_sealed_here_opens_there(oracle, suite);
}

/// Versions that the suite has.
fn versions(suite: Suite) -> &'static [u8] {
    if suite == Suite::XWing { &[4] } else { &[3, 4] }
}

fn binding() -> Binding<'static> {
    Binding::new("café", "7d0f3c1b2a9e4c55/0", "100173", 1_795_307_400_123).unwrap()
}

fn plaintexts() -> impl Iterator<Item = Vec<u8>> {
    // Every byte value, and none ends in a space.
    LENGTHS
        .iter()
        .map(|&len| (0..len).map(|at| u8::try_from((at * 7 + 1) % 256).unwrap()).collect())
}

/// The bytes of a key, without what its text begins with.
fn bare(text: &str) -> String {
    text.rsplit(':').next().unwrap().into()
}

fn keys_are_read_alike(oracle: &Oracle, suite: Suite) {
    let job = json!({"job": "generate", "suite": suite.number()});
    for answer in oracle.ask(&vec![job; 8]).unwrap() {
        let prefix =
            |kind| if suite == Suite::XWing { format!("xwing-{kind}:") } else { "".into() };
        let text = |kind, name: &str| format!("{}{}", prefix(kind), answer[name].as_str().unwrap());
        let private = PrivateKey::from_text(&text("private", "private_key")).unwrap();
        let public = PublicKey::from_text(&text("public", "public_key")).unwrap();
        assert_eq!(*private.public_key(), public);
        assert_eq!(*private.to_text(), text("private", "private_key"));
    }
}

fn what_they_seal_opens_here(oracle: &Oracle, suite: Suite) {
    let key = PrivateKey::generate(suite).unwrap();
    let public = bare(&key.public_key().to_text());
    let cases: Vec<(u8, Vec<u8>)> = versions(suite)
        .iter()
        .flat_map(|&version| plaintexts().map(move |plaintext| (version, plaintext)))
        .collect();
    let jobs: Vec<Value> = cases
        .iter()
        .map(|(version, plaintext)| {
            json!({
                "job": "seal", "version": version, "suite": suite.number(), "public_key": public,
                "plaintext": Base64::encode_string(plaintext), "binding": binding().to_json(),
            })
        })
        .collect();
    let mut opener = Opener::new([key]).unwrap();
    for ((version, plaintext), answer) in cases.iter().zip(oracle.ask(&jobs).unwrap()) {
        let blob = answer["blob"].as_str().unwrap();
        for engine in Engine::ALL {
            opener = opener.engine(*engine);
            assert_eq!(**opener.open(blob, Some(&binding())).unwrap(), **plaintext, "{version}");
        }
    }
}

fn what_is_sealed_here_opens_there(oracle: &Oracle, suite: Suite) {
    let key = PrivateKey::generate(suite).unwrap();
    let mut jobs = Vec::new();
    let mut expected = Vec::new();
    let mut expect = |blob: &str, event: &Binding<'_>, plaintext: Option<&[u8]>| {
        jobs.push(json!({
            "job": "open", "suite": suite.number(), "private_key": bare(&key.to_text()),
            "blob": blob, "binding": event.to_json(),
        }));
        expected.push(plaintext.map_or(Value::Null, |bytes| Base64::encode_string(bytes).into()));
    };
    let another = Binding::new("café", "7d0f3c1b2a9e4c55/1", "100173", 1_795_307_400_123).unwrap();
    for plaintext in plaintexts() {
        let v4 = seal_v4(&plaintext, key.public_key(), &binding()).unwrap();
        expect(&v4, &binding(), Some(&plaintext));
        expect(&v4, &another, None);
        expect(&tampered(&v4), &binding(), None);
        if suite == Suite::X25519 {
            let v3 = seal_v3(&plaintext, key.public_key()).unwrap();
            expect(&v3, &binding(), Some(&plaintext));
            expect(&tampered(&v3), &binding(), None);
        }
    }
    let answers: Vec<Value> =
        oracle.ask(&jobs).unwrap().iter().map(|answer| answer["plaintext"].clone()).collect();
    assert_eq!(answers, expected);

    let blob = seal_v4(b"{}", key.public_key(), &binding()).unwrap();
    let opener = Opener::new([key]).unwrap();
    assert_eq!(opener.open(tampered(&blob), Some(&binding())), Err(Refused::OpenFailed));
}

/// The blob with a bit of its tag changed.
fn tampered(blob: &str) -> String {
    let mut bytes = Base64::decode_vec(blob).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    Base64::encode_string(&bytes)
}
