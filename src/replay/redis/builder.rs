//! Builds a [`ReplayRedis`].

use std::fmt;
use std::num::{NonZeroU32, NonZeroUsize};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use redis::cluster::ClusterClient;
use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, TlsCertificates};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::runtime::Handle;

use super::core::Core;
use super::error::ReplayRedisError;
use super::journal::Journal;
use super::keeper::Keeper;
use super::link::{CONNECT, Target};
use super::survey::Marks;
use super::{Eviction, MAX_CHECK, MAX_TIMEOUT, NewServer, OnFailure, ReplayRedis};
use crate::clock::{Clock, SystemClock};
use crate::replay::{Capacity, ReplayWindow, Retention};
use crate::time::UnixTime;

/// How long a request may wait for Redis. Less than a millisecond is no network; more than five
/// seconds is longer than a CDN waits before it tries again.
pub(super) const TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(1)..=MAX_TIMEOUT;
/// Time between two looks at the servers.
pub(super) const CHECKS: RangeInclusive<Duration> = Duration::from_millis(100)..=MAX_CHECK;
/// For how long the breaker is open at first.
pub(super) const OPEN: RangeInclusive<Duration> =
    Duration::from_millis(10)..=Duration::from_secs(30);
/// Longest prefix and client name.
pub(super) const MAX_PREFIX_BYTES: usize = 64;

const DEFAULT_TIMEOUT: Duration = Duration::from_millis(50);
const DEFAULT_OPEN: Duration = Duration::from_secs(1);
const DEFAULT_FAILURES: NonZeroU32 = NonZeroU32::MIN.saturating_add(4);

/// Builds a [`ReplayRedis`]. Everything has a default but where Redis is.
#[must_use = "nothing is connected before ReplayRedisBuilder::build"]
pub struct ReplayRedisBuilder {
    nodes: Vec<ConnectionInfo>,
    topology: Topology,
    ca: Option<Vec<u8>>,
    prefix: String,
    timeout: Duration,
    on_failure: OnFailure,
    failures_to_open: NonZeroU32,
    open_for: Duration,
    check_every: Duration,
    client_name: String,
    eviction: Eviction,
    new_server: NewServer,
    clock: Box<dyn Clock>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topology {
    Server,
    Cluster,
}

/// What requests go by.
pub(super) struct Settings {
    pub(super) clock: Box<dyn Clock>,
    pub(super) prefix: Box<str>,
    pub(super) timeout: Duration,
    pub(super) on_failure: OnFailure,
    pub(super) failures_to_open: NonZeroU32,
}

/// What the keeper goes by.
pub(super) struct KeeperSettings {
    pub(super) client_name: Box<str>,
    pub(super) eviction: Eviction,
    pub(super) new_server: NewServer,
    pub(super) check_every: Duration,
    pub(super) open_for: Duration,
}

impl ReplayRedisBuilder {
    pub(super) fn new<'a>(
        urls: impl IntoIterator<Item = &'a str>,
        topology: Topology,
    ) -> Result<Self, ReplayRedisError> {
        let nodes = urls.into_iter().map(node_at).collect::<Result<Vec<_>, _>>()?;
        if nodes.is_empty() {
            return Err(ReplayRedisError::Url { reason: "there is none" });
        }
        Ok(Self {
            nodes,
            topology,
            ca: None,
            prefix: "wafpass:".into(),
            timeout: DEFAULT_TIMEOUT,
            on_failure: OnFailure::default(),
            failures_to_open: DEFAULT_FAILURES,
            open_for: DEFAULT_OPEN,
            check_every: MAX_CHECK,
            client_name: "wafpass".into(),
            eviction: Eviction::default(),
            new_server: NewServer::default(),
            clock: Box::new(SystemClock),
        })
    }

    /// Trusts the certificate authorities in `pem`, and not those of the operating system. For
    /// `rediss://`.
    pub fn ca_pem(mut self, pem: &[u8]) -> Self {
        self.ca = Some(pem.to_vec());
        self
    }

    /// What all keys begin with (`wafpass:`). Fleets with keys in common need the same.
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long a request waits for Redis: 1 ms to 5 s, 50 ms unless set.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// What happens to a request that Redis does not answer for (it is refused, unless set).
    pub const fn on_failure(mut self, on_failure: OnFailure) -> Self {
        self.on_failure = on_failure;
        self
    }

    /// Unanswered requests in a row after which Redis is left alone (5), and for how long at first
    /// (one second): twice as long each time, up to 30 s, with a random part of up to a half less.
    pub const fn breaker(mut self, failures: NonZeroU32, open_for: Duration) -> Self {
        self.failures_to_open = failures;
        self.open_for = open_for;
        self
    }

    /// Time between two looks at the servers and at the fleet's record: 100 ms to 10 s, 10 s unless
    /// set.
    pub const fn check_every(mut self, time: Duration) -> Self {
        self.check_every = time;
        self
    }

    /// The name in `CLIENT LIST` (`wafpass`).
    pub fn client_name(mut self, name: &str) -> Self {
        self.client_name = name.into();
        self
    }

    /// How it is known that the server does not evict (it is asked, unless set).
    pub const fn eviction(mut self, eviction: Eviction) -> Self {
        self.eviction = eviction;
        self
    }

    /// What it means when another server answers than before (that entries are lost, unless set).
    pub const fn new_server(mut self, new_server: NewServer) -> Self {
        self.new_server = new_server;
        self
    }

    /// Reads the time of what is not a request from `clock` instead of the operating system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// The store. It connects in the background, on the tokio runtime that this is called in;
    /// requests that come before wait for it, within their timeout.
    ///
    /// `now` is when the local window begins, and `capacity` is that window's: room for the
    /// requests that this origin gets, whatever the others get.
    ///
    /// For TLS this installs *ring* as the process' cryptography for rustls, unless one is
    /// installed.
    ///
    /// # Errors
    ///
    /// [`ReplayRedisError`] for a setting out of bounds, and outside of a tokio runtime. Not when
    /// Redis is not there.
    pub fn build(
        self,
        retention: Retention,
        capacity: Capacity,
        now: UnixTime,
    ) -> Result<ReplayRedis, ReplayRedisError> {
        self.check()?;
        let handle = Handle::try_current().map_err(|_| ReplayRedisError::NoRuntime)?;
        let target = target(self.nodes, self.topology, self.ca)?;
        let window = ReplayWindow::new(retention, capacity, now)?;
        let marks = Marks::new(&self.prefix);
        let settings = Settings {
            clock: self.clock,
            prefix: self.prefix.into(),
            timeout: self.timeout,
            on_failure: self.on_failure,
            failures_to_open: self.failures_to_open,
        };
        let core = Arc::new(Core::new(window, now, Journal::new(capacity.total), settings));
        let settings = KeeperSettings {
            client_name: self.client_name.into(),
            eviction: self.eviction,
            new_server: self.new_server,
            check_every: self.check_every,
            open_for: self.open_for,
        };
        let keeper = Keeper { core: Arc::clone(&core), target, settings, marks };
        let keeper = handle.spawn(keeper.run()).abort_handle();
        Ok(ReplayRedis { core, handle, keeper })
    }

    fn check(&self) -> Result<(), ReplayRedisError> {
        if !is_name(&self.prefix) {
            Err(ReplayRedisError::Prefix { prefix: self.prefix.clone() })
        } else if !is_name(&self.client_name) {
            Err(ReplayRedisError::ClientName { name: self.client_name.clone() })
        } else if !TIMEOUTS.contains(&self.timeout) {
            Err(ReplayRedisError::Timeout { ms: self.timeout.as_millis() })
        } else if !CHECKS.contains(&self.check_every) {
            Err(ReplayRedisError::Check { ms: self.check_every.as_millis() })
        } else if !OPEN.contains(&self.open_for) {
            Err(ReplayRedisError::OpenFor { ms: self.open_for.as_millis() })
        } else {
            Ok(())
        }
    }
}

impl fmt::Debug for ReplayRedisBuilder {
    /// No URLs: they have passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayRedisBuilder")
            .field("topology", &self.topology)
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .field("on_failure", &self.on_failure)
            .finish_non_exhaustive()
    }
}

/// Without braces: what stands in braces decides on a key's slot in a cluster.
fn is_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    (1..=MAX_PREFIX_BYTES).contains(&text.len()) && text.bytes().all(is_part)
}

fn node_at(url: &str) -> Result<ConnectionInfo, ReplayRedisError> {
    let refuse = |reason| Err(ReplayRedisError::Url { reason });
    let Ok(node) = url.into_connection_info() else {
        return refuse("it is not one that Redis clients know");
    };
    match node.addr() {
        ConnectionAddr::TcpTls { insecure: true, .. } => refuse("#insecure is not offered"),
        addr if !addr.is_supported() => refuse("this system does not offer what it asks for"),
        _ => {
            // The library's name and version would need one more permission.
            let settings = node.redis_settings().clone().set_skip_set_lib_name();
            Ok(node.set_redis_settings(settings))
        }
    }
}

fn target(
    nodes: Vec<ConnectionInfo>,
    topology: Topology,
    ca: Option<Vec<u8>>,
) -> Result<Target, ReplayRedisError> {
    let is_tls = |node: &ConnectionInfo| matches!(node.addr(), ConnectionAddr::TcpTls { .. });
    if nodes.iter().any(is_tls) {
        // Else the TLS library would choose one by what happens to be compiled in, or panic. An
        // error says that one was installed before.
        drop(rustls::crypto::ring::default_provider().install_default());
    }
    let has_certificates = |pem: &[u8]| {
        let mut certificates = CertificateDer::pem_slice_iter(pem).peekable();
        certificates.peek().is_some() && certificates.all(|certificate| certificate.is_ok())
    };
    if ca.as_deref().is_some_and(|pem| !has_certificates(pem) || !nodes.iter().all(is_tls)) {
        return Err(ReplayRedisError::Ca);
    }
    let certificates = ca.map(|pem| TlsCertificates { client_tls: None, root_cert: Some(pem) });
    let unusable =
        |_| ReplayRedisError::Url { reason: "the nodes do not go together, or the CA is unusable" };
    Ok(match topology {
        Topology::Cluster => {
            let builder = ClusterClient::builder(nodes)
                .retries(0) // see link
                .connection_timeout(CONNECT)
                .response_timeout(MAX_CHECK)
                .overall_response_timeout(None)
                .max_connection_attempts(NonZeroUsize::MIN);
            let builder = match certificates {
                Some(certificates) => builder.certs(certificates),
                None => builder,
            };
            Target::Cluster(Box::new(builder.build().map_err(unusable)?))
        }
        Topology::Server => {
            let Some(node) = nodes.into_iter().next() else {
                return Err(ReplayRedisError::Url { reason: "there is none" });
            };
            let client = match certificates {
                Some(certificates) => Client::build_with_tls(node, certificates),
                None => Client::open(node),
            };
            Target::Server(Box::new(client.map_err(unusable)?))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETENTION: Retention = Retention { max_age_s: 60, skew_s: 5 };
    const NOW: UnixTime = UnixTime::from_secs(1_795_307_400);
    const URL: &str = "redis://user:hunter2@127.0.0.1:1/";

    fn build(builder: ReplayRedisBuilder) -> ReplayRedisError {
        builder.build(RETENTION, Capacity::default(), NOW).unwrap_err()
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_repeating_it() {
        for url in [
            "",
            "hunter2",
            "http://user:hunter2@127.0.0.1/",
            "redis://user:hunter2@",
            "redis://user:hunter2@127.0.0.1/x",
            "rediss://user:hunter2@127.0.0.1/#insecure",
            "rediss://user:hunter2@127.0.0.1/#other",
        ] {
            let error = ReplayRedis::builder(url).unwrap_err();
            assert!(matches!(error, ReplayRedisError::Url { .. }), "{url}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
        assert!(ReplayRedis::cluster([]).is_err());
    }

    #[test]
    fn settings_have_bounds() {
        let builder = || ReplayRedis::builder(URL).unwrap();
        let ms = Duration::from_millis;
        assert!(matches!(build(builder().timeout(ms(0))), ReplayRedisError::Timeout { ms: 0 }));
        assert!(matches!(build(builder().timeout(ms(5_001))), ReplayRedisError::Timeout { .. }));
        assert!(matches!(build(builder().check_every(ms(99))), ReplayRedisError::Check { .. }));
        assert!(matches!(build(builder().check_every(ms(10_001))), ReplayRedisError::Check { .. }));
        let breaker = builder().breaker(NonZeroU32::MIN, ms(9));
        assert!(matches!(build(breaker), ReplayRedisError::OpenFor { ms: 9 }));
        for prefix in ["", "a b", "{a}", &"a".repeat(65)] {
            assert!(matches!(build(builder().prefix(prefix)), ReplayRedisError::Prefix { .. }));
            let named = builder().client_name(prefix);
            assert!(matches!(build(named), ReplayRedisError::ClientName { .. }));
        }
        assert_eq!(build(builder()), ReplayRedisError::NoRuntime);
        assert!(!format!("{:?}", builder()).contains("hunter2"));
    }

    #[test]
    fn a_certificate_authority_is_read_at_once() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _entered = runtime.enter();
        for pem in ["", "x", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
            let builder = ReplayRedis::builder("rediss://127.0.0.1:1/").unwrap();
            assert_eq!(build(builder.ca_pem(pem.as_bytes())), ReplayRedisError::Ca, "{pem:?}");
        }
    }

    #[test]
    fn errors_are_two_lines() {
        for error in [
            ReplayRedisError::Timeout { ms: 0 },
            ReplayRedisError::Check { ms: 0 },
            ReplayRedisError::OpenFor { ms: 0 },
            ReplayRedisError::NoRuntime,
            ReplayRedisError::Ca,
        ] {
            assert_eq!(error.to_string().lines().count(), 2, "{error}");
        }
    }
}
