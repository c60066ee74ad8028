//! The batches that were committed.

use super::{BatchRecord, RecordedBatch};
use crate::collector::store::{BatchId, StoreError};

/// Where commits become durable. The catalogue is one; a store writes to it as the last step of a commit.
pub trait Ledger: std::fmt::Debug + Send + Sync + 'static {
    /// Writes batches durably, all or none: one transaction, synced.
    ///
    /// # Errors
    ///
    /// [`StoreError::Full`] or [`StoreError::Failed`]; then none of them is recorded.
    fn record(&self, batches: &[(BatchId, BatchRecord)]) -> Result<(), StoreError>;

    /// Which of these batches are recorded: recovery asks for those that a store has rows of.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`].
    fn recorded(&self, batches: &[BatchId]) -> Result<Vec<BatchId>, StoreError>;

    /// A number that no batch has reached yet: numbers begin after it. It is durable before it is given
    /// out, `ahead` numbers at a time, so that a number is never used twice, not even one of a batch that
    /// was given up.
    ///
    /// # Errors
    ///
    /// [`StoreError::Full`] or [`StoreError::Failed`].
    fn reserve(&self, ahead: u64) -> Result<u64, StoreError>;

    /// The batch that was recorded under a given key.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`].
    fn by_key(&self, record: &BatchRecord) -> Result<Option<RecordedBatch>, StoreError>;
}
