//! Events in SQLite: a file for each tenant and day.

mod error;
mod partitions;
mod rollup;
mod schema;
