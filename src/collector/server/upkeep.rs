//! Work for quiet minutes: roll-ups, partitions, retention, certificates.

use std::sync::Arc;

use tokio::time::{MissedTickBehavior, interval};

use super::ServeError;
use super::limits::UPKEEP_EVERY;
use super::tls::Certificate;
use crate::clock::monotonic;
use crate::collector::Collector;
use crate::collector::store::StoreError;
use crate::collector::{EventTime, TenantId, telemetry};

const DAY_MS: i64 = 86_400_000;

/// How far the clock may run off from the time that has passed, in milliseconds: what NTP sets at once, with
/// room. Beyond it the clock was set by hand, or is broken, and a date ahead would delete what is to be kept.
const MAX_JUMP_MS: u64 = 900_000;

/// For so long after a jump nothing is deleted for its age, in milliseconds: somebody has heard the alarm.
const JUMP_REST_MS: u64 = 3_600_000;

/// Does the rounds until the collector stops. SIGHUP reads the certificate at once.
pub(super) async fn run(
    collector: Collector,
    certificate: Option<Arc<Certificate>>,
    mut hangups: Hangups,
) {
    let (begun, mut steadiness) = (monotonic(), Steadiness::default());
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
            let passed = monotonic().saturating_duration_since(begun).as_millis();
            let passed_ms = u64::try_from(passed).unwrap_or(u64::MAX);
            let aging = steadiness.judge(passed_ms, collector.clock.now_ms());
            collector.stopping.run_until_cancelled(round(&collector, aging)).await;
        }
    }
}

/// Whether events are deleted for their age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Aging {
    /// They are.
    On,
    /// Not now: the clock has jumped.
    Suspended,
}

/// Compares the clock with the time that has passed.
#[derive(Debug, Default)]
struct Steadiness {
    /// The last look: time passed, and the clock's.
    last: Option<(u64, u64)>,
    /// Until when nothing ages, in time passed.
    rests_until: u64,
}

impl Steadiness {
    fn judge(&mut self, passed_ms: u64, clock_ms: u64) -> Aging {
        if let Some((last_passed, last_clock)) = self.last.replace((passed_ms, clock_ms)) {
            let expected = last_clock.saturating_add(passed_ms.saturating_sub(last_passed));
            let jump_ms = clock_ms.abs_diff(expected);
            if jump_ms > MAX_JUMP_MS {
                telemetry::alarm("clock");
                tracing::error!(
                    jump_ms,
                    "the clock jumped: nothing is deleted for its age for an hour"
                );
                self.rests_until = passed_ms.saturating_add(JUMP_REST_MS);
            }
        }
        if passed_ms < self.rests_until { Aging::Suspended } else { Aging::On }
    }
}

/// One round. What fails is told, and tried again in the next one.
pub async fn round(collector: &Collector, aging: Aging) {
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
        if aging == Aging::On {
            told("retention", expire(collector, &tenant, days, now).await);
        }
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

/// Deletes what a tenant had whose end was asked for, and then forgets it. Not while a batch is under way that was
/// let in before: it could still store something. Nothing is let in any more, so a later round finds none.
async fn close(collector: &Collector, tenant: &TenantId) -> Result<(), StoreError> {
    let is_taking = collector.reception.is_taking(tenant);
    let gone = collector.store.delete_tenant(tenant).await?;
    if is_taking {
        tracing::info!(%tenant, "a batch is under way: the tenant is deleted once it has ended");
        return Ok(());
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_MS: u64 = 60_000;

    #[test]
    fn a_clock_that_jumps_deletes_nothing_for_an_hour() {
        let mut steadiness = Steadiness::default();
        let at = |minute: u64, ahead_ms: u64| {
            (minute * MINUTE_MS, 1_795_300_000_000 + minute * MINUTE_MS + ahead_ms)
        };
        let mut judge = |(passed, clock)| steadiness.judge(passed, clock);
        assert_eq!(judge(at(0, 0)), Aging::On);
        assert_eq!(judge(at(1, 60_000)), Aging::On, "a minute off is set by NTP");
        let days = 40 * 86_400_000;
        assert_eq!(judge(at(2, days)), Aging::Suspended);
        assert_eq!(judge(at(61, days)), Aging::Suspended);
        assert_eq!(judge(at(62, days)), Aging::On, "somebody has heard it by now");
        assert_eq!(judge(at(63, 0)), Aging::Suspended, "back is a jump, too");
    }
}
