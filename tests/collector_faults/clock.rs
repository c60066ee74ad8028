//! A clock that jumps under the running service: nothing is deleted for its age by that.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;
use wafpass::UnixTime;
use wafpass::clock::{Clock, SystemClock};
use wafpass::collector::catalogue::{BatchCounts, BatchKey, BatchRecord, Catalogue};
use wafpass::collector::server::Server;
use wafpass::collector::store::Store;
use wafpass::collector::store::sqlite::SqliteStore;
use wafpass::collector::{Collector, EventId, EventTime, Intake, NewEvent, TenantId};
use wafpass::config::CollectorConfig;
use wafpass::telemetry::Prometheus;

use crate::place::Place;

const DAY: i64 = 86_400;
/// Beyond any retention of a new tenant.
const AHEAD: i64 = 4_000 * DAY;

/// A clock that is set by hand, and knows how often it was asked.
struct Hands {
    now: AtomicI64,
    asked: AtomicU64,
}

impl Hands {
    fn at(now: i64) -> Arc<Self> {
        Arc::new(Self { now: AtomicI64::new(now), asked: AtomicU64::default() })
    }

    /// Waits until upkeep has done two more rounds: the clock is asked by it alone, twice in each, and a
    /// round is over when the next one asks.
    async fn wait_for_rounds(&self) {
        let wanted = self.asked.load(Ordering::SeqCst) + 6;
        while self.asked.load(Ordering::SeqCst) < wanted {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

impl Clock for Hands {
    fn now(&self) -> UnixTime {
        self.asked.fetch_add(1, Ordering::SeqCst);
        UnixTime::from_secs(self.now.load(Ordering::SeqCst))
    }
}

fn acme() -> TenantId {
    TenantId::new("acme").unwrap()
}

/// Stores one event of this time.
async fn fill(place: &Place, at: i64) {
    let catalogue = Arc::new(Catalogue::open(&place.data(), Arc::new(SystemClock)).unwrap());
    let store = SqliteStore::open(&place.data(), catalogue).unwrap();
    let at = EventTime::from_ms(at * 1_000);
    let batch = store.begin(&acme(), Intake::Native).unwrap();
    let event = NewEvent::new(at, EventId([7; 16]), Intake::Native);
    let written = store.write(batch, vec![event]).await.unwrap();
    let counts = BatchCounts { stored: written.stored, ..BatchCounts::default() };
    let record = BatchRecord {
        tenant: acme(),
        intake: Intake::Native,
        key: BatchKey::Content,
        body_hash: [7; 32],
        received_ms: at.as_ms(),
        counts,
        quarantined: Vec::new(),
    };
    store.commit(batch, record).await.unwrap();
    store.close().await.unwrap();
}

/// Runs the service on the data of a place, sets its clock once it runs, and answers how many events are
/// there some rounds later.
async fn events_after(place: &Place, prometheus: &Prometheus, hands: Arc<Hands>, then: i64) -> u64 {
    let config = CollectorConfig::load(place.config()).unwrap();
    let catalogue = Arc::new(Catalogue::open(&place.data(), Arc::new(SystemClock)).unwrap());
    let store = Arc::new(SqliteStore::open(&place.data(), catalogue.clone()).unwrap());
    let server = Server::bind(&config, prometheus.clone()).unwrap();
    let collector = Collector::new(store.clone(), catalogue, hands.clone());
    let (end, ends) = oneshot::channel::<()>();
    let running = tokio::spawn(server.run(collector, async { ends.await.unwrap() }));
    hands.wait_for_rounds().await;
    hands.now.store(then, Ordering::SeqCst);
    hands.wait_for_rounds().await;
    let events = store.usage(&acme()).await.unwrap().events;
    end.send(()).unwrap();
    running.await.unwrap().unwrap();
    events
}

#[tokio::test(start_paused = true)]
async fn a_jump_is_alarmed_and_deletes_nothing() {
    let place = Place::new("");
    let prometheus = Prometheus::install().unwrap();
    let now = wafpass::clock::now().as_secs();
    fill(&place, now).await;
    let alarm = "wafpass_collector_alarms_total{kind=\"clock\"}";
    let settled = events_after(&place, &prometheus, Hands::at(now), now + 60).await;
    assert_eq!(settled, 1);
    assert!(!prometheus.render().contains(alarm), "a minute is no jump");
    let jumped = events_after(&place, &prometheus, Hands::at(now), now + AHEAD).await;
    assert_eq!(jumped, 1, "the event is not that old");
    let metrics = prometheus.render();
    assert!(metrics.contains(&format!("{alarm} 1\n")), "{metrics}");
    // The same moment without a jump: then it is past its retention.
    let aged = events_after(&place, &prometheus, Hands::at(now + AHEAD), now + AHEAD).await;
    assert_eq!(aged, 0);
}
