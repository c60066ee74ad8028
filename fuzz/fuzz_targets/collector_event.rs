//! Event lines of the native door and of Logpush, out of whatever bytes: none make the reader panic, and what it read is JSON on one line.
#![no_main]

#[path = "support/collector.rs"]
mod support;

use libfuzzer_sys::fuzz_target;
use wafpass::collector::Intake;

fuzz_target!(|line: &[u8]| {
    support::read(Intake::Native, line);
    support::read(Intake::Logpush, line);
});
