//! The collector under load: what it takes in, how it grows, what it needs, how fast it answers.
//!
//! `cargo bench -p wafpass-benches --bench collector` runs all parts, `… -- ingest queries` those that are named:
//!
//! - `ingest`: durable ingest over HTTP, beside a bare loop that puts the same rows into SQLite; half a minute.
//! - `growth`: five million events of one day, the last million against the first; two minutes, 6 GB.
//! - `memory`: the highest memory of the server while it takes in a batch of 1 GB; a minute.
//! - `queries`: the same, and then how long pages and histograms take; four minutes, 6 GB.
//! - `doors`: events whose clear text is sealed on arrival; half a minute.
//! - `stages`: what each step costs a line; half a minute.
//! - `clickhouse`: durable ingest into a real ClickHouse engine, beside a bare insert; three minutes.
//!
//! The server is a process of its own, this program started again, and so are its memory and its processor
//! time. Server and client share the machine. Lines are made and packed while no clock runs.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads clocks")]

mod bare;
mod clickhouse;
mod client;
mod doors;
mod growth;
mod ingest;
mod memory;
mod queries;
mod service;
mod stages;

use std::env;
use std::process::ExitCode;

use wafpass_benches::Gate;

/// A part by its name.
type Part = (&'static str, fn(&mut Gate));

const PARTS: [Part; 7] = [
    ("ingest", ingest::run),
    ("growth", growth::run),
    ("memory", memory::run),
    ("queries", queries::run),
    ("doors", doors::run),
    ("stages", stages::run),
    ("clickhouse", clickhouse::run),
];

fn main() -> ExitCode {
    if service::is_server() {
        service::serve();
        return ExitCode::SUCCESS;
    }
    let named: Vec<String> = env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    if let Some(unknown) = named.iter().find(|name| PARTS.iter().all(|(part, _)| part != name)) {
        eprintln!("there is no part {unknown:?}\nthere are {:?}", PARTS.map(|(part, _)| part));
        return ExitCode::FAILURE;
    }
    let is_wanted = |part: &str| named.is_empty() || named.iter().any(|name| name == part);
    let mut gate = Gate::new();
    for (part, run) in PARTS {
        // The queries need a full day, and filling it is the growth.
        if is_wanted(part) && !(part == "growth" && is_wanted("queries")) {
            run(&mut gate);
        }
    }
    gate.finish()
}
