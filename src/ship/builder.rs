//! Builds a [`Shipper`].

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Url;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

use super::collector::{Collector, Token};
use super::error::Bounds;
use super::limits::{
    DEFAULT_BATCH_AGE, DEFAULT_BATCH_BYTES, DEFAULT_BATCH_EVENTS, DEFAULT_FIRST_PAUSE,
    DEFAULT_LONGEST_PAUSE, DEFAULT_QUEUE_EVENTS, DEFAULT_SPOOL_BYTES, DEFAULT_TIMEOUT,
};
use super::spool::Spool;
use super::stats::{Counters, SetAside};
use super::worker::{Settings, Worker};
use super::{BearerToken, ShipError, Shipper};

/// Builds a [`Shipper`]. Everything has a default but where the collector is.
#[must_use = "nothing is sent before ShipperBuilder::build"]
pub struct ShipperBuilder {
    url: Url,
    transport: Transport,
    token: Option<BearerToken>,
    ca: Option<Vec<u8>>,
    timeout: Duration,
    queue_events: usize,
    spool: Option<PathBuf>,
    spool_bytes: u64,
    settings: Settings,
}

/// What events may go over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    /// TLS, or no network.
    Private,
    Any,
}

impl ShipperBuilder {
    pub(super) fn new(url: &str) -> Result<Self, ShipError> {
        let refuse = |reason| Err(ShipError::Url { reason });
        let Ok(url) = Url::parse(url) else { return refuse("it is none") };
        if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
            return refuse("it is neither https nor http");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("it holds a user name or a password");
        }
        if url.fragment().is_some() {
            return refuse("it has a fragment, which no request carries");
        }
        Ok(Self {
            url,
            transport: Transport::Private,
            token: None,
            ca: None,
            timeout: DEFAULT_TIMEOUT,
            queue_events: DEFAULT_QUEUE_EVENTS,
            spool: None,
            spool_bytes: DEFAULT_SPOOL_BYTES,
            settings: Settings {
                batch_events: DEFAULT_BATCH_EVENTS,
                batch_bytes: DEFAULT_BATCH_BYTES,
                batch_age: DEFAULT_BATCH_AGE,
                first_pause: DEFAULT_FIRST_PAUSE,
                longest_pause: DEFAULT_LONGEST_PAUSE,
            },
        })
    }

    /// The token of `authorization: Bearer …` (none is sent, unless set).
    pub fn bearer(mut self, token: BearerToken) -> Self {
        self.token = Some(token);
        self
    }

    /// Keeps events in `folder` while the collector is away (they wait in memory only, unless set). It
    /// is made, with mode 0700, and belongs to one process.
    pub fn spool(mut self, folder: impl Into<PathBuf>) -> Self {
        self.spool = Some(folder.into());
        self
    }

    /// Bytes that the spool folder may hold: 256 MiB unless set, as many as a batch at least.
    pub const fn spool_bytes(mut self, bytes: u64) -> Self {
        self.spool_bytes = bytes;
        self
    }

    /// Trusts the certificate authorities in `pem`, and not those of the operating system.
    pub fn ca_pem(mut self, pem: &[u8]) -> Self {
        self.ca = Some(pem.to_vec());
        self
    }

    /// Sends over http as well, where everybody on the way reads the token and the events' metadata. For
    /// a network that is encrypted itself, such as a service mesh. On loopback http is let in without this.
    pub const fn with_insecure_http(mut self) -> Self {
        self.transport = Transport::Any;
        self
    }

    /// When a batch goes: at so many events (500), at so many bytes (1 MB, before packing), or so long
    /// after its first event (1 s).
    pub const fn batches(mut self, events: u32, bytes: usize, age: Duration) -> Self {
        self.settings.batch_events = events;
        self.settings.batch_bytes = bytes;
        self.settings.batch_age = age;
        self
    }

    /// Events that may wait to be put into a batch: 8,192 unless set. More are lost, and counted.
    pub const fn queue(mut self, events: usize) -> Self {
        self.queue_events = events;
        self
    }

    /// How long the collector may take to answer: 10 ms to 5 min, 30 s unless set.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The first pause after a failed attempt (500 ms) and the longest (60 s). Each is twice the one
    /// before, and a random part of it is waited.
    pub const fn pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.settings.first_pause = first;
        self.settings.longest_pause = longest;
        self
    }

    /// The shipper. It works on the tokio runtime that this is called in, and takes up what a former run
    /// left in the spool. This reads the spool's folder, once.
    ///
    /// For TLS this installs *ring* as the process' cryptography for rustls, unless one is installed.
    ///
    /// # Errors
    ///
    /// [`ShipError`] for a setting that cannot be used, and outside of a tokio runtime. Not when the
    /// collector is not there.
    pub fn build(self) -> Result<Shipper, ShipError> {
        self.check()?;
        let runtime = Handle::try_current().map_err(|_| ShipError::NoRuntime)?;
        let token = Arc::new(Token::new(self.token.map(Arc::new)));
        let collector =
            Collector::new(self.url, Arc::clone(&token), self.ca.as_deref(), self.timeout)?;
        let counters = Arc::<Counters>::default();
        let spool = self.spool.as_deref();
        let spool = spool.map(|folder| open(folder, self.spool_bytes, &counters)).transpose()?;

        let (queue, lines) = mpsc::channel(self.queue_events);
        let (closing, closed) = watch::channel(None);
        let (done, is_done) = watch::channel(());
        let worker = Worker::new(self.settings, lines, closed, collector, spool, &counters);
        runtime.spawn(async move {
            worker.run().await;
            drop(done);
        });
        Ok(Shipper::new(queue, closing, is_done, counters, token))
    }

    fn check(&self) -> Result<(), ShipError> {
        if self.url.scheme() != "https"
            && self.transport == Transport::Private
            && !is_loopback(&self.url)
        {
            return Err(ShipError::Insecure);
        }
        let settings = &self.settings;
        Bounds::batch_events(settings.batch_events)?;
        Bounds::batch_bytes(settings.batch_bytes)?;
        Bounds::batch_age(settings.batch_age)?;
        Bounds::queue(self.queue_events)?;
        Bounds::timeout(self.timeout)?;
        Bounds::pauses(settings.first_pause, settings.longest_pause)?;
        Bounds::spool(self.spool_bytes, settings.batch_bytes)
    }
}

impl fmt::Debug for ShipperBuilder {
    /// No URL: its query may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShipperBuilder")
            .field("host", &self.url.host_str())
            .field("transport", &self.transport)
            .field("spool", &self.spool)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

fn open(
    folder: &Path,
    most_bytes: u64,
    counters: &Counters,
) -> Result<Arc<Mutex<Spool>>, ShipError> {
    let (spool, cut) = Spool::open(folder, most_bytes).map_err(|error| ShipError::spool(&error))?;
    for events in cut {
        counters.set_aside(SetAside::Corrupt, events);
        tracing::warn!(target: "wafpass::ship", events, "a spooled batch was cut while it was written; it is in the folder corrupt");
    }
    let events = spool.events();
    if events > 0 {
        tracing::info!(target: "wafpass::ship", events, "events of a former run wait in the spool");
    }
    counters.show_spool(events, spool.bytes(), most_bytes);
    Ok(Arc::new(Mutex::new(spool)))
}

/// Whether what is sent there stays on this machine.
fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> ShipError {
        Shipper::builder(url).and_then(ShipperBuilder::build).unwrap_err()
    }

    #[test]
    fn a_url_that_cannot_be_used_is_refused_without_repeating_it() {
        for url in [
            "",
            "hunter2",
            "ftp://hunter2.example/",
            "https:///hunter2",
            "https://user:hunter2@collector.example/",
            "https://hunter2@collector.example/",
            "https://collector.example/#hunter2",
            "unix:/hunter2",
        ] {
            let error = refused(url);
            // A URL parser may read `https:///hunter2` as a host.
            assert!(
                matches!(error, ShipError::Url { .. } | ShipError::NoRuntime),
                "{url}: {error:?}"
            );
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
        let builder = Shipper::builder("https://collector.example/v1?key=hunter2").unwrap();
        assert!(!format!("{builder:?}").contains("hunter2"));
    }

    #[test]
    fn http_is_for_loopback() {
        for url in
            ["http://127.0.0.1:1/", "http://[::1]:1/", "http://localhost/", "https://a.example/"]
        {
            assert_eq!(refused(url), ShipError::NoRuntime, "{url}");
        }
        for url in
            ["http://a.example/", "http://10.0.0.1/", "http://localhost.example/", "http://[::2]/"]
        {
            assert_eq!(refused(url), ShipError::Insecure, "{url}");
            let builder = Shipper::builder(url).unwrap().with_insecure_http();
            assert_eq!(builder.build().unwrap_err(), ShipError::NoRuntime);
        }
    }

    #[test]
    fn settings_have_bounds() {
        let builder = || Shipper::builder("https://collector.example/").unwrap();
        let (second, none) = (Duration::from_secs(1), Duration::ZERO);
        for (builder, what) in [
            (builder().batches(0, 65_536, second), "a batch's number of events of 0"),
            (builder().batches(10_001, 65_536, second), "a batch's number of events of 10001"),
            (builder().batches(1, 65_535, second), "a batch's number of bytes of 65535"),
            (builder().batches(1, 8_388_609, second), "a batch's number of bytes of 8388609"),
            (builder().batches(1, 65_536, none), "a batch's age in ms of 0"),
            (builder().queue(0), "a queue's number of events of 0"),
            (builder().timeout(none), "a timeout in ms of 0"),
            (builder().pauses(none, second), "a first pause in ms of 0"),
            (builder().pauses(second, none), "a longest pause in ms of 0"),
            (builder().spool_bytes(999_999), "a spool's number of bytes of 999999"),
            (
                builder().batches(1, 65_536, second).spool_bytes(65_535),
                "a spool's number of bytes of 65535",
            ),
        ] {
            let text = builder.build().unwrap_err().to_string();
            assert!(text.starts_with(what) && text.lines().count() == 2, "{text}");
        }
    }

    #[test]
    fn errors_are_two_lines() {
        for error in [
            ShipError::Url { reason: "x" },
            ShipError::Insecure,
            ShipError::Token,
            ShipError::Ca,
            ShipError::Tls,
            ShipError::NoRuntime,
            ShipError::spool(&std::io::Error::other("x")),
        ] {
            assert_eq!(error.to_string().lines().count(), 2, "{error}");
        }
    }
}
