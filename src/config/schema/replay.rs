//! `[replay]`: what remembers the signatures that were used.

use serde::{Deserialize, Serialize};

use super::redis::Redis;
use crate::limits::DEFAULT_REPLAY_CAPACITY;

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Replay {
    /// `window`: in this process, 10 to 24 bytes for each request. `moka`: in this process too, without
    /// the one false refusal in 10¹² of the window. `redis`: for a fleet of origins, see `replay.redis`.
    pub(crate) backend: Backend,
    /// Requests that are remembered; one over that is refused, never forgotten. 1000000 unless set.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub(crate) capacity: Option<u64>,
    /// The same for each key, so that one edge cannot use up the room of the others. All unless set.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub(crate) capacity_per_key: Option<u64>,
    /// Requests a second that this origin gets at most: `capacity` follows from it, or is held to it.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub(crate) requests_per_second: Option<u64>,
    /// Whether what was signed before the store began is refused: `on`, `with-skew` where the clocks of
    /// edges run ahead, or `insecure-off`, with which it can be replayed once after each restart.
    pub(crate) restart_barrier: Barrier,
    /// Where Redis or Valkey is, with `backend = "redis"`.
    pub(crate) redis: Option<Redis>,
}

impl Default for Replay {
    fn default() -> Self {
        Self {
            backend: Backend::Window,
            capacity: None,
            capacity_per_key: None,
            requests_per_second: None,
            restart_barrier: Barrier::On,
            redis: None,
        }
    }
}

impl Replay {
    pub(crate) fn default_capacity() -> u64 {
        u64::try_from(DEFAULT_REPLAY_CAPACITY).unwrap_or(u64::MAX)
    }
}

/// What remembers the signatures that were used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Backend {
    /// Time buckets in this process.
    Window,
    /// A moka cache in this process.
    Moka,
    /// Redis or Valkey, for all origins that share it.
    Redis,
}

/// Whether what was signed before the replay store began is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Barrier {
    /// Yes.
    On,
    /// Yes, and for the skew after that.
    WithSkew,
    /// No.
    InsecureOff,
}
