//! The keys that an origin accepts, found by their id.

use std::borrow::Cow;

use crate::error::ConfigError;
use crate::key::{self, Key, KeyId, OfDay, RootKey};
use crate::time::UnixTime;

/// A set of keys with distinct ids, at least one, and of roots that keys are derived from.
///
/// More than one key is the normal state while a key is rotated: the origin learns the new key
/// first, then the edge signs with it, then the old key goes. With a root the edge's key changes
/// each day, and the origin learns nothing new ([`RootKey`]).
#[derive(Clone, Debug)]
pub struct Keyring {
    /// Sorted by id.
    keys: Box<[Key]>,
    /// Sorted by id.
    roots: Box<[RootKey]>,
}

impl Keyring {
    /// A keyring of `keys`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::NoKeys`] for none, [`ConfigError::DuplicateKeyId`] when two have one id, and
    /// [`ConfigError::EmptyKeyWindow`] when a key could never count.
    pub fn new(keys: impl IntoIterator<Item = Key>) -> Result<Self, ConfigError> {
        Self::with_roots(keys, [])
    }

    /// A keyring of `keys` and of what is derived from `roots`.
    ///
    /// # Errors
    ///
    /// As [`Keyring::new`], over keys and roots together, and [`ConfigError::AmbiguousKeyId`] when
    /// the id of one could also be that of a key derived from a root.
    pub fn with_roots(
        keys: impl IntoIterator<Item = Key>,
        roots: impl IntoIterator<Item = RootKey>,
    ) -> Result<Self, ConfigError> {
        let mut keys: Box<[Key]> = keys.into_iter().collect();
        let mut roots: Box<[RootKey]> = roots.into_iter().collect();
        keys.sort_unstable_by_key(|key| *key.id());
        roots.sort_unstable_by_key(|root| *root.id());
        let keyring = Self { keys, roots };
        keyring.validate()?;
        Ok(keyring)
    }

    fn validate(&self) -> Result<(), ConfigError> {
        let keys = self.keys.iter().map(|key| (*key.id(), key.has_empty_window()));
        let roots = self.roots.iter().map(|root| (*root.id(), root.has_empty_window()));
        let mut all: Vec<(KeyId, bool)> = keys.chain(roots).collect();
        all.sort_unstable();
        if all.is_empty() {
            return Err(ConfigError::NoKeys);
        }
        if let Some(&(key_id, _)) = all.iter().find(|(_, has_empty_window)| *has_empty_window) {
            return Err(ConfigError::EmptyKeyWindow { key_id });
        }
        for pair in all.windows(2) {
            if let [(first, _), (second, _)] = pair
                && first == second
            {
                return Err(ConfigError::DuplicateKeyId { key_id: *first });
            }
        }
        match all.into_iter().find(|(key_id, _)| self.of_day(key_id.as_bytes()).is_some()) {
            Some((key_id, _)) => Err(ConfigError::AmbiguousKeyId { key_id }),
            None => Ok(()),
        }
    }

    /// The key with this id. Derived keys are not among them.
    #[must_use]
    pub fn get(&self, id: &KeyId) -> Option<&Key> {
        self.key(id.as_bytes())
    }

    /// What there is for this id, as it stands in a message. Allocates nothing.
    #[inline]
    pub(crate) fn find(&self, id: &[u8]) -> Option<Found<'_>> {
        let key = self.key(id).map(Found::Key);
        key.or_else(|| self.of_day(id).map(Found::Derived))
    }

    /// All keys, in the order of their ids.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Key> {
        self.keys.iter()
    }

    /// All roots, in the order of their ids.
    pub fn roots(&self) -> impl ExactSizeIterator<Item = &RootKey> {
        self.roots.iter()
    }

    /// The ids of all keys and roots.
    pub fn ids(&self) -> impl Iterator<Item = &KeyId> {
        self.keys.iter().map(Key::id).chain(self.roots.iter().map(RootKey::id))
    }

    #[inline]
    fn key(&self, id: &[u8]) -> Option<&Key> {
        let place = self.keys.binary_search_by(|key| key.id().as_bytes().cmp(id)).ok()?;
        self.keys.get(place)
    }

    #[inline]
    fn of_day(&self, id: &[u8]) -> Option<OfDay<'_>> {
        let (root_id, day) = key::split(id)?;
        let place = self.roots.binary_search_by(|root| root.id().as_bytes().cmp(root_id)).ok()?;
        Some(OfDay { root: self.roots.get(place)?, id: KeyId::from_bytes(id)?, day })
    }
}

/// A key for an id: one of the keyring, or one that is still to be derived.
pub(crate) enum Found<'a> {
    Key(&'a Key),
    Derived(OfDay<'a>),
}

impl<'a> Found<'a> {
    /// Whether it counts at `now`; nothing is derived to tell.
    pub(crate) fn is_active(&self, now: UnixTime) -> bool {
        match self {
            Self::Key(key) => key.is_active(now),
            Self::Derived(of_day) => of_day.is_active(now),
        }
    }

    /// The key for a message to `audience`: derived on the stack, or borrowed.
    pub(crate) fn key(&self, audience: &[u8]) -> Cow<'a, Key> {
        match self {
            Self::Key(key) => Cow::Borrowed(key),
            Self::Derived(of_day) => Cow::Owned(of_day.key(audience)),
        }
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

    fn root(id: &str) -> RootKey {
        RootKey::new(id, &Secret::new([2; 32]).unwrap()).unwrap()
    }

    #[test]
    fn finds_derived_keys_and_never_a_root() {
        let keyring = Keyring::with_roots([key("k")], [root("s"), root("r")]).unwrap();
        for id in ["r.20261122", "s.99991231", "k"] {
            let found = keyring.find(id.as_bytes()).unwrap();
            assert_eq!(found.key(b"shop").id().as_str(), id);
        }
        for id in ["r", "s", "t.20261122", "k.20261122", "r.20260230", ".20261122", "r."] {
            assert!(keyring.find(id.as_bytes()).is_none(), "{id}");
        }
        assert!(keyring.get(&KeyId::new("r.20261122").unwrap()).is_none());
        assert_eq!(keyring.roots().map(|root| root.id().as_str()).collect::<Vec<_>>(), ["r", "s"]);
    }

    #[test]
    fn no_id_means_two_things() {
        let fault = |keys: &[&str], roots: &[&str]| {
            let keys = keys.iter().map(|id| key(id));
            Keyring::with_roots(keys, roots.iter().map(|id| root(id))).err()
        };
        assert_eq!(fault(&[], &["r"]), None);
        assert_eq!(fault(&[], &[]), Some(ConfigError::NoKeys));
        assert_eq!(fault(&["r.20260230", "r.2026112"], &["r"]), None);
        for (keys, roots) in [(&["r"][..], &["r"][..]), (&[], &["r", "r"])] {
            assert!(matches!(fault(keys, roots), Some(ConfigError::DuplicateKeyId { .. })));
        }
        for (keys, roots) in [(&["r.20261122"][..], &["r"][..]), (&[], &["r", "r.20261122"])] {
            let key_id = KeyId::new("r.20261122").unwrap();
            assert_eq!(fault(keys, roots), Some(ConfigError::AmbiguousKeyId { key_id }));
        }
        let at = UnixTime::from_secs(9);
        let never = Keyring::with_roots([], [root("r").not_before(at).not_after(at)]);
        assert!(matches!(never, Err(ConfigError::EmptyKeyWindow { .. })));
    }
}
