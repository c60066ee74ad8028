//! Canonical forms: the bytes of a request that are signed, taken as they are.

mod digest;
mod target;

pub use self::digest::ContentDigest;
pub use self::target::QueryMode;

pub(crate) use self::digest::CONTENT_DIGEST;
pub(crate) use self::target::{PathPrefix, TargetParts};
