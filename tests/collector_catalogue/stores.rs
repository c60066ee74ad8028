//! A backup of a collector that takes events in meanwhile: batches come back whole or not at all.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use wafpass::clock::Clock;
use wafpass::collector::catalogue::{Catalogue, backup, restore, stats};
use wafpass::collector::store::sqlite::SqliteStore;
use wafpass::collector::store::{BatchId, Store};

use crate::support::compare::everything;
use crate::support::events::{event, put};
use crate::{Hands, MIDNIGHT_MS, Place, acme};

/// Events of each batch.
const EVENTS: usize = 40;

fn open(data: &Path, clock: &Arc<Hands>) -> (Arc<Catalogue>, SqliteStore) {
    let clock: Arc<dyn Clock> = clock.clone();
    let catalogue = Arc::new(Catalogue::open(data, clock).unwrap());
    let store = SqliteStore::open(data, catalogue.clone()).unwrap();
    (catalogue, store)
}

async fn put_batch(store: &SqliteStore, number: u128) -> BatchId {
    // Over two days, so that a batch is in two files.
    let second = |at: u128| i64::try_from(at).unwrap() - 20;
    let events = (0..40).map(|at| event(second(at), number * 1_000 + at)).collect();
    put(store, &acme(), events).await
}

/// How many events each batch has.
async fn batches(store: &SqliteStore) -> std::collections::BTreeMap<u64, usize> {
    let mut batches = std::collections::BTreeMap::new();
    for stored in everything(store, &acme()).await {
        *batches.entry(stored.batch).or_default() += 1;
    }
    batches
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_before_is_in_it_whole() {
    let place = Place::new();
    drop(place.with_tenants());
    let (catalogue, store) = open(&place.data(), &place.clock);
    let store = Arc::new(store);
    put_batch(&store, 0).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let sender = tokio::spawn({
        let (store, is_over) = (store.clone(), is_over.clone());
        async move {
            let mut number = 1;
            while !is_over.load(Ordering::SeqCst) {
                put_batch(&store, number).await;
                number += 1;
            }
        }
    });
    for round in 0..3 {
        let before = batches(&store).await;
        let (data, out) = (place.data(), place.dir.path().join(format!("copy-{round}")));
        let copied = out.clone();
        tokio::task::spawn_blocking(move || backup(&data, &copied, MIDNIGHT_MS).unwrap())
            .await
            .unwrap();
        let after = batches(&store).await;

        let again = place.dir.path().join(format!("again-{round}"));
        restore(&out, &again).unwrap();
        let (restored_catalogue, restored) = open(&again, &place.clock);
        let found = batches(&restored).await;
        let listed = restored_catalogue.batches(&acme(), None, 1_000).unwrap();
        for (batch, events) in &before {
            assert_eq!(found.get(batch), Some(events), "batch {batch} was acknowledged before");
        }
        for (batch, events) in &found {
            assert_eq!(*events, EVENTS, "batch {batch} is torn");
        }
        let listed: Vec<u64> = listed.iter().rev().map(|listed| listed.batch).collect();
        assert_eq!(
            found.keys().copied().collect::<Vec<_>>(),
            listed,
            "neither has more than the other"
        );
        // Numbers go on after all that the running collector can have used.
        let next = put_batch(&restored, 1_000_000).await;
        assert!(after.keys().all(|batch| *batch < next.0), "{next:?}");
        assert_eq!(batches(&restored).await.get(&next.0), Some(&EVENTS));
        restored.close().await.unwrap();
    }
    is_over.store(true, Ordering::SeqCst);
    sender.await.unwrap();
    drop(catalogue);
}

#[tokio::test]
async fn stats_count_what_a_running_store_has() {
    let place = Place::new();
    drop(place.with_tenants());
    let (_catalogue, store) = open(&place.data(), &place.clock);
    put_batch(&store, 0).await;
    put_batch(&store, 1).await;
    let told = stats(&place.data(), MIDNIGHT_MS).unwrap();
    assert_eq!(
        told.iter().map(|one| one.record.tenant.as_str()).collect::<Vec<_>>(),
        ["acme", "globex"]
    );
    assert_eq!((told[0].rows, told[0].partitions, told[0].record.batches), (80, 2, 2));
    let (oldest, newest) = told[0].span.unwrap();
    assert_eq!((newest.0 - oldest.0) / 1_000_000_000, 39);
    assert!(told[0].bytes > 0);
    assert_eq!((told[1].rows, told[1].partitions, told[1].span), (0, 0, None));
    store.close().await.unwrap();
}
