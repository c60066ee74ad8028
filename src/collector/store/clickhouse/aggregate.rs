//! Counts: histograms and top lists, of all that was asked for, or of its newest part when that is too much.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::client::Fault;
use super::filter;
use super::inner::Inner;
use super::read::{floor, seconds};
use super::scope::Scope;
use super::sql::{Sql, Value};
use crate::clock::monotonic;
use crate::collector::query::{
    Budget, Exactness, Filter, Histogram, HistogramQuery, Series, TimeRange, Top, TopQuery,
};
use crate::collector::store::StoreError;
use crate::collector::{EventTime, Field, TenantId};

/// A count reads two or three narrow columns of a row, a page reads all: so many rows cost as much as one
/// of the budget.
const COLUMN_FACTOR: u64 = 50;
/// ClickHouse reads by granules of 8,192 rows: below a few of them, it keeps no bound.
const LEAST_ROWS: u64 = 65_536;
/// Each attempt is for half of the range before: after so many, what is left is a moment.
const ATTEMPTS: u32 = 48;
/// However short the budget is, so long it is tried to count something.
const PATIENCE: Duration = Duration::from_secs(1);
const SECOND_NS: i128 = 1_000_000_000;

/// Buckets that an answer may have. The interface allows far fewer.
const MAX_BUCKETS: usize = 1_000_000;

pub(super) async fn histogram(
    inner: &Inner,
    tenant: &TenantId,
    query: HistogramQuery,
) -> Result<Histogram, StoreError> {
    inner.check_open()?;
    let snapshot = inner.visibility.snapshot();
    let buckets = Buckets::of(&query)?;
    if query.range.is_empty() {
        return Ok(buckets.histogram(Counts::default(), &query, Exactness::Exact));
    }
    let all = Scope { tenant, range: query.range, snapshot: &snapshot, node: inner.node };
    let mut attempts = Attempts::new(inner, &all, query.budget).await?;
    let (counts, exactness) = loop {
        let bounds = attempts.bounds();
        let scope = Scope { tenant, range: attempts.part, snapshot: &snapshot, node: inner.node };
        let settings = bounds.settings();
        let counter =
            Counter { inner, scope, query: &query, buckets: &buckets, settings: &settings };
        let counted = counter.count().await;
        if let Some(answer) = attempts.judge(counted)? {
            break answer;
        }
    };
    Ok(buckets.histogram(counts.unwrap_or_default(), &query, exactness))
}

pub(super) async fn top(
    inner: &Inner,
    tenant: &TenantId,
    query: TopQuery,
) -> Result<Top, StoreError> {
    inner.check_open()?;
    let snapshot = inner.visibility.snapshot();
    if query.range.is_empty() {
        return Ok(Top { values: Vec::new(), exactness: Exactness::Exact });
    }
    let all = Scope { tenant, range: query.range, snapshot: &snapshot, node: inner.node };
    let mut attempts = Attempts::new(inner, &all, query.budget).await?;
    let (values, exactness) = loop {
        let bounds = attempts.bounds();
        let scope = Scope { tenant, range: attempts.part, snapshot: &snapshot, node: inner.node };
        let mut sql = most_frequent(&scope, query.field, &query.filter, "isNotNull(value)");
        sql.bind(Value::Unsigned(in_u64(query.limit)));
        let counted = inner.database.all::<(Option<String>, u64)>(&sql, &bounds.settings()).await;
        if let Some(answer) = attempts.judge(counted)? {
            break answer;
        }
    };
    let values = values.unwrap_or_default().into_iter();
    Ok(Top {
        values: values.filter_map(|(value, count)| Some((value?, count))).collect(),
        exactness,
    })
}

/// What was counted, if anything, and how exact it is; `None` for another attempt.
type Judged<T> = Option<(Option<T>, Exactness)>;

/// Asks for the whole range, then for the newer half of it and so on, until ClickHouse can answer within
/// the budget.
struct Attempts {
    range: TimeRange,
    /// What is asked for now.
    part: TimeRange,
    budget: Budget,
    started: Instant,
    left: u32,
}

/// The budget as ClickHouse's settings have it.
struct Bounds {
    rows: String,
    time: String,
}

impl Bounds {
    fn settings(&self) -> [(&str, &str); 4] {
        [
            ("max_rows_to_read", &self.rows),
            ("read_overflow_mode", "throw"),
            ("max_execution_time", &self.time),
            ("timeout_overflow_mode", "throw"),
        ]
    }
}

impl Attempts {
    async fn new(inner: &Inner, all: &Scope<'_>, budget: Budget) -> Result<Self, Fault> {
        let (range, mut part) = (all.range, all.range);
        if budget.rows < LEAST_ROWS {
            // So few are counted one by one. Others of the last one's moment may be left.
            let floor = floor(inner, all, None, budget.rows.max(1)).await?;
            part.from = floor.map_or(part.from, |(at, _)| EventTime(at.0.saturating_add(1)));
        }
        Ok(Self { range, part, budget, started: monotonic(), left: ATTEMPTS })
    }

    fn bounds(&self) -> Bounds {
        let left = Duration::from_millis(self.budget.ms).saturating_sub(self.spent()).as_millis();
        // Whoever has no time left still gets a short look.
        let ms = u64::try_from(left).unwrap_or(u64::MAX).max(self.budget.ms / 8).max(10);
        let rows = self.budget.rows.saturating_mul(COLUMN_FACTOR).max(LEAST_ROWS);
        Bounds { rows: rows.to_string(), time: seconds(ms) }
    }

    fn judge<T>(&mut self, counted: Result<T, Fault>) -> Result<Judged<T>, StoreError> {
        let partial = |scanned_until| Exactness::Partial { scanned_until };
        match counted {
            Ok(counts) if self.part == self.range => Ok(Some((Some(counts), Exactness::Exact))),
            Ok(counts) => Ok(Some((Some(counts), partial(self.part.from)))),
            Err(Fault::Bound) => {
                let (from, until) = (i128::from(self.part.from.0), i128::from(self.part.until.0));
                let half = i64::try_from(until - (until - from) / 2).unwrap_or(self.part.until.0);
                self.part.from = EventTime(half);
                self.left = self.left.saturating_sub(1);
                let patience =
                    Duration::from_millis(self.budget.ms).saturating_mul(2).max(PATIENCE);
                let is_over = self.left == 0 || self.part.is_empty() || self.spent() > patience;
                Ok(is_over.then(|| (None, partial(self.range.until))))
            }
            Err(fault) => Err(fault.into()),
        }
    }

    fn spent(&self) -> Duration {
        monotonic().saturating_duration_since(self.started)
    }
}

/// The values of a field with their counts, most frequent first; the limit is still to be bound.
fn most_frequent(scope: &Scope<'_>, field: Field, wanted: &Filter, having: &str) -> Sql {
    let mut sql = Sql::new("SELECT ");
    sql.push(&filter::text_of(field)).push(" AS value, count() AS rows FROM events ");
    scope.push(&mut sql);
    filter::push(&mut sql, wanted);
    sql.push(" GROUP BY value HAVING ").push(having);
    sql.push(" ORDER BY rows DESC, value ASC NULLS FIRST LIMIT ");
    sql
}

/// Where buckets begin, and how long they are.
struct Buckets {
    origin: i128,
    length: i128,
    count: usize,
}

/// What was counted.
#[derive(Default)]
struct Counts {
    /// By bucket, of all events.
    all: Vec<(u64, u64)>,
    /// The values that get a series.
    values: Vec<Option<String>>,
    /// By value and bucket.
    by_value: Vec<(Option<String>, u64, u64)>,
}

impl Buckets {
    fn of(query: &HistogramQuery) -> Result<Self, StoreError> {
        let length = i128::from(query.interval_s.max(1)).saturating_mul(SECOND_NS);
        let (from, until) = (i128::from(query.range.from.0), i128::from(query.range.until.0));
        let origin = from.div_euclid(length) * length;
        let count = if query.range.is_empty() { 0 } else { (until - 1 - origin) / length + 1 };
        let count = usize::try_from(count).ok().filter(|count| *count <= MAX_BUCKETS);
        let too_many =
            || StoreError::Failed { reason: "a histogram with too many buckets".to_owned() };
        Ok(Self { origin, length, count: count.ok_or_else(too_many)? })
    }

    fn histogram(&self, counts: Counts, query: &HistogramQuery, exactness: Exactness) -> Histogram {
        let all = self.row(counts.all.iter().copied());
        let begin = |place: usize| {
            let at = self.origin + i128::try_from(place).unwrap_or(0) * self.length;
            EventTime(i64::try_from(at).unwrap_or(if at < 0 { i64::MIN } else { i64::MAX }))
        };
        let buckets = (0..self.count).map(begin).collect();
        let (series, other) = match query.group {
            None => (vec![Series { value: None, counts: all }], None),
            Some(_) => self.series(counts, all),
        };
        Histogram { buckets, series, other, exactness }
    }

    fn series(&self, counts: Counts, all: Vec<u64>) -> (Vec<Series>, Option<Vec<u64>>) {
        let mut by_value: HashMap<Option<String>, Vec<(u64, u64)>> = HashMap::new();
        for (value, bucket, rows) in counts.by_value {
            by_value.entry(value).or_default().push((bucket, rows));
        }
        let mut left = all;
        let mut series = Vec::new();
        for value in counts.values {
            let counts = self.row(by_value.remove(&value).unwrap_or_default().into_iter());
            left.iter_mut()
                .zip(&counts)
                .for_each(|(left, count)| *left = left.saturating_sub(*count));
            series.push(Series { value, counts });
        }
        let other = left.iter().any(|count| *count > 0).then_some(left);
        (series, other)
    }

    fn row(&self, counts: impl Iterator<Item = (u64, u64)>) -> Vec<u64> {
        let mut row = vec![0; self.count];
        for (bucket, rows) in counts {
            let bucket = usize::try_from(bucket).ok();
            if let Some(count) = bucket.and_then(|bucket| row.get_mut(bucket)) {
                *count = rows.saturating_add(*count);
            }
        }
        row
    }
}

/// Counts one range.
struct Counter<'c> {
    inner: &'c Inner,
    scope: Scope<'c>,
    query: &'c HistogramQuery,
    buckets: &'c Buckets,
    settings: &'c [(&'c str, &'c str)],
}

impl Counter<'_> {
    async fn count(&self) -> Result<Counts, Fault> {
        let mut counts = Counts { all: self.all().await?, ..Counts::default() };
        let Some(field) = self.query.group else { return Ok(counts) };
        let mut sql = most_frequent(&self.scope, field, &self.query.filter, "1");
        sql.bind(Value::Unsigned(in_u64(self.query.max_groups)));
        let values = self.inner.database.all::<(Option<String>, u64)>(&sql, self.settings).await?;
        counts.values = values.into_iter().map(|(value, _)| value).collect();
        if !counts.values.is_empty() {
            counts.by_value = self.by_value(field, &counts.values).await?;
        }
        Ok(counts)
    }

    async fn all(&self) -> Result<Vec<(u64, u64)>, Fault> {
        let mut sql = Sql::new("SELECT ");
        self.push_bucket(&mut sql);
        sql.push(" AS bucket, count() AS rows FROM events ");
        self.scope.push(&mut sql);
        filter::push(&mut sql, &self.query.filter);
        sql.push(" GROUP BY bucket");
        self.inner.database.all(&sql, self.settings).await
    }

    async fn by_value(
        &self,
        field: Field,
        values: &[Option<String>],
    ) -> Result<Vec<(Option<String>, u64, u64)>, Fault> {
        let mut sql = Sql::new("SELECT ");
        sql.push(&filter::text_of(field)).push(" AS value, ");
        self.push_bucket(&mut sql);
        sql.push(" AS bucket, count() AS rows FROM events ");
        self.scope.push(&mut sql);
        filter::push(&mut sql, &self.query.filter);
        sql.push(" AND (");
        sql.push(if values.contains(&None) { "isNull(value)" } else { "0" });
        let texts: Vec<String> = values.iter().flatten().cloned().collect();
        if !texts.is_empty() {
            sql.push(" OR ifNull(value IN ").bind(Value::Texts(texts)).push(", 0)");
        }
        sql.push(") GROUP BY value, bucket");
        self.inner.database.all(&sql, self.settings).await
    }

    /// The place of an event's bucket, from 0: never negative, the origin lies before the range.
    fn push_bucket(&self, sql: &mut Sql) {
        let in_i64 = |number: i128| {
            i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX })
        };
        sql.push("toUInt64(intDiv(toInt128(toUnixTimestamp64Nano(at)) - ")
            .bind(Value::Signed(in_i64(self.buckets.origin)));
        sql.push(", ").bind(Value::Signed(in_i64(self.buckets.length))).push("))");
    }
}

fn in_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
