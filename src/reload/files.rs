//! The files of a source: what they hold, and when that changes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use zeroize::Zeroizing;

/// What the files hold, in one number; `None` when it cannot be read now.
pub(super) fn fingerprint(files: &[PathBuf]) -> Option<[u8; 32]> {
    let mut hash = Sha256::new();
    for path in files {
        add(&mut hash, path).ok()?;
    }
    Some(hash.finalize().into())
}

/// Adds a file, or the files in a folder.
fn add(hash: &mut Sha256, path: &Path) -> io::Result<()> {
    hash.update(path.as_os_str().as_encoded_bytes());
    let metadata = fs::metadata(path)?;
    if metadata.is_dir() {
        let entries: io::Result<Vec<_>> = fs::read_dir(path)?.collect();
        let mut paths: Vec<_> = entries?.iter().map(fs::DirEntry::path).collect();
        paths.sort();
        return paths.iter().filter(|path| !path.is_dir()).try_for_each(|path| add(hash, path));
    }
    if metadata.is_file() {
        let text = Zeroizing::new(fs::read(path)?); // of a pipe it would wait for ever
        hash.update(Sha256::digest(&*text));
    }
    Ok(())
}

/// Watches the folders that the files are in: editors and deployments put new files in the place of
/// old ones.
pub(super) struct FileWatch {
    watcher: RecommendedWatcher,
    folders: Vec<PathBuf>,
}

impl FileWatch {
    pub(super) fn new(changed: Arc<Notify>) -> Option<Self> {
        let report = move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !event.kind.is_access()) {
                changed.notify_one();
            }
        };
        match notify::recommended_watcher(report) {
            Ok(watcher) => Some(Self { watcher, folders: Vec::new() }),
            Err(error) => {
                tracing::warn!(target: "wafpass::reload", %error, "changes of files are not reported here");
                None
            }
        }
    }

    pub(super) fn follow(&mut self, files: &[PathBuf]) {
        let parents = files.iter().filter_map(|path| folder_of(path));
        let folders = files.iter().map(PathBuf::as_path).filter(|path| path.is_dir());
        let mut folders: Vec<_> = parents.chain(folders).map(Path::to_path_buf).collect();
        folders.sort();
        folders.dedup();
        if folders == self.folders {
            return;
        }
        for gone in self.folders.iter().filter(|folder| !folders.contains(folder)) {
            let _was_removed = self.watcher.unwatch(gone);
        }
        folders.retain(|folder| self.folders.contains(folder) || self.watch(folder));
        self.folders = folders;
    }

    fn watch(&mut self, folder: &Path) -> bool {
        let watched = self.watcher.watch(folder, RecursiveMode::NonRecursive);
        if let Err(error) = &watched {
            let folder = folder.display();
            tracing::warn!(target: "wafpass::reload", %folder, %error, "changes in this folder are not reported");
        }
        watched.is_ok()
    }
}

/// The folder that a file is in; the working directory for a bare name.
fn folder_of(file: &Path) -> Option<&Path> {
    let folder = file.parent()?;
    Some(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
}
