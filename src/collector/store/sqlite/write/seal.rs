//! Full segments get their indexes, one a step: none holds the writer for long.

use super::super::schema::{self, INDEXED};
use super::Step;
use super::day::Day;
use super::segment::Segment;
use crate::collector::store::StoreError;

/// A closed day's last segment stays as it is below this many rows: a search reads it in a few
/// milliseconds, and late events find room in it.
const WORTH_SEALING: i64 = 5_000;

impl Day {
    /// Makes the next index of a full segment.
    pub(super) fn seal_step(&mut self) -> Result<Step, StoreError> {
        let Some(place) = self.full_unsealed().next() else { return Ok(Step::Done) };
        self.seal_segment(place)?;
        Ok(if self.backlog() == 0 { Step::Done } else { Step::More })
    }

    /// Makes the next index of any segment that deserves them, the last one too.
    pub(super) fn seal_all_step(&mut self) -> Result<Step, StoreError> {
        let worth = |segment: &Segment| !segment.sealed && segment.rows >= WORTH_SEALING;
        if let Step::More = self.seal_step()? {
            return Ok(Step::More);
        }
        match self.segments.iter().position(worth) {
            None => Ok(Step::Done),
            Some(place) => self.seal_segment(place).map(|()| Step::More),
        }
    }

    fn seal_segment(&mut self, place: usize) -> Result<(), StoreError> {
        let path = self.path().to_owned();
        let as_error = |error| super::super::error::of(&error, &path);
        let Some(segment) = self.segments.get_mut(place) else { return Ok(()) };
        if let Some(field) = INDEXED.get(segment.indexes) {
            let sql = schema::create_index(segment.number, *field);
            self.db.execute_batch(&sql).map_err(as_error)?;
            segment.indexes = segment.indexes.saturating_add(1);
        }
        if segment.indexes >= INDEXED.len() {
            let bloom = segment.bloom_bytes(&self.db).map_err(as_error)?;
            let sql = "UPDATE segments SET sealed = 1, bloom = ?2 WHERE segment = ?1";
            self.db.execute(sql, (segment.number, bloom)).map_err(as_error)?;
            segment.sealed = true;
        }
        Ok(())
    }
}
