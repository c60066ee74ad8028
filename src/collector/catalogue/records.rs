//! What the catalogue keeps about batches, and who may do what.

use crate::collector::{Intake, TenantId};

/// What becomes durable with a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRecord {
    /// Whose it is.
    pub tenant: TenantId,
    /// By which door it came.
    pub intake: Intake,
    /// Under which name a repeat of it is known.
    pub key: BatchKey,
    /// A keyed hash of its inflated body.
    pub body_hash: [u8; 32],
    /// When it was received, in milliseconds since 1970.
    pub received_ms: i64,
    /// How many events it brought.
    pub counts: BatchCounts,
    /// The lines that were set aside; at most
    /// [`MAX_QUARANTINED_PER_BATCH`](crate::collector::limits::MAX_QUARANTINED_PER_BATCH) of them are listed, the counts have all.
    pub quarantined: Vec<Quarantined>,
}

/// Under which name a repeat of a batch is known, within its tenant and intake.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BatchKey {
    /// The sender's `Idempotency-Key`, or Firehose's request id. The same with another body is refused.
    Given(String),
    /// Its content, for an hour: the sender names it by nothing else.
    Content,
}

/// How many events a batch brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchCounts {
    /// Stored by it.
    pub stored: u64,
    /// Left out, because they were there already.
    pub repeated: u64,
    /// Set aside.
    pub quarantined: u64,
    /// Inflated bytes of the body.
    pub bytes: u64,
}

/// A batch that was committed before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedBatch {
    /// Its number.
    pub batch: u64,
    /// A keyed hash of its inflated body.
    pub body_hash: [u8; 32],
    /// When it was received, in milliseconds since 1970.
    pub received_ms: i64,
    /// How many events it brought.
    pub counts: BatchCounts,
}

/// A line that was set aside: all of it but its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// Its number in the inflated body, from 1.
    pub line: u64,
    /// What was wrong.
    pub code: QuarantineCode,
    /// How long it was.
    pub bytes: u64,
}

/// Why a line was set aside, or a batch refused for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QuarantineCode {
    /// It is no JSON object, or nests too deep.
    NotJson,
    /// It is longer than a line may be.
    TooLong,
    /// A member that may stand once stands twice.
    Duplicate,
    /// A member has a type that it cannot have.
    WrongType,
    /// It has no `Datetime`, or one that is no moment.
    NoTime,
    /// It happened before the retention began.
    TooOld,
    /// It is dated too far ahead.
    TooNew,
    /// Clear text, or anything else that is no blob, stands where a blob is due.
    NotSealed,
    /// Its binding names another tenant.
    OtherTenant,
    /// It holds what looks like a private key.
    PrivateKey,
}

impl QuarantineCode {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::NotJson,
        Self::TooLong,
        Self::Duplicate,
        Self::WrongType,
        Self::NoTime,
        Self::TooOld,
        Self::TooNew,
        Self::NotSealed,
        Self::OtherTenant,
        Self::PrivateKey,
    ];

    /// Its stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotJson => "not-json",
            Self::TooLong => "too-long",
            Self::Duplicate => "duplicate-member",
            Self::WrongType => "wrong-type",
            Self::NoTime => "no-time",
            Self::TooOld => "too-old",
            Self::TooNew => "too-new",
            Self::NotSealed => "not-sealed",
            Self::OtherTenant => "other-tenant",
            Self::PrivateKey => "private-key",
        }
    }

    /// The one with this code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.code() == code)
    }
}

/// Who sent a request, as its credential says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Whose data it may touch.
    pub tenant: TenantId,
    /// What it may do.
    pub scopes: Scopes,
    /// Which token it was: public, for logs.
    pub token_id: String,
}

/// One thing that a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// Send events.
    Ingest,
    /// Ask for events.
    Read,
    /// Delete events, change retention and policy. No token changes a rate or a quota.
    Admin,
    /// Register public keys.
    Keys,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ingest, Self::Read, Self::Admin, Self::Keys];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Admin => "admin",
            Self::Keys => "keys",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Ingest => 1,
            Self::Read => 2,
            Self::Admin => 4,
            Self::Keys => 8,
        }
    }
}

/// What a token may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// Those that are listed.
    #[must_use]
    pub fn of(scopes: &[Scope]) -> Self {
        Self(scopes.iter().fold(0, |bits, scope| bits | scope.bit()))
    }

    /// Whether this is one of them.
    #[must_use]
    pub const fn allow(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// As the catalogue keeps them. Bits that this build does not know allow nothing.
    pub(super) const fn bits(self) -> u8 {
        self.0
    }

    /// The way back.
    pub(super) const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// Those that are set.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.allow(*scope))
    }
}
