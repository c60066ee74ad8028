//! The layers around real services: axum, plain hyper and tonic; over sockets where it matters.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::as_conversions,
    missing_docs,
    unreachable_pub,
    reason = "in a test, a panic is the report"
)]

mod asking;
mod body;
mod common;
mod decisions;
#[cfg(feature = "explain")]
mod explaining;
mod grpc;
mod logging;
mod readiness;
mod replacing;
mod report_only;
mod routing;
mod signing;
mod sockets;
