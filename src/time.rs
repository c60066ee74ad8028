//! Unix time in whole seconds, and the date format of the edge signature.
//!
//! Nothing on floors 0 to 3 reads a clock: `now` is always an argument.

use std::fmt;

use ::time::{Date, Month, OffsetDateTime, Time};

// Length of a date in ISO 8601 basic format, `YYYYMMDDTHHMMSSZ`.
const DATE_BYTES: usize = 16;

const UNIX_EPOCH_JULIAN_DAY: i64 = 2_440_588;
const SECONDS_PER_DAY: i64 = 86_400;

/// A moment as Unix time, rounded down to whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(i64);

impl UnixTime {
    /// The moment `secs` seconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0
    }

    /// This moment plus `secs` seconds; stops at the ends of the range instead of wrapping.
    #[must_use]
    pub const fn saturating_add(self, secs: i64) -> Self {
        Self(self.0.saturating_add(secs))
    }

    /// Seconds from `earlier` to this moment, negative when `earlier` is later.
    #[must_use]
    #[inline]
    pub const fn seconds_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Reads `YYYYMMDDTHHMMSSZ`: UTC, a real moment, years 0001 to 9999, seconds 00 to 59.
    ///
    /// Returns `None` for anything else, leap seconds and fractions included.
    #[must_use]
    #[inline]
    pub fn parse_date(text: &[u8]) -> Option<Self> {
        let text: &[u8; DATE_BYTES] = text.try_into().ok()?;
        let [y0, y1, y2, y3, mo0, mo1, d0, d1, b'T', h0, h1, mi0, mi1, s0, s1, b'Z'] = *text else {
            return None;
        };
        let year = u16::from(two_digits(y0, y1)?) * 100 + u16::from(two_digits(y2, y3)?);
        if year == 0 {
            return None; // edge signature §1: years 0001-9999
        }
        let month = Month::try_from(two_digits(mo0, mo1)?).ok()?;
        let day = Date::from_calendar_date(year.into(), month, two_digits(d0, d1)?).ok()?;
        let (hour, minute, second) =
            (two_digits(h0, h1)?, two_digits(mi0, mi1)?, two_digits(s0, s1)?);
        Time::from_hms(hour, minute, second).ok()?; // 23:59:59 at most: no leap second
        let days = i64::from(day.to_julian_day()) - UNIX_EPOCH_JULIAN_DAY;
        let of_day = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
        Some(Self(days * SECONDS_PER_DAY + of_day))
    }

    /// Writes this moment as `YYYYMMDDTHHMMSSZ`.
    ///
    /// Returns `None` outside the years 0001 to 9999.
    #[must_use]
    pub fn to_date(self) -> Option<[u8; DATE_BYTES]> {
        let moment = OffsetDateTime::from_unix_timestamp(self.0).ok()?;
        let year = u16::try_from(moment.year()).ok().filter(|year| (1..=9999).contains(year))?;
        let [y0, y1] = decimal(u8::try_from(year / 100).ok()?);
        let [y2, y3] = decimal(u8::try_from(year % 100).ok()?);
        let [mo0, mo1] = decimal(moment.month().into());
        let [d0, d1] = decimal(moment.day());
        let [h0, h1] = decimal(moment.hour());
        let [mi0, mi1] = decimal(moment.minute());
        let [s0, s1] = decimal(moment.second());
        Some([y0, y1, y2, y3, mo0, mo1, d0, d1, b'T', h0, h1, mi0, mi1, s0, s1, b'Z'])
    }
}

impl fmt::Display for UnixTime {
    /// `YYYYMMDDTHHMMSSZ`; outside the years 0001 to 9999, the seconds since 1970.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_date() {
            Some(date) => f.pad(str::from_utf8(&date).unwrap_or_default()),
            None => write!(f, "{} s", self.0),
        }
    }
}

fn two_digits(tens: u8, ones: u8) -> Option<u8> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| tens * 10 + ones)
}

const fn decimal(number: u8) -> [u8; 2] {
    [b'0' + number / 10, b'0' + number % 10]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_real_moments_only() {
        for (text, secs) in [
            ("20261122T003000Z", Some(1_795_307_400)),
            ("19700101T000000Z", Some(0)),
            ("00010101T000000Z", Some(-62_135_596_800)),
            ("99991231T235959Z", Some(253_402_300_799)),
            ("20280229T000000Z", Some(1_835_395_200)),
            ("00000101T000000Z", None),
            ("20270229T000000Z", None),
            ("20261301T000000Z", None),
            ("20261122T240000Z", None),
            ("20261122T236000Z", None),
            ("20261122T235960Z", None),
            ("20261122t003000Z", None),
            ("20261122T003000z", None),
            ("2026112 T003000Z", None),
            ("20261122T003000", None),
            ("", None),
        ] {
            assert_eq!(
                UnixTime::parse_date(text.as_bytes()).map(UnixTime::as_secs),
                secs,
                "{text}"
            );
        }
    }

    #[test]
    fn writes_what_it_reads() {
        for text in ["20261122T003000Z", "00010101T000000Z", "99991231T235959Z", "20000229T120000Z"]
        {
            let moment = UnixTime::parse_date(text.as_bytes()).unwrap();
            assert_eq!(moment.to_date().unwrap(), *text.as_bytes());
            assert_eq!(moment.to_string(), text);
        }
        assert_eq!(UnixTime::from_secs(i64::MAX).to_date(), None);
        assert_eq!(UnixTime::from_secs(-62_135_596_801).to_date(), None);
    }
}
