use std::time::Duration;

use super::limits::{BODY_BYTES, MAX_BODY_WAIT, MAX_EVENTS_PER_SECOND};

/// Rules that cannot run as they are set up. Two lines: the fault, the way out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RulesLayerError {
    /// A number of bytes out of bounds.
    #[error("{bytes} bytes of a body are out of bounds\nkeep them within {} to {}", BODY_BYTES.start(), BODY_BYTES.end())]
    BodyBytes {
        /// What was asked for.
        bytes: usize,
    },
    /// A time to wait for bodies out of bounds.
    #[error("{wait:?} to wait for a body is out of bounds\nkeep it within {MAX_BODY_WAIT:?}")]
    BodyWait {
        /// What was asked for.
        wait: Duration,
    },
    /// A rate out of bounds.
    #[error(
        "{per_second} events in a second are out of bounds\nkeep them within 1 to {MAX_EVENTS_PER_SECOND}; to log nothing, leave the log out"
    )]
    Rate {
        /// What was asked for.
        per_second: u32,
    },
    /// A tenant that no blob could be bound to.
    #[error(
        "the tenant is empty, or longer than 65535 bytes\nname the id that comes with the collector's credential"
    )]
    Tenant,
    /// An X-Wing key with version 3, which knows X25519 only.
    #[error("version 3 cannot be sealed with an X-Wing key\nseal version 4, or give an X25519 key")]
    KeyKind,
    /// The operating system gave no thread.
    #[error("the thread that seals cannot be started\nlook at the limits of this process")]
    NoThread,
}
