//! Blobs, keys and lines of blobs: no bytes make the reader panic, every engine says the same of them, and
//! nothing opens that was not sealed.
#![no_main]

use std::sync::LazyLock;

use base64ct::{Base64, Encoding};
use libfuzzer_sys::fuzz_target;
use wafpass::matched_data::{Binding, Blob, Engine, Opener, PrivateKey, PublicKey, Refused, Suite};

static OPENERS: LazyLock<Vec<Opener>> = LazyLock::new(|| {
    let opener = |engine: &Engine| {
        let keys = Suite::ALL.iter().map(|&suite| PrivateKey::from_bytes(suite, &[1; 32]).unwrap());
        Opener::new(keys).unwrap().engine(*engine)
    };
    Engine::ALL.iter().map(opener).collect()
});

/// As it came; as base64; and addressed to a key that is there, so that it gets to the cipher.
fn texts(data: &[u8]) -> Vec<Vec<u8>> {
    let mut texts = vec![data.to_vec(), Base64::encode_string(data).into_bytes()];
    for key in OPENERS[0].keys() {
        let header = [&[4, key.suite().number()], key.key_id().as_bytes().as_slice()].concat();
        texts.push(Base64::encode_string(&[&header, data].concat()).into_bytes());
    }
    texts
}

fuzz_target!(|data: &[u8]| {
    let binding = Binding::new("acme", "7d0f3c1b2a9e4c55/0", "100173", 1_795_307_400_123).unwrap();
    for text in texts(data) {
        let parsed = Blob::parse(&text);
        let refusals: Vec<Refused> = OPENERS
            .iter()
            .map(|opener| opener.open(&text, Some(&binding)).expect_err("nobody sealed it"))
            .collect();
        assert!(refusals.iter().all(|refused| *refused == refusals[0]));
        match parsed {
            Ok(blob) => {
                assert!(refusals[0] >= Refused::WrongKey && (1..=4).contains(&blob.version()));
                assert!(blob.len() < text.len() && blob.ciphertext_len() < blob.len());
            }
            Err(refused) => assert!(refused < Refused::WrongKey && refused == refusals[0]),
        }
    }
    for line in OPENERS[0].open_lines(data) {
        assert!(line.is_ok_and(|line| line.opened.is_err()) || data.contains(&b'{'));
    }
    if let Ok(text) = str::from_utf8(data) {
        if let Ok(key) = PrivateKey::from_text(text) {
            let again = PrivateKey::from_text(&key.to_text()).unwrap();
            assert_eq!(*key.to_text(), *again.to_text());
        }
        if let Ok(key) = PublicKey::from_text(text) {
            assert_eq!(PublicKey::from_text(&key.to_text()).unwrap(), key);
        }
    }
    if let Ok(metadata) = serde_json::from_slice(data)
        && let Ok(binding) = Binding::from_json(&metadata)
    {
        assert_eq!(Binding::from_json(&binding.to_json()), Ok(binding));
    }
});
