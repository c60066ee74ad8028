//! A replay store on a [`moka`] cache.
//!
//! Neither moka's capacity nor its expiry is used. At its capacity it drops new entries or live old
//! ones, silently, and each of these could land a second time; its time to live runs on a clock of
//! its own, which does not know that the wall clock was set back. So this store counts in front of
//! the cache, and says itself when an entry is over.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU8;
use std::sync::{Mutex, MutexGuard};

use moka::ops::compute::Op;
use moka::sync::Cache;

use super::horizon::Horizon;
use super::quota::{Quota, Tally};
use super::{Admission, Admitting, Capacity, Identity, ReplayStore, Retention, Use};
use crate::error::ConfigError;
use crate::limits::MAX_USES;
use crate::time::UnixTime;

/// Requests that are over and that one admission drops from the cache: more than the one that it may
/// put in, so that they become fewer, and few, as each takes a microsecond.
const DROPPED_AT_ONCE: usize = 8;

/// Remembers uses in a [`moka`] cache, with the promises of
/// [`ReplayWindow`](super::ReplayWindow) and whole identities in place of hashes.
///
/// It takes some thirty times the time and the memory of the window, and is here for those who want
/// no false refusal at all, not even one in 10¹².
///
/// At most [`MAX_USES`] uses of one signature are granted, whatever is asked for. What is over goes as
/// later requests arrive.
pub struct ReplayMoka {
    horizon: Horizon,
    quota: Quota,
    /// How often each request was used.
    uses: Cache<Identity, u8>,
    held: Mutex<Held>,
}

/// What the cache holds.
#[derive(Default)]
struct Held {
    by_date: BTreeMap<UnixTime, Second>,
    /// Counted no more, and soon not held any more.
    over: Vec<Identity>,
}

#[derive(Default)]
struct Second {
    identities: Vec<Identity>,
    tally: Tally,
}

impl ReplayMoka {
    /// An empty store.
    ///
    /// `started` is now: the first moment that this store can vouch for. A `per_key` above `total`
    /// means nothing more than `total`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::ReplayCapacity`] when `capacity` is 0, in total or for each key.
    pub fn new(
        retention: Retention,
        capacity: Capacity,
        started: UnixTime,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            horizon: Horizon::new(retention, started),
            quota: Quota::new(capacity)?,
            uses: Cache::builder().build(), // without capacity and time to live, see above
            held: Mutex::default(),
        })
    }

    fn try_admit(&self, claim: &Use<'_>, now: UnixTime) -> Result<NonZeroU8, Admission> {
        self.forget(claim.date, now)?;
        let mut answer = Err(Admission::Unavailable);
        // Of the cache's ways to insert, the only one that runs one caller at a time for a key.
        self.uses.entry_by_ref(claim.identity).and_compute_with(|entry| {
            let used = entry.map(moka::Entry::into_value);
            answer = self.take(claim, used);
            answer.map_or(Op::Nop, |nth| Op::Put(nth.get()))
        });
        let nth = answer?;
        self.settle(claim)?;
        Ok(nth)
    }

    /// Undoes what was put into the cache for a request that another thread has forgotten meanwhile:
    /// nobody would take it out any more.
    fn settle(&self, claim: &Use<'_>) -> Result<(), Admission> {
        let _held = self.held()?; // so that this thread sees the other one, or the other one this
        if self.horizon.is_over(claim.date, self.horizon.latest()) {
            self.uses.invalidate(claim.identity);
            return Err(Admission::Expired);
        }
        Ok(())
    }

    /// Takes one use of a request that was `used` before.
    fn take(&self, claim: &Use<'_>, used: Option<u8>) -> Result<NonZeroU8, Admission> {
        if let Some(used) = used {
            let nth = NonZeroU8::new(used.saturating_add(1)).ok_or(Admission::Unavailable)?;
            return if nth <= claim.max_uses && nth.get() <= MAX_USES {
                Ok(nth)
            } else {
                Err(Admission::Replayed)
            };
        }
        let mut held = self.held()?;
        // Time may have passed since `forget`: what is too old now may have been in the cache then.
        self.horizon.judge(claim.date, self.horizon.latest())?;
        let second = held.by_date.entry(claim.date).or_default();
        self.quota.take(claim.key_id, &mut second.tally)?;
        second.identities.push(*claim.identity);
        Ok(NonZeroU8::MIN)
    }

    /// Moves the clock for a request signed at `date`, and drops some of what is over then.
    fn forget(&self, date: UnixTime, now: UnixTime) -> Result<(), Admission> {
        let mut held = self.held()?;
        let now = self.horizon.advance(date, now)?;
        let Held { by_date, over } = &mut *held;
        while let Some(first) = by_date.first_entry()
            && self.horizon.is_over(*first.key(), now)
        {
            let mut second = first.remove();
            self.quota.give_back(second.identities.len(), &second.tally);
            over.append(&mut second.identities);
        }
        let dropped = over.split_off(over.len().saturating_sub(DROPPED_AT_ONCE));
        if over.is_empty() {
            *over = Vec::new(); // what it had allocated goes, too
        }
        drop(held);
        dropped.iter().for_each(|identity| self.uses.invalidate(identity));
        Ok(())
    }

    fn held(&self) -> Result<MutexGuard<'_, Held>, Admission> {
        self.held.lock().map_err(|_| Admission::Unavailable)
    }
}

impl ReplayStore for ReplayMoka {
    fn admit(&self, claim: &Use<'_>, now: UnixTime) -> Admitting {
        let answer = self.try_admit(claim, now);
        Admitting::Now(answer.map_or_else(|refusal| refusal, |nth| Admission::Fresh { nth }))
    }

    fn retention(&self) -> Retention {
        self.horizon.retention()
    }

    fn extend(&self, retention: Retention) -> Retention {
        self.horizon.extend(retention, || drop(self.held.lock()))
    }

    fn started(&self) -> Option<UnixTime> {
        Some(self.horizon.started())
    }

    fn live(&self) -> usize {
        self.quota.live()
    }

    fn capacity(&self) -> Option<Capacity> {
        Some(self.quota.capacity())
    }
}

impl fmt::Debug for ReplayMoka {
    /// The state in numbers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayMoka")
            .field("horizon", &self.horizon)
            .field("quota", &self.quota)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeyId;

    const START: UnixTime = UnixTime::from_secs(1_000_000);
    const FIRST: Admission = Admission::Fresh { nth: NonZeroU8::MIN };

    fn store() -> ReplayMoka {
        let retention = Retention { max_age_s: 60, skew_s: 5 };
        ReplayMoka::new(retention, Capacity::default(), START).unwrap()
    }

    /// A thread is on its way with `late` while others bring the clock to where that is over.
    #[test]
    fn a_thread_that_comes_too_late_revives_nothing() {
        let store = store();
        let key_id = &KeyId::new("k").unwrap();
        let [first, second] = &[1, 2].map(|number| Identity::from_mac([number; 32]));
        let claim = |identity, date| Use { identity, key_id, date, max_uses: NonZeroU8::MIN };
        let late = claim(first, START);
        assert_eq!(store.admit(&late, START).now(), FIRST);
        assert_eq!(store.forget(late.date, START), Ok(())); // it was timely here

        let later = START.saturating_add(66);
        assert_eq!(store.admit(&claim(second, later), later).now(), FIRST);
        assert!(!store.uses.contains_key(late.identity));
        assert_eq!(store.take(&late, None), Err(Admission::Expired));

        store.uses.insert(*late.identity, 1); // as if it had asked just before
        assert_eq!(store.settle(&late), Err(Admission::Expired));
        assert!(!store.uses.contains_key(late.identity));
        assert_eq!(store.live(), 1);
    }

    #[test]
    fn what_is_over_leaves_the_cache_little_by_little() {
        let store = store();
        let key_id = &KeyId::new("k").unwrap();
        let admit = |number: u8, date| {
            let identity = &Identity::from_mac([number; 32]);
            store.admit(&Use { identity, key_id, date, max_uses: NonZeroU8::MIN }, date).now()
        };
        assert!((0..80).all(|number| admit(number, START) == FIRST));
        let later = START.saturating_add(66);
        for number in 100..110 {
            assert_eq!(admit(number, later), FIRST);
            assert_eq!(store.live(), usize::from(number) - 99);
        }
        store.uses.run_pending_tasks();
        assert_eq!(store.uses.entry_count(), 10);
        assert_eq!(store.held.lock().unwrap().over.capacity(), 0);
    }
}
