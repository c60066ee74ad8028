//! The store on Redis, for a suite that takes answers at once: it waits for each.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::Duration;

use tokio::runtime::Runtime;
use wafpass::clock::Clock;
use wafpass::replay::{
    Admitting, Capacity, ReplayRedis, ReplayRedisError, ReplayStore, Retention, Use,
};
use wafpass::{ConfigError, UnixTime};

use super::Store;
use super::redis_server::{PATIENCE, Server, seed};

/// A server, and a runtime to ask it from.
struct Place {
    server: Server,
    runtime: Runtime,
}

/// The one place of a test; gone when the test is over.
static PLACE: Mutex<Weak<Place>> = Mutex::new(Weak::new());

fn place() -> Arc<Place> {
    let mut shared = PLACE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    shared.upgrade().unwrap_or_else(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let place = Arc::new(Place { server: Server::start(), runtime });
        *shared = Arc::downgrade(&place);
        place
    })
}

/// Runs `test` with one server for all the stores that it makes.
pub(crate) fn keep_server(test: fn()) {
    let _place = place();
    test();
}

pub(crate) struct OnRedis {
    store: ReplayRedis,
    place: Arc<Place>,
}

struct At(UnixTime);

impl Clock for At {
    fn now(&self) -> UnixTime {
        self.0
    }
}

impl Store for OnRedis {
    fn make(
        retention: Retention,
        capacity: Capacity,
        started: UnixTime,
    ) -> Result<Self, ConfigError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let place = place();
        let prefix = format!("test-{}:", NEXT.fetch_add(1, Ordering::Relaxed));
        seed(&place.server, &prefix, retention.kept_s());
        let _entered = place.runtime.enter();
        let store = ReplayRedis::builder(&place.server.url())
            .unwrap()
            .prefix(&prefix)
            .timeout(Duration::from_secs(5))
            .clock(At(started))
            .build(retention, capacity, started)
            .map_err(|error| match error {
                ReplayRedisError::Config(error) => error,
                error => panic!("{error}"),
            })?;
        let began = std::time::Instant::now();
        while store.started().is_none() {
            assert!(began.elapsed() < PATIENCE, "{store:?}");
            thread::sleep(Duration::from_micros(200));
        }
        Ok(Self { store, place: Arc::clone(&place) })
    }

    fn began() -> UnixTime {
        UnixTime::from_secs(i64::MIN).saturating_add(super::RETENTION.skew_s.into())
    }
}

impl ReplayStore for OnRedis {
    fn admit(&self, claim: &Use<'_>, now: UnixTime) -> Admitting {
        match self.store.admit(claim, now) {
            Admitting::Now(answer) => answer,
            later => self.place.runtime.block_on(later),
        }
        .into()
    }

    fn retention(&self) -> Retention {
        self.store.retention()
    }

    fn extend(&self, retention: Retention) -> Retention {
        self.store.extend(retention)
    }

    fn started(&self) -> Option<UnixTime> {
        self.store.started()
    }

    fn live(&self) -> usize {
        self.store.live()
    }

    fn capacity(&self) -> Option<Capacity> {
        self.store.capacity()
    }
}
