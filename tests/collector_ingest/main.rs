//! Ingest, from HTTP bodies to what a store is given.
#![allow(missing_docs, unreachable_pub, reason = "tests are no API")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is the report"
)]

mod bodies;
mod common;
mod in_clear;
mod limits;
mod logpush;
mod native;
mod properties;
mod senders;
mod splitting;
