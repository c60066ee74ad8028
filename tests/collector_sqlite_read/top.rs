//! Lists of frequent values, kept for days that are over.

use wafpass::collector::query::{Budget, Exactness, Filter, TimeRange, TopQuery};
use wafpass::collector::store::Store;
use wafpass::collector::{EventTime, Field, NewEvent};

use crate::lab::Lab;
use crate::random::ROOMY;
use crate::support::events::{DAY, MIDNIGHT, acme, event, put, with};

/// Two days of 1,500 paths that occur once, and two that occur often on both.
async fn two_days() -> Lab {
    let lab = Lab::new(1_000);
    for day in 0..2_i64 {
        let path = |number: i64| match number {
            0..300 => "/often".to_owned(),
            300..500 => "/now-and-then".to_owned(),
            _ => format!("/once/{day}/{number}"),
        };
        let new = |number: i64| -> NewEvent {
            let number_of_all = (day * 10_000 + number) as u128;
            with(event(day * 86_400 + number, number_of_all), Field::Path, &path(number))
        };
        put(&lab.store, &acme(), (0..2_000).map(new).collect()).await;
    }
    lab
}

fn top(days: i64, limit: usize, rows: u64) -> TopQuery {
    let range = TimeRange { from: MIDNIGHT, until: EventTime(MIDNIGHT.0 + days * DAY) };
    let budget = Budget { rows, ..ROOMY };
    TopQuery { range, filter: Filter::default(), field: Field::Path, limit, budget }
}

fn often(often: u64, now_and_then: u64) -> Vec<(String, u64)> {
    vec![("/often".to_owned(), often), ("/now-and-then".to_owned(), now_and_then)]
}

#[tokio::test]
async fn open_days_are_looked_at_as_far_as_the_budget_goes() {
    let lab = two_days().await;
    let whole = lab.store.top(&acme(), top(2, 2, 10_000)).await.unwrap();
    assert_eq!((whole.values, whole.exactness), (often(600, 400), Exactness::Exact));
    let part = lab.store.top(&acme(), top(2, 2, 1_600)).await.unwrap();
    // The newest 1,600 of the second day: 1,500 that occur once, and the last 100 of the others.
    let scanned_until = EventTime(MIDNIGHT.0 + DAY + 400 * 1_000_000_000 + 1);
    assert_eq!(part.exactness, Exactness::Partial { scanned_until });
    assert_eq!(part.values.first(), Some(&("/now-and-then".to_owned(), 99)));
}

#[tokio::test]
async fn closed_days_answer_from_their_lists() {
    let lab = two_days().await;
    lab.close_days().await;
    // One row of a budget: nothing is looked at.
    let first = lab.store.top(&acme(), top(2, 2, 1)).await.unwrap();
    assert_eq!((first.values, first.exactness), (often(600, 400), Exactness::Exact));
    // Of those that occur once not all are listed: any of them may occur on the other day as well.
    let more = lab.store.top(&acme(), top(2, 5, 1)).await.unwrap();
    assert_eq!(more.values[..2], often(600, 400));
    assert!(matches!(more.exactness, Exactness::AtLeast { error: 1..=2 }), "{:?}", more.exactness);
}

#[tokio::test]
async fn a_range_that_cuts_a_day_is_looked_at() {
    let lab = two_days().await;
    lab.close_days().await;
    let mut query = top(2, 2, 10_000);
    query.range.from = EventTime(MIDNIGHT.0 + 100 * 1_000_000_000);
    let answer = lab.store.top(&acme(), query).await.unwrap();
    assert_eq!((answer.values, answer.exactness), (often(500, 400), Exactness::Exact));
}

#[tokio::test]
async fn a_list_that_leaves_values_out_is_no_count_of_all() {
    let lab = Lab::new(1_000);
    let path = |day: i64, number: i64| {
        let number_of_all = (day * 10_000 + number) as u128;
        let new = event(day * 86_400 + number, number_of_all);
        with(
            new,
            Field::Path,
            &if number < 300 { "/often".to_owned() } else { format!("/{number}") },
        )
    };
    put(&lab.store, &acme(), (0..2_000).map(|number| path(1, number)).collect()).await;
    lab.close_days().await;
    // Late: the older day is open, and looked at.
    put(&lab.store, &acme(), (0..2_000).map(|number| path(0, number)).collect()).await;
    let part = lab.store.top(&acme(), top(2, 1, 100)).await.unwrap();
    let scanned_until = EventTime(MIDNIGHT.0 + 2 * DAY);
    assert_eq!(part.exactness, Exactness::Partial { scanned_until });
    assert_eq!(part.values, [("/often".to_owned(), 300)]);
}
