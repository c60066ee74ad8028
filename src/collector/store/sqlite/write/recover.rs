//! What a crash left behind: rows of batches that were never committed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::SqliteOptions;
use super::super::error;
use super::super::partitions::{Partition, Partitions};
use super::Step;
use super::day::Day;
use crate::collector::catalogue::Ledger;
use crate::collector::store::{BatchId, StoreError, Visibility};
use crate::collector::telemetry;

/// Rows that are deleted before the store opens: a second or two. More than that go in the background, out of
/// sight, so that a start stays quick.
const ROWS_AT_START: i64 = 200_000;

/// Batches whose rows are still to be deleted, with the partitions that hold them.
pub(super) type Leftovers = BTreeMap<BatchId, Vec<Arc<Partition>>>;

/// Clears all partitions that were written to when the store was last open. One that cannot be cleared is not
/// readable until it can; the others are.
pub(super) fn recover_all(
    partitions: &Partitions,
    options: &SqliteOptions,
    ledger: &dyn Ledger,
    visibility: &Visibility,
) -> Result<Leftovers, StoreError> {
    let mut leftovers = Leftovers::new();
    let mut room = ROWS_AT_START;
    for partition in partitions.all() {
        if !partition.marker().exists() {
            continue;
        }
        match recover(&partition, partitions, options, ledger, visibility, &mut room) {
            Ok(left) => {
                for batch in left {
                    visibility.hold(batch);
                    leftovers.entry(batch).or_default().push(Arc::clone(&partition));
                }
            }
            // A catalogue that fails is no fault of one partition.
            Err(Fault::Ledger(error)) => return Err(error),
            Err(Fault::Partition(error)) => not_recovered(&partition, &error),
        }
    }
    Ok(leftovers)
}

/// Lets nobody read a partition whose undecided rows cannot be told or deleted.
pub(super) fn not_recovered(partition: &Partition, error: &StoreError) {
    telemetry::alarm("partition");
    tracing::warn!(%error, "a partition cannot be recovered; its events cannot be read");
    partition.set_unrecovered(error);
}

/// Whose fault it is.
pub(super) enum Fault {
    Ledger(StoreError),
    Partition(StoreError),
}

fn recover(
    partition: &Arc<Partition>,
    partitions: &Partitions,
    options: &SqliteOptions,
    ledger: &dyn Ledger,
    visibility: &Visibility,
    room: &mut i64,
) -> Result<Vec<BatchId>, Fault> {
    let mut day = Day::open(Arc::clone(partition), options).map_err(Fault::Partition)?;
    let mut left = Vec::new();
    for batch in day.undecided(ledger, visibility)? {
        let rows = day.pending_rows(&[batch.0]).map_err(Fault::Partition)?;
        if rows > *room {
            left.push(batch);
            continue;
        }
        *room = room.saturating_sub(rows);
        day.erase(batch).map_err(Fault::Partition)?;
    }
    if left.is_empty() {
        day.settle(&visibility.snapshot(), partitions).map_err(Fault::Partition)?;
    }
    Ok(left)
}

impl Day {
    /// Batches that have rows here, are not under way, and were never committed.
    pub(super) fn undecided(
        &self,
        ledger: &dyn Ledger,
        visibility: &Visibility,
    ) -> Result<Vec<BatchId>, Fault> {
        let settled = self.meta("settled").map_err(Fault::Partition)?.unwrap_or(-1);
        let list = || {
            let sql = "SELECT DISTINCT batch FROM chunks WHERE batch > ?1";
            let mut statement = self.db.prepare(sql)?;
            let batches = statement.query_map([settled], |row| row.get(0).map(BatchId))?;
            batches.collect::<rusqlite::Result<Vec<_>>>()
        };
        let mut batches =
            list().map_err(|error| Fault::Partition(error::of(&error, self.partition.path())))?;
        batches.retain(|batch| !visibility.is_pending(batch.0));
        if batches.is_empty() {
            return Ok(batches);
        }
        let recorded = ledger.recorded(&batches).map_err(Fault::Ledger)?;
        batches.retain(|batch| !recorded.contains(batch));
        Ok(batches)
    }

    /// Deletes all rows of a batch.
    pub(super) fn erase(&mut self, batch: BatchId) -> Result<(), StoreError> {
        while let Step::More = self.erase_step(batch.0)? {}
        Ok(())
    }
}
