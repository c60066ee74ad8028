//! Who may send now: places, rates, and what is under way. Quotas are in `quota`.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;

use super::body::Patience;
use super::quota::Count;
use crate::collector::api::Problem;
use crate::collector::catalogue::TenantSettings;
use crate::collector::limits::{
    CHUNK_BYTES, CHUNKS_BYTES, MAX_OPEN_BATCHES, MAX_OPEN_BATCHES_PER_TENANT, RATE_BURST_S,
};
use crate::collector::{Intake, TenantId};

/// What is being taken in, and how much more may be.
///
/// A sender that has to wait learns it before its body is read.
#[derive(Debug, Default)]
pub struct Reception {
    state: Mutex<State>,
    patience: Patience,
}

#[derive(Debug, Default)]
struct State {
    open: usize,
    tenants: HashMap<TenantId, Tenant>,
    under_way: HashSet<Claim>,
}

#[derive(Debug, Default)]
struct Tenant {
    open: usize,
    rate: Option<Bucket>,
    stored: Count,
}

/// Events that may come, in thousandths; below zero where more came than were allowed.
#[derive(Debug)]
struct Bucket {
    thousandths: i64,
    filled_ms: i64,
}

/// A batch that is under way, by what a repeat of it would be known by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Claim {
    pub(super) tenant: TenantId,
    pub(super) intake: Intake,
    pub(super) name: ClaimName,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum ClaimName {
    Key(String),
    Body([u8; 32]),
}

impl Reception {
    /// The same, with another patience for slow senders: the longest silence in the middle of a body, and the
    /// least speed in bytes a second, over the time that the sender was waited for.
    #[must_use]
    pub fn with_patience(self, idle: Duration, bytes_per_s: u64) -> Self {
        Self { patience: Patience { idle, bytes_per_s, ..self.patience }, ..self }
    }

    pub(super) const fn patience(&self) -> Patience {
        self.patience
    }

    /// Batches that are being taken in now.
    #[must_use]
    pub fn open(&self) -> usize {
        self.with(|state| state.open)
    }

    /// Whether a batch of this tenant is being taken in.
    pub(crate) fn is_taking(&self, tenant: &TenantId) -> bool {
        self.with(|state| state.tenants.get(tenant).is_some_and(|own| own.open > 0))
    }

    /// A place for a batch of this tenant.
    pub(super) fn admit(
        self: &Arc<Self>,
        tenant: &TenantId,
        settings: &TenantSettings,
        now_ms: i64,
    ) -> Result<Place, Problem> {
        self.with(|state| {
            let of_all = state.open;
            let own = state.tenants.entry(tenant.clone()).or_default();
            if of_all >= MAX_OPEN_BATCHES || own.open >= MAX_OPEN_BATCHES_PER_TENANT {
                let status = StatusCode::TOO_MANY_REQUESTS;
                let detail = "too many batches are under way; send it again after a pause, and fewer at once";
                return Err(Problem::new(status, "busy", "the collector is busy", detail).retry_after(1));
            }
            own.check_rate(settings.max_events_per_s, now_ms)?;
            own.open += 1;
            state.open += 1;
            Ok(Place { reception: Arc::clone(self), tenant: tenant.clone() })
        })
    }

    /// Counts events that came against the tenant's rate.
    pub(super) fn charge(&self, tenant: &TenantId, events: usize) {
        let thousandths = i64::try_from(events).unwrap_or(i64::MAX).saturating_mul(1_000);
        self.with(|state| {
            if let Some(bucket) = state.tenants.get_mut(tenant).and_then(|own| own.rate.as_mut()) {
                bucket.thousandths = bucket.thousandths.saturating_sub(thousandths);
            }
        });
    }

    /// Claims a batch for as long as the guard lives; `None` while somebody else has it.
    pub(super) fn claim(self: &Arc<Self>, claim: Claim) -> Option<Claimed> {
        let is_new = self.with(|state| state.under_way.insert(claim.clone()));
        is_new.then(|| Claimed { reception: Arc::clone(self), claim })
    }

    /// Bytes that a chunk may hold now: with many senders at once they share what memory there is.
    pub(super) fn chunk_bytes(&self) -> usize {
        // One chunk is being filled while another is written.
        (CHUNKS_BYTES / (2 * self.open().max(1))).min(CHUNK_BYTES)
    }

    /// What was counted of a tenant's bytes.
    pub(super) fn with_count<T>(&self, tenant: &TenantId, act: impl FnOnce(&mut Count) -> T) -> T {
        self.with(|state| act(&mut state.tenants.entry(tenant.clone()).or_default().stored))
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Tenant {
    fn check_rate(&mut self, rate: Option<u32>, now_ms: i64) -> Result<(), Problem> {
        let Some(rate) = rate.map(i64::from) else {
            self.rate = None;
            return Ok(());
        };
        let full = rate.saturating_mul(1_000).saturating_mul(RATE_BURST_S.into());
        let bucket = self.rate.get_or_insert(Bucket { thousandths: full, filled_ms: now_ms });
        // A clock that was set back fills nothing.
        let elapsed_ms = now_ms.saturating_sub(bucket.filled_ms).max(0);
        bucket.filled_ms = now_ms;
        bucket.thousandths =
            bucket.thousandths.saturating_add(elapsed_ms.saturating_mul(rate)).min(full);
        if bucket.thousandths > 0 {
            return Ok(());
        }
        let wait_s = bucket.thousandths.saturating_neg() / rate.max(1) / 1_000 + 1;
        let wait_s = u32::try_from(wait_s).unwrap_or(u32::MAX).min(3_600);
        let detail =
            format!("the tenant may send {rate} events a second; send it again after a pause");
        let status = StatusCode::TOO_MANY_REQUESTS;
        Err(Problem::new(status, "rate", "events come too fast", detail).retry_after(wait_s))
    }
}

/// A place for a batch, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    reception: Arc<Reception>,
    tenant: TenantId,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.reception.with(|state| {
            state.open = state.open.saturating_sub(1);
            if let Some(own) = state.tenants.get_mut(&self.tenant) {
                own.open = own.open.saturating_sub(1);
            }
        });
    }
}

/// A claim, given up when it is dropped.
#[derive(Debug)]
pub(super) struct Claimed {
    reception: Arc<Reception>,
    claim: Claim,
}

impl Drop for Claimed {
    fn drop(&mut self) {
        self.reception.with(|state| state.under_way.remove(&self.claim));
    }
}
