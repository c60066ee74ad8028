//! Every limit of the shipper, with its reason.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Longest event: a blob of the largest payload (8,192 bytes sealed, in base64) takes 11 KB, and path, query
/// and user agent beside it rarely as much again.
pub const MAX_EVENT_BYTES: usize = 65_536;

/// Events that wait to be put into a batch: at 100 matches a second, which a token bucket lets through of
/// several rules together, more than a minute of a disk that hangs.
pub const DEFAULT_QUEUE_EVENTS: usize = 8_192;
/// Most events that may be asked to wait.
pub const MAX_QUEUE_EVENTS: usize = 1_048_576;
/// Bytes of them: what an origin can spare while a collector is away.
pub const MAX_QUEUE_BYTES: usize = 33_554_432;

/// Events of one batch: enough that one request at a time carries tens of thousands a second.
pub const DEFAULT_BATCH_EVENTS: u32 = 500;
/// Events that a batch may be asked to hold.
pub const BATCH_EVENTS: RangeInclusive<u32> = 1..=10_000;
/// Bytes of a batch before it is packed: what collectors and the proxies in front of them take by
/// default (nginx: 1 MB).
pub const DEFAULT_BATCH_BYTES: usize = 1_000_000;
/// Bytes that a batch may be asked to hold: the longest event at least; 8 MB is the most that one
/// attempt should send again.
pub const BATCH_BYTES: RangeInclusive<usize> = MAX_EVENT_BYTES..=8_388_608;
/// Longest time that an event waits for others: one second, in which nobody looks at a dashboard twice.
pub const DEFAULT_BATCH_AGE: Duration = Duration::from_secs(1);
/// Times that a batch may be asked to wait.
pub const BATCH_AGES: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(60);
/// Batches in memory beside the one that is being sent: a collector that answers slowly now and then costs no
/// write to the disk.
pub const MEMORY_BATCHES: usize = 4;

/// Time to a connection: three tries of a SYN (1 s, 2 s) and a TLS handshake.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time from the first byte sent to the head of the answer: the timeout of most load balancers is a
/// minute, so the shipper gives up first.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// Times that an answer may be given.
pub const TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(300);
/// Bytes of an answer's body that are read, so that the connection can be used again. What they say is
/// not looked at.
pub const MAX_ANSWER_BYTES: usize = 16_384;
/// Time that reading them may take; then a new connection is cheaper.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// First pause after a failed attempt; each further one is twice as long, and a random part of it is
/// waited (full jitter), so that a fleet does not come back at once.
pub const DEFAULT_FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Longest pause: a collector that is back is noticed within a minute.
pub const DEFAULT_LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Pauses that may be asked for.
pub const PAUSES: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(3_600);
/// Longest `Retry-After` that is honoured: five minutes. A collector that names a day by mistake would
/// be alone for a day.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);

/// Bytes of the spool folder with all that is in it: hours of a collector's absence at 10 events a
/// second of 2 KB, packed.
pub const DEFAULT_SPOOL_BYTES: u64 = 268_435_456;
/// Least that a spool may hold: one batch of the longest event. One of more bytes is the least where batches
/// are larger.
pub const MIN_SPOOL_BYTES: u64 = 65_536;

/// Time that is left to events when the last handle goes without a shutdown.
pub const ABANDONED: Duration = Duration::from_secs(5);
/// Longest time that a shutdown takes, whatever is asked for: a day, so that the sum with a clock is one.
pub const LONGEST_SHUTDOWN: Duration = Duration::from_secs(86_400);
/// Seconds between two warnings of drops for one reason.
pub const WARN_EVERY_S: i64 = 10;
