use base64ct::{Base64, Encoding};
use serde_json::json;
use wafpass::matched_data::limits::{MAX_BINDING_TEXT_BYTES, MAX_OPENER_KEYS, MAX_TIMESTAMP_MS};
use wafpass::matched_data::{
    Binding, Blob, Engine, KeyError, Opener, PrivateKey, Refused, Suite, open, seal_v3, seal_v4,
};

use crate::{PUBLISHED, PUBLISHED_PLAINTEXT, event, opener, published_key};

fn key(suite: Suite, number: u8) -> PrivateKey {
    PrivateKey::from_bytes(suite, &[number; 32]).unwrap()
}

#[test]
fn each_engine_opens_each_version() {
    let mut all = opener([published_key()]);
    for engine in Engine::ALL {
        all = all.engine(*engine);
        for blob in PUBLISHED {
            assert_eq!(*all.open(blob, None).unwrap(), PUBLISHED_PLAINTEXT, "{engine:?}");
            assert_eq!(*open(blob, &published_key(), Some(&event())).unwrap(), PUBLISHED_PLAINTEXT);
        }
    }
}

#[test]
fn several_keys_are_tried_by_id_or_in_turn() {
    let all = opener([
        key(Suite::X25519, 1),
        key(Suite::XWing, 1),
        key(Suite::X25519, 2),
        published_key(),
        key(Suite::XWing, 2),
    ]);
    for blob in PUBLISHED {
        assert_eq!(*all.open(blob, None).unwrap(), PUBLISHED_PLAINTEXT);
    }
    for key in all.keys() {
        let blob = seal_v4(b"{}", key.public_key(), &event()).unwrap();
        assert_eq!(*all.open(&blob, Some(&event())).unwrap(), *b"{}");
    }
    // One key twice is no matter.
    let twice = opener([published_key(), published_key()]);
    let blob = seal_v4(b"{}", published_key().public_key(), &event()).unwrap();
    assert_eq!(*twice.open(&blob, Some(&event())).unwrap(), *b"{}");
}

#[test]
fn the_first_refusal_in_order_is_the_reason() {
    let [x25519, xwing] = [Suite::X25519, Suite::XWing].map(|suite| key(suite, 1));
    let v3 = seal_v3(b"{}", x25519.public_key()).unwrap();
    let [v4, v4_xwing] =
        [&x25519, &xwing].map(|key| seal_v4(b"{}", key.public_key(), &event()).unwrap());
    let [only_x25519, only_xwing] = [opener([x25519]), opener([xwing])];
    let others = opener([key(Suite::X25519, 2), key(Suite::XWing, 2)]);
    for (case, opener, blob, binding, refused) in [
        ("the other kind", &only_xwing, &v3, None, Refused::WrongKey),
        ("the other kind", &only_xwing, &v4, None, Refused::WrongKey),
        ("the other kind", &only_x25519, &v4_xwing, None, Refused::WrongKey),
        ("another key, no key id", &others, &v3, None, Refused::OpenFailed),
        ("another key, before no binding", &others, &v4, None, Refused::WrongKey),
        ("no binding", &only_x25519, &v4, None, Refused::MissingBinding),
        ("no binding", &only_xwing, &v4_xwing, None, Refused::MissingBinding),
    ] {
        assert_eq!(opener.open(blob, binding), Err(refused), "{case}");
    }
}

/// Who changes the key id of a blob gets no further: it is authenticated.
#[test]
fn a_blob_readdressed_to_another_key_does_not_open() {
    let (one, two) = (key(Suite::X25519, 1), key(Suite::X25519, 2));
    let blob = seal_v4(b"{}", one.public_key(), &event()).unwrap();
    let mut bytes = Base64::decode_vec(&blob).unwrap();
    bytes[2..10].copy_from_slice(two.key_id().as_bytes());
    let readdressed = Base64::encode_string(&bytes);
    assert_eq!(open(readdressed, &two, Some(&event())), Err(Refused::OpenFailed));
}

#[test]
fn an_opener_takes_1_to_64_keys() {
    assert_eq!(Opener::new([]).unwrap_err(), KeyError::NoKeys);
    let keys = |count| (0..count).map(|number| key(Suite::X25519, u8::try_from(number).unwrap()));
    assert_eq!(opener(keys(MAX_OPENER_KEYS)).keys().len(), 64);
    assert_eq!(Opener::new(keys(MAX_OPENER_KEYS + 1)).unwrap_err(), KeyError::TooManyKeys);
    // An endless source is asked for no more than that.
    let endless = std::iter::repeat_with(|| key(Suite::X25519, 1));
    assert_eq!(Opener::new(endless).unwrap_err(), KeyError::TooManyKeys);
}

#[test]
fn the_outside_of_a_blob_is_read_without_a_key() {
    for (blob, version) in PUBLISHED.iter().zip(1..) {
        let blob = Blob::parse(blob).unwrap();
        assert_eq!((blob.version(), blob.suite()), (version, Suite::X25519));
        assert_eq!((blob.len(), blob.ciphertext_len(), blob.key_id()), (74, 17, None));
    }
    for (suite, len) in [(Suite::X25519, 58), (Suite::XWing, 1_146)] {
        let key = key(suite, 1);
        for (plaintext, padded) in [(&b""[..], 0), (b"{}", 256)] {
            let text = seal_v4(plaintext, key.public_key(), &event()).unwrap();
            let blob = Blob::parse(text.as_bytes()).unwrap();
            assert_eq!((blob.version(), blob.suite()), (4, suite));
            assert_eq!((blob.len(), blob.ciphertext_len()), (len + padded, padded));
            assert_eq!(blob.key_id(), Some(key.key_id()));
            let shown = format!("{blob:?}");
            assert!(shown.contains(&key.key_id().to_string()) && shown.len() < 120, "{shown}");
        }
    }
}

#[test]
fn each_refusal_has_a_code_and_two_lines() {
    let codes: Vec<&str> = Refused::ALL.iter().map(|refused| refused.code()).collect();
    assert_eq!(
        codes,
        [
            "truncated",
            "not-base64",
            "too-short",
            "unsupported-version",
            "unsupported-suite",
            "length-mismatch",
            "wrong-key",
            "missing-binding",
            "open-failed",
        ]
    );
    assert!(Refused::ALL.is_sorted());
    for refused in Refused::ALL {
        assert_eq!(refused.to_string().lines().count(), 2, "{refused}");
    }
}

#[test]
fn white_space_around_a_blob_is_these_four() {
    let padded = format!(" \t\r\n{}\n\r\t ", PUBLISHED[2]);
    assert!(open(padded, &published_key(), None).is_ok());
    assert_eq!(Blob::parse(" \ttruncated\r\n"), Err(Refused::Truncated));
    assert_eq!(Blob::parse(" \t\r\n"), Err(Refused::TooShort));
    for other in ["\x0b", "\x0c", "\0", "\u{a0}", "\u{feff}"] {
        let blob = format!("{}{other}", PUBLISHED[2]);
        assert_eq!(Blob::parse(blob), Err(Refused::NotBase64), "{other:?}");
        assert_eq!(Blob::parse(format!("{other}truncated")), Err(Refused::NotBase64));
    }
    for not_it in ["Truncated", "trunc", "truncated truncated"] {
        assert_eq!(Blob::parse(not_it), Err(Refused::NotBase64), "{not_it}");
    }
    assert_eq!(Blob::parse(b"\xff\xfe"), Err(Refused::NotBase64));
}

#[test]
fn a_binding_is_four_members_within_bounds() {
    let long = "x".repeat(MAX_BINDING_TEXT_BYTES);
    assert!(Binding::new(&long, &long, &long, MAX_TIMESTAMP_MS).is_ok());
    let longer = format!("{long}x");
    let refused = Err(Refused::MissingBinding);
    assert_eq!(Binding::new(&longer, "", "", 0), refused);
    assert_eq!(Binding::new("", &longer, "", 0), refused);
    assert_eq!(Binding::new("", "", &longer, 0), refused);
    assert_eq!(Binding::new("", "", "", MAX_TIMESTAMP_MS + 1), refused);

    let whole =
        json!({"tenant": "a", "event_id": "", "rule_id": "c", "timestamp_ms": 5, "more": 1});
    let binding = Binding::from_json(&whole).unwrap();
    assert_eq!((binding.tenant(), binding.event_id(), binding.rule_id()), ("a", "", "c"));
    assert_eq!(binding.timestamp_ms(), 5);
    for name in ["tenant", "event_id", "rule_id", "timestamp_ms"] {
        for other in [json!(null), json!(true), json!(-1), json!(1.0), json!(["a"]), json!({})] {
            let mut malformed = whole.clone();
            malformed[name] = other;
            assert_eq!(Binding::from_json(&malformed), refused, "{malformed}");
        }
        let mut missing = whole.clone();
        missing.as_object_mut().unwrap().remove(name);
        assert_eq!(Binding::from_json(&missing), refused);
    }
    for no_object in [json!(null), json!([]), json!("a"), json!(5)] {
        assert_eq!(Binding::from_json(&no_object), refused);
    }
}
