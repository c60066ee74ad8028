//! Files, and standard input for `-`.

use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use crate::error::{Fault, shown};

const STANDARD_INPUT: &str = "-";

/// Reads a file whole.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Fault> {
    if !is_standard(path) {
        return fs::read(path).map_err(|error| Fault::reading(path, &error));
    }
    say_if_typed();
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes).map_err(|error| Fault::reading(path, &error))?;
    Ok(bytes)
}

/// Says that what is read now is what is typed, if it is.
pub(crate) fn say_if_typed() {
    if io::stdin().is_terminal() {
        anstream::eprintln!("reading from the terminal; Ctrl-D ends it");
    }
}

/// What `path` is called in an error.
pub(crate) fn named(path: &Path) -> String {
    if is_standard(path) { "standard input".into() } else { shown(path) }
}

/// Whether `path` stands for standard input.
pub(crate) fn is_standard(path: &Path) -> bool {
    path == Path::new(STANDARD_INPUT)
}
