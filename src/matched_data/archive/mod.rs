//! Whole logs: every blob in them opened, or moved to a new key, on all cores and in order.
//!
//! - **what comes out**: the log as it came, byte for byte, but for the blobs. Each
//!   `encrypted_matched_data` becomes `matched_data`, in place; numbers, order, white space and members
//!   that are there twice stay as they are, since nothing is parsed and written anew;
//! - **what does not open** stays as it is and is counted by its reason. So does what opens and is bound
//!   to another event than its row's, and what is there twice ([`Left`]). No event is ever lost;
//! - **what it does not promise**: that a blob of version 1 to 3 belongs to the event it stands in
//!   ([`Summary::unbound`] counts them), or who sealed it.
//!
//! Events are looked for in lines ([`LogFormat::Jsonl`]) or in one document ([`LogFormat::Json`]), plain or
//! as gzip, and blobs wherever they stand in them: as a member of an object, or as a pair
//! `{"key": "encrypted_matched_data", "value": …}`. A log is read as a stream: memory is bounded by the
//! longest event ([`limits`]), not by the log.
//!
//! ```
//! use wafpass::matched_data::archive::{Archive, LogFormat, LogReader};
//! use wafpass::matched_data::{Opener, PrivateKey};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = PrivateKey::from_text("uBS5eBttHrqkdY41kbZPdvYnNz8Vj0TvKIUpjB1y/GA=")?;
//! let log = r#"{"RayID":"7d0f","Metadata":{"encrypted_matched_data":"AzTY6FHajXYXuDMUte82wrd+1n5CEHPoydYiyd3FMg5IEQAAAAAAAAA0lOhGXBclw8pWU5jbbYuepSIJN5JohTtZekLliJBlVWk="}}
//! {"RayID":"7d10","Metadata":{"encrypted_matched_data":"truncated"}}
//! "#;
//!
//! let mut opened = Vec::new();
//! let archive = Archive::new(LogFormat::Jsonl);
//! let summary = archive.open(LogReader::new(log.as_bytes())?, &mut opened, &Opener::new([key])?)?;
//!
//! assert_eq!(
//!     String::from_utf8(opened)?,
//!     r#"{"RayID":"7d0f","Metadata":{"matched_data":"test matched data"}}
//! {"RayID":"7d10","Metadata":{"encrypted_matched_data":"truncated"}}
//! "#
//! );
//! assert_eq!(summary.to_string(), "2 events, 1 opened, 1 left as it was (truncated 1)");
//! # Ok(())
//! # }
//! ```
//!
//! # What takes a blob's place
//!
//! | opened | member | value |
//! | - | - | - |
//! | a JSON object | `matched_data` | the object, on one line |
//! | other text, or with [`OpenedForm::Text`] any | `matched_data` | a text |
//! | bytes that are no UTF-8 | `matched_data_b64` | a text, their base64 |
//!
//! With [`MovedBlobs::Mark`] the name of one that was moved begins with `moved_`: no reader takes it for
//! this event's.
//!
//! # Where a blob belongs
//!
//! A version 4 blob opens only with its `binding`, and the binding can be moved along with it. So it is
//! compared with the row: `RayID` and `MatchIndex` with `event_id`, `RuleID` with `rule_id`, `Datetime` (RFC
//! 3339 or Unix time) with `timestamp_ms`, to the row's precision; in AWS WAF's shape
//! `httpRequest.requestId`, `terminatingRuleId` and `timestamp`, in that of Coraza and ModSecurity
//! `transaction.id`. So are the objects around the row. What they do not say is not compared. Upper and lower case are the same in
//! Cloudflare's names, and GraphQL's `rayName` is `RayID`.

mod elements;
mod error;
mod feed;
mod inventory;
pub mod limits;
mod log_reader;
mod moment;
mod name;
mod opened;
mod pipeline;
mod resealed;
mod rewrite;
mod row;
mod scan;
mod site;
mod summary;

pub use self::error::ArchiveError;
pub use self::inventory::{Amount, BlobKind, Inventory};
pub use self::log_reader::{Compression, LogReader};
pub use self::summary::{Left, Summary};

use std::io::{self, Read, Write};

use self::feed::Feed;
use self::inventory::Inspect;
use self::limits::DEFAULT_MAX_EVENT_BYTES;
use self::opened::Open;
use self::resealed::Reseal;
use self::rewrite::Tally;
use super::{Opener, PublicKey};

/// How events follow each other in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LogFormat {
    /// One event a line. Lines that are no JSON stay as they are, and are counted.
    Jsonl,
    /// One JSON document: an array of events, or anything else with events in it.
    Json,
}

/// What becomes of a blob that opens, and is bound to another event than its row's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MovedBlobs {
    /// It stays sealed, and is counted as [`Left::Moved`].
    #[default]
    LeaveSealed,
    /// It is opened under a name that begins with `moved_`. The `binding` beside it says which event it is
    /// of.
    Mark,
}

/// What a blob of version 1 to 3 is sealed as, where a `binding` beside it agrees with its row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnboundBlobs {
    /// Version 3, bound to nothing, as it was.
    #[default]
    StayUnbound,
    /// Version 4, bound by that `binding`. This asserts that the log's rows are as they were written:
    /// whoever could write to the log could have moved the blob, and put the binding beside it. From then
    /// on it looks as if its sealer had bound it.
    BindToRow,
}

/// How an opened blob is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OpenedForm {
    /// A JSON object as one, everything else as a text.
    #[default]
    Json,
    /// Always a text, with U+FFFD for what is no UTF-8: as Cloudflare's tool writes it.
    Text,
}

/// How archives are worked on. One can be used for any number of them.
#[derive(Clone, Copy, Debug)]
pub struct Archive {
    format: LogFormat,
    moved: MovedBlobs,
    unbound: UnboundBlobs,
    form: OpenedForm,
    max_event_bytes: usize,
}

impl Archive {
    /// Archives of this format. What was moved stays sealed, what is not bound stays unbound, and no event is
    /// longer than [`DEFAULT_MAX_EVENT_BYTES`].
    #[must_use]
    pub const fn new(format: LogFormat) -> Self {
        Self {
            format,
            moved: MovedBlobs::LeaveSealed,
            unbound: UnboundBlobs::StayUnbound,
            form: OpenedForm::Json,
            max_event_bytes: DEFAULT_MAX_EVENT_BYTES,
        }
    }

    /// What becomes of blobs that were moved.
    #[must_use]
    pub const fn moved(mut self, moved: MovedBlobs) -> Self {
        self.moved = moved;
        self
    }

    /// What blobs of version 1 to 3 are sealed as.
    #[must_use]
    pub const fn unbound(mut self, unbound: UnboundBlobs) -> Self {
        self.unbound = unbound;
        self
    }

    /// How opened blobs are written.
    #[must_use]
    pub const fn form(mut self, form: OpenedForm) -> Self {
        self.form = form;
        self
    }

    /// The longest event, in bytes.
    #[must_use]
    pub const fn max_event_bytes(mut self, bytes: usize) -> Self {
        self.max_event_bytes = bytes;
        self
    }

    /// Opens every blob.
    ///
    /// # Errors
    ///
    /// [`ArchiveError`]: when the log cannot be read, the output not written, or an event is too long. What
    /// does not open is no error.
    pub fn open<R: Read + Send>(
        &self,
        log: LogReader<R>,
        mut writer: impl Write,
        opener: &Opener,
    ) -> Result<Summary, ArchiveError> {
        let work = Open { opener, moved: self.moved, form: self.form };
        pipeline::run(self.feed(log), &work, &mut writer)
    }

    /// Opens every blob and seals it to `key`. Version 4 stays version 4, with its binding; also one that
    /// stands in another event's row, which [`Summary::moved`] counts. The versions before become version 3,
    /// bound to nothing, or with [`UnboundBlobs::BindToRow`] version 4 where a `binding` stands beside them that
    /// is the row's. An X-Wing key has no version 3: what would become that stays as it is, as
    /// [`Refused::MissingBinding`](super::Refused::MissingBinding).
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn rewrap<R: Read + Send>(
        &self,
        log: LogReader<R>,
        mut writer: impl Write,
        opener: &Opener,
        key: &PublicKey,
    ) -> Result<Summary, ArchiveError> {
        let work = Reseal { opener, key, unbound: self.unbound };
        let mut summary = pipeline::run(self.feed(log), &work, &mut writer)?;
        summary.is_rewrap = true;
        Ok(summary)
    }

    /// Looks at every blob, without any key.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn inspect<R: Read + Send>(&self, log: LogReader<R>) -> Result<Inventory, ArchiveError> {
        pipeline::run(self.feed(log), &Inspect, &mut io::sink())
    }

    fn feed<R: Read>(&self, log: LogReader<R>) -> Feed<R> {
        Feed::new(log, self.format, self.max_event_bytes)
    }
}

impl Tally for Summary {
    fn merge(&mut self, other: Self) {
        self.merge(other);
    }

    fn events(&mut self, count: u64) {
        self.events += count;
    }

    fn not_json(&mut self, number: u64) {
        self.not_json += 1;
        self.first_not_json = self.first_not_json.or(Some(number));
    }
}
