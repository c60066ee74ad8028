//! The reading side of the SQLite store: what its segments, indexes, budgets and roll-ups could get wrong.
//! What any store has to answer is in `collector_store`.

#![allow(
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "in a test, a panic is the report"
)]

#[path = "../support/collector/mod.rs"]
mod support;

mod cursor;
mod faults;
mod fresh;
mod lab;
mod late;
mod model;
mod pages;
mod random;
mod top;
