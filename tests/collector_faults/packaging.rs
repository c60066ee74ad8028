//! The unit of systemd, as systemd reads it.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::place::BINARY;

const UNIT: &str = include_str!("../../packaging/wafpass-collector.service");

/// Most that `systemd-analyze security` may find exposed, in tenths: 0 is a locked box, 100 a shell for all.
const MAX_EXPOSURE: &str = "15";

fn analyze(arguments: &[&str]) {
    let folder = TempDir::new().unwrap();
    let unit = folder.path().join("wafpass-collector.service");
    fs::write(&unit, UNIT.replace("/usr/local/bin/wafpass ", &format!("{BINARY} "))).unwrap();
    let output = Command::new("systemd-analyze").args(arguments).arg(&unit).output();
    let output = output.expect("systemd-analyze is there: tools/setup installs it");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stdout));
    assert!(!told.contains("wafpass-collector.service:"), "{told}");
}

#[test]
fn systemd_takes_the_unit_and_finds_little_exposed() {
    analyze(&["verify"]);
    analyze(&["security", "--offline=true", &format!("--threshold={MAX_EXPOSURE}")]);
}
