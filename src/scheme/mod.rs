//! Signature schemes: how a claim about a request is written on it, and what it covers.

pub mod edge;
