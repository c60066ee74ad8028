//! `[replay.redis]`: where Redis or Valkey is, and what becomes of requests that it does not answer for.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::config::units::Millis;

/// A replay store on Redis or Valkey. One of `url`, `url_env` and `url_file` says where it is.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Redis {
    /// `rediss://USER:PASSWORD@HOST:PORT/DATABASE`. A file with a password in it has mode 0600. For a
    /// cluster, several with spaces between them.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub(crate) url: Option<Zeroizing<String>>,
    /// Name of the environment variable that holds the URL.
    pub(crate) url_env: Option<String>,
    /// File that holds the URL, and nothing else but a line end.
    pub(crate) url_file: Option<PathBuf>,
    /// Whether the server is part of a cluster, whose other nodes are asked too.
    pub(crate) cluster: bool,
    /// File with the certificate authorities, in PEM, to trust instead of the operating system's.
    pub(crate) ca_file: Option<PathBuf>,
    /// Lets `redis://`, without TLS, go to another host than this one or one with a private address.
    /// Whoever sits in between can then say that a signature was not used.
    pub(crate) insecure_plaintext: bool,
    /// What all keys in Redis begin with. Fleets that share signatures need the same.
    pub(crate) prefix: String,
    /// Name of this origin in `CLIENT LIST`.
    pub(crate) client_name: String,
    /// How long a request waits for Redis: 1ms to 5s.
    pub(crate) timeout: Millis,
    /// What becomes of a request that Redis does not answer for: `fail-closed` refuses it with 503,
    /// `local-only` lets each origin decide alone, so that each takes the same signature once.
    pub(crate) on_failure: OnFailureWord,
    /// Unanswered requests in a row after which Redis is left alone for a while.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub(crate) breaker_failures: u32,
    /// For how long at first: 10ms to 30s. Twice as long each time, up to 30s.
    pub(crate) breaker_open: Millis,
    /// Time between two looks at the servers: 100ms to 10s.
    pub(crate) check_every: Millis,
    /// How it is known that the server does not evict: `probe` asks it, `assert-no-eviction` takes your
    /// word, where it does not let itself be asked.
    pub(crate) eviction: EvictionWord,
    /// What it means when another server answers than before: `barrier` refuses what was signed until
    /// then, `trust` does not, for servers that lose nothing.
    pub(crate) new_server: NewServerWord,
}

impl Default for Redis {
    fn default() -> Self {
        Self {
            url: None,
            url_env: None,
            url_file: None,
            cluster: false,
            ca_file: None,
            insecure_plaintext: false,
            prefix: "wafpass:".into(),
            client_name: "wafpass".into(),
            timeout: Millis(50),
            on_failure: OnFailureWord::FailClosed,
            breaker_failures: 5,
            breaker_open: Millis(1_000),
            check_every: Millis(10_000),
            eviction: EvictionWord::Probe,
            new_server: NewServerWord::Barrier,
        }
    }
}

/// What becomes of a request that Redis does not answer for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OnFailureWord {
    /// It is refused.
    FailClosed,
    /// Each origin decides alone.
    LocalOnly,
}

/// How it is known that the server does not evict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum EvictionWord {
    /// It is asked.
    Probe,
    /// You say so.
    AssertNoEviction,
}

/// What it means when another server answers than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum NewServerWord {
    /// That entries may be lost.
    Barrier,
    /// Nothing.
    Trust,
}
