//! Counts that were kept, when the time is up: a day at a time, newest first, and one day at least.

use wafpass::collector::query::{
    Budget, Exactness, Filter, Histogram, HistogramQuery, TimeRange, TopQuery,
};
use wafpass::collector::store::Store;
use wafpass::collector::{EventTime, Field};

use crate::lab::Lab;
use crate::support::events::{DAY, HOUR, MIDNIGHT, SECOND, acme, event, put, with};

/// The time is up before anything is looked at.
const LATE: Budget = Budget { rows: 1 << 40, ms: 0 };

/// Three days, of 10, 20 and 30 events of one host and path: a minute apart, from midnight on.
async fn three_days() -> Lab {
    let lab = Lab::new(100);
    for day in 0..3_i64 {
        let new = |number: i64| {
            let new = event(day * 86_400 + number * 60, (day * 100 + number) as u128);
            with(with(new, Field::Host, "example.com"), Field::Path, "/")
        };
        put(&lab.store, &acme(), (0..10 * (day + 1)).map(new).collect()).await;
    }
    lab
}

/// Neither end is a whole minute; the newest one has no rows.
fn range() -> TimeRange {
    let until = EventTime(MIDNIGHT.0 + 3 * DAY - 30 * SECOND);
    TimeRange { from: EventTime(MIDNIGHT.0 + 30 * SECOND), until }
}

async fn histogram(lab: &Lab, interval_s: u64, budget: Budget) -> Histogram {
    let filter = Filter::default();
    let query =
        HistogramQuery { range: range(), filter, interval_s, group: None, max_groups: 1, budget };
    lab.store.histogram(&acme(), query).await.unwrap()
}

fn sum(histogram: &Histogram) -> u64 {
    histogram.series.iter().flat_map(|series| &series.counts).sum()
}

async fn the_newest_day_is_counted(lab: &Lab) {
    let newest = EventTime(MIDNIGHT.0 + 2 * DAY);
    let hours = histogram(lab, 3_600, LATE).await;
    assert_eq!(hours.exactness, Exactness::Partial { scanned_until: newest });
    assert_eq!(sum(&hours), 30);
    // Seven hours are no part of a day: the bucket that the second day ends in is not whole.
    let sevens = histogram(lab, 7 * 3_600, LATE).await;
    let Exactness::Partial { scanned_until } = sevens.exactness else { panic!("{sevens:?}") };
    assert_eq!(scanned_until.0.rem_euclid(7 * HOUR), 0);
    assert!((newest.0..newest.0 + 7 * HOUR).contains(&scanned_until.0), "{scanned_until:?}");
    for field in [Field::Host, Field::Path] {
        let range = TimeRange { from: MIDNIGHT, until: EventTime(MIDNIGHT.0 + 3 * DAY) };
        let query = TopQuery { range, filter: Filter::default(), field, limit: 2, budget: LATE };
        let top = lab.store.top(&acme(), query).await.unwrap();
        assert_eq!(top.exactness, Exactness::Partial { scanned_until: newest }, "{field:?}");
        assert_eq!(top.values.first().map(|(_, count)| *count), Some(30), "{field:?}");
    }
}

#[tokio::test]
async fn when_the_time_is_up_the_newest_day_is_counted() {
    let lab = three_days().await;
    let whole = histogram(&lab, 3_600, Budget { ms: 3_600_000, ..LATE }).await;
    assert_eq!((sum(&whole), whole.exactness), (59, Exactness::Exact));
    lab.close_days().await;
    the_newest_day_is_counted(&lab).await;
}

/// Where no minute is in one bucket, rows are counted, and what is said of the newest ones is true.
#[tokio::test]
async fn buckets_below_a_minute_are_counted_by_their_rows() {
    let lab = three_days().await;
    let newest = MIDNIGHT.0 + 2 * DAY;
    let range =
        TimeRange { from: EventTime(newest - 4 * HOUR), until: EventTime(newest + 12 * HOUR) };
    let query = HistogramQuery {
        range,
        filter: Filter::default(),
        interval_s: 30,
        group: None,
        max_groups: 1,
        budget: LATE,
    };
    let histogram = lab.store.histogram(&acme(), query).await.unwrap();
    let counted_from = match histogram.exactness {
        Exactness::Partial { scanned_until } => scanned_until.0,
        _ => range.from.0,
    };
    let events = (0..30).filter(|number| newest + number * 60 * SECOND >= counted_from);
    assert_eq!(sum(&histogram), events.count() as u64, "{:?}", histogram.exactness);
}
