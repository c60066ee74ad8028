//! The key schedule of HPKE for DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20-Poly1305, as the
//! standard has it and as the two drafts had it that old archives were sealed by.

use hmac::digest::FixedOutput;
use hmac::{KeyInit, Mac};
use zeroize::Zeroizing;

use crate::key::HmacSha256;

type Bytes32 = Zeroizing<[u8; 32]>;

const KEM_SUITE: &[u8] = b"KEM\x00\x20";
const SUITE: &[u8] = b"HPKE\x00\x20\x00\x01\x00\x03";
const NO_SALT: &[u8; 32] = &[0; 32];
/// Base mode: no key shared beforehand, no authentication of the sender.
const MODE: &[u8] = &[0];
/// HKDF-Expand's counter of the only block: nothing here is longer than 32 bytes (RFC 5869 §2.3).
const FIRST_BLOCK: &[u8] = &[1];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Schedule {
    /// draft-irtf-cfrg-hpke-05, version 1.
    Draft05,
    /// draft-irtf-cfrg-hpke-06, version 2.
    Draft06,
    /// RFC 9180, from version 3 on.
    Rfc9180,
}

impl Schedule {
    /// The schedule of a blob's version.
    pub(super) const fn of(version: u8) -> Self {
        match version {
            1 => Self::Draft05,
            2 => Self::Draft06,
            _ => Self::Rfc9180,
        }
    }

    const fn label(self) -> &'static [u8] {
        match self {
            Self::Draft05 => b"HPKE-05 ",
            Self::Draft06 => b"HPKE-06",
            Self::Rfc9180 => b"HPKE-v1",
        }
    }

    /// ExtractAndExpand (RFC 9180 §4.1).
    pub(super) fn shared_secret(self, agreed: &[u8; 32], enc: &[u8], recipient: &[u8]) -> Bytes32 {
        let prk = hmac(NO_SALT, &[self.label(), KEM_SUITE, b"eae_prk", agreed]);
        let label = self.label();
        let info = [&[0, 32], label, KEM_SUITE, b"shared_secret", enc, recipient, FIRST_BLOCK];
        hmac(&prk, &info)
    }

    /// KeySchedule (RFC 9180 §5.1): the key and the nonce of the first message, which is the only one.
    pub(super) fn key_and_nonce(self, shared: &[u8; 32], info: &[u8]) -> (Bytes32, [u8; 12]) {
        let psk_id_hash = self.extract(NO_SALT, b"psk_id_hash", b"");
        let info_hash = self.extract(NO_SALT, b"info_hash", info);
        let context = [MODE, psk_id_hash.as_slice(), info_hash.as_slice()];
        let (secret, nonce_name): (_, &[u8]) = match self {
            // Draft 05 salted with the absent psk, and called the nonce by another name.
            Self::Draft05 => {
                let psk_hash = self.extract(NO_SALT, b"psk_hash", b"");
                (self.extract(&psk_hash, b"secret", shared), b"nonce")
            }
            Self::Draft06 | Self::Rfc9180 => (self.extract(shared, b"secret", b""), b"base_nonce"),
        };
        let key = self.expand(&secret, b"key", context, 32);
        let expanded = self.expand(&secret, nonce_name, context, 12);
        let mut nonce = [0; 12];
        for (to, from) in nonce.iter_mut().zip(expanded.iter()) {
            *to = *from;
        }
        (key, nonce)
    }

    /// LabeledExtract (RFC 9180 §4).
    fn extract(self, salt: &[u8; 32], name: &[u8], ikm: &[u8]) -> Bytes32 {
        hmac(salt, &[self.label(), SUITE, name, ikm])
    }

    /// LabeledExpand (RFC 9180 §4). The length is part of what is hashed; the output is cut by the caller.
    fn expand(self, prk: &[u8; 32], name: &[u8], context: [&[u8]; 3], bytes: u8) -> Bytes32 {
        let [mode, psk_id_hash, info_hash] = context;
        let label = self.label();
        hmac(prk, &[&[0, bytes], label, SUITE, name, mode, psk_id_hash, info_hash, FIRST_BLOCK])
    }
}

fn hmac(key: &[u8; 32], pieces: &[&[u8]]) -> Bytes32 {
    // A key shorter than a block is filled up with zeros (RFC 2104 §2).
    let mut block = Zeroizing::new([0; 64]);
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let mut mac = HmacSha256::new((&*block).into());
    for piece in pieces {
        mac.update(piece);
    }
    let mut out = Zeroizing::new([0; 32]);
    mac.finalize_into((&mut *out).into());
    out
}
