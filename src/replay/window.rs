//! The replay window: the default store, in process memory.
//!
//! Entries are kept in buckets by the second in which they were *signed*: a replay carries the same
//! date, so it meets the same bucket, and what is over is dropped a bucket at a time.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::num::NonZeroU8;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard};

use hashbrown::HashTable;

use super::horizon::Horizon;
use super::quota::{Quota, Tally};
use super::{Admission, Admitting, Capacity, Identity, ReplayStore, Retention, Use};
use crate::error::ConfigError;
use crate::limits::MAX_USES;
use crate::time::UnixTime;

/// Locks that the window is split into. One is held for 0.1 to 0.5 µs, so with 64 even dozens of
/// threads seldom wait for one another.
const SHARDS: u64 = 64;

/// Most buckets that a shard keeps, as a power of two. A window of up to 255 s has one for each
/// second; in a longer one a bucket spans more, so that few requests a second do not make one
/// allocation each.
const MAX_BUCKETS_LOG2: u32 = 8;

/// Buckets looked back at for how large the next one will be: enough to see past seconds that have
/// only begun, as the clocks of edges differ a little.
const RECENT_BUCKETS: usize = 4;

/// Remembers uses in time buckets of this process: 10 to 24 bytes for each request.
///
/// - **Exactly `max_uses` callers are told fresh**, of any number at once: finding, counting and
///   inserting are one step under a lock.
/// - **Nothing is forgotten early and nothing is evicted.** A full window refuses new requests with
///   [`Admission::Full`] and goes on recognizing those it knows.
/// - **A false refusal** needs two requests whose 64-bit hashes, keyed with a secret of this
///   process, are the same: with 10 million remembered, one request in 10¹² at most.
/// - **It begins empty**, so it reports when ([`ReplayStore::started`]) and the verifier refuses
///   what was signed before: each process has its own, and several origins that serve one name share
///   nothing.
///
/// At most [`MAX_USES`] uses of one signature are granted, whatever is asked for. What is over goes as
/// later requests arrive, and when [`live`](ReplayStore::live) is asked.
///
/// ```
/// use std::num::NonZeroU8;
///
/// use wafpass::replay::{
///     Admission, Capacity, Identity, ReplayStore, ReplayWindow, Retention, Use,
/// };
/// use wafpass::{KeyId, UnixTime};
///
/// # fn main() -> Result<(), wafpass::ConfigError> {
/// let started = UnixTime::from_secs(1_795_307_400);
/// let retention = Retention { max_age_s: 60, skew_s: 5 };
/// let window = ReplayWindow::new(retention, Capacity::default(), started)?;
///
/// let claim = Use {
///     identity: &Identity::from_mac([7; 32]),
///     key_id: &KeyId::new("2026-11-a")?,
///     date: started.saturating_add(10),
///     max_uses: NonZeroU8::MIN,
/// };
/// let now = started.saturating_add(11);
/// assert_eq!(window.admit(&claim, now).now(), Admission::Fresh { nth: NonZeroU8::MIN });
/// assert_eq!(window.admit(&claim, now).now(), Admission::Replayed);
/// # Ok(())
/// # }
/// ```
pub struct ReplayWindow {
    hasher: RandomState,
    horizon: Horizon,
    quota: Quota,
    /// The moment up to which all shards were swept at once.
    swept: AtomicI64,
    /// A bucket spans `1 << width_log2` seconds.
    width_log2: u32,
    shards: Box<[Shard]>,
}

/// Aligned to two cache lines, which processors fetch together, so that neighbours do not contend.
#[repr(align(128))]
struct Shard(Mutex<Buckets>);

struct Buckets {
    by_date: BTreeMap<i64, Bucket>,
    /// What is over at this moment has been dropped.
    swept: UnixTime,
}

#[derive(Default)]
struct Bucket {
    entries: HashTable<Entry>,
    tally: Tally,
}

impl ReplayWindow {
    /// An empty window.
    ///
    /// `started` is now: the first moment that this window can vouch for. A `per_key` above `total`
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
        let span_s = u64::from(retention.max_age_s) + 2 * u64::from(retention.skew_s) + 1;
        let buckets = || Buckets { by_date: BTreeMap::new(), swept: started };
        Ok(Self {
            hasher: RandomState::new(),
            horizon: Horizon::new(retention, started),
            quota: Quota::new(capacity)?,
            swept: AtomicI64::new(started.as_secs()),
            width_log2: (u64::BITS - span_s.leading_zeros()).saturating_sub(MAX_BUCKETS_LOG2),
            shards: (0..SHARDS).map(|_| Shard(Mutex::new(buckets()))).collect(),
        })
    }

    /// The latest moment that this window has seen.
    #[cfg(feature = "redis")]
    pub(super) fn latest(&self) -> UnixTime {
        self.horizon.latest()
    }

    fn try_admit(&self, claim: &Use<'_>, now: UnixTime) -> Result<NonZeroU8, Admission> {
        let hash = self.hash(claim.identity);
        let mut buckets = self.shard(hash)?;
        let now = self.horizon.advance(claim.date, now)?;
        self.sweep_shard(&mut buckets, now);

        let index = claim.date.as_secs() >> self.width_log2;
        let mut bucket = buckets.by_date.entry(index).or_default();
        let mut entry = Entry::unused(hash);
        let known = |other: &Entry| other.is_same_request(entry);
        if let Some(known) = bucket.entries.find_mut(entry.slot(), known) {
            return known.take(claim.max_uses).ok_or(Admission::Replayed);
        }

        self.quota.take(claim.key_id, &mut bucket.tally)?;
        let nth = entry.take(claim.max_uses);
        if bucket.entries.len() == bucket.entries.capacity() {
            bucket = buckets.grow(index);
        }
        bucket.entries.insert_unique(entry.slot(), entry, |other| other.slot());
        nth.ok_or(Admission::Unavailable) // never: an unused entry has a use
    }

    /// Not with a fixed key: who has many good signatures could send those that meet in one shard.
    fn hash(&self, identity: &Identity) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(identity.as_bytes());
        hasher.finish()
    }

    fn shard(&self, hash: u64) -> Result<MutexGuard<'_, Buckets>, Admission> {
        let shard = usize::try_from(hash % SHARDS).ok().and_then(|index| self.shards.get(index));
        // A poisoned lock: a thread panicked half way, and what it leaves may not tell the truth.
        shard.and_then(|shard| shard.0.lock().ok()).ok_or(Admission::Unavailable)
    }

    /// Drops what is over in every shard, if time has moved since that was done last.
    fn sweep(&self) -> bool {
        let now = self.horizon.latest();
        if self.swept.fetch_max(now.as_secs(), Ordering::Relaxed) >= now.as_secs() {
            return false;
        }
        for mut buckets in self.shards.iter().filter_map(|shard| shard.0.lock().ok()) {
            self.sweep_shard(&mut buckets, now);
        }
        true
    }

    fn sweep_shard(&self, buckets: &mut Buckets, now: UnixTime) {
        if now <= buckets.swept {
            return;
        }
        buckets.swept = now;
        let last_second = |index: i64| (index << self.width_log2) | !(!0 << self.width_log2);
        while let Some(first) = buckets.by_date.first_entry()
            && let last = UnixTime::from_secs(last_second(*first.key()))
            && self.horizon.is_over(last, now)
        {
            let bucket = first.remove();
            self.quota.give_back(bucket.entries.len(), &bucket.tally);
        }
    }
}

impl ReplayStore for ReplayWindow {
    #[inline]
    fn admit(&self, claim: &Use<'_>, now: UnixTime) -> Admitting {
        let mut answer = self.try_admit(claim, now);
        if answer == Err(Admission::Full) && self.sweep() {
            answer = self.try_admit(claim, now);
        }
        Admitting::Now(answer.map_or_else(|refusal| refusal, |nth| Admission::Fresh { nth }))
    }

    fn retention(&self) -> Retention {
        self.horizon.retention()
    }

    /// The buckets keep the width that they began with: a window that grows from minutes to hours
    /// takes a little more memory than one that began so.
    fn extend(&self, retention: Retention) -> Retention {
        self.horizon.extend(retention, || {
            self.shards.iter().for_each(|shard| drop(shard.0.lock()));
        })
    }

    fn started(&self) -> Option<UnixTime> {
        Some(self.horizon.started())
    }

    fn live(&self) -> usize {
        self.sweep();
        self.quota.live()
    }

    fn capacity(&self) -> Option<Capacity> {
        Some(self.quota.capacity())
    }
}

impl fmt::Debug for ReplayWindow {
    /// The state in numbers; no hashes, and not their key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayWindow")
            .field("horizon", &self.horizon)
            .field("quota", &self.quota)
            .finish_non_exhaustive()
    }
}

impl Buckets {
    /// Makes the bucket at `index` as large as the recent ones became, so that under a steady load
    /// each is allocated once and never rehashed.
    fn grow(&mut self, index: i64) -> &mut Bucket {
        let recent = self.by_date.values().rev().take(RECENT_BUCKETS);
        let largest = recent.map(|bucket| bucket.entries.len()).max().unwrap_or(0);
        let bucket = self.by_date.entry(index).or_default();
        let more = largest.saturating_sub(bucket.entries.len()).max(1);
        bucket.entries.reserve(more, |entry| entry.slot());
        bucket
    }
}

/// One remembered request: the upper 60 bits of its hash, and in the lower 4 how often it was used.
///
/// The 4 bits of the hash that have no room here chose the shard, so all 64 tell requests apart.
#[derive(Clone, Copy)]
struct Entry(u64);

const COUNT: u64 = 0xf;
const _: () = assert!(MAX_USES <= 15, "the count has four bits");
const _: () = assert!(SHARDS > COUNT, "the shard stands for the bits that the count replaces");

impl Entry {
    const fn unused(hash: u64) -> Self {
        Self(hash & !COUNT)
    }

    const fn is_same_request(self, other: Self) -> bool {
        (self.0 ^ other.0) & !COUNT == 0
    }

    /// The hash for the table, which looks at the lowest bits and at the top seven: neither may be
    /// those of the count.
    const fn slot(self) -> u64 {
        (self.0 & !COUNT).rotate_right(32)
    }

    /// Counts one use, if one is left.
    fn take(&mut self, max_uses: NonZeroU8) -> Option<NonZeroU8> {
        let used = u8::try_from(self.0 & COUNT).ok()?;
        if used >= max_uses.get().min(MAX_USES) {
            return None;
        }
        self.0 += 1;
        NonZeroU8::new(used + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeyId;

    const START: UnixTime = UnixTime::from_secs(1_000_000);

    fn window(max_age_s: u32, skew_s: u32) -> ReplayWindow {
        let retention = Retention { max_age_s, skew_s };
        ReplayWindow::new(retention, Capacity::default(), START).unwrap()
    }

    fn admit(window: &ReplayWindow, number: u8, date: UnixTime, now: UnixTime) -> Admission {
        let identity = &Identity::from_mac([number; 32]);
        let key_id = &KeyId::new("k").unwrap();
        window.admit(&Use { identity, key_id, date, max_uses: NonZeroU8::MIN }, now).now()
    }

    #[test]
    fn a_poisoned_shard_fails_closed() {
        let window = window(60, 5);
        std::thread::scope(|scope| {
            let poison = scope.spawn(|| {
                let _guards: Vec<_> =
                    window.shards.iter().map(|shard| shard.0.lock().unwrap()).collect();
                panic!("poisons every shard");
            });
            assert!(poison.join().is_err());
        });
        assert_eq!(admit(&window, 1, START, START), Admission::Unavailable);
        assert_eq!(window.live(), 0);
    }

    #[test]
    fn buckets_are_few_and_never_too_short() {
        for (max_age_s, skew_s, width_s) in
            [(0, 0, 1), (60, 5, 1), (210, 5, 1), (250, 5, 2), (86_400, 3_600, 512)]
        {
            let window = window(max_age_s, skew_s);
            assert_eq!(1 << window.width_log2, width_s, "{max_age_s} s");
            let kept = i64::from(max_age_s) + i64::from(skew_s);
            for offset in 0..2 * width_s {
                let date = START.saturating_add(offset);
                let (last, over) = (date.saturating_add(kept), date.saturating_add(kept + width_s));
                let mut buckets = Buckets { by_date: BTreeMap::new(), swept: START };
                buckets.by_date.entry(date.as_secs() >> window.width_log2).or_default();
                window.sweep_shard(&mut buckets, last);
                assert_eq!(buckets.by_date.len(), 1, "forgotten at {last:?}");
                window.sweep_shard(&mut buckets, over);
                assert_eq!(buckets.by_date.len(), 0, "kept at {over:?}");
            }
        }
    }

    #[test]
    fn a_bucket_starts_as_large_as_the_recent_ones() {
        let mut buckets = Buckets { by_date: BTreeMap::new(), swept: START };
        for hash in 0..1000_u64 {
            let entry = Entry::unused(hash << 32);
            let bucket = buckets.by_date.entry(7).or_default();
            bucket.entries.insert_unique(entry.slot(), entry, |other| other.slot());
        }
        buckets.by_date.entry(8).or_default(); // has only begun
        assert!(buckets.grow(9).entries.capacity() >= 1000);
        assert!(buckets.grow(10).entries.capacity() < 4000);
    }

    #[test]
    fn the_count_stays_in_its_bits() {
        let mut entry = Entry::unused(u64::MAX);
        let all = NonZeroU8::MAX;
        let granted: Vec<_> = std::iter::from_fn(|| entry.take(all)).map(NonZeroU8::get).collect();
        assert_eq!(granted, (1..=MAX_USES).collect::<Vec<_>>());
        assert!(entry.is_same_request(Entry::unused(u64::MAX)));
        assert_eq!(entry.slot(), Entry::unused(u64::MAX).slot());
    }
}
