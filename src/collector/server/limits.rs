//! The numbers of the server, each with its reason. What depends on a site is in `[collector.limits]`.

use std::time::Duration;

/// Header fields of a request: Cloudflare and Firehose send twenty.
pub(super) const MAX_HEADERS: usize = 100;
/// Bytes of a request's head, and of the buffer that it is read into.
pub(super) const MAX_HEAD_BYTES: usize = 64 << 10;
/// Streams of an HTTP/2 connection: a sender has a few batches under way.
pub(super) const MAX_STREAMS: u32 = 64;
/// Streams that a peer may open and reset at once (CVE-2023-44487).
pub(super) const MAX_RESET_STREAMS: usize = 20;
/// Bytes of answers that wait for a slow peer, for each HTTP/2 stream.
pub(super) const MAX_SEND_BYTES: usize = 256 << 10;
/// A peer that is silent for so long is asked whether it is there: by a ping of HTTP/2, and of TCP.
pub(super) const KEEPALIVE: Duration = Duration::from_secs(20);
/// Unanswered probes of TCP before a connection is given up.
pub(super) const KEEPALIVE_PROBES: u32 = 3;
/// Connections of the admin listener: a prober and a scraper, with room.
pub(super) const MAX_ADMIN_CONNECTIONS: usize = 32;
/// A system without free file descriptors is asked again after this.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// For a connection that was told to end, once nothing is under way on it.
pub(super) const LINGER: Duration = Duration::from_secs(5);
/// For the store to say whether it is ready.
pub(super) const READY: Duration = Duration::from_secs(5);
/// Between two looks at the free space: at 100 MB/s a floor of 256 MiB is not passed in between.
pub(super) const SPACE_EVERY: Duration = Duration::from_secs(2);
/// Between two rounds of upkeep: roll-ups, partitions, retention, certificates.
pub(super) const UPKEEP_EVERY: Duration = Duration::from_secs(60);
