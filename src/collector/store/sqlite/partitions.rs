//! Which partitions there are, and who is reading them.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use time::Date;
use tokio::sync::Notify;

use super::error;
use crate::collector::TenantId;
use crate::collector::store::StoreError;

/// The Julian day of 1970-01-01.
const EPOCH_JULIAN_DAY: i64 = 2_440_588;

/// Days of a tenant that every start looks at, to close those that ended while nobody was there.
const RECENT_DAYS: usize = 3;

/// All partitions of a store.
#[derive(Debug)]
pub(super) struct Partitions {
    root: PathBuf,
    known: Mutex<BTreeMap<TenantId, BTreeMap<i64, Arc<Partition>>>>,
}

/// One file: a tenant's day.
#[derive(Debug)]
pub(super) struct Partition {
    tenant: TenantId,
    day: i64,
    path: PathBuf,
    gate: Mutex<Gate>,
    released: Notify,
    /// The greatest batch that was written to it since the store was opened.
    written: AtomicU64,
    /// No batch beyond it was in its file when somebody looked.
    found: AtomicU64,
}

#[derive(Debug, Default)]
struct Gate {
    leases: usize,
    state: GateState,
}

#[derive(Debug, Default)]
enum GateState {
    #[default]
    Open,
    /// It could not be cleared of batches that were never committed: to read it could show them.
    Unrecovered(String),
    /// It is about to be unlinked.
    Going,
}

/// Somebody reads a partition: until this is dropped, its file stays.
#[derive(Debug)]
pub(super) struct Lease(Arc<Partition>);

impl std::ops::Deref for Lease {
    type Target = Partition;

    fn deref(&self) -> &Partition {
        &self.0
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let left = self.0.with_gate(|gate| {
            gate.leases = gate.leases.saturating_sub(1);
            gate.leases
        });
        if left == 0 {
            self.0.released.notify_waiters();
        }
    }
}

impl Partition {
    /// Whose events it holds.
    pub(super) const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Its day, in days since 1970.
    pub(super) const fn day(&self) -> i64 {
        self.day
    }

    /// Its file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Leave to read it; `None` when it is about to go.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`] while rows of batches that were never committed may be in it.
    pub(super) fn lease(self: &Arc<Self>) -> Result<Option<Lease>, StoreError> {
        self.with_gate(|gate| match &gate.state {
            GateState::Going => Ok(None),
            GateState::Unrecovered(reason) => Err(StoreError::Failed { reason: reason.clone() }),
            GateState::Open => {
                gate.leases = gate.leases.saturating_add(1);
                Ok(Some(Lease(Arc::clone(self))))
            }
        })
    }

    /// Lets nobody read it until it is [`recovered`](Self::set_recovered).
    pub(super) fn set_unrecovered(&self, error: &StoreError) {
        let reason = error.to_string().lines().next().unwrap_or_default().to_owned();
        self.with_gate(|gate| gate.state = GateState::Unrecovered(reason));
    }

    /// Lets it be read.
    pub(super) fn set_recovered(&self) {
        self.with_gate(|gate| {
            if matches!(gate.state, GateState::Unrecovered(_)) {
                gate.state = GateState::Open;
            }
        });
    }

    /// Whether it waits for its recovery.
    pub(super) fn is_unrecovered(&self) -> bool {
        self.with_gate(|gate| matches!(gate.state, GateState::Unrecovered(_)))
    }

    /// Whether it is about to go.
    pub(super) fn is_going(&self) -> bool {
        self.with_gate(|gate| matches!(gate.state, GateState::Going))
    }

    /// Lets nobody begin to read or write it any more.
    pub(super) fn set_going(&self) {
        self.with_gate(|gate| gate.state = GateState::Going);
    }

    /// Waits until nobody reads it. To be called when it is going.
    pub(super) async fn wait_for_readers(&self) {
        loop {
            let released = self.released.notified();
            if self.with_gate(|gate| gate.leases == 0) {
                return;
            }
            released.await;
        }
    }

    /// Notes that a batch is about to be written to it.
    pub(super) fn note_written(&self, batch: u64) {
        self.written.fetch_max(batch, Ordering::AcqRel);
    }

    /// Notes that no batch beyond this one is in its file.
    pub(super) fn note_found(&self, batch: u64) {
        self.found.fetch_min(batch, Ordering::AcqRel); // what came later was noted when it was written
    }

    /// Whether it surely has no batch from this one on: then it need not be opened for what is new.
    pub(super) fn is_older_than(&self, batch: u64) -> bool {
        let written = self.written.load(Ordering::Acquire);
        written.max(self.found.load(Ordering::Acquire)) < batch
    }

    /// The file that stands beside it while batches in it may be undecided, or an older day is still to be closed.
    pub(super) fn marker(&self) -> PathBuf {
        self.path.with_extension("unsettled")
    }

    fn with_gate<T>(&self, act: impl FnOnce(&mut Gate) -> T) -> T {
        act(&mut self.gate.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Partitions {
    /// Finds the partitions below a folder.
    pub(super) fn scan(root: &Path) -> Result<Self, StoreError> {
        let mut known = BTreeMap::new();
        for folder in entries(root)? {
            let name = folder.file_name().and_then(|name| name.to_str()).and_then(TenantId::new);
            if let Some(tenant) = name.filter(|_| folder.is_dir()) {
                let days = scan_tenant(&tenant, &folder)?;
                known.insert(tenant, days);
            }
        }
        Ok(Self { root: root.to_owned(), known: Mutex::new(known) })
    }

    /// Notes that no file holds a batch beyond this one: one that is damaged need not be opened to know it.
    pub(super) fn note_found(&self, batch: u64) {
        self.all().iter().for_each(|partition| partition.note_found(batch));
    }

    /// A tenant's partitions, by day.
    pub(super) fn of(&self, tenant: &TenantId) -> Vec<Arc<Partition>> {
        self.with(|known| {
            known.get(tenant).map(|days| days.values().cloned().collect()).unwrap_or_default()
        })
    }

    /// Everybody's partitions.
    pub(super) fn all(&self) -> Vec<Arc<Partition>> {
        self.with(|known| known.values().flat_map(|days| days.values().cloned()).collect())
    }

    /// A tenant's partition of a day, where there is one.
    pub(super) fn get(&self, tenant: &TenantId, day: i64) -> Option<Arc<Partition>> {
        self.with(|known| known.get(tenant)?.get(&day).cloned())
    }

    /// Whether a partition is one of its tenant's newest: a start has those closed without a mark beside them.
    pub(super) fn is_recent(&self, partition: &Partition) -> bool {
        let later = partition.day().saturating_add(1)..;
        self.with(|known| {
            let days = known.get(partition.tenant());
            days.is_none_or(|days| days.range(later).nth(RECENT_DAYS.saturating_sub(1)).is_none())
        })
    }

    /// A partition to write to. A new one has an empty file and a mark beside it, whose names are synced.
    pub(super) fn get_or_create(
        &self,
        tenant: &TenantId,
        day: i64,
    ) -> Result<Arc<Partition>, StoreError> {
        if let Some(partition) = self.get(tenant, day) {
            return if partition.is_going() { Err(StoreError::Busy) } else { Ok(partition) };
        }
        let folder = self.root.join(tenant.as_str());
        make_folder(&folder)?;
        let path = folder.join(format!("{}.sqlite3", day_name(day)?));
        let partition = Arc::new(Partition::new(tenant.clone(), day, path));
        // The mark first: a file that a crash leaves half made is looked at by the next start.
        create_file(&partition.marker())?;
        create_file(partition.path())?;
        self.with(|known| {
            known.entry(tenant.clone()).or_default().insert(day, Arc::clone(&partition));
        });
        Ok(partition)
    }

    /// Unlinks a partition that nobody reads or writes any more.
    pub(super) fn unlink(&self, partition: &Partition) -> Result<(), StoreError> {
        let folder = partition.path().parent().unwrap_or(&self.root);
        // The file first, and for certain: a journal alone is harmless, a file without its journal is not whole.
        remove_file(partition.path())?;
        sync_folder(folder)?;
        files_beside(partition.path()).iter().try_for_each(|path| remove_file(path))?;
        self.with(|known| {
            if let Some(days) = known.get_mut(partition.tenant()) {
                days.remove(&partition.day());
            }
        });
        sync_folder(folder)
    }

    /// Removes a tenant's folder, unless something is in it again.
    pub(super) fn forget_tenant(&self, tenant: &TenantId) -> Result<(), StoreError> {
        let empty = self.with(|known| match known.get(tenant) {
            Some(days) if !days.is_empty() => false,
            _ => {
                known.remove(tenant);
                true
            }
        });
        let folder = self.root.join(tenant.as_str());
        if empty && folder.is_dir() {
            remove_strays(&folder)?;
        }
        match fs::remove_dir(&folder) {
            Err(error) if empty && error.kind() != io::ErrorKind::NotFound => {
                Err(error::of_io(&error, &folder))
            }
            _ => sync_folder(&self.root),
        }
    }

    fn with<T>(
        &self,
        act: impl FnOnce(&mut BTreeMap<TenantId, BTreeMap<i64, Arc<Partition>>>) -> T,
    ) -> T {
        act(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Partition {
    fn new(tenant: TenantId, day: i64, path: PathBuf) -> Self {
        let (gate, released) = (Mutex::default(), Notify::new());
        let (written, found) = (AtomicU64::new(0), AtomicU64::new(u64::MAX));
        Self { tenant, day, path, gate, released, written, found }
    }
}

fn scan_tenant(
    tenant: &TenantId,
    folder: &Path,
) -> Result<BTreeMap<i64, Arc<Partition>>, StoreError> {
    let mut days = BTreeMap::new();
    for path in entries(folder)? {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let day = name.strip_suffix(".sqlite3").and_then(day_number);
        if let Some(day) = day.filter(|_| path.is_file()) {
            days.insert(day, Arc::new(Partition::new(tenant.clone(), day, path)));
        }
    }
    Ok(days)
}

/// How the names of the files end that stand beside a partition.
const BESIDE: [&str; 4] = [".sqlite3-wal", ".sqlite3-shm", ".sqlite3-journal", ".unsettled"];

/// Removes what a crash in the middle of a removal has left beside days that are gone.
fn remove_strays(folder: &Path) -> Result<(), StoreError> {
    for path in entries(folder)? {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let day = BESIDE.iter().find_map(|suffix| name.strip_suffix(suffix)).and_then(day_number);
        if day.is_some() && !path.with_extension("sqlite3").exists() {
            remove_file(&path)?;
        }
    }
    Ok(())
}

/// The files beside a partition.
fn files_beside(path: &Path) -> [PathBuf; BESIDE.len()] {
    BESIDE.map(|suffix| path.with_extension(suffix.trim_start_matches('.')))
}

fn remove_file(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error::of_io(&error, path)),
        _ => Ok(()),
    }
}

/// `YYYY-MM-DD`.
fn day_name(day: i64) -> Result<String, StoreError> {
    let date = i32::try_from(day.saturating_add(EPOCH_JULIAN_DAY))
        .ok()
        .and_then(|day| Date::from_julian_day(day).ok())
        .filter(|date| (0..=9_999).contains(&date.year()));
    let date =
        date.ok_or_else(|| StoreError::Failed { reason: format!("there is no day {day}") })?;
    Ok(format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day()))
}

fn day_number(name: &str) -> Option<i64> {
    let mut parts = name.splitn(3, '-');
    let year = parts.next()?.parse().ok()?;
    let month = parts.next()?.parse::<u8>().ok().and_then(|month| month.try_into().ok())?;
    let day = parts.next()?.parse().ok()?;
    let date = Date::from_calendar_date(year, month, day).ok()?;
    let number = i64::from(date.to_julian_day()).checked_sub(EPOCH_JULIAN_DAY)?;
    day_name(number).is_ok_and(|canonical| canonical == name).then_some(number)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let paths: io::Result<Vec<_>> = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect());
    paths.map_err(|error| error::of_io(&error, folder))
}

/// Makes a folder that only we can enter, with those above it; each new name is synced.
pub(super) fn make_folder(folder: &Path) -> Result<(), StoreError> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        make_folder(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(error::of_io(&error, folder))
        }
        _ => folder.parent().map_or(Ok(()), sync_folder),
    }
}

/// Makes an empty file that only we can read, unless it is there, and syncs its name.
pub(super) fn create_file(path: &Path) -> Result<(), StoreError> {
    let made = File::options().write(true).create(true).truncate(false).mode(0o600).open(path);
    made.map_err(|error| error::of_io(&error, path))?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Syncs a folder: a loss of power takes no name from it.
pub(super) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    // The parent of a bare name is the empty path.
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| error::of_io(&error, folder))
}
