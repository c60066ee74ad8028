//! The collector as a process, while things go wrong around it: what it acknowledged is there afterwards,
//! once, and what it did not is there as a whole or not at all.
#![allow(missing_docs, reason = "tests are no API")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is the report"
)]
#![cfg(unix)]

mod clients;
mod clock;
mod disk;
mod end;
mod kill;
mod load;
mod midnight;
mod owner;
mod packaging;
mod packed;
mod perimeter;
mod place;
mod sync;
mod tls;
mod wire;
