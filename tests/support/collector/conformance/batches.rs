//! Batches: all or nothing, once.

use std::collections::BTreeSet;

use wafpass::collector::limits::{CHUNK_EVENTS, MAX_OPEN_BATCHES};
use wafpass::collector::store::{StoreError, Written};
use wafpass::collector::{Field, Intake};

use super::Lab;
use crate::support::compare::{briefs, everything, gone, page_of};
use crate::support::events::{acme, at, event, full_event, id, put, record, with, write};

pub(crate) async fn nothing_is_visible_before_the_commit_and_all_after_it<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let batch = store.begin(&acme, Intake::Logpush).unwrap();
    let mut sum = Written::default();
    for chunk in 0..3 {
        let events = (0..4).map(|n| event(chunk * 10, u128::try_from(chunk * 4 + n).unwrap()));
        let written = store.write(batch, events.collect()).await.unwrap();
        assert_eq!(written, Written { stored: 4, repeated: 0 });
        sum.stored += written.stored;
        assert_eq!(everything(&*store, &acme).await, []);
        assert_eq!(store.usage(&acme).await.unwrap().events, 0);
        assert_eq!(store.event(&acme, id(0), Some(at(0))).await.unwrap(), None);
        assert_eq!(store.event(&acme, id(0), None).await.unwrap(), None);
    }
    store.commit(batch, record(&acme, sum)).await.unwrap();
    let events = everything(&*store, &acme).await;
    assert_eq!(events.len(), 12);
    assert!(events.iter().all(|one| one.batch == batch.0), "each names the batch that brought it");
}

pub(crate) async fn every_part_of_an_event_comes_back<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let mut events = vec![event(3, 0), full_event(2, 1), event(1, 2)];
    for (n, intake) in (3..).zip(Intake::ALL) {
        let mut one = event(0, n);
        one.intake = intake;
        one.blob = Some(wafpass::collector::SealedText::Other("truncated".to_owned()));
        events.push(one);
    }
    let mut texts = with(event(-1, 10), Field::Path, "");
    texts = with(texts, Field::UserAgent, &"ü".repeat(4_000));
    texts = with(texts, Field::ClientIp, "203.0.113.7");
    events.push(with(texts, Field::MatchIndex, "0"));
    put(&*store, &acme, events.clone()).await;
    let mut found: Vec<_> =
        everything(&*store, &acme).await.into_iter().map(|one| one.event).collect();
    found.sort_by_key(|event| event.id);
    for (found, event) in found.iter().zip(&events) {
        for field in Field::ALL {
            assert_eq!(found.get(field), event.get(field), "{field:?}");
        }
        // The texts are the same; in which order the buffer has them does not matter.
        let mut same = found.clone();
        same.fields = event.fields.clone();
        assert_eq!(&same, event);
    }
    assert_eq!(found.len(), events.len());
}

pub(crate) async fn a_batch_given_up_leaves_nothing<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    put(&*store, &acme, vec![event(0, 1)]).await;
    let (batch, _) = write(&*store, &acme, vec![event(0, 2), event(1, 3)]).await.unwrap();
    store.abort(batch);
    store.abort(batch);
    assert_eq!(everything(&*store, &acme).await.len(), 1);
    gone(&*store, batch).await;
    assert_eq!(everything(&*store, &acme).await.len(), 1);
    let committed = store.commit(batch, record(&acme, Written::default())).await;
    assert!(matches!(committed, Err(StoreError::NoSuchBatch)), "{committed:?}");
    // Its events can be sent again, and are no repeats.
    let (batch, written) = write(&*store, &acme, vec![event(0, 2), event(1, 3)]).await.unwrap();
    assert_eq!(written, Written { stored: 2, repeated: 0 });
    store.commit(batch, record(&acme, written)).await.unwrap();
    assert_eq!(everything(&*store, &acme).await.len(), 3);
}

pub(crate) async fn what_is_stored_already_is_counted_as_repeated<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let first = put(&*store, &acme, vec![with(event(0, 1), Field::Action, "block")]).await;

    let batch = store.begin(&acme, Intake::Native).unwrap();
    let again = vec![with(event(0, 1), Field::Action, "log"), event(0, 2), event(0, 2)];
    let mut sum = store.write(batch, again).await.unwrap();
    assert_eq!(sum, Written { stored: 1, repeated: 2 }, "of a batch before, and within a chunk");
    let written = store.write(batch, vec![event(0, 2), event(0, 3)]).await.unwrap();
    assert_eq!(written, Written { stored: 1, repeated: 1 }, "of a chunk before");
    sum.stored += written.stored;
    sum.repeated += written.repeated;
    store.commit(batch, record(&acme, sum)).await.unwrap();

    let events = everything(&*store, &acme).await;
    assert_eq!(briefs(&events), ["3@+0ns", "2@+0ns", "1@+0ns"]);
    assert_eq!(events[2].batch, first.0, "the first one stays");
    assert_eq!(events[2].event.get(Field::Action), Some("block"), "as it was");
}

pub(crate) async fn the_same_id_at_another_moment_is_another_event<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    put(&*store, &acme, vec![event(0, 1), event(1, 1)]).await;
    put(&*store, &acme, vec![event(86_400, 1)]).await;
    let events = everything(&*store, &acme).await;
    assert_eq!(
        events.iter().map(|one| one.event.at).collect::<Vec<_>>(),
        [at(86_400), at(1), at(0)]
    );
}

pub(crate) async fn events_of_a_batch_under_way_conflict<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let (first, _) = write(&*store, &acme, vec![event(0, 1), event(0, 2)]).await.unwrap();
    let second = write(&*store, &acme, vec![event(0, 3), event(0, 2)]).await;
    assert!(matches!(second, Err(StoreError::Conflict)), "{second:?}");
    // The first is given up, so the second was right not to count on it.
    store.abort(first);
    gone(&*store, first).await;
    let mut tries = 0;
    let (third, written) = loop {
        // What the second had stored goes in the background.
        match write(&*store, &acme, vec![event(0, 3), event(0, 2)]).await {
            Err(StoreError::Conflict) if tries < 20_000 => tries += 1,
            other => break other.unwrap(),
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    };
    assert_eq!(written, Written { stored: 2, repeated: 0 });
    store.commit(third, record(&acme, written)).await.unwrap();
    assert_eq!(everything(&*store, &acme).await.len(), 2);
}

pub(crate) async fn after_a_failed_write_a_batch_can_only_be_given_up<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let (first, kept) = write(&*store, &acme, vec![event(0, 1)]).await.unwrap();
    let second = store.begin(&acme, Intake::Native).unwrap();
    store.write(second, vec![event(0, 2)]).await.unwrap();
    store.write(second, vec![event(0, 1)]).await.unwrap_err();
    let more = store.write(second, vec![event(0, 3)]).await;
    assert!(matches!(more, Err(StoreError::NoSuchBatch)), "{more:?}");
    let committed = store.commit(second, record(&acme, Written::default())).await;
    assert!(matches!(committed, Err(StoreError::NoSuchBatch)), "{committed:?}");
    store.abort(second);
    gone(&*store, second).await;
    store.commit(first, record(&acme, kept)).await.unwrap();
    assert_eq!(briefs(&everything(&*store, &acme).await), ["1@+0ns"]);
}

pub(crate) async fn a_batch_that_is_not_under_way_is_refused<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let done = put(&*store, &acme, vec![event(0, 1)]).await;
    let never = wafpass::collector::store::BatchId(u64::MAX >> 1);
    for batch in [done, never] {
        let written = store.write(batch, vec![event(0, 9)]).await;
        assert!(matches!(written, Err(StoreError::NoSuchBatch)), "{written:?}");
        let committed = store.commit(batch, record(&acme, Written::default())).await;
        assert!(matches!(committed, Err(StoreError::NoSuchBatch)), "{committed:?}");
        store.abort(batch);
    }
    assert_eq!(everything(&*store, &acme).await.len(), 1);
}

pub(crate) async fn an_empty_batch_is_committed<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    put(&*store, &acme, Vec::new()).await;
    let batch = store.begin(&acme, Intake::Native).unwrap();
    store.commit(batch, record(&acme, Written::default())).await.unwrap();
    assert_eq!(everything(&*store, &acme).await, []);
    assert_eq!(store.snapshot().pending, [0_u64; 0]);
}

pub(crate) async fn so_many_batches_may_be_open_and_no_more<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let begin = || store.begin(&acme, Intake::Native);
    let batches: Vec<_> = (0..MAX_OPEN_BATCHES).map(|_| begin().unwrap()).collect();
    assert!(matches!(begin(), Err(StoreError::Busy)));
    assert_eq!(store.snapshot().pending.len(), MAX_OPEN_BATCHES);
    store.commit(batches[0], record(&acme, Written::default())).await.unwrap();
    let next = begin().unwrap();
    assert!(batches.iter().all(|batch| *batch < next), "numbers go up");
    store.abort(next);
    gone(&*store, next).await;
    assert!(begin().is_ok());
}

pub(crate) async fn many_batches_at_once_are_all_stored<L: Lab>() {
    let lab = L::new().await;
    let acme = acme();
    let senders = (0..8_u128).map(|sender| {
        let (store, acme) = (lab.store(), acme.clone());
        tokio::spawn(async move {
            for batch in 0..5 {
                let first = sender * 1_000 + batch * 100;
                let events =
                    (first..first + 20).map(|n| event(i64::try_from(n).unwrap(), n)).collect();
                put(&*store, &acme, events).await;
            }
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await.unwrap();
    }
    let store = lab.store();
    let events = everything(&*store, &acme).await;
    assert_eq!(events.len(), 8 * 5 * 20);
    assert_eq!(events.iter().map(|one| one.batch).collect::<BTreeSet<_>>().len(), 8 * 5);
}

pub(crate) async fn a_batch_of_many_chunks_over_many_days_is_one<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let batch = store.begin(&acme, Intake::Native).unwrap();
    let mut sum = Written::default();
    for chunk in 0..6_i64 {
        let events = (0..i64::try_from(CHUNK_EVENTS).unwrap()).map(|n| {
            let number = u128::try_from(chunk * 100_000 + n).unwrap();
            event((n % 3) * 86_400 + n, number)
        });
        let written = store.write(batch, events.collect()).await.unwrap();
        sum.stored += written.stored;
    }
    assert_eq!(everything(&*store, &acme).await.len(), 0);
    store.commit(batch, record(&acme, sum)).await.unwrap();
    assert_eq!(store.usage(&acme).await.unwrap().events, 6 * CHUNK_EVENTS as u64);
    assert_eq!(everything(&*store, &acme).await.len(), 6 * CHUNK_EVENTS);
}

pub(crate) async fn commits_are_announced<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let mut commits = store.commits();
    commits.mark_unchanged();
    let waiting = tokio::spawn(async move { commits.changed().await });
    put(&*store, &acme, vec![event(0, 1)]).await;
    waiting.await.unwrap().unwrap();
}

pub(crate) async fn a_closed_store_says_so<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    put(&*store, &acme, vec![event(0, 1)]).await;
    store.ready().await.unwrap();
    store.close().await.unwrap();
    assert!(matches!(store.ready().await, Err(StoreError::Closed)));
    assert!(matches!(store.begin(&acme, Intake::Native), Err(StoreError::Closed)));
    let page = store.page(&acme, page_of(1)).await;
    assert!(matches!(page, Err(StoreError::Closed)), "{page:?}");
}
