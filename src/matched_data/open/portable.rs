use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit};
use zeroize::Zeroizing;

use super::super::key::X25519Secret;
use super::{Plaintext, Primitives};

const TAG_BYTES: usize = 16;

/// The primitives that the `hpke` crate is made of.
pub(super) struct Portable;

impl Primitives for Portable {
    fn agree(secret: &X25519Secret, enc: &[u8; 32]) -> Option<Zeroizing<[u8; 32]>> {
        let agreed = secret.dalek.diffie_hellman(&(*enc).into());
        agreed.was_contributory().then(|| Zeroizing::new(agreed.to_bytes()))
    }

    fn decrypt(key: &[u8; 32], nonce: [u8; 12], aad: &[u8], sealed: &[u8]) -> Option<Plaintext> {
        let (ciphertext, tag) = sealed.split_last_chunk::<TAG_BYTES>()?;
        let mut plaintext = Zeroizing::new(ciphertext.to_vec());
        let buffer = plaintext.as_mut_slice().into();
        ChaCha20Poly1305::new(key.into())
            .decrypt_inout_detached(&nonce.into(), aad, buffer, tag.into())
            .ok()?;
        Some(plaintext)
    }
}
