//! A log that is written anew: whole, or not at all.
//!
//! Until it is whole it has no name, where the system has such files (Linux): then nothing of it stays behind
//! when the process ends, however it ends. Elsewhere it is `.NAME.PID.unfinished` until then, and stays when
//! the process is killed.

use std::ffi::OsString;
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
    /// Its name until it is finished, if it has one.
    unfinished: Option<PathBuf>,
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
        let (file, unfinished) = match nameless::create(path) {
            Some(file) => (file, None),
            None => named(path).map_err(|error| unwritten(path, &error))?,
        };
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
        let (path, unfinished) = (self.path.clone(), self.unfinished.clone());
        let named = self.whole().and_then(|file| {
            let Some(unfinished) = unfinished else { return nameless::name(file, &path) };
            // A link is refused where there is a file by now; a rename would take its place.
            match fs::hard_link(&unfinished, &path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    fs::rename(&unfinished, &path) // some file systems have no links
                }
                linked => linked,
            }
        });
        named.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => is_there(&path),
            _ => unwritten(&path, &error),
        })
    }

    /// The file, with all that was written in it.
    fn whole(&mut self) -> io::Result<&File> {
        let file = match &mut self.writer {
            Packed::Plain(file) => file,
            Packed::Gzip(encoder) => {
                encoder.try_finish()?;
                encoder.get_mut()
            }
        };
        file.flush()?;
        file.get_ref().sync_all()?;
        Ok(file.get_ref())
    }
}

/// A file under another name beside `path`.
fn named(path: &Path) -> io::Result<(File, Option<PathBuf>)> {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.unfinished", process::id()));
    let unfinished = path.with_file_name(name);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    Ok((options.open(&unfinished)?, Some(unfinished)))
}

/// Files without a name, which get one when they are whole: `O_TMPFILE` of open(2).
#[cfg(target_os = "linux")]
mod nameless {
    use std::fs::File;
    use std::io;
    use std::os::fd::AsRawFd;
    use std::path::{Path, PathBuf};

    use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, open};

    /// A file in the directory of `path`. Nothing where the file system has no such files, or where one could
    /// not be named later.
    pub(super) fn create(path: &Path) -> Option<File> {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let file = File::from(open(directory.unwrap_or(Path::new(".")), flags, mode).ok()?);
        place(&file).exists().then_some(file)
    }

    /// Gives it its name. A file of this name stays, and is an error.
    pub(super) fn name(file: &File, path: &Path) -> io::Result<()> {
        Ok(linkat(CWD, place(file), CWD, path, AtFlags::SYMLINK_FOLLOW)?)
    }

    fn place(file: &File) -> PathBuf {
        format!("/proc/self/fd/{}", file.as_raw_fd()).into()
    }
}

#[cfg(not(target_os = "linux"))]
mod nameless {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    pub(super) fn create(_: &Path) -> Option<File> {
        None
    }

    pub(super) fn name(_: &File, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
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
        if let Some(unfinished) = &self.unfinished {
            let _gone = fs::remove_file(unfinished); // finished, or the fault that led here is told
        }
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
