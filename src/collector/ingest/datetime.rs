//! `Datetime`, as senders write it.

use crate::collector::EventTime;

const NS_PER_S: i64 = 1_000_000_000;

/// Reads the raw JSON of a `Datetime`: a string or an integer.
///
/// - RFC 3339 §5.6, with up to nine digits of a second; further ones are dropped. A space may stand for the
///   `T`, and no zone means UTC. A leap second is the second after it, as in Unix time.
/// - Unix time, as an integer or as digits in a string. Its size tells the unit: below 10^11 seconds (until the
///   year 5138), below 10^14 milliseconds (from 1973 on), below 10^17 microseconds, else nanoseconds.
///
/// `None` for anything else, and for what is before 1970 or after 2262.
#[must_use]
pub fn datetime(raw: &str) -> Option<EventTime> {
    let bytes = raw.as_bytes();
    match bytes {
        // What has a backslash in it is none of these.
        [b'"', text @ .., b'"'] => unix(text).or_else(|| rfc3339(text)),
        number => unix(number),
    }
}

fn unix(digits: &[u8]) -> Option<EventTime> {
    const SECONDS: i64 = 100_000_000_000;
    if digits.is_empty() || digits.len() > 19 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: i64 = str::from_utf8(digits).ok()?.parse().ok()?;
    let unit = match number {
        _ if number < SECONDS => NS_PER_S,
        _ if number < SECONDS * 1_000 => 1_000_000,
        _ if number < SECONDS * 1_000_000 => 1_000,
        _ => 1,
    };
    number.checked_mul(unit).map(EventTime)
}

fn rfc3339(text: &[u8]) -> Option<EventTime> {
    let (date, rest) = text.split_first_chunk::<10>()?;
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = date else { return None };
    let (year, month, day) =
        (two(*y0, *y1)? * 100 + two(*y2, *y3)?, two(*m0, *m1)?, two(*d0, *d1)?);
    let (time, rest) = rest.split_first_chunk::<9>()?;
    let [b'T' | b't' | b' ', h0, h1, b':', i0, i1, b':', s0, s1] = time else { return None };
    let (hour, minute, second) = (two(*h0, *h1)?, two(*i0, *i1)?, two(*s0, *s1)?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (fraction_ns, zone) = fraction(rest)?;
    let seconds =
        days(year, month, day)? * 86_400 + hour * 3_600 + minute * 60 + second - offset_s(zone)?;
    let at = seconds.checked_mul(NS_PER_S)?.checked_add(fraction_ns)?;
    (at >= 0).then_some(EventTime(at))
}

/// Nanoseconds of a fraction, and what follows it.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some(digits) = text.strip_prefix(b".") else { return Some((0, text)) };
    let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    let (digits, zone) = digits.split_at_checked(end)?;
    if digits.is_empty() {
        return None;
    }
    let padded = digits.iter().copied().chain(std::iter::repeat(b'0')).take(9);
    let ns = padded.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    Some((ns, zone))
}

fn offset_s(zone: &[u8]) -> Option<i64> {
    match zone {
        [] | b"Z" | b"z" => Some(0),
        [sign @ (b'+' | b'-'), h0, h1, b':', m0, m1] => {
            let (hours, minutes) = (two(*h0, *h1)?, two(*m0, *m1)?);
            let seconds = (hours * 60 + minutes) * 60;
            (hours < 24 && minutes < 60).then_some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

fn two(tens: u8, ones: u8) -> Option<i64> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
    Some(digit(tens)? * 10 + digit(ones)?)
}

/// Days since 1970 of a date of the Gregorian calendar (H. Hinnant's `days_from_civil`); `None` where there is
/// no such day.
pub(super) fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=last).contains(&day) {
        return None;
    }
    // Years begin in March, so that the leap day is the last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year
            - 719_468,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_senders_write_it() {
        let at = 1_795_307_400_123_000_000; // 2026-11-22T00:30:00.123Z
        for raw in [
            r#""2026-11-22T00:30:00.123Z""#,
            r#""2026-11-22t00:30:00.123z""#,
            r#""2026-11-22 00:30:00.123000000""#,
            r#""2026-11-22T01:30:00.123+01:00""#,
            r#""2026-11-21T23:00:00.1230000009-01:30""#,
            "1795307400123",
            "\"1795307400123\"",
            "1795307400123000",
            "1795307400123000000",
        ] {
            assert_eq!(datetime(raw), Some(EventTime(at)), "{raw}");
        }
        assert_eq!(datetime("1795307400"), Some(EventTime(1_795_307_400_000_000_000)));
        assert_eq!(datetime(r#""1970-01-01T00:00:00Z""#), Some(EventTime(0)));
        assert_eq!(
            datetime(r#""2024-02-29T23:59:60.999999999Z""#),
            Some(EventTime(1_709_251_200_999_999_999))
        );
    }

    #[test]
    fn anything_else_is_none() {
        for raw in [
            "",
            "\"",
            "\"\"",
            "null",
            "-1",
            "1.5",
            "1e9",
            "\"today\"",
            "99999999999999999999",
            r#""2026-13-22T00:30:00Z""#,
            r#""2026-02-29T00:30:00Z""#,
            r#""2026-11-22T24:00:00Z""#,
            r#""2026-11-22T00:30:00.Z""#,
            r#""2026-11-22T00:30:00Zulu""#,
            r#""2026-11-22""#,
            r#""2026-11-22T00:30:00+24:00""#,
            r#""1969-12-31T23:59:59Z""#,
            r#""9999-01-01T00:00:00Z""#,
        ] {
            assert_eq!(datetime(raw), None, "{raw}");
        }
    }
}
