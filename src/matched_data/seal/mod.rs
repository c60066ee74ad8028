//! Sealing: anybody who has the public key can, so a blob proves nothing of who sealed it.

mod entropy;

pub use self::entropy::Entropy;

use base64ct::{Base64, Encoding};
use hpke::{Kem, OpModeS, Serializable, setup_sender_with_rng};
use zeroize::Zeroizing;

use self::entropy::Source;
use super::blob::BOUND;
use super::kem::{Aead, Kdf, PublicOf, V4_INFO};
use super::key::Public;
use super::limits::{MAX_PLAINTEXT_BYTES, PADDING_BYTES};
use super::{Binding, PublicKey};

/// A plaintext that is not sealed. Two lines: the fault, the way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// Version 4 drops trailing spaces when it is opened.
    #[error(
        "the plaintext ends in a space, which would be lost\nleave it out: no JSON object ends in one"
    )]
    TrailingSpace,
    /// The plaintext is too large.
    #[error(
        "a plaintext of {bytes} bytes is larger than {MAX_PLAINTEXT_BYTES}\nwrite the word truncated in place of the blob, as a log does"
    )]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// An X-Wing key with version 3, which knows X25519 only.
    #[error("version 3 cannot be sealed with an X-Wing key\nseal version 4, or give an X25519 key")]
    KeyKind,
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes\ntry again once its random source is ready")]
    NoRandomness,
    /// The library refused. No key that was read and no plaintext within the limit gets there.
    #[error("sealing failed\nreport it: no input should lead here")]
    Failed,
}

/// Seals a version 3 blob: what Cloudflare's payload logging writes and `matched-data-cli` reads.
///
/// It can be moved to another event unnoticed, names no key, and shows the plaintext's length. For what
/// need not be read by these, seal version 4.
///
/// # Errors
///
/// [`SealError::KeyKind`] with an X-Wing key, [`SealError::TooLarge`] above [`MAX_PLAINTEXT_BYTES`],
/// [`SealError::NoRandomness`].
#[cfg(feature = "random")]
pub fn seal_v3(plaintext: &[u8], key: &PublicKey) -> Result<String, SealError> {
    seal_v3_with(plaintext, key, Entropy::from_os()?)
}

/// Seals a version 3 blob with random bytes of the caller's, for where there is no operating system.
///
/// # Errors
///
/// As `seal_v3`.
pub fn seal_v3_with(
    plaintext: &[u8],
    key: &PublicKey,
    entropy: Entropy,
) -> Result<String, SealError> {
    checked_len(plaintext)?;
    let Public::X25519(key) = key.parsed() else {
        return Err(SealError::KeyKind);
    };
    let (enc, sealed) = encrypt::<super::kem::X25519>(key, b"", b"", plaintext, entropy)?;
    // No plaintext is longer than the limit.
    let len = u64::try_from(plaintext.len()).map_err(|_| SealError::Failed)?;
    Ok(Base64::encode_string(&[&[3], enc.as_slice(), &len.to_le_bytes(), &sealed].concat()))
}

/// Seals a version 4 blob for the event of the binding, in the suite of the key.
///
/// ```
/// use wafpass::matched_data::{Binding, PrivateKey, Refused, Suite, open, seal_v4};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = PrivateKey::generate(Suite::XWing)?;
/// let event = Binding::new("acme", "7d0f3c1b2a9e4c55/0", "100173", 1_795_307_400_123)?;
/// let blob = seal_v4(b"{}", key.public_key(), &event)?;
///
/// assert_eq!(*open(&blob, &key, Some(&event))?, *b"{}");
/// let another = Binding::new("acme", "7d0f3c1b2a9e4c55/1", "100173", 1_795_307_400_123)?;
/// assert_eq!(open(&blob, &key, Some(&another)), Err(Refused::OpenFailed));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`SealError::TrailingSpace`], [`SealError::TooLarge`] above [`MAX_PLAINTEXT_BYTES`],
/// [`SealError::NoRandomness`].
#[cfg(feature = "random")]
pub fn seal_v4(
    plaintext: &[u8],
    key: &PublicKey,
    binding: &Binding<'_>,
) -> Result<String, SealError> {
    seal_v4_with(plaintext, key, binding, Entropy::from_os()?)
}

/// Seals a version 4 blob with random bytes of the caller's, for where there is no operating system.
///
/// # Errors
///
/// As `seal_v4`.
pub fn seal_v4_with(
    plaintext: &[u8],
    key: &PublicKey,
    binding: &Binding<'_>,
    entropy: Entropy,
) -> Result<String, SealError> {
    checked_len(plaintext)?;
    if plaintext.last() == Some(&b' ') {
        return Err(SealError::TrailingSpace);
    }
    let id = key.key_id();
    let header = [&[BOUND, key.suite().number()], id.as_bytes().as_slice()].concat();
    let aad = binding.aad(&header);
    let padded = padded(plaintext);
    let (enc, sealed) = match key.parsed() {
        Public::X25519(key) => encrypt::<super::kem::X25519>(key, V4_INFO, &aad, &padded, entropy),
        Public::XWing(key) => encrypt::<super::kem::XWing>(key, V4_INFO, &aad, &padded, entropy),
    }?;
    Ok(Base64::encode_string(&[header, enc, sealed].concat()))
}

const fn checked_len(plaintext: &[u8]) -> Result<(), SealError> {
    let bytes = plaintext.len();
    if bytes > MAX_PLAINTEXT_BYTES { Err(SealError::TooLarge { bytes }) } else { Ok(()) }
}

fn padded(plaintext: &[u8]) -> Zeroizing<Vec<u8>> {
    let len = plaintext.len().next_multiple_of(PADDING_BYTES);
    // Its whole length at once, so that no grown-out-of copy stays behind.
    let mut padded = Zeroizing::new(Vec::with_capacity(len));
    padded.extend_from_slice(plaintext);
    padded.resize(len, b' ');
    padded
}

/// HPKE base mode (RFC 9180 §6.1): the encapsulated key, and ciphertext with tag.
fn encrypt<K: Kem>(
    key: &PublicOf<K>,
    info: &[u8],
    aad: &[u8],
    plaintext: &[u8],
    entropy: Entropy,
) -> Result<(Vec<u8>, Vec<u8>), SealError> {
    let mut source = Source::new(entropy);
    let (enc, mut context) =
        setup_sender_with_rng::<Aead, Kdf, K>(&OpModeS::Base, key, info, &mut source)
            .map_err(|_| SealError::Failed)?;
    let sealed = context.seal(plaintext, aad).map_err(|_| SealError::Failed)?;
    // Nothing leaves that was made with more randomness than there was.
    if source.is_overdrawn() {
        return Err(SealError::Failed);
    }
    Ok((enc.to_bytes().to_vec(), sealed))
}

#[cfg(test)]
mod tests {
    use super::super::kem::X25519;
    use super::super::tests::Rfc9180;
    use super::*;

    #[test]
    fn sealing_is_that_of_the_rfc() {
        let rfc = Rfc9180::read();
        let key = PublicKey::from_bytes(super::super::Suite::X25519, &rfc.hex("pkRm")).unwrap();
        let Public::X25519(key) = key.parsed() else { panic!("another kind") };
        let entropy = Entropy::new([rfc.bytes::<32>("ikmE"), [0; 32]].concat().try_into().unwrap());
        let [info, aad, pt] = ["info", "aad", "pt"].map(|name| rfc.hex(name));
        let (enc, sealed) = encrypt::<X25519>(key, &info, &aad, &pt, entropy).unwrap();
        assert_eq!((enc, sealed), (rfc.hex("pkEm"), rfc.hex("ct")));
    }

    #[test]
    fn padding_fills_up_to_256() {
        for (len, padded_len) in [(0, 0), (1, 256), (255, 256), (256, 256), (257, 512)] {
            let padded = padded(&vec![b'x'; len]);
            assert_eq!(padded.len(), padded_len);
            assert!(padded[len..].iter().all(|&byte| byte == b' '));
        }
    }
}
