//! A payload, sealed: a blob, or the word in place of one.

use super::super::{Binding, Entropy, PublicKey, SealError, TRUNCATED, seal_v3_with, seal_v4_with};
use super::{Form, Payload};

impl Payload {
    /// Seals a version 3 blob; the word `truncated` comes in place of a payload that is too large.
    ///
    /// # Errors
    ///
    /// Those of [`seal_v3_with`].
    pub fn seal_v3_with(&self, key: &PublicKey, entropy: Entropy) -> Result<String, SealError> {
        match self.to_json(Form::V3) {
            Ok(json) => seal_v3_with(json.as_bytes(), key, entropy),
            Err(_) => Ok(TRUNCATED.to_owned()),
        }
    }

    /// Seals a version 4 blob for this event; the word `truncated` comes in place of a payload that is too
    /// large.
    ///
    /// # Errors
    ///
    /// Those of [`seal_v4_with`].
    pub fn seal_v4_with(
        &self,
        key: &PublicKey,
        event: &Binding<'_>,
        entropy: Entropy,
    ) -> Result<String, SealError> {
        match self.to_json(Form::V4) {
            Ok(json) => seal_v4_with(json.as_bytes(), key, event, entropy),
            Err(_) => Ok(TRUNCATED.to_owned()),
        }
    }

    /// Seals a version 3 blob, as [`seal_v3_with`](Self::seal_v3_with) does.
    ///
    /// # Errors
    ///
    /// The same, and [`SealError::NoRandomness`].
    #[cfg(feature = "random")]
    pub fn seal_v3(&self, key: &PublicKey) -> Result<String, SealError> {
        self.seal_v3_with(key, Entropy::from_os()?)
    }

    /// Seals a version 4 blob for this event, as [`seal_v4_with`](Self::seal_v4_with) does.
    ///
    /// # Errors
    ///
    /// The same, and [`SealError::NoRandomness`].
    #[cfg(feature = "random")]
    pub fn seal_v4(&self, key: &PublicKey, event: &Binding<'_>) -> Result<String, SealError> {
        self.seal_v4_with(key, event, Entropy::from_os()?)
    }
}
