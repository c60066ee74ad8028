//! Work for quiet minutes: roll-ups, partitions, retention, certificates.

use std::sync::Arc;

use tokio::time::{MissedTickBehavior, interval};

use super::ServeError;
use super::limits::UPKEEP_EVERY;
use super::tls::Certificate;
use crate::collector::Collector;
use crate::collector::store::StoreError;
use crate::collector::{EventTime, TenantId, telemetry};

const DAY_MS: i64 = 86_400_000;

/// Does the rounds until the collector stops. SIGHUP reads the certificate at once.
pub(super) async fn run(
    collector: Collector,
    certificate: Option<Arc<Certificate>>,
    mut hangups: Hangups,
) {
    let mut ticks = interval(UPKEEP_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let is_tick = tokio::select! {
            _at = ticks.tick() => true,
            () = hangups.next() => false,
            () = collector.stopping.cancelled() => return,
        };
        if let Some(certificate) = &certificate {
            let certificate = Arc::clone(certificate);
            let _done = tokio::task::spawn_blocking(move || certificate.reload()).await;
        }
        if is_tick {
            collector.stopping.run_until_cancelled(round(&collector)).await;
        }
    }
}

/// One round. What fails is told, and tried again in the next one.
pub async fn round(collector: &Collector) {
    let now = collector.now();
    told("upkeep", collector.store.maintain(now).await);
    let catalogue = Arc::clone(&collector.catalogue);
    match tokio::task::spawn_blocking(move || catalogue.maintain()).await {
        Ok(outcome) => told("upkeep of the catalogue", outcome),
        Err(_) => telemetry::alarm("panic"),
    }
    for tenant in collector.catalogue.tenants() {
        let days = collector.catalogue.settings(&tenant).retention_days;
        told("retention", collector.store.retain(&tenant, days).await);
        told("retention", expire(collector, &tenant, days, now).await);
    }
    for tenant in collector.catalogue.closing_tenants() {
        told("deletion", close(collector, &tenant).await);
    }
}

async fn expire(
    collector: &Collector,
    tenant: &TenantId,
    days: u32,
    now: EventTime,
) -> Result<(), StoreError> {
    let before = now.as_ms().saturating_sub(i64::from(days).saturating_mul(DAY_MS));
    let gone = collector.store.expire(tenant, EventTime::from_ms(before)).await?;
    if gone.partitions > 0 {
        let (events, partitions) = (gone.events, gone.partitions);
        tracing::info!(%tenant, events, partitions, "events are past their retention and deleted");
    }
    Ok(())
}

/// Deletes what a tenant had whose end was asked for, and then forgets it.
async fn close(collector: &Collector, tenant: &TenantId) -> Result<(), StoreError> {
    let gone = collector.store.delete_tenant(tenant).await?;
    let (catalogue, closed) = (Arc::clone(&collector.catalogue), tenant.clone());
    let forgotten = tokio::task::spawn_blocking(move || catalogue.forget_tenant(&closed)).await;
    match forgotten {
        Ok(Ok(())) => tracing::info!(%tenant, events = gone.events, "the tenant is deleted"),
        Ok(Err(error)) => tracing::error!(%tenant, %error, "the tenant is not yet forgotten"),
        Err(_) => telemetry::alarm("panic"),
    }
    Ok(())
}

fn told(what: &'static str, outcome: Result<(), StoreError>) {
    match outcome {
        Ok(()) | Err(StoreError::Closed) => {}
        Err(error) => {
            telemetry::alarm("upkeep");
            tracing::error!(%error, "{what} failed; it is tried again in a minute");
        }
    }
}

/// SIGHUP, where there is one.
pub(super) struct Hangups(#[cfg(unix)] tokio::signal::unix::Signal);

#[cfg(unix)]
impl Hangups {
    /// From here on SIGHUP does not end the process.
    pub(super) fn listen() -> Result<Self, ServeError> {
        use tokio::signal::unix::{SignalKind, signal};

        let refused = |error| ServeError::System { what: "listening for SIGHUP", error };
        signal(SignalKind::hangup()).map(Self).map_err(refused)
    }

    async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending().await
        }
    }
}

#[cfg(not(unix))]
impl Hangups {
    #[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
    pub(super) const fn listen() -> Result<Self, ServeError> {
        Ok(Self())
    }

    async fn next(&mut self) {
        std::future::pending().await
    }
}
