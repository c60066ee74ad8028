use std::collections::BTreeMap;

use super::super::{Blob, KeyId, Suite};
use super::opened::Sealed;
use super::rewrite::{Edit, Tally, Work};
use super::site::Site;
use super::summary::Left;

/// What blobs an archive holds, as far as can be seen without a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inventory {
    /// Events that were read, with a blob or without.
    pub events: u64,
    /// Lines that are no JSON.
    pub not_json: u64,
    /// The number of the first of them, from 1.
    pub first_not_json: Option<u64>,
    kinds: BTreeMap<BlobKind, Amount>,
    refused: BTreeMap<Left, u64>,
}

/// What blobs are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct BlobKind {
    /// The version, 1 to 4.
    pub version: u8,
    /// The suite.
    pub suite: Suite,
    /// The key, as the blob says itself; `None` before version 4.
    pub key_id: Option<KeyId>,
}

/// How much there is of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Amount {
    /// How many blobs.
    pub blobs: u64,
    /// Their length together, decoded.
    pub bytes: u64,
    /// Those of version 4 that have no well-formed binding beside them.
    pub without_binding: u64,
}

impl BlobKind {
    /// The kind of a blob.
    #[must_use]
    pub fn of(blob: &Blob) -> Self {
        Self { version: blob.version(), suite: blob.suite(), key_id: blob.key_id() }
    }
}

impl Inventory {
    /// The blobs by kind, the oldest version first.
    pub fn kinds(&self) -> impl Iterator<Item = (BlobKind, Amount)> {
        self.kinds.iter().map(|(kind, amount)| (*kind, *amount))
    }

    /// What stands in place of a blob and is none, by reason.
    pub fn refused(&self) -> impl Iterator<Item = (Left, u64)> {
        self.refused.iter().map(|(left, count)| (*left, *count))
    }

    /// Adds another archive.
    pub fn merge(&mut self, other: Self) {
        self.events += other.events;
        self.not_json += other.not_json;
        self.first_not_json = self.first_not_json.or(other.first_not_json);
        for (kind, amount) in other.kinds {
            let sum = self.kinds.entry(kind).or_default();
            sum.blobs += amount.blobs;
            sum.bytes += amount.bytes;
            sum.without_binding += amount.without_binding;
        }
        for (left, count) in other.refused {
            *self.refused.entry(left).or_default() += count;
        }
    }
}

/// Looks at every blob.
pub(super) struct Inspect;

impl Work for Inspect {
    type Tally = Inventory;

    fn blob(&self, text: &[u8], site: &Site, tally: &mut Inventory) -> Option<Edit> {
        match Sealed::at(site, text)? {
            Ok(sealed) => {
                let amount = tally.kinds.entry(BlobKind::of(&sealed.blob)).or_default();
                amount.blobs += 1;
                amount.bytes += super::feed::wide(sealed.blob.len());
                let lacks_binding = sealed.is_bound() && sealed.binding().is_none();
                amount.without_binding += u64::from(lacks_binding);
            }
            Err(left) => *tally.refused.entry(left).or_default() += 1,
        }
        None
    }
}

impl Tally for Inventory {
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
