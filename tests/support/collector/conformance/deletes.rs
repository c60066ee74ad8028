//! Deletions and expiry.

use wafpass::collector::query::{Filter, HistogramQuery, TimeRange, TopQuery};
use wafpass::collector::store::Store;
use wafpass::collector::{EventTime, Field, TenantId};

use super::Lab;
use crate::support::compare::{ALL_TIME, Pair, ROOMY, page_of};
use crate::support::events::{DAY, MIDNIGHT, acme, at, event, full_event, globex, id, with};

/// Some events for each of three days.
async fn three_days(pair: &mut Pair, store: &dyn Store, tenant: &TenantId) {
    for batch in 0..3_i64 {
        let events = (0..30_i64).map(|n| {
            let number = u128::try_from(batch * 30 + n).unwrap();
            let event = event((n % 3 - 1) * 86_400 + n * 97, number);
            with(event, Field::Action, ["block", "log"][usize::try_from(n % 2).unwrap()])
        });
        pair.put(store, tenant, events.collect()).await;
    }
}

async fn same_answers(pair: &Pair, store: &dyn Store, tenant: &TenantId) {
    pair.same_pages(store, tenant, page_of(20)).await;
    pair.same_usage(store, tenant).await;
    let range = TimeRange { from: at(-90_000), until: at(2 * 86_400) };
    for group in [None, Some(Field::Action), Some(Field::Path)] {
        for interval_s in [3_600, 86_400] {
            let filter = Filter::default();
            let query =
                HistogramQuery { range, filter, interval_s, group, max_groups: 5, budget: ROOMY };
            pair.same_histogram(store, tenant, query).await;
        }
    }
    for field in [Field::Action, Field::Path] {
        let query = TopQuery { range, filter: Filter::default(), field, limit: 5, budget: ROOMY };
        pair.same_top(store, tenant, query).await;
    }
}

pub(crate) async fn a_time_range<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let mut pair = Pair::new();
    three_days(&mut pair, &*store, &acme).await;
    let nothing = TimeRange { from: at(10), until: at(10) };
    pair.same_deletion(&*store, &acme, nothing).await;
    let ranges = [(100, 300), (-86_400, -86_399), (1_000, 87_000)];
    for (from, until) in ranges {
        let range = TimeRange { from: at(from), until: at(until) };
        pair.same_deletion(&*store, &acme, range).await;
        same_answers(&pair, &*store, &acme).await;
        pair.same_deletion(&*store, &acme, range).await;
    }
    pair.same_deletion(&*store, &acme, ALL_TIME).await;
    same_answers(&pair, &*store, &acme).await;
}

pub(crate) async fn counts_follow<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let mut pair = Pair::new();
    three_days(&mut pair, &*store, &acme).await;
    // Before and after roll-ups were merged, and at an edge within a minute.
    for round in 0..3 {
        let from = 200 + round * 300;
        let range = TimeRange { from: at(from), until: EventTime(at(from + 191).0 + 1) };
        pair.same_deletion(&*store, &acme, range).await;
        same_answers(&pair, &*store, &acme).await;
        store.maintain(EventTime(MIDNIGHT.0 + 4 * DAY)).await.unwrap();
        same_answers(&pair, &*store, &acme).await;
    }
}

pub(crate) async fn batches_under_way_are_spared<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let mut pair = Pair::new();
    three_days(&mut pair, &*store, &acme).await;
    let batch = pair.begin(&*store, &acme);
    let events = vec![
        event(50, 900),
        with(event(-80_000, 901), Field::Action, "block"),
        full_event(90_000, 902),
    ];
    let written = pair.write(&*store, batch, events).await.unwrap();
    pair.same_deletion(&*store, &acme, ALL_TIME).await;
    same_answers(&pair, &*store, &acme).await;
    pair.commit(&*store, &acme, batch, written).await;
    same_answers(&pair, &*store, &acme).await;
    pair.same_event(&*store, &acme, id(902), None).await;
}

pub(crate) async fn what_was_deleted_can_be_stored_again<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let mut pair = Pair::new();
    for _ in 0..3 {
        // The model says: none of them is a repeat.
        three_days(&mut pair, &*store, &acme).await;
        same_answers(&pair, &*store, &acme).await;
        pair.same_deletion(&*store, &acme, TimeRange { from: at(-500), until: at(100_000) }).await;
        pair.same_expiry(&*store, &acme, EventTime(MIDNIGHT.0)).await;
        same_answers(&pair, &*store, &acme).await;
    }
}

pub(crate) async fn whole_days_that_are_over_expire<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let mut pair = Pair::new();
    three_days(&mut pair, &*store, &acme).await;
    for before in
        [MIDNIGHT.0 - 1, MIDNIGHT.0, MIDNIGHT.0 + DAY - 1, MIDNIGHT.0 + DAY, MIDNIGHT.0 + 9 * DAY]
    {
        pair.same_expiry(&*store, &acme, EventTime(before)).await;
        same_answers(&pair, &*store, &acme).await;
    }
    // Late rows of a day that has expired make it a day again.
    three_days(&mut pair, &*store, &acme).await;
    same_answers(&pair, &*store, &acme).await;
}

pub(crate) async fn all_of_a_tenant<L: Lab>() {
    let lab = L::new().await;
    let (store, acme, globex) = (lab.store(), acme(), globex());
    let mut pair = Pair::new();
    three_days(&mut pair, &*store, &acme).await;
    three_days(&mut pair, &*store, &globex).await;
    let expected = pair.model.delete_tenant(&acme).await.unwrap();
    assert_eq!(store.delete_tenant(&acme).await.unwrap().events, expected.events);
    assert_eq!(store.delete_tenant(&acme).await.unwrap().events, 0);
    for tenant in [&acme, &globex] {
        same_answers(&pair, &*store, tenant).await;
    }
    three_days(&mut pair, &*store, &acme).await;
    same_answers(&pair, &*store, &acme).await;
}
