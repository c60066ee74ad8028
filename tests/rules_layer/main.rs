//! Rules in the request path: around axum and tonic, over sockets where it matters.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    missing_docs,
    unreachable_pub,
    reason = "in a test, a panic is the report"
)]

mod actions;
mod bodies;
mod common;
mod events;
mod origin;
mod replacing;
mod services;
mod verified;
