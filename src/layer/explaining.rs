//! Explains refusals at a distance: a record in the log, for keys that an operator switched on.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use arc_swap::ArcSwapOption;

use crate::error::ConfigError;
use crate::explain::{ExplainRecord, Hex16, REASON, SALT_BYTES};
use crate::key::{self, KeyId};
use crate::limits::{DEFAULT_EXPLAINED_PER_MINUTE, MAX_EXPLAIN_S, MAX_EXPLAINED_PER_MINUTE};
use crate::message::MessageHead;
use crate::rejection::Rejection;
use crate::time::UnixTime;
use crate::verify::Verifier;

const SECONDS_PER_MINUTE: i64 = 60;

/// Minute and count in one number: `minute * STRIDE + count`.
const STRIDE: i64 = 1_024;

/// Explains the refusals of one key in the log, until a moment that is at most
/// [`MAX_EXPLAIN_S`] ahead. Off unless given to
/// [`PerimeterHandle::explain`](super::PerimeterHandle::explain).
///
/// Each request that names this key and is refused as `signature-mismatch` then makes one event under
/// the target `wafpass::explain`, whose field `record` is the text of an
/// [`ExplainRecord`]: what the origin saw of each part that is signed, as digests that only a holder of
/// the key can compare. The peer's answer stays what it was.
///
/// ```
/// use wafpass::layer::ExplainSwitch;
/// use wafpass::{KeyId, Perimeter, VerifyLayer, clock};
///
/// # fn main() -> Result<(), wafpass::ConfigError> {
/// # use wafpass::{Freshness, Key, Keyring, Secret, Verifier};
/// # let keys = Keyring::new([Key::new("2026-11-a", &Secret::generate()?)?])?;
/// # let verifier = Verifier::builder("shop", keys, Freshness::cloudfront()).build()?;
/// let layer = VerifyLayer::new(verifier);
/// let handle = layer.handle();
///
/// let now = clock::now();
/// let until = now.saturating_add(15 * 60);
/// let switch = ExplainSwitch::new(KeyId::new("2026-11-a")?, until, now)?;
/// handle.explain([switch.per_minute(30)?]); // goes off by itself, or by handle.explain_off()
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExplainSwitch {
    key_id: KeyId,
    until: UnixTime,
    per_minute: u32,
}

impl ExplainSwitch {
    /// Explains the refusals of the key `key_id` until just before `until`, up to
    /// [`DEFAULT_EXPLAINED_PER_MINUTE`] in a minute. The id of a root stands for all keys derived from it.
    ///
    /// A moment that is over is none to complain of: the switch is off, so that a process which is
    /// started with yesterday's configuration starts.
    ///
    /// # Errors
    ///
    /// [`ConfigError::ExplainUntil`] when `until` is more than [`MAX_EXPLAIN_S`] after `now`.
    pub fn new(key_id: KeyId, until: UnixTime, now: UnixTime) -> Result<Self, ConfigError> {
        let ahead_s = until.seconds_since(now);
        if ahead_s > MAX_EXPLAIN_S {
            return Err(ConfigError::ExplainUntil { ahead_s });
        }
        Ok(Self { key_id, until, per_minute: DEFAULT_EXPLAINED_PER_MINUTE })
    }

    /// Explains up to `records` refusals in a minute.
    ///
    /// # Errors
    ///
    /// [`ConfigError::ExplainRate`] for none, and above [`MAX_EXPLAINED_PER_MINUTE`].
    pub const fn per_minute(self, records: u32) -> Result<Self, ConfigError> {
        if records == 0 || records > MAX_EXPLAINED_PER_MINUTE {
            return Err(ConfigError::ExplainRate { per_minute: records });
        }
        Ok(Self { per_minute: records, ..self })
    }

    /// The key, or the root, whose refusals are explained.
    #[must_use]
    pub const fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// When that ends.
    #[must_use]
    pub const fn until(&self) -> UnixTime {
        self.until
    }

    /// Whether it is over at `now`.
    #[must_use]
    pub fn is_over(&self, now: UnixTime) -> bool {
        now >= self.until
    }
}

/// The switches that hold now; none, most of the time.
#[derive(Default)]
pub(super) struct Explaining {
    switches: ArcSwapOption<Vec<Arc<Counted>>>,
}

/// A switch, and how many records it made in this minute.
struct Counted {
    switch: ExplainSwitch,
    taken: AtomicI64,
    is_over: AtomicBool,
}

impl Explaining {
    /// Puts `switches` in the place of those that there were. One that there was goes on as it is, and so
    /// does its count: a reload makes no room for more records.
    pub(super) fn set(&self, switches: impl IntoIterator<Item = ExplainSwitch>, now: UnixTime) {
        let present = self.switches.load();
        let kept = |switch: &ExplainSwitch| {
            present.iter().flat_map(|all| all.iter()).find(|counted| counted.switch == *switch)
        };
        let switches = switches.into_iter().filter(|switch| !switch.is_over(now));
        let counted: Vec<_> = switches
            .map(|switch| kept(&switch).cloned().unwrap_or_else(|| Counted::begin(switch)))
            .collect();
        self.switches.store(Some(counted).filter(|counted| !counted.is_empty()).map(Arc::new));
    }

    /// Those that hold at `now`.
    pub(super) fn present(&self, now: UnixTime) -> Vec<ExplainSwitch> {
        let switches = self.switches.load();
        let all = switches.iter().flat_map(|switches| switches.iter());
        all.filter(|counted| counted.holds(now)).map(|counted| counted.switch).collect()
    }

    /// Logs the record of a refused request, where its key is switched on. One load where none is.
    pub(super) fn record(
        &self,
        verifier: &Verifier,
        head: &MessageHead<'_>,
        rejection: &Rejection,
        now: UnixTime,
    ) {
        if rejection.kind == REASON
            && let Some(switches) = &*self.switches.load()
            && let Some(key_id) = rejection.key_id
        {
            let mut for_it = switches.iter().filter(|counted| counted.is_for(&key_id, verifier));
            if for_it.any(|counted| counted.holds(now) && counted.take(now)) {
                log(verifier, head, now);
            }
        }
    }
}

/// Makes a record and logs it. Without randomness there is no salt, and so no record.
#[cold]
fn log(verifier: &Verifier, head: &MessageHead<'_>, now: UnixTime) {
    let mut salt = [0; SALT_BYTES];
    if getrandom::fill(&mut salt).is_err() {
        return;
    }
    if let Some(record) = ExplainRecord::of(verifier, head, now, Hex16::new(salt)) {
        let record = record.to_string();
        tracing::info!(target: "wafpass::explain", record, "explained");
    }
}

impl Counted {
    /// Begins to explain, and says so.
    fn begin(switch: ExplainSwitch) -> Arc<Self> {
        let ExplainSwitch { key_id, until, per_minute } = &switch;
        tracing::info!(
            target: "wafpass::explain",
            %key_id, %until, per_minute,
            "refusals of this key are explained in the log"
        );
        Arc::new(Self::new(switch))
    }

    const fn new(switch: ExplainSwitch) -> Self {
        Self { switch, taken: AtomicI64::new(i64::MIN), is_over: AtomicBool::new(false) }
    }

    /// Whether it holds at `now`. A clock that is set back revives nothing that was seen to be over.
    fn holds(&self, now: UnixTime) -> bool {
        if self.switch.is_over(now) {
            self.is_over.store(true, Ordering::Relaxed);
        }
        !self.is_over.load(Ordering::Relaxed)
    }

    /// Whether the key `key_id`, which the verifier knows, is the one, or one derived from it.
    fn is_for(&self, key_id: &KeyId, verifier: &Verifier) -> bool {
        let on = &self.switch.key_id;
        let is_root = || verifier.keyring().roots().any(|root| root.id() == on);
        let of_root = key::split(key_id.as_bytes()).map(|(root_id, _)| root_id);
        on == key_id || of_root == Some(on.as_bytes()) && is_root()
    }

    /// Takes one of the records of this minute. A clock that is set back keeps its minute: it then makes
    /// fewer for a while, never more.
    fn take(&self, now: UnixTime) -> bool {
        const LAST_MINUTE: i64 = i64::MAX / STRIDE - 1;

        let minute = now.as_secs().div_euclid(SECONDS_PER_MINUTE).clamp(-LAST_MINUTE, LAST_MINUTE);
        let first = minute.saturating_mul(STRIDE).saturating_add(1);
        let take = |taken: i64| {
            if minute > taken.div_euclid(STRIDE) {
                Some(first)
            } else {
                let count = taken.rem_euclid(STRIDE);
                (count < self.switch.per_minute.into()).then(|| taken.saturating_add(1))
            }
        };
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

impl fmt::Debug for Explaining {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Explaining").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_795_307_400); // the start of a minute

    fn switch(ahead_s: i64) -> Result<ExplainSwitch, ConfigError> {
        ExplainSwitch::new(KeyId::new("k").unwrap(), NOW.saturating_add(ahead_s), NOW)
    }

    #[test]
    fn an_hour_is_the_longest() {
        assert!(switch(3_600).is_ok());
        assert_eq!(switch(3_601), Err(ConfigError::ExplainUntil { ahead_s: 3_601 }));
        assert!(switch(i64::MAX).is_err());
        assert!(switch(-1).unwrap().is_over(NOW) && switch(0).unwrap().is_over(NOW));
        assert!(!switch(1).unwrap().is_over(NOW));
    }

    #[test]
    fn a_rate_is_neither_none_nor_a_flood() {
        let rated = |records| switch(60).unwrap().per_minute(records);
        assert!(rated(1).is_ok() && rated(600).is_ok());
        for records in [0, 601, u32::MAX] {
            let fault = ConfigError::ExplainRate { per_minute: records };
            assert_eq!(rated(records), Err(fault));
        }
        assert!(i64::from(MAX_EXPLAINED_PER_MINUTE) < STRIDE);
    }

    #[test]
    fn records_are_counted_by_the_minute() {
        let counted = Counted::new(switch(3_600).unwrap().per_minute(3).unwrap());
        let taken = |secs| {
            let now = NOW.saturating_add(secs);
            (0..100).filter(|_| counted.take(now)).count()
        };
        assert_eq!([0, 59, 60, 30, 119, 120].map(taken), [3, 0, 3, 0, 0, 3]);
    }

    #[test]
    fn the_count_holds_under_a_race() {
        let counted = Counted::new(switch(60).unwrap().per_minute(600).unwrap());
        let taken = std::thread::scope(|scope| {
            let one = || (0..1_000).filter(|_| counted.take(NOW)).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(one)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
        });
        assert_eq!(taken, 600);
    }

    #[test]
    fn odd_clocks_take_no_more_than_a_minute_holds() {
        for secs in [i64::MIN, i64::MIN + 1, -1, i64::MAX] {
            let counted = Counted::new(switch(60).unwrap());
            let taken = (0..100).filter(|_| counted.take(UnixTime::from_secs(secs))).count();
            assert!(taken <= 10, "{secs}: {taken}");
        }
    }
}
