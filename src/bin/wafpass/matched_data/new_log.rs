//! A log that is written anew: whole, or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process;

use flate2::write::GzEncoder;
use wafpass::matched_data::archive::Compression;

use crate::error::{Fault, shown};

/// A file that appears under its name when it is finished.
pub(super) struct NewLog {
    path: PathBuf,
    unfinished: PathBuf,
    writer: Packed,
}

enum Packed {
    Plain(BufWriter<File>),
    Gzip(Box<GzEncoder<BufWriter<File>>>),
}

impl NewLog {
    /// Begins a file that will be at `path`, for its owner alone. One that is there stays as it is.
    pub(super) fn create(path: &Path, compression: Compression) -> Result<Self, Fault> {
        if fs::symlink_metadata(path).is_ok() {
            return Err(is_there(path));
        }
        let mut name = std::ffi::OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(format!(".{}.unfinished", process::id()));
        let unfinished = path.with_file_name(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&unfinished).map_err(|error| unwritten(path, &error))?;
        let file = BufWriter::with_capacity(1 << 18, file);
        let writer = match compression {
            Compression::Gzip => {
                Packed::Gzip(Box::new(GzEncoder::new(file, flate2::Compression::default())))
            }
            _ => Packed::Plain(file),
        };
        Ok(Self { path: path.into(), unfinished, writer })
    }

    /// Writes what is left, and gives the file its name.
    pub(super) fn finish(mut self) -> Result<(), Fault> {
        let path = self.path.clone();
        let whole = match &mut self.writer {
            Packed::Plain(file) => file.flush().and_then(|()| file.get_ref().sync_all()),
            Packed::Gzip(encoder) => encoder.try_finish().and_then(|()| {
                let file = encoder.get_mut();
                file.flush()?;
                file.get_ref().sync_all()
            }),
        };
        whole.map_err(|error| unwritten(&path, &error))?;
        // A link is refused where there is a file by now; a rename would take its place.
        match fs::hard_link(&self.unfinished, &path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(is_there(&path)),
            // Some file systems have no links.
            Err(_) => fs::rename(&self.unfinished, &path).map_err(|error| unwritten(&path, &error)),
        }
    }
}

impl Write for NewLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.writer {
            Packed::Plain(file) => file.write(bytes),
            Packed::Gzip(encoder) => encoder.write(bytes),
        }
    }

    /// Not before it is finished: nobody reads it earlier.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for NewLog {
    fn drop(&mut self) {
        let _gone = fs::remove_file(&self.unfinished); // finished, or the fault that led here is told
    }
}

fn is_there(path: &Path) -> Fault {
    Fault::new(
        format!("{} is there already", shown(path)),
        "name another file, or move that one away",
    )
}

fn unwritten(path: &Path, error: &io::Error) -> Fault {
    let fault = format!("{} cannot be written: {error}", shown(path));
    Fault::new(fault, "name a new file in a directory of yours")
}
