//! The shipper against a collector on loopback that takes, refuses, hangs, goes away and comes back.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    missing_docs,
    reason = "in a test, a panic is the report"
)]
#![cfg(unix)]

use std::collections::VecDeque;
use std::fs;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Response};
use axum::routing::post;
use flate2::read::GzDecoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use wafpass::ship::{BearerToken, DropReason, ShipError, Shipper, ShipperBuilder, ShipperStats};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone)]
struct Received {
    headers: HeaderMap,
    events: Vec<String>,
    at: Instant,
}

impl Received {
    fn key(&self) -> &str {
        self.headers["idempotency-key"].to_str().unwrap()
    }
}

type Answer = Box<dyn Fn() -> Response<Body> + Send>;

#[derive(Clone, Default)]
struct Collector {
    received: Arc<Mutex<Vec<Received>>>,
    /// What comes first; then 200.
    answers: Arc<Mutex<VecDeque<Answer>>>,
}

impl Collector {
    async fn listen(&self, address: SocketAddr) -> (SocketAddr, JoinHandle<()>) {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let this = self.clone();
        let take = async move |headers: HeaderMap, body: Bytes| this.take(headers, &body);
        let app = Router::new().route("/v1/events", post(take));
        (address, tokio::spawn(async move { axum::serve(listener, app).await.unwrap() }))
    }

    fn take(&self, headers: HeaderMap, body: &[u8]) -> Response<Body> {
        let mut text = String::new();
        GzDecoder::new(body).read_to_string(&mut text).unwrap();
        assert!(text.ends_with('\n'));
        let events = text.lines().map(str::to_owned).collect();
        self.received.lock().unwrap().push(Received { headers, events, at: Instant::now() });
        let answer = self.answers.lock().unwrap().pop_front();
        answer.map_or_else(|| Response::new(Body::empty()), |answer| answer())
    }

    fn answer(&self, statuses: &[u16]) {
        for &status in statuses {
            self.answer_with(move || Response::builder().status(status).body("no".into()).unwrap());
        }
    }

    fn answer_with(&self, answer: impl Fn() -> Response<Body> + Send + 'static) {
        self.answers.lock().unwrap().push_back(Box::new(answer));
    }

    fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// Every event, in the order in which it came.
    fn events(&self) -> Vec<String> {
        self.received().into_iter().flat_map(|received| received.events).collect()
    }
}

async fn collector() -> (Collector, String) {
    let collector = Collector::default();
    let (address, _) = collector.listen(([127, 0, 0, 1], 0).into()).await;
    (collector, url(address))
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}/v1/events")
}

/// An address where nobody listens.
fn nobody() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Quick, so that tests are: one event a batch.
fn quick(url: &str) -> ShipperBuilder {
    let builder = Shipper::builder(url).unwrap();
    builder.batches(1, 65_536, MS).pauses(MS, 20 * MS).timeout(SECOND)
}

fn event(number: usize) -> String {
    format!(r#"{{"RayID":"{number:016x}"}}"#)
}

fn events(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(event).collect()
}

fn ship(shipper: &Shipper, numbers: std::ops::Range<usize>) {
    for number in numbers {
        shipper.ship(event(number)).unwrap();
    }
}

/// Waits until the shipper's counts are as they should be.
async fn until(shipper: &Shipper, is_so: impl Fn(&ShipperStats) -> bool) -> ShipperStats {
    for _ in 0..2_000 {
        let stats = shipper.stats();
        if is_so(&stats) {
            return stats;
        }
        tokio::time::sleep(5 * MS).await;
    }
    panic!("it did not come to that: {:?}", shipper.stats());
}

/// The files of a folder, without their folders and the lock.
fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    let names = files.map(|entry| entry.file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name != ".lock").collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_batch_is_ndjson_in_gzip() {
    let (collector, url) = collector().await;
    let builder = Shipper::builder(&url).unwrap().bearer(BearerToken::new("abc.DEF\n").unwrap());
    let shipper = builder.batches(3, 1_000_000, 60 * SECOND).build().unwrap();
    ship(&shipper, 0..7);
    shipper.ship(format!("{}\n", event(7))).unwrap(); // the line's end is no part of it
    let stats = shipper.shutdown(5 * SECOND).await;
    assert_eq!((stats.taken, stats.sent, stats.waiting, stats.dropped), (8, 8, 0, 0));
    let received = collector.received();
    let sizes: Vec<_> = received.iter().map(|batch| batch.events.len()).collect();
    assert_eq!(sizes, [3, 3, 2]);
    assert_eq!(collector.events(), events(0..8));
    for batch in &received {
        let field = |name: &str| batch.headers[name].to_str().unwrap();
        assert_eq!(field("content-type"), "application/x-ndjson");
        assert_eq!(field("content-encoding"), "gzip");
        assert_eq!(field("authorization"), "Bearer abc.DEF");
        assert!(field("user-agent").starts_with("wafpass/"));
        assert!(
            batch.key().len() == 32 && batch.key().bytes().all(|byte| byte.is_ascii_hexdigit())
        );
    }
    assert_ne!(received[0].key(), received[1].key());
}

#[tokio::test]
async fn bytes_and_age_end_a_batch_too() {
    let (collector, url) = collector().await;
    let long = |letter: &str| format!(r#"{{"a":"{}"}}"#, letter.repeat(30_000));
    let shipper = Shipper::builder(&url).unwrap().batches(100, 65_536, 50 * MS).build().unwrap();
    for letter in ["a", "b", "c", "d", "e"] {
        shipper.ship(long(letter)).unwrap();
    }
    until(&shipper, |stats| stats.sent == 5).await; // the last by its age
    let sizes: Vec<_> = collector.received().iter().map(|batch| batch.events.len()).collect();
    assert_eq!(sizes, [2, 2, 1]);
}

#[tokio::test]
async fn a_retry_carries_the_same_key() {
    let (collector, url) = collector().await;
    collector.answer(&[500, 503, 408, 425, 302]);
    let shipper = quick(&url).build().unwrap();
    ship(&shipper, 0..2);
    let stats = until(&shipper, |stats| stats.sent == 2).await;
    assert_eq!((stats.attempts, stats.dropped, stats.is_away), (7, 0, false));
    let received = collector.received();
    let first = received[0].key();
    assert!(received[..6].iter().all(|batch| batch.key() == first && batch.events == events(0..1)));
    assert_ne!(received[6].key(), first);
}

#[tokio::test]
async fn a_collector_that_names_a_time_is_left_alone_until_then() {
    let (collector, url) = collector().await;
    collector.answer_with(|| {
        Response::builder().status(429).header("retry-after", "1").body(Body::empty()).unwrap()
    });
    let shipper = quick(&url).build().unwrap();
    ship(&shipper, 0..1);
    until(&shipper, |stats| stats.sent == 1).await;
    let received = collector.received();
    assert_eq!(received.len(), 2);
    let waited = received[1].at - received[0].at;
    assert!((SECOND..3 * SECOND).contains(&waited), "{waited:?}");
}

#[tokio::test]
async fn what_waits_on_the_disk_comes_in_order_once_the_collector_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let address = nobody();
    let shipper = quick(&url(address)).spool(&spool).build().unwrap();
    ship(&shipper, 0..20);
    let stats = until(&shipper, |stats| stats.spooled == 20).await;
    assert!(stats.is_away && stats.waiting == 0 && stats.spool_bytes > 0, "{stats:?}");
    assert_eq!(files(&spool).len(), 20);

    let collector = Collector::default();
    collector.answer(&[500, 200, 500]);
    collector.listen(address).await;
    ship(&shipper, 20..30);
    let stats = until(&shipper, |stats| stats.sent == 30).await;
    assert_eq!((stats.spooled, stats.dropped, stats.is_away), (0, 0, false));
    let mut came = collector.events();
    came.dedup(); // those that were answered with 500
    assert_eq!(came, events(0..30));
    assert_eq!(files(&spool), Vec::<String>::new());
    assert_eq!(shipper.stats().spool_bytes, 0);
}

#[tokio::test]
async fn the_disk_holds_it_for_this_user_alone() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("deep/spool");
    let shipper = quick(&url(nobody())).spool(&spool).build().unwrap();
    ship(&shipper, 0..1);
    until(&shipper, |stats| stats.spooled == 1).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!([&spool, &spool.join("refused")].map(|path| mode(path)), [0o700; 2]);
    for name in files(&spool) {
        assert_eq!(mode(&spool.join(name)), 0o600);
    }
    let second = quick(&url(nobody())).spool(&spool).build().unwrap_err();
    assert!(second.to_string().contains("name a folder for each process"), "{second}");

    let open = folder.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o750)).unwrap();
    let error = quick(&url(nobody())).spool(&open).build().unwrap_err();
    assert!(error.to_string().contains("open to others (mode 0750)"), "{error}");
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = quick(&url(nobody())).spool(&file).build().unwrap_err();
    assert!(matches!(error, ShipError::Spool { .. }) && error.to_string().lines().count() == 2);
}

#[tokio::test]
async fn a_full_spool_keeps_the_oldest_and_counts_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let address = nobody();
    let builder = quick(&url(address)).spool(folder.path().join("spool")).spool_bytes(65_536);
    let shipper = builder.build().unwrap();
    // Random text, which does not get smaller.
    let noise = || {
        let mut bytes = [0; 10_000];
        getrandom::fill(&mut bytes).unwrap();
        bytes.map(|byte| char::from(b'!' + 2 + byte % 56)).into_iter().collect::<String>()
    };
    for number in 0..20 {
        shipper.ship(format!(r#"{{"number":{number},"noise":"{}"}}"#, noise())).unwrap();
    }
    let stats = loop {
        let stats = shipper.stats();
        tokio::time::sleep(100 * MS).await;
        let has_come_to_rest = stats.spooled + stats.dropped + stats.waiting == 20;
        if has_come_to_rest && shipper.stats().dropped == stats.dropped && stats.dropped > 5 {
            break stats;
        }
    };
    assert_eq!(stats.dropped, shipper.dropped(DropReason::SpoolFull));
    assert!(stats.spool_bytes <= 65_536, "{stats:?}");

    let collector = Collector::default();
    collector.listen(address).await;
    let kept = 20 - stats.dropped;
    until(&shipper, |stats| stats.sent == kept).await;
    let came = collector.events();
    let numbers = came.iter().map(|event| event[10..].split(',').next().unwrap().parse().unwrap());
    assert_eq!(numbers.collect::<Vec<u64>>(), (0..kept).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_next_run_sends_what_the_last_one_left() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let collector = Collector::default();
    collector.answer(&[500]);
    let (address, listening) = collector.listen(([127, 0, 0, 1], 0).into()).await;
    let first = quick(&url(address)).spool(&spool).pauses(60 * SECOND, 60 * SECOND);
    let first = first.build().unwrap();
    ship(&first, 0..1);
    until(&first, |stats| stats.spooled == 1).await;
    let key = collector.received()[0].key().to_owned();
    ship(&first, 1..5);
    let stats = first.shutdown(SECOND).await;
    assert_eq!((stats.taken, stats.spooled, stats.dropped, stats.waiting), (5, 5, 0, 0));
    listening.abort();
    assert_eq!(first.ship(event(9)), Err(DropReason::Closed));
    drop(first);

    let (address, _) = collector.listen(([127, 0, 0, 1], 0).into()).await;
    let second = quick(&url(address)).spool(&spool).build().unwrap();
    assert_eq!(second.stats().spooled, 5);
    ship(&second, 5..6);
    until(&second, |stats| stats.sent == 6).await;
    let received = collector.received();
    assert_eq!(received[1].key(), key, "a collector can tell that it has it");
    let came: Vec<_> = received[1..].iter().flat_map(|batch| batch.events.clone()).collect();
    assert_eq!(came, events(0..6));
}

#[tokio::test]
async fn files_that_are_not_what_was_written_are_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let first = quick(&url(nobody())).spool(&spool).build().unwrap();
    ship(&first, 0..6);
    until(&first, |stats| stats.spooled == 6).await;
    first.shutdown(Duration::ZERO).await;
    drop(first);
    let names = files(&spool);
    let path = |number: usize| spool.join(&names[number]);
    let bytes = fs::read(path(0)).unwrap();
    fs::write(path(0), &bytes[..bytes.len() - 3]).unwrap(); // cut in its checksum
    fs::write(path(1), "").unwrap();
    let mut changed = fs::read(path(2)).unwrap();
    changed[15] ^= 1;
    fs::write(path(2), changed).unwrap();
    // Killed while it was written: not under its own name yet.
    fs::rename(path(3), spool.join(format!("{}.tmp", names[3]))).unwrap();
    fs::write(spool.join("a stranger's file"), "left alone").unwrap();
    let other = fs::read(path(5)).unwrap();
    fs::write(path(4), [other.clone(), other].concat()).unwrap(); // twice what its name says

    let (collector, url) = collector().await;
    let second = quick(&url).spool(&spool).build().unwrap();
    ship(&second, 6..7);
    let stats = until(&second, |stats| stats.sent == 2).await;
    assert_eq!((stats.corrupt, stats.dropped, stats.spooled), (5, 0, 0));
    assert_eq!(collector.events(), events(5..7));
    assert_eq!(files(&spool.join("corrupt")).len(), 5);
    assert_eq!(files(&spool), ["a stranger's file"]);
}

#[tokio::test]
async fn a_file_that_a_hand_took_holds_up_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let address = nobody();
    let shipper = quick(&url(address)).spool(&spool).build().unwrap();
    ship(&shipper, 0..3);
    until(&shipper, |stats| stats.spooled == 3).await;
    fs::remove_file(spool.join(&files(&spool)[1])).unwrap();
    let collector = Collector::default();
    collector.listen(address).await;
    let stats = until(&shipper, |stats| stats.sent == 2).await;
    assert_eq!((stats.spooled, stats.spool_bytes, stats.corrupt, stats.dropped), (0, 0, 0, 0));
    assert_eq!(collector.events(), [event(0), event(2)]);
}

#[tokio::test]
async fn a_token_that_has_expired_loses_no_event() {
    let (collector, url) = collector().await;
    collector.answer(&[401; 5_000]);
    let shipper = quick(&url).bearer(BearerToken::new("old").unwrap()).build().unwrap();
    ship(&shipper, 0..2);
    until(&shipper, |stats| stats.attempts >= 2).await;
    shipper.replace_token(BearerToken::new("new").unwrap());
    collector.answers.lock().unwrap().clear();
    let stats = until(&shipper, |stats| stats.sent == 2).await;
    assert_eq!((stats.refused, stats.dropped), (0, 0));
    assert_eq!(collector.received().last().unwrap().headers["authorization"], "Bearer new");
}

#[tokio::test]
async fn a_disk_that_is_gone_costs_events_and_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let address = nobody();
    let shipper = quick(&url(address)).spool(&spool).build().unwrap();
    fs::remove_dir_all(&spool).unwrap();
    ship(&shipper, 0..200);
    // Those that memory has room for, and the one whose attempt failed.
    let is_rest = |stats: &ShipperStats| stats.waiting <= 5 && stats.waiting + stats.dropped == 200;
    let stats = until(&shipper, is_rest).await;
    assert!(stats.is_away && stats.spooled == 0, "{stats:?}");
    assert_eq!(shipper.dropped(DropReason::SpoolFailed), stats.dropped);

    let collector = Collector::default();
    collector.listen(address).await;
    let kept = stats.waiting;
    until(&shipper, |stats| stats.sent == kept).await;
    ship(&shipper, 200..203);
    until(&shipper, |stats| stats.sent == kept + 3).await;
    assert_eq!(shipper.shutdown(SECOND).await.dropped, 200 - kept);
}

#[tokio::test]
async fn a_shutdown_may_be_given_any_time() {
    let (collector, url) = collector().await;
    let shipper = quick(&url).build().unwrap();
    ship(&shipper, 0..3);
    assert_eq!(shipper.shutdown(Duration::MAX).await.sent, 3);
    assert_eq!(shipper.shutdown(Duration::MAX).await.sent, 3, "a second one has nothing to do");
    assert_eq!(collector.events(), events(0..3));
}

#[tokio::test]
async fn a_refused_batch_is_kept_aside() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let (collector, url) = collector().await;
    collector.answer(&[400, 200, 413]);
    let shipper = quick(&url).spool(&spool).build().unwrap();
    ship(&shipper, 0..4);
    let stats = until(&shipper, |stats| stats.sent == 2).await;
    assert_eq!((stats.refused, stats.dropped, stats.spooled, stats.attempts), (2, 0, 0, 4));
    assert_eq!(files(&spool.join("refused")).len(), 2);
    assert_eq!(collector.events(), events(0..4));
    assert!(stats.spool_bytes > 0, "what was set aside counts towards the spool's bytes");
    shipper.shutdown(SECOND).await;
    drop(shipper);

    // As docs/rules-in-operation.md says: moved back, they are sent at the next start.
    for name in files(&spool.join("refused")) {
        fs::rename(spool.join("refused").join(&name), spool.join(&name)).unwrap();
    }
    let shipper = quick(&url).spool(&spool).build().unwrap();
    until(&shipper, |stats| stats.sent == 2).await;
    assert_eq!(collector.events()[4..], [event(0), event(2)]);

    collector.answer(&[422]);
    let without = quick(&url).build().unwrap();
    ship(&without, 8..10);
    let stats = until(&without, |stats| stats.sent == 1).await;
    assert_eq!((stats.dropped, without.dropped(DropReason::Refused)), (1, 1));
}

#[tokio::test]
async fn a_queue_that_is_full_never_makes_anybody_wait() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap(); // takes connections, says nothing
    let builder = quick(&url(listener.local_addr().unwrap())).queue(10).timeout(60 * SECOND);
    let shipper = builder.build().unwrap();
    let began = Instant::now();
    let lost = (0..10_000).filter(|&number| shipper.ship(event(number)).is_err()).count();
    assert!(began.elapsed() < SECOND, "{:?}", began.elapsed());
    let stats = shipper.stats();
    assert_eq!(stats.taken + stats.dropped, 10_000);
    assert_eq!(stats.dropped, u64::try_from(lost).unwrap());
    assert_eq!(shipper.dropped(DropReason::QueueFull), stats.dropped);
    assert!(stats.dropped >= 9_900, "{stats:?}");
    // Without a spool, what waited is lost at the end, and counted.
    let stats = shipper.shutdown(50 * MS).await;
    assert_eq!((stats.waiting, stats.sent, stats.dropped), (0, 0, 10_000));
    assert!(shipper.dropped(DropReason::Shutdown) > 0);
}

#[tokio::test]
async fn what_is_no_event_is_not_taken() {
    let (_, url) = collector().await;
    let shipper = quick(&url).build().unwrap();
    let long = format!(r#"{{"a":"{}"}}"#, "a".repeat(65_536));
    for bad in ["", "\n", "text", "[1]", "{", "{}\n{}", "{}\n\n", long.as_str()] {
        assert_eq!(shipper.ship(bad.to_owned()), Err(DropReason::Malformed), "{bad:.20}");
    }
    assert_eq!(shipper.dropped(DropReason::Malformed), 8);
    assert_eq!(shipper.stats().taken, 0);
}

#[tokio::test]
async fn a_collector_that_trickles_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nx: ").await;
                while stream.write_all(b"a").await.is_ok() {
                    tokio::time::sleep(10 * MS).await;
                }
            });
        }
    });
    let builder = quick(&url(address)).timeout(100 * MS).spool(folder.path().join("spool"));
    let shipper = builder.build().unwrap();
    ship(&shipper, 0..3);
    let stats = until(&shipper, |stats| stats.attempts >= 2 && stats.spooled == 3).await;
    assert!(stats.is_away && stats.sent == 0, "{stats:?}");
    let began = Instant::now();
    let stats = shipper.shutdown(200 * MS).await;
    assert!(began.elapsed() < SECOND, "{:?}", began.elapsed());
    assert_eq!((stats.spooled, stats.dropped), (3, 0));
}

#[tokio::test]
async fn an_endless_answer_costs_the_connection_and_no_more() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let written = Arc::new(Mutex::new(0_usize));
    let count = Arc::clone(&written);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4_096]).await;
                let _ = stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n")
                    .await;
                while stream.write_all(&[b'a'; 4_096]).await.is_ok() {
                    *count.lock().unwrap() += 4_096;
                }
            });
        }
    });
    let shipper = quick(&url(address)).build().unwrap();
    ship(&shipper, 0..3);
    let stats = until(&shipper, |stats| stats.sent == 3).await;
    assert_eq!((stats.attempts, stats.is_away), (3, false));
    // What the sockets hold, beyond the 16 KB of each that are read.
    assert!(*written.lock().unwrap() < 3 * (16 << 20), "{}", *written.lock().unwrap());
}

#[tokio::test]
async fn a_redirect_takes_neither_events_nor_the_token_elsewhere() {
    let (other, other_url) = collector().await;
    let (collector, url) = collector().await;
    collector.answer_with(move || {
        Response::builder().status(307).header("location", &other_url).body(Body::empty()).unwrap()
    });
    let shipper = quick(&url).bearer(BearerToken::new("hunter2").unwrap()).build().unwrap();
    ship(&shipper, 0..1);
    until(&shipper, |stats| stats.sent == 1).await;
    assert_eq!((other.received().len(), collector.received().len()), (0, 2));
    shipper.replace_token(BearerToken::new("hunter3").unwrap());
    ship(&shipper, 1..2);
    until(&shipper, |stats| stats.sent == 2).await;
    assert_eq!(collector.received()[2].headers["authorization"], "Bearer hunter3");
}

#[tokio::test]
async fn without_a_shutdown_the_last_handle_ends_it_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let (collector, url) = collector().await;
    let builder = Shipper::builder(&url).unwrap().batches(100, 1_000_000, 60 * SECOND);
    let shipper = builder.spool(&spool).build().unwrap();
    let clone = shipper.clone();
    ship(&shipper, 0..5);
    drop(shipper);
    ship(&clone, 5..7);
    drop(clone);
    for _ in 0..400 {
        tokio::time::sleep(5 * MS).await;
        if collector.events().len() == 7 {
            break;
        }
    }
    assert_eq!(collector.events(), events(0..7));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_threads_hand_over_and_nothing_is_lost_or_doubled() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, url) = collector().await;
    collector.answer(&[500, 200, 503, 200, 200, 500]);
    let builder = Shipper::builder(&url).unwrap().batches(50, 65_536, 5 * MS).pauses(MS, 5 * MS);
    let shipper = builder.spool(folder.path().join("spool")).build().unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let shipper = shipper.clone();
            tokio::spawn(async move {
                for number in 0..500 {
                    shipper.ship(event(task * 500 + number)).unwrap();
                    if number % 50 == 0 {
                        tokio::task::yield_now().await;
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let stats = until(&shipper, |stats| stats.sent == 4_000).await;
    assert_eq!((stats.taken, stats.dropped, stats.spooled, stats.waiting), (4_000, 0, 0, 0));
    let mut keys = std::collections::HashSet::new();
    let received = collector.received();
    let once = received.iter().rev().filter(|batch| keys.insert(batch.key()));
    let mut came: Vec<_> = once.flat_map(|batch| batch.events.clone()).collect();
    came.sort();
    assert_eq!(came, events(0..4_000));
}

/// What is logged by this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn losses_are_told_a_few_times_and_without_what_was_lost() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let builder = quick(&format!("{}?key=hunter3", url(nobody()))).queue(4);
    let shipper = builder.bearer(BearerToken::new("hunter2").unwrap()).build().unwrap();
    for _ in 0..1_000 {
        let _ = shipper.ship(r#"{"secret":"hunter1"}"#);
        let _ = shipper.ship("hunter1");
    }
    until(&shipper, |stats| stats.is_away).await;
    let stats = shipper.shutdown(20 * MS).await;
    assert_eq!(stats.dropped, 2_000);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let ours: Vec<_> = text.lines().filter(|line| line.contains("wafpass::ship")).collect();
    assert!(ours.len() < 10, "{text}");
    let told = |what: &str| ours.iter().any(|line| line.contains(what));
    assert!(told("reason=\"queue-full\" events=1 all=1"), "{text}");
    assert!(told("reason=\"malformed\" events=999 all=1000"), "the rest at the end: {text}");
    assert!(told("the collector does not take events: it cannot be reached"), "{text}");
    assert!(!ours.iter().any(|line| line.contains("hunter")), "{text}");
}

/// A collector with a certificate for `name`, of an authority whose certificate comes back. Answers 200.
fn over_tls(folder: &Path, name: &str) -> (SocketAddr, Vec<u8>) {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};

    fs::write(folder.join("names"), format!("subjectAltName=DNS:{name}\n")).unwrap();
    let curve = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    for command in [
        format!("req -x509 {curve} -days 2 -subj /CN=authority -keyout ca.key -out ca.pem"),
        format!("req {curve} -subj /CN=collector -keyout server.key -out server.csr"),
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem".into(),
    ] {
        let mut openssl = std::process::Command::new("openssl");
        let output = openssl.args(command.split(' ')).current_dir(folder).output();
        let output = output.unwrap_or_else(|error| panic!("openssl: {error}; run ./test install"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let certificate = CertificateDer::from_pem_file(folder.join("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream.unwrap());
            // Whatever is sent at once; who does not trust us sends nothing.
            if stream.read(&mut [0; 16_384]).is_ok_and(|read| read > 0) {
                let _ = stream.write_all(
                    b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
                );
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    (address, fs::read(folder.join("ca.pem")).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_for_a_collector_that_proves_its_name() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let (right, ca) = over_tls(folders[0].path(), "localhost");
    let (other, other_ca) = over_tls(folders[1].path(), "other.example");
    let at =
        |address: SocketAddr| quick(&format!("https://localhost:{}/v1/events", address.port()));

    let shipper = at(right).ca_pem(&ca).bearer(BearerToken::new("abc").unwrap()).build().unwrap();
    ship(&shipper, 0..3);
    until(&shipper, |stats| stats.sent == 3).await;
    assert!(!shipper.stats().is_away);

    for distrusted in [at(right), at(right).ca_pem(&other_ca), at(other).ca_pem(&other_ca)] {
        match distrusted.build() {
            Ok(shipper) => {
                ship(&shipper, 0..1);
                let stats = until(&shipper, |stats| stats.attempts >= 2).await;
                assert!(stats.is_away && stats.sent == 0, "{stats:?}");
            }
            // Without authorities of the operating system there is none to trust either.
            Err(error) => assert_eq!(error, ShipError::Tls),
        }
    }
    for (url, pem) in [("https://a.example/", &b"no PEM"[..]), ("http://127.0.0.1/", &ca)] {
        let error = Shipper::builder(url).unwrap().ca_pem(pem).build().unwrap_err();
        assert_eq!(error, ShipError::Ca, "{url}");
    }
}
