//! Moments as text, and the time range of a query.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, Type};
use utoipa::openapi::{KnownFormat, RefOr, Required, Schema, SchemaFormat};

use super::Problem;
use super::filter::parameter;
use super::params::{Parameters, bad};
use crate::collector::EventTime;
use crate::collector::query::TimeRange;

/// Unix seconds on either side of 1970 that nanoseconds in 64 bits can tell.
const MAX_SECONDS: i64 = i64::MAX / 1_000_000_000;
/// How far back an answer reaches where the request does not say.
const DEFAULT_RANGE_NS: i64 = 86_400 * 1_000_000_000;

/// A moment in RFC 3339, in UTC, always with nine digits of a second: such texts sort like what they say.
#[must_use]
pub(crate) fn text_of(at: EventTime) -> String {
    let moment = OffsetDateTime::from_unix_timestamp_nanos(at.0.into())
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (date, time) = (moment.date(), moment.time());
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.nanosecond()
    )
}

/// Reads RFC 3339 or whole unix seconds. A date beyond the years that can be stored (1677 to 2262) stands for
/// the first or the last moment of them.
#[must_use]
pub(crate) fn read(text: &str) -> Option<EventTime> {
    let is_date = text.contains(['T', 't']);
    let ns = if is_date {
        OffsetDateTime::parse(text, &Rfc3339).ok()?.unix_timestamp_nanos()
    } else {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let seconds = whole.then(|| text.parse::<i64>().ok()).flatten()?;
        (-MAX_SECONDS..=MAX_SECONDS)
            .contains(&seconds)
            .then_some(i128::from(seconds) * 1_000_000_000)?
    };
    let clamped = ns.clamp(i64::MIN.into(), i64::MAX.into());
    i64::try_from(clamped).ok().map(EventTime)
}

/// The range that `from` and `until` give; the last 24 hours where they do not.
pub(crate) fn range(parameters: &Parameters, now: EventTime) -> Result<TimeRange, Problem> {
    let until = moment(parameters, "until")?.unwrap_or(now);
    let from =
        moment(parameters, "from")?.unwrap_or(EventTime(until.0.saturating_sub(DEFAULT_RANGE_NS)));
    in_order(TimeRange { from, until })
}

/// The range, where both ends have to be given.
pub(crate) fn exact_range(parameters: &Parameters) -> Result<TimeRange, Problem> {
    let missing = |name| bad(name, "it is missing", "say from when until when events are to go");
    let from = moment(parameters, "from")?.ok_or_else(|| missing("from"))?;
    let until = moment(parameters, "until")?.ok_or_else(|| missing("until"))?;
    in_order(TimeRange { from, until })
}

/// A parameter that is a moment.
pub(crate) fn moment(parameters: &Parameters, name: &str) -> Result<Option<EventTime>, Problem> {
    let Some(text) = parameters.one(name)? else { return Ok(None) };
    let wrong = || {
        bad(name, "it is no moment", "give RFC 3339 (its `+` written as %2B) or whole unix seconds")
    };
    read(text).map(Some).ok_or_else(wrong)
}

/// How `from` and `until` stand in the OpenAPI description.
#[derive(Debug)]
pub(crate) struct RangeParameters;

/// The same, where both have to be given.
#[derive(Debug)]
pub(crate) struct ExactRangeParameters;

impl utoipa::IntoParams for RangeParameters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![
            parameter("from", "The first moment; by default 24 hours before `until`.", schema())
                .build(),
            parameter(
                "until",
                "The first moment that is no longer wanted; by default now.",
                schema(),
            )
            .build(),
        ]
    }
}

impl utoipa::IntoParams for ExactRangeParameters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let exact =
            |name, description| parameter(name, description, schema()).required(Required::True);
        vec![
            exact("from", "The first moment.").build(),
            exact("until", "The first moment that is no longer meant.").build(),
        ]
    }
}

/// A moment in the OpenAPI description.
#[derive(Debug)]
pub(crate) struct Moment;

impl utoipa::PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        schema()
    }
}

impl utoipa::ToSchema for Moment {}

// RFC 3339 or whole unix seconds.
fn schema() -> RefOr<Schema> {
    let date = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
    let seconds = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(-MAX_SECONDS))
        .maximum(Some(MAX_SECONDS));
    AnyOfBuilder::new().item(date).item(seconds).into()
}

fn in_order(range: TimeRange) -> Result<TimeRange, Problem> {
    if range.is_empty() {
        return Err(bad(
            "from",
            "it is not before `until`",
            "give a range that begins before it ends",
        ));
    }
    Ok(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_back_from_its_text() {
        for ns in [0, 1, -1, 1_795_348_800_123_456_789, i64::MIN, i64::MAX] {
            assert_eq!(read(&text_of(EventTime(ns))), Some(EventTime(ns)), "{ns}");
        }
        assert_eq!(text_of(EventTime(5)), "1970-01-01T00:00:00.000000005Z");
    }

    #[test]
    fn dates_and_seconds_are_read() {
        let second = EventTime(1_000_000_000);
        for text in
            ["1", "1970-01-01T00:00:01Z", "1970-01-01t01:00:01+01:00", "1970-01-01T00:00:01.0Z"]
        {
            assert_eq!(read(text), Some(second), "{text}");
        }
        assert_eq!(read("0001-01-01T00:00:00Z"), Some(EventTime(i64::MIN)));
        assert_eq!(read("9999-12-31T23:59:59Z"), Some(EventTime(i64::MAX)));
        for text in [
            "",
            "-",
            "+1",
            "1.5",
            "9223372037",
            "now",
            "1970-01-01",
            "1970-13-01T00:00:00Z",
            "1970-01-01T00:00:00",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
