//! What outlasts a store.

use wafpass::collector::Field;
use wafpass::collector::query::{Filter, HistogramQuery, PageQuery, TimeRange, TopQuery};
use wafpass::collector::store::Written;
use wafpass::collector::{EventTime, NewEvent};

use super::Lab;
use crate::support::compare::{Pair, ROOMY, briefs, everything, page_of};
use crate::support::events::{
    DAY, MIDNIGHT, acme, at, event, full_event, globex, put, with, write,
};

fn some_events(seed: i64) -> Vec<NewEvent> {
    let events = (0..40_i64).map(|n| {
        let number = u128::try_from(seed * 1_000 + n).unwrap();
        let event = event((n % 3 - 1) * 86_400 + n * 131, number);
        with(event, Field::Action, ["block", "log", ""][usize::try_from(n % 3).unwrap()])
    });
    events.collect()
}

async fn same_answers(pair: &Pair, store: &dyn wafpass::collector::store::Store) {
    for tenant in [acme(), globex()] {
        pair.same_pages(store, &tenant, page_of(50)).await;
        pair.same_usage(store, &tenant).await;
        let range = TimeRange { from: at(-90_000), until: at(2 * 86_400) };
        for group in [None, Some(Field::Action), Some(Field::Path)] {
            let filter = Filter::default();
            let query = HistogramQuery {
                range,
                filter,
                interval_s: 3_600,
                group,
                max_groups: 5,
                budget: ROOMY,
            };
            pair.same_histogram(store, &tenant, query).await;
        }
        let query = TopQuery {
            range,
            filter: Filter::default(),
            field: Field::Action,
            limit: 5,
            budget: ROOMY,
        };
        pair.same_top(store, &tenant, query).await;
    }
}

pub(crate) async fn what_was_committed_is_there_when_it_is_opened_again<L: Lab>() {
    let mut lab = L::new().await;
    let mut pair = Pair::new();
    for round in 0..6 {
        let store = lab.store();
        pair.put(&*store, &acme(), some_events(round)).await;
        pair.put(&*store, &globex(), vec![full_event(round, 1)]).await;
        drop(store);
        lab = if round % 2 == 0 { lab.reopen().await } else { lab.crash().await };
        same_answers(&pair, &*lab.store()).await;
    }
}

pub(crate) async fn what_was_not_committed_is_gone_when_it_is_opened_again<L: Lab>() {
    let mut lab = L::new().await;
    let mut pair = Pair::new();
    for round in 0..4 {
        let store = lab.store();
        pair.put(&*store, &acme(), some_events(round)).await;
        // Three that are not finished: one under way, one given up, one that wrote nothing.
        let (_, written) = write(&*store, &acme(), some_events(100 + round)).await.unwrap();
        assert_eq!(written.stored, 40);
        let (batch, _) = write(&*store, &acme(), some_events(200 + round)).await.unwrap();
        store.abort(batch);
        store.begin(&acme(), wafpass::collector::Intake::Native).unwrap();
        drop(store);
        lab = if round % 2 == 0 { lab.reopen().await } else { lab.crash().await };
        let store = lab.store();
        assert_eq!(store.snapshot().pending, [0_u64; 0], "nothing is under way");
        same_answers(&pair, &*store).await;
        // What was lost can be sent again, and is no repeat.
        let batch = pair.begin(&*store, &acme());
        let written = pair.write(&*store, batch, some_events(100 + round)).await.unwrap();
        assert_eq!(written, Written { stored: 40, repeated: 0 });
        pair.commit(&*store, &acme(), batch, written).await;
        same_answers(&pair, &*store).await;
    }
}

pub(crate) async fn numbers_go_on_after_it_is_opened_again<L: Lab>() {
    let mut lab = L::new().await;
    let mut last = 0;
    for round in 0..4 {
        let store = lab.store();
        let batch = put(&*store, &acme(), vec![event(round, 1)]).await;
        assert!(batch.0 > last, "{} after {last}", batch.0);
        // A number of a batch that was never finished is not given out again either.
        last = store.begin(&acme(), wafpass::collector::Intake::Native).unwrap().0;
        drop(store);
        lab = if round % 2 == 0 { lab.crash().await } else { lab.reopen().await };
    }
}

pub(crate) async fn a_cursor_outlives_the_store<L: Lab>() {
    let lab = L::new().await;
    let store = lab.store();
    put(&*store, &acme(), (0..10).map(|n| event(n as i64, n)).collect()).await;
    write(&*store, &acme(), vec![event(2, 50)]).await.unwrap();
    let first = store.page(&acme(), page_of(4)).await.unwrap();
    drop(store);
    let lab = lab.reopen().await;
    let store = lab.store();
    put(&*store, &acme(), vec![event(3, 60), event(2, 50)]).await;
    let query = PageQuery { after: first.next, ..page_of(100) };
    let rest = store.page(&acme(), query).await.unwrap();
    let expected: Vec<_> =
        (0..6).rev().map(|n| format!("{n}@{:+}ns", n * 1_000_000_000_i64)).collect();
    assert_eq!(briefs(&rest.events), expected);
}

pub(crate) async fn maintenance_changes_no_answer<L: Lab>() {
    let mut lab = L::new().await;
    let mut pair = Pair::new();
    for round in 0..4 {
        let store = lab.store();
        pair.put(&*store, &acme(), some_events(round)).await;
        pair.put(&*store, &globex(), some_events(round)).await;
        let (open, _) = write(&*store, &acme(), some_events(50 + round)).await.unwrap();
        for days in [0, 1, 5] {
            store.maintain(EventTime(MIDNIGHT.0 + days * DAY)).await.unwrap();
            same_answers(&pair, &*store).await;
        }
        store.abort(open);
        store.maintain(EventTime(MIDNIGHT.0 + 6 * DAY)).await.unwrap();
        same_answers(&pair, &*store).await;
        assert!(!everything(&*store, &acme()).await.is_empty());
        drop(store);
        lab = lab.reopen().await;
        same_answers(&pair, &*lab.store()).await;
    }
}
