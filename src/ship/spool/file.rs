//! Files and folders that only this user reads, written whole or not at all.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use bytes::Bytes;
use flate2::bufread::GzDecoder;

/// Makes a folder that only this user reads, unless it is there.
///
/// An error for one that others can get at.
pub(super) fn folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        let _ = sync(parent); // it may be one that this user does not read
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;

        let mode = fs::metadata(path)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            let fault = format!("it is open to others (mode {mode:04o})");
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, fault));
        }
    }
    Ok(())
}

/// A file that holds the folder for this process, for as long as it is open.
pub(super) fn lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).map_err(
        |_| {
            io::Error::new(
                io::ErrorKind::WouldBlock,
                "another process has it (or another shipper of this one)",
            )
        },
    )?;
    Ok(file)
}

/// Writes a file whole: under a temporary name, to the disk, then under its own.
pub(super) fn write(path: &Path, temporary: &Path, bytes: &[u8]) -> io::Result<()> {
    let written = write_new(temporary, bytes)
        .and_then(|()| fs::rename(temporary, path))
        .and_then(|()| path.parent().map_or(Ok(()), sync));
    if written.is_err() {
        // The disk is full, most likely. What is counted as lost must not come back at the next start.
        let _ = fs::remove_file(temporary);
        let _ = fs::remove_file(path);
    }
    written
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// What a folder holds survives a loss of power.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder; // a folder cannot be opened there
    Ok(())
}

/// Reads a batch whole; nothing when it is not what was written: cut, changed, or none of ours.
pub(super) fn read(path: &Path, events: u32, most_bytes: u64) -> io::Result<Option<Bytes>> {
    let mut body = Vec::new();
    File::open(path)?.take(most_bytes.saturating_add(1)).read_to_end(&mut body)?;
    let is_long = u64::try_from(body.len()).is_ok_and(|bytes| bytes > most_bytes);
    let is_whole = !is_long && lines(&body, most_bytes) == Some(events.into());
    Ok(is_whole.then(|| body.into()))
}

/// The number of lines in one gzip member, whose checksum and length have to be right. At most
/// `most_bytes` are unpacked.
fn lines(packed: &[u8], most_bytes: u64) -> Option<u64> {
    let mut decoder = GzDecoder::new(packed);
    let (mut buffer, mut bytes, mut lines) = (vec![0; 16_384], 0_u64, 0_u64);
    loop {
        let read = decoder.read(&mut buffer).ok()?;
        if read == 0 {
            return decoder.into_inner().is_empty().then_some(lines);
        }
        bytes = bytes.saturating_add(u64::try_from(read).ok()?);
        if bytes > most_bytes {
            return None;
        }
        let breaks = buffer.get(..read)?.iter().filter(|byte| **byte == b'\n').count();
        lines = lines.saturating_add(u64::try_from(breaks).ok()?);
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn lines_are_counted_in_what_is_whole() {
        let whole = packed(b"{}\n{}\n");
        assert_eq!(lines(&whole, 1_000), Some(2));
        assert_eq!(lines(&packed(b""), 1_000), Some(0));
        for cut in 0..whole.len() {
            assert_eq!(lines(&whole[..cut], 1_000), None, "{cut}");
        }
        for place in [10, whole.len() - 8, whole.len() - 4] {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            assert_ne!(lines(&changed, 1_000), Some(2), "{place}");
        }
        assert_eq!(lines(&[whole.clone(), whole].concat(), 1_000), None, "one member, and no more");
    }

    #[test]
    fn no_more_is_unpacked_than_a_batch_can_hold() {
        let bomb = packed(&vec![b'\n'; 200_000]);
        assert!(bomb.len() < 2_000);
        assert_eq!(lines(&bomb, 200_000), Some(200_000));
        assert_eq!(lines(&bomb, 199_999), None);
    }
}
