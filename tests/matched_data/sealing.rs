use wafpass::matched_data::limits::MAX_PLAINTEXT_BYTES;
use wafpass::matched_data::{
    Blob, Entropy, PrivateKey, SealError, Suite, open, seal_v3, seal_v3_with, seal_v4, seal_v4_with,
};

use crate::{event, published_key};

#[test]
fn a_plaintext_comes_back_to_the_byte() {
    for suite in Suite::ALL {
        let key = PrivateKey::generate(*suite).unwrap();
        for plaintext in [&b""[..], b"{}", b" leading", b"\0\xff", &[b'x'; 256], &[b'y'; 257]] {
            let blob = seal_v4(plaintext, key.public_key(), &event()).unwrap();
            assert_eq!(*open(&blob, &key, Some(&event())).unwrap(), plaintext);
        }
    }
    // Version 3 drops nothing.
    let key = published_key();
    let blob = seal_v3(b"spaces  ", key.public_key()).unwrap();
    assert_eq!(*open(&blob, &key, None).unwrap(), b"spaces  ");
}

#[test]
fn what_cannot_be_sealed_is_refused() {
    let [x25519, xwing] =
        [Suite::X25519, Suite::XWing].map(|suite| PrivateKey::generate(suite).unwrap());
    for key in [&x25519, &xwing] {
        let seal = |plaintext: &[u8]| seal_v4(plaintext, key.public_key(), &event());
        for plaintext in [&b" "[..], b"{} ", &[b' '; 256]] {
            assert_eq!(seal(plaintext), Err(SealError::TrailingSpace));
        }
        assert!(seal(b"{}\n").is_ok());
        assert!(seal(&vec![b'x'; MAX_PLAINTEXT_BYTES]).is_ok());
        let too_large = Err(SealError::TooLarge { bytes: MAX_PLAINTEXT_BYTES + 1 });
        assert_eq!(seal(&vec![b'x'; MAX_PLAINTEXT_BYTES + 1]), too_large);
        // Too large before anything else.
        assert_eq!(seal(&vec![b' '; MAX_PLAINTEXT_BYTES + 1]), too_large);
    }
    assert_eq!(seal_v3(b"{}", xwing.public_key()), Err(SealError::KeyKind));
    let too_large = seal_v3(&vec![0; MAX_PLAINTEXT_BYTES + 1], x25519.public_key());
    assert_eq!(too_large, Err(SealError::TooLarge { bytes: MAX_PLAINTEXT_BYTES + 1 }));
    for error in [
        SealError::TrailingSpace,
        SealError::TooLarge { bytes: 1 },
        SealError::KeyKind,
        SealError::NoRandomness,
        SealError::Failed,
    ] {
        assert_eq!(error.to_string().lines().count(), 2, "{error}");
    }
}

#[test]
fn no_two_blobs_are_the_same() {
    for suite in Suite::ALL {
        let key = PrivateKey::generate(*suite).unwrap();
        let seal = || seal_v4(b"{}", key.public_key(), &event()).unwrap();
        assert_ne!(seal(), seal());
    }
}

/// Each byte of the entropy counts: for X25519 the half that it draws, for X-Wing all.
#[test]
fn the_callers_entropy_is_what_is_drawn() {
    for (suite, drawn) in [(Suite::X25519, 32), (Suite::XWing, 64)] {
        let key = PrivateKey::from_bytes(suite, &[1; 32]).unwrap();
        let seal = |entropy| {
            seal_v4_with(b"{}", key.public_key(), &event(), Entropy::new(entropy)).unwrap()
        };
        let blob = seal([9; 64]);
        assert_eq!(*open(&blob, &key, Some(&event())).unwrap(), *b"{}");
        for at in 0..64 {
            let mut entropy = [9; 64];
            // A bit that X25519 does not clamp.
            entropy[at] ^= 0x10;
            assert_eq!(seal(entropy) != blob, at < drawn, "{suite} {at}");
        }
    }
    let key = published_key();
    let blob = seal_v3_with(b"{}", key.public_key(), Entropy::new([9; 64])).unwrap();
    assert_eq!(*open(&blob, &key, None).unwrap(), *b"{}");
}

/// What a blob's length says of its plaintext.
#[test]
fn version_4_hides_the_length_within_256_bytes() {
    let key = published_key();
    let lens: Vec<usize> = [1, 100, 256, 257]
        .map(|len| seal_v4(&vec![b'x'; len], key.public_key(), &event()).unwrap())
        .map(|blob| Blob::parse(blob).unwrap().ciphertext_len())
        .into();
    assert_eq!(lens, [256, 256, 256, 512]);
    let blob = seal_v3(&[b'x'; 100], key.public_key()).unwrap();
    assert_eq!(Blob::parse(blob).unwrap().ciphertext_len(), 100);
}
