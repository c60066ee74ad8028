//! Pages where something is special here: indexes, budgets, cursors from outside, days that go in between.

use wafpass::collector::query::{
    Budget, Condition, Cursor, Filter, PageQuery, Sense, Snapshot, Test, TimeRange,
};
use wafpass::collector::store::{BatchId, Store};
use wafpass::collector::{EventId, EventTime, Field, Intake, NewEvent};

use crate::lab::{Lab, events};
use crate::random::ROOMY;
use crate::support::events::{DAY, MIDNIGHT, acme, at, event, id, put, with};

const ALL: TimeRange = TimeRange { from: EventTime(0), until: EventTime(i64::MAX) };

fn including(field: Field, test: Test) -> Filter {
    let condition = Condition { field, test, sense: Sense::Include };
    Filter { conditions: vec![condition], ..Filter::default() }
}

fn query(filter: Filter, limit: usize, rows: u64) -> PageQuery {
    PageQuery { range: ALL, filter, limit, after: None, budget: Budget { rows, ..ROOMY } }
}

/// 2,000 events in 20 segments, all but the newest with indexes: each 500th is `rare` in all that is indexed.
async fn indexed() -> Lab {
    let lab = Lab::new(100);
    for first in (0..2_000).step_by(100) {
        put(&lab.store, &acme(), (first..first + 100).map(thing).collect()).await;
    }
    lab.close_days().await;
    lab
}

fn thing(number: u32) -> NewEvent {
    let is_rare = number.is_multiple_of(500);
    let word = if is_rare { "rare" } else { "common" };
    let mut new = event(i64::from(number), u128::from(number) + 1);
    for field in [Field::RuleId, Field::Action, Field::Host, Field::Path] {
        new = with(new, field, word);
    }
    let ray = format!("{}{number:08x}", if is_rare { "7d0f" } else { "8e1a" });
    let address = format!("{}.0.{}.{}", if is_rare { 10 } else { 203 }, number / 256, number % 256);
    with(with(new, Field::RayId, &ray), Field::ClientIp, &address)
}

#[tokio::test]
async fn rare_values_are_found_by_an_index() {
    let lab = indexed().await;
    let any = |value: &str| Test::AnyOf(vec![value.to_owned()]);
    let cases = [
        (Field::RuleId, any("rare")),
        (Field::Action, any("rare")),
        (Field::Host, any("rare")),
        (Field::RayId, Test::Prefix(vec!["7d0f".to_owned()])),
        (Field::ClientIp, Test::InNetworks(vec!["10.0.0.0/8".parse().unwrap()])),
    ];
    for (field, test) in cases {
        // The newest hundred are looked at one by one. For the rest, four rows are enough by an index, and by
        // nothing else.
        let page = lab.page(&query(including(field, test), 100, 110)).await;
        assert_eq!(page.events.len(), 4, "{field:?}");
        assert_eq!((page.scanned_until, page.next), (None, None), "{field:?}");
    }
    let ray = thing(1_234).get(Field::RayId).unwrap().to_owned();
    let page = lab.page(&query(including(Field::RayId, any(&ray)), 100, 110)).await;
    assert_eq!(page.events.first().map(|one| one.event.id), Some(id(1_235)));
}

#[tokio::test]
async fn what_no_row_has_costs_no_rows() {
    let lab = indexed().await;
    // But those of the newest hundred.
    for field in [Field::RuleId, Field::Action, Field::Host, Field::RayId] {
        let nothing = Test::AnyOf(vec!["nothing".to_owned()]);
        let page = lab.page(&query(including(field, nothing), 100, 101)).await;
        assert_eq!(
            (page.events.len(), page.next, page.scanned_until),
            (0, None, None),
            "{field:?}"
        );
    }
}

#[tokio::test]
async fn common_values_cost_what_they_give() {
    let lab = indexed().await;
    let common = including(Field::RuleId, Test::AnyOf(vec!["common".to_owned()]));
    let page = lab.page(&query(common, 50, 100)).await;
    assert_eq!((page.events.len(), page.scanned_until), (50, None));
}

#[tokio::test]
async fn without_an_index_the_budget_counts_rows_looked_at() {
    let lab = indexed().await;
    let rare = including(Field::Path, Test::Wildcard(vec!["R*E".to_owned()]));
    let first = lab.page(&query(rare.clone(), 100, 300)).await;
    // The newest 300 are 1,700 to 1,999.
    assert_eq!(first.events.len(), 0);
    assert_eq!(first.scanned_until, Some(EventTime(at(1_700).0 + 1)));
    let pages = lab.follow(&query(rare, 100, 300)).await;
    assert_eq!(events(&pages).len(), 4);
    assert_eq!(pages.len(), 7, "2,000 rows, 300 a page");
}

#[tokio::test]
async fn every_cursor_position_goes_on_where_it_was() {
    let lab = Lab::new(7);
    // Moments that several events share, over two days.
    let moment = |number: i64| number / 3 * DAY / 20;
    let new: Vec<_> = (0..60)
        .map(|number| {
            NewEvent::new(
                EventTime(MIDNIGHT.0 + moment(number)),
                id(number as u128),
                Intake::Native,
            )
        })
        .collect();
    put(&lab.store, &acme(), new).await;
    let all = events(&lab.follow(&query(Filter::default(), 1_000, 1_000)).await);
    assert_eq!(all.len(), 60);
    for limit in 1..=60 {
        let pages = lab.follow(&query(Filter::default(), limit, 1_000)).await;
        assert_eq!(events(&pages), all, "{limit} a page");
    }
    for rows in 0..60 {
        let pages = lab.follow(&query(Filter::default(), 1_000, rows)).await;
        assert_eq!(events(&pages), all, "{rows} rows a page");
    }
    for (place, one) in all.iter().enumerate() {
        let snapshot = lab.store.snapshot();
        let after = Some(Cursor { at: one.event.at, id: one.event.id, snapshot });
        let rest = lab.page(&PageQuery { after, ..query(Filter::default(), 100, 1_000) }).await;
        assert_eq!(rest.events, all[place + 1..]);
    }
}

#[tokio::test]
async fn late_rows_stay_out_of_the_pages_that_follow() {
    let lab = Lab::new(10);
    let new =
        |from: i64| (0..30).map(|n| event(from + 10 * n, (from + 1_000 * n) as u128)).collect();
    put(&lab.store, &acme(), new(1)).await;
    let query = query(Filter::default(), 10, 1_000);
    let first = lab.page(&query).await;
    put(&lab.store, &acme(), new(2)).await;
    let rest = lab.follow(&PageQuery { after: first.next.clone(), ..query.clone() }).await;
    assert_eq!(first.events.len() + events(&rest).len(), 30);
    assert_eq!(events(&lab.follow(&query).await).len(), 60);
}

#[tokio::test]
async fn a_day_that_goes_in_between_ends_cleanly() {
    let lab = Lab::new(10);
    let new = (0..90).map(|n| event(n * 86_400 / 30, n as u128)).collect();
    put(&lab.store, &acme(), new).await;
    let query = query(Filter::default(), 20, 1_000);
    let first = lab.page(&query).await;
    let second = lab.page(&PageQuery { after: first.next, ..query.clone() }).await;
    // The second page ended within the second day; that and the first one go.
    assert!(second.events.iter().any(|one| one.event.at < at(2 * 86_400)));
    lab.store.expire(&acme(), EventTime(MIDNIGHT.0 + 2 * DAY)).await.unwrap();
    let third = lab.page(&PageQuery { after: second.next, ..query }).await;
    assert_eq!((third.events.len(), third.next, third.scanned_until), (0, None, None));
}

#[tokio::test]
async fn a_made_up_cursor_shows_nothing_that_is_pending() {
    let lab = Lab::new(10);
    put(&lab.store, &acme(), vec![event(1, 1)]).await;
    let BatchId(pending) = lab.store.begin(&acme(), Intake::Native).unwrap();
    lab.store.write(BatchId(pending), vec![event(2, 2)]).await.unwrap();
    let snapshot = Snapshot { last: u64::MAX, pending: Vec::new() };
    let after = Some(Cursor { at: EventTime(i64::MAX), id: EventId([255; 16]), snapshot });
    let page = lab.page(&PageQuery { after, ..query(Filter::default(), 10, 1_000) }).await;
    assert_eq!(page.events.len(), 1);
    assert_eq!(page.events[0].event.id, id(1));
}

#[tokio::test]
async fn long_events_end_a_page_early() {
    let lab = Lab::new(10);
    let long = "x".repeat(200_000);
    for turn in 0..5 {
        let new =
            (0..20).map(|n| with(event(n, (turn * 100 + n) as u128), Field::Path, &long)).collect();
        put(&lab.store, &acme(), new).await;
    }
    let page = lab.page(&query(Filter::default(), 1_000, 10_000)).await;
    assert!((80..100).contains(&page.events.len()), "{}", page.events.len());
    let rest =
        lab.page(&PageQuery { after: page.next, ..query(Filter::default(), 1_000, 10_000) }).await;
    assert_eq!(page.events.len() + rest.events.len(), 100);
}

#[tokio::test]
async fn several_values_on_segments_that_overlap_cost_a_few_rows_each() {
    let lab = Lab::new(960);
    for segment in 0..5 {
        let new = |number: i64| {
            let new = event(number * 10 + segment, (segment * 960 + number + 1) as u128);
            with(new, Field::RuleId, &format!("rule {}", number % 16))
        };
        put(&lab.store, &acme(), (0..960).map(new).collect()).await;
    }
    lab.close_days().await;
    let values = (0..16).map(|number| format!("rule {number}")).collect();
    // Each value stands 60 times in each segment: 4,800 rows.
    let page = lab.page(&query(including(Field::RuleId, Test::AnyOf(values)), 100, 2_000)).await;
    assert_eq!((page.events.len(), page.scanned_until), (100, None));
}
