//! How much memory one huge batch takes.

use std::time::Instant;

use wafpass_benches::load::LoggedEvent;
use wafpass_benches::{Gate, is_measuring};

use crate::growth;
use crate::ingest::packed;
use crate::service::Service;

/// Lines of about 1 KB each: 1 GB.
const LINES: usize = 1_000_000;
/// Lines of a gzip member; a file of several is one file.
const MEMBER: usize = 20_000;
const GOAL_MB: f64 = 200.0;

pub(crate) fn run(gate: &mut Gate) {
    let lines = if is_measuring() { LINES } else { 400 };
    let service = Service::start();
    let mut client = service.client();
    // What it needs to stand there and to have taken in something is told apart.
    let few: Vec<LoggedEvent> = growth::load(3).take(100).collect();
    client.post("/v1/logpush", &packed(&few), few.len());
    let idle = service.peak_memory();
    let mut load = growth::load(4);
    let start = Instant::now();
    let members = (0..lines.div_ceil(MEMBER)).map(|_| {
        let events: Vec<LoggedEvent> = load.by_ref().take(MEMBER.min(lines)).collect();
        packed(&events)
    });
    client.post_stream("/v1/logpush", members, lines);
    let (took_s, peak) = (start.elapsed().as_secs_f64(), service.peak_memory());
    println!("\nmemory, one batch of {lines} lines, sent as it is made");
    println!(
        "  highest {:.0} MB, {:.0} MB before; {took_s:.1} s with the making\n",
        peak / 1e6,
        idle / 1e6
    );
    gate.at_most("memory, a batch of 1 GB, MB", peak / 1e6, GOAL_MB);
}
