//! The text of a cursor: what a client hands back for the next page.
//!
//! A cursor holds no secret and proves nothing. A store shows what it allows *and* what is visible now, to the
//! tenant of the credential: a made-up cursor skips events, and shows none that is not to be seen.

use base64ct::{Base64UrlUnpadded, Encoding};

use super::limits::MAX_OPEN_BATCHES;
use super::query::{Cursor, Snapshot};
use super::{EventId, EventTime};

/// The first byte: a cursor of another form is no cursor.
const VERSION: u8 = 1;
/// Version, time, id, last batch, how many are pending.
const HEAD_BYTES: usize = 1 + 8 + 16 + 8 + 1;
const MAX_BYTES: usize = HEAD_BYTES + 8 * MAX_OPEN_BATCHES;

impl Cursor {
    /// The longest text that a cursor has.
    pub const MAX_TEXT_BYTES: usize = MAX_BYTES.div_ceil(3) * 4;

    /// Its text: base64url, 46 characters and 11 for each batch that was pending. Of more than
    /// [`MAX_OPEN_BATCHES`] it names the latest.
    #[must_use]
    pub fn to_text(&self) -> String {
        let pending = self.latest_pending();
        let mut bytes = Vec::with_capacity(MAX_BYTES);
        bytes.push(VERSION);
        bytes.extend(self.at.0.to_be_bytes());
        bytes.extend(self.id.0);
        bytes.extend(self.snapshot.last.to_be_bytes());
        bytes.push(u8::try_from(pending.len()).unwrap_or(u8::MAX));
        bytes.extend(pending.iter().flat_map(|batch| batch.to_be_bytes()));
        Base64UrlUnpadded::encode_string(&bytes)
    }

    /// More than [`MAX_OPEN_BATCHES`] are pending when a start found many that were never committed. Those came
    /// first, are deleted, and never become visible: nobody has to remember them.
    fn latest_pending(&self) -> &[u64] {
        let pending = &self.snapshot.pending;
        pending.get(pending.len().saturating_sub(MAX_OPEN_BATCHES)..).unwrap_or_default()
    }

    /// Reads what [`to_text`](Self::to_text) writes; `None` for any other text.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        if text.len() > Self::MAX_TEXT_BYTES {
            return None;
        }
        let bytes = Base64UrlUnpadded::decode_vec(text).ok()?;
        let mut rest = bytes.as_slice();
        let [VERSION] = take(&mut rest)? else { return None };
        let at = EventTime(i64::from_be_bytes(take(&mut rest)?));
        let id = EventId(take(&mut rest)?);
        let last = u64::from_be_bytes(take(&mut rest)?);
        let [count] = take(&mut rest)?;
        let pending = (0..count)
            .map(|_| take(&mut rest).map(u64::from_be_bytes))
            .collect::<Option<Vec<_>>>()?;
        let ascending = pending.is_sorted_by(|left, right| left < right);
        let known = pending.last().is_none_or(|greatest| *greatest <= last);
        let fits = pending.len() <= MAX_OPEN_BATCHES && rest.is_empty();
        (fits && ascending && known).then_some(Self {
            at,
            id,
            snapshot: Snapshot { last, pending },
        })
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}
