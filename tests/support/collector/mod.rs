//! What tests of the collector share: a store by the letter of its definitions, a ledger in memory, and
//! events.

#![allow(dead_code, unused_macros, reason = "each test uses its part")]

pub(crate) mod compare;
#[macro_use]
pub(crate) mod conformance;
pub(crate) mod definition;
pub(crate) mod events;
pub(crate) mod ledger;
pub(crate) mod model;
