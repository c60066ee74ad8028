//! A recorder for the metrics that answers in Prometheus' text format.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use super::{instruments, names};
use crate::layer::PerimeterHandle;

/// Seconds: from the half microsecond of a verdict in this process to the timeout of a shared store.
const VERIFY_BUCKETS: [f64; 14] =
    [5e-7, 1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 5e-4, 1e-3, 5e-3, 1e-2, 5e-2, 0.1];

/// Seconds: both sides of now, and the ages at which CDNs try again.
const AGE_BUCKETS: [f64; 14] =
    [-30.0, -5.0, -2.0, -1.0, 0.0, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 90.0, 210.0, 600.0];

/// Seconds: from a page out of memory to the budget of a query.
const COLLECTOR_BUCKETS: [f64; 12] =
    [1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0];

/// How often samples that nobody has asked for are folded away, so that they do not pile up.
const UPKEEP: Duration = Duration::from_secs(5);

type Look = Box<dyn Fn() + Send>;

/// The process's metrics, as Prometheus reads them.
///
/// Serve [`render`](Self::render) where only the monitoring comes: key ids and counts are no secrets,
/// and no stranger's business.
///
/// ```no_run
/// use axum::{Router, routing::get};
/// use wafpass::telemetry::Prometheus;
///
/// # fn example(layer: wafpass::VerifyLayer) -> Result<(), Box<dyn std::error::Error>> {
/// let prometheus = Prometheus::install()?; // once in a process, before the first request
/// prometheus.look_at(layer.handle());
/// let metrics: Router = Router::new().route("/metrics", get(async move || prometheus.render()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Prometheus {
    recorder: PrometheusHandle,
    looks: Arc<Mutex<Vec<Look>>>,
}

impl Prometheus {
    /// Makes the recorder of this process.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when the process has a recorder already: give its metrics to that one then.
    pub fn install() -> Result<Self, BuildError> {
        let verify = Matcher::Full(names::VERIFY_SECONDS.into());
        let age = Matcher::Full(names::SIGNATURE_AGE.into());
        let rules = Matcher::Full(names::RULES_SECONDS.into());
        let collector = Matcher::Prefix("wafpass_collector_".into());
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(verify, &VERIFY_BUCKETS)?
            .set_buckets_for_metric(rules, &VERIFY_BUCKETS)?
            .set_buckets_for_metric(age, &AGE_BUCKETS)?
            .set_buckets_for_metric(collector, &COLLECTOR_BUCKETS)?
            .install_recorder()?;
        instruments::describe(); // a layer that was built before described them to nobody
        let folded = recorder.clone();
        let upkeep = thread::Builder::new().name("wafpass-metrics".into());
        let spawned = upkeep.spawn(move || {
            loop {
                thread::sleep(UPKEEP);
                folded.run_upkeep();
            }
        });
        if let Err(error) = spawned {
            tracing::warn!(target: "wafpass", %error, "metrics are folded when they are asked for only");
        }
        Ok(Self { recorder, looks: Arc::default() })
    }

    /// Brings the gauges of this perimeter up to date before each answer.
    pub fn look_at<R: Send + Sync + 'static>(&self, perimeter: PerimeterHandle<R>) {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        looks.push(Box::new(move || perimeter.look()));
    }

    /// All metrics in the text format, as `text/plain; version=0.0.4`.
    #[must_use]
    pub fn render(&self) -> String {
        for look in &*self.looks.lock().unwrap_or_else(PoisonError::into_inner) {
            look();
        }
        self.recorder.render()
    }
}

impl fmt::Debug for Prometheus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prometheus").finish_non_exhaustive()
    }
}
