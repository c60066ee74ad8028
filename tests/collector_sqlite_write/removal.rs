//! What goes on purpose: ranges, days, tenants.

use wafpass::collector::query::{Filter, PageQuery, TimeRange};
use wafpass::collector::store::{Deleted, Store, StoreError, Written};

use super::common::{
    ALWAYS, Bed, DAY, PLENTY, SECOND, ask, at, event, events, record, rows_in, tenant,
};

#[tokio::test]
async fn a_range_goes_and_the_counts_stay_exact() {
    let bed = Bed::small();
    let acme = tenant("acme");
    bed.store_batch(&acme, events(0..250)).await;
    bed.store_batch(&acme, events(250..400)).await;
    let pending = bed.begin(&acme);
    bed.store().write(pending, events(400..420)).await.unwrap();
    let range = TimeRange { from: at(DAY, 90 * SECOND), until: at(DAY, 410 * SECOND) };
    let deleted = bed.store().delete(&acme, range).await.unwrap();
    assert_eq!(deleted, Deleted { events: 310, partitions: 0 });
    assert_eq!(bed.seen(&acme).await, (0..90).collect::<Vec<_>>());
    bed.assert_counts_exact(&acme).await;
    bed.store().commit(pending, record(&acme, Written::default())).await.unwrap();
    assert_eq!(bed.seen(&acme).await, (0..90).chain(400..420).collect::<Vec<_>>());
    bed.assert_counts_exact(&acme).await;
    // What was deleted can come again.
    assert_eq!(bed.store_batch(&acme, events(80..110)).await, Written { stored: 20, repeated: 10 });
    bed.assert_counts_exact(&acme).await;
}

#[tokio::test]
async fn more_than_one_step_of_deleting() {
    let bed = Bed::new();
    let acme = tenant("acme");
    let dense = |numbers: std::ops::Range<u64>| {
        numbers
            .map(|number| event(number, at(DAY, i64::try_from(number).unwrap() * 1_000)))
            .collect()
    };
    bed.store_batch(&acme, dense(0..9_000)).await;
    let range = TimeRange { from: at(DAY, 500_000), until: at(DAY, SECOND) };
    assert_eq!(bed.store().delete(&acme, range).await.unwrap().events, 8_500);
    assert_eq!(bed.seen(&acme).await, (0..500).collect::<Vec<_>>());
    assert_eq!(rows_in(&bed.file(&acme, "2026-03-01")), 500);
    bed.assert_counts_exact(&acme).await;
}

#[tokio::test]
async fn a_whole_day_is_unlinked_unless_a_batch_under_way_has_events_in_it() {
    let bed = Bed::new();
    let acme = tenant("acme");
    bed.store_batch(&acme, events(0..10)).await;
    let file = bed.file(&acme, "2026-03-01");
    let pending = bed.begin(&acme);
    bed.store().write(pending, events(10..12)).await.unwrap();
    let day = TimeRange { from: at(DAY, 0), until: at(DAY + 1, 0) };
    assert_eq!(
        bed.store().delete(&acme, day).await.unwrap(),
        Deleted { events: 10, partitions: 0 }
    );
    assert!(file.exists());
    bed.store().commit(pending, record(&acme, Written::default())).await.unwrap();
    assert_eq!(bed.seen(&acme).await, [10, 11]);
    assert_eq!(bed.store().delete(&acme, day).await.unwrap(), Deleted { events: 2, partitions: 1 });
    for suffix in ["", "-wal", "-shm"] {
        let mut name = file.clone().into_os_string();
        name.push(suffix);
        assert!(!std::path::Path::new(&name).exists(), "{suffix}");
    }
    assert!(bed.seen(&acme).await.is_empty());
    // The day can begin anew.
    assert_eq!(bed.store_batch(&acme, events(0..10)).await.stored, 10);
    bed.assert_counts_exact(&acme).await;
}

#[tokio::test]
async fn retention_unlinks_days_that_ended() {
    let mut bed = Bed::new();
    let (acme, other) = (tenant("acme"), tenant("other"));
    for day in [DAY - 2, DAY - 1, DAY] {
        let number = u64::try_from(day).unwrap();
        bed.store_batch(&acme, vec![event(number, at(day, 5))]).await;
        bed.store_batch(&other, vec![event(number, at(day, 5))]).await;
    }
    // The last of them ends a moment later.
    let before = wafpass::collector::EventTime(at(DAY, 0).0 - 1);
    let deleted = bed.store().expire(&acme, before).await.unwrap();
    assert_eq!(deleted, Deleted { events: 1, partitions: 1 });
    let deleted = bed.store().expire(&acme, at(DAY, 0)).await.unwrap();
    assert_eq!(deleted, Deleted { events: 1, partitions: 1 });
    assert_eq!(bed.store().expire(&acme, at(DAY, 0)).await.unwrap(), Deleted::default());
    assert_eq!(bed.seen(&acme).await.len(), 1);
    assert_eq!(bed.seen(&other).await.len(), 3);
    bed.reopen();
    assert_eq!(bed.seen(&acme).await.len(), 1);
    assert_eq!(bed.store().usage(&acme).await.unwrap().partitions, 1);
}

#[tokio::test]
async fn pages_go_on_while_days_expire() {
    let bed = std::sync::Arc::new(Bed::small());
    let acme = tenant("acme");
    bed.store_batch(&acme, events(0..500)).await;
    let reading = {
        let (bed, acme) = (std::sync::Arc::clone(&bed), acme.clone());
        tokio::spawn(async move {
            for _ in 0..50 {
                let query = PageQuery {
                    range: ALWAYS,
                    filter: Filter::default(),
                    limit: 100,
                    after: None,
                    budget: PLENTY,
                };
                let events = bed.store().page(&acme, query).await.unwrap().events.len();
                assert!(
                    events == 100 || events == 0,
                    "a page is whole, or the day is gone: {events}"
                );
            }
        })
    };
    tokio::task::yield_now().await;
    assert_eq!(bed.store().expire(&acme, at(DAY + 1, 0)).await.unwrap().events, 500);
    reading.await.unwrap();
    assert!(bed.seen(&acme).await.is_empty());
}

#[tokio::test]
async fn a_tenant_goes_with_all_that_is_under_way() {
    let mut bed = Bed::new();
    let (acme, other) = (tenant("acme"), tenant("other"));
    bed.store_batch(&acme, events(0..10)).await;
    bed.store_batch(&other, events(0..10)).await;
    let open = bed.begin(&acme);
    bed.store().write(open, events(10..20)).await.unwrap();
    let deleted = bed.store().delete_tenant(&acme).await.unwrap();
    assert_eq!(deleted, Deleted { events: 10, partitions: 1 });
    let late = bed.store().commit(open, record(&acme, Written::default())).await;
    assert!(matches!(late, Err(StoreError::NoSuchBatch)));
    assert!(!bed.folder.path().join("events/acme").exists());
    assert!(bed.seen(&acme).await.is_empty());
    assert_eq!(bed.seen(&other).await.len(), 10);
    assert!(bed.store().snapshot().pending.is_empty(), "its numbers are free again");
    bed.reopen();
    assert!(bed.seen(&acme).await.is_empty());
    assert_eq!(bed.store_batch(&acme, events(0..3)).await.stored, 3);
}

#[tokio::test]
async fn deleting_reopens_a_closed_day() {
    let bed = Bed::small();
    let acme = tenant("acme");
    bed.store_batch(&acme, events(0..90)).await;
    bed.maintain_after(DAY).await;
    let file = bed.file(&acme, "2026-03-01");
    assert_eq!(ask(&file, "SELECT count(*) FROM top_meta"), 4);
    let range = TimeRange { from: at(DAY, 0), until: at(DAY, 45 * SECOND) };
    assert_eq!(bed.store().delete(&acme, range).await.unwrap().events, 45);
    assert_eq!(ask(&file, "SELECT count(*) FROM top_meta"), 0);
    bed.maintain_after(DAY).await;
    assert_eq!(ask(&file, "SELECT count(*) FROM top_meta"), 4);
    bed.assert_counts_exact(&acme).await;
}
