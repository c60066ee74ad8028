//! Files that hold secrets: new ones, for their owner alone, and all of them or none.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::{Fault, shown};

/// Files that were opened together. They go again unless they are kept.
#[derive(Default)]
pub(crate) struct NewFiles<'a> {
    open: Vec<NewFile<'a>>,
}

struct NewFile<'a> {
    path: &'a Path,
    file: File,
    text: &'a str,
}

impl<'a> NewFiles<'a> {
    /// Makes the file that will hold `text`. One that is there stays as it is.
    pub(crate) fn open(&mut self, path: &'a Path, text: &'a str) -> Result<(), Fault> {
        let whole = |path| std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path));
        if self.open.iter().any(|other| whole(other.path) == whole(path)) {
            let fault = format!("{} cannot hold two things", shown(path));
            return Err(Fault::new(fault, "name two files"));
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| unwritten(path, &error))?;
        self.open.push(NewFile { path, file, text });
        Ok(())
    }

    /// Writes all of them.
    pub(crate) fn write(&mut self) -> Result<(), Fault> {
        self.open.iter_mut().try_for_each(|NewFile { path, file, text }| {
            let written = writeln!(file, "{text}").and_then(|()| file.sync_all());
            written.map_err(|error| unwritten(path, &error))
        })
    }

    /// Leaves them where they are.
    pub(crate) fn keep(mut self) {
        self.open.clear();
    }
}

impl Drop for NewFiles<'_> {
    fn drop(&mut self) {
        for file in &self.open {
            let _gone = fs::remove_file(file.path); // the fault that led here is told
        }
    }
}

fn unwritten(path: &Path, error: &io::Error) -> Fault {
    if error.kind() == io::ErrorKind::AlreadyExists {
        let fault = format!("{} is there already, and may hold a key in use", shown(path));
        return Fault::new(fault, "name another file, or move that one away");
    }
    let fault = format!("{} cannot be written: {error}", shown(path));
    Fault::new(fault, "name a new file in a directory of yours")
}
