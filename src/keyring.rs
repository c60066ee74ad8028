//! The keys that an origin accepts, found by their id.

use crate::error::ConfigError;
use crate::key::{Key, KeyId};

/// A set of keys with distinct ids, at least one.
///
/// More than one key is the normal state while a key is rotated: the origin learns the new key
/// first, then the edge signs with it, then the old key goes.
#[derive(Clone, Debug)]
pub struct Keyring {
    /// Sorted by id.
    keys: Box<[Key]>,
}

impl Keyring {
    /// A keyring of `keys`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::NoKeys`] for none, [`ConfigError::DuplicateKeyId`] when two have one id, and
    /// [`ConfigError::EmptyKeyWindow`] when a key could never count.
    pub fn new(keys: impl IntoIterator<Item = Key>) -> Result<Self, ConfigError> {
        let mut keys: Box<[Key]> = keys.into_iter().collect();
        keys.sort_unstable_by_key(|key| *key.id());
        if keys.is_empty() {
            return Err(ConfigError::NoKeys);
        }
        if let Some(key) = keys.iter().find(|key| key.has_empty_window()) {
            return Err(ConfigError::EmptyKeyWindow { key_id: *key.id() });
        }
        for pair in keys.windows(2) {
            if let [first, second] = pair
                && first.id() == second.id()
            {
                return Err(ConfigError::DuplicateKeyId { key_id: *first.id() });
            }
        }
        Ok(Self { keys })
    }

    /// The key with this id.
    #[must_use]
    pub fn get(&self, id: &KeyId) -> Option<&Key> {
        self.find(id.as_bytes())
    }

    /// The key with this id, as it stands in a message.
    pub(crate) fn find(&self, id: &[u8]) -> Option<&Key> {
        let place = self.keys.binary_search_by(|key| key.id().as_bytes().cmp(id)).ok()?;
        self.keys.get(place)
    }

    /// All keys, in the order of their ids.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Key> {
        self.keys.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Secret;
    use crate::time::UnixTime;

    fn key(id: &str) -> Key {
        Key::new(id, &Secret::new([1; 32]).unwrap()).unwrap()
    }

    #[test]
    fn finds_each_key_and_no_other() {
        let keyring = Keyring::new([key("b"), key("a"), key("c")]).unwrap();
        for id in ["a", "b", "c"] {
            assert_eq!(keyring.get(&KeyId::new(id).unwrap()).unwrap().id().as_str(), id);
        }
        assert!(keyring.get(&KeyId::new("d").unwrap()).is_none());
    }

    #[test]
    fn refuses_what_could_not_work() {
        assert!(matches!(Keyring::new([]), Err(ConfigError::NoKeys)));
        let twice = Keyring::new([key("a"), key("b"), key("a")]);
        assert!(matches!(twice, Err(ConfigError::DuplicateKeyId { .. })));
        let never = key("a").not_before(UnixTime::from_secs(9)).not_after(UnixTime::from_secs(9));
        assert!(matches!(Keyring::new([never]), Err(ConfigError::EmptyKeyWindow { .. })));
    }
}
