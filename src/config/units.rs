//! Times, sizes and moments as people write them.

use std::fmt;
use std::marker::PhantomData;

use ::time::{Date, Month, UtcOffset};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use toml::value::Datetime;

use crate::time::UnixTime;

/// Longest first: a length of time is written in the longest unit that it is a multiple of.
const TIMES: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

const SIZES: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// A length of time in whole seconds: `"90s"`, `"5m"`, or the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seconds(pub(super) u32);

/// A length of time in milliseconds: `"50ms"`, or as [`Seconds`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Millis(pub(super) u64);

/// A number of bytes: `"1 MiB"`, or the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bytes(pub(super) u64);

/// A moment: a TOML date-time with its offset, the form of `x-cloud-date`, or Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment(pub(super) UnixTime);

/// What is written as a number or as a text.
trait Written: Sized {
    /// What it has to be, for whoever wrote something else.
    const EXPECTED: &'static str;
    fn of_number(number: u64) -> Option<Self>;
    fn of_text(text: &str) -> Option<Self>;
}

impl Written for Seconds {
    const EXPECTED: &'static str = "a time such as \"90s\", \"5m\" or \"1h\", or whole seconds";

    fn of_number(number: u64) -> Option<Self> {
        u32::try_from(number).ok().map(Self)
    }

    fn of_text(text: &str) -> Option<Self> {
        let ms = measure(text, &TIMES)?;
        Self::of_number(ms / 1_000).filter(|_| ms.is_multiple_of(1_000))
    }
}

impl Written for Millis {
    const EXPECTED: &'static str = "a time such as \"50ms\" or \"10s\", or whole seconds";

    fn of_number(number: u64) -> Option<Self> {
        number.checked_mul(1_000).map(Self)
    }

    fn of_text(text: &str) -> Option<Self> {
        measure(text, &TIMES).map(Self)
    }
}

impl Written for Bytes {
    const EXPECTED: &'static str = "a size such as \"1 MiB\" or \"64 KiB\", or a number of bytes";

    fn of_number(number: u64) -> Option<Self> {
        Some(Self(number))
    }

    fn of_text(text: &str) -> Option<Self> {
        measure(text, &SIZES).map(Self)
    }
}

/// Reads digits and one of `units`, with at most one space between them.
fn measure(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let unit = unit.strip_prefix(' ').unwrap_or(unit);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

fn write(amount: u64, units: &[(&str, u64)], space: &str) -> String {
    let exact = |(_, factor): &&(&str, u64)| amount > 0 && amount.is_multiple_of(*factor);
    match units.iter().find(exact) {
        Some((name, factor)) => format!("{}{space}{name}", amount / factor),
        None => "0".into(),
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Millis(u64::from(self.0) * 1_000).fmt(f)
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&write(self.0, &TIMES, ""))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&write(self.0, &SIZES, " "))
    }
}

struct NumberOrText<T>(PhantomData<T>);

impl<T: Written> Visitor<'_> for NumberOrText<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        let value = u64::try_from(number).ok().and_then(T::of_number);
        value.ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        T::of_number(number).ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::of_text(text).ok_or_else(|| E::invalid_value(Unexpected::Other("a text"), &self))
    }
}

macro_rules! written {
    ($($unit:ident)*) => {$(
        impl<'de> Deserialize<'de> for $unit {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(NumberOrText(PhantomData))
            }
        }

        impl Serialize for $unit {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}

written!(Seconds Millis Bytes);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MomentVisitor)
    }
}

struct MomentVisitor;

impl<'de> Visitor<'de> for MomentVisitor {
    type Value = Moment;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a moment such as 2026-11-22T00:30:00Z, \"20261122T003000Z\", or Unix seconds")
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<Moment, E> {
        Ok(Moment(UnixTime::from_secs(seconds)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Moment, E> {
        let moment = UnixTime::parse_date(text.as_bytes()).map(Moment);
        moment.ok_or_else(|| E::invalid_value(Unexpected::Other("a text"), &self))
    }

    /// The form in which TOML's own date-times arrive.
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Moment, A::Error> {
        let refuse = || A::Error::invalid_value(Unexpected::Other("another value"), &self);
        let written = Datetime::deserialize(MapAccessDeserializer::new(map));
        written.ok().and_then(moment_of).map(Moment).ok_or_else(refuse)
    }
}

/// `None` without an offset: local time means another moment on another machine.
fn moment_of(written: Datetime) -> Option<UnixTime> {
    let (date, time) = (written.date?, written.time?);
    let minutes = match written.offset? {
        toml::value::Offset::Z => 0,
        toml::value::Offset::Custom { minutes } => minutes,
    };
    let month = Month::try_from(date.month).ok()?;
    let date = Date::from_calendar_date(i32::from(date.year), month, date.day).ok()?;
    let at = date.with_hms(time.hour, time.minute, time.second.unwrap_or(0)).ok()?;
    let offset = UtcOffset::from_whole_seconds(i32::from(minutes) * 60).ok()?;
    Some(UnixTime::from_secs(at.assume_offset(offset).unix_timestamp()))
}

#[cfg(feature = "schema")]
mod schema {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    use super::{Bytes, Millis, Moment, Seconds};

    macro_rules! number_or_text {
        ($($unit:ident $name:literal $pattern:literal)*) => {$(
            impl JsonSchema for $unit {
                fn schema_name() -> Cow<'static, str> {
                    $name.into()
                }

                fn inline_schema() -> bool {
                    true
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!({
                        "type": ["string", "integer"],
                        "minimum": 0,
                        "pattern": $pattern,
                    })
                }
            }
        )*};
    }

    number_or_text! {
        Seconds "Seconds" "^[0-9]+ ?(d|h|m|s|ms)$"
        Millis "Millis" "^[0-9]+ ?(d|h|m|s|ms)$"
        Bytes "Bytes" "^[0-9]+ ?(B|kB|MB|GB|KiB|MiB|GiB)$"
    }

    impl JsonSchema for Moment {
        fn schema_name() -> Cow<'static, str> {
            "Moment".into()
        }

        fn inline_schema() -> bool {
            true
        }

        /// Tools that check TOML by JSON Schema take a date-time for a text.
        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({
                "type": ["string", "integer"],
                "pattern": "^([0-9]{8}T[0-9]{6}Z|[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ].+)$",
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Of<T> {
        it: T,
    }

    fn read<T: for<'de> Deserialize<'de>>(value: &str) -> Option<T> {
        toml::from_str::<Of<T>>(&format!("it = {value}")).ok().map(|of| of.it)
    }

    #[test]
    fn times_are_whole_seconds_or_a_number_with_its_unit() {
        for (text, expected) in [
            ("90", Some(90)),
            ("\"90s\"", Some(90)),
            ("\"90 s\"", Some(90)),
            ("\"5m\"", Some(300)),
            ("\"1h\"", Some(3_600)),
            ("\"1d\"", Some(86_400)),
            ("\"2000ms\"", Some(2)),
            ("0", Some(0)),
            ("\"1500ms\"", None),
            ("-1", None),
            ("4294967296", None),
            ("\"90\"", None),
            ("\"s\"", None),
            ("\"\"", None),
            ("\"1m30s\"", None),
            ("\"1.5m\"", None),
            ("\"99999999999999999999s\"", None),
            ("\"18446744073709551615d\"", None),
            ("1.5", None),
            ("true", None),
        ] {
            assert_eq!(read::<Seconds>(text).map(|time| time.0), expected, "{text}");
        }
        assert_eq!(read::<Millis>("\"50ms\""), Some(Millis(50)));
        assert_eq!(read::<Millis>("10"), Some(Millis(10_000)));
    }

    #[test]
    fn sizes_are_bytes_or_a_number_with_its_unit() {
        for (text, expected) in [
            ("1048576", Some(1 << 20)),
            ("\"1 MiB\"", Some(1 << 20)),
            ("\"64KiB\"", Some(65_536)),
            ("\"1 MB\"", Some(1_000_000)),
            ("\"1 mb\"", None),
            ("\"1  MiB\"", None),
            ("\"99999999999 GiB\"", None),
        ] {
            assert_eq!(read::<Bytes>(text).map(|size| size.0), expected, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for seconds in [0, 1, 59, 60, 90, 3_600, 86_400, 86_401, u32::MAX] {
            let text = Seconds(seconds).to_string();
            let written = if seconds == 0 { text } else { format!("\"{text}\"") };
            assert_eq!(read::<Seconds>(&written), Some(Seconds(seconds)), "{written}");
        }
        for bytes in [1, 1_000, 1_024, 1_048_576, 1_048_577, u64::MAX] {
            let text = format!("\"{}\"", Bytes(bytes));
            assert_eq!(read::<Bytes>(&text), Some(Bytes(bytes)), "{text}");
        }
    }

    #[test]
    fn moments_have_an_offset() {
        for (text, expected) in [
            ("2026-11-22T00:30:00Z", Some(1_795_307_400)),
            ("2026-11-22 01:30:00+01:00", Some(1_795_307_400)),
            ("\"20261122T003000Z\"", Some(1_795_307_400)),
            ("1795307400", Some(1_795_307_400)),
            ("2026-11-22T00:30:00", None),
            ("2026-11-22", None),
            ("00:30:00", None),
            ("\"2026-11-22T00:30:00\"", None),
            ("{ a = 1 }", None),
        ] {
            assert_eq!(read::<Moment>(text).map(|moment| moment.0.as_secs()), expected, "{text}");
        }
    }
}
