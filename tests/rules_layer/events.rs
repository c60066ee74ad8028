use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use axum::body::Bytes;
use wafpass::layer::rules::{
    BlobVersion, EventSink, LostEvent, NdjsonSink, NotTaken, RuleCounts, RulesHandle, RulesLayer,
    RulesLayerError,
};
use wafpass::matched_data::{PrivateKey, Suite, open};
use wafpass::ship::Shipper;

use crate::common::*;

const BAD: &str = r#"bad: block: http.request.uri.path contains "../""#;

fn counts(handle: &RulesHandle) -> RuleCounts {
    handle.counts().remove(0)
}

fn lost(counts: &RuleCounts, reason: LostEvent) -> u64 {
    counts.lost.iter().find(|(lost, _)| *lost == reason).map_or(0, |(_, number)| *number)
}

fn total_lost(counts: &RuleCounts) -> u64 {
    counts.lost.iter().map(|(_, number)| number).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_flood_some_are_sealed_and_all_are_counted() {
    let kept = Kept::default();
    let log = log_to(&owner(), kept.clone()).per_rule(1, 20).build().unwrap();
    let layer = RulesLayer::builder(rules(BAD)).log(log.clone()).build().unwrap();
    let (handle, app) = (layer.handle(), app(layer));
    let began = Instant::now();
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let app = app.clone();
            tokio::spawn(async move {
                for _ in 0..500 {
                    assert_eq!(status(&app, get("/a/../b")).await, 403);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let most = 20 + began.elapsed().as_secs() + 1;
    assert!(log.shutdown(10 * SECOND).await);
    let counts = counts(&handle);
    assert_eq!(counts.enforced, 4_000);
    assert!((20..=most).contains(&counts.events), "{counts:?}");
    assert_eq!(counts.events + total_lost(&counts), 4_000);
    assert_eq!(lost(&counts, LostEvent::RuleRate), 4_000 - counts.events);
    assert_eq!(u64::try_from(kept.events().len()).unwrap(), counts.events);
}

#[tokio::test]
async fn one_rule_does_not_use_up_the_events_of_another() {
    let both = r#"
        bad: block: http.request.uri.path contains "../"
        old: block: http.request.uri.path contains "/old/"
    "#;
    let log = log_to(&owner(), Kept::default()).per_rule(1, 3).in_total(5).build().unwrap();
    let layer = RulesLayer::builder(rules(both)).log(log.clone()).build().unwrap();
    let (handle, app) = (layer.handle(), app(layer));
    for _ in 0..10 {
        status(&app, get("/a/../b")).await;
    }
    for _ in 0..10 {
        status(&app, get("/old/")).await;
    }
    log.shutdown(10 * SECOND).await;
    let counts = handle.counts();
    assert_eq!(counts.iter().map(|rule| rule.events).collect::<Vec<_>>(), [3, 2], "{counts:?}");
    assert!(lost(&counts[1], LostEvent::TotalRate) >= 1, "{counts:?}");
}

/// A sink that hangs until it is let go.
#[derive(Clone)]
struct Hanging(Arc<AtomicBool>);

impl EventSink for Hanging {
    fn take(&self, _: Bytes) -> Result<(), NotTaken> {
        while self.0.load(Ordering::SeqCst) {
            std::thread::sleep(MS);
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_sink_that_hangs_keeps_no_request_waiting() {
    let sink = Hanging(Arc::new(AtomicBool::new(true)));
    let log =
        log_to(&owner(), sink.clone()).per_rule(5_000, 5_000).in_total(5_000).build().unwrap();
    let layer = RulesLayer::builder(rules(BAD)).log(log.clone()).build().unwrap();
    let (handle, app) = (layer.handle(), app(layer));
    let began = Instant::now();
    for _ in 0..1_000 {
        assert_eq!(status(&app, get("/a/../b")).await, 403);
    }
    assert!(began.elapsed() < 10 * SECOND, "{:?}", began.elapsed());
    let full = counts(&handle);
    assert_eq!(full.enforced, 1_000);
    // 256 wait, and one is with the sink.
    assert!((743..=744).contains(&lost(&full, LostEvent::QueueFull)), "{full:?}");
    assert!(!log.shutdown(20 * MS).await, "the sink hangs");
    assert_eq!(status(&app, get("/a/../b")).await, 403);
    assert_eq!(lost(&counts(&handle), LostEvent::Closed), 1);
    sink.0.store(false, Ordering::SeqCst);
    while counts(&handle).events < 5 {
        tokio::time::sleep(10 * MS).await; // what waited at the shutdown goes to the sink all the same
    }
}

#[tokio::test]
async fn what_waits_is_bounded_in_bytes_too() {
    let sink = Hanging(Arc::new(AtomicBool::new(true)));
    let log =
        log_to(&owner(), sink.clone()).per_rule(5_000, 5_000).in_total(5_000).build().unwrap();
    let rules = rules(r#"long: block: http.request.body.raw contains "needle""#);
    let layer = RulesLayer::builder(rules).log(log.clone()).body_bytes(1_048_576).build().unwrap();
    let (handle, app) = (layer.handle(), app(layer));
    let body = Bytes::from(format!("needle{}", "a".repeat(1_000_000)));
    for _ in 0..100 {
        assert_eq!(status(&app, post(body.clone())).await, 403);
    }
    let full = counts(&handle);
    assert!((45..=50).contains(&log.waiting()), "{}", log.waiting());
    // One may be with the sink.
    let waiting = u64::try_from(log.waiting()).unwrap();
    let known = lost(&full, LostEvent::QueueFull) + waiting;
    assert!((99..=100).contains(&known), "{known}: {full:?}");
    sink.0.store(false, Ordering::SeqCst);
    while counts(&handle).events < 2 {
        tokio::time::sleep(10 * MS).await;
    }
    assert_eq!(status(&app, post(body)).await, 403);
    assert_eq!(
        lost(&counts(&handle), LostEvent::QueueFull),
        known - waiting,
        "there is room again"
    );
}

#[tokio::test]
async fn a_sink_that_panics_loses_its_event_and_no_other() {
    let (kept, calls) = (Kept::default(), Arc::new(AtomicUsize::new(0)));
    let inner = kept.clone();
    let sink = move |event: Bytes| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => panic!("a fault of the sink"),
        1 => Err(NotTaken),
        _ => inner.take(event),
    };
    let log = log_to(&owner(), sink).build().unwrap();
    let layer = RulesLayer::builder(rules(BAD)).log(log.clone()).build().unwrap();
    let (handle, app) = (layer.handle(), app(layer));
    for _ in 0..4 {
        assert_eq!(status(&app, get("/a/../b")).await, 403);
    }
    assert!(log.shutdown(10 * SECOND).await);
    let counts = counts(&handle);
    assert_eq!((counts.events, lost(&counts, LostEvent::NotTaken)), (2, 2));
    assert_eq!(kept.events().len(), 2);
}

#[tokio::test]
async fn channels_writers_and_closures_are_sinks() {
    let owner = owner();
    let (sender, receiver) = std::sync::mpsc::sync_channel::<Bytes>(1);
    let (async_sender, mut async_receiver) = tokio::sync::mpsc::channel::<Bytes>(1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.ndjson");
    for log in [
        log_to(&owner, sender),
        log_to(&owner, async_sender),
        log_to(&owner, NdjsonSink::append(&path).unwrap()),
        log_to(&owner, |_: Bytes| Ok(())),
    ] {
        let log = log.build().unwrap();
        let app = app(RulesLayer::builder(rules(BAD)).log(log.clone()).build().unwrap());
        for _ in 0..2 {
            assert_eq!(status(&app, get("/a/../b")).await, 403);
        }
        assert!(log.shutdown(10 * SECOND).await);
    }
    assert_eq!(receiver.try_iter().count(), 1, "there is room for one");
    assert!(async_receiver.recv().await.is_some());
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.lines().count() == 2 && text.ends_with("}\n"));
}

/// A disk that is full for one write.
#[derive(Clone, Default)]
struct FullOnce(Arc<std::sync::Mutex<(usize, Vec<u8>)>>);

impl std::io::Write for FullOnce {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let (writes, kept) = &mut *self.0.lock().unwrap();
        *writes += 1;
        let room = if *writes == 2 { 3 } else { bytes.len() };
        if *writes == 3 {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        kept.extend_from_slice(&bytes[..room]);
        Ok(room)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_line_that_was_cut_takes_no_other_with_it() {
    let disk = FullOnce::default();
    let sink = NdjsonSink::new(disk.clone());
    let taken = ["{\"a\":1}", "{\"b\":2}", "{\"c\":3}", "{\"d\":4}"]
        .map(|event| sink.take(Bytes::from_static(event.as_bytes())));
    assert_eq!(taken, [Ok(()), Err(NotTaken), Ok(()), Ok(())]);
    let written = disk.0.lock().unwrap().1.clone();
    assert_eq!(String::from_utf8(written).unwrap(), "{\"a\":1}\n{\"b\n{\"c\":3}\n{\"d\":4}\n");
}

#[tokio::test]
async fn a_shipper_is_a_sink() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let shipper = Shipper::builder(&format!("http://{nobody}/")).unwrap();
    let shipper = shipper.spool(folder.path().join("spool")).build().unwrap();
    let log = log_to(&owner(), shipper.clone()).build().unwrap();
    let app = app(RulesLayer::builder(rules(BAD)).log(log.clone()).build().unwrap());
    for _ in 0..5 {
        status(&app, get("/a/../b")).await;
    }
    assert!(log.shutdown(10 * SECOND).await);
    let stats = shipper.shutdown(SECOND).await;
    assert_eq!((stats.taken, stats.spooled, stats.dropped), (5, 5, 0));
}

#[tokio::test]
async fn version_3_and_x_wing_work_too() {
    let old = owner();
    let kept = Kept::default();
    let log = log_to(&old, kept.clone()).version(BlobVersion::V3).build().unwrap();
    let layer = RulesLayer::builder(rules(BAD)).log(log).build().unwrap();
    status(&app(layer), get("/a/../b")).await;
    let event = kept.only().await;
    let blob = event["Metadata"]["encrypted_matched_data"].as_str().unwrap();
    assert!(open(blob, &old, None).is_ok());
    assert!(event["Metadata"].get("binding").is_none());

    let new = PrivateKey::generate(Suite::XWing).unwrap();
    let kept = Kept::default();
    let layer = RulesLayer::builder(rules(BAD)).log(log_to(&new, kept.clone()).build().unwrap());
    status(&app(layer.build().unwrap()), get("/a/../b")).await;
    assert_eq!(opened(&kept.only().await, &new)["http.request.uri.path"]["content"], "../");

    let odd = log_to(&new, |_| Ok(())).version(BlobVersion::V3).build().unwrap_err();
    assert_eq!(odd, RulesLayerError::KeyKind);
}

#[test]
fn what_cannot_be_logged_is_refused_in_two_lines() {
    let owner = owner();
    let rates = [(0, 500), (5_001, 500), (10, 0), (10, 5_001)].map(|(per_rule, in_total)| {
        log_to(&owner, |_| Ok(())).per_rule(per_rule, 1).in_total(in_total).build().unwrap_err()
    });
    let key = || owner.public_key().clone();
    let tenants = [String::new(), "a".repeat(65_536)].map(|tenant| {
        wafpass::layer::rules::EventLog::builder(&tenant, key(), |_| Ok(())).build().unwrap_err()
    });
    for error in rates
        .into_iter()
        .chain(tenants)
        .chain([RulesLayerError::NoThread, RulesLayerError::KeyKind])
    {
        assert_eq!(error.to_string().lines().count(), 2, "{error}");
    }
}

#[tokio::test]
async fn a_url_without_an_end_hides_nothing() {
    let (owner, kept) = (owner(), Kept::default());
    let log = log_to(&owner, kept.clone()).build().unwrap();
    let app = app(RulesLayer::builder(rules(BAD)).log(log).build().unwrap());
    let long = "x".repeat(60_000);
    let mut request = get(&format!("/a/../{long}?{}", &long[..5_000]));
    request.headers_mut().insert("user-agent", long.parse().unwrap());
    assert_eq!(status(&app, request).await, 403);
    let event = kept.only().await;
    assert!(
        event.to_string().len() < wafpass::ship::limits::MAX_EVENT_BYTES,
        "{}",
        event.to_string().len()
    );
    assert_eq!(opened(&event, &owner)["http.request.uri.path"]["content"], "../");
}
