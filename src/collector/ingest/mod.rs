//! Ingest: what five kinds of senders send, checked line by line and stored as whole batches.
//!
//! - **What passes**: lines that are events, of a sender whose token allows it, with nothing in clear where a
//!   blob is due. What AWS WAF, ModSecurity and Coraza write in clear is sealed before it goes anywhere.
//! - **What a refused batch gets**: a problem with a stable code, and nothing of it is stored. From senders that
//!   cannot mend a line, a bad one is set aside without its content, and the rest of the batch is stored. A batch
//!   in clear of which no line can be read is refused all the same: its sender is set up wrongly, and keeps it.
//! - **What a proxy in front does to the promise**: nothing, as long as it passes bodies on as they come. One
//!   that buffers them takes back pressure away.
//!
//! | door | sender | a bad line | known again by |
//! | - | - | - | - |
//! | `POST /v1/events` | `wafpass`, anybody | 400 | `Idempotency-Key` |
//! | `POST /v1/logpush` | Cloudflare Logpush | set aside | its content, for an hour |
//! | `POST /v1/firehose` | AWS WAF by Amazon Data Firehose | set aside | the request's id |
//! | `POST /v1/aws-waf` | AWS WAF, as lines | set aside | `Idempotency-Key` |
//! | `POST /v1/modsecurity` | ModSecurity 3, Coraza 3 | set aside | `Idempotency-Key` |
//!
//! ```text
//! body -> frames -> a thread: inflate -> hash -> records -> events -> chunks -> store -> commit -> 200
//! ```
//!
//! Of a batch, a few frames, one line and two chunks are in memory, whatever its length. A sender that
//! goes away, a line that never ends and a bomb cost no more than that.
//!
//! A private key in a text that a stranger can write (a path, a user agent) is cut out and flagged: would it
//! fail the batch, anybody could make a log vanish by sending one. One that stands where only a sender can
//! put it (a member `private_key`, or in place of a blob) fails its line.

mod admission;
mod aws_waf;
mod batch;
mod body;
mod check;
mod clear;
mod datetime;
mod doors;
mod fault;
mod firehose;
mod id;
mod inflate;
mod line;
mod logpush;
mod metadata;
mod modsecurity;
mod quota;
mod raw;
mod records;
mod request;
mod rules;
mod scan;
mod taking;

use serde::Serialize;
use utoipa::ToSchema;

pub use self::admission::Reception;
pub use self::datetime::datetime;
pub(crate) use self::doors::routes;
pub use self::firehose::firehose;
pub use self::records::{Commas, Record, records};
pub(crate) use self::request::country;
pub use self::rules::{Rules, Unread};
use super::api::Problem;
use super::catalogue::{BatchCounts, RecordedBatch};
use super::store::BatchId;

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct Accepted {
    /// Its number; none where it brought nothing.
    pub batch: Option<u64>,
    /// Events that it stored.
    pub stored: u64,
    /// Events that were there already.
    pub repeated: u64,
    /// Lines that were set aside.
    pub quarantined: u64,
    /// Whether the batch itself was there already: the numbers are then those of the first time.
    pub repeated_batch: bool,
}

impl Accepted {
    const fn new(batch: BatchId, counts: &BatchCounts) -> Self {
        Self {
            batch: Some(batch.0),
            stored: counts.stored,
            repeated: counts.repeated,
            quarantined: counts.quarantined,
            repeated_batch: false,
        }
    }

    const fn repeat(known: &RecordedBatch) -> Self {
        Self { repeated_batch: true, ..Self::new(BatchId(known.batch), &known.counts) }
    }
}

/// A problem's code as the label of a counter: of a fixed list, so that it is one of few.
fn outcome(problem: &Problem) -> &'static str {
    const CODES: [&str; 21] = [
        "busy",
        "full",
        "conflict",
        "unavailable",
        "closing",
        "store-failed",
        "cut",
        "slow",
        "encoding",
        "bomb",
        "too-long",
        "too-many-lines",
        "bad-lines",
        "no-line-read",
        "form",
        "other-body",
        "under-way",
        "not-sealed",
        "rate",
        "quota",
        "no-active-key",
    ];
    let code = problem.kind.strip_prefix("urn:wafpass:").unwrap_or_default();
    CODES.into_iter().find(|known| *known == code).unwrap_or("other")
}
