use base64ct::{Base64, Encoding};
use proptest::prelude::*;

use super::schedule::Schedule;
use super::*;
use crate::matched_data::tests::Rfc9180;
use crate::matched_data::{Entropy, Suite, seal_v3_with, seal_v4_with};

#[test]
fn the_key_schedule_is_the_one_of_the_rfc() {
    let rfc = Rfc9180::read();
    let key = PrivateKey::from_bytes(Suite::X25519, &rfc.bytes("skRm")).unwrap();
    assert_eq!(key.public_key().as_bytes(), rfc.hex("pkRm"));
    let Secret::X25519(secret) = key.secret() else { panic!("another kind") };
    for agreed in agreements(secret, &rfc.bytes("pkEm")) {
        let agreed = agreed.unwrap();
        let enc = rfc.hex("pkEm");
        let shared = Schedule::Rfc9180.shared_secret(&agreed, &enc, key.public_key().as_bytes());
        assert_eq!(*shared, rfc.bytes("shared_secret"));
        let (key, nonce) = Schedule::Rfc9180.key_and_nonce(&shared, &rfc.hex("info"));
        assert_eq!((*key, nonce), (rfc.bytes("key"), rfc.bytes("base_nonce")));
    }
}

#[test]
fn every_path_opens_the_message_of_the_rfc() {
    let rfc = Rfc9180::read();
    let key = PrivateKey::from_bytes(Suite::X25519, &rfc.bytes("skRm")).unwrap();
    let blob = version_3(&rfc.hex("pkEm"), &rfc.hex("ct"));
    for (aad, expected) in [(rfc.hex("aad"), Some(rfc.hex("pt"))), (b"Count-1".to_vec(), None)] {
        for plaintext in by_every_path(&blob, &key, &rfc.hex("info"), &aad) {
            assert_eq!(plaintext, expected);
        }
    }
}

/// A key with which everybody agrees on zero, in each spelling that X25519 reads as such.
#[test]
fn no_path_takes_an_encapsulated_key_of_low_order() {
    let key = PrivateKey::from_bytes(Suite::X25519, &[7; 32]).unwrap();
    let Secret::X25519(secret) = key.secret() else { panic!("another kind") };
    let mut low_order: Vec<[u8; 32]> = super::super::key::LOW_ORDER.to_vec();
    let p_and_over = [0xed, 0xee].map(|first| {
        let mut key = [0xff; 32];
        (key[0], key[31]) = (first, 0x7f);
        key
    });
    low_order.extend(p_and_over);
    let with_the_unused_bit = low_order.clone().into_iter().map(|mut key| {
        key[31] |= 0x80;
        key
    });
    low_order.extend(with_the_unused_bit);
    assert_eq!(low_order.len(), 14);
    for enc in low_order {
        assert!(agreements(secret, &enc).iter().all(Option::is_none), "{enc:?}");
        // Sealed with what a careless recipient would agree on.
        let shared = Schedule::Rfc9180.shared_secret(&[0; 32], &enc, key.public_key().as_bytes());
        let (aead_key, nonce) = Schedule::Rfc9180.key_and_nonce(&shared, b"");
        let blob = version_3(&enc, &encrypted(&aead_key, nonce, b"anybody's"));
        for plaintext in by_every_path(&blob, &key, b"", b"") {
            assert_eq!(plaintext, None, "{enc:?}");
        }
    }
}

/// With the shared secret above, so that the test cannot pass for another reason.
#[test]
fn what_is_sealed_as_in_that_test_opens_otherwise() {
    let key = PrivateKey::from_bytes(Suite::X25519, &[7; 32]).unwrap();
    let Secret::X25519(secret) = key.secret() else { panic!("another kind") };
    let enc = *x25519_dalek::PublicKey::from(&x25519_dalek::StaticSecret::from([8; 32])).as_bytes();
    for agreed in agreements(secret, &enc) {
        let shared =
            Schedule::Rfc9180.shared_secret(&agreed.unwrap(), &enc, key.public_key().as_bytes());
        let (aead_key, nonce) = Schedule::Rfc9180.key_and_nonce(&shared, b"");
        let blob = version_3(&enc, &encrypted(&aead_key, nonce, b"the owner's"));
        for plaintext in by_every_path(&blob, &key, b"", b"") {
            assert_eq!(plaintext.unwrap(), b"the owner's");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// All engines say the same of every blob: whole, with a bit flipped anywhere, and of any version.
    #[test]
    fn the_engines_agree(
        key: [u8; 32],
        other: [u8; 32],
        entropy: [u8; 32],
        plaintext: Vec<u8>,
        version in 1_u8..=4,
        tamper in prop_oneof![2 => Just(None), 3 => (any::<prop::sample::Index>(), 0_u8..8).prop_map(Some)],
        swap_key: bool,
    ) {
        let key = PrivateKey::from_bytes(Suite::X25519, &key).unwrap();
        let entropy = Entropy::new([entropy, other].concat().try_into().unwrap());
        let binding = Binding::new("acme", "event", "rule", 1).unwrap();
        let text = match version {
            4 => seal_v4_with(plaintext.trim_ascii_end(), key.public_key(), &binding, entropy),
            _ => seal_v3_with(&plaintext, key.public_key(), entropy),
        };
        let mut bytes = Base64::decode_vec(&text.unwrap()).unwrap();
        bytes[0] = version;
        if let Some((place, bit)) = tamper {
            *place.get_mut(&mut bytes) ^= 1 << bit;
        }
        let text = Base64::encode_string(&bytes);
        let key = if swap_key { PrivateKey::from_bytes(Suite::X25519, &other).unwrap() } else { key };
        let is_whole = tamper.is_none() && !swap_key && version > 2;

        let Ok(blob) = Blob::parse(&text) else {
            prop_assert!(tamper.is_some());
            return Ok(());
        };
        let keys = slice::from_ref(&key);
        let verdicts: Vec<_> =
            Engine::ALL.iter().map(|&engine| open_with(&blob, keys, Some(&binding), engine)).collect();
        prop_assert_eq!(verdicts[0].is_ok(), is_whole);
        for verdict in &verdicts {
            prop_assert_eq!(verdict, &verdicts[0]);
        }
    }

    /// The same with an encapsulated key that nobody agreed on: any 32 bytes, canonical or not.
    #[test]
    fn the_primitives_agree(key: [u8; 32], enc: [u8; 32], nonce: [u8; 12], aad: Vec<u8>, sealed: Vec<u8>) {
        let private = PrivateKey::from_bytes(Suite::X25519, &key).unwrap();
        let Secret::X25519(secret) = private.secret() else { panic!("another kind") };
        let agreed = agreements(secret, &enc);
        prop_assert!(agreed.iter().all(|one| one == &agreed[0]));
        for plaintext in decryptions(&key, nonce, &aad, &sealed) {
            prop_assert_eq!(plaintext, None);
        }
        let sealed = encrypted_with(&key, nonce, &aad, &sealed);
        let opened = decryptions(&key, nonce, &aad, &sealed);
        prop_assert!(opened[0].is_some() && opened.iter().all(|one| one == &opened[0]));
    }
}

fn version_3(enc: &[u8], sealed: &[u8]) -> Blob {
    let len = u64::try_from(sealed.len() - 16).unwrap().to_le_bytes();
    Blob::parse(Base64::encode_string(&[&[3], enc, &len, sealed].concat())).unwrap()
}

/// By the `hpke` crate, and composed over each library.
fn by_every_path(blob: &Blob, key: &PrivateKey, info: &[u8], aad: &[u8]) -> Vec<Option<Vec<u8>>> {
    let Secret::X25519(secret) = key.secret() else { panic!("another kind") };
    let public = key.public_key();
    let opened = [
        by_hpke::<X25519>(blob, &secret.hpke, info, aad),
        composed::<portable::Portable>(blob, secret, public, info, aad),
        #[cfg(feature = "archive")]
        composed::<aws_lc::AwsLc>(blob, secret, public, info, aad),
    ];
    opened.map(|plaintext| plaintext.map(|plaintext| plaintext.to_vec())).into()
}

fn agreements(secret: &X25519Secret, enc: &[u8; 32]) -> Vec<Option<Zeroizing<[u8; 32]>>> {
    vec![
        portable::Portable::agree(secret, enc),
        #[cfg(feature = "archive")]
        aws_lc::AwsLc::agree(secret, enc),
    ]
}

fn decryptions(
    key: &[u8; 32],
    nonce: [u8; 12],
    aad: &[u8],
    sealed: &[u8],
) -> Vec<Option<Plaintext>> {
    vec![
        portable::Portable::decrypt(key, nonce, aad, sealed),
        #[cfg(feature = "archive")]
        aws_lc::AwsLc::decrypt(key, nonce, aad, sealed),
    ]
}

fn encrypted(key: &[u8; 32], nonce: [u8; 12], plaintext: &[u8]) -> Vec<u8> {
    encrypted_with(key, nonce, b"", plaintext)
}

fn encrypted_with(key: &[u8; 32], nonce: [u8; 12], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
    use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit};
    let mut sealed = plaintext.to_vec();
    let tag = ChaCha20Poly1305::new(key.into())
        .encrypt_inout_detached(&nonce.into(), aad, sealed.as_mut_slice().into())
        .unwrap();
    sealed.extend_from_slice(&tag);
    sealed
}
