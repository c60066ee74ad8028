//! What an attempt came to, and when the next one is due.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, StatusCode, header};

use super::limits::MAX_RETRY_AFTER;
use crate::time::UnixTime;

/// What the collector said to a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It has it.
    Accepted,
    /// It may take it later.
    Later { why: Why, retry_after: Option<Duration> },
    /// It will not take it, however often it is asked.
    Refused { status: u16 },
}

/// Why a batch was not taken for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Unreachable,
    TimedOut,
    Status(u16),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable => f.write_str("it cannot be reached"),
            Self::TimedOut => f.write_str("it does not answer in time"),
            Self::Status(status) => write!(f, "it answers {status}"),
        }
    }
}

impl Answer {
    pub(super) const fn later(why: Why) -> Self {
        Self::Later { why, retry_after: None }
    }

    pub(super) fn of(status: StatusCode, headers: &HeaderMap, now: UnixTime) -> Self {
        let code = status.as_u16();
        // RFC 9110 §15.5.9, RFC 8470 §5.2, RFC 6585 §4. A redirect is none that may be followed, and
        // says nothing of the batch; nor does 401, which is about the token (RFC 9110 §15.5.2).
        let is_passing = matches!(code, 401 | 408 | 425 | 429) || !status.is_client_error();
        if status.is_success() {
            Self::Accepted
        } else if is_passing {
            let retry_after = headers.get(header::RETRY_AFTER);
            let retry_after = retry_after.and_then(|value| seconds(value.as_bytes(), now));
            Self::Later { why: Why::Status(code), retry_after }
        } else {
            Self::Refused { status: code }
        }
    }
}

/// RFC 9110 §10.2.3: a number of seconds, or a date. At most [`MAX_RETRY_AFTER`].
fn seconds(value: &[u8], now: UnixTime) -> Option<Duration> {
    let text = str::from_utf8(value).ok()?.trim_ascii();
    let seconds = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().unwrap_or(u64::MAX)
    } else {
        u64::try_from(date(text)?.seconds_since(now)).unwrap_or(0)
    };
    Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
}

/// RFC 9110 §5.6.7, the form that is written: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn date(text: &str) -> Option<UnixTime> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

    let (_, text) = text.split_once(", ")?;
    let mut words = text.split(' ');
    let (day, month, year) = (words.next()?, words.next()?, words.next()?);
    let (time, zone) = (words.next()?, words.next()?);
    if zone != "GMT" || words.next().is_some() {
        return None;
    }
    let month = MONTHS.iter().position(|known| *known == month)? + 1;
    let time = time.replace(':', "");
    UnixTime::parse_date(format!("{year}{month:02}{day}T{time}Z").as_bytes())
}

/// How long to wait before attempt `attempt` (the first that failed is 1): full jitter.
pub(super) fn pause(attempt: u32, first: Duration, longest: Duration) -> Duration {
    let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1).min(24));
    let most = first.saturating_mul(doubled).min(longest);
    let mut random = [0; 4];
    // Without randomness, all of it: a little later than the others.
    let share = match getrandom::fill(&mut random) {
        Ok(()) => u32::from_le_bytes(random) >> 16,
        Err(_) => 1 << 16,
    };
    most.saturating_mul(share) / (1 << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(784_111_777); // 1994-11-06T08:49:37Z

    fn of(status: u16, retry_after: Option<&str>) -> Answer {
        let mut headers = HeaderMap::new();
        if let Some(text) = retry_after {
            headers.insert(header::RETRY_AFTER, text.parse().unwrap());
        }
        Answer::of(StatusCode::from_u16(status).unwrap(), &headers, NOW)
    }

    #[test]
    fn a_status_says_whether_to_come_again() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(of(status, None), Answer::Accepted);
        }
        for status in [301, 302, 308, 401, 408, 425, 429, 500, 502, 503, 504, 599] {
            let later = Answer::Later { why: Why::Status(status), retry_after: None };
            assert_eq!(of(status, None), later);
        }
        for status in [400, 403, 404, 409, 410, 413, 415, 422, 499] {
            assert_eq!(of(status, None), Answer::Refused { status });
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_bounded() {
        for (text, expected_s) in [
            ("0", Some(0)),
            (" 7 ", Some(7)),
            ("300", Some(300)),
            ("301", Some(300)),
            ("99999999999999999999999", Some(300)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
            ("Sun, 06 Nov 1994 08:49:07 GMT", Some(0)),
            ("Mon, 07 Nov 1994 08:49:37 GMT", Some(300)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("Sun, 06 Nov 1994 08:49:47 CET", None),
            ("Sun, 06 Nov 1994 08:49:47 GMT x", None),
            ("Sun, 32 Nov 1994 08:49:47 GMT", None),
            ("Sunday, 06-Nov-94 08:49:37 GMT", None),
        ] {
            let Answer::Later { retry_after, .. } = of(429, Some(text)) else { panic!("{text}") };
            assert_eq!(retry_after, expected_s.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn pauses_grow_and_are_spread() {
        let (first, longest) = (Duration::from_millis(500), Duration::from_secs(60));
        for (attempt, most_ms) in
            [(0, 500), (1, 500), (2, 1_000), (7, 32_000), (8, 60_000), (u32::MAX, 60_000)]
        {
            let pauses: Vec<_> = (0..200).map(|_| pause(attempt, first, longest)).collect();
            let most = Duration::from_millis(most_ms);
            assert!(pauses.iter().all(|pause| *pause <= most), "{attempt}");
            assert!(pauses.iter().any(|pause| *pause > most / 2), "{attempt}");
            assert!(pauses.iter().any(|pause| *pause < most / 2), "{attempt}");
        }
    }
}
