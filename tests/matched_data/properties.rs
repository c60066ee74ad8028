use std::sync::LazyLock;

use base64ct::{Base64, Encoding};
use proptest::prelude::*;
use proptest::sample::Index;
use wafpass::matched_data::{
    Binding, Blob, Engine, Opener, PrivateKey, PublicKey, Suite, open, seal_v3, seal_v4,
};

use crate::{event, published_key};

static OPENERS: LazyLock<Vec<Opener>> = LazyLock::new(|| {
    let opener = |engine: &Engine| {
        let xwing = PrivateKey::from_bytes(Suite::XWing, &[1; 32]).unwrap();
        Opener::new([published_key(), xwing]).unwrap().engine(*engine)
    };
    Engine::ALL.iter().map(opener).collect()
});

fn key_id(suite: Suite) -> Vec<u8> {
    let key = OPENERS[0].keys().iter().find(|key| key.suite() == suite).unwrap();
    key.key_id().as_bytes().to_vec()
}

/// Bytes that get far: a version, a suite, the id of a key that is there, and a length that is right.
fn near_blobs() -> impl Strategy<Value = Vec<u8>> {
    let tail = prop::collection::vec(any::<u8>(), 0..1_300);
    let suite = prop::sample::select(vec![(1_u8, Suite::X25519), (2, Suite::XWing)]);
    prop_oneof![
        (1_u8..=3, prop::collection::vec(any::<u8>(), 57..300)).prop_map(|(version, mut bytes)| {
            let len = u64::try_from(bytes.len() - 57).unwrap();
            bytes[0] = version;
            bytes[33..41].copy_from_slice(&len.to_le_bytes());
            bytes
        }),
        (suite, tail.clone()).prop_map(|((number, suite), tail)| {
            [&[4, number], key_id(suite).as_slice(), &tail].concat()
        }),
        (any::<u8>(), tail).prop_map(|(version, tail)| [&[version], tail.as_slice()].concat()),
    ]
}

fn no_trailing_space() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..600)
        .prop_filter("ends in a space", |bytes| !bytes.ends_with(b" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_panic_or_open(bytes in near_blobs()) {
        let text = Base64::encode_string(&bytes);
        if let Ok(blob) = Blob::parse(&text) {
            prop_assert_eq!(blob.len(), bytes.len());
            prop_assert!(blob.ciphertext_len() < blob.len());
        }
        let refusals: Vec<_> =
            OPENERS.iter().map(|opener| opener.open(&text, Some(&event())).unwrap_err()).collect();
        prop_assert!(refusals.iter().all(|refused| *refused == refusals[0]));
    }

    #[test]
    fn no_text_panics(text: Vec<u8>, shown: String) {
        for opener in &*OPENERS {
            prop_assert!(opener.open(&text, None).is_err());
            prop_assert!(opener.open(&shown, Some(&event())).is_err());
        }
        let _ = PrivateKey::from_text(&shown);
        let _ = PublicKey::from_text(&shown);
        let _ = OPENERS[0].open_lines(text.as_slice()).count();
    }

    #[test]
    fn what_is_sealed_opens(
        plaintext in no_trailing_space(),
        tenant: String,
        event_id: String,
        rule_id: String,
        ms in 0_u64..1 << 53,
        key: [u8; 32],
        xwing: bool,
    ) {
        let suite = if xwing { Suite::XWing } else { Suite::X25519 };
        let key = PrivateKey::from_bytes(suite, &key).unwrap();
        let binding = Binding::new(&tenant, &event_id, &rule_id, ms).unwrap();
        let blob = seal_v4(&plaintext, key.public_key(), &binding).unwrap();
        // By way of JSON, as stores and exports keep it.
        let json: serde_json::Value = serde_json::from_str(&binding.to_json().to_string()).unwrap();
        let read = Binding::from_json(&json).unwrap();
        prop_assert_eq!(&**open(&blob, &key, Some(&read)).unwrap(), plaintext.as_slice());
        if !xwing {
            let blob = seal_v3(&plaintext, key.public_key()).unwrap();
            prop_assert_eq!(&**open(&blob, &key, None).unwrap(), plaintext.as_slice());
        }
    }

    /// No byte of a version 4 blob, and none of its binding, can be another.
    #[test]
    fn what_was_changed_does_not_open(place: Index, bit in 0_u8..8, xwing: bool) {
        let number = usize::from(xwing);
        let key = &OPENERS[0].keys()[number];
        let blob = seal_v4(b"{}", key.public_key(), &event()).unwrap();
        let mut bytes = Base64::decode_vec(&blob).unwrap();
        *place.get_mut(&mut bytes) ^= 1 << bit;
        let changed = Base64::encode_string(&bytes);
        for opener in &*OPENERS {
            prop_assert!(opener.open(&changed, Some(&event())).is_err());
        }
    }

    /// Where one text of a binding ends is part of it.
    #[test]
    fn no_two_bindings_are_the_same(text in "[a-c]{0,6}", one: Index, two: Index, other: Index) {
        let key = published_key();
        let cut = |at: usize, then: usize| {
            let (tenant, rest) = text.split_at(at);
            let (event_id, rule_id) = rest.split_at(then.min(rest.len()));
            Binding::new(tenant, event_id, rule_id, 1).unwrap()
        };
        let len = text.len() + 1;
        let (sealed, asked) = (cut(one.index(len), two.index(len)), cut(other.index(len), two.index(len)));
        let blob = seal_v4(b"{}", key.public_key(), &sealed).unwrap();
        prop_assert_eq!(open(&blob, &key, Some(&asked)).is_ok(), sealed == asked);
    }
}
