//! Sealed events go to a collector over HTTP; what it cannot take for now waits on the disk.
//!
//! - **What arrives**: each event that [`Shipper::ship`] took, in batches of NDJSON, in order, at least
//!   once. A batch that is sent again carries the same `idempotency-key`, also after a restart, so that
//!   a collector which remembers keys stores it once.
//! - **What a request pays**: one attempt to put the event in a queue. It never waits for the collector,
//!   the disk or another request.
//! - **What is lost**: nothing in silence. Queue and spool have bounds, and each event beyond them is
//!   counted by its [`DropReason`], in [`ShipperStats`], in the metrics and, every ten seconds at most,
//!   in a warning. Without a [spool](ShipperBuilder::spool), what waits in memory goes with the process.
//! - **What a stranger on the way sees**: nothing, over https. Redirects are not followed and proxies of
//!   the environment not used, so the token goes to the collector alone. The disk holds what was given:
//!   events whose matched data are sealed, in files that only this user reads.
//!
//! ```no_run
//! use std::time::Duration;
//! use wafpass::ship::{BearerToken, Shipper};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let token = BearerToken::new(&std::fs::read_to_string("/run/secrets/collector-token")?)?;
//! let shipper = Shipper::builder("https://collector.example/v1/events")?
//!     .bearer(token)
//!     .spool("/var/lib/shop/spool")
//!     .build()?;
//!
//! shipper.ship(r#"{"RayID":"7d0f3c1b2a9e4c55"}"#)?; // where an event happens
//!
//! let stats = shipper.shutdown(Duration::from_secs(5)).await; // before the process ends
//! println!("{} sent, {} on the disk, {} lost", stats.sent, stats.spooled, stats.dropped);
//! # Ok(())
//! # }
//! ```
//!
//! # What the collector gets
//!
//! `POST` with `content-type: application/x-ndjson`, `content-encoding: gzip`, `authorization: Bearer …` and
//! `idempotency-key`. 2xx accepts the batch. 401 (until the token is [replaced](Shipper::replace_token)), 408,
//! 425, 429, 5xx, redirects and silence mean later: the next attempt comes after a random part of a pause that doubles up to a minute, and not before a
//! `Retry-After` of up to five minutes. Any other 4xx refuses the batch for good: it moves to the folder
//! `refused` of the spool.

mod answer;
mod batch;
mod builder;
mod collector;
mod error;
pub mod limits;
mod spool;
mod stats;
mod token;
mod worker;

pub use self::builder::ShipperBuilder;
pub use self::error::ShipError;
pub use self::stats::{DropReason, ShipperStats};
pub use self::token::BearerToken;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio::time;

use self::collector::Token;
use self::limits::{ABANDONED, LONGEST_SHUTDOWN, MAX_EVENT_BYTES, MAX_QUEUE_BYTES};
use self::stats::Counters;
use self::worker::Closing;
use crate::clock;

/// Sends events to a collector in the background. Clones share one queue. See the [module](self).
///
/// When the last one is dropped without a [shutdown](Self::shutdown), what waits gets five seconds, as
/// long as the runtime lives.
#[derive(Clone)]
pub struct Shipper(Arc<Inner>);

struct Inner {
    queue: mpsc::Sender<Bytes>,
    closing: watch::Sender<Closing>,
    /// Closed once the worker has ended.
    done: watch::Receiver<()>,
    counters: Arc<Counters>,
    token: Arc<Token>,
}

impl Shipper {
    /// A shipper to the collector at `url`, which takes `POST`.
    ///
    /// # Errors
    ///
    /// [`ShipError::Url`] when it is not https, or http to loopback (see
    /// [`with_insecure_http`](ShipperBuilder::with_insecure_http)), or holds a password.
    pub fn builder(url: &str) -> Result<ShipperBuilder, ShipError> {
        ShipperBuilder::new(url)
    }

    fn new(
        queue: mpsc::Sender<Bytes>,
        closing: watch::Sender<Closing>,
        done: watch::Receiver<()>,
        counters: Arc<Counters>,
        token: Arc<Token>,
    ) -> Self {
        Self(Arc::new(Inner { queue, closing, done, counters, token }))
    }

    /// Hands an event over: one JSON object on one line, sealed where it has to be. Never waits.
    ///
    /// # Errors
    ///
    /// Why it is lost. It was counted; there is nothing left to do.
    pub fn ship(&self, event: impl Into<Bytes>) -> Result<(), DropReason> {
        let shipped = self.try_ship(event.into());
        match shipped {
            Ok(()) => self.0.counters.taken(),
            Err(reason) => self.0.counters.dropped(reason, 1),
        }
        shipped
    }

    fn try_ship(&self, event: Bytes) -> Result<(), DropReason> {
        let Inner { queue, counters, .. } = &*self.0;
        let line =
            event.strip_suffix(b"\n").map_or_else(|| event.clone(), |line| event.slice_ref(line));
        let is_object = line.starts_with(b"{") && line.ends_with(b"}");
        if !is_object || line.len() > MAX_EVENT_BYTES || line.contains(&b'\n') {
            return Err(DropReason::Malformed);
        }
        let bytes = line.len();
        if !counters.reserve(bytes, MAX_QUEUE_BYTES) {
            return Err(DropReason::QueueFull);
        }
        queue.try_send(line).map_err(|error| {
            counters.release(bytes);
            match error {
                TrySendError::Full(_) => DropReason::QueueFull,
                TrySendError::Closed(_) => DropReason::Closed,
            }
        })
    }

    /// Sends with `token` from the next attempt on.
    pub fn replace_token(&self, token: BearerToken) {
        self.0.token.store(Some(Arc::new(token)));
    }

    /// What became of the events so far.
    #[must_use]
    pub fn stats(&self) -> ShipperStats {
        let Inner { queue, counters, .. } = &*self.0;
        let queued = queue.max_capacity().saturating_sub(queue.capacity());
        counters.stats(u64::try_from(queued).unwrap_or(u64::MAX))
    }

    /// How many events were lost for one reason.
    #[must_use]
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.0.counters.dropped_for(reason)
    }

    /// Ends the shipper in order: takes no more events, sends what is in memory within the time given,
    /// and writes the rest to the spool; without one it is lost, and counted. What was in the spool
    /// before stays there for the next start.
    ///
    /// Returns once that is done, five seconds after the time given at the latest: then the disk hangs, and
    /// what is still waiting goes with the process.
    pub async fn shutdown(&self, within: Duration) -> ShipperStats {
        let Inner { closing, done, counters, .. } = &*self.0;
        let deadline = clock::monotonic() + within.min(LONGEST_SHUTDOWN);
        closing.send_if_modified(|present| {
            let is_first = present.is_none();
            present.get_or_insert(deadline);
            is_first
        });
        let mut done = done.clone();
        // An error says that the sender has gone: the worker has ended.
        if time::timeout(within.saturating_add(ABANDONED), done.changed()).await.is_err() {
            tracing::error!(target: "wafpass::ship", "the disk of the spool does not answer; what is in memory is lost");
            return self.stats();
        }
        counters.stats(0)
    }
}

impl fmt::Debug for Shipper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shipper").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
