//! The replay store: how much it remembers, and where.

mod redis;
mod room;
mod url;

use std::path::Path;
use std::sync::Arc;

use self::redis::{RedisStore, redis};
use self::room::capacity;
pub(super) use self::url::{host_of, is_near};
use super::fault::Faults;
use super::schema::{Backend, Barrier, Replay};
use crate::key_directory::Permissions;
use crate::policy::{Freshness, RestartBarrier};
use crate::replay::{Capacity, ReplayStore, ReplayWindow};
use crate::time::UnixTime;

/// What the text says of the replay store.
#[derive(Clone)]
pub(super) struct Store {
    pub(super) backend: Backend,
    pub(super) capacity: Capacity,
    pub(super) barrier: RestartBarrier,
    pub(super) redis: Option<RedisStore>,
}

/// Checks what the text says of the replay store. `base` is where relative paths begin.
pub(super) fn store(
    replay: Replay,
    freshness: Option<Freshness>,
    base: &Path,
    faults: &mut Faults<'_>,
) -> Option<Store> {
    let capacity = capacity(&replay, freshness, faults);
    let barrier = match replay.restart_barrier {
        Barrier::On => RestartBarrier::On,
        Barrier::WithSkew => RestartBarrier::WithSkew,
        Barrier::InsecureOff => RestartBarrier::InsecureOff,
    };
    let backend = replay.backend;
    if backend == Backend::Moka && cfg!(not(feature = "moka")) {
        refuse_missing("moka", faults);
    }
    let redis = match (backend, replay.redis) {
        (Backend::Redis, Some(table)) => {
            if cfg!(not(feature = "redis")) {
                refuse_missing("redis", faults);
            }
            Some(redis(table, base, faults)?)
        }
        (Backend::Redis, None) => {
            let fault = "`backend = \"redis\"`, and nothing says where Redis is";
            faults.add(
                "replay.redis",
                fault,
                "write a table [replay.redis] with url_env or url_file",
            );
            return None;
        }
        (Backend::Window | Backend::Moka, Some(_)) => {
            let fault = "there is a [replay.redis], and another backend";
            faults.add(
                "replay.redis",
                fault,
                "write backend = \"redis\" in [replay], or take it out",
            );
            return None;
        }
        (Backend::Window | Backend::Moka, None) => None,
    };
    Some(Store { backend, capacity: capacity?, barrier, redis })
}

fn refuse_missing(feature: &str, faults: &mut Faults<'_>) {
    let fault = format!("this program is built without the feature `{feature}`");
    faults.add("replay.backend", fault, "build it with that feature, or write \"window\"");
}

impl Store {
    /// Whether both are about one store: what the verifier asks of it may differ.
    pub(super) fn is_that_of(&self, other: &Self) -> bool {
        self.backend == other.backend
            && self.capacity == other.capacity
            && self.redis == other.redis
    }

    /// The key under which a password stands in the configuration itself, if one does.
    pub(super) fn secret_in_text(&self) -> Option<String> {
        let redis = self.redis.as_ref()?;
        redis.has_secret_in_text().then(|| "replay.redis.url".into())
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        self.redis.iter().flat_map(RedisStore::files)
    }

    /// Reads what is needed to find Redis: nothing for the other stores.
    pub(super) fn check(&self, permissions: Permissions, faults: &mut Faults<'_>) {
        let Some(redis) = &self.redis else { return };
        let found = redis.read(permissions, faults);
        #[cfg(feature = "redis")]
        if let Some(found) = found
            && let Err(error) = redis.builder(&found)
        {
            faults.add_error("replay.redis", &error);
        }
        #[cfg(not(feature = "redis"))]
        drop(found);
    }

    /// The store; it begins at `now`.
    pub(super) fn build(
        &self,
        freshness: Freshness,
        permissions: Permissions,
        now: UnixTime,
        faults: &mut Faults<'_>,
    ) -> Option<Arc<dyn ReplayStore>> {
        let (retention, capacity) = (freshness.retention(), self.capacity);
        match (self.backend, &self.redis) {
            #[cfg(feature = "moka")]
            (Backend::Moka, _) => {
                let store = crate::replay::ReplayMoka::new(retention, capacity, now);
                Some(Arc::new(faults.take("replay.capacity", store)?))
            }
            #[cfg(feature = "redis")]
            (Backend::Redis, Some(redis)) => {
                let read = redis.read(permissions, faults)?;
                let builder = redis.builder(&read);
                let store = builder.and_then(|builder| builder.build(retention, capacity, now));
                let store = store.map_err(|error| faults.add_error("replay.redis", &error));
                Some(Arc::new(store.ok()?))
            }
            (Backend::Window, _) => {
                let store = ReplayWindow::new(retention, capacity, now);
                Some(Arc::new(faults.take("replay.capacity", store)?))
            }
            // Refused when the text was read.
            #[allow(unreachable_patterns, reason = "with all features, only Redis without a place")]
            _ => {
                let _ = permissions;
                refuse_missing("moka or redis", faults);
                None
            }
        }
    }
}
