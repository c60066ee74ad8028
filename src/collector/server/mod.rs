//! The collector as a service: listening, limits on connections, upkeep, the end.
//!
//! - **What gets in**: HTTP/1.1, and with TLS HTTP/2 as well. Without TLS only this machine's own addresses
//!   are listened on, unless the configuration says `insecure_http`.
//! - **What a peer can hold**: one of `connections` places, for as long as it sends a head, asks, or takes
//!   its answer. Idle, silent, half-open and stalled connections end by time; each time is in
//!   `[collector.limits]` or in this module's own limits.
//! - **What the end does**: no connection is accepted, batches under way have `shutdown` seconds to end, the
//!   rest is dropped without an answer, and the store is closed. Nothing that was acknowledged is lost,
//!   however the process ends.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use wafpass::collector::Collector;
//! use wafpass::collector::catalogue::Catalogue;
//! use wafpass::collector::server::{FolderLock, Server};
//! use wafpass::collector::store::sqlite::SqliteStore;
//! use wafpass::config::CollectorConfig;
//! use wafpass::{clock::SystemClock, telemetry::Prometheus};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let config = CollectorConfig::load("wafpass.toml")?;
//! let folder = &config.settings().data;
//! let _lock = FolderLock::take(folder)?; // for as long as it runs
//! let clock = Arc::new(SystemClock);
//! let catalogue = Arc::new(Catalogue::open(folder, clock.clone())?);
//! let store = Arc::new(SqliteStore::open(folder, catalogue.clone())?);
//! let collector = Collector::new(store, catalogue, clock);
//! let server = Server::bind(&config, Prometheus::install()?)?;
//! server.run(collector, async { /* until this comes back */ }).await?;
//! # Ok(())
//! # }
//! ```

mod activity;
mod connection;
mod error;
mod files;
mod folder;
mod guard;
mod health;
mod layers;
mod limits;
mod listen;
mod space;
mod stall;
mod tls;
mod upkeep;

pub use self::error::ServeError;
pub use self::files::raise_file_limit;
pub use self::folder::FolderLock;
pub use self::upkeep::{Aging, round as upkeep};

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use tokio::net::TcpListener;
use tokio::time::timeout;

use self::connection::{End, Shared};
use self::guard::Guard;
use self::health::Health;
use self::limits::MAX_ADMIN_CONNECTIONS;
use self::space::Space;
use self::tls::Certificate;
use self::upkeep::Hangups;
use super::Collector;
use super::api;
use crate::config::{CollectorConfig, CollectorSettings};
use crate::telemetry::Prometheus;

/// A collector that listens. Nothing is answered until it [runs](Self::run).
pub struct Server {
    settings: CollectorSettings,
    prometheus: Prometheus,
    service: TcpListener,
    admin: TcpListener,
    certificate: Option<Arc<Certificate>>,
    guard: Option<Guard>,
    hangups: Hangups,
}

/// How a server ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ended {
    /// Connections, and streams of them, that were given up, since they took longer than `shutdown`.
    pub given_up: usize,
}

impl Server {
    /// Listens on both addresses, and reads certificate and keys. To be called in a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`ServeError`]: an address that is taken or would carry tokens in clear, a certificate or a key that
    /// cannot be used.
    pub fn bind(config: &CollectorConfig, prometheus: Prometheus) -> Result<Self, ServeError> {
        let settings = config.settings().clone();
        if let Some(address) = settings.exposed() {
            return Err(ServeError::Exposed { address });
        }
        Ok(Self {
            certificate: Certificate::load(config)?.map(Arc::new),
            guard: Guard::load(config, &prometheus)?,
            hangups: Hangups::listen()?,
            service: listen::bind(settings.listen)?,
            admin: listen::bind(settings.admin_listen)?,
            prometheus,
            settings,
        })
    }

    /// Where the service listens: the port, where 0 was asked for.
    ///
    /// # Errors
    ///
    /// [`io::Error`] of the operating system.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.service.local_addr()
    }

    /// Where monitoring listens.
    ///
    /// # Errors
    ///
    /// [`io::Error`] of the operating system.
    pub fn admin_address(&self) -> io::Result<SocketAddr> {
        self.admin.local_addr()
    }

    /// Serves until `shutdown` comes back, then ends what is under way and closes the store.
    ///
    /// # Errors
    ///
    /// [`ServeError::Store`] when the store does not close as it should.
    pub async fn run(
        self,
        collector: Collector,
        shutdown: impl Future<Output = ()>,
    ) -> Result<Ended, ServeError> {
        let Self { settings, prometheus, service, admin, certificate, guard, hangups } = self;
        let stopping = collector.stopping.clone();
        let space = Arc::new(Space::new(settings.data.clone(), settings.min_free_bytes));
        let health = Health {
            store: Arc::clone(&collector.store),
            space: Arc::clone(&space),
            stopping: stopping.clone(),
            perimeter: guard.as_ref().map(Guard::handle),
        };
        let end = End { stop: stopping.clone(), ..End::default() };
        let shared = Shared {
            router: routes(&collector, guard.as_ref(), &space, health.clone()),
            certificate: certificate.clone(),
            limits: settings.limits,
            end: end.clone(),
        };
        let watched = Shared {
            router: health::probes(health).merge(health::metrics(prometheus)),
            certificate: None,
            limits: settings.limits,
            end: End::default(), // it answers to the last
        };
        let admin_end = watched.end.clone();
        let connections = usize::try_from(settings.limits.connections).unwrap_or(usize::MAX);
        tokio::spawn(listen::accept(admin, MAX_ADMIN_CONNECTIONS, watched));
        tokio::spawn(space.watch(stopping.clone()));
        let upkeep = tokio::spawn(upkeep::run(collector.clone(), certificate, hangups));
        let accepting = tokio::spawn(listen::accept(service, connections, shared));

        shutdown.await;
        tracing::info!(under_way = end.tasks.len(), "shutting down");
        stopping.cancel();
        let _stopped = accepting.await;
        let ended = finish(&end, &settings).await;
        let _stopped = upkeep.await;
        let closed = collector.store.close().await;
        admin_end.stop.cancel();
        admin_end.abort.cancel();
        closed?;
        Ok(ended)
    }
}

/// Waits for what is under way, as long as it may take.
async fn finish(end: &End, settings: &CollectorSettings) -> Ended {
    end.tasks.close();
    if timeout(settings.shutdown(), end.tasks.wait()).await.is_ok() {
        return Ended::default();
    }
    let given_up = end.tasks.len();
    tracing::warn!(given_up, "connections are given up: they took too long");
    end.abort.cancel();
    end.tasks.wait().await;
    Ended { given_up }
}

/// All that the service answers.
fn routes(
    collector: &Collector,
    guard: Option<&Guard>,
    space: &Arc<Space>,
    health: Health,
) -> Router {
    let api = api::router(collector.clone(), |ingest| {
        let ingest = ingest.route_layer(from_fn_with_state(Arc::clone(space), space::guard));
        match guard {
            Some(guard) => guard.around(ingest),
            None => ingest,
        }
    });
    layers::around(api).merge(health::probes(health))
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("settings", &self.settings).finish_non_exhaustive()
    }
}
