//! The types of the `hpke` crate by the names used here. KDF and AEAD are the same in both suites.

use hpke::Kem;

pub(super) type X25519 = hpke::kem::X25519HkdfSha256;
pub(super) type XWing = hpke::kem::XWing;
pub(super) type Kdf = hpke::kdf::HkdfSha256;
pub(super) type Aead = hpke::aead::ChaCha20Poly1305;

pub(super) type PublicOf<K> = <K as Kem>::PublicKey;
pub(super) type PrivateOf<K> = <K as Kem>::PrivateKey;

/// Every version 4 blob is of this context (matched data, §1); the versions before have none.
pub(super) const V4_INFO: &[u8] = b"wafpass matched-data v4";
