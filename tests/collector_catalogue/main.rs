//! The catalogue: tokens, tenants, batches, quarantine, what another process changes, backups.
#![allow(missing_docs, reason = "tests are no API")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is the report"
)]

mod backups;
mod batches;
mod files;
mod stores;
#[path = "../support/collector/mod.rs"]
#[macro_use]
mod support;
mod tenants;
mod tokens;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::TempDir;
use wafpass::UnixTime;
use wafpass::clock::Clock;
use wafpass::collector::TenantId;
use wafpass::collector::catalogue::{
    Catalogue, NewToken, Scope, Scopes, TenantSettings, TokenRequest,
};

/// 2026-11-22T00:00:00Z.
pub(crate) const MIDNIGHT_MS: u64 = 1_795_305_600_000;
pub(crate) const HOUR_MS: u64 = 3_600_000;
pub(crate) const DAY_MS: u64 = 24 * HOUR_MS;

/// A clock that stands until it is moved.
#[derive(Debug)]
pub(crate) struct Hands(AtomicU64);

impl Hands {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(MIDNIGHT_MS)))
    }

    pub(crate) fn forward(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    pub(crate) fn back(&self, ms: u64) {
        self.0.fetch_sub(ms, Ordering::SeqCst);
    }
}

impl Clock for Hands {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(i64::try_from(self.now_ms() / 1_000).unwrap())
    }

    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// A data folder with its clock.
pub(crate) struct Place {
    pub(crate) dir: TempDir,
    pub(crate) clock: Arc<Hands>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { dir: TempDir::new().unwrap(), clock: Hands::new() }
    }

    pub(crate) fn data(&self) -> std::path::PathBuf {
        self.dir.path().join("data")
    }

    /// The catalogue as a process opens it.
    pub(crate) fn open(&self) -> Catalogue {
        open(&self.data(), &self.clock)
    }

    /// The same, with the tenants `acme` and `globex`.
    pub(crate) fn with_tenants(&self) -> Catalogue {
        let catalogue = self.open();
        for tenant in [acme(), globex()] {
            catalogue.add_tenant(&tenant, &TenantSettings::default()).unwrap();
        }
        catalogue
    }
}

pub(crate) fn open(data: &Path, clock: &Arc<Hands>) -> Catalogue {
    let clock: Arc<dyn Clock> = clock.clone();
    Catalogue::open(data, clock).unwrap()
}

pub(crate) fn acme() -> TenantId {
    TenantId::new("acme").unwrap()
}

pub(crate) fn globex() -> TenantId {
    TenantId::new("globex").unwrap()
}

pub(crate) fn request(scopes: &[Scope]) -> TokenRequest {
    TokenRequest { name: "edge".to_owned(), scopes: Scopes::of(scopes), expires_ms: None }
}

pub(crate) fn token(catalogue: &Catalogue, tenant: &TenantId, scopes: &[Scope]) -> NewToken {
    catalogue.add_token(tenant, &request(scopes)).unwrap()
}
