//! `batch_log`: what is known of batches, by every collector on the database.
//!
//! A batch's intent is there before its first row, its commit after its last. Queries see the batches that
//! have a commit. What has an intent and nothing else is under way, or was when its collector died.

use clickhouse::Row;
use serde::Serialize;

use super::client::{Database, Fault};
use crate::collector::{EventTime, TenantId};

/// The seconds that intents stay in the log: longer than any batch is under way.
const INTENT_S: i64 = 90 * 86_400;

/// What is said about a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Rows may come.
    Intent,
    /// Its rows are visible.
    Committed,
    /// Its rows never are.
    GivenUp,
}

impl State {
    const fn number(self) -> u8 {
        match self {
            Self::Intent => 0,
            Self::Committed => 1,
            Self::GivenUp => 2,
        }
    }
}

/// A batch, as the log knows it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) tenant: TenantId,
    pub(super) batch: u64,
    /// The number under which it was acknowledged, if it waited in the spool; 0 if it did not.
    pub(super) spooled_as: u64,
    pub(super) rows: u64,
    /// The first and the last moment of its rows.
    pub(super) span: Option<(EventTime, EventTime)>,
    /// When the last of its rows expires, in Unix seconds.
    pub(super) expire_at: u32,
}

#[derive(Row, Serialize)]
struct LogRow {
    state: u8,
    tenant: String,
    batch: u64,
    spooled_as: u64,
    rows: u64,
    min_at: i64,
    max_at: i64,
    written_at: i64,
    expire_at: u32,
}

impl Entry {
    /// Writes what has become of the batch. To write it twice does nothing.
    pub(super) async fn write(
        &self,
        database: &Database,
        state: State,
        now_ms: i64,
    ) -> Result<(), Fault> {
        let (min_at, max_at) = self.span.unwrap_or_default();
        let expire_at = match state {
            State::Committed => self.expire_at,
            // Rows of it may still be on the way: it is known as given up for as long as they could stay.
            State::Intent | State::GivenUp => {
                u32::try_from(now_ms.div_euclid(1_000).saturating_add(INTENT_S))
                    .unwrap_or(u32::MAX)
                    .max(self.expire_at)
            }
        };
        let row = LogRow {
            state: state.number(),
            tenant: self.tenant.to_string(),
            batch: self.batch,
            spooled_as: self.spooled_as,
            rows: self.rows,
            min_at: min_at.0,
            max_at: max_at.0,
            written_at: now_ms,
            expire_at,
        };
        let token = format!("log:{}:{}", self.batch, row.state);
        database.insert::<LogRow>("batch_log", &[row], &token).await
    }
}
