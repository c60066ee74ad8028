//! Counters, gauges and histograms of the `metrics` facade; without the feature, nothing.
//!
//! Each is registered when it is used first, since the application may install its recorder after it
//! has built the layer. After that a use is one atomic operation.

#[cfg(not(feature = "metrics"))]
pub(super) use self::off::describe;
#[cfg(not(feature = "metrics"))]
pub(crate) use self::off::{Counter, Gauge, Histogram, Stopwatch};
#[cfg(feature = "metrics")]
pub(super) use self::on::describe;
#[cfg(feature = "metrics")]
pub(crate) use self::on::{Counter, Gauge, Histogram, Stopwatch};

#[cfg(feature = "metrics")]
mod on {
    use std::sync::OnceLock;
    use std::time::Instant;

    use crate::clock;
    use crate::telemetry::names;

    type Labels<const N: usize> = [(&'static str, String); N];

    #[derive(Default)]
    pub(crate) struct Counter(OnceLock<metrics::Counter>);

    impl Counter {
        pub(crate) fn add<const N: usize>(
            &self,
            number: u64,
            name: &'static str,
            labels: impl FnOnce() -> Labels<N>,
        ) {
            self.0.get_or_init(|| metrics::counter!(name, &labels())).increment(number);
        }

        /// Sets a counter that is kept elsewhere.
        pub(crate) fn reach(&self, name: &'static str, number: u64) {
            self.0.get_or_init(|| metrics::counter!(name)).absolute(number);
        }
    }

    #[derive(Default)]
    pub(crate) struct Gauge(OnceLock<metrics::Gauge>);

    impl Gauge {
        pub(crate) fn set<const N: usize>(
            &self,
            name: &'static str,
            labels: impl FnOnce() -> Labels<N>,
            value: i64,
        ) {
            self.0.get_or_init(|| metrics::gauge!(name, &labels())).set(in_f64(value));
        }
    }

    #[derive(Default)]
    pub(crate) struct Histogram(OnceLock<metrics::Histogram>);

    impl Histogram {
        pub(crate) fn record<const N: usize>(
            &self,
            name: &'static str,
            labels: impl FnOnce() -> Labels<N>,
            value: f64,
        ) {
            self.0.get_or_init(|| metrics::histogram!(name, &labels())).record(value);
        }

        pub(crate) fn record_whole<const N: usize>(
            &self,
            name: &'static str,
            labels: impl FnOnce() -> Labels<N>,
            value: i64,
        ) {
            self.record(name, labels, in_f64(value));
        }
    }

    /// Exact up to 2⁵³: as seconds, longer than there is time.
    #[expect(clippy::as_conversions, reason = "there is no other way from i64 to f64")]
    const fn in_f64(value: i64) -> f64 {
        value as f64
    }

    /// How long a verdict takes.
    #[derive(Clone, Copy)]
    pub(crate) struct Stopwatch(Instant);

    impl Stopwatch {
        pub(crate) fn start() -> Self {
            Self(clock::monotonic())
        }

        pub(crate) fn seconds(&self) -> f64 {
            clock::monotonic().duration_since(self.0).as_secs_f64()
        }
    }

    pub(in crate::telemetry) fn describe() {
        use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

        describe_counter!(names::REQUESTS, "Requests by verdict, reason, route and key.");
        describe_histogram!(names::VERIFY_SECONDS, Unit::Seconds, "Time to the verdict on a head.");
        describe_histogram!(names::SIGNATURE_AGE, Unit::Seconds, "Age of authentic signatures.");
        describe_gauge!(
            names::SIGNATURE_AGE_MEDIAN,
            Unit::Seconds,
            "Median age of the signatures of the last minute: how far clocks differ."
        );
        describe_counter!(names::RETRIES, "Requests let through as a retry by the CDN.");
        describe_gauge!(
            names::KEY_LOADED,
            "1 for each key that is loaded and counts now or later."
        );
        describe_gauge!(names::KEY_FIRST_USED, Unit::Seconds, "First use of a key, Unix time.");
        describe_gauge!(names::KEY_LAST_USED, Unit::Seconds, "Last use of a key, Unix time.");
        describe_gauge!(names::REPLAY_ENTRIES, "Requests that the replay store remembers.");
        describe_gauge!(names::REPLAY_CAPACITY, "Requests that the replay store may remember.");
        describe_gauge!(names::SHARED_CONNECTED, "1 while the shared replay store is asked.");
        describe_gauge!(names::SHARED_DEGRADED, "1 while the shared replay store lacks requests.");
        describe_gauge!(names::SHARED_UNWRITTEN, "Requests that the shared store lacks.");
        describe_counter!(names::SHARED_ASKED, "Requests that the shared store was asked about.");
        describe_counter!(names::SHARED_FAILED, "Those that it did not answer.");
        describe_counter!(names::SHARED_OPENED, "Times that it was given up for a while.");
        describe_counter!(names::SHARED_DECIDED_LOCALLY, "Requests decided by this origin alone.");
        describe_counter!(names::SHARED_WRITTEN_BACK, "Those that it was told of since.");
        describe_counter!(names::RELOADS, "Attempts to reload the configuration, by result.");
        describe_gauge!(
            names::CONFIG_LOADED,
            Unit::Seconds,
            "Unix time since which the present configuration holds."
        );
        describe_gauge!(names::CONFIG_REFUSED, "1 while the newest configuration is refused.");
        describe_counter!(names::LOG_SUPPRESSED, "Log events of refusals that were left out.");
        describe_gauge!(names::STARTED, Unit::Seconds, "Unix time at which counting began.");
        describe_counter!(names::RULES_EVALUATED, "Requests that rules have looked at.");
        describe_histogram!(names::RULES_SECONDS, Unit::Seconds, "Time of rules on a request.");
        describe_counter!(names::RULES_TRUNCATED, "Requests whose body rules saw in part.");
        describe_counter!(names::RULES_MATCHES, "Matches by rule, action and enforcement.");
        describe_counter!(names::RULES_EVENTS, "Sealed events that the sink took, by rule.");
        describe_counter!(names::RULES_EVENTS_LOST, "Events that are lost, by rule and reason.");
        describe_gauge!(names::RULES_EVENTS_WAITING, "Requests that wait to be sealed.");
        describe_counter!(names::SHIP_EVENTS, "Sealed events that a shipper took.");
        describe_counter!(names::SHIP_SENT, "Those of them that the collector has.");
        describe_counter!(names::SHIP_DROPPED, "Events that are lost, by reason.");
        describe_counter!(names::SHIP_SET_ASIDE, "Events set aside in the spool, by reason.");
        describe_counter!(names::SHIP_ATTEMPTS, "Requests to the collector, by result.");
        describe_gauge!(names::SHIP_AWAY, "1 while the collector takes no events.");
        describe_gauge!(names::SHIP_WAITING, "Events that wait in memory.");
        describe_gauge!(names::SHIP_SPOOL_EVENTS, "Events that wait on the disk.");
        describe_gauge!(names::SHIP_SPOOL_BYTES, Unit::Bytes, "Bytes of the spool folder.");
        describe_gauge!(names::SHIP_SPOOL_CAPACITY, Unit::Bytes, "Bytes that it may hold.");
    }
}

#[cfg(not(feature = "metrics"))]
mod off {
    type Labels<const N: usize> = [(&'static str, String); N];

    #[derive(Default)]
    pub(crate) struct Counter(());

    impl Counter {
        pub(crate) fn add<const N: usize>(
            &self,
            _: u64,
            _: &'static str,
            _: impl FnOnce() -> Labels<N>,
        ) {
        }

        pub(crate) fn reach(&self, _: &'static str, _: u64) {}
    }

    #[derive(Default)]
    pub(crate) struct Gauge(());

    impl Gauge {
        pub(crate) fn set<const N: usize>(
            &self,
            _: &'static str,
            _: impl FnOnce() -> Labels<N>,
            _: i64,
        ) {
        }
    }

    #[derive(Default)]
    pub(crate) struct Histogram(());

    impl Histogram {
        pub(crate) fn record<const N: usize>(
            &self,
            _: &'static str,
            _: impl FnOnce() -> Labels<N>,
            _: f64,
        ) {
        }

        pub(crate) fn record_whole<const N: usize>(
            &self,
            _: &'static str,
            _: impl FnOnce() -> Labels<N>,
            _: i64,
        ) {
        }
    }

    #[derive(Clone, Copy)]
    pub(crate) struct Stopwatch;

    impl Stopwatch {
        pub(crate) const fn start() -> Self {
            Self
        }

        pub(crate) const fn seconds(&self) -> f64 {
            0.0
        }
    }

    pub(in crate::telemetry) const fn describe() {}
}
