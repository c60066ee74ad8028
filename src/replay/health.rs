//! How a shared store is doing.

/// How a store that other origins share is doing, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Whether it is being asked.
    pub is_connected: bool,
    /// Whether requests may have passed that it does not know of.
    pub is_degraded: bool,
    /// Requests that it was asked about.
    pub asked: u64,
    /// Those of them that it did not answer, or with an error.
    pub failed: u64,
    /// How often it was given up for a while.
    pub opened: u64,
    /// Requests that were decided here alone.
    pub decided_locally: u64,
    /// Those of them that it was told of since.
    pub written_back: u64,
    /// Those of them that it does not know of yet.
    pub unwritten: u64,
}
