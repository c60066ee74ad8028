//! Histograms and top lists.

use wafpass::collector::query::{
    Budget, Condition, Exactness, Filter, HistogramQuery, Sense, Test, TimeRange, TopQuery,
};
use wafpass::collector::{EventTime, Field, NewEvent};

use super::Lab;
use crate::support::compare::{Pair, ROOMY};
use crate::support::events::{
    DAY, HOUR, MIDNIGHT, SECOND, acme, at, event, id, record, value, with, write,
};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

/// Two days, from one hour before noon.
fn two_days() -> TimeRange {
    TimeRange { from: at(-11 * 3_600), until: at(37 * 3_600) }
}

fn histogram(interval_s: u64, group: Option<Field>) -> HistogramQuery {
    HistogramQuery {
        range: two_days(),
        filter: Filter::default(),
        interval_s,
        group,
        max_groups: 100,
        budget: ROOMY,
    }
}

fn top(field: Field, limit: usize) -> TopQuery {
    TopQuery { range: two_days(), filter: Filter::default(), field, limit, budget: ROOMY }
}

/// Events over two days, some of them at the edges of minutes and hours, with every field or without it.
fn events(count: i64, seed: i64) -> Vec<NewEvent> {
    let mut runner = TestRunner::deterministic();
    let mut events = Vec::new();
    for n in 0..count {
        let number = u128::try_from(seed * 100_000 + n).unwrap();
        let mut event = event(0, number);
        let edge = [0, 1, -1][usize::try_from(n % 3).unwrap()];
        event.at = EventTime(MIDNIGHT.0 + (n * 7 % 48 - 11) * HOUR + (n % 4) * 60 * SECOND + edge);
        for (index, field) in (0_i64..).zip(Field::ALL) {
            if (n + index) % 5 != 0 {
                event.fields.set(field, &value(field).new_tree(&mut runner).unwrap().current());
            }
        }
        events.push(event);
    }
    events
}

async fn filled<L: Lab>() -> (L, Pair) {
    let lab = L::new().await;
    let mut pair = Pair::new();
    for seed in 0..3 {
        pair.put(&*lab.store(), &acme(), events(80, seed)).await;
    }
    (lab, pair)
}

pub(crate) async fn a_histogram_of_every_interval<L: Lab>() {
    let (lab, pair) = filled::<L>().await;
    let store = lab.store();
    for interval_s in [1_000, 60 * 7, 900, 3_600, 7_200, 86_400, 100_000, 604_800] {
        for group in [None, Some(Field::Action), Some(Field::Path)] {
            pair.same_histogram(&*store, &acme(), histogram(interval_s, group)).await;
        }
    }
    let minutes = TimeRange { from: at(-60 * 60), until: at(60 * 60) };
    for interval_s in [7, 30, 60, 61, 120] {
        for group in [None, Some(Field::RuleId)] {
            let query = HistogramQuery { range: minutes, ..histogram(interval_s, group) };
            pair.same_histogram(&*store, &acme(), query).await;
        }
    }
}

pub(crate) async fn a_histogram_by_every_field<L: Lab>() {
    let (lab, pair) = filled::<L>().await;
    for field in Field::ALL {
        pair.same_histogram(&*lab.store(), &acme(), histogram(3_600, Some(field))).await;
    }
}

pub(crate) async fn values_beyond_the_groups_are_added_up<L: Lab>() {
    let (lab, pair) = filled::<L>().await;
    for field in [Field::Action, Field::Host, Field::ClientIp, Field::UserAgent] {
        for max_groups in [0, 1, 2, 5] {
            let query = HistogramQuery { max_groups, ..histogram(7_200, Some(field)) };
            pair.same_histogram(&*lab.store(), &acme(), query).await;
        }
    }
    let none = HistogramQuery { max_groups: 0, ..histogram(7_200, None) };
    pair.same_histogram(&*lab.store(), &acme(), none).await;
}

pub(crate) async fn edges_that_cut_a_bucket_count_what_is_inside<L: Lab>() {
    let (lab, pair) = filled::<L>().await;
    let edges =
        [-1, 0, 1, SECOND, 59 * SECOND, 60 * SECOND, 60 * SECOND + 1, HOUR, HOUR + 1, DAY - 1, DAY];
    for from in edges {
        for until in edges.map(|edge| edge + 90 * SECOND) {
            let moment = |ns| EventTime(MIDNIGHT.0 + ns);
            let range = TimeRange { from: moment(from), until: moment(until) };
            for (interval_s, group) in
                [(60, None), (3_600, Some(Field::Action)), (3_600, Some(Field::Path))]
            {
                if (until - from) / SECOND / i64::try_from(interval_s).unwrap() < 1_500 {
                    let query = HistogramQuery { range, ..histogram(interval_s, group) };
                    pair.same_histogram(&*lab.store(), &acme(), query).await;
                }
            }
        }
    }
}

pub(crate) async fn an_empty_range_has_no_bucket<L: Lab>() {
    let (lab, pair) = filled::<L>().await;
    for range in
        [TimeRange { from: at(60), until: at(60) }, TimeRange { from: at(60), until: at(0) }]
    {
        for group in [None, Some(Field::Action), Some(Field::Path)] {
            let query = HistogramQuery { range, ..histogram(60, group) };
            pair.same_histogram(&*lab.store(), &acme(), query).await;
        }
        pair.same_top(&*lab.store(), &acme(), TopQuery { range, ..top(Field::Action, 5) }).await;
    }
    // Nothing is there: no value, and one series of zeros for all.
    let range = TimeRange { from: at(600_000), until: at(607_200) };
    for group in [None, Some(Field::Action), Some(Field::Path)] {
        let query = HistogramQuery { range, ..histogram(3_600, group) };
        pair.same_histogram(&*lab.store(), &acme(), query).await;
    }
}

pub(crate) async fn histograms_see_what_pages_see<L: Lab>() {
    let (lab, mut pair) = filled::<L>().await;
    let (store, acme) = (lab.store(), acme());
    let batch = pair.begin(&*store, &acme);
    let written = pair.write(&*store, batch, events(40, 7)).await.unwrap();
    let queries = || [None, Some(Field::Action), Some(Field::Host), Some(Field::Path)];
    for group in queries() {
        pair.same_histogram(&*store, &acme, histogram(3_600, group)).await;
    }
    pair.commit(&*store, &acme, batch, written).await;
    for group in queries() {
        pair.same_histogram(&*store, &acme, histogram(3_600, group)).await;
    }
    let batch = pair.begin(&*store, &acme);
    pair.write(&*store, batch, events(40, 8)).await.unwrap();
    pair.abort(&*store, batch).await;
    for group in queries() {
        pair.same_histogram(&*store, &acme, histogram(3_600, group)).await;
    }
    pair.same_usage(&*store, &acme).await;
}

pub(crate) async fn filtered_histograms<L: Lab>() {
    let (lab, pair) = filled::<L>().await;
    let (store, acme) = (lab.store(), acme());
    // Those that roll-ups could answer, and those that they cannot.
    let values = vec!["a".to_owned(), "A".to_owned(), "/ADMIN/".to_owned()];
    let fields = [
        Field::Action,
        Field::RuleId,
        Field::Host,
        Field::Source,
        Field::ClientCountry,
        Field::Path,
    ];
    for field in fields {
        for sense in [Sense::Include, Sense::Exclude] {
            let test = Test::AnyOf(values.clone());
            let mut filter =
                Filter { conditions: vec![Condition { field, test, sense }], ..Filter::default() };
            for group in [None, Some(Field::Action), Some(field), Some(Field::UserAgent)] {
                let query = HistogramQuery { filter: filter.clone(), ..histogram(3_600, group) };
                pair.same_histogram(&*store, &acme, query).await;
            }
            let action = Test::Wildcard(vec!["a*".to_owned()]);
            filter.conditions.push(Condition { field: Field::Action, test: action, sense });
            for group in [None, Some(Field::Host)] {
                let query = HistogramQuery { filter: filter.clone(), ..histogram(3_600, group) };
                pair.same_histogram(&*store, &acme, query).await;
            }
            pair.same_top(&*store, &acme, TopQuery { filter, ..top(Field::Path, 5) }).await;
        }
    }
    for filter in [
        Filter { matched_data: Some(false), ..Filter::default() },
        Filter { intakes: vec![wafpass::collector::Intake::Logpush], ..Filter::default() },
    ] {
        let query =
            HistogramQuery { filter: filter.clone(), ..histogram(3_600, Some(Field::Action)) };
        pair.same_histogram(&*store, &acme, query).await;
        pair.same_top(&*store, &acme, TopQuery { filter, ..top(Field::Action, 5) }).await;
    }
}

pub(crate) async fn the_most_frequent_values_of_every_field<L: Lab>() {
    let (lab, pair) = filled::<L>().await;
    for field in Field::ALL {
        for limit in [1, 3, 100] {
            pair.same_top(&*lab.store(), &acme(), top(field, limit)).await;
        }
    }
    let part = TimeRange { from: at(1), until: at(7_201) };
    for field in [Field::Action, Field::ClientIp, Field::Path] {
        pair.same_top(&*lab.store(), &acme(), TopQuery { range: part, ..top(field, 3) }).await;
    }
}

pub(crate) async fn closed_days_know_their_most_frequent_values<L: Lab>() {
    let (lab, mut pair) = filled::<L>().await;
    let (store, acme) = (lab.store(), acme());
    let late = EventTime(MIDNIGHT.0 + 5 * DAY);
    let range = TimeRange { from: EventTime(MIDNIGHT.0 - 3 * DAY), until: late };
    for round in 0..3 {
        // Twice: the second time nothing is left to do.
        store.maintain(late).await.unwrap();
        store.maintain(late).await.unwrap();
        for field in Field::ALL {
            pair.same_top(&*store, &acme, TopQuery { range, ..top(field, 4) }).await;
            pair.same_top(&*store, &acme, top(field, 4)).await;
        }
        // Late rows for a day that was closed.
        pair.put(&*store, &acme, events(30, 20 + round)).await;
        for field in [Field::ClientIp, Field::Path, Field::Action] {
            pair.same_top(&*store, &acme, TopQuery { range, ..top(field, 4) }).await;
        }
        for group in [None, Some(Field::Action), Some(Field::Path)] {
            pair.same_histogram(&*store, &acme, histogram(3_600, group)).await;
        }
        let hour = TimeRange { from: at(0), until: at(3_600) };
        pair.same_deletion(&*store, &acme, hour).await;
    }
}

pub(crate) async fn a_budget_ends_a_count_and_says_where<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let events: Vec<_> = (0..100).map(|n| with(event(n, n as u128), Field::Path, "/x")).collect();
    let (batch, written) = write(&*store, &acme, events).await.unwrap();
    store.commit(batch, record(&acme, written)).await.unwrap();
    let budget = Budget { rows: 10, ..ROOMY };
    let range = TimeRange { from: at(0), until: at(100) };

    let query = HistogramQuery { range, budget, ..histogram(10, Some(Field::Path)) };
    let found = store.histogram(&acme, query).await.unwrap();
    let counted: u64 = found.series.iter().flat_map(|one| &one.counts).sum();
    assert_eq!(found.buckets.len(), 10);
    let until = match found.exactness {
        Exactness::Partial { scanned_until } => scanned_until,
        other => panic!("ten rows are not enough, but the answer is {other:?}"),
    };
    let ahead = i64::try_from(counted).unwrap();
    assert!((1..100).contains(&ahead), "{counted} counted");
    assert!(
        at(100 - ahead - 1) < until && until <= at(100 - ahead),
        "{counted} counted, from {until:?}"
    );

    let query = TopQuery { range, budget, ..top(Field::Path, 5) };
    let found = store.top(&acme, query).await.unwrap();
    let Exactness::Partial { scanned_until } = found.exactness else {
        panic!("ten rows are not enough, but the answer is {found:?}");
    };
    let ahead = i64::try_from(found.values[0].1).unwrap();
    assert!(at(100 - ahead - 1) < scanned_until && scanned_until <= at(100 - ahead), "{found:?}");
    assert_eq!(store.event(&acme, id(1), None).await.unwrap().unwrap().event.at, at(1));
}
