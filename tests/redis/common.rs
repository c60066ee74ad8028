//! Origins of a fleet, each with a store of its own.

use std::num::{NonZeroU8, NonZeroU32};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use wafpass::clock::Clock;
use wafpass::replay::{
    Admission, Admitting, Capacity, Identity, ReplayRedis, ReplayRedisBuilder, ReplayRedisState,
    ReplayStore, Retention, Use,
};
use wafpass::{KeyId, UnixTime};

pub(crate) use crate::redis_server::{PATIENCE, Server, free_port, seed};

pub(crate) const START: UnixTime = UnixTime::from_secs(1_795_307_400);
pub(crate) const RETENTION: Retention = Retention { max_age_s: 60, skew_s: 5 };
pub(crate) const KEPT_S: i64 = 65;
pub(crate) const FIRST: Admission = Admission::Fresh { nth: NonZeroU8::MIN };
pub(crate) const PREFIX: &str = "wafpass:";

pub(crate) fn at(seconds: i64) -> UnixTime {
    START.saturating_add(seconds)
}

/// A clock that stands until it is set.
#[derive(Clone)]
pub(crate) struct Hand(Arc<AtomicI64>);

impl Hand {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(START.as_secs())))
    }

    pub(crate) fn set(&self, now: UnixTime) {
        self.0.store(now.as_secs(), Ordering::Relaxed);
    }
}

impl Clock for Hand {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.load(Ordering::Relaxed))
    }
}

/// A server that the fleet has used for ever.
pub(crate) fn old_server() -> Server {
    let server = Server::start();
    seed(&server, PREFIX, KEPT_S);
    server
}

/// Patient with a busy machine, and quick to look again.
pub(crate) fn builder(url: &str) -> ReplayRedisBuilder {
    tuned(ReplayRedis::builder(url).unwrap())
}

pub(crate) fn tuned(builder: ReplayRedisBuilder) -> ReplayRedisBuilder {
    builder
        .timeout(Duration::from_secs(2))
        .check_every(Duration::from_millis(100))
        .breaker(NonZeroU32::new(5).unwrap(), Duration::from_millis(20))
        .clock(Hand::new())
}

pub(crate) fn build(builder: ReplayRedisBuilder) -> Arc<ReplayRedis> {
    Arc::new(builder.build(RETENTION, Capacity::default(), START).unwrap())
}

pub(crate) fn origin(server: &Server) -> Arc<ReplayRedis> {
    build(builder(&server.url()))
}

pub(crate) fn identity(number: u64) -> Identity {
    let mut bytes = [0x5a; Identity::BYTES];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    Identity::from_mac(bytes)
}

/// Asks for one of `max_uses` uses of a request signed at `date`.
pub(crate) async fn admit_at(
    store: &ReplayRedis,
    number: u64,
    max_uses: u8,
    date: UnixTime,
    now: UnixTime,
) -> Admission {
    begin(store, number, max_uses, date, now).await
}

pub(crate) fn begin(
    store: &ReplayRedis,
    number: u64,
    max_uses: u8,
    date: UnixTime,
    now: UnixTime,
) -> Admitting {
    let claim = Use {
        identity: &identity(number),
        key_id: &KeyId::new("k").unwrap(),
        date,
        max_uses: NonZeroU8::new(max_uses).unwrap(),
    };
    store.admit(&claim, now)
}

pub(crate) async fn admit(store: &ReplayRedis, number: u64) -> Admission {
    admit_at(store, number, 1, START, START).await
}

/// Waits until `reached`, and no longer than that takes.
pub(crate) async fn until(store: &ReplayRedis, reached: impl Fn(&ReplayRedis) -> bool) {
    let began = Instant::now();
    while !reached(store) {
        assert!(began.elapsed() < PATIENCE, "{store:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

pub(crate) async fn until_ready(store: &ReplayRedis) {
    until(store, |store| store.status().state == ReplayRedisState::Ready).await;
}

pub(crate) async fn until_open(store: &ReplayRedis) {
    until(store, |store| matches!(store.status().state, ReplayRedisState::Open(_))).await;
}

pub(crate) fn nth(number: u8) -> Admission {
    Admission::Fresh { nth: NonZeroU8::new(number).unwrap() }
}
