//! Pages: ordered, stable, ending.

use wafpass::collector::query::{Budget, Condition, Filter, PageQuery, Sense, Test, TimeRange};
use wafpass::collector::{EventTime, Field};

use super::Lab;
use crate::support::compare::{
    ALL_TIME, Pair, ROOMY, briefs, events_of, everything, follow, page_of,
};
use crate::support::events::{DAY, MIDNIGHT, acme, at, event, id, put, record, with, write};

pub(crate) async fn newest_first_and_the_greater_id_first<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    put(&*store, &acme, vec![event(5, 1), event(7, 1 << 127), event(5, 2)]).await;
    put(&*store, &acme, vec![event(86_400, 0), event(5, u128::MAX), event(6, 9)]).await;
    let events = everything(&*store, &acme).await;
    let order: Vec<_> = events.iter().map(|one| (one.event.at, one.event.id)).collect();
    let expected = [
        (at(86_400), 0),
        (at(7), 1 << 127),
        (at(6), 9),
        (at(5), u128::MAX),
        (at(5), 2),
        (at(5), 1),
    ];
    assert_eq!(order, expected.map(|(at, number)| (at, id(number))));
}

pub(crate) async fn of_any_size_hold_everything_once<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let mut pair = Pair::new();
    for batch in 0..5 {
        let events =
            (0..12).map(|n| event(n * 20_000 % 7 - 86_400 * (n % 3), (batch * 100 + n) as u128));
        pair.put(&*store, &acme, events.collect()).await;
    }
    for limit in [1, 2, 7, 59, 60, 61, 1_000] {
        pair.same_pages(&*store, &acme, page_of(limit)).await;
    }
}

pub(crate) async fn a_range_holds_its_first_moment_and_not_its_last<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let mut pair = Pair::new();
    let mut events: Vec<_> = (0..5).map(|n| event(0, n)).collect();
    for (event, ns) in events.iter_mut().zip([-1, 0, 1, DAY - 1, DAY]) {
        event.at = EventTime(MIDNIGHT.0 + ns);
    }
    pair.put(&*store, &acme, events).await;
    let moments = [-2, -1, 0, 1, 2, DAY - 1, DAY, DAY + 1].map(|ns| EventTime(MIDNIGHT.0 + ns));
    for from in moments {
        for until in moments {
            let range = TimeRange { from, until };
            pair.same_pages(&*store, &acme, PageQuery { range, ..page_of(10) }).await;
        }
    }
    let always = TimeRange { from: EventTime(i64::MIN), until: EventTime(i64::MAX) };
    pair.same_pages(&*store, &acme, PageQuery { range: always, ..page_of(10) }).await;
}

pub(crate) async fn stay_as_they_were_when_events_come_in<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    put(&*store, &acme, (0..10).map(|n| event(n as i64 * 10, n)).collect()).await;
    let first = store.page(&acme, page_of(3)).await.unwrap();
    let mut found = first.events.clone();
    let mut after = first.next;
    let mut number = 100;
    while after.is_some() {
        // Newer ones, late ones, and ones of the very moment where the page ended.
        let here = after.as_ref().unwrap().at;
        let mut same_moment = event(0, number + 3);
        same_moment.at = here;
        let late = vec![
            event(1_000, number),
            event(5, number + 1),
            event(-86_400, number + 2),
            same_moment,
        ];
        put(&*store, &acme, late).await;
        number += 10;
        let page = store.page(&acme, PageQuery { after, ..page_of(3) }).await.unwrap();
        found.extend(page.events);
        after = page.next;
    }
    let expected: Vec<_> =
        (0..10).rev().map(|n| format!("{n}@{:+}ns", n * 10_000_000_000_i64)).collect();
    assert_eq!(briefs(&found), expected);
}

pub(crate) async fn hold_no_batch_that_was_open_at_the_first<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let (open, written) = write(&*store, &acme, vec![event(2, 100), event(4, 101)]).await.unwrap();
    put(&*store, &acme, (1..6).map(|n| event(n as i64, n)).collect()).await;
    let first = store.page(&acme, page_of(2)).await.unwrap();
    // Its number is less than that of the batch that the page shows.
    store.commit(open, record(&acme, written)).await.unwrap();
    let query = PageQuery { after: first.next.clone(), ..page_of(100) };
    let rest = follow(&*store, &acme, query).await;
    assert_eq!(
        briefs(&events_of(&rest)),
        ["3@+3000000000ns", "2@+2000000000ns", "1@+1000000000ns"]
    );
    assert_eq!(everything(&*store, &acme).await.len(), 7, "a new first page has them");
}

pub(crate) async fn end_cleanly_where_events_were_deleted<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    put(&*store, &acme, (0..10).map(|n| event(n as i64, n)).collect()).await;
    let first = store.page(&acme, page_of(3)).await.unwrap();
    assert_eq!(briefs(&first.events).len(), 3);
    // The place of the cursor itself goes too.
    store.delete(&acme, TimeRange { from: at(4), until: at(8) }).await.unwrap();
    let query = PageQuery { after: first.next, ..page_of(3) };
    let rest = events_of(&follow(&*store, &acme, query).await);
    assert_eq!(rest.iter().map(|one| one.event.at).collect::<Vec<_>>(), [3, 2, 1, 0].map(at));
}

pub(crate) async fn end_cleanly_where_days_expired<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let events = (0..9).map(|n| event(-86_400 * (n as i64 % 3) + n as i64, n)).collect();
    put(&*store, &acme, events).await;
    let first = store.page(&acme, page_of(2)).await.unwrap();
    let deleted = store.expire(&acme, MIDNIGHT).await.unwrap();
    assert_eq!(deleted.events, 6);
    let query = PageQuery { after: first.next, ..page_of(2) };
    let rest = events_of(&follow(&*store, &acme, query).await);
    assert_eq!(briefs(&rest), ["0@+0ns"]);
}

pub(crate) async fn a_budget_ends_a_page_and_not_the_paging<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let mut pair = Pair::new();
    for batch in 0..4_i64 {
        let events = (0..50_i64).map(|n| {
            // Several of one moment; few that the filter wants.
            let event = event(n / 5 - 86_400 * (n % 2), u128::try_from(batch * 50 + n).unwrap());
            with(event, Field::Path, if n % 17 == 0 { "/wanted/here" } else { "/else" })
        });
        pair.put(&*store, &acme, events.collect()).await;
    }
    let wanted = |pattern: &str| Condition {
        field: Field::Path,
        test: Test::Wildcard(vec![pattern.to_owned()]),
        sense: Sense::Include,
    };
    for pattern in ["*wanted*", "*nowhere*"] {
        let filter = Filter { conditions: vec![wanted(pattern)], ..Filter::default() };
        for rows in [1, 3, 60, 1_000] {
            let budget = Budget { rows, ..ROOMY };
            let query = PageQuery {
                range: ALL_TIME,
                filter: filter.clone(),
                limit: 4,
                after: None,
                budget,
            };
            pair.same_pages(&*store, &acme, query).await;
        }
        let budget = Budget { ms: 0, ..ROOMY };
        let query = PageQuery { range: ALL_TIME, filter, limit: 4, after: None, budget };
        pair.same_pages(&*store, &acme, query).await;
    }
}

pub(crate) async fn an_event_is_found_by_its_id<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let mut pair = Pair::new();
    pair.put(&*store, &acme, (0..20).map(|n| event(n * 40_000, n as u128)).collect()).await;
    pair.put(&*store, &acme, vec![event(3, 7), event(900_000, 7)]).await;
    for number in [0, 7, 19, 20] {
        pair.same_event(&*store, &acme, id(number), None).await;
        for seconds in [0, 3, 280_000, 760_000] {
            pair.same_event(&*store, &acme, id(number), Some(at(seconds))).await;
        }
    }
}
