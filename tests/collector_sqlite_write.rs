//! The writing side of the SQLite store: what is durable when, and what is left after each way to fail.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "in a test, a panic is the report"
)]

#[path = "collector_sqlite_write/common.rs"]
mod common;
#[path = "collector_sqlite_write/damage.rs"]
mod damage;
#[path = "collector_sqlite_write/removal.rs"]
mod removal;
#[path = "collector_sqlite_write/upkeep.rs"]
mod upkeep;
#[path = "collector_sqlite_write/writing.rs"]
mod writing;
