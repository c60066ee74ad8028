//! What was admitted without Redis, to be written there when it is back.

use std::collections::HashMap;
use std::num::NonZeroU8;
use std::sync::{Mutex, MutexGuard};

use super::wire::Key;
use crate::replay::Admission;
use crate::time::UnixTime;

/// Uses that Redis does not know of yet.
#[derive(Debug)]
pub(super) struct Journal {
    entries: Mutex<HashMap<Key, Entry>>,
    capacity: usize,
}

/// One request: when it was signed, and how many of its uses were taken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) date: UnixTime,
    pub(super) uses: NonZeroU8,
}

impl Journal {
    /// Room for `capacity` requests: as many as the local window holds, whose room is taken first.
    pub(super) fn new(capacity: usize) -> Self {
        Self { entries: Mutex::default(), capacity }
    }

    /// Notes one use. What is over by `is_over` makes way where there is no room.
    pub(super) fn note(
        &self,
        key: Key,
        date: UnixTime,
        is_over: impl Fn(UnixTime) -> bool,
    ) -> Result<(), Admission> {
        let mut entries = self.entries()?;
        if let Some(entry) = entries.get_mut(&key) {
            entry.uses = entry.uses.saturating_add(1);
            return Ok(());
        }
        if entries.len() >= self.capacity {
            entries.retain(|_, entry| !is_over(entry.date));
        }
        if entries.len() >= self.capacity {
            return Err(Admission::Full);
        }
        entries.insert(key, Entry { date, uses: NonZeroU8::MIN });
        Ok(())
    }

    /// Takes up to `count` requests out, to be written.
    pub(super) fn take(&self, count: usize) -> Vec<(Key, Entry)> {
        let Ok(mut entries) = self.entries() else {
            return Vec::new();
        };
        let keys: Vec<Key> = entries.keys().take(count).copied().collect();
        keys.into_iter().filter_map(|key| Some((key, entries.remove(&key)?))).collect()
    }

    /// Puts back what could not be written. Never refused: it was here before.
    pub(super) fn put_back(&self, unwritten: impl IntoIterator<Item = (Key, Entry)>) {
        let Ok(mut entries) = self.entries() else {
            return;
        };
        for (key, old) in unwritten {
            match entries.get_mut(&key) {
                Some(entry) => entry.uses = entry.uses.saturating_add(old.uses.get()),
                None => drop(entries.insert(key, old)),
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries().map_or(0, |entries| entries.len())
    }

    fn entries(&self) -> Result<MutexGuard<'_, HashMap<Key, Entry>>, Admission> {
        self.entries.lock().map_err(|_| Admission::Unavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::Identity;

    const START: UnixTime = UnixTime::from_secs(1_795_307_400);

    fn key(number: u8) -> Key {
        Key::of(&Identity::from_mac([number; 32]))
    }

    #[test]
    fn it_is_bounded_and_what_is_over_makes_way() {
        let journal = Journal::new(2);
        let note = |number, date| journal.note(key(number), date, |date| date < START);
        assert_eq!(note(1, START), Ok(()));
        assert_eq!(note(2, START.saturating_add(-1)), Ok(()));
        assert_eq!(note(3, START), Ok(())); // 2 is over
        assert_eq!(note(4, START), Err(Admission::Full));
        assert_eq!(note(1, START), Ok(())); // known
        assert_eq!(journal.len(), 2);
    }

    #[test]
    fn uses_add_up_also_when_they_are_put_back() {
        let journal = Journal::new(2);
        let note = || journal.note(key(1), START, |_| false).unwrap();
        note();
        note();
        let taken = journal.take(10);
        assert_eq!((journal.len(), taken[0].1.uses.get()), (0, 2));
        journal.put_back(taken);
        assert_eq!(journal.len(), 1);
        let taken = journal.take(10);
        assert_eq!(taken[0].1.uses.get(), 2);
        note(); // meanwhile
        journal.put_back(taken);
        assert_eq!(journal.take(10)[0].1.uses.get(), 3);
    }
}
