//! Segments, merged counts, closed days.

use wafpass::collector::query::{Filter, Snapshot};
use wafpass::collector::store::{Store, Written};
use wafpass::collector::{EventTime, Field};

use super::common::{Bed, DAY, SECOND, ask, at, event, events, record, rows_in, tenant};

#[tokio::test]
async fn full_segments_get_their_indexes() {
    let bed = Bed::small();
    let acme = tenant("acme");
    for start in (0..1_000).step_by(50) {
        bed.store_batch(&acme, events(start..start + 50)).await;
    }
    bed.store().maintain(at(DAY, 0)).await.unwrap();
    let file = bed.file(&acme, "2026-03-01");
    assert_eq!(ask(&file, "SELECT sum(sealed) FROM segments"), 10, "the last is full too");
    bed.store_batch(&acme, events(1_000..1_050)).await;
    bed.store().maintain(at(DAY, 0)).await.unwrap();
    assert_eq!(ask(&file, "SELECT count(*) FROM segments"), 11);
    assert_eq!(ask(&file, "SELECT sum(sealed) FROM segments"), 10, "the last is written to");
    let indexes =
        "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name LIKE 'events_%'";
    assert_eq!(ask(&file, indexes), 50);
    assert_eq!(ask(&file, "SELECT count(*) FROM segments WHERE sealed = 1 AND bloom IS NULL"), 0);
    assert_eq!(bed.seen(&acme).await, (0..1_050).collect::<Vec<_>>());
}

#[tokio::test]
async fn closing_a_day_merges_counts_and_makes_lists() {
    let bed = Bed::small();
    let acme = tenant("acme");
    for start in (0..900).step_by(90) {
        bed.store_batch(&acme, events(start..start + 90)).await;
    }
    let file = bed.file(&acme, "2026-03-01");
    // Not yet: senders deliver late.
    bed.store().maintain(at(DAY + 1, 3_599 * SECOND)).await.unwrap();
    assert_eq!(ask(&file, "SELECT count(*) FROM top_meta"), 0);
    bed.store().maintain(at(DAY + 1, 3_600 * SECOND)).await.unwrap();
    assert_eq!(ask(&file, "SELECT count(*) FROM top_meta"), 4);
    assert_eq!(ask(&file, "SELECT count(*) FROM rollup_delta"), 0);
    assert!(!file.with_extension("unsettled").exists());
    let (values, _) = bed.top(&acme, Field::ClientIp).await;
    assert_eq!(values.len(), 9);
    assert!(values.iter().all(|(value, count)| value.starts_with("192.0.2.") && *count == 100));
    assert_eq!(bed.top(&acme, Field::Path).await.0, [("/admin".to_owned(), 900)]);
    assert_eq!(bed.top(&acme, Field::ClientAsn).await.0, [("64500".to_owned(), 900)]);
    bed.assert_counts_exact(&acme).await;
}

#[tokio::test]
async fn late_events_reopen_a_day_until_it_is_closed_again() {
    let mut bed = Bed::small();
    let acme = tenant("acme");
    bed.store_batch(&acme, events(0..90)).await;
    bed.maintain_after(DAY).await;
    let file = bed.file(&acme, "2026-03-01");
    let batch = bed.begin(&acme);
    bed.store().write(batch, events(90..100)).await.unwrap();
    assert_eq!(ask(&file, "SELECT count(*) FROM top"), 0);
    bed.maintain_after(DAY).await;
    assert_eq!(ask(&file, "SELECT count(*) FROM top_meta"), 0, "a batch is undecided");
    bed.store().commit(batch, record(&acme, Written::default())).await.unwrap();
    assert_eq!(bed.top(&acme, Field::Path).await.0, [("/admin".to_owned(), 100)]);
    bed.maintain_after(DAY).await;
    assert_eq!(ask(&file, "SELECT count(*) FROM top_meta"), 4);
    assert_eq!(bed.top(&acme, Field::Path).await.0, [("/admin".to_owned(), 100)]);
    bed.assert_counts_exact(&acme).await;
    // A day that ended while nobody was there is closed by a later start.
    bed.store_batch(&acme, events(100..110)).await;
    bed.reopen();
    bed.maintain_after(DAY).await;
    assert_eq!(ask(&file, "SELECT count(*) FROM top_meta"), 4);
    assert_eq!(bed.seen(&acme).await.len(), 110);
}

#[tokio::test]
async fn a_list_says_how_much_it_leaves_out() {
    let bed = Bed::new();
    let acme = tenant("acme");
    let many: Vec<_> = (0..3_000_u64)
        .map(|number| {
            let mut event = event(number, at(DAY, i64::try_from(number).unwrap()));
            event.fields.set(Field::Path, &format!("/{}", number % 1_500));
            event
        })
        .collect();
    bed.store_batch(&acme, many).await;
    bed.maintain_after(DAY).await;
    let file = bed.file(&acme, "2026-03-01");
    assert_eq!(ask(&file, "SELECT count(*) FROM top WHERE field = 'path'"), 1_000);
    assert_eq!(ask(&file, "SELECT least FROM top_meta WHERE field = 'path'"), 2);
    assert_eq!(ask(&file, "SELECT least FROM top_meta WHERE field = 'client_ip'"), 0);
}

#[tokio::test]
async fn times_before_1970_and_at_the_end_of_a_minute_are_counted_where_they_belong() {
    let bed = Bed::new();
    let acme = tenant("acme");
    let edge = [at(DAY, 0), EventTime(at(DAY, 60 * SECOND).0 - 1), at(DAY, 60 * SECOND)];
    let mut all: Vec<_> = (0_u64..).zip(edge).map(|(number, at)| event(number, at)).collect();
    all.push(event(9, EventTime(at(DAY, 0).0 - 1)));
    all.push(event(10, EventTime(-1)));
    bed.store_batch(&acme, all).await;
    bed.assert_counts_exact_of(&acme, 4).await;
    assert_eq!(rows_in(&bed.file(&acme, "1969-12-31")), 1);
    assert_eq!(rows_in(&bed.file(&acme, "2026-02-28")), 1);
    assert_eq!(rows_in(&bed.file(&acme, "2026-03-01")), 3);
}

#[tokio::test]
async fn no_deletion_and_no_scattered_chunk_holds_the_writer() {
    let bed = Bed::new();
    let acme = tenant("acme");
    let dense = |numbers: std::ops::Range<u64>| -> Vec<_> {
        numbers
            .map(|number| event(number, at(DAY, i64::try_from(number).unwrap() * 1_000)))
            .collect()
    };
    // 40,000 rows go in twenty steps; a small batch gets its turn between them.
    let large = bed.begin(&acme);
    for start in (0..40_000).step_by(10_000) {
        bed.store().write(large, dense(start..start + 10_000)).await.unwrap();
    }
    bed.store().abort(large);
    assert_eq!(bed.store_batch(&acme, dense(50_000..50_100)).await.stored, 100);
    assert_eq!(bed.store().snapshot().pending, [large.0], "its rows are still being deleted");
    // A chunk with many days takes some of them at a time.
    let batch = bed.begin(&acme);
    let days = 100;
    let scattered =
        (0..days).map(|day| event(day, at(DAY - 200 + i64::try_from(day).unwrap(), 0))).collect();
    let slow = bed.store().write(batch, scattered);
    let quick = async {
        bed.store_batch(&acme, dense(60_000..60_010)).await;
        bed.store().usage(&acme).await.unwrap().partitions
    };
    let (slow, partitions) = tokio::join!(slow, quick);
    assert_eq!(slow.unwrap().stored, days);
    assert!(partitions < days, "the small one had to wait for all {partitions}");
}

#[tokio::test]
async fn a_batch_older_than_the_closing_of_a_day_can_still_be_undone_in_it() {
    let mut bed = Bed::new();
    let acme = tenant("acme");
    let old = bed.begin(&acme);
    bed.store_batch(&acme, events(0..10)).await;
    bed.maintain_after(DAY).await;
    let marker = bed.file(&acme, "2026-03-01").with_extension("unsettled");
    assert!(!marker.exists(), "the day is settled");
    bed.store().write(old, events(10..20)).await.unwrap();
    assert!(marker.exists());
    bed.reopen();
    assert_eq!(bed.seen(&acme).await, (0..10).collect::<Vec<_>>());
    assert_eq!(rows_in(&bed.file(&acme, "2026-03-01")), 10);
}

#[tokio::test]
async fn what_is_new_is_found_in_any_day_and_few_days_are_opened_for_it() {
    let mut bed = Bed::new();
    let acme = tenant("acme");
    let days = 40;
    let of_day = |number: u64, day: u64| event(number, at(DAY - i64::try_from(day).unwrap(), 0));
    bed.store_batch(&acme, (0..days).map(|day| of_day(day, day)).collect()).await;
    bed.reopen();
    // From far back: the newest days, and how much there is besides.
    let fresh = bed.store().since(&acme, Snapshot::default(), Filter::default(), 100).await;
    let fresh = fresh.unwrap();
    assert_eq!((fresh.events.len(), fresh.skipped), (32, 8));
    // Then all days are known: the oldest one has something new, and so has one that was not there.
    bed.store_batch(&acme, vec![of_day(100, days - 1), of_day(101, days + 5)]).await;
    let next = bed.store().since(&acme, fresh.snapshot, Filter::default(), 100).await.unwrap();
    assert_eq!((next.events.len(), next.skipped), (2, 0));
    let last = bed.store().since(&acme, next.snapshot, Filter::default(), 100).await.unwrap();
    assert_eq!((last.events.len(), last.skipped), (0, 0));
}

/// Seven days, of which the four oldest are none that every start looks at.
#[tokio::test]
async fn back_filled_days_are_closed_after_crashes_and_stops() {
    let mut bed = Bed::new();
    let acme = tenant("acme");
    let days = (0..7_u64).map(|day| event(day, at(DAY + i64::try_from(day).unwrap(), 0)));
    bed.store_batch(&acme, days.collect()).await;
    let file = bed.file(&acme, "2026-03-01");
    let marker = file.with_extension("unsettled");
    let newest = bed.file(&acme, "2026-03-07").with_extension("unsettled");
    bed.reopen();
    assert!(marker.exists(), "nothing is undecided, but the day is to be closed");
    assert!(!newest.exists(), "every start looks at it");
    bed.store().maintain(at(DAY, 0)).await.unwrap();
    bed.store().close().await.unwrap();
    bed.reopen();
    assert!(marker.exists());
    bed.maintain_after(DAY + 7).await;
    for day in 1..=7 {
        let file = bed.file(&acme, &format!("2026-03-{day:02}"));
        assert_eq!(ask(&file, "SELECT count(*) FROM top_meta"), 4, "{day}");
        assert_eq!(ask(&file, "SELECT count(*) FROM rollup_delta"), 0, "{day}");
        assert!(!file.with_extension("unsettled").exists(), "{day}");
    }
    assert_eq!(bed.seen(&acme).await, (0..7).collect::<Vec<_>>());
}
