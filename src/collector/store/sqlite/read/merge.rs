//! The segments of a partition, merged: newest first, each event once.
//!
//! A segment is looked at only when its turn comes: one that is older than what is wanted is never
//! opened. Where segments do not overlap in time, that makes one after the other.

use std::collections::BinaryHeap;

use super::plan;
use super::pool::Reading;
use super::scan::Scan;
use super::segment::{Key, Segment};
use super::source::{Found, Source};
use crate::collector::query::TimeRange;
use crate::collector::store::StoreError;

/// What comes next.
#[derive(Debug)]
pub(super) enum Next {
    /// An event.
    Found(Found),
    /// The budget ended here: all from this key on was looked at.
    Stopped(Key),
    /// There is no more.
    End,
}

/// Ways through the segments of one partition.
#[derive(Debug)]
pub(super) struct Merge<'r> {
    reading: &'r Reading,
    /// Those whose turn has not come.
    segments: Vec<Segment>,
    sources: Vec<Source>,
    turns: BinaryHeap<Turn>,
    last: Option<Key>,
}

/// Whose turn it is: the greatest key first. A row that was found at a key goes before whatever is below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    key: Key,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// A segment whose rows are all below the key.
    Segment(usize),
    /// A source whose rows are all below the key, the next step being due.
    Step(usize),
    /// A source that has found a row with the key.
    Found(usize),
}

impl<'r> Merge<'r> {
    /// Begins at the newest event.
    pub(super) fn new(reading: &'r Reading, scan: &Scan<'_>) -> Result<Self, StoreError> {
        // The key below which all is may be in the midst of a moment.
        let until = scan.below.looked_at_from();
        let segments = Segment::within(reading, TimeRange { from: scan.from, until })?;
        let turn = |(place, segment): (usize, &Segment)| Turn {
            key: scan.below.min(segment.above()),
            what: What::Segment(place),
        };
        let turns = segments.iter().enumerate().map(turn).collect();
        Ok(Self { reading, segments, sources: Vec::new(), turns, last: None })
    }

    /// The next event that passes.
    pub(super) fn next(&mut self, scan: &mut Scan<'_>) -> Result<Next, StoreError> {
        while let Some(Turn { key, what }) = self.turns.pop() {
            if !matches!(what, What::Found(_)) && scan.has_to_stop(key) {
                // Whoever asks again gets the same answer.
                self.turns.push(Turn { key, what });
                return Ok(Next::Stopped(key));
            }
            match what {
                What::Segment(place) => self.open(place, key, scan)?,
                What::Step(place) => {
                    if let Some(source) = self.sources.get_mut(place) {
                        source.advance(self.reading, scan)?;
                    }
                    self.line_up(place);
                }
                What::Found(place) => {
                    let found = self.sources.get_mut(place).and_then(Source::pop);
                    self.line_up(place);
                    // The same event may stand in two segments, or be reached by two ways.
                    if let Some(found) = found.filter(|found| self.last != Some(found.key)) {
                        self.last = Some(found.key);
                        return Ok(Next::Found(found));
                    }
                }
            }
        }
        Ok(Next::End)
    }

    /// Whether nothing is left, for certain.
    pub(super) fn is_at_end(&self) -> bool {
        self.turns.is_empty()
    }

    fn open(&mut self, place: usize, below: Key, scan: &mut Scan<'_>) -> Result<(), StoreError> {
        let Some(segment) = self.segments.get(place).copied() else { return Ok(()) };
        let ways = plan::ways(self.reading, &segment, scan)?;
        for access in &ways {
            self.sources.push(Source::new(&segment, access, ways.len(), scan, below));
            self.line_up(self.sources.len().saturating_sub(1));
        }
        Ok(())
    }

    fn line_up(&mut self, place: usize) {
        let Some(source) = self.sources.get(place) else { return };
        let found = source.head().map(|found| Turn { key: found.key, what: What::Found(place) });
        let step = || source.frontier().map(|key| Turn { key, what: What::Step(place) });
        self.turns.extend(found.or_else(step));
    }
}
