//! A server that dies, stands still, is full, evicts, or does not let one in.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use wafpass::replay::{
    Admission, Eviction, OnFailure, ReplayRedis, ReplayRedisFault, ReplayRedisState, ReplayStore,
};

use crate::common::*;

const QUICK: Duration = Duration::from_millis(50);

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_under_load_lets_nothing_pass_twice() {
    const REQUESTS: usize = 20_000;
    let mut server = old_server();
    let hand = Hand::new();
    let origins = [0, 1].map(|_| build(builder(&server.url()).clock(hand.clone())));
    let passed: Arc<Vec<AtomicUsize>> =
        Arc::new((0..REQUESTS).map(|_| AtomicUsize::new(0)).collect());
    let (unavailable, is_over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let load = |origin: &Arc<ReplayRedis>| {
        let (origin, passed) = (Arc::clone(origin), Arc::clone(&passed));
        let (unavailable, is_over) = (Arc::clone(&unavailable), Arc::clone(&is_over));
        tokio::spawn(async move {
            for number in (0..REQUESTS).cycle() {
                match admit(&origin, number as u64).await {
                    Admission::Fresh { .. } => drop(passed[number].fetch_add(1, Ordering::Relaxed)),
                    Admission::Unavailable => drop(unavailable.fetch_add(1, Ordering::Relaxed)),
                    // Once another server answers, the one before may have known it.
                    answer => assert!(matches!(answer, Admission::Replayed | Admission::Expired)),
                }
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        })
    };
    let loads: Vec<_> = origins.iter().flat_map(|origin| [load(origin), load(origin)]).collect();
    let sum = || passed.iter().map(|passed| passed.load(Ordering::Relaxed)).sum::<usize>();
    let began = Instant::now();
    while sum() < 300 {
        assert!(began.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    server.kill(); // and all that it knew with it
    until_open(&origins[0]).await;
    until_open(&origins[1]).await;
    let before = sum();
    server.restart();
    until_ready(&origins[0]).await;
    until_ready(&origins[1]).await;
    tokio::time::sleep(QUICK).await;
    is_over.store(true, Ordering::Relaxed);
    for load in loads {
        load.await.unwrap();
    }
    assert!(passed.iter().all(|passed| passed.load(Ordering::Relaxed) <= 1));
    assert_eq!(sum(), before, "what was signed before the loss is refused");
    assert!(unavailable.load(Ordering::Relaxed) > 0);
    for origin in &origins {
        assert_eq!(origin.started(), Some(at(5)));
        assert_eq!(admit_at(origin, 90_000, 1, at(5), at(6)).await, Admission::Expired);
    }
    assert_eq!(admit_at(&origins[0], 90_001, 1, at(6), at(6)).await, FIRST);
    assert_eq!(admit_at(&origins[1], 90_001, 1, at(6), at(6)).await, Admission::Replayed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stands_still_is_not_waited_for() {
    let server = old_server();
    let timeout = Duration::from_millis(60);
    let [a, b] = [0, 1].map(|_| build(builder(&server.url()).timeout(timeout)));
    until_ready(&a).await;
    until_ready(&b).await;
    server.pause();
    // These lie in the server's socket, and run when it goes on.
    for number in 0..5 {
        let began = Instant::now();
        assert_eq!(admit(&a, number).await, Admission::Unavailable);
        assert!(began.elapsed() < 5 * timeout, "{:?}", began.elapsed());
    }
    until_open(&a).await;
    let began = Instant::now();
    for number in 100..200 {
        assert_eq!(begin(&a, number, 1, START, START).now(), Admission::Unavailable);
    }
    assert!(began.elapsed() < timeout, "an open breaker answers at once");
    assert_eq!(a.status().opened, 1);

    server.resume();
    until_ready(&a).await;
    until_ready(&b).await;
    let mut passed = 0;
    for number in 0..5 {
        let answers = [admit(&a, number).await, admit(&b, number).await, admit(&b, number).await];
        let fresh = answers.iter().filter(|answer| **answer == FIRST).count();
        assert!(fresh <= 1, "{answers:?}");
        assert_eq!(answers[0], Admission::Replayed); // its use was not given back
        passed += fresh;
    }
    assert!(passed <= 5);
    assert_eq!(admit(&a, 100).await, FIRST); // was never asked for
    assert_eq!(admit(&b, 100).await, Admission::Replayed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_comes_back_while_requests_wait() {
    let server = old_server();
    let origin = origin(&server);
    assert_eq!(admit(&origin, 1).await, FIRST);
    tokio::time::sleep(Duration::from_millis(150)).await; // a look at the server went well
    let _: i64 = server.run("CLIENT KILL TYPE normal");
    // One may be lost with the connection; the next waits for the new one.
    let _maybe_lost = admit(&origin, 2).await;
    assert_eq!(admit(&origin, 3).await, FIRST);
    assert_eq!(admit(&origin, 1).await, Admission::Replayed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_server_refuses_new_requests_and_knows_the_old_ones() {
    let server = old_server();
    let [a, b] = [0, 1].map(|_| origin(&server));
    assert_eq!(admit(&a, 1).await, FIRST);
    assert_eq!(admit_at(&a, 2, 3, START, START).await, FIRST);
    let _: String = server.run("CONFIG SET maxmemory 1");
    for (number, max_uses) in [(10, 1), (11, 3)] {
        assert_eq!(admit_at(&a, number, max_uses, START, START).await, Admission::Full);
    }
    assert_eq!(admit_at(&b, 2, 3, START, START).await, Admission::Full); // no use is taken
    let _: String = server.run("CONFIG SET maxmemory 0");
    assert_eq!(a.status().opened, 0);
    assert_eq!(admit(&b, 1).await, Admission::Replayed);
    assert_eq!(admit(&b, 10).await, FIRST);
    assert_eq!(admit_at(&b, 2, 3, START, START).await, nth(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_evicts_is_not_used() {
    for policy in ["allkeys-lru", "volatile-ttl"] {
        let server = Server::with(&["--maxmemory-policy", policy]);
        seed(&server, PREFIX, KEPT_S);
        for eviction in [Eviction::Probe, Eviction::AssertNoEviction] {
            let local = builder(&server.url()).on_failure(OnFailure::LocalOnly).eviction(eviction);
            let origin = build(local);
            let refused = ReplayRedisState::Refused(ReplayRedisFault::Evicting);
            until(&origin, |origin| origin.status().state == refused).await;
            assert_eq!(admit_at(&origin, 1, 1, at(10), at(10)).await, Admission::Unavailable);
            assert!(!origin.status().degraded, "nothing passes");
        }
        let origin = origin(&server);
        let _: String = server.run("CONFIG SET maxmemory-policy noeviction");
        until_ready(&origin).await;
        assert_eq!(admit(&origin, 2).await, FIRST);
        // And found out while it is used.
        let _: String = server.run(&format!("CONFIG SET maxmemory-policy {policy}"));
        until(&origin, |origin| matches!(origin.status().state, ReplayRedisState::Refused(_)))
            .await;
        assert_eq!(admit(&origin, 3).await, Admission::Unavailable);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_be_reached_is_tried_again() {
    let mut server = old_server();
    server.kill();
    let breaker = (NonZeroU32::MIN, Duration::from_millis(20));
    let timeout = Duration::from_millis(60);
    let origin = build(builder(&server.url()).breaker(breaker.0, breaker.1).timeout(timeout));
    assert_eq!(admit(&origin, 1).await, Admission::Unavailable);
    until_open(&origin).await;
    assert_eq!(origin.started(), None); // nobody has said so
    let fault = ReplayRedisState::Open(ReplayRedisFault::Connection);
    assert_eq!(origin.status().state, fault);
    server.restart(); // empty: it begins now
    until_ready(&origin).await;
    assert_eq!(admit_at(&origin, 2, 1, at(6), at(6)).await, FIRST);
}

#[tokio::test(flavor = "multi_thread")]
async fn alone_an_origin_decides_and_writes_it_back() {
    let server = old_server();
    let timeout = Duration::from_millis(60);
    let local = || builder(&server.url()).on_failure(OnFailure::LocalOnly).timeout(timeout);
    let [a, b, strict] =
        [build(local()), build(local()), build(builder(&server.url()).timeout(timeout))];
    for origin in [&a, &b, &strict] {
        until_ready(origin).await;
        assert!(!origin.status().degraded);
    }
    server.pause();
    let date = at(6); // the windows began at 0, and the skew is 5
    let ask = |origin, number, max_uses| admit_at(origin, number, max_uses, date, date);
    for number in 0..300 {
        assert_eq!(ask(&a, number, 1).await, FIRST, "{number}");
    }
    assert_eq!(ask(&a, 0, 1).await, Admission::Replayed);
    assert_eq!([ask(&a, 900, 3).await, ask(&a, 900, 3).await], [FIRST, nth(2)]);
    // What this process cannot know: signed before its window began.
    assert_eq!(admit_at(&a, 901, 1, at(5), date).await, Admission::Unavailable);
    // The hole: the other origin takes the same once.
    assert_eq!(ask(&b, 1, 1).await, FIRST);
    assert_eq!(ask(&b, 1, 1).await, Admission::Replayed);
    assert_eq!(ask(&strict, 2, 1).await, Admission::Unavailable);
    let status = a.status();
    assert!(status.degraded && status.unwritten >= 295, "{status:?}");
    assert_eq!(status.decided_locally, 302);

    server.resume();
    until(&a, |a| a.status().state == ReplayRedisState::Ready && a.status().unwritten == 0).await;
    let status = a.status();
    assert!(!status.degraded && status.written_back >= 301, "{status:?}");
    until_ready(&strict).await;
    for number in 0..300 {
        assert_eq!(ask(&strict, number, 1).await, Admission::Replayed, "{number}");
    }
    // Uses add up; a command that lay in the paused server's socket may have counted once more.
    assert!([nth(3), Admission::Replayed].contains(&ask(&strict, 900, 3).await));
    assert_eq!(ask(&strict, 900, 3).await, Admission::Replayed);
    assert_eq!(ask(&strict, 2_000, 1).await, FIRST);
    let keys: Vec<String> = server.run("KEYS *");
    for key in keys.iter().filter(|key| *key != "wafpass:retention") {
        assert!(server.run::<i64>(&format!("PTTL {key}")) > 0, "{key} expires");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_started_alone_refuses_what_it_cannot_know() {
    let mut server = old_server();
    server.kill();
    let local = builder(&server.url()).on_failure(OnFailure::LocalOnly).timeout(QUICK);
    let origin = build(local);
    until_open(&origin).await;
    assert_eq!(admit_at(&origin, 1, 1, START, at(6)).await, Admission::Unavailable);
    assert_eq!(admit_at(&origin, 1, 1, at(5), at(6)).await, Admission::Unavailable);
    assert_eq!(admit_at(&origin, 2, 1, at(6), at(6)).await, FIRST);
    assert!(origin.status().degraded);
    assert!(origin.live() >= 1);
}

/// A process that stood still asks when entries may be over: what it is told counts no more.
#[tokio::test]
async fn an_answer_long_after_the_request_was_judged_is_not_taken() {
    let server = old_server();
    let origin = origin(&server);
    until_ready(&origin).await;
    let answer = begin(&origin, 1, 1, START, START);
    std::thread::sleep(Duration::from_millis(5_100)); // the only thread that could ask
    assert_eq!(answer.await, Admission::Unavailable);
    assert_eq!(admit(&origin, 2).await, FIRST);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_given_up_is_counted_all_the_same() {
    let server = old_server();
    let origin = origin(&server);
    until_ready(&origin).await;
    drop(begin(&origin, 1, 1, START, START));
    until(&origin, |origin| origin.status().asked == 1).await;
    let other = self::origin(&server);
    until_ready(&other).await;
    let began = Instant::now();
    while server.run::<i64>("DBSIZE") < 2 {
        assert!(began.elapsed() < PATIENCE);
    }
    assert_eq!(admit(&other, 1).await, Admission::Replayed);
}

fn origin(server: &Server) -> Arc<ReplayRedis> {
    crate::common::origin(server)
}
