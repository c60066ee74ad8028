//! A replay store on Redis: what is written of it, and what is built of that.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use super::url::judge_urls;
use crate::config::fault::Faults;
use crate::config::keys::{refuse_odd_variable, variable};
use crate::config::schema::{EvictionWord, NewServerWord, OnFailureWord, Redis};
use crate::config::secret_file::{Text, read_public, read_secret};
use crate::key_directory::Permissions;
use crate::limits::MAX_KEY_RECORD_BYTES;

/// Largest file of certificate authorities: a system's whole bundle is a fifth of this.
const MAX_CA_BYTES: u64 = 1_048_576;

/// A store on Redis, without where it is.
#[derive(Clone, PartialEq)]
pub(crate) struct RedisStore {
    url: UrlSource,
    ca_file: Option<PathBuf>,
    pub(crate) takes_plaintext: bool,
    pub(crate) cluster: bool,
    pub(crate) prefix: String,
    client_name: String,
    pub(crate) timeout: Duration,
    pub(crate) on_failure: OnFailureWord,
    breaker: (NonZeroU32, Duration),
    check_every: Duration,
    pub(crate) eviction: EvictionWord,
    pub(crate) new_server: NewServerWord,
}

#[derive(Clone, PartialEq)]
enum UrlSource {
    Text(Zeroizing<String>),
    Env(String),
    File(PathBuf),
}

pub(super) fn redis(table: Redis, base: &Path, faults: &mut Faults<'_>) -> Option<RedisStore> {
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

/// What was read to find Redis.
pub(super) struct Found {
    #[cfg_attr(not(feature = "redis"), expect(dead_code, reason = "only Redis is looked for"))]
    url: Zeroizing<String>,
    #[cfg_attr(not(feature = "redis"), expect(dead_code, reason = "only Redis is looked for"))]
    ca: Option<Zeroizing<String>>,
}

impl RedisStore {
    /// Whether a password stands in the configuration itself.
    pub(super) fn has_secret_in_text(&self) -> bool {
        matches!(&self.url, UrlSource::Text(text) if text.contains('@'))
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let url = match &self.url {
            UrlSource::File(path) => Some(path.as_path()),
            UrlSource::Text(_) | UrlSource::Env(_) => None,
        };
        url.into_iter().chain(self.ca_file.as_deref())
    }

    pub(super) fn read(&self, permissions: Permissions, faults: &mut Faults<'_>) -> Option<Found> {
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
    pub(super) fn builder(
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
