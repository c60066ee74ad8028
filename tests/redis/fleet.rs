//! What a fleet gets from a server that works.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use tokio::task::JoinSet;
use wafpass::replay::{Admission, Capacity, ReplayRedis, ReplayStore};
use wafpass::{
    Begun, Freshness, Key, Keyring, MessageHead, RejectionKind, Secret, Signer, Verifier,
    WafEvidence,
};

use crate::common::*;

/// Both origins at once, `each` callers of either, for one request; how often each answer came.
pub(crate) async fn race(
    origins: [&Arc<ReplayRedis>; 2],
    number: u64,
    max_uses: u8,
    each: usize,
) -> BTreeMap<String, usize> {
    let mut callers = JoinSet::new();
    for _ in 0..each {
        for origin in origins {
            let origin = Arc::clone(origin);
            callers.spawn(async move { admit_at(&origin, number, max_uses, START, START).await });
        }
    }
    let mut answers = BTreeMap::new();
    for answer in callers.join_all().await {
        *answers.entry(format!("{answer:?}")).or_default() += 1;
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_fleet_exactly_one_passes() {
    let server = old_server();
    let (a, b) = (origin(&server), origin(&server));
    for number in 0..50 {
        let answers = race([&a, &b], number, 1, 64).await;
        let wanted = [(format!("{FIRST:?}"), 1), ("Replayed".into(), 127)];
        assert_eq!(answers, wanted.into(), "{number}");
    }
    assert_eq!(a.status().failed + b.status().failed, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_fleet_exactly_as_many_as_uses_pass() {
    let server = old_server();
    let (a, b) = (origin(&server), origin(&server));
    for (number, max_uses) in [(1, 2), (2, 3), (3, 6), (4, 15)] {
        let answers = race([&a, &b], number, max_uses, 64).await;
        let mut wanted: BTreeMap<_, _> =
            (1..=max_uses).map(|number| (format!("{:?}", nth(number)), 1)).collect();
        wanted.insert("Replayed".into(), 128 - usize::from(max_uses));
        assert_eq!(answers, wanted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_use_and_many_are_counted_together() {
    let server = old_server();
    let (a, b) = (origin(&server), origin(&server));
    let admit = |origin: Arc<ReplayRedis>, max_uses| async move {
        admit_at(&origin, 7, max_uses, START, START).await
    };
    assert_eq!(admit(a.clone(), 1).await, FIRST);
    assert_eq!(admit(b.clone(), 1).await, Admission::Replayed);
    let c = origin(&server);
    assert_eq!(admit(c.clone(), 3).await, nth(2));
    assert_eq!(admit(a.clone(), 2).await, Admission::Replayed);
    assert_eq!(admit(a.clone(), 4).await, nth(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_verifiers_accept_a_request_once() {
    let server = Server::start();
    let freshness = Freshness::strict();
    let verifiers = [0, 1].map(|_| {
        let builder = builder(&server.url());
        let store = builder.build(freshness.retention(), Capacity::default(), at(-100)).unwrap();
        let store = Arc::new(store);
        let builder = Verifier::builder("shop", Keyring::new([signing_key()]).unwrap(), freshness);
        (builder.replay_store(store.clone()).build_at(at(-100)).unwrap(), store)
    });
    for (verifier, store) in &verifiers {
        until_ready(store).await;
        assert_eq!(verifier.ready_at(), Some(at(5 + 2)));
    }
    let signer = Signer::builder("shop", signing_key()).build().unwrap();
    let sign = |nonce: &str, date| {
        let mut request = Request::new(());
        request.headers_mut().insert("host", "shop.example".parse().unwrap());
        signer.sign_request_at(&mut request, WafEvidence::Pass, nonce, date).unwrap();
        request
    };
    let send = async |to: usize, request: &Request<()>, now| {
        let verifier: &Verifier = &verifiers[to].0;
        let authentic = verifier.check(&MessageHead::from_request(request), now).unwrap();
        match verifier.begin(authentic, now).map_err(|rejection| rejection.kind)? {
            Begun::Spent(_) => panic!("decided without Redis"),
            Begun::Pending(answer) => answer.await.map(drop).map_err(|rejection| rejection.kind),
        }
    };
    let request = sign("0123456789abcdef0", at(6));
    assert_eq!(send(1, &request, at(6)).await, Ok(()));
    assert_eq!(send(0, &request, at(7)).await, Err(RejectionKind::Replayed));
    // The record began at 0, and the skew is 5.
    let request = sign("0123456789abcdef1", at(5));
    assert_eq!(send(0, &request, at(6)).await, Err(RejectionKind::BeforeStart));
}

fn signing_key() -> Key {
    Key::new("2026-11-a", &Secret::new([7; 32]).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_key_is_a_short_hash_and_expires() {
    let server = old_server();
    let origin = origin(&server);
    for (number, max_uses, date) in [(1, 1, 0), (2, 3, 0), (3, 3, -60), (4, 1, 5)] {
        assert_eq!(admit_at(&origin, number, max_uses, at(date), START).await, FIRST);
        // A second use does not make it live longer, or for ever.
        let _again = admit_at(&origin, number, max_uses, at(date), START).await;
    }
    let keys: Vec<String> = server.run("KEYS *");
    let mut left: Vec<i64> = Vec::new();
    for key in keys.iter().filter(|key| *key != "wafpass:retention") {
        let hash = key.strip_prefix(PREFIX).unwrap();
        assert_eq!(hash.len(), 22, "{key}");
        left.push(server.run(&format!("PTTL {key}")));
    }
    left.sort_unstable();
    let kept = [-60, 0, 0, 5].map(|date| (date + 60 + 2 * 5 + 6) * 1_000);
    for (left, kept) in left.iter().zip(kept) {
        assert!((kept - 4_000..=kept).contains(left), "{left} of {kept} ms");
    }
    assert_eq!(left.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_ahead_does_not_shorten_what_it_writes_later() {
    let server = old_server();
    let origin = origin(&server);
    assert_eq!(admit_at(&origin, 1, 1, START, at(50)).await, FIRST); // 50 s ahead, for a moment
    let _: i64 = server.run("DEL wafpass:retention"); // what is left is entries
    let _: String = server.run("FLUSHALL");
    seed(&server, PREFIX, KEPT_S);
    assert_eq!(admit_at(&origin, 2, 1, START, START).await, FIRST);
    let keys: Vec<String> = server.run("KEYS *");
    let key = keys.iter().find(|key| *key != "wafpass:retention").unwrap();
    // The other origins take it for 60 s from now on, by clocks that may be behind.
    assert!(server.run::<i64>(&format!("PTTL {key}")) > 70_000);
    // And a clock that is set far back does not fill the server for good.
    assert_eq!(admit_at(&origin, 3, 1, START, at(-100_000)).await, FIRST);
    for key in server.run::<Vec<String>>("KEYS *").iter().filter(|key| !key.ends_with("retention"))
    {
        assert!(server.run::<i64>(&format!("PTTL {key}")) <= 81_000, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_in_front_refuses_without_asking() {
    let server = old_server();
    let builder = builder(&server.url());
    let origin = Arc::new(builder.build(RETENTION, Capacity::shared(2), START).unwrap());
    assert_eq!(admit(&origin, 1).await, FIRST);
    assert_eq!(admit(&origin, 2).await, FIRST);
    let now = |number, date, now| begin(&origin, number, 1, at(date), at(now)).now();
    assert_eq!(now(1, 0, 0), Admission::Replayed);
    assert_eq!(now(3, 0, 0), Admission::Full);
    assert_eq!(now(3, -61, 0), Admission::Expired);
    assert_eq!(now(3, 6, 0), Admission::NotYetValid);
    assert_eq!(origin.status().asked, 2);
    assert_eq!(origin.live(), 2);
}

#[test]
fn it_answers_on_any_runtime_and_on_none() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = old_server();
    let home = tokio::runtime::Runtime::new().unwrap();
    let origin = {
        let _entered = home.enter();
        origin(&server)
    };
    assert_eq!(runtime().block_on(admit(&origin, 1)), FIRST);
    let bare = tokio::runtime::Builder::new_current_thread().build().unwrap(); // no timer, no sockets
    assert_eq!(bare.block_on(admit(&origin, 2)), FIRST);
    assert_eq!(wait_without_a_runtime(admit(&origin, 3)), FIRST);

    home.shutdown_timeout(Duration::from_secs(5));
    assert_eq!(runtime().block_on(admit(&origin, 4)), Admission::Unavailable);
    assert_eq!(wait_without_a_runtime(admit(&origin, 5)), Admission::Unavailable);
}

fn wait_without_a_runtime<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(answer) = future.as_mut().poll(&mut context) {
            return answer;
        }
        std::thread::yield_now();
    }
}
