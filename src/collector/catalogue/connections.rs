//! The open catalogue: one connection that writes, one that reads, one that looks out for changes.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use zeroize::Zeroizing;

use super::known::Known;
use super::schema::{self, Access};
use super::{ActiveKeys, CatalogueError, RegisteredKeys, TenantSettings};
use crate::clock::Clock;
use crate::collector::TenantId;
use crate::collector::limits::CATALOGUE_REFRESH_MS;
use crate::collector::store::StoreError;

/// The catalogue of a data folder. Its methods block, for microseconds where they read from memory and for
/// a sync of the disk where they write.
pub struct Catalogue {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    event_key: EventKey,
    writer: Mutex<Connection>,
    reader: Mutex<Connection>,
    watch: Mutex<Watch>,
    looked_ms: AtomicU64,
    known: ArcSwap<Known>,
    /// When tokens were used, by id; written now and then.
    pub(super) used: Mutex<BTreeMap<String, i64>>,
}

/// What sees the changes of other processes.
struct Watch {
    connection: Connection,
    data_version: Option<i64>,
}

/// The secret of the keyed hashes of events and bodies: made with the catalogue, and as old. Wiped from
/// memory on drop.
#[expect(missing_debug_implementations, reason = "so that it reaches no log")]
pub struct EventKey(Zeroizing<[u8; 32]>);

impl EventKey {
    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Whether a change is one of those that are kept in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Batches, quarantine, last uses.
    Silent,
    /// Tenants, settings, tokens, keys: every process reads them again.
    Known,
}

/// What can go wrong in a transaction.
pub(super) enum Trouble {
    Sql(rusqlite::Error),
    Told(CatalogueError),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<CatalogueError> for Trouble {
    fn from(error: CatalogueError) -> Self {
        Self::Told(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Told(error.into())
    }
}

impl Catalogue {
    /// Opens the catalogue of a data folder; makes both where they are not there.
    ///
    /// # Errors
    ///
    /// [`StoreError::Newer`] for a file of a later version, [`StoreError::Damaged`] for one that is no
    /// catalogue or is damaged, [`StoreError::Failed`] where it cannot be used or is open to others.
    pub fn open(dir: &Path, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let path = dir.join(schema::FILE_NAME);
        schema::make_private(dir, &path)?;
        let now_ms = i64::try_from(clock.now_ms()).unwrap_or(i64::MAX);
        let mut writer = schema::connect(&path, Access::Write)?;
        schema::migrate(&path, &mut writer, now_ms)?;
        let reader = schema::connect(&path, Access::Read)?;
        let watch = Watch { connection: schema::connect(&path, Access::Read)?, data_version: None };
        let mut key = Zeroizing::new([0; 32]);
        let read = reader.query_row("SELECT event_key FROM book", [], |row| {
            *key = row.get(0)?;
            Ok(())
        });
        read.map_err(|error| schema::fault(&path, error))?;
        let catalogue = Self {
            path,
            clock,
            event_key: EventKey(key),
            writer: Mutex::new(writer),
            reader: Mutex::new(reader),
            watch: Mutex::new(watch),
            looked_ms: AtomicU64::new(0),
            known: ArcSwap::from_pointee(Known::default()),
            used: Mutex::default(),
        };
        catalogue.look()?;
        Ok(catalogue)
    }

    /// The secret of the keyed hashes of events and bodies.
    #[must_use]
    pub const fn event_key(&self) -> &EventKey {
        &self.event_key
    }

    /// What is set for a tenant.
    #[must_use]
    pub fn settings(&self, tenant: &TenantId) -> Arc<TenantSettings> {
        self.last_known()
            .tenants
            .get(tenant)
            .map_or_else(Arc::default, |one| Arc::clone(&one.settings))
    }

    /// The keys that a tenant's events may be sealed with.
    #[must_use]
    pub fn active_keys(&self, tenant: &TenantId) -> Arc<ActiveKeys> {
        self.last_known().tenants.get(tenant).map_or_else(Arc::default, |one| Arc::clone(&one.keys))
    }

    /// Every key of every tenant, to know a private key by.
    #[must_use]
    pub fn registered_keys(&self) -> Arc<RegisteredKeys> {
        Arc::clone(&self.last_known().registered)
    }

    /// The tenants whose credentials count.
    #[must_use]
    pub fn tenants(&self) -> Vec<TenantId> {
        self.last_known().tenants.keys().cloned().collect()
    }

    /// Whether a tenant's credentials count.
    #[must_use]
    pub fn has_tenant(&self, tenant: &TenantId) -> bool {
        self.last_known().tenants.contains_key(tenant)
    }

    /// The tenants whose events are to be deleted.
    #[must_use]
    pub fn closing_tenants(&self) -> Vec<TenantId> {
        self.last_known().closing.clone()
    }

    /// The collector's time, in milliseconds since 1970.
    pub(super) fn now_ms(&self) -> i64 {
        i64::try_from(self.clock.now_ms()).unwrap_or(i64::MAX)
    }

    /// What is in the file, as of a second ago at most.
    pub(super) fn known(&self) -> Result<Arc<Known>, StoreError> {
        let looked_ms = self.looked_ms.load(Ordering::Acquire);
        if self.clock.now_ms().abs_diff(looked_ms) >= CATALOGUE_REFRESH_MS {
            self.look()?;
        }
        Ok(self.known.load_full())
    }

    /// The same; where the file cannot be read, what was read last. Not for who may do what.
    fn last_known(&self) -> Arc<Known> {
        self.known().unwrap_or_else(|_| self.known.load_full())
    }

    /// Looks whether the file has changed, and reads it again if so.
    fn look(&self) -> Result<(), StoreError> {
        let fault = |error| schema::fault(&self.path, error);
        let mut watch = lock(&self.watch);
        let now_ms = self.clock.now_ms();
        let version = watch.connection.pragma_query_value(None, "data_version", |row| row.get(0));
        let version: i64 = version.map_err(fault)?;
        if watch.data_version != Some(version) {
            self.read_again(&watch.connection)?;
            watch.data_version = Some(version);
        }
        self.looked_ms.store(now_ms, Ordering::Release);
        Ok(())
    }

    /// Commits of batches change the file, too: the generation says whether anything here did.
    fn read_again(&self, connection: &Connection) -> Result<(), StoreError> {
        let fault = |error| schema::fault(&self.path, error);
        // One transaction: tenants, tokens and keys are of the same moment.
        let transaction = connection.unchecked_transaction().map_err(fault)?;
        let generation = transaction.query_row("SELECT generation FROM book", [], |row| row.get(0));
        if self.known.load().generation != Some(generation.map_err(fault)?) {
            self.known.store(Arc::new(Known::read(&transaction).map_err(fault)?));
        }
        transaction.finish().map_err(fault)
    }

    /// Runs `act` in a transaction that becomes durable, or leaves nothing.
    pub(super) fn write<T>(
        &self,
        change: Change,
        act: impl FnOnce(&Transaction<'_>) -> Result<T, Trouble>,
    ) -> Result<T, CatalogueError> {
        let answer = self.transact(change, act).map_err(|trouble| match trouble {
            Trouble::Sql(error) => schema::fault(&self.path, error).into(),
            Trouble::Told(error) => error,
        })?;
        if change == Change::Known {
            self.look()?;
        }
        Ok(answer)
    }

    fn transact<T>(
        &self,
        change: Change,
        act: impl FnOnce(&Transaction<'_>) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let mut writer = lock(&self.writer);
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let answer = act(&transaction)?;
        if change == Change::Known {
            transaction.execute("UPDATE book SET generation = generation + 1", [])?;
        }
        transaction.commit()?;
        Ok(answer)
    }

    /// Reads without waiting for a writer.
    pub(super) fn read<T>(
        &self,
        act: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        act(&lock(&self.reader)).map_err(|error| schema::fault(&self.path, error))
    }

    /// Empties the journal into the file, where what was deleted is overwritten.
    pub(super) fn checkpoint(&self) -> Result<(), StoreError> {
        let writer = lock(&self.writer);
        let done = writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        done.map_err(|error| schema::fault(&self.path, error))
    }
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalogue").field("path", &self.path).finish_non_exhaustive()
    }
}

/// A thread that panicked in a transaction has rolled it back: what it held is whole.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
