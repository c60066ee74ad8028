//! What tests of the collector share: a store by the letter of its definitions, a ledger in memory, and
//! events.

#![allow(dead_code, unused_macros, reason = "each test uses its part")]
#![allow(
    clippy::as_conversions,
    clippy::disallowed_methods,
    reason = "small numbers of a test, and its own clock"
)]

pub(crate) mod compare;
#[macro_use]
pub(crate) mod conformance;
pub(crate) mod definition;
pub(crate) mod events;
pub(crate) mod ledger;
pub(crate) mod model;
