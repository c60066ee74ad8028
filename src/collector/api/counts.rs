//! Counts: by interval, and the most frequent values.

use axum::Json;
use axum::extract::{RawQuery, State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Problem;
use super::events::BUDGET;
use super::filter::{self, FieldName, FilterParameters};
use super::moments::{self, RangeParameters};
use super::params::{Parameters, bad};
use crate::collector::auth::{Authorized, Read};
use crate::collector::limits::{MAX_BUCKETS, MAX_GROUPS};
use crate::collector::query::{self, HistogramQuery, TimeRange, TopQuery};
use crate::collector::{Collector, telemetry};

/// Series of a histogram or values of a top list, where the request does not say.
const DEFAULT_GROUPS: usize = 10;
/// Buckets that a histogram has about, where the request does not say how long they are.
const DEFAULT_BUCKETS: u64 = 150;
/// Lengths of buckets that read well, in seconds.
const INTERVALS: [u64; 12] =
    [1, 5, 15, 60, 300, 900, 3_600, 10_800, 21_600, 43_200, 86_400, 604_800];

pub(super) fn routes() -> OpenApiRouter<Collector> {
    OpenApiRouter::new().routes(routes!(histogram)).routes(routes!(top))
}

/// Whether all was counted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum Exactness {
    /// All was.
    Exact,
    /// The count ended at its budget.
    Partial {
        /// All events from this moment on were counted.
        #[schema(format = DateTime)]
        scanned_until: String,
    },
    /// Each count is a lower bound: lists of closed days were merged.
    AtLeast {
        /// No count is too low by more than this.
        error: u64,
    },
}

impl From<query::Exactness> for Exactness {
    fn from(exactness: query::Exactness) -> Self {
        match exactness {
            query::Exactness::Exact => Self::Exact,
            query::Exactness::Partial { scanned_until } => {
                Self::Partial { scanned_until: moments::text_of(scanned_until) }
            }
            query::Exactness::AtLeast { error } => Self::AtLeast { error },
        }
    }
}

/// Counts by interval.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Histogram {
    /// The first moment that was asked for.
    #[schema(format = DateTime)]
    from: String,
    /// The first moment that was no longer asked for.
    #[schema(format = DateTime)]
    until: String,
    /// How long a bucket is, in seconds. The first and the last may reach beyond the range, and count what is in it.
    interval_s: u64,
    /// Where each bucket begins.
    buckets: Vec<String>,
    /// The field whose values have a series each; null for one series of all.
    group: Option<String>,
    /// The series, those with the most events first.
    series: Vec<Series>,
    /// For each bucket, the sum of the values that got no series. Null if all did.
    other: Option<Vec<u64>>,
    /// Whether all was counted.
    exactness: Exactness,
}

/// Counts of one value.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Series {
    /// The value; null where events lack the field, and for the one series of all.
    value: Option<String>,
    /// A count for each bucket.
    counts: Vec<u64>,
}

/// Counts events by interval.
#[utoipa::path(
    get, path = "/v1/histogram", operation_id = "histogram", tag = "counts",
    security(("bearer" = ["read"])),
    params(
        RangeParameters,
        ("interval_s" = Option<u64>, Query, description = "How long a bucket is, in seconds; by default about 150 buckets. There are 2,000 at most.", minimum = 1, maximum = 31_622_400),
        ("group" = Option<FieldName>, Query, description = "The field whose values get a series each."),
        ("groups" = Option<u64>, Query, description = "How many series; 10 by default.", minimum = 1, maximum = 100),
        FilterParameters,
    ),
    responses((status = 200, description = "Counts for each bucket.", body = Histogram)),
)]
pub(super) async fn histogram(
    Authorized { principal, .. }: Authorized<Read>,
    State(collector): State<Collector>,
    RawQuery(query): RawQuery,
) -> Result<Json<Histogram>, Problem> {
    let known = filter::names_with(&["from", "until", "interval_s", "group", "groups"]);
    let parameters = Parameters::read(query.as_deref(), &known)?;
    let range = moments::range(&parameters, collector.now())?;
    let group =
        parameters.one("group")?.map(|column| filter::field("group", column)).transpose()?;
    let interval_s = interval(&parameters, range)?;
    let query = HistogramQuery {
        range,
        filter: filter::read(&parameters)?,
        interval_s,
        group,
        max_groups: parameters.number("groups", DEFAULT_GROUPS, 1, MAX_GROUPS)?,
        budget: BUDGET,
    };
    let answer = collector.store.histogram(&principal.tenant, query);
    let counted = telemetry::timed("histogram", answer).await?;
    let series = |one: query::Series| Series { value: one.value, counts: one.counts };
    Ok(Json(Histogram {
        from: moments::text_of(range.from),
        until: moments::text_of(range.until),
        interval_s,
        buckets: counted.buckets.into_iter().map(moments::text_of).collect(),
        group: group.map(|field| field.column().to_owned()),
        series: counted.series.into_iter().map(series).collect(),
        other: counted.other,
        exactness: counted.exactness.into(),
    }))
}

/// The most frequent values of a field.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Top {
    /// The first moment that was asked for.
    #[schema(format = DateTime)]
    from: String,
    /// The first moment that was no longer asked for.
    #[schema(format = DateTime)]
    until: String,
    /// The field.
    field: String,
    /// The values, most frequent first. Events without the field are not counted.
    values: Vec<TopValue>,
    /// Whether all was counted.
    exactness: Exactness,
}

/// One value and how often it was seen.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TopValue {
    /// The value.
    value: String,
    /// How many events have it.
    count: u64,
}

/// Lists the most frequent values of a field.
#[utoipa::path(
    get, path = "/v1/top", operation_id = "top", tag = "counts",
    security(("bearer" = ["read"])),
    params(
        RangeParameters,
        ("field" = FieldName, Query, description = "The field."),
        ("limit" = Option<u64>, Query, description = "How many values; 10 by default.", minimum = 1, maximum = 100),
        FilterParameters,
    ),
    responses((status = 200, description = "Values with their counts.", body = Top)),
)]
pub(super) async fn top(
    Authorized { principal, .. }: Authorized<Read>,
    State(collector): State<Collector>,
    RawQuery(query): RawQuery,
) -> Result<Json<Top>, Problem> {
    let known = filter::names_with(&["from", "until", "field", "limit"]);
    let parameters = Parameters::read(query.as_deref(), &known)?;
    let range = moments::range(&parameters, collector.now())?;
    let missing =
        || bad("field", "it is missing", "say whose values are to be counted, such as `rule_id`");
    let field = filter::field("field", parameters.one("field")?.ok_or_else(missing)?)?;
    let query = TopQuery {
        range,
        filter: filter::read(&parameters)?,
        field,
        limit: parameters.number("limit", DEFAULT_GROUPS, 1, MAX_GROUPS)?,
        budget: BUDGET,
    };
    let counted = telemetry::timed("top", collector.store.top(&principal.tenant, query)).await?;
    Ok(Json(Top {
        from: moments::text_of(range.from),
        until: moments::text_of(range.until),
        field: field.column().to_owned(),
        values: counted
            .values
            .into_iter()
            .map(|(value, count)| TopValue { value, count })
            .collect(),
        exactness: counted.exactness.into(),
    }))
}

// The interval that was asked for, or one that reads well.
fn interval(parameters: &Parameters, range: TimeRange) -> Result<u64, Problem> {
    let fitting =
        INTERVALS.into_iter().find(|&interval| buckets(range, interval) <= DEFAULT_BUCKETS);
    // 31,622,400 seconds are a year of 366 days: the widest range is 585 of them.
    let interval = parameters.number("interval_s", fitting.unwrap_or(31_622_400), 1, 31_622_400)?;
    if buckets(range, interval) > MAX_BUCKETS {
        let fault = format!("these are more than {MAX_BUCKETS} buckets");
        return Err(bad("interval_s", &fault, "make it longer, or the range shorter"));
    }
    Ok(interval)
}

// How many buckets a range touches: they begin at multiples of the interval since 1970.
fn buckets(range: TimeRange, interval_s: u64) -> u64 {
    let interval = i128::from(interval_s) * 1_000_000_000;
    let first = i128::from(range.from.0).div_euclid(interval);
    let last = (i128::from(range.until.0) - 1).div_euclid(interval);
    u64::try_from(last - first + 1).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::EventTime;

    fn of(query: &str, seconds: i64) -> Result<u64, Problem> {
        let parameters = Parameters::read(Some(query), &["interval_s".to_owned()]).unwrap();
        let range = TimeRange {
            from: EventTime(0),
            until: EventTime(seconds.saturating_mul(1_000_000_000)),
        };
        interval(&parameters, range)
    }

    #[test]
    fn a_range_gets_buckets_that_read_well() {
        assert_eq!(of("", 60), Ok(1));
        assert_eq!(of("", 86_400), Ok(900));
        assert_eq!(of("", 30 * 86_400), Ok(21_600));
        assert_eq!(of("", i64::MAX), Ok(31_622_400));
        assert_eq!(of("interval_s=1", 2_000), Ok(1));
        assert!(of("interval_s=1", 2_001).is_err());
        assert!(of("interval_s=0", 60).is_err());
    }

    #[test]
    fn a_bucket_that_is_only_touched_counts() {
        let range = TimeRange { from: EventTime(-1), until: EventTime(1) };
        assert_eq!(buckets(range, 60), 2);
        let range = TimeRange { from: EventTime(0), until: EventTime(60_000_000_000) };
        assert_eq!(buckets(range, 60), 1);
    }
}
