//! The outside of a blob: what can be read of it without any key.

use std::fmt;

use base64ct::{Base64, Encoding};

use super::key::KeyId;
use super::limits::KEY_ID_BYTES;
use super::{Refused, Suite};

/// What stands in place of a blob whose payload was too large to log.
pub const TRUNCATED: &str = "truncated";

/// The versions before 4: version, enc, the length of the ciphertext, the ciphertext, its tag.
const LENGTH_BYTES: usize = 8;
/// Version 4: version, suite, key id; then enc, the ciphertext, its tag.
pub(super) const HEADER_BYTES: usize = 2 + KEY_ID_BYTES;
/// Version 4, of the latest version.
pub(super) const BOUND: u8 = 4;
const TAG_BYTES: usize = 16;

/// A blob whose outside is in order. It has not been opened: anybody could have written it.
///
/// ```
/// use wafpass::matched_data::{Blob, Refused, Suite};
///
/// let blob = Blob::parse(
///     "AzTY6FHajXYXuDMUte82wrd+1n5CEHPoydYiyd3FMg5IEQAAAAAAAAA0lOhGXBclw8pWU5jbbYuepSIJN5JohTtZekLliJBlVWk=\n",
/// )?;
/// assert_eq!((blob.version(), blob.suite(), blob.ciphertext_len()), (3, Suite::X25519, 17));
/// assert_eq!(blob.key_id(), None); // version 3 names no key
///
/// assert_eq!(Blob::parse("truncated").unwrap_err(), Refused::Truncated);
/// # Ok::<(), Refused>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Blob {
    bytes: Vec<u8>,
    suite: Suite,
    /// Where the encapsulated key begins, and where the ciphertext does.
    enc_at: usize,
    sealed_at: usize,
}

impl Blob {
    /// Reads the text of a blob. Space, tab, CR and LF around it are ignored.
    ///
    /// # Errors
    ///
    /// The reasons before [`Refused::WrongKey`], in their order.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, Refused> {
        let text = trimmed(text.as_ref());
        if text == TRUNCATED.as_bytes() {
            return Err(Refused::Truncated);
        }
        // The size of what is decoded follows from the text in memory, never from what it says.
        let text = str::from_utf8(text).map_err(|_| Refused::NotBase64)?;
        let bytes = Base64::decode_vec(text).map_err(|_| Refused::NotBase64)?;
        Self::from_bytes(bytes)
    }

    fn from_bytes(bytes: Vec<u8>) -> Result<Self, Refused> {
        let (suite, enc_at, lead_bytes) = match *bytes.as_slice() {
            [] => return Err(Refused::TooShort),
            [1..=3, ..] => (Suite::X25519, 1, LENGTH_BYTES),
            [BOUND] => return Err(Refused::TooShort),
            [BOUND, suite, ..] => {
                let suite = Suite::from_number(suite).ok_or(Refused::UnsupportedSuite)?;
                (suite, HEADER_BYTES, 0)
            }
            _ => return Err(Refused::UnsupportedVersion),
        };
        let sealed_at = enc_at + suite.enc_bytes() + lead_bytes;
        let blob = Self { bytes, suite, enc_at, sealed_at };
        if blob.sealed().len() < TAG_BYTES {
            return Err(Refused::TooShort);
        }
        match blob.stated_len() {
            Some(stated) if u64::try_from(blob.ciphertext_len()) != Ok(stated) => {
                Err(Refused::LengthMismatch)
            }
            _ => Ok(blob),
        }
    }

    /// The length of the ciphertext as the blob states it; version 4 states none.
    fn stated_len(&self) -> Option<u64> {
        if self.version() == BOUND {
            return None;
        }
        let (_, stated) = self.bytes.get(..self.sealed_at)?.split_last_chunk::<LENGTH_BYTES>()?;
        Some(u64::from_le_bytes(*stated))
    }

    /// The version, 1 to 4.
    #[must_use]
    pub fn version(&self) -> u8 {
        self.bytes.first().copied().unwrap_or_default()
    }

    /// The suite. Before version 4 there was only one.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// The key that the blob was sealed for, as it says itself; `None` before version 4.
    #[must_use]
    pub fn key_id(&self) -> Option<KeyId> {
        let id = self.header().last_chunk::<KEY_ID_BYTES>()?;
        Some(KeyId::from_bytes(*id))
    }

    /// The whole blob, decoded.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Length of the whole blob, decoded, in bytes.
    #[expect(clippy::len_without_is_empty, reason = "no blob is empty")]
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Length of the ciphertext without its tag, in bytes: that of the plaintext, and in version 4 of
    /// its padding.
    #[must_use]
    pub fn ciphertext_len(&self) -> usize {
        self.sealed().len().saturating_sub(TAG_BYTES)
    }

    /// What stands before the encapsulated key in version 4, and is authenticated; else nothing.
    pub(super) fn header(&self) -> &[u8] {
        if self.version() == BOUND {
            self.bytes.get(..self.enc_at).unwrap_or_default()
        } else {
            &[]
        }
    }

    /// The encapsulated key.
    pub(super) fn enc(&self) -> &[u8] {
        self.bytes.get(self.enc_at..self.enc_at + self.suite.enc_bytes()).unwrap_or_default()
    }

    /// Ciphertext and tag.
    pub(super) fn sealed(&self) -> &[u8] {
        self.bytes.get(self.sealed_at..).unwrap_or_default()
    }
}

impl fmt::Debug for Blob {
    /// What `wafpass inspect` shows; not the bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blob")
            .field("version", &self.version())
            .field("suite", &self.suite)
            .field("key_id", &self.key_id())
            .field("ciphertext_len", &self.ciphertext_len())
            .finish_non_exhaustive()
    }
}

/// `text` without the four characters of white space that may stand around a blob or a key.
pub(super) fn trimmed(text: &[u8]) -> &[u8] {
    let is_ink = |byte: &u8| !b" \t\r\n".contains(byte);
    let start = text.iter().position(is_ink).unwrap_or(text.len());
    let end = text.iter().rposition(is_ink).map_or(start, |last| last + 1);
    text.get(start..end).unwrap_or_default()
}
