//! The replay store on Redis: real servers that are killed, paused, emptied, filled and moved.

#![allow(
    clippy::as_conversions,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, which is its purpose; it measures real time"
)]

mod common;
mod failures;
mod fleet;
mod nodes;
mod record;
#[path = "../support/redis_server.rs"]
mod redis_server;
mod secure;
