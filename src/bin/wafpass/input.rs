//! Files, and standard input for `-`.

use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use crate::error::Fault;

const STANDARD_INPUT: &str = "-";

/// Reads a file whole.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Fault> {
    if !is_standard(path) {
        return fs::read(path).map_err(|error| Fault::reading(path, &error));
    }
    if io::stdin().is_terminal() {
        anstream::eprintln!("reading from the terminal; Ctrl-D ends it");
    }
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes).map_err(|error| Fault::reading(path, &error))?;
    Ok(bytes)
}

/// Whether `path` stands for standard input.
pub(crate) fn is_standard(path: &Path) -> bool {
    path == Path::new(STANDARD_INPUT)
}
