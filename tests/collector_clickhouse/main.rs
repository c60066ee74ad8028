//! The ClickHouse store on the real engine: what every store promises, then what becomes of batches when
//! ClickHouse is killed, paused, or answers with errors.
//!
//! The engine is the one that PyPI's `chdb-core` carries, behind a small HTTP front (tests/clickhouse).
//! `tools/setup` installs it; without it these tests fail.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    missing_docs,
    reason = "in a test, a panic is the report"
)]

#[path = "../support/collector/mod.rs"]
#[macro_use]
mod support;

mod away;
#[cfg(feature = "cli")]
mod command_line;
mod engine;
mod lab;
mod migrate;
mod nodes;
mod proxy;
mod schema;
mod spool;

use lab::ClickHouseLab;

conformance!(ClickHouseLab);
durability!(ClickHouseLab);
