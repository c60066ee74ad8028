use hpke::{Deserializable, Kem, OpModeR, setup_receiver};
use zeroize::Zeroizing;

use super::super::Blob;
use super::super::kem::{Aead, Kdf, PrivateOf};
use super::Plaintext;

/// Opens by the `hpke` crate (RFC 9180 base mode).
pub(super) fn by_hpke<K: Kem>(
    blob: &Blob,
    secret: &PrivateOf<K>,
    info: &[u8],
    aad: &[u8],
) -> Option<Plaintext> {
    let enc = K::EncappedKey::from_bytes(blob.enc()).ok()?;
    let mut context = setup_receiver::<Aead, Kdf, K>(&OpModeR::Base, secret, &enc, info).ok()?;
    context.open(blob.sealed(), aad).ok().map(Zeroizing::new)
}
