//! One event, as it comes in and as it is stored.

use std::fmt;

use super::{Field, FieldValues};

/// When an event happened, in nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventTime(pub i64);

impl EventTime {
    /// The moment `ms` milliseconds after 1970.
    #[must_use]
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms.saturating_mul(1_000_000))
    }

    /// Whole milliseconds since 1970, rounded down.
    #[must_use]
    pub const fn as_ms(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Days since 1970, rounded down: which partition the event belongs to.
    #[must_use]
    pub const fn day(self) -> i64 {
        self.0.div_euclid(86_400_000_000_000)
    }
}

/// What identifies a stored event, within its tenant: a keyed hash of what identifies it to its sender,
/// or random where that is not complete.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub [u8; 16]);

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventId({self})")
    }
}

impl fmt::Display for EventId {
    /// 32 lowercase hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl EventId {
    /// Reads what [`Display`](fmt::Display) writes.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let lower = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 32 || !text.bytes().all(lower) {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(|number| Self(number.to_be_bytes()))
    }
}

/// By which door an event came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Intake {
    /// `POST /v1/events`.
    Native,
    /// Cloudflare Logpush.
    Logpush,
    /// AWS WAF, by Firehose or as lines.
    AwsWaf,
    /// Coraza's and ModSecurity's JSON audit log.
    ModSecurity,
}

impl Intake {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Native, Self::Logpush, Self::AwsWaf, Self::ModSecurity];

    /// Its stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Logpush => "logpush",
            Self::AwsWaf => "aws-waf",
            Self::ModSecurity => "modsecurity",
        }
    }

    /// Its number in the store, from 1.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Native => 1,
            Self::Logpush => 2,
            Self::AwsWaf => 3,
            Self::ModSecurity => 4,
        }
    }

    /// The one with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|intake| intake.number() == number)
    }
}

/// What has to be said about a stored event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(pub u32);

impl Flags {
    /// The payload was too large for its sender: `truncated` stands in place of a blob.
    pub const TRUNCATED: Self = Self(1);
    /// The blob is of a version or suite that this build does not know; stored as it came.
    pub const UNKNOWN_VERSION: Self = Self(1 << 1);
    /// The blob names a key that none of the tenant's active keys is.
    pub const UNKNOWN_KEY: Self = Self(1 << 2);
    /// What arrived in clear was sealed here.
    pub const SEALED_HERE: Self = Self(1 << 3);
    /// Something that arrived in clear was dropped by the tenant's policy.
    pub const DROPPED: Self = Self(1 << 4);
    /// A text looked like a private key, and was cut out.
    pub const PRIVATE_KEY_REMOVED: Self = Self(1 << 5);
    /// A text was longer than its limit, and was cut.
    pub const CUT: Self = Self(1 << 6);

    /// The flags with their stable names.
    pub const NAMES: [(Self, &'static str); 7] = [
        (Self::TRUNCATED, "truncated"),
        (Self::UNKNOWN_VERSION, "unknown-version"),
        (Self::UNKNOWN_KEY, "unknown-key"),
        (Self::SEALED_HERE, "sealed-here"),
        (Self::DROPPED, "dropped"),
        (Self::PRIVATE_KEY_REMOVED, "private-key-removed"),
        (Self::CUT, "cut"),
    ];

    /// Whether all of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Sets those of `other` as well.
    pub fn insert(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// The names of those that are set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |(flag, _)| self.contains(*flag)).map(|(_, name)| name)
    }
}

/// A blob as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SealedText {
    /// The bytes of a blob whose outside is in order; its text is their canonical base64.
    Blob(Vec<u8>),
    /// A text that stands in its place, as it came: `truncated`, or of a version unknown here.
    Other(String),
}

/// An event that has been read and checked, on its way to the store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewEvent {
    /// When it happened.
    pub at: EventTime,
    /// What identifies it.
    pub id: EventId,
    /// By which door it came.
    pub intake: Intake,
    /// Its plain metadata, by field.
    pub fields: FieldValues,
    /// `Datetime` as received: the raw JSON, a string or a number.
    pub datetime: String,
    /// Members that are no [`Field`], with their raw values, as the text of a JSON object; empty for none.
    pub rest: String,
    /// `Metadata` as the text of a JSON object without its blob; empty for none.
    pub metadata: String,
    /// What the rule matched.
    pub blob: Option<SealedText>,
    /// Clear text of the request that the tenant's policy had sealed here: a blob's bytes.
    pub sealed_request: Option<Vec<u8>>,
    /// What has to be said about it.
    pub flags: Flags,
}

impl NewEvent {
    /// An event with nothing but when, what and whence.
    #[must_use]
    pub fn new(at: EventTime, id: EventId, intake: Intake) -> Self {
        Self {
            at,
            id,
            intake,
            fields: FieldValues::default(),
            datetime: String::new(),
            rest: String::new(),
            metadata: String::new(),
            blob: None,
            sealed_request: None,
            flags: Flags::default(),
        }
    }

    /// Bytes of its texts and blobs, for what bounds memory and counts against a quota.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let blob = match &self.blob {
            Some(SealedText::Blob(bytes)) => bytes.len(),
            Some(SealedText::Other(text)) => text.len(),
            None => 0,
        };
        let sealed = self.sealed_request.as_ref().map_or(0, Vec::len);
        self.fields.bytes()
            + self.datetime.len()
            + self.rest.len()
            + self.metadata.len()
            + blob
            + sealed
    }

    /// The text of a field, where the event has it.
    #[must_use]
    pub fn get(&self, field: Field) -> Option<&str> {
        self.fields.get(field)
    }
}

/// An event as a store gives it back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredEvent {
    /// The event, as it was taken in.
    pub event: NewEvent,
    /// The batch that brought it: later batches have greater numbers.
    pub batch: u64,
}

impl StoredEvent {
    /// An event of a batch.
    #[must_use]
    pub const fn new(event: NewEvent, batch: u64) -> Self {
        Self { event, batch }
    }
}
