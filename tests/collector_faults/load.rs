//! Senders that do not give up, and what has to be there in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, RwLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;
use wafpass::clock;

use crate::place::{Running, send};

/// By which door a sender comes: one names its batches, the other one is known by their content.
const DOORS: [&str; 2] = ["/v1/events", "/v1/logpush"];

/// Lines of one batch. `name` is unique, and so are its events.
pub(crate) fn lines(name: &str, events: usize) -> String {
    lines_at(name, events, clock::now().as_secs())
}

pub(crate) fn lines_at(name: &str, events: usize, at: i64) -> String {
    let line = |number: usize| {
        format!(
            "{{\"Datetime\":{at},\"RayID\":\"{name}-{number:04}\",\"RuleID\":\"r{}\",\"Action\":\"block\",\"Source\":\"firewallCustom\",\"MatchIndex\":0,\"ClientIP\":\"192.0.2.7\",\"ClientRequestHost\":\"shop.example\",\"ClientRequestPath\":\"/{name}\"}}\n",
            number % 7
        )
    };
    (0..events).map(line).collect()
}

/// How many events of each batch are stored; each event once, or this fails.
pub(crate) fn stored(running: &Running) -> BTreeMap<String, usize> {
    let range = "from=2020-01-01T00:00:00Z&until=2100-01-01T00:00:00Z";
    let export = running.get(&format!("/v1/export?{range}"));
    assert_eq!(export.status, 200, "{}", export.body);
    let mut seen = BTreeSet::new();
    let mut batches = BTreeMap::new();
    for line in export.body.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let ray = event["RayID"].as_str().unwrap();
        assert!(seen.insert(ray.to_owned()), "{ray} is there twice");
        let (batch, _) = ray.rsplit_once('-').unwrap();
        *batches.entry(batch.to_owned()).or_default() += 1;
    }
    batches
}

/// What senders and the test share.
#[derive(Default)]
struct Shared {
    /// Where the collector is now; `None` while there is none.
    collector: RwLock<Option<SocketAddr>>,
    /// Batches that were acknowledged, with how many events each has.
    acknowledged: Mutex<BTreeMap<String, usize>>,
    changed: Condvar,
    refused: AtomicU64,
    is_over: AtomicBool,
}

/// Senders, each with one batch after the other.
pub(crate) struct Load {
    shared: Arc<Shared>,
    senders: Vec<JoinHandle<()>>,
}

impl Load {
    pub(crate) fn start(token: &str, senders: usize, events: usize) -> Self {
        let shared = Arc::new(Shared::default());
        let sender = |number: usize| {
            let (shared, token) = (Arc::clone(&shared), token.to_owned());
            thread::spawn(move || shared.run(number, &token, events))
        };
        let senders = (0..senders).map(sender).collect();
        Self { shared, senders }
    }

    /// From here on they send there.
    pub(crate) fn to(&self, collector: Option<SocketAddr>) {
        *self.shared.collector.write().unwrap() = collector;
    }

    pub(crate) fn acknowledged(&self) -> BTreeMap<String, usize> {
        self.shared.acknowledged.lock().unwrap().clone()
    }

    /// Answers that were neither 2xx nor a broken connection.
    pub(crate) fn refused(&self) -> u64 {
        self.shared.refused.load(Ordering::SeqCst)
    }

    /// Waits until that many batches were acknowledged.
    pub(crate) fn wait_for(&self, batches: usize) {
        let Shared { acknowledged, changed, .. } = &*self.shared;
        let known = acknowledged.lock().unwrap();
        let patience = Duration::from_secs(60);
        let (known, waited) =
            changed.wait_timeout_while(known, patience, |known| known.len() < batches).unwrap();
        assert!(!waited.timed_out(), "{} of {batches} batches were acknowledged", known.len());
    }

    /// Lets each sender finish the batch that it has.
    pub(crate) fn finish(self) -> BTreeMap<String, usize> {
        self.shared.is_over.store(true, Ordering::SeqCst);
        for sender in self.senders {
            sender.join().unwrap();
        }
        self.shared.acknowledged.lock().unwrap().clone()
    }
}

impl Shared {
    fn run(&self, sender: usize, token: &str, events: usize) {
        let door = DOORS[sender % DOORS.len()];
        for number in 0.. {
            if self.is_over.load(Ordering::SeqCst) {
                return;
            }
            let name = format!("s{sender}b{number}");
            // Of different sizes, so that a kill meets them in different places.
            let events = events + (number * 7 + sender * 3) % 50;
            let lines = lines(&name, events);
            let key = (door == "/v1/events").then_some(name.as_str());
            while !self.is_taken(token, door, key, &lines) {
                thread::yield_now();
            }
            self.acknowledged.lock().unwrap().insert(name, events);
            self.changed.notify_all();
        }
    }

    fn is_taken(&self, token: &str, door: &str, key: Option<&str>, lines: &str) -> bool {
        let Some(collector) = *self.collector.read().unwrap() else {
            thread::park_timeout(Duration::from_millis(1));
            return false;
        };
        match send(collector, token, door, key, lines) {
            Ok(answer) if answer.status == 200 => true,
            Ok(answer) => {
                assert!(
                    matches!(answer.status, 429 | 500 | 503 | 507),
                    "{}: {}",
                    answer.status,
                    answer.body
                );
                self.refused.fetch_add(1, Ordering::SeqCst);
                thread::park_timeout(Duration::from_millis(1));
                false
            }
            Err(_) => false,
        }
    }
}
