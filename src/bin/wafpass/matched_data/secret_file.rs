//! Files with secrets, read by their owner alone.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::{Fault, shown};
use crate::{input, key_file};

/// Largest file of a key or a passphrase: 64 KiB, a hundred times what the longest of them takes.
const MAX_BYTES: u64 = 65_536;

/// Reads a secret whole; `option` is how it was named.
pub(super) fn read(path: &Path, what: &str, option: &str) -> Result<Zeroizing<Vec<u8>>, Fault> {
    if input::is_standard(path) {
        return read_whole(io::stdin(), path, what);
    }
    let file = File::open(path).map_err(|error| Fault::reading(path, &error))?;
    if let Some(mode) = key_file::mode_open_to_others(path, &file)? {
        let name = shown(path);
        return Err(Fault::new(
            format!("the {what} {name} is open to others (mode {mode:04o})"),
            format!(
                "chmod 600 {name}; where it cannot be, as in a mounted secret: {option} - < FILE"
            ),
        ));
    }
    read_whole(file, path, what)
}

fn read_whole(reader: impl Read, path: &Path, what: &str) -> Result<Zeroizing<Vec<u8>>, Fault> {
    // Room for all of it, so that no copy of a part stays behind in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(8_192));
    let read = reader.take(MAX_BYTES + 1).read_to_end(&mut bytes);
    let read = read.map_err(|error| Fault::reading(path, &error))?;
    if u64::try_from(read).is_ok_and(|read| read <= MAX_BYTES) {
        return Ok(bytes);
    }
    let fault = format!("the {what} {} is longer than {MAX_BYTES} bytes", input::named(path));
    Err(Fault::new(fault, "name the right file"))
}

/// A secret as text; `of` is where it comes from.
pub(super) fn text<'b>(bytes: &'b [u8], of: &str) -> Result<&'b str, Fault> {
    str::from_utf8(bytes).map_err(|_| Fault::new(format!("{of} is no text"), "name the right file"))
}
