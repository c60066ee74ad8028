//! What can be asked of a store, and how it answers.

use ipnet::IpNet;

use super::{EventId, EventTime, Field, Intake, StoredEvent};

/// From the first moment to before the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    /// The first moment.
    pub from: EventTime,
    /// The first moment that is no longer part of it.
    pub until: EventTime,
}

impl TimeRange {
    /// Whether a moment is in it.
    #[must_use]
    pub const fn contains(self, at: EventTime) -> bool {
        self.from.0 <= at.0 && at.0 < self.until.0
    }

    /// The part of it that is also in `other`; empty ranges begin where they end.
    #[must_use]
    pub fn within(self, other: Self) -> Self {
        let from = self.from.max(other.from);
        Self { from, until: self.until.min(other.until).max(from) }
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.from.0 >= self.until.0
    }
}

/// What every event of an answer fulfils: all conditions at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The conditions.
    pub conditions: Vec<Condition>,
    /// The doors that are looked at; none given means all.
    pub intakes: Vec<Intake>,
    /// Events with matched data only, or without it only: with a blob, or a text that stands in its place.
    pub matched_data: Option<bool>,
}

/// One condition on one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The field.
    pub field: Field,
    /// What its value is compared with.
    pub test: Test,
    /// Whether events that pass the test are wanted or unwanted.
    pub sense: Sense,
}

/// Whether a condition takes in or leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sense {
    /// Events whose value passes the test. One without the field does not.
    Include,
    /// Events whose value does not pass the test. One without the field stays in.
    Exclude,
}

/// How a value is compared. Any one of the listed is enough; where none is listed, nothing passes. Nor does
/// a value of a field that a test is not made for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Test {
    /// Equal, byte by byte; for integers and addresses, in their canonical text. A text that is no
    /// [value of the field](super::FieldValues::is_valid) equals nothing.
    AnyOf(Vec<String>),
    /// Begins with one of them, byte by byte. Texts only.
    Prefix(Vec<String>),
    /// `*` stands for any text, the empty one too; ASCII letters match in either case; nothing else is
    /// special. Texts only.
    Wildcard(Vec<String>),
    /// In one of the networks, whatever their host bits. Addresses only; a network holds addresses of its
    /// own version alone: `::/0` no IPv4 address.
    InNetworks(Vec<IpNet>),
}

/// Which batches an answer may come from: what was visible when the first page was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The greatest batch number that had been given out.
    pub last: u64,
    /// The batches up to it that were not committed then, ascending:
    /// [`MAX_OPEN_BATCHES`](super::limits::MAX_OPEN_BATCHES) at most, and those before them that a crash left
    /// and that are being deleted.
    pub pending: Vec<u64>,
}

impl Snapshot {
    /// Whether a batch belongs to it.
    #[must_use]
    pub fn contains(&self, batch: u64) -> bool {
        batch <= self.last && self.pending.binary_search(&batch).is_err()
    }
}

/// Where a page ended. The next one holds what is older, of the same snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The time of the last event that was looked at.
    pub at: EventTime,
    /// Its id: events of one moment are ordered by id, descending.
    pub id: EventId,
    /// What the first page saw.
    pub snapshot: Snapshot,
}

/// How much a query may look at. Whatever it says, a page moves on by one event at least, so that paging
/// always comes to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Rows.
    pub rows: u64,
    /// Milliseconds.
    pub ms: u64,
}

/// Events by time, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageQuery {
    /// When they happened.
    pub range: TimeRange,
    /// What they fulfil.
    pub filter: Filter,
    /// How many at most; not 0.
    pub limit: usize,
    /// Where the page before ended.
    pub after: Option<Cursor>,
    /// How much may be looked at.
    pub budget: Budget,
}

/// An answer to a [`PageQuery`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The events, by time and id, descending; each id once.
    pub events: Vec<StoredEvent>,
    /// Where to go on; `None` when nothing older is left. A full page may be followed by an empty one.
    pub next: Option<Cursor>,
    /// Set when the budget ended the search: everything of the range from this moment on was looked at,
    /// events of the moment before perhaps in part.
    pub scanned_until: Option<EventTime>,
    /// What the answer was drawn from.
    pub snapshot: Snapshot,
}

/// Counts by interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistogramQuery {
    /// When the events happened.
    pub range: TimeRange,
    /// What they fulfil.
    pub filter: Filter,
    /// The length of a bucket in seconds; not 0. Buckets begin at multiples of it since 1970.
    pub interval_s: u64,
    /// The field whose values get a series each; `None` for one series of all.
    pub group: Option<Field>,
    /// How many series at most: those with the most events. The others are added up.
    pub max_groups: usize,
    /// How much may be looked at.
    pub budget: Budget,
}

/// An answer to a [`HistogramQuery`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    /// Where each bucket begins, ascending, without gaps. The first and the last may reach beyond the
    /// range; they count what is in it. An empty range has none.
    pub buckets: Vec<EventTime>,
    /// One series for each value that occurs, by total, descending, then by value, byte by byte, an absent
    /// one first. Without a group one series, zeros too.
    pub series: Vec<Series>,
    /// The sum of the values that got no series, if any did not.
    pub other: Option<Vec<u64>>,
    /// Whether all was counted.
    pub exactness: Exactness,
}

/// Counts of one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// The value, an integer or an address in its canonical text; `None` where events lack the field, or
    /// for the one series of all.
    pub value: Option<String>,
    /// A count for each bucket.
    pub counts: Vec<u64>,
}

/// The most frequent values of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopQuery {
    /// When the events happened.
    pub range: TimeRange,
    /// What they fulfil.
    pub filter: Filter,
    /// The field.
    pub field: Field,
    /// How many values; not 0.
    pub limit: usize,
    /// How much may be looked at.
    pub budget: Budget,
}

/// An answer to a [`TopQuery`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Top {
    /// Values with their counts, by count, descending, then by value, byte by byte. Events without the field are not
    /// counted.
    pub values: Vec<(String, u64)>,
    /// Whether all was counted.
    pub exactness: Exactness,
}

/// Whether an answer counts all that it was asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exactness {
    /// It does.
    Exact,
    /// The budget ended the count: events before this moment are missing.
    Partial {
        /// Everything of the range from this moment on was counted.
        scanned_until: EventTime,
    },
    /// Counts are lower bounds, each by at most this much: lists of closed partitions were merged.
    AtLeast {
        /// The greatest error of a count.
        error: u64,
    },
}
