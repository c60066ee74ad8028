//! The replay store: how much it remembers, and where.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::fault::Faults;
use super::keys::{refuse_odd_variable, variable};
use super::schema::{Backend, Barrier, EvictionWord, NewServerWord, OnFailureWord, Redis, Replay};
use super::secret_file::{Text, read_public, read_secret};
use crate::key_directory::Permissions;
use crate::limits::MAX_KEY_RECORD_BYTES;
use crate::policy::{Freshness, RestartBarrier};
use crate::replay::{Capacity, ReplayStore, ReplayWindow};
use crate::time::UnixTime;

/// Largest file of certificate authorities: a system's whole bundle is a fifth of this.
const MAX_CA_BYTES: u64 = 1_048_576;

/// What the text says of the replay store.
#[derive(Clone)]
pub(super) struct Store {
    pub(super) backend: Backend,
    pub(super) capacity: Capacity,
    pub(super) barrier: RestartBarrier,
    pub(super) redis: Option<RedisStore>,
}

/// A store on Redis, without where it is.
#[derive(Clone, PartialEq)]
pub(super) struct RedisStore {
    url: UrlSource,
    ca_file: Option<PathBuf>,
    pub(super) takes_plaintext: bool,
    pub(super) cluster: bool,
    pub(super) prefix: String,
    client_name: String,
    pub(super) timeout: Duration,
    pub(super) on_failure: OnFailureWord,
    breaker: (NonZeroU32, Duration),
    check_every: Duration,
    pub(super) eviction: EvictionWord,
    pub(super) new_server: NewServerWord,
}

#[derive(Clone, PartialEq)]
enum UrlSource {
    Text(Zeroizing<String>),
    Env(String),
    File(PathBuf),
}

impl Store {
    /// Whether both are about one store: what the verifier asks of it may differ.
    pub(super) fn is_that_of(&self, other: &Self) -> bool {
        self.backend == other.backend
            && self.capacity == other.capacity
            && self.redis == other.redis
    }
}

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

/// The room, from what is written or from the rate.
fn capacity(
    replay: &Replay,
    freshness: Option<Freshness>,
    faults: &mut Faults<'_>,
) -> Option<Capacity> {
    let needed = match (replay.requests_per_second, freshness) {
        (Some(rate), Some(freshness)) => Some(rate.saturating_mul(kept_s(freshness))),
        _ => None,
    };
    let total = replay.capacity.or(needed).unwrap_or(Replay::default_capacity());
    if let Some(needed) = needed.filter(|needed| total < *needed) {
        let fault =
            format!("room for {total} requests is too little: {needed} can be there at once");
        let way_out = format!(
            "raise capacity to {needed} (requests_per_second x (max_age + 2 x skew + 1)), or leave it out"
        );
        faults.add("replay.capacity", fault, way_out);
    }
    let written = match (replay.capacity, needed) {
        (None, Some(_)) => "requests_per_second",
        _ => "capacity",
    };
    refuse_no_room(written, total, faults);
    if let Some(per_key) = replay.capacity_per_key {
        refuse_no_room("capacity_per_key", per_key, faults);
    }
    let per_key = replay.capacity_per_key.unwrap_or(total);
    if per_key > total {
        let fault = format!("a key cannot have more room ({per_key}) than all keys have ({total})");
        faults.add("replay.capacity_per_key", fault, "lower it, or raise capacity");
    }
    Some(Capacity { total: usize::try_from(total).ok()?, per_key: usize::try_from(per_key).ok()? })
}

fn refuse_no_room(key: &str, amount: u64, faults: &mut Faults<'_>) {
    let at = format!("replay.{key}");
    if amount == 0 {
        faults.add(&at, "room for 0 requests would refuse every request", ROOM);
    } else if usize::try_from(amount).is_err() {
        faults.add(&at, "that is more than this machine can count", ROOM);
    }
}

const ROOM: &str = "give it room: requests per second x (max_age + 2 x skew + 1)";

/// How many seconds of requests can be remembered at once: dates from `max_age` ago to `skew` ahead,
/// each kept for the skew after that.
fn kept_s(freshness: Freshness) -> u64 {
    let retention = freshness.retention();
    u64::from(retention.max_age_s) + 2 * u64::from(retention.skew_s) + 1
}

fn redis(table: Redis, base: &Path, faults: &mut Faults<'_>) -> Option<RedisStore> {
    refuse_bounds(&table, faults);
    let url = match (table.url, table.url_env, table.url_file) {
        (Some(text), None, None) => {
            judge_urls("replay.redis.url", &text, table.insecure_plaintext, faults);
            Some(UrlSource::Text(text))
        }
        (None, Some(name), None) => {
            refuse_odd_variable("replay.redis.url_env", &name, faults);
            Some(UrlSource::Env(name))
        }
        (None, None, Some(path)) => Some(UrlSource::File(base.join(path))),
        (None, None, None) => {
            let fault = "nothing says where Redis is";
            faults.add("replay.redis.url", fault, "write url_env, url_file or url");
            None
        }
        _ => {
            let fault = "where Redis is, is said in more than one way";
            faults.add("replay.redis", fault, "keep one of url_env, url_file and url");
            None
        }
    };
    let failures = NonZeroU32::new(table.breaker_failures).unwrap_or(NonZeroU32::MIN);
    Some(RedisStore {
        url: url?,
        ca_file: table.ca_file.map(|path| base.join(path)),
        takes_plaintext: table.insecure_plaintext,
        cluster: table.cluster,
        prefix: table.prefix,
        client_name: table.client_name,
        timeout: Duration::from_millis(table.timeout.0),
        on_failure: table.on_failure,
        breaker: (failures, Duration::from_millis(table.breaker_open.0)),
        check_every: Duration::from_millis(table.check_every.0),
        eviction: table.eviction,
        new_server: table.new_server,
    })
}

/// The bounds of the store itself, told at the key that breaks them.
fn refuse_bounds(table: &Redis, faults: &mut Faults<'_>) {
    for (key, ms, least, most, default) in [
        ("timeout", table.timeout, 1, 5_000, "50ms"),
        ("breaker_open", table.breaker_open, 10, 30_000, "1s"),
        ("check_every", table.check_every, 100, 10_000, "10s"),
    ] {
        if !(least..=most).contains(&ms.0) {
            let fault = format!("`{key}` = {ms} is out of bounds");
            let way_out = format!("keep it within {least} to {most} ms; {default} is the default");
            faults.add(&format!("replay.redis.{key}"), fault, way_out);
        }
    }
    if table.breaker_failures == 0 {
        let fault = "a breaker that opens after 0 failures would never ask Redis";
        faults.add("replay.redis.breaker_failures", fault, "5 is the default");
    }
    for (key, name) in [("prefix", &table.prefix), ("client_name", &table.client_name)] {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        if !(1..=64).contains(&name.len()) || !name.bytes().all(is_part) {
            let fault = format!("`{key}` is not 1 to 64 of A-Z a-z 0-9 - _ . :");
            faults.add(
                &format!("replay.redis.{key}"),
                fault,
                "leave it out, or choose a plain name",
            );
        }
    }
}

/// Refuses a way to Redis on which somebody else could answer. Repeats nothing of a URL.
fn judge_urls(at: &str, text: &str, takes_plaintext: bool, faults: &mut Faults<'_>) {
    if text.split_ascii_whitespace().next().is_none() {
        faults.add(
            at,
            "the URL of Redis is empty",
            "write rediss://USER:PASSWORD@HOST:PORT/DATABASE",
        );
    }
    for url in text.split_ascii_whitespace() {
        let scheme =
            url.split_once("://").map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest));
        match scheme.as_ref().map(|(scheme, rest)| (scheme.as_str(), *rest)) {
            Some(("rediss" | "valkeys" | "unix" | "redis+unix" | "valkey+unix", _)) => {}
            Some(("redis" | "valkey", rest)) if takes_plaintext || is_near(host_of(rest)) => {}
            Some(("redis" | "valkey", _)) => {
                let fault = "Redis would be asked without TLS, on a host that is neither this one nor a private address";
                let way_out = "write rediss://, or a private IP address; insecure_plaintext = true lets it be, and whoever sits in between can let a replay through";
                faults.add(at, fault, way_out);
            }
            _ => {
                let fault = "the URL of Redis has no scheme that is known";
                faults.add(at, fault, "write rediss://USER:PASSWORD@HOST:PORT/DATABASE");
            }
        }
    }
}

/// The host of what stands behind a scheme.
fn host_of(rest: &str) -> &str {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    match host.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

/// Whether a host is this machine, or an address that no stranger routes to. A name could be anywhere.
fn is_near(host: &str) -> bool {
    match host.parse() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_private(),
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.is_unique_local(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

impl Store {
    /// The key under which a password stands in the configuration itself, if one does.
    pub(super) fn secret_in_text(&self) -> Option<String> {
        match &self.redis.as_ref()?.url {
            UrlSource::Text(text) if text.contains('@') => Some("replay.redis.url".into()),
            _ => None,
        }
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let url = self.redis.iter().filter_map(|redis| match &redis.url {
            UrlSource::File(path) => Some(path.as_path()),
            UrlSource::Text(_) | UrlSource::Env(_) => None,
        });
        url.chain(self.redis.iter().filter_map(|redis| redis.ca_file.as_deref()))
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

/// What was read to find Redis.
pub(super) struct Found {
    #[cfg_attr(not(feature = "redis"), expect(dead_code, reason = "only Redis is looked for"))]
    url: Zeroizing<String>,
    #[cfg_attr(not(feature = "redis"), expect(dead_code, reason = "only Redis is looked for"))]
    ca: Option<Zeroizing<String>>,
}

impl RedisStore {
    fn read(&self, permissions: Permissions, faults: &mut Faults<'_>) -> Option<Found> {
        let (at, url): (_, Text) = match &self.url {
            UrlSource::Text(text) => ("replay.redis.url", Ok(text.clone())),
            UrlSource::Env(name) => {
                ("replay.redis.url_env", variable("replay.redis.url_env", name))
            }
            UrlSource::File(path) => {
                ("replay.redis.url_file", read_secret(path, permissions, MAX_KEY_RECORD_BYTES))
            }
        };
        let url = told(at, url, faults);
        if let Some(url) = &url {
            judge_urls(at, url, self.takes_plaintext, faults);
        }
        let ca = match &self.ca_file {
            Some(path) => {
                Some(told("replay.redis.ca_file", read_public(path, MAX_CA_BYTES), faults)?)
            }
            None => None,
        };
        let url = url?;
        if let Some(pem) = &ca {
            refuse_useless_ca(pem, &url, faults);
        }
        Some(Found { url, ca }).filter(|_| faults.is_empty())
    }

    /// What is built from what was read; nothing is connected yet.
    #[cfg(feature = "redis")]
    fn builder(
        &self,
        found: &Found,
    ) -> Result<crate::replay::ReplayRedisBuilder, crate::replay::ReplayRedisError> {
        use crate::replay::{Eviction, NewServer, OnFailure, ReplayRedis};

        let mut urls = found.url.split_ascii_whitespace();
        let builder = if self.cluster {
            ReplayRedis::cluster(urls)?
        } else {
            ReplayRedis::builder(urls.next().unwrap_or_default())?
        };
        let builder = match &found.ca {
            Some(pem) => builder.ca_pem(pem.as_bytes()),
            None => builder,
        };
        let (failures, open_for) = self.breaker;
        Ok(builder
            .prefix(&self.prefix)
            .client_name(&self.client_name)
            .timeout(self.timeout)
            .breaker(failures, open_for)
            .check_every(self.check_every)
            .on_failure(match self.on_failure {
                OnFailureWord::FailClosed => OnFailure::FailClosed,
                OnFailureWord::LocalOnly => OnFailure::LocalOnly,
            })
            .eviction(match self.eviction {
                EvictionWord::Probe => Eviction::Probe,
                EvictionWord::AssertNoEviction => Eviction::AssertNoEviction,
            })
            .new_server(match self.new_server {
                NewServerWord::Barrier => NewServer::Barrier,
                NewServerWord::Trust => NewServer::Trust,
            }))
    }
}

fn refuse_useless_ca(pem: &str, urls: &str, faults: &mut Faults<'_>) {
    let at = "replay.redis.ca_file";
    if !pem.contains("-----BEGIN CERTIFICATE-----") {
        let fault = "the file holds no certificate in PEM";
        faults.add(at, fault, "name a file with -----BEGIN CERTIFICATE----- in it");
    }
    let is_plain = |url: &str| {
        let scheme = url.split("://").next().unwrap_or_default().to_ascii_lowercase();
        !matches!(scheme.as_str(), "rediss" | "valkeys")
    };
    if urls.split_ascii_whitespace().any(is_plain) {
        let fault = "a certificate authority is of no use without TLS";
        faults.add(at, fault, "write rediss:// in the URL, or take `ca_file` out");
    }
}

fn told(at: &str, text: Text, faults: &mut Faults<'_>) -> Option<Zeroizing<String>> {
    text.map_err(|(fault, way_out)| faults.add(at, fault, way_out)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_be_far_is_near() {
        for near in [
            "127.0.0.1",
            "10.1.2.3:6379",
            "192.168.0.9/0",
            "user:p@ss@172.16.0.1:1",
            "[::1]:6379",
            "[fd00::1]",
            "localhost",
            "LocalHost:6379",
        ] {
            assert!(is_near(host_of(near)), "{near}");
        }
        for far in [
            "",
            "redis",
            "8.8.8.8",
            "redis.internal:6379",
            "localhost.example",
            "172.32.0.1",
            "[2001:db8::1]:1",
            "169.254.169.254",
            "127.0.0.1@evil.example",
            "evil.example#@127.0.0.1",
            "evil.example?@127.0.0.1",
        ] {
            assert!(!is_near(host_of(far)), "{far}");
        }
    }
}
