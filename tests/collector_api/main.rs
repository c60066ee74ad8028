//! The query side of the collector's HTTP interface, by requests.

#![allow(
    clippy::as_conversions,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test, a panic is the report"
)]

#[path = "../support/collector/mod.rs"]
#[macro_use]
mod support;

mod answers;
mod description;
mod exports;
mod harness;
mod tails;
mod tenants;
