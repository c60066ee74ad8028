//! The counts by route and key, and how a configuration finds its own.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::ages::{Ages, Drift};
use super::instruments::{Counter, Gauge, Histogram, Stopwatch};
use super::names;
use super::summary::{Summary, SummaryRow, Verdict};
use crate::key::{self, KeyId};
use crate::keyring::Keyring;
use crate::rejection::{Rejection, RejectionKind};
use crate::route::{Enforcement, Route, Routes};
use crate::time::UnixTime;
use crate::verified::Verified;

/// The name of the rest: the requests for which no route holds.
const REST: &str = "*";

/// Everything that was ever counted; outlives configurations.
#[derive(Clone, Default)]
pub(super) struct Table(Arc<Places>);

#[derive(Default)]
struct Places {
    routes: Mutex<BTreeMap<Arc<str>, Arc<RouteRecord>>>,
    keys: Mutex<BTreeMap<Arc<str>, Arc<KeyRecord>>>,
    /// By route and key.
    counts: Mutex<BTreeMap<[Arc<str>; 2], Arc<Counts>>>,
}

/// One configuration's part of the table, found by number, without a lock.
pub(crate) struct Bound {
    table: Table,
    /// In the order of the routes; the rest comes last.
    routes: Vec<Arc<RouteRecord>>,
    /// Sorted by id.
    keys: Vec<LoadedKey>,
    /// For each route, a place for each key and then one for no key.
    counts: Vec<OnceLock<Arc<Counts>>>,
    drift: Drift,
    /// Log events of one reason in a second.
    pub(super) logged_per_second: u32,
}

struct RouteRecord {
    name: Arc<str>,
    seconds: Histogram,
}

/// A key of this configuration.
struct LoadedKey {
    record: Arc<KeyRecord>,
    is_revoked: bool,
    /// From here on it does not count.
    end: Option<UnixTime>,
    /// Keys of a day are derived from it: their ids are its own, a dot, and the day.
    is_root: bool,
}

/// What was seen of a key.
struct KeyRecord {
    id: Arc<str>,
    /// Unix times; 0 for never.
    first_used: AtomicI64,
    last_used: AtomicI64,
    ages: Ages,
    loaded: Gauge,
    first_metric: Gauge,
    last_metric: Gauge,
    age_metric: Histogram,
    median_metric: Gauge,
    retries: Counter,
}

/// The requests of one route and key, by verdict.
struct Counts(Vec<Count>);

#[derive(Default)]
struct Count {
    requests: AtomicU64,
    metric: Counter,
}

impl Table {
    pub(super) fn bind(
        &self,
        routes: &Routes,
        keyring: &Keyring,
        drift: Drift,
        logged_per_second: u32,
    ) -> Bound {
        let names = routes.iter().map(Route::to_string).chain([REST.into()]);
        let routes: Vec<_> = names.map(|name| self.route(name.into())).collect();
        let mut keys: Vec<_> = keyring
            .iter()
            .map(|key| {
                let (record, is_revoked) = (self.key(key.id()), key.is_revoked());
                LoadedKey { record, is_revoked, end: key.not_after, is_root: false }
            })
            .chain(keyring.roots().map(|root| {
                let (record, is_revoked) = (self.key(root.id()), root.is_revoked());
                LoadedKey { record, is_revoked, end: root.end(), is_root: true }
            }))
            .collect();
        keys.sort_by(|a, b| a.record.id.cmp(&b.record.id));
        let counts = (0..routes.len() * (keys.len() + 1)).map(|_| OnceLock::new()).collect();
        Bound { table: self.clone(), routes, keys, counts, drift, logged_per_second }
    }

    fn route(&self, name: Arc<str>) -> Arc<RouteRecord> {
        let mut routes = lock(&self.0.routes);
        let record = routes.entry(Arc::clone(&name));
        Arc::clone(
            record.or_insert_with(|| Arc::new(RouteRecord { name, seconds: Histogram::default() })),
        )
    }

    fn key(&self, key_id: &KeyId) -> Arc<KeyRecord> {
        let id: Arc<str> = key_id.as_str().into();
        let mut keys = lock(&self.0.keys);
        let record = keys.entry(Arc::clone(&id)).or_insert_with(|| Arc::new(KeyRecord::new(id)));
        Arc::clone(record)
    }

    fn counts(&self, route: &Arc<str>, key_id: &Arc<str>) -> Arc<Counts> {
        let mut counts = lock(&self.0.counts);
        let place = counts.entry([Arc::clone(route), Arc::clone(key_id)]);
        Arc::clone(place.or_insert_with(|| {
            Arc::new(Counts(Verdict::all().map(|_| Count::default()).collect()))
        }))
    }

    pub(super) fn summary(&self) -> Summary {
        let mut rows = Vec::new();
        for ([route, key_id], counts) in &*lock(&self.0.counts) {
            for (verdict, count) in Verdict::all().zip(&counts.0) {
                let requests = count.requests.load(Ordering::Relaxed);
                if requests > 0 {
                    let (route, key_id) = (Box::from(&**route), Box::from(&**key_id));
                    rows.push(SummaryRow { verdict, route, key_id, requests });
                }
            }
        }
        Summary::new(rows)
    }

    pub(super) fn key_use(&self, key_id: &KeyId) -> Option<(UnixTime, UnixTime)> {
        lock(&self.0.keys).get(key_id.as_str())?.uses()
    }
}

impl Bound {
    /// The name of a route.
    pub(super) fn route(&self, route: usize) -> &str {
        self.routes.get(route).map_or(REST, |record| &record.name)
    }

    #[inline]
    pub(super) fn accepted(&self, route: usize, verified: &Verified, now: UnixTime) {
        let key = self.find(verified.key_id().as_bytes());
        self.count(route, key, Verdict::Accepted);
        if let Some(LoadedKey { record, .. }) = key.and_then(|key| self.keys.get(key)) {
            let age_s = now.seconds_since(verified.date());
            record.used(now, age_s);
            record.ages.add(age_s);
            if verified.nth_use() > 1 {
                record.retries.add(1, names::RETRIES, || record.labels());
            }
        }
    }

    pub(super) fn exempt(&self, route: usize) {
        self.count(route, None, Verdict::Exempt);
    }

    pub(super) fn rejected(
        &self,
        route: usize,
        rejection: &Rejection,
        enforcement: Enforcement,
        now: UnixTime,
    ) {
        let kind = rejection.kind;
        let key = rejection.key_id.and_then(|key_id| self.find(key_id.as_bytes()));
        self.count(
            route,
            key,
            match enforcement {
                Enforcement::ReportOnly => Verdict::Reported(kind),
                _ => Verdict::Refused(kind),
            },
        );
        if kind.is_signed()
            && let Some(LoadedKey { record, .. }) = key.and_then(|key| self.keys.get(key))
            && let Some(age_s) = rejection.age_s
        {
            record.used(now, age_s);
            if kind != RejectionKind::Replayed {
                record.ages.add(age_s); // who sends old ones again tells nothing of the clocks
            }
        }
    }

    /// How long the verdict on a head took.
    pub(crate) fn took(&self, route: usize, stopwatch: &Stopwatch) {
        if let Some(record) = self.routes.get(route) {
            let labels = || [("route", record.name.to_string())];
            record.seconds.record(names::VERIFY_SECONDS, labels, stopwatch.seconds());
        }
    }

    /// Sets the gauges of the keys, and warns where clocks differ too much.
    pub(super) fn look_at_keys(&self, now: UnixTime) {
        for record in lock(&self.table.0.keys).values() {
            let loaded = self.keys.iter().find(|key| key.record.id == record.id);
            let counts = loaded.is_some_and(|key| key.counts_from(now));
            record.loaded.set(names::KEY_LOADED, || record.labels(), counts.into());
            if let Some((first, last)) = record.uses() {
                let labels = || record.labels();
                record.first_metric.set(names::KEY_FIRST_USED, labels, first.as_secs());
                record.last_metric.set(names::KEY_LAST_USED, labels, last.as_secs());
            }
            if let Some(median_s) = record.ages.median(now) {
                let labels = || record.labels();
                record.median_metric.set(names::SIGNATURE_AGE_MEDIAN, labels, median_s);
                if let Some(fault) = self.drift.fault(median_s) {
                    let key_id = &*record.id;
                    tracing::warn!(target: "wafpass::clock", key_id, median_age_s = median_s, "{fault}");
                }
            }
        }
    }

    #[inline]
    fn count(&self, route: usize, key: Option<usize>, verdict: Verdict) {
        let key = key.unwrap_or(self.keys.len());
        let Some(place) = self.counts.get(route * (self.keys.len() + 1) + key) else { return };
        let counts = place.get_or_init(|| self.place(route, key));
        let Some(count) = counts.0.get(verdict.index()) else { return };
        count.requests.fetch_add(1, Ordering::Relaxed);
        count.metric.add(1, names::REQUESTS, || {
            [
                ("verdict", verdict.code().into()),
                ("reason", verdict.reason().map_or("", RejectionKind::code).into()),
                ("route", self.route(route).into()),
                ("key_id", self.keys.get(key).map_or("", |key| &key.record.id).into()),
            ]
        });
    }

    #[cold]
    fn place(&self, route: usize, key: usize) -> Arc<Counts> {
        let route =
            self.routes.get(route).map_or_else(|| REST.into(), |record| Arc::clone(&record.name));
        let key_id = self.keys.get(key).map(|key| Arc::clone(&key.record.id));
        self.table.counts(&route, &key_id.unwrap_or_default())
    }

    /// The place of the key with this id, or of the root from which it is derived.
    fn find(&self, key_id: &[u8]) -> Option<usize> {
        let place =
            |id: &[u8]| self.keys.binary_search_by(|key| key.record.id.as_bytes().cmp(id)).ok();
        place(key_id).or_else(|| {
            let (root_id, _) = key::split(key_id)?;
            let root = place(root_id)?;
            self.keys.get(root).is_some_and(|key| key.is_root).then_some(root)
        })
    }
}

impl LoadedKey {
    /// Whether it counts at `now`, or will later.
    fn counts_from(&self, now: UnixTime) -> bool {
        !self.is_revoked && self.end.is_none_or(|end| now < end)
    }
}

impl KeyRecord {
    fn new(id: Arc<str>) -> Self {
        Self {
            id,
            first_used: AtomicI64::new(0),
            last_used: AtomicI64::new(0),
            ages: Ages::default(),
            loaded: Gauge::default(),
            first_metric: Gauge::default(),
            last_metric: Gauge::default(),
            age_metric: Histogram::default(),
            median_metric: Gauge::default(),
            retries: Counter::default(),
        }
    }

    /// Takes notice of an authentic signature.
    fn used(&self, now: UnixTime, age_s: i64) {
        let now = now.as_secs();
        let signed = now.saturating_sub(age_s.max(0));
        if self.last_used.load(Ordering::Relaxed) < signed {
            self.last_used.fetch_max(signed, Ordering::Relaxed);
        }
        if self.first_used.load(Ordering::Relaxed) == 0 {
            self.first_used.store(signed, Ordering::Relaxed);
        }
        self.age_metric.record_whole(names::SIGNATURE_AGE, || self.labels(), age_s);
    }

    /// When it signed the first one that came, and the newest one.
    fn uses(&self) -> Option<(UnixTime, UnixTime)> {
        let at = |moment: &AtomicI64| UnixTime::from_secs(moment.load(Ordering::Relaxed));
        let (first, last) = (at(&self.first_used), at(&self.last_used));
        (last != UnixTime::from_secs(0)).then_some((first, last))
    }

    fn labels(&self) -> [(&'static str, String); 1] {
        [("key_id", self.id.to_string())]
    }
}

/// What a panic elsewhere left is still a count.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
