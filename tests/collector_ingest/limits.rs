use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use http_body_util::channel::Channel;
use serde_json::json;
use wafpass::collector::ingest::Reception;
use wafpass::collector::limits::{CHUNK_EVENTS, MAX_OPEN_BATCHES_PER_TENANT, MIN_CHUNK_EVENTS};
use wafpass::collector::store::StoreError;

use super::common::{Lab, code};

const DOOR: &str = "/v1/events";
const LINE: &str = "{\"Datetime\":1795307399}\n";

#[tokio::test]
async fn a_long_batch_comes_in_chunks() {
    let lab = Lab::new();
    let (status, answer) = lab.post(DOOR, LINE.repeat(2 * CHUNK_EVENTS + 500)).await;
    let stored = json!(2 * CHUNK_EVENTS + 500);
    assert_eq!((status, &answer["stored"]), (StatusCode::OK, &stored));
    let chunks: Vec<usize> = lab.batches()[0].chunks.iter().map(Vec::len).collect();
    // The last one is what is left.
    let (_, full) = chunks.split_last().unwrap();
    assert!(
        full.iter().all(|chunk| (MIN_CHUNK_EVENTS..=CHUNK_EVENTS).contains(chunk)),
        "{chunks:?}"
    );
    assert_eq!(chunks.iter().sum::<usize>(), 2 * CHUNK_EVENTS + 500);
    // Long lines make shorter ones.
    let lab = Lab::new();
    let long = format!("{{\"Datetime\":1795307399,\"x\":\"{}\"}}\n", "y".repeat(250_000));
    assert_eq!(lab.post(DOOR, long.repeat(200)).await.0, StatusCode::OK);
    assert!(lab.batches()[0].chunks.iter().all(|chunk| chunk.len() <= 70));
}

#[tokio::test]
async fn a_store_that_fails_fails_the_batch() {
    type Case = (fn() -> StoreError, StatusCode, &'static str);
    let faults: [Case; 4] = [
        (|| StoreError::Full, StatusCode::INSUFFICIENT_STORAGE, "full"),
        (|| StoreError::Busy, StatusCode::TOO_MANY_REQUESTS, "busy"),
        (|| StoreError::Conflict, StatusCode::SERVICE_UNAVAILABLE, "conflict"),
        (|| StoreError::Closed, StatusCode::SERVICE_UNAVAILABLE, "closing"),
    ];
    for (fault, status, expected) in faults {
        for in_commit in [false, true] {
            let lab = Lab::new();
            {
                let mut state = lab.store.state.lock().unwrap();
                let failing =
                    if in_commit { &mut state.fail_commits } else { &mut state.fail_writes };
                *failing = Some(fault);
            }
            let (got, headers, problem) =
                lab.send_whole(lab.request(DOOR).body(LINE.repeat(30_000).into()).unwrap()).await;
            assert_eq!((got, code(&problem)), (status, expected));
            assert!(headers.contains_key("retry-after"));
            assert!(lab.events().is_empty() && lab.is_settled());
        }
    }
}

#[tokio::test]
async fn a_rate_is_kept_before_the_body_is_read() {
    let lab = Lab::new();
    lab.set(|settings| settings.max_events_per_s = Some(10));
    assert_eq!(lab.post(DOOR, LINE.repeat(150)).await.0, StatusCode::OK);
    let pending =
        Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
    let (status, headers, problem) = lab.send_whole(lab.request(DOOR).body(pending).unwrap()).await;
    assert_eq!((status, code(&problem)), (StatusCode::TOO_MANY_REQUESTS, "rate"));
    assert_eq!(headers["retry-after"], "6");
    lab.later(Duration::from_secs(6));
    assert_eq!(lab.post(DOOR, LINE).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_quota_is_kept() {
    let lab = Lab::new();
    lab.set(|settings| settings.quota_bytes = Some(1_000));
    assert_eq!(lab.post(DOOR, LINE).await.0, StatusCode::OK);
    lab.store.state.lock().unwrap().used_bytes = 1_000;
    // What was counted holds for ten seconds.
    assert_eq!(lab.post(DOOR, LINE).await.0, StatusCode::OK);
    lab.later(Duration::from_secs(11));
    let (status, problem) = lab.post(DOOR, LINE).await;
    assert_eq!((status, code(&problem)), (StatusCode::INSUFFICIENT_STORAGE, "quota"));
}

#[tokio::test]
async fn many_who_ask_at_once_are_counted_for_once() {
    let lab = Lab::new();
    lab.set(|settings| settings.quota_bytes = Some(1_000));
    lab.store.state.lock().unwrap().count_takes = Duration::from_millis(100);
    for counts in 1..=2 {
        let all = futures_util::future::join_all((0..8).map(|_| lab.post(DOOR, LINE))).await;
        assert!(all.iter().all(|(status, _)| *status == StatusCode::OK), "{all:?}");
        assert_eq!(lab.store.state.lock().unwrap().counts, counts);
        lab.later(Duration::from_secs(11));
    }
}

#[tokio::test]
async fn a_store_that_cannot_count_stops_nobody_whom_it_has_counted() {
    let lab = Lab::new();
    lab.set(|settings| settings.quota_bytes = Some(1_000));
    let fail = |fault| lab.store.state.lock().unwrap().fail_counts = fault;
    fail(Some(|| StoreError::Unavailable { reason: "away".to_owned() }));
    let all = futures_util::future::join_all((0..4).map(|_| lab.post(DOOR, LINE))).await;
    for (status, problem) in all {
        let seen = (status, code(&problem));
        assert_eq!(seen, (StatusCode::SERVICE_UNAVAILABLE, "unavailable"), "nothing is known");
    }
    fail(None);
    assert_eq!(lab.post(DOOR, LINE).await.0, StatusCode::OK);
    fail(Some(|| StoreError::Unavailable { reason: "away".to_owned() }));
    for _ in 0..2 {
        lab.later(Duration::from_secs(11));
        assert_eq!(lab.post(DOOR, LINE).await.0, StatusCode::OK);
    }
    fail(None);
    lab.store.state.lock().unwrap().used_bytes = 1_000;
    lab.later(Duration::from_secs(11));
    assert_eq!(lab.post(DOOR, LINE).await.0, StatusCode::INSUFFICIENT_STORAGE);
}

#[tokio::test]
async fn places_are_few_and_the_same_batch_has_one() {
    let lab = Lab::new();
    let mut senders = Vec::new();
    for index in 0..MAX_OPEN_BATCHES_PER_TENANT {
        let (mut frames, body) = Channel::<Bytes, std::io::Error>::new(1);
        let router = lab.router.clone();
        let key = format!("k-{index}");
        let request =
            lab.request(DOOR).header("idempotency-key", key).body(Body::new(body)).unwrap();
        let handler =
            tokio::spawn(async move { tower::ServiceExt::oneshot(router, request).await });
        frames.send_data(Bytes::from(LINE)).await.unwrap();
        senders.push((frames, handler));
        while lab.batches().len() <= index {
            tokio::task::yield_now().await;
        }
        if index == 0 {
            let again =
                lab.request(DOOR).header("idempotency-key", "k-0").body(LINE.into()).unwrap();
            let (status, problem) = lab.send(again).await;
            assert_eq!((status, code(&problem)), (StatusCode::SERVICE_UNAVAILABLE, "under-way"));
        }
    }
    let (status, problem) = lab.post(DOOR, LINE).await;
    assert_eq!((status, code(&problem)), (StatusCode::TOO_MANY_REQUESTS, "busy"));
    for (frames, handler) in senders {
        drop(frames);
        assert_eq!(handler.await.unwrap().unwrap().status(), StatusCode::OK);
    }
    assert_eq!(lab.post(DOOR, LINE).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_slow_sender_is_given_up() {
    let lab =
        Lab::with_reception(Reception::default().with_patience(Duration::from_millis(20), 1_000));
    let (_frames, body) = Channel::<Bytes, std::io::Error>::new(1);
    let (status, problem) = lab.post(DOOR, Body::new(body)).await;
    assert_eq!((status, code(&problem)), (StatusCode::REQUEST_TIMEOUT, "slow"));
    assert!(lab.is_settled());
}
