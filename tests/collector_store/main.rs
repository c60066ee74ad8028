//! The promises of `Store`, checked for each implementation alike, and each compared with a model that goes
//! through a list.

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

mod model;
mod sqlite;
