use std::collections::BTreeMap;
use std::fmt;

use super::super::Refused;

/// Why a blob stays in an archive as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Left {
    /// It does not open.
    Refused(Refused),
    /// It opens, and its binding is not that of the row it stands in: it was moved there.
    Moved,
    /// It, its `binding`, `Metadata` or the place where it would be written is there more than once: two
    /// readers could take the event for different things.
    DuplicateMember,
    /// It opens, and cannot be sealed to the new key: longer than
    /// [`MAX_PLAINTEXT_BYTES`](super::super::limits::MAX_PLAINTEXT_BYTES), or for version 4 ending in a
    /// space.
    NotSealed,
}

impl Left {
    /// The stable code, for reports.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Refused(refused) => refused.code(),
            Self::Moved => "moved",
            Self::DuplicateMember => "duplicate-member",
            Self::NotSealed => "not-sealed",
        }
    }
}

impl From<Refused> for Left {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// What came of an archive. Displays in one line, such as `120 events, 97 opened, 3 left as they were
/// (wrong-key 2, truncated 1)`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Events that were read, with a blob or without.
    pub events: u64,
    /// Blobs that were opened.
    pub opened: u64,
    /// Blobs that were opened and sealed to the new key.
    pub resealed: u64,
    /// Blobs that were for the new key already.
    pub sealed_already: u64,
    /// Of those opened or resealed, the ones of version 1 to 3: nothing shows that they belong to the event
    /// they stand in.
    pub unbound: u64,
    /// Of those opened or resealed, the ones whose binding is not that of their row.
    pub moved: u64,
    /// Lines that are no JSON.
    pub not_json: u64,
    /// The number of the first of them, from 1.
    pub first_not_json: Option<u64>,
    left: BTreeMap<Left, u64>,
    /// Whether blobs were to be sealed anew.
    pub(super) is_rewrap: bool,
}

impl Summary {
    /// Why blobs were left as they were, and how many for each reason.
    pub fn left(&self) -> impl Iterator<Item = (Left, u64)> {
        self.left.iter().map(|(left, count)| (*left, *count))
    }

    /// How many blobs were left as they were.
    #[must_use]
    pub fn left_count(&self) -> u64 {
        self.left.values().sum()
    }

    /// Whether every line was an event and every blob is as it was asked for.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.left.is_empty() && self.not_json == 0
    }

    /// Adds what came of another archive. The first line that is no JSON stays that of the first.
    pub fn merge(&mut self, other: Self) {
        self.events += other.events;
        self.opened += other.opened;
        self.resealed += other.resealed;
        self.sealed_already += other.sealed_already;
        self.unbound += other.unbound;
        self.moved += other.moved;
        self.not_json += other.not_json;
        self.first_not_json = self.first_not_json.or(other.first_not_json);
        self.is_rewrap |= other.is_rewrap;
        for (left, count) in other.left {
            *self.left.entry(left).or_default() += count;
        }
    }

    pub(super) fn leave(&mut self, left: Left) {
        *self.left.entry(left).or_default() += 1;
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.events == 1 { "" } else { "s" };
        write!(f, "{} event{plural}", self.events)?;
        if self.is_rewrap {
            write!(f, ", {} sealed to the new key", self.resealed)?;
            if self.sealed_already > 0 {
                write!(f, ", {} sealed to it before", self.sealed_already)?;
            }
        } else {
            write!(f, ", {} opened", self.opened)?;
        }
        match self.left_count() {
            1 => f.write_str(", 1 left as it was")?,
            count => write!(f, ", {count} left as they were")?,
        }
        let mut reasons: Vec<_> = self.left().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        for (place, (left, count)) in reasons.into_iter().enumerate() {
            write!(f, "{}{} {count}", if place == 0 { " (" } else { ", " }, left.code())?;
        }
        if self.left.is_empty() { Ok(()) } else { f.write_str(")") }
    }
}
