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
use super::{Admission, Capacity, Identity, ReplayStore, Retention, Use};
use crate::error::ConfigError;
use crate::limits::MAX_USES;
use crate::time::UnixTime;

/// Requests that are over and that one admission drops from the cache: more than the one that it may
/// put in, so that they become fewer, and few, as each takes a microsecond.
const DROPPED_AT_ONCE: usize = 8;

/// Remembers uses in a [`moka`] cache, with the promises of
/// [`ReplayWindow`](super::ReplayWindow) and whole identities in place of hashes.
///
/// It takes about ten times the time and twenty times the memory of the window, and is here for
/// those who want no false refusal at all, not even one in 10¹².
///
/// At most [`MAX_USES`](crate::limits::MAX_USES) uses of one signature are granted, whatever is
/// asked for. What is over goes as later requests arrive.
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
        // While this thread was on its way here, another may have forgotten this request, just
        // before it was put (back) into the cache: from where nobody would take it any more.
        if answer.is_ok() {
            let _held = self.held()?; // so that the other one is seen, or sees what was put
            if self.horizon.retention().is_over(claim.date, self.horizon.latest()) {
                self.uses.invalidate(claim.identity);
                return Err(Admission::Expired);
            }
        }
        answer
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
        if self.horizon.retention().is_expired(claim.date, self.horizon.latest()) {
            return Err(Admission::Expired); // since `forget`: it may have been in the cache then
        }
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
            && self.horizon.retention().is_over(*first.key(), now)
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
    fn admit(&self, claim: &Use<'_>, now: UnixTime) -> Admission {
        self.try_admit(claim, now).map_or_else(|refusal| refusal, |nth| Admission::Fresh { nth })
    }

    fn retention(&self) -> Retention {
        self.horizon.retention()
    }

    fn started(&self) -> Option<UnixTime> {
        Some(self.horizon.started())
    }

    fn live(&self) -> usize {
        self.quota.live()
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
