//! Pages of events.

use super::Ask;
use super::budget::Looking;
use super::merge::{Merge, Next};
use super::pool::Reading;
use super::rows::Fetch;
use super::scan::{Scan, Visible};
use super::segment::{Key, days};
use super::source::MIN_STEP;
use crate::collector::limits::MAX_PAGE_BYTES;
use crate::collector::query::{Cursor, Page, PageQuery, TimeRange};
use crate::collector::store::StoreError;
use crate::collector::store::sqlite::partitions::Partition;
use crate::collector::{EventTime, StoredEvent};

/// Rows of a first step, at most: a page's length, where every row passes.
const MAX_FIRST_STEP: u64 = 1_024;

/// A page from partitions that are given newest first.
pub(super) fn page(ask: &Ask, query: &PageQuery, looking: Looking) -> Result<Page, StoreError> {
    let now = ask.snapshot.clone();
    let asked = query.after.as_ref().map_or_else(|| now.clone(), |cursor| cursor.snapshot.clone());
    let mut work = Work { events: Vec::new(), bytes: 0, limit: query.limit };
    let end = Key::first_of(query.range.until);
    let below = query.after.as_ref().map_or(end, |cursor| end.min(Key::of(cursor)));
    let first_step = u64::try_from(query.limit).unwrap_or(u64::MAX).clamp(MIN_STEP, MAX_FIRST_STEP);
    let visible = Visible { asked: asked.clone(), now };
    let bounds = (query.range.from, below);
    let mut scan = Scan::of_events(&query.filter, visible, bounds, looking, first_step);

    let mut ended = Ended::AtEnd;
    let mut left = ask.partitions.iter().filter(|partition| is_due(partition, bounds)).peekable();
    while let Some(partition) = left.next() {
        let Some(reading) = ask.pool.read(partition)? else { continue };
        ended = work.take_from(&reading, &mut scan)?;
        match ended {
            // The last one: that nothing is left is known for certain.
            Ended::Full(_, IsLast::Yes) if left.peek().is_none() => ended = Ended::AtEnd,
            Ended::AtEnd => continue,
            _ => {}
        }
        break;
    }
    let cursor = |key: Key| Some(Cursor { at: key.at, id: key.id, snapshot: asked.clone() });
    let (next, scanned_until) = match ended {
        Ended::AtEnd => (None, None),
        Ended::Full(key, _) => (cursor(key), None),
        Ended::Stopped(key) => (cursor(key), Some(key.looked_at_from())),
    };
    Ok(Page { events: work.events, next, scanned_until, snapshot: asked })
}

/// Whether a partition may hold events of the range below the cursor.
fn is_due(partition: &Partition, (from, below): (EventTime, Key)) -> bool {
    days(TimeRange { from, until: below.looked_at_from() }).contains(&partition.day())
}

/// How the look at a partition ended.
#[derive(Clone, Copy, Debug)]
enum Ended {
    /// Nothing is left in it.
    AtEnd,
    /// The page is full, with the event of this key.
    Full(Key, IsLast),
    /// The budget is used up.
    Stopped(Key),
}

#[derive(Clone, Copy, Debug)]
enum IsLast {
    Yes,
    Unknown,
}

struct Work {
    events: Vec<StoredEvent>,
    bytes: usize,
    limit: usize,
}

impl Work {
    fn take_from(&mut self, reading: &Reading, scan: &mut Scan<'_>) -> Result<Ended, StoreError> {
        let mut merge = Merge::new(reading, scan)?;
        let mut fetch = Fetch::default();
        loop {
            let found = match merge.next(scan)? {
                Next::Found(found) => found,
                Next::Stopped(key) => return Ok(Ended::Stopped(key)),
                Next::End => return Ok(Ended::AtEnd),
            };
            let event = fetch.event(reading, found.segment, found.key)?;
            self.bytes = self.bytes.saturating_add(event.event.bytes());
            self.events.push(event);
            if self.events.len() >= self.limit || self.bytes >= MAX_PAGE_BYTES {
                let is_last = if merge.is_at_end() { IsLast::Yes } else { IsLast::Unknown };
                return Ok(Ended::Full(found.key, is_last));
            }
        }
    }
}

impl Key {
    fn of(cursor: &Cursor) -> Self {
        Self { at: cursor.at, id: cursor.id }
    }
}
