//! Opening: one blob with one key, or many with several.

#[cfg(feature = "archive")]
mod aws_lc;
mod by_hpke;
mod composed;
mod lines;
mod portable;
mod schedule;
#[cfg(test)]
mod tests;

pub use self::lines::{Line, LineError, Lines};

use std::io::BufRead;
use std::slice;

use zeroize::Zeroizing;

use self::by_hpke::by_hpke;
use self::composed::composed;
use super::blob::BOUND;
use super::kem::{V4_INFO, X25519, XWing};
use super::key::{Secret, X25519Secret};
use super::limits::MAX_OPENER_KEYS;
use super::{Binding, Blob, KeyError, PrivateKey, Refused};

/// What a blob held. Wiped from memory on drop.
pub type Plaintext = Zeroizing<Vec<u8>>;

/// Which implementation opens. All of them open the same blobs and refuse the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Engine {
    /// The `hpke` crate, in pure Rust. X-Wing is always opened by it, and the versions 1 and 2, which it
    /// never knew, by the primitives that it is made of.
    Portable,
    /// The curve and the cipher of `aws-lc-rs`, for X25519: three times as fast.
    #[cfg(feature = "archive")]
    AwsLc,
}

impl Engine {
    /// Every one that is built in.
    pub const ALL: &'static [Self] = &[
        Self::Portable,
        #[cfg(feature = "archive")]
        Self::AwsLc,
    ];
}

impl Default for Engine {
    /// The fastest there is.
    fn default() -> Self {
        #[cfg(feature = "archive")]
        return Self::AwsLc;
        #[cfg(not(feature = "archive"))]
        Self::Portable
    }
}

/// Opens a blob. A version 4 blob opens only with the binding of its event; the versions before have
/// none, and do not look at it.
///
/// # Errors
///
/// [`Refused`], in its order. A key of the other kind than the blob's is [`Refused::WrongKey`] in every
/// version.
pub fn open(
    text: impl AsRef<[u8]>,
    key: &PrivateKey,
    binding: Option<&Binding<'_>>,
) -> Result<Plaintext, Refused> {
    let blob = Blob::parse(text)?;
    open_with(&blob, slice::from_ref(key), binding, Engine::default())
}

/// Opens blobs with any of several keys: version 4 by key id, the versions before by trying each in turn.
///
/// ```
/// use wafpass::matched_data::{KeyError, Opener, PrivateKey, Refused};
///
/// let this_year = PrivateKey::from_text("mGCX1x4JoXKo0kKaBM1lFO9kgMyzRqbVdV2d3i2YtmY=")?;
/// let last_year = PrivateKey::from_text("uBS5eBttHrqkdY41kbZPdvYnNz8Vj0TvKIUpjB1y/GA=")?;
/// let opener = Opener::new([this_year, last_year])?;
///
/// let blob = "AzTY6FHajXYXuDMUte82wrd+1n5CEHPoydYiyd3FMg5IEQAAAAAAAAA0lOhGXBclw8pWU5jbbYuepSIJN5JohTtZekLliJBlVWk=";
/// assert_eq!(*opener.open(blob, None).unwrap(), *b"test matched data");
/// assert_eq!(opener.open("truncated", None), Err(Refused::Truncated));
/// # Ok::<(), KeyError>(())
/// ```
#[derive(Debug)]
pub struct Opener {
    keys: Vec<PrivateKey>,
    engine: Engine,
}

impl Opener {
    /// An opener with these keys. Where they are tried in turn, it is in this order.
    ///
    /// # Errors
    ///
    /// [`KeyError::NoKeys`] without a key, [`KeyError::TooManyKeys`] above [`MAX_OPENER_KEYS`].
    pub fn new(keys: impl IntoIterator<Item = PrivateKey>) -> Result<Self, KeyError> {
        let keys: Vec<PrivateKey> = keys.into_iter().take(MAX_OPENER_KEYS + 1).collect();
        match keys.len() {
            0 => Err(KeyError::NoKeys),
            1..=MAX_OPENER_KEYS => Ok(Self { keys, engine: Engine::default() }),
            _ => Err(KeyError::TooManyKeys),
        }
    }

    /// Opens with this implementation instead of the fastest.
    #[must_use]
    pub const fn engine(mut self, engine: Engine) -> Self {
        self.engine = engine;
        self
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &[PrivateKey] {
        &self.keys
    }

    /// Opens a blob, as [`open`] does.
    ///
    /// # Errors
    ///
    /// [`Refused`], in its order: [`Refused::WrongKey`] when the blob names none of the keys, or none is
    /// of its kind; [`Refused::OpenFailed`] when it opens with none.
    pub fn open(
        &self,
        text: impl AsRef<[u8]>,
        binding: Option<&Binding<'_>>,
    ) -> Result<Plaintext, Refused> {
        self.open_blob(&Blob::parse(text)?, binding)
    }

    /// Opens a blob that was parsed before.
    ///
    /// # Errors
    ///
    /// [`Refused::WrongKey`], [`Refused::MissingBinding`] and [`Refused::OpenFailed`].
    pub fn open_blob(
        &self,
        blob: &Blob,
        binding: Option<&Binding<'_>>,
    ) -> Result<Plaintext, Refused> {
        open_with(blob, &self.keys, binding, self.engine)
    }

    /// Opens what a reader holds, line by line; see [`Lines`].
    pub const fn open_lines<R: BufRead>(&self, reader: R) -> Lines<'_, R> {
        Lines::new(self, reader)
    }
}

fn open_with(
    blob: &Blob,
    keys: &[PrivateKey],
    binding: Option<&Binding<'_>>,
    engine: Engine,
) -> Result<Plaintext, Refused> {
    let fits = |key: &&PrivateKey| {
        key.suite() == blob.suite() && blob.key_id().is_none_or(|id| id == key.key_id())
    };
    let mut candidates = keys.iter().filter(fits).peekable();
    candidates.peek().ok_or(Refused::WrongKey)?;

    if blob.version() < BOUND {
        let opened = candidates.find_map(|key| open_one(blob, key, b"", b"", engine));
        return opened.ok_or(Refused::OpenFailed);
    }
    let aad = binding.ok_or(Refused::MissingBinding)?.aad(blob.header());
    let opened = candidates.find_map(|key| open_one(blob, key, V4_INFO, &aad, engine));
    opened.map(without_padding).ok_or(Refused::OpenFailed)
}

fn open_one(
    blob: &Blob,
    key: &PrivateKey,
    info: &[u8],
    aad: &[u8],
    engine: Engine,
) -> Option<Plaintext> {
    match (key.secret(), engine) {
        (Secret::XWing(secret), _) => by_hpke::<XWing>(blob, secret, info, aad),
        #[cfg(feature = "archive")]
        (Secret::X25519(secret), Engine::AwsLc) => {
            composed::<aws_lc::AwsLc>(blob, secret, key.public_key(), info, aad)
        }
        (Secret::X25519(secret), Engine::Portable) => match blob.version() {
            1 | 2 => composed::<portable::Portable>(blob, secret, key.public_key(), info, aad),
            _ => by_hpke::<X25519>(blob, &secret.hpke, info, aad),
        },
    }
}

/// The plaintext of version 4 without the spaces it was filled up with.
fn without_padding(mut plaintext: Plaintext) -> Plaintext {
    let kept = plaintext.iter().rposition(|&byte| byte != b' ').map_or(0, |last| last + 1);
    plaintext.truncate(kept);
    plaintext
}

/// What a suite is made of, by one library.
trait Primitives {
    /// X25519; `None` when the secret is all zero (RFC 9180 §7.1.4).
    fn agree(secret: &X25519Secret, enc: &[u8; 32]) -> Option<Zeroizing<[u8; 32]>>;

    /// ChaCha20-Poly1305 over ciphertext and tag.
    fn decrypt(key: &[u8; 32], nonce: [u8; 12], aad: &[u8], sealed: &[u8]) -> Option<Plaintext>;
}
