//! The command line as its users meet it: help, answers, errors in two lines, exit codes.
//!
//! `SNAPSHOTS=overwrite cargo test --features cli --test cli` writes what has changed, to be read.
#![allow(missing_docs, reason = "tests are no API")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
#![cfg(unix)]

mod collector;
mod common;
mod config;
mod explain;
mod explain_record;
mod key_file;
mod keygen;
mod keys;
mod keys_export;
mod keys_metrics;
mod matched_data;
mod matched_data_logs;
mod report;
mod rules;
mod sign;
mod vectors;
mod verify;

use std::path::Path;

use snapbox::cmd::Command;
use snapbox::{file, str};

use self::common::{NOW, Place, stdout};

/// Of a help page.
const MAX_COLUMNS: usize = 96;

#[test]
fn help_pages() {
    let place = Place::new();
    for verb in [
        "keygen",
        "config",
        "report",
        "sign",
        "verify",
        "explain",
        "vectors",
        "demo",
        "generate-key-pair",
        "decrypt",
        "encrypt",
        "inspect",
        "rewrap",
    ] {
        let page = snapbox::Data::read_from(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/cli/{verb}.txt")),
            None,
        );
        place.wafpass([verb, "--help"]).assert().code(0).stdout_eq(page.raw()).stderr_eq("");
        let short = stdout(place.wafpass([verb, "-h"]).assert().code(0));
        assert_eq!(short, stdout(place.wafpass([verb, "--help"]).assert()));
        let widest = short.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(MAX_COLUMNS), "{verb}: {widest:?}");
    }
    place.wafpass(["--help"]).assert().code(0).stdout_eq(file!["wafpass.txt"].raw());
    place.wafpass(["--version"]).assert().code(0).stdout_eq(str![[r#"
wafpass 0.1.0

"#]]);
    place.wafpass([]).assert().code(2).stdout_eq("").stderr_eq(file!["wafpass.txt"].raw());
}

#[test]
fn colour_is_for_terminals() {
    let place = Place::new();
    place.request("request.http", "GET /", &[], "");
    let forced = |command: Command| stdout(command.env("CLICOLOR_FORCE", "1").assert().code(0));
    let verify = || place.wafpass(["verify"].into_iter().chain(NOW).chain(["request.http"]));
    assert!(forced(verify()).contains("\u{1b}["));
    assert!(!forced(verify().env("NO_COLOR", "1")).contains('\u{1b}'));
    assert!(!stdout(verify().assert().code(0)).contains('\u{1b}'));
}

#[test]
fn a_reader_that_leaves_is_no_fault() {
    let place = Place::new();
    place.request("request.http", "GET /", &[], "");
    let script = "$WAFPASS explain --key-file keys.json --now 20261122T003010Z request.http | true";
    place.bash(script).assert().code(0).stderr_eq("");
}

#[cfg(target_os = "linux")] // for its /dev/full
#[test]
fn help_that_cannot_be_written_is_a_fault() {
    let place = Place::new();
    place.bash("$WAFPASS --help > /dev/full").assert().code(2).stderr_eq(str![[r#"
error: the output cannot be written: No space left on device (os error 28)
try:   look at where it goes

"#]]);
    place.bash("$WAFPASS verify --help | true").assert().code(0).stderr_eq("");
}
