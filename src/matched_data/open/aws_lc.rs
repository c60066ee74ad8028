use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, UnparsedPublicKey};
use zeroize::Zeroizing;

use super::super::key::X25519Secret;
use super::{Plaintext, Primitives};

const TAG_BYTES: usize = 16;

/// The primitives of `aws-lc-rs`.
pub(super) struct AwsLc;

impl Primitives for AwsLc {
    fn agree(secret: &X25519Secret, enc: &[u8; 32]) -> Option<Zeroizing<[u8; 32]>> {
        let peer = UnparsedPublicKey::new(&agreement::X25519, enc);
        // It fails on the all-zero secret by itself.
        agreement::agree(&secret.aws_lc, peer, (), |agreed| {
            agreed.try_into().map(Zeroizing::new).map_err(drop)
        })
        .ok()
    }

    fn decrypt(key: &[u8; 32], nonce: [u8; 12], aad: &[u8], sealed: &[u8]) -> Option<Plaintext> {
        let (ciphertext, tag) = sealed.split_last_chunk::<TAG_BYTES>()?;
        let mut plaintext = Zeroizing::new(vec![0; ciphertext.len()]);
        // Less safe, since it leaves the nonce to its caller: here the key opens one message only.
        let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).ok()?);
        let nonce = Nonce::assume_unique_for_key(nonce);
        key.open_separate_gather(nonce, Aad::from(aad), ciphertext, tag, &mut plaintext).ok()?;
        Some(plaintext)
    }
}
