//! The names of spooled batches: `NUMBER-KEY-EVENTS.ndjson.gz`, in order of their numbers.

use std::fmt;

use crate::ship::batch::BatchKey;

const ENDING: &str = ".ndjson.gz";
/// Decimal digits of every `u64`.
const NUMBER_DIGITS: usize = 20;

/// What a file's name tells of its batch.
#[derive(Clone, Copy)]
pub(super) struct Name {
    pub(super) number: u64,
    pub(super) key: BatchKey,
    pub(super) events: u32,
}

impl Name {
    /// Reads what [`Display`](fmt::Display) writes, and nothing else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_suffix(ENDING)?.split('-');
        let number = parts.next().filter(|digits| digits.len() == NUMBER_DIGITS)?.parse().ok()?;
        let key = BatchKey::parse(parts.next()?)?;
        let events = parts.next()?.parse().ok()?;
        let name = Self { number, key, events };
        (parts.next().is_none() && name.to_string() == text).then_some(name)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, key, events } = self;
        write!(f, "{number:020}-{key}-{events}{ENDING}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_are_read() {
        let good = format!("00000000000000000042-{}-500.ndjson.gz", "0f".repeat(16));
        let name = Name::parse(&good).unwrap();
        assert_eq!((name.number, name.events, name.to_string()), (42, 500, good.clone()));
        for bad in [
            good.replace("-500", "-0500"),
            good.replace("-500", "-+500"),
            good.replace("-500", "-500-1"),
            good.replace("0f", "0F"),
            good.replace(".gz", ""),
            good.replace("0000000000000000004", "4"),
            format!("{good}.tmp"),
            format!("../{good}"),
            String::new(),
        ] {
            assert!(Name::parse(&bad).is_none(), "{bad}");
        }
    }
}
