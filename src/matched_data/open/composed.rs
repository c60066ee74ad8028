use super::super::key::X25519Secret;
use super::super::{Blob, PublicKey};
use super::schedule::Schedule;
use super::{Plaintext, Primitives};

/// Opens by the steps of HPKE, over the primitives of one library (RFC 9180 §4.1 and §5.1).
///
/// The public key comes along: computing it anew for each blob would cost a third of the agreement.
pub(super) fn composed<P: Primitives>(
    blob: &Blob,
    secret: &X25519Secret,
    public: &PublicKey,
    info: &[u8],
    aad: &[u8],
) -> Option<Plaintext> {
    let schedule = Schedule::of(blob.version());
    let enc: &[u8; 32] = blob.enc().try_into().ok()?;
    let agreed = P::agree(secret, enc)?;
    let shared = schedule.shared_secret(&agreed, enc, public.as_bytes());
    let (key, nonce) = schedule.key_and_nonce(&shared, info);
    P::decrypt(&key, nonce, aad, blob.sealed())
}
