//! Every limit of rules in the request path, with its reason.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Bytes of a body that rules look at, unless configured: what Cloudflare's largest plan looks at, so that a
/// rule means the same here. Beyond it `http.request.body.truncated` is true.
pub const DEFAULT_BODY_BYTES: usize = 131_072;

/// Bytes of a body that rules may be asked to look at: a body in memory for each request that is under way.
pub const BODY_BYTES: RangeInclusive<usize> = 1_024..=1_048_576;

/// Time that a body may take to arrive before rules look at what is there: 128 KiB at 100 kbit/s. Who
/// streams would wait for an answer that waits for the end of the stream.
pub const DEFAULT_BODY_WAIT: Duration = Duration::from_secs(10);

/// Longest time that a body may be asked to be waited for: what a CDN waits for an answer.
pub const MAX_BODY_WAIT: Duration = Duration::from_secs(60);

/// Events of one rule in a second, unless configured: enough to see what it matches. One costs 0.2 to 0.4 ms
/// of a processor to seal, so a flood on one rule costs four thousandths of one.
pub const DEFAULT_EVENTS_PER_SECOND: u32 = 10;

/// Events of one rule at once before its rate counts: an attack's first requests are the ones to read.
pub const DEFAULT_EVENTS_AT_ONCE: u32 = 50;

/// Events of all rules together in a second: a fifth of one processor at 0.4 ms each.
pub const DEFAULT_EVENTS_PER_SECOND_OF_ALL: u32 = 500;

/// Most events in a second that may be asked for: what one thread seals.
pub const MAX_EVENTS_PER_SECOND: u32 = 5_000;

/// Requests that wait to be sealed: at 0.4 ms each, a tenth of a second of work.
pub const QUEUED_EVENTS: usize = 256;

/// Bytes of them, URI, fields and body: 256 of 192 KiB. Fewer wait where rules look at longer bodies.
pub const QUEUED_BYTES: usize = 50_331_648;

/// Log events of one rule in a second: as many as of one reason of a refusal.
pub const LOGGED_PER_SECOND: u32 = 10;

/// Longest request id that is taken from a field: twice CloudFront's.
pub const MAX_RAY_ID_BYTES: usize = 128;

/// Seconds between two warnings of events that are lost.
pub const WARN_EVERY_S: i64 = 10;
