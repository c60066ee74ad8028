//! The embedded store, with its catalogue.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use tempfile::TempDir;
use wafpass::UnixTime;
use wafpass::clock::Clock;
use wafpass::collector::catalogue::{Catalogue, TenantSettings};
use wafpass::collector::store::Store;
use wafpass::collector::store::sqlite::SqliteStore;

use crate::support::conformance::Lab;
use crate::support::events::{MIDNIGHT, acme, globex};

struct SqliteLab {
    folder: TempDir,
    store: Arc<SqliteStore>,
}

/// Noon of the day after [`MIDNIGHT`].
struct Noon;

impl Clock for Noon {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(MIDNIGHT.0 / 1_000_000_000 + 86_400 + 43_200)
    }
}

impl SqliteLab {
    fn open(folder: TempDir) -> Self {
        let catalogue = Arc::new(Catalogue::open(folder.path(), Arc::new(Noon)).unwrap());
        for tenant in [acme(), globex()] {
            // It is there already when the data are opened again.
            let _known = catalogue.add_tenant(&tenant, &TenantSettings::default());
            assert!(catalogue.tenants().contains(&tenant));
        }
        let store = Arc::new(SqliteStore::open(folder.path(), catalogue).unwrap());
        Self { folder, store }
    }
}

impl Lab for SqliteLab {
    async fn new() -> Self {
        Self::open(tempfile::tempdir().unwrap())
    }

    fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    async fn reopen(self) -> Self {
        self.store.close().await.unwrap();
        let Self { folder, store } = self;
        drop(store);
        Self::open(folder)
    }

    /// What a killed process leaves is what its files hold: they are copied, and the copy is opened while
    /// the store before still lives.
    async fn crash(self) -> Self {
        let copy = loop {
            // Work in the background may be changing them, and a copy of two moments proves nothing.
            let before = state_of(self.folder.path());
            let copy = tempfile::tempdir().unwrap();
            let is_whole = copy_folder(self.folder.path(), copy.path()).is_ok();
            if is_whole && state_of(self.folder.path()) == before {
                break copy;
            }
        };
        Self::open(copy)
    }
}

type FileState = (String, u64, Option<SystemTime>);

fn state_of(folder: &Path) -> Vec<FileState> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // A file may go while this looks.
        match fs::metadata(&path) {
            Ok(meta) if meta.is_dir() => found.extend(state_of(&path)),
            Ok(meta) => found.push((path.display().to_string(), meta.len(), meta.modified().ok())),
            Err(_) => found.push((path.display().to_string(), 0, None)),
        }
    }
    found.sort();
    found
}

/// Copies all but SQLite's shared memory, which a machine that went down does not have either.
fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir(&target)?;
            copy_folder(&entry.path(), &target)?;
        } else if !entry.file_name().to_string_lossy().ends_with("-shm") {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

conformance!(SqliteLab);
durability!(SqliteLab);
