//! The rule language: what parses and what it says, what does not and what is said of it, rule files.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "in a test, a panic is the report"
)]

mod common;
mod docs;
mod errors;
mod files;
mod nesting;
mod properties;
mod scheme;
mod syntax;
