//! What can be wrong: with the settings, and with Redis. No text of either tells a URL or a
//! password.

use std::error::Error;
use std::io;
use std::sync::Arc;

use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::builder::{CHECKS, MAX_PREFIX_BYTES, OPEN, TIMEOUTS};
use crate::error::ConfigError;

/// Why a store on Redis was not built. Two lines: the fault, the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayRedisError {
    /// The URL is none, or asks for what is not offered. The text does not repeat it: it has a
    /// password.
    #[error(
        "the URL of Redis cannot be used: {reason}\nwrite redis://USER:PASSWORD@HOST:PORT/DATABASE, or rediss:// for TLS, with special characters in % notation"
    )]
    Url {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A certificate authority that cannot be read.
    #[error(
        "the certificate authority for Redis is not PEM\ngive the bytes of a file with -----BEGIN CERTIFICATE----- in it, and use rediss://"
    )]
    Ca,
    /// A prefix that could not be told apart, or would send all keys to one node of a cluster.
    #[error(
        "the prefix {prefix:?} is not 1 to {MAX_PREFIX_BYTES} of A-Z a-z 0-9 - _ . :\nleave it at wafpass: unless two fleets share a database"
    )]
    Prefix {
        /// The prefix given.
        prefix: String,
    },
    /// A client name that Redis would not take.
    #[error(
        "the client name {name:?} is not 1 to {MAX_PREFIX_BYTES} of A-Z a-z 0-9 - _ . :\nname the origin, without spaces"
    )]
    ClientName {
        /// The name given.
        name: String,
    },
    /// A timeout out of bounds.
    #[error("a timeout of {ms} ms is out of bounds\nkeep it within {} to {} ms; 50 is the default", TIMEOUTS.start().as_millis(), TIMEOUTS.end().as_millis())]
    Timeout {
        /// The timeout asked for, in milliseconds.
        ms: u128,
    },
    /// A time between two checks out of bounds.
    #[error("{ms} ms between two checks are out of bounds\nkeep them within {} to {} ms: the fleet counts on that", CHECKS.start().as_millis(), CHECKS.end().as_millis())]
    Check {
        /// The time asked for, in milliseconds.
        ms: u128,
    },
    /// A time for the breaker out of bounds.
    #[error("a breaker that is open for {ms} ms at first is out of bounds\nkeep it within {} to {} ms", OPEN.start().as_millis(), OPEN.end().as_millis())]
    OpenFor {
        /// The time asked for, in milliseconds.
        ms: u128,
    },
    /// Built outside of a tokio runtime.
    #[error(
        "a replay store on Redis needs a tokio runtime\nbuild it inside of one, such as in #[tokio::main], or enter its handle first"
    )]
    NoRuntime,
    /// What every store checks.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// Why Redis did not answer, or was not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReplayRedisFault {
    /// No answer in time.
    Timeout,
    /// No connection, or it broke.
    Connection,
    /// The password or the user is wrong, or missing.
    Login,
    /// TLS failed: a certificate that is not trusted, or another name.
    Tls,
    /// The user may not run a command that is needed.
    Permission,
    /// The server is out of memory.
    Memory,
    /// The server reads its data from disk after a start.
    Loading,
    /// The server is a replica that takes no writes.
    ReadOnly,
    /// Part of the cluster is down, or a slot is moving.
    Cluster,
    /// The server may drop entries to make room.
    Evicting,
    /// The server does not say whether it may drop entries.
    EvictionUnknown,
    /// What the origins last agreed on is too old to count on.
    Stale,
    /// An answer that makes no sense here.
    Answer,
    /// Another error of the server.
    Server,
    /// The runtime that the store was built in is gone.
    Stopped,
}

impl ReplayRedisFault {
    /// A short stable name, for logs and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Connection => "connection",
            Self::Login => "login",
            Self::Tls => "tls",
            Self::Permission => "permission",
            Self::Memory => "memory",
            Self::Loading => "loading",
            Self::ReadOnly => "read-only",
            Self::Cluster => "cluster",
            Self::Evicting => "evicting",
            Self::EvictionUnknown => "eviction-unknown",
            Self::Stale => "stale",
            Self::Answer => "answer",
            Self::Server => "server",
            Self::Stopped => "stopped",
        }
    }

    /// What to do, for the log.
    pub(super) const fn way_out(self) -> &'static str {
        match self {
            Self::Timeout => {
                "look at the load of Redis and at the network; the timeout can be raised"
            }
            Self::Connection => "start Redis, or mend host, port and firewall",
            Self::Login => "mend user and password",
            Self::Tls => {
                "trust the server's certificate authority, and use the name in its certificate"
            }
            Self::Permission => "grant what docs/fleet.md lists",
            Self::Memory => "give Redis more memory, or lower max_age",
            Self::Loading => "wait until Redis has loaded its data",
            Self::ReadOnly => "connect to the primary",
            Self::Cluster => "look at CLUSTER INFO",
            Self::Evicting => "set maxmemory-policy to noeviction: what is evicted can be replayed",
            Self::EvictionUnknown => {
                "allow INFO, or set maxmemory-policy to noeviction and say so by Eviction::AssertNoEviction"
            }
            Self::Stale => "look at the load of this process",
            Self::Answer | Self::Server => "look at the log of Redis",
            Self::Stopped => "keep the runtime that the store was built in",
        }
    }

    /// Whether Redis is there, and must not be used: then nothing is decided without it.
    pub(super) const fn is_refusal(self) -> bool {
        matches!(self, Self::Evicting | Self::EvictionUnknown | Self::Memory | Self::Stopped)
    }

    pub(super) fn of(error: &RedisError) -> Self {
        let code = error.code().unwrap_or_default();
        if code == "OOM" || error.detail().is_some_and(|detail| detail.contains("-OOM ")) {
            return Self::Memory;
        }
        match error.kind() {
            ErrorKind::AuthenticationFailed => Self::Login,
            ErrorKind::Server(kind) => match kind {
                ServerErrorKind::BusyLoading => Self::Loading,
                ServerErrorKind::ReadOnly => Self::ReadOnly,
                ServerErrorKind::NoPerm => Self::Permission,
                ServerErrorKind::Moved
                | ServerErrorKind::Ask
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::CrossSlot
                | ServerErrorKind::MasterDown => Self::Cluster,
                _ => Self::Server,
            },
            ErrorKind::Extension if matches!(code, "NOAUTH" | "WRONGPASS") => Self::Login,
            ErrorKind::Extension => Self::Server,
            ErrorKind::ClusterConnectionNotFound => Self::Connection,
            ErrorKind::Parse | ErrorKind::UnexpectedReturnType => Self::Answer,
            _ if error.is_timeout() => Self::Timeout,
            _ if is_tls(error) => Self::Tls,
            _ => Self::Connection,
        }
    }
}

/// Whether TLS is what failed: the library wraps the error twice.
fn is_tls(error: &RedisError) -> bool {
    let wrapped = error.source().and_then(|error| error.downcast_ref::<Arc<Wrapped>>());
    let Some(error) = wrapped.map(|error| &**error) else {
        return false;
    };
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.is::<rustls::Error>() || inner.is_some_and(|inner| inner.is::<rustls::Error>())
}

type Wrapped = dyn Error + Send + Sync;
