//! What a tenant takes, as it was last counted: what its quota is held against.

use std::sync::Arc;

use axum::http::StatusCode;
use tokio::sync::Mutex;

use super::admission::Reception;
use crate::clock::monotonic;
use crate::collector::TenantId;
use crate::collector::api::Problem;
use crate::collector::catalogue::TenantSettings;
use crate::collector::limits::USAGE_AGE_MS;
use crate::collector::store::{Store, StoreError};

/// A tenant's count.
#[derive(Debug, Default)]
pub(super) struct Count {
    /// What the last count that came to its end said.
    bytes: Option<u64>,
    /// Why there is none.
    fault: Option<StoreError>,
    /// When it was counted, or tried, last.
    tried_ms: Option<i64>,
    tries: u64,
    /// Held by the one who counts.
    counting: Arc<Mutex<()>>,
}

impl Count {
    /// Where it is not older than ten seconds, nor much later than now: then a clock was set back. It is a little
    /// later for a batch that came while it was counted.
    fn fresh(&self, now_ms: i64) -> Option<u64> {
        let age_ms = self.tried_ms.map(|tried_ms| now_ms.saturating_sub(tried_ms));
        self.bytes.filter(|_| {
            age_ms.is_some_and(|age_ms| (-USAGE_AGE_MS..USAGE_AGE_MS).contains(&age_ms))
        })
    }

    /// What came of a try that ended after so many.
    fn after(&self, tries: u64) -> Option<Result<u64, StoreError>> {
        let outcome = || self.bytes.ok_or_else(|| self.fault.clone().unwrap_or(StoreError::Closed));
        (self.tries != tries).then(outcome)
    }

    /// A store that cannot count now is no reason to refuse what comes in: the last count stands.
    fn note(&mut self, counted: Result<u64, StoreError>, now_ms: i64) -> Result<u64, StoreError> {
        (self.tries, self.tried_ms) = (self.tries.wrapping_add(1), Some(now_ms));
        match counted {
            Ok(bytes) => (self.bytes, self.fault) = (Some(bytes), None),
            Err(error) if self.bytes.is_none() => self.fault = Some(error),
            Err(error) => tracing::warn!(%error, "what a tenant takes cannot be counted now"),
        }
        self.bytes.ok_or_else(|| self.fault.clone().unwrap_or(StoreError::Closed))
    }
}

impl Reception {
    /// Whether the tenant has space left, by a count that is not older than ten seconds; by the last one where
    /// the store cannot count now.
    pub(super) async fn check_quota(
        &self,
        store: &dyn Store,
        tenant: &TenantId,
        settings: &TenantSettings,
        now_ms: i64,
    ) -> Result<(), Problem> {
        let Some(quota) = settings.quota_bytes else { return Ok(()) };
        if self.stored_bytes(store, tenant, now_ms).await? < quota {
            return Ok(());
        }
        let detail =
            "delete events, shorten the retention, or have the quota raised; then send it again";
        let status = StatusCode::INSUFFICIENT_STORAGE;
        Err(Problem::new(status, "quota", "the tenant's quota is used up", detail).retry_after(60))
    }

    /// One batch counts; the others take the count before, or wait where there is none.
    async fn stored_bytes(
        &self,
        store: &dyn Store,
        tenant: &TenantId,
        now_ms: i64,
    ) -> Result<u64, StoreError> {
        let (fresh, last, tries, counting) = self.with_count(tenant, |count| {
            (count.fresh(now_ms), count.bytes, count.tries, Arc::clone(&count.counting))
        });
        if let Some(bytes) = fresh {
            return Ok(bytes);
        }
        let _alone = match (counting.try_lock(), last) {
            (Ok(alone), _) => alone,
            (Err(_), Some(last)) => return Ok(last),
            (Err(_), None) => counting.lock().await,
        };
        if let Some(outcome) = self.with_count(tenant, |count| count.after(tries)) {
            return outcome;
        }
        let started = monotonic();
        let counted = store.stored_bytes(tenant).await;
        // It stands from when it ended: a store that answers slowly is not asked by every batch.
        let took_ms = monotonic().saturating_duration_since(started).as_millis();
        let ended_ms = now_ms.saturating_add(i64::try_from(took_ms).unwrap_or(i64::MAX));
        self.with_count(tenant, |count| count.note(counted, ended_ms))
    }
}
