//! Commits, remembered in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use wafpass::collector::catalogue::{BatchKey, BatchRecord, Ledger, RecordedBatch};
use wafpass::collector::store::{BatchId, StoreError};

/// How long a content names a batch, in milliseconds.
const CONTENT_MS: i64 = 3_600_000;

/// A ledger that lasts as long as the test.
#[derive(Debug, Default)]
pub(crate) struct MemoryLedger {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    reserved: u64,
    batches: BTreeMap<u64, BatchRecord>,
    failing: bool,
}

impl MemoryLedger {
    /// From now on nothing can be recorded, or it can again.
    pub(crate) fn set_failing(&self, failing: bool) {
        self.state.lock().unwrap().failing = failing;
    }

    /// What was recorded, by number.
    pub(crate) fn batches(&self) -> BTreeMap<u64, BatchRecord> {
        self.state.lock().unwrap().batches.clone()
    }
}

impl Ledger for MemoryLedger {
    fn record(&self, batches: &[(BatchId, BatchRecord)]) -> Result<(), StoreError> {
        let mut state = self.state.lock().unwrap();
        if state.failing {
            return Err(StoreError::Full);
        }
        state.batches.extend(batches.iter().map(|(batch, record)| (batch.0, record.clone())));
        Ok(())
    }

    fn recorded(&self, batches: &[BatchId]) -> Result<Vec<BatchId>, StoreError> {
        let state = self.state.lock().unwrap();
        Ok(batches.iter().copied().filter(|batch| state.batches.contains_key(&batch.0)).collect())
    }

    fn reserve(&self, ahead: u64) -> Result<u64, StoreError> {
        let mut state = self.state.lock().unwrap();
        let before = state.reserved;
        state.reserved += ahead;
        Ok(before)
    }

    fn by_key(&self, record: &BatchRecord) -> Result<Option<RecordedBatch>, StoreError> {
        let state = self.state.lock().unwrap();
        let is_same = |known: &BatchRecord| match &record.key {
            BatchKey::Given(_) => known.key == record.key,
            _ => {
                known.key == BatchKey::Content
                    && known.body_hash == record.body_hash
                    && record.received_ms - known.received_ms < CONTENT_MS
            }
        };
        let found = state.batches.iter().rev().find(|(_, known)| {
            known.tenant == record.tenant && known.intake == record.intake && is_same(known)
        });
        Ok(found.map(|(batch, known)| RecordedBatch {
            batch: *batch,
            body_hash: known.body_hash,
            received_ms: known.received_ms,
            counts: known.counts,
        }))
    }
}
