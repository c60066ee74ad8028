//! A key's fingerprint: what two people compare when one hands a public key to the other.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::matched_data::{PublicKey, Suite};

/// Words of a fingerprint: 8 bits each, 128 bits in all. Nobody makes a second key with the same words.
pub const FINGERPRINT_WORDS: usize = 16;

/// 256 words of our own, in the order of the alphabet: no two differ in one letter only, and no two
/// begin with the same four.
const WORDS: &str = include_str!("words.txt");

/// SHA-256 of the suite's number and the public key. Displays as hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a public key.
    ///
    /// ```
    /// use wafpass::collector::catalogue::Fingerprint;
    /// use wafpass::matched_data::PublicKey;
    ///
    /// let key = PublicKey::from_text("Ycig/Zr/pZmklmFUN99nr+taURlYItL91g+NcHGYpB8=")?;
    /// let words = Fingerprint::of(&key).words();
    /// assert_eq!(words.split(' ').count(), 16);
    /// # Ok::<(), wafpass::matched_data::KeyError>(())
    /// ```
    #[must_use]
    pub fn of(key: &PublicKey) -> Self {
        Self::of_bytes(key.suite(), key.as_bytes())
    }

    fn of_bytes(suite: Suite, key: &[u8]) -> Self {
        let digest = Sha256::new().chain_update([suite.number()]).chain_update(key).finalize();
        Self(digest.into())
    }

    /// Its first 128 bits as words, to be read aloud.
    #[must_use]
    pub fn words(&self) -> String {
        let word = |byte: &u8| WORDS.lines().nth(usize::from(*byte)).unwrap_or_default();
        self.0.iter().take(FINGERPRINT_WORDS).map(word).collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_for_each_byte_and_no_two_alike() {
        let words: Vec<&str> = WORDS.lines().collect();
        assert_eq!(words.len(), 256);
        let beginnings: std::collections::BTreeSet<_> =
            words.iter().map(|word| word.get(..4).unwrap_or(word)).collect();
        assert_eq!(beginnings.len(), 256);
        assert!(words.is_sorted());
    }
}
