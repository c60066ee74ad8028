//! What every handler has at hand.

use std::fmt;
use std::sync::Arc;

use axum::extract::FromRef;
use tokio_util::sync::CancellationToken;

use super::EventTime;
use super::api::Seats;
use super::catalogue::Catalogue;
use super::ingest::Reception;
use super::store::Store;
use crate::clock::Clock;

/// The parts of a running collector. Clones share them.
#[derive(Clone)]
#[non_exhaustive]
pub struct Collector {
    /// Where the events are.
    pub store: Arc<dyn Store>,
    /// Tenants, tokens, keys, batches, quarantine.
    pub catalogue: Arc<Catalogue>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What is being taken in, and how much more may be.
    pub reception: Arc<Reception>,
    /// Cancelled when the collector shuts down: live tails end, no new ones begin.
    pub stopping: CancellationToken,
    /// Answers that last, by tenant.
    pub(crate) seats: Seats,
}

impl Collector {
    /// A collector with the default limits.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, catalogue: Arc<Catalogue>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            catalogue,
            clock,
            reception: Arc::default(),
            stopping: CancellationToken::new(),
            seats: Seats::default(),
        }
    }

    /// The same, which takes in as this reception allows.
    #[must_use]
    pub fn with_reception(self, reception: Reception) -> Self {
        Self { reception: Arc::new(reception), ..self }
    }

    /// What time it is, as events tell it.
    #[must_use]
    pub fn now(&self) -> EventTime {
        EventTime::from_ms(i64::try_from(self.clock.now_ms()).unwrap_or(i64::MAX))
    }
}

impl FromRef<Collector> for Arc<Catalogue> {
    fn from_ref(collector: &Collector) -> Self {
        Arc::clone(&collector.catalogue)
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").field("store", &self.store).finish_non_exhaustive()
    }
}
