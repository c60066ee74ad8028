//! The partitions that are open for writing: the most recently used.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::SqliteOptions;
use super::super::partitions::Partition;
use super::day::Day;
use crate::collector::TenantId;
use crate::collector::store::StoreError;

/// A tenant's day.
pub(super) type Key = (TenantId, i64);

/// The key of a partition.
pub(super) fn key_of(partition: &Partition) -> Key {
    (partition.tenant().clone(), partition.day())
}

/// Bytes that the filters of open partitions may take, beside the last one used: a day of 5 million events has
/// 13 MB of them.
const MAX_FILTER_BYTES: usize = 48 << 20;

/// Open partitions.
#[derive(Debug)]
pub(super) struct Cache {
    open: HashMap<Key, (u64, Day)>,
    uses: u64,
    limit: usize,
}

impl Cache {
    /// Nothing open, and `limit` at most.
    pub(super) fn new(limit: usize) -> Self {
        Self { open: HashMap::new(), uses: 0, limit: limit.max(1) }
    }

    /// The partition, opened where it is not. Those used the longest ago are closed for it.
    pub(super) fn get(
        &mut self,
        partition: &Arc<Partition>,
        options: &SqliteOptions,
    ) -> Result<&mut Day, StoreError> {
        let key = key_of(partition);
        if !self.is_open(&key, partition) {
            self.open.remove(&key);
            while self.is_full() && self.close_oldest() {}
            let day = Day::open(Arc::clone(partition), options)?;
            self.open.insert(key.clone(), (0, day));
        }
        self.uses = self.uses.wrapping_add(1);
        match self.open.get_mut(&key) {
            Some((used, day)) => {
                *used = self.uses;
                Ok(day)
            }
            None => Err(StoreError::Busy),
        }
    }

    /// Closes a partition.
    pub(super) fn close(&mut self, key: &Key) {
        self.open.remove(key);
    }

    /// Whether a partition is open.
    pub(super) fn contains(&self, key: &Key) -> bool {
        self.open.contains_key(key)
    }

    /// A partition, if it is open.
    pub(super) fn peek(&self, key: &Key) -> Option<&Day> {
        self.open.get(key).map(|(_, day)| day)
    }

    /// Those that are open, to change them.
    pub(super) fn days_mut(&mut self) -> impl Iterator<Item = &mut Day> {
        self.open.values_mut().map(|(_, day)| day)
    }

    /// Those that are open.
    pub(super) fn days(&self) -> impl Iterator<Item = (&Key, &Day)> {
        self.open.iter().map(|(key, (_, day))| (key, day))
    }

    /// Whether this very partition is open: a day that was unlinked and began anew has another file.
    fn is_open(&self, key: &Key, partition: &Arc<Partition>) -> bool {
        self.open.get(key).is_some_and(|(_, day)| Arc::ptr_eq(&day.partition, partition))
    }

    fn is_full(&self) -> bool {
        let filters: usize = self.open.values().map(|(_, day)| day.memory()).sum();
        self.open.len() >= self.limit || filters > MAX_FILTER_BYTES
    }

    fn close_oldest(&mut self) -> bool {
        let oldest =
            self.open.iter().min_by_key(|(_, (used, _))| *used).map(|(key, _)| key.clone());
        oldest.is_some_and(|key| self.open.remove(&key).is_some())
    }
}
