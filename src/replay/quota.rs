//! Counts what a replay store remembers, exactly: in total, and for each key.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::{Admission, Capacity};
use crate::error::ConfigError;
use crate::key::KeyId;

/// The room of a store. On a cache line of its own: each new entry writes it.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Quota {
    live: AtomicUsize,
    capacity: Capacity,
    /// The keys that have entries, and perhaps some that had. Not used while `per_key` cannot bind.
    keys: Mutex<Vec<Arc<KeyCount>>>,
}

#[derive(Debug)]
struct KeyCount {
    id: KeyId,
    live: AtomicUsize,
}

/// How many entries of each key a bucket holds, to give back when it is dropped as a whole.
#[derive(Debug, Default)]
pub(super) struct Tally(Vec<(Arc<KeyCount>, usize)>);

impl Quota {
    pub(super) fn new(capacity: Capacity) -> Result<Self, ConfigError> {
        if capacity.total == 0 || capacity.per_key == 0 {
            return Err(ConfigError::ReplayCapacity);
        }
        Ok(Self { live: AtomicUsize::new(0), capacity, keys: Mutex::default() })
    }

    pub(super) fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    pub(super) const fn capacity(&self) -> Capacity {
        self.capacity
    }

    /// Takes room for one entry of `key_id`, to be given back with `tally`.
    ///
    /// Never more than there is, under any race. The key's room is taken first: a key that has used
    /// up its own cannot, even for a moment, hold room that another key asks for.
    pub(super) fn take(&self, key_id: &KeyId, tally: &mut Tally) -> Result<(), Admission> {
        if self.capacity.per_key >= self.capacity.total {
            return take_one(&self.live, self.capacity.total);
        }
        let (key, entries) = self.share(key_id, tally)?;
        take_one(&key.live, self.capacity.per_key)?;
        if let Err(full) = take_one(&self.live, self.capacity.total) {
            key.live.fetch_sub(1, Ordering::Relaxed);
            return Err(full);
        }
        *entries += 1;
        Ok(())
    }

    /// Gives back the room of a bucket of `entries` entries.
    pub(super) fn give_back(&self, entries: usize, tally: &Tally) {
        for (key, entries) in &tally.0 {
            key.live.fetch_sub(*entries, Ordering::Relaxed);
        }
        self.live.fetch_sub(entries, Ordering::Relaxed);
    }

    fn share<'a>(
        &self,
        key_id: &KeyId,
        tally: &'a mut Tally,
    ) -> Result<&'a mut (Arc<KeyCount>, usize), Admission> {
        let at = match tally.0.iter().position(|(key, _)| key.id == *key_id) {
            Some(at) => at,
            None => {
                tally.0.push((self.key(key_id)?, 0));
                tally.0.len() - 1
            }
        };
        tally.0.get_mut(at).ok_or(Admission::Unavailable)
    }

    /// The count of a key. A key that is new here makes way for itself: the counts that no bucket
    /// holds any more go, so that keys of years of rotation do not pile up.
    fn key(&self, key_id: &KeyId) -> Result<Arc<KeyCount>, Admission> {
        let mut keys = self.keys.lock().map_err(|_| Admission::Unavailable)?;
        if let Some(key) = keys.iter().find(|key| key.id == *key_id) {
            return Ok(Arc::clone(key));
        }
        keys.retain(|key| Arc::strong_count(key) > 1); // clones are only made under this lock
        let key = Arc::new(KeyCount { id: *key_id, live: AtomicUsize::new(0) });
        keys.push(Arc::clone(&key));
        Ok(key)
    }
}

fn take_one(live: &AtomicUsize, capacity: usize) -> Result<(), Admission> {
    live.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |live| {
        (live < capacity).then(|| live + 1)
    })
    .map(drop)
    .map_err(|_| Admission::Full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_the_past_are_dropped() {
        let quota = Quota::new(Capacity { total: 10, per_key: 5 }).unwrap();
        for day in 0..100 {
            let (key_id, mut tally) =
                (KeyId::new(&format!("day-{day}")).unwrap(), Tally::default());
            for _ in 0..5 {
                assert_eq!(quota.take(&key_id, &mut tally), Ok(()));
            }
            assert_eq!(quota.take(&key_id, &mut tally), Err(Admission::Full));
            quota.give_back(5, &tally);
        }
        assert_eq!(quota.live(), 0);
        assert!(quota.keys.lock().unwrap().len() <= 2);
    }

    #[test]
    fn a_refusal_for_the_total_is_not_counted_for_the_key() {
        let quota = Quota::new(Capacity { total: 3, per_key: 2 }).unwrap();
        let [a, b] = ["a", "b"].map(|id| KeyId::new(id).unwrap());
        let (mut first, mut second) = (Tally::default(), Tally::default());
        assert_eq!([0; 2].map(|_| quota.take(&a, &mut first)), [Ok(()); 2]);
        assert_eq!(quota.take(&b, &mut second), Ok(()));
        assert_eq!([0; 5].map(|_| quota.take(&b, &mut second)), [Err(Admission::Full); 5]);
        quota.give_back(2, &first);
        assert_eq!(quota.take(&b, &mut second), Ok(()));
        assert_eq!(quota.take(&b, &mut second), Err(Admission::Full)); // of key b
        assert_eq!(quota.live(), 2);
    }
}
