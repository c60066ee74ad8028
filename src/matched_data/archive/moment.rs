//! Moments as log services write them.

use ::time::{Date, Month};
use serde_json::Value;

use super::super::limits::MAX_TIMESTAMP_MS;

const UNIX_EPOCH_JULIAN_DAY: i64 = 2_440_588;
const MS_PER_S: u64 = 1_000;
const NS_PER_MS: u64 = 1_000_000;

/// A stretch of time in milliseconds since 1970: as much as the text leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    start_ms: u64,
    span_ms: u64,
}

impl Moment {
    /// RFC 3339 (a space for the `T`, and UTC where no zone is said, as databases export it), or Unix time in
    /// seconds, milliseconds, microseconds or nanoseconds, told apart by its size.
    pub(super) fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => number.as_u64().and_then(Self::of_unix),
            Value::String(text) => {
                text.parse().ok().and_then(Self::of_unix).or_else(|| rfc3339(text.as_bytes()))
            }
            _ => None,
        }
    }

    /// Whether the moment `ms` may be this one.
    pub(super) const fn holds(self, ms: u64) -> bool {
        ms >= self.start_ms && ms - self.start_ms < self.span_ms
    }

    /// Seconds reach to the year 5138, milliseconds from 1973 on, and so on: the three never overlap for
    /// logs of this age.
    fn of_unix(number: u64) -> Option<Self> {
        const SECONDS: u64 = 100_000_000_000;
        let (start_ms, span_ms) = if number < SECONDS {
            (number * MS_PER_S, MS_PER_S)
        } else if number < SECONDS * MS_PER_S {
            (number, 1)
        } else if number < SECONDS * NS_PER_MS {
            (number / MS_PER_S, 1)
        } else {
            (number / NS_PER_MS, 1)
        };
        (start_ms <= MAX_TIMESTAMP_MS).then_some(Self { start_ms, span_ms })
    }
}

/// RFC 3339 §5.6. A leap second is the second after it, as in Unix time.
fn rfc3339(text: &[u8]) -> Option<Moment> {
    let [
        y0,
        y1,
        y2,
        y3,
        b'-',
        mo0,
        mo1,
        b'-',
        d0,
        d1,
        b'T' | b't' | b' ',
        h0,
        h1,
        b':',
        mi0,
        mi1,
        b':',
        s0,
        s1,
        rest @ ..,
    ] = text
    else {
        return None;
    };
    let two = |tens: &u8, ones: &u8| -> Option<i64> {
        let digit = |byte: &u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
        Some(digit(tens)? * 10 + digit(ones)?)
    };
    let year = i32::try_from(two(y0, y1)? * 100 + two(y2, y3)?).ok()?;
    let month = Month::try_from(u8::try_from(two(mo0, mo1)?).ok()?).ok()?;
    let day = Date::from_calendar_date(year, month, u8::try_from(two(d0, d1)?).ok()?).ok()?;
    let (hour, minute, second) = (two(h0, h1)?, two(mi0, mi1)?, two(s0, s1)?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (fraction_ms, span_ms, zone) = fraction(rest)?;
    let offset_min = match zone {
        [] | b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), h0, h1, b':', m0, m1] => {
            let minutes = two(h0, h1)? * 60 + two(m0, m1)?;
            if *sign == b'-' { -minutes } else { minutes }
        }
        _ => return None,
    };
    let days = i64::from(day.to_julian_day()) - UNIX_EPOCH_JULIAN_DAY;
    let seconds = ((days * 24 + hour) * 60 + minute - offset_min) * 60 + second;
    let start_ms = u64::try_from(seconds).ok()? * MS_PER_S + fraction_ms;
    Some(Moment { start_ms, span_ms })
}

/// The milliseconds of a fraction, how many its digits leave open, and what follows.
fn fraction(text: &[u8]) -> Option<(u64, u64, &[u8])> {
    let Some(digits) = text.strip_prefix(b".") else { return Some((0, MS_PER_S, text)) };
    let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    let (digits, zone) = digits.split_at_checked(end)?;
    if digits.is_empty() {
        return None;
    }
    let (mut ms, mut span_ms) = (0, MS_PER_S);
    for digit in digits.iter().take(3) {
        span_ms /= 10;
        ms += u64::from(digit - b'0') * span_ms;
    }
    Some((ms, span_ms, zone))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn as_log_services_write_them() {
        // 2026-11-22T00:30:00.123Z
        let ms = 1_795_307_400_123;
        for moment in [
            json!("2026-11-22T00:30:00Z"),
            json!("2026-11-22T01:30:00.1+01:00"),
            json!("2026-11-21t23:00:00.12-01:30"),
            json!("2026-11-22T00:30:00.123Z"),
            json!("2026-11-22T00:30:00.123999999Z"),
            json!("2026-11-22 00:30:00.123"),
            json!(1_795_307_400),
            json!("1795307400"),
            json!(1_795_307_400_123_u64),
            json!(1_795_307_400_123_999_u64),
            json!(1_795_307_400_123_999_999_u64),
        ] {
            assert!(Moment::read(&moment).unwrap().holds(ms), "{moment}");
        }
        for moment in [
            json!("2026-11-22T00:30:01Z"),
            json!("2026-11-22T00:30:00.2Z"),
            json!("2026-11-22T00:30:00.124Z"),
            json!("2026-11-22T00:30:00+00:01"),
            json!(1_795_307_399),
            json!(1_795_307_401),
            json!(1_795_307_400_122_u64),
        ] {
            assert!(!Moment::read(&moment).unwrap().holds(ms), "{moment}");
        }
    }

    #[test]
    fn anything_else_is_none() {
        for moment in [
            json!(null),
            json!(-1),
            json!(1.5),
            json!(""),
            json!("today"),
            json!("2026-13-22T00:30:00Z"),
            json!("2026-02-30T00:30:00Z"),
            json!("2026-11-22T24:00:00Z"),
            json!("2026-11-22T00:30:00.Z"),
            json!("2026-11-22T00:30:00Zulu"),
            json!("1026-11-22T00:30:00Z"),
            json!("2026-11-22"),
        ] {
            assert_eq!(Moment::read(&moment), None, "{moment}");
        }
    }
}
