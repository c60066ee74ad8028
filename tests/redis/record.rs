//! What the fleet agrees on: since when nothing was lost, and for how long entries are kept.

use std::sync::Arc;

use wafpass::replay::{
    Admission, Capacity, NewServer, ReplayRedis, ReplayRedisState, ReplayStore, Retention,
};

use crate::common::*;

fn with_max_age(server: &Server, max_age_s: u32, hand: &Hand) -> Arc<ReplayRedis> {
    let retention = Retention { max_age_s, skew_s: 5 };
    let builder = builder(&server.url()).clock(hand.clone());
    Arc::new(builder.build(retention, Capacity::default(), START).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_database_begins_now_for_all() {
    let (server, hand) = (Server::start(), Hand::new());
    let a = with_max_age(&server, 60, &hand);
    until_ready(&a).await;
    assert_eq!(a.started(), Some(at(5)));
    hand.set(at(1_000));
    let b = with_max_age(&server, 60, &hand);
    until_ready(&b).await;
    for origin in [&a, &b] {
        assert_eq!(origin.started(), Some(at(5)));
        assert_eq!(admit_at(origin, 1, 1, at(5), at(6)).await, Admission::Expired);
    }
    assert_eq!(admit_at(&a, 1, 1, at(6), at(6)).await, FIRST);
    assert_eq!(admit_at(&b, 1, 1, at(6), at(6)).await, Admission::Replayed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_is_noticed_and_old_dates_are_refused_by_all() {
    let (server, hand) = (Server::start(), Hand::new());
    seed(&server, PREFIX, KEPT_S);
    let [a, b] = [0, 1].map(|_| with_max_age(&server, 60, &hand));
    assert_eq!(admit_at(&a, 1, 1, START, START).await, FIRST);
    until_ready(&b).await;
    hand.set(at(20));
    let _: String = server.run("FLUSHALL");
    for origin in [&a, &b] {
        until(origin, |origin| origin.started() == Some(at(25))).await;
        assert_eq!(origin.status().since, Some(at(20)));
    }
    assert_eq!(admit_at(&b, 1, 1, START, at(26)).await, Admission::Expired);
    assert_eq!(admit_at(&b, 2, 1, at(25), at(26)).await, Admission::Expired);
    assert_eq!(admit_at(&b, 3, 1, at(26), at(26)).await, FIRST);
    assert_eq!(admit_at(&a, 3, 1, at(26), at(26)).await, Admission::Replayed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_restarted_may_have_lost_the_last_moments() {
    for new_server in [NewServer::Barrier, NewServer::Trust] {
        let mut server = Server::with(&["--appendonly", "yes", "--appendfsync", "always"]);
        seed(&server, PREFIX, KEPT_S);
        let hand = Hand::new();
        let origin = || build(builder(&server.url()).new_server(new_server).clock(hand.clone()));
        let (a, b) = (origin(), origin());
        assert_eq!(admit(&a, 1).await, FIRST);
        until_ready(&b).await;
        hand.set(at(20));
        server.kill();
        for origin in [&a, &b] {
            until(origin, |origin| origin.status().state != ReplayRedisState::Ready).await;
        }
        server.restart();
        until_ready(&a).await;
        until_ready(&b).await;
        let (began, answer) = match new_server {
            NewServer::Barrier => (Some(at(25)), Admission::Expired),
            NewServer::Trust => (a.started(), Admission::Replayed), // it has its data
        };
        assert_eq!(b.started(), began);
        assert_eq!(admit_at(&b, 1, 1, START, at(20)).await, answer);
        assert_eq!(admit_at(&b, 2, 1, at(26), at(26)).await, FIRST);
        assert_eq!(admit_at(&a, 2, 1, at(26), at(26)).await, Admission::Replayed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_longer_max_age_revives_nothing() {
    let (server, hand) = (Server::start(), Hand::new());
    seed(&server, PREFIX, KEPT_S);
    let short = with_max_age(&server, 60, &hand);
    assert_eq!(admit_at(&short, 1, 1, START, START).await, FIRST);
    assert_eq!(admit_at(&short, 2, 1, at(30), at(30)).await, FIRST);

    // 100 s later another origin starts, which takes signatures for 600 s.
    hand.set(at(100));
    let long = with_max_age(&server, 600, &hand);
    until_ready(&long).await;
    let ask = |origin, number, date, now| admit_at(origin, number, 1, at(date), at(now));
    assert_eq!(ask(&long, 1, 0, 100).await, Admission::Expired); // its entry may be gone
    assert_eq!(ask(&long, 2, 30, 90).await, Admission::Replayed); // is there still
    assert_eq!(ask(&long, 3, 35, 101).await, Admission::Expired); // new or not, nobody knows
    // Until the fleet has settled, 40 s later, the other may write by what counted before.
    assert_eq!(ask(&long, 4, 140, 145).await, FIRST);
    assert_eq!(ask(&long, 5, 140, 206).await, Admission::Expired);
    assert_eq!(ask(&long, 6, 141, 740).await, FIRST);

    // The other one writes by the new retention as soon as it has looked.
    let began = std::time::Instant::now();
    for number in 1_000.. {
        assert!(began.elapsed() < PATIENCE);
        assert_eq!(ask(&short, number, 140, 140).await, FIRST);
        let keys: Vec<String> = server.run("KEYS wafpass:*");
        let mut longest = 0;
        for key in keys.iter().filter(|key| *key != "wafpass:retention") {
            longest = longest.max(server.run::<i64>(&format!("PTTL {key}")));
        }
        if longest > 600_000 {
            break;
        }
    }
    // And a third that starts with the short one does not shorten it.
    let third = with_max_age(&server, 60, &hand);
    until_ready(&third).await;
    let record: String = server.run("GET wafpass:retention");
    assert!(record.contains(" 605 "), "{record}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retention_that_grows_while_it_runs_is_agreed_on() {
    let (server, hand) = (Server::start(), Hand::new());
    seed(&server, PREFIX, KEPT_S);
    let origin = with_max_age(&server, 60, &hand);
    until_ready(&origin).await;
    let retention = Retention { max_age_s: 600, skew_s: 5 };
    assert_eq!(origin.extend(retention), retention);
    // At once, whether or not the record was raised by now.
    assert_eq!(admit_at(&origin, 1, 1, at(-66), START).await, Admission::Expired);
    let began = std::time::Instant::now();
    while !server.run::<String>("GET wafpass:retention").contains(" 605 ") {
        assert!(began.elapsed() < PATIENCE);
    }
    assert_eq!(admit_at(&origin, 2, 1, at(-66), START).await, Admission::Expired);
    // And longer ones are taken as soon as this origin has read that it was.
    while admit_at(&origin, 3, 1, at(41), at(640)).await == Admission::Expired {
        assert!(began.elapsed() < PATIENCE);
        tokio::task::yield_now().await;
    }
    assert_eq!(admit_at(&origin, 3, 1, at(41), at(640)).await, Admission::Replayed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_none_is_not_overwritten() {
    let server = Server::start();
    let _: String = server.run("SET wafpass:retention mine");
    let origin = origin(&server);
    until_open(&origin).await;
    assert_eq!(admit(&origin, 1).await, Admission::Unavailable);
    assert_eq!(server.run::<String>("GET wafpass:retention"), "mine");
}
