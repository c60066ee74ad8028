use std::convert::Infallible;

use hpke::rand_core::{TryCryptoRng, TryRng};
use zeroize::Zeroizing;

#[cfg(feature = "random")]
use super::SealError;

/// What X-Wing draws; X25519 draws half of it.
const ENTROPY_BYTES: usize = 64;

/// The random bytes of one blob. Used up by sealing it, and wiped from memory.
///
/// Two blobs of the same bytes and key would be sealed with the same key and nonce, which gives both
/// plaintexts away. So it cannot be cloned, and each sealing takes one by value.
#[expect(missing_debug_implementations, reason = "so that it reaches no log")]
pub struct Entropy(Zeroizing<[u8; ENTROPY_BYTES]>);

impl Entropy {
    /// Bytes of a cryptographic random source, never used before: in a browser, of
    /// `crypto.getRandomValues`.
    #[must_use]
    pub fn new(bytes: [u8; ENTROPY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Bytes of the operating system's random source.
    ///
    /// # Errors
    ///
    /// [`SealError::NoRandomness`] when the operating system has none to give.
    #[cfg(feature = "random")]
    pub fn from_os() -> Result<Self, SealError> {
        let mut bytes = Zeroizing::new([0; ENTROPY_BYTES]);
        getrandom::fill(bytes.as_mut_slice()).map_err(|_| SealError::NoRandomness)?;
        Ok(Self(bytes))
    }
}

/// The random bytes as the `hpke` crate draws them: each once, and no more than there are.
pub(super) struct Source {
    entropy: Entropy,
    drawn: usize,
}

impl Source {
    pub(super) const fn new(entropy: Entropy) -> Self {
        Self { entropy, drawn: 0 }
    }

    /// Whether more was drawn than there was. What came of it must not be used.
    pub(super) const fn is_overdrawn(&self) -> bool {
        self.drawn > ENTROPY_BYTES
    }

    fn draw(&mut self, into: &mut [u8]) {
        let from = self.drawn.min(ENTROPY_BYTES);
        self.drawn = self.drawn.saturating_add(into.len());
        let left = self.entropy.0.get(from..).unwrap_or_default();
        for (to, byte) in into.iter_mut().zip(left) {
            *to = *byte;
        }
    }
}

impl TryRng for Source {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.draw(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.draw(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, into: &mut [u8]) -> Result<(), Infallible> {
        self.draw(into);
        Ok(())
    }
}

impl TryCryptoRng for Source {}

#[cfg(test)]
mod tests {
    use hpke::rand_core::Rng;

    use super::*;

    #[test]
    fn no_byte_is_drawn_twice_and_an_overdraft_shows() {
        let bytes: [u8; 64] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        let mut source = Source::new(Entropy::new(bytes));
        let mut first = [0; 32];
        source.fill_bytes(&mut first);
        assert_eq!(first, bytes[..32]);
        assert_eq!(source.next_u32().to_le_bytes(), bytes[32..36]);
        assert_eq!(source.next_u64().to_le_bytes(), bytes[36..44]);
        source.fill_bytes(&mut [0; 20]);
        assert!(!source.is_overdrawn());
        source.fill_bytes(&mut [0; 1]);
        assert!(source.is_overdrawn());
    }
}
