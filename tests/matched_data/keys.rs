use base64ct::{Base64, Encoding};
use wafpass::matched_data::{KeyError, KeyId, PrivateKey, PublicKey, Suite};

use crate::{PRIVATE, PUBLIC, published_key};

#[test]
fn texts_come_back_as_they_were_given() {
    // Not clamped: its first and last bits are what X25519 would set otherwise.
    let unclamped = Base64::encode_string(&[0xff; 32]);
    let seed = format!("xwing-private:{unclamped}");
    for text in [PRIVATE, &unclamped, &seed] {
        let key = PrivateKey::from_text(&format!(" \t\r\n{text}\n ")).unwrap();
        assert_eq!(*key.to_text(), text);
        let public = key.public_key().to_text();
        assert_eq!(PublicKey::from_text(&format!("\n{public}\t")).unwrap(), *key.public_key());
    }
    assert_eq!(published_key().public_key().to_text(), PUBLIC);
}

#[test]
fn a_key_is_of_its_kind() {
    let xwing = PrivateKey::from_bytes(Suite::XWing, &[1; 32]).unwrap();
    assert_eq!((xwing.suite(), xwing.public_key().suite()), (Suite::XWing, Suite::XWing));
    assert_eq!(xwing.public_key().as_bytes().len(), 1_216);
    assert!(xwing.public_key().to_text().starts_with("xwing-public:"));
    let x25519 = PrivateKey::from_bytes(Suite::X25519, &[1; 32]).unwrap();
    assert_ne!(x25519.key_id(), xwing.key_id());
    assert_eq!(x25519.key_id(), x25519.public_key().key_id());
}

#[test]
fn generated_keys_are_new_and_clamped() {
    for suite in Suite::ALL {
        let (one, two) =
            (PrivateKey::generate(*suite).unwrap(), PrivateKey::generate(*suite).unwrap());
        assert_ne!(*one.to_text(), *two.to_text());
        assert_eq!(*PrivateKey::from_text(&one.to_text()).unwrap().to_text(), *one.to_text());
    }
    for _ in 0..32 {
        let key = PrivateKey::generate(Suite::X25519).unwrap();
        let bytes = Base64::decode_vec(&key.to_text()).unwrap();
        assert_eq!((bytes[0] & 7, bytes[31] & 0xc0), (0, 0x40));
    }
}

#[test]
fn what_is_no_private_key_is_said_to_be_none() {
    let length = |bytes| KeyError::Length { bytes, expected: 32 };
    let public = PrivateKey::from_bytes(Suite::XWing, &[1; 32]).unwrap().public_key().to_text();
    for (text, error) in [
        ("", length(0)),
        ("AAAA", length(3)),
        (&PRIVATE.replace("/GA=", "/A=="), length(31)),
        (&PRIVATE.replace('=', ""), KeyError::Encoding),
        // Another text of the same bytes.
        (&PRIVATE.replace("GA=", "GB="), KeyError::Encoding),
        (&PRIVATE.replace('/', "_"), KeyError::Encoding),
        (&PRIVATE.replacen('/', "/ ", 1), KeyError::Encoding),
        (&format!("x25519-private:{PRIVATE}"), KeyError::Encoding),
        (&format!("XWING-PRIVATE:{PRIVATE}"), KeyError::Encoding),
        (&format!("xwing-private: {PRIVATE}"), KeyError::Encoding),
        ("xwing-private:", length(0)),
        (&public, KeyError::PublicGiven),
        ("xwing-public:", KeyError::PublicGiven),
        ("\u{a0}", KeyError::Encoding),
    ] {
        assert_eq!(PrivateKey::from_text(text).unwrap_err(), error, "{text}");
    }
}

#[test]
fn what_is_no_public_key_is_said_to_be_none() {
    let with = |first: u8, middle: u8, last: u8| {
        let mut bytes = [middle; 32];
        (bytes[0], bytes[31]) = (first, last);
        Base64::encode_string(&bytes)
    };
    for (text, error) in [
        (PUBLIC.replace('=', ""), KeyError::Encoding),
        (PUBLIC[..40].into(), KeyError::Length { bytes: 30, expected: 32 }),
        (format!("xwing-private:{PRIVATE}"), KeyError::PrivateGiven),
        (format!("xwing-public:{PUBLIC}"), KeyError::Length { bytes: 32, expected: 1_216 }),
        // p, p + 1, 2^255 - 1, and 9 with the unused bit.
        (with(0xed, 0xff, 0x7f), KeyError::NotCanonical),
        (with(0xee, 0xff, 0x7f), KeyError::NotCanonical),
        (with(0xff, 0xff, 0x7f), KeyError::NotCanonical),
        (with(9, 0, 0x80), KeyError::NotCanonical),
        (with(0, 0, 0), KeyError::LowOrder),
        (with(1, 0, 0), KeyError::LowOrder),
        (with(0xec, 0xff, 0x7f), KeyError::LowOrder),
        ("4Ot6fDtBuK4WVuP68Z/EatoJjeucMrH9hmIFFl9JuAA=".into(), KeyError::LowOrder),
        ("X5yVvKNQjCSx0LFVnIPvWwREXMRYHI6G2CJO3dCfEVc=".into(), KeyError::LowOrder),
    ] {
        assert_eq!(PublicKey::from_text(&text).unwrap_err(), error, "{text}");
    }
    // The largest number below p that is not of low order, and the base point.
    for text in [with(0xeb, 0xff, 0x7f), with(9, 0, 0)] {
        assert_eq!(PublicKey::from_text(&text).unwrap().to_text(), text);
    }
}

#[test]
fn both_parts_of_an_xwing_key_are_looked_at() {
    let good = PrivateKey::from_bytes(Suite::XWing, &[1; 32]).unwrap();
    let changed = |change: &dyn Fn(&mut [u8])| {
        let mut bytes = good.public_key().as_bytes().to_vec();
        change(&mut bytes);
        PublicKey::from_bytes(Suite::XWing, &bytes).unwrap_err()
    };
    assert_eq!(changed(&|bytes| bytes[1_184..].fill(0)), KeyError::LowOrder);
    assert_eq!(changed(&|bytes| bytes[1_215] |= 0x80), KeyError::NotCanonical);
    // Two coefficients of 12 bits, of which 3,329 is the modulus.
    assert_eq!(changed(&|bytes| bytes[..3].fill(0xff)), KeyError::NotCanonical);
}

#[test]
fn no_text_of_a_key_reaches_an_error_or_a_log() {
    let key = published_key();
    let shown = format!("{key:?} {:?}", key.public_key());
    assert_eq!(
        shown,
        "PrivateKey { suite: X25519, key_id: 064f06a26eebac4c, .. } \
         PublicKey { suite: X25519, key_id: 064f06a26eebac4c, .. }"
    );
    let error = PrivateKey::from_text(&PRIVATE[1..]).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(&PRIVATE[1..9]));
    assert_eq!(error.to_string().lines().count(), 2);
}

#[test]
fn a_key_id_is_read_and_shown_as_hex() {
    let id = published_key().key_id();
    assert_eq!(id.to_string(), "064f06a26eebac4c");
    assert_eq!(KeyId::from_bytes(*id.as_bytes()), id);
    assert_eq!(KeyId::from_bytes([0, 1, 2, 3, 4, 5, 6, 255]).to_string(), "00010203040506ff");
}
