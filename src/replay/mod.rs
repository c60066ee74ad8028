//! Replay: a signature is good for as many requests as the policy says, and for no more.
//!
//! What passes is decided by [`ReplayStore::admit`], in one atomic step. The cost of an error in
//! each direction: a false [`Fresh`](Admission::Fresh) lets a captured request in a second time; a
//! false [`Replayed`](Admission::Replayed) refuses a request that the edge has just signed. A store
//! may err in the second direction only, at a rate that it states.

mod admitting;
mod health;
mod horizon;
#[cfg(feature = "moka")]
mod moka;
mod quota;
#[cfg(feature = "redis")]
mod redis;
mod window;

pub use self::admitting::Admitting;
pub use self::health::Health;
#[cfg(feature = "moka")]
pub use self::moka::ReplayMoka;
#[cfg(feature = "redis")]
pub use self::redis::{
    Eviction, NewServer, OnFailure, ReplayRedis, ReplayRedisBuilder, ReplayRedisError,
    ReplayRedisFault, ReplayRedisState, ReplayRedisStatus,
};
pub use self::window::ReplayWindow;

use std::num::NonZeroU8;

use crate::key::KeyId;
use crate::limits::DEFAULT_REPLAY_CAPACITY;
use crate::rejection::RejectionKind;
use crate::time::UnixTime;

/// What identifies a request to a replay store: the MAC of its signature base.
///
/// Nobody without the key can make a second request with the same identity, or a second identity
/// for the same request (edge signature §3, Replay).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity([u8; Identity::BYTES]);

impl Identity {
    /// Size of an identity.
    pub const BYTES: usize = 32;

    /// An identity from the bytes of a MAC that was found to be right.
    #[must_use]
    pub const fn from_mac(mac: [u8; Self::BYTES]) -> Self {
        Self(mac)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

/// One use of a signature, as a request whose head was found to be good asks for it.
#[derive(Clone, Copy, Debug)]
pub struct Use<'a> {
    /// Which request.
    pub identity: &'a Identity,
    /// The key that signed it; capacity is counted for each key too.
    pub key_id: &'a KeyId,
    /// When it was signed.
    pub date: UnixTime,
    /// How many uses the policy grants; [`MAX_USES`](crate::limits::MAX_USES) at most.
    pub max_uses: NonZeroU8,
}

/// The answer of a replay store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Admission {
    /// This use is taken. `nth` is 1 for the first use and more for a retry that was let through.
    Fresh {
        /// Which use of the signature this is.
        nth: NonZeroU8,
    },
    /// The uses were taken before.
    Replayed,
    /// The store, or this key's part of it, remembers as many requests as it may.
    Full,
    /// `date + max_age` has passed: the store may have forgotten this request.
    Expired,
    /// `date` is further ahead than the skew: the check refuses this, and a store that took it could
    /// be filled beyond its window.
    NotYetValid,
    /// The store does not answer.
    Unavailable,
}

impl Admission {
    /// Which use was taken, or why none was.
    pub(crate) const fn nth_use(self) -> Result<NonZeroU8, RejectionKind> {
        Err(match self {
            Self::Fresh { nth } => return Ok(nth),
            Self::Replayed => RejectionKind::Replayed,
            Self::Full => RejectionKind::ReplayCapacity,
            Self::Expired => RejectionKind::Expired,
            Self::NotYetValid => RejectionKind::NotYetValid,
            Self::Unavailable => RejectionKind::ReplayUnavailable,
        })
    }
}

/// How long a store remembers: while `now <= date + max_age_s + skew_s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Age up to which a signature is accepted, in seconds.
    pub max_age_s: u32,
    /// How far ahead of `now` a date may be, in seconds.
    pub skew_s: u32,
}

impl Retention {
    /// Whether a store with this retention remembers at least as long as `other` asks for.
    #[must_use]
    pub const fn covers(self, other: Self) -> bool {
        self.max_age_s >= other.max_age_s && self.skew_s >= other.skew_s
    }

    /// The longer of the two, in age and in skew.
    #[must_use]
    pub fn longer(self, other: Self) -> Self {
        Self {
            max_age_s: self.max_age_s.max(other.max_age_s),
            skew_s: self.skew_s.max(other.skew_s),
        }
    }

    /// How long after its date an entry is kept, in seconds.
    #[must_use]
    pub fn kept_s(self) -> i64 {
        i64::from(self.max_age_s) + i64::from(self.skew_s)
    }

    /// Whether `date` is too old to be judged at `now`.
    #[must_use]
    pub fn is_expired(self, date: UnixTime, now: UnixTime) -> bool {
        now.seconds_since(date) > i64::from(self.max_age_s)
    }

    /// Whether `date` is further ahead of `now` than the skew.
    #[must_use]
    pub fn is_ahead(self, date: UnixTime, now: UnixTime) -> bool {
        date.seconds_since(now) > i64::from(self.skew_s)
    }

    /// Whether an entry signed at `date` may be forgotten at `now`.
    #[must_use]
    pub fn is_over(self, date: UnixTime, now: UnixTime) -> bool {
        now.seconds_since(date) > self.kept_s()
    }
}

/// How many requests a store remembers before it refuses new ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// For all keys together.
    pub total: usize,
    /// For each key, so that one edge cannot use up the store of the others.
    pub per_key: usize,
}

impl Capacity {
    /// `total` requests, all of which one key may use.
    #[must_use]
    pub const fn shared(total: usize) -> Self {
        Self { total, per_key: total }
    }
}

impl Default for Capacity {
    /// [`DEFAULT_REPLAY_CAPACITY`] requests, all of which one key may use.
    fn default() -> Self {
        Self::shared(DEFAULT_REPLAY_CAPACITY)
    }
}

/// Remembers which signatures were used, and how often.
///
/// Every implementation keeps these promises (the shared suite in `tests/replay` checks them):
///
/// - `admit` is one atomic step: of any number of callers with one identity, exactly `max_uses` are
///   told [`Admission::Fresh`];
/// - nothing is forgotten early: an entry lives while `now <= date + max_age + skew`, whatever
///   arrives; at capacity, new requests are told [`Admission::Full`] and known ones their true state;
/// - time only moves forward: a clock set back revives nothing that was forgotten, and neither does
///   a retention that grows;
/// - memory of what is over comes back as later requests arrive.
pub trait ReplayStore: Send + Sync + 'static {
    /// Takes one use, if there is one left. A store in this process answers at once; one that asks
    /// over the network answers later, and bounds the time itself.
    fn admit(&self, claim: &Use<'_>, now: UnixTime) -> Admitting;

    /// How long this store remembers.
    fn retention(&self) -> Retention;

    /// Remembers for `retention` from here on, where that is longer than before, and goes on
    /// refusing the dates that it may have forgotten by now. Returns how long it remembers.
    ///
    /// A store that cannot do so leaves it be, and a policy that asks for it is refused.
    fn extend(&self, retention: Retention) -> Retention {
        let _ = retention;
        self.retention()
    }

    /// The second in which this store began empty: it knows nothing of what was used before.
    ///
    /// `None` for a store that outlives the process. The verifier refuses what was signed in this
    /// second or before it (the restart barrier).
    fn started(&self) -> Option<UnixTime>;

    /// How many requests are remembered now, for metrics.
    fn live(&self) -> usize;

    /// How the store is doing, for metrics, where other origins share it.
    fn health(&self) -> Option<Health> {
        None
    }

    /// How many requests may be remembered, for metrics; `None` where the store cannot tell.
    fn capacity(&self) -> Option<Capacity> {
        None
    }
}
