//! A running layer takes a new perimeter: no request is dropped, and nothing is forgotten.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use wafpass::{
    Enforcement, Freshness, Key, Keyring, Perimeter, RejectionKind as Kind, RestartBarrier, Routes,
    Secret, Signer, UnixTime, Verifier, VerifyLayer,
};

use crate::common::*;

fn other_key() -> Key {
    Key::new("k2", &Secret::new([43; 32]).unwrap()).unwrap()
}

fn with_keys(keys: impl IntoIterator<Item = Key>, present: &Verifier) -> Perimeter {
    let keys = Keyring::new(keys).unwrap();
    let builder = Verifier::builder("shop", keys, Freshness::strict());
    Perimeter::new(build(builder.replay_store(present.shared_replay_store())))
}

fn edge_with(key: Key) -> Edge {
    Edge { signer: Signer::builder("shop", key).build().unwrap(), ..Edge::new(&[]) }
}

#[tokio::test]
async fn keys_come_and_go_and_the_replay_store_stays() {
    let layer = strict_layer();
    let (handle, app) = (layer.handle(), app(layer));
    let (old, new) = (edge_with(key("k")), edge_with(other_key()));

    assert_eq!(reason(&app, new.sign(get("/"))).await, Some(Kind::UnknownKey));
    handle.replace(with_keys([key("k"), other_key()], &handle.verifier()));
    let request = old.sign(get("/"));
    let again = replay(&request);
    assert_eq!(reason(&app, request).await, None);
    assert_eq!(reason(&app, new.sign(get("/"))).await, None);

    handle.replace(with_keys([key("k").revoked(), other_key()], &handle.verifier()));
    assert_eq!(reason(&app, old.sign(get("/"))).await, Some(Kind::InactiveKey));
    handle.replace(with_keys([key("k"), other_key()], &handle.verifier()));
    assert_eq!(reason(&app, again).await, Some(Kind::Replayed)); // kept over two replacements
    let uses = handle.telemetry().key_use(key("k").id()).unwrap();
    assert_eq!(uses, (UnixTime::from_secs(NOW), UnixTime::from_secs(NOW)));
    assert!(handle.telemetry().key_use(&wafpass::KeyId::new("k3").unwrap()).is_none());
}

/// edge signature §3: whoever raises max_age goes on refusing what the old window had forgotten.
#[tokio::test]
async fn a_raised_max_age_revives_nothing() {
    let clock = FakeClock::new();
    let verifier = build(builder(Freshness::strict())); // 60 s and 5 of skew
    let layer = VerifyLayer::with_clock(Perimeter::new(verifier), clock.clone());
    let (handle, app) = (layer.handle(), app(layer));
    let old = signed("/old");
    let copies = [replay(&old), replay(&old)];
    assert_eq!(reason(&app, old).await, None);
    // Forgotten: 65 s have passed, and other requests have come.
    clock.set(NOW + 70);
    for _ in 0..500 {
        let edge = Edge { now: UnixTime::from_secs(NOW + 70), ..Edge::new(&[]) };
        assert_eq!(reason(&app, edge.sign(get("/"))).await, None);
    }
    let [first, second] = copies;
    assert_eq!(reason(&app, first).await, Some(Kind::Expired));
    let longer = Freshness::custom(600, 5).unwrap();
    let present = handle.verifier();
    let longer = builder(longer).replay_store(present.shared_replay_store());
    handle.replace(Perimeter::new(build(longer)));
    assert_eq!(reason(&app, second).await, Some(Kind::Expired)); // by its date it would be good for minutes

    // What was not forgotten yet is good for the new age, once.
    let edge = Edge { now: UnixTime::from_secs(NOW + 6), ..Edge::new(&[]) };
    let late = edge.sign(get("/late"));
    let again = replay(&late);
    assert_eq!(reason(&app, late).await, None);
    clock.set(NOW + 6 + 600);
    assert_eq!(reason(&app, again).await, Some(Kind::Replayed));
}

/// Edges whose clocks run ahead have signed for the process before this one: less skew from now on does
/// not uncover that.
#[tokio::test]
async fn a_lowered_skew_keeps_the_wide_barrier() {
    let verifier = |skew_s| {
        let builder = builder(Freshness::custom(60, skew_s).unwrap());
        builder.restart_barrier(RestartBarrier::WithSkew)
    };
    let wide = verifier(5).build_at(UnixTime::from_secs(NOW - 3)).unwrap();
    let layer = at_now(Perimeter::new(wide));
    let (handle, app) = (layer.handle(), app(layer));
    assert_eq!(reason(&app, signed("/")).await, Some(Kind::BeforeStart));
    let narrow = verifier(1).replay_store(handle.verifier().shared_replay_store());
    handle.replace(Perimeter::new(build(narrow)));
    assert_eq!(reason(&app, signed("/")).await, Some(Kind::BeforeStart));
}

/// Requests under load while the perimeter is replaced a few hundred times: none is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replacing_under_load_refuses_nothing() {
    let layer = strict_layer();
    let (handle, app) = (layer.handle(), app(layer));
    let done = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = (0..2)
        .map(|_| {
            let (app, done) = (app.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                let mut sent = 0_u64;
                while !done.load(Ordering::Relaxed) {
                    let edge =
                        edge_with(if sent.is_multiple_of(2) { key("k") } else { other_key() });
                    let request = edge.sign(get("/"));
                    let again = replay(&request);
                    let expected =
                        if sent.is_multiple_of(2) { None } else { Some(Kind::UnknownKey) };
                    let first = reason(&app, request).await;
                    assert!(first == expected || first.is_none(), "{first:?}");
                    if first.is_none() {
                        let second = reason(&app, again).await;
                        assert!(
                            matches!(second, Some(Kind::Replayed | Kind::UnknownKey)),
                            "{second:?}"
                        );
                    }
                    sent += 1;
                }
                sent
            })
        })
        .collect();
    for round in 0..300 {
        let keys = if round % 2 == 0 { vec![key("k"), other_key()] } else { vec![key("k")] };
        let routes = Routes::new(Enforcement::Enforce).unwrap();
        handle.replace(with_keys(keys, &handle.verifier()).routes(routes));
        tokio::task::yield_now().await;
    }
    done.store(true, Ordering::Relaxed);
    let mut sent = 0;
    for task in load {
        sent += task.await.unwrap();
    }
    assert!(sent > 0);
    let summary = handle.telemetry().summary();
    let replayed = summary.rows.iter().filter(|row| row.verdict.reason() == Some(Kind::Replayed));
    assert!(replayed.map(|row| row.requests).sum::<u64>() > 0);
}
