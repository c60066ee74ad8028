//! Counts by minute, packed: how they stand in `rollup` and `rollup_delta`.
//!
//! A number is a varint: seven bits a byte, the lowest first, the top bit set on all but the last.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use crate::collector::{Field, NewEvent};

/// The fields that have counts of their own; those by action are part of each.
pub(super) const DIMS: [Field; 4] =
    [Field::Source, Field::RuleId, Field::Host, Field::ClientCountry];

const NS_PER_MINUTE: i64 = 60_000_000_000;
/// Minutes of an hour.
const MINUTES: i64 = 60;

/// Counts of the events of one chunk.
#[derive(Debug, Default)]
pub(super) struct ChunkCounts<'e> {
    counts: HashMap<ChunkKey<'e>, u64>,
}

type ChunkKey<'e> = (usize, Option<&'e str>, Option<&'e str>, i64);

impl<'e> ChunkCounts<'e> {
    /// Counts an event.
    pub(super) fn add(&mut self, event: &'e NewEvent) {
        let minute = event.at.0.div_euclid(NS_PER_MINUTE);
        let action = event.get(Field::Action);
        for (place, dim) in DIMS.into_iter().enumerate() {
            let count = self.counts.entry((place, event.get(dim), action, minute)).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// What is stored of them: by field, value and action the minutes in order, each as the distance from
    /// the one before, with its count.
    pub(super) fn pack(self) -> Vec<u8> {
        let mut all: Vec<_> = self.counts.into_iter().collect();
        all.sort_unstable();
        let mut packed = Vec::with_capacity(all.len().saturating_mul(8));
        for same in all.chunk_by(|(a, _), (b, _)| (a.0, a.1, a.2) == (b.0, b.1, b.2)) {
            let Some(((place, value, action, _), _)) = same.first() else { continue };
            put(&mut packed, u64::try_from(*place).unwrap_or(u64::MAX));
            put_text(&mut packed, *value);
            put_text(&mut packed, *action);
            put(&mut packed, u64::try_from(same.len()).unwrap_or(0));
            let mut before = 0;
            for ((_, _, _, minute), count) in same {
                put(&mut packed, zigzag(minute.wrapping_sub(before)));
                put(&mut packed, *count);
                before = *minute;
            }
        }
        packed
    }
}

/// The counts of one value and action in a chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'b> {
    /// The field.
    pub(super) dim: Field,
    /// Its value; `None` where events lack it.
    pub(super) value: Option<&'b str>,
    /// The action; `None` where events lack it.
    pub(super) action: Option<&'b str>,
    counts: &'b [u8],
}

impl<'b> Entry<'b> {
    /// Minutes since 1970 with their counts, ascending.
    pub(super) fn minutes(&self) -> impl Iterator<Item = (i64, u64)> + use<'b> {
        let mut rest = self.counts;
        let mut before = 0_i64;
        std::iter::from_fn(move || {
            before = before.wrapping_add(unzigzag(take(&mut rest)?));
            Some((before, take(&mut rest)?))
        })
    }
}

/// The entries of a chunk's packed counts. Bytes that are none end them.
pub(super) fn entries(packed: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    let mut rest = packed;
    std::iter::from_fn(move || {
        let place = usize::try_from(take(&mut rest)?).ok()?;
        let dim = *DIMS.get(place)?;
        let value = take_text(&mut rest)?;
        let action = take_text(&mut rest)?;
        let pairs = take(&mut rest)?;
        let start = rest;
        for _ in 0..pairs {
            take(&mut rest)?;
            take(&mut rest)?;
        }
        let counts = start.get(..start.len().checked_sub(rest.len())?)?;
        Some(Entry { dim, value, action, counts })
    })
}

/// The minutes since 1970 of an hour since 1970, with their counts, ascending.
pub(super) fn minutes(hour: i64, packed: &[u8]) -> impl Iterator<Item = (i64, u64)> {
    let first = hour.saturating_mul(MINUTES);
    let mut rest = packed;
    std::iter::from_fn(move || {
        let (minute, after) = rest.split_first()?;
        rest = after;
        Some((first.saturating_add(i64::from(*minute)), take(&mut rest)?))
    })
}

/// A text that an event has or lacks. Those of packed counts are not copied: strangers choose how long they are.
pub(super) type Text<'t> = Option<Cow<'t, str>>;

/// Counts by hour, as they are added to the table.
#[derive(Debug, Default)]
pub(super) struct HourCounts<'t> {
    /// By field, hour, value and action: minutes of the hour with what is added to each.
    pub(super) hours: HashMap<(Field, i64, Text<'t>, Text<'t>), BTreeMap<u8, i64>>,
}

impl<'t> HourCounts<'t> {
    /// Adds a chunk's counts.
    pub(super) fn add_packed(&mut self, packed: &'t [u8]) {
        for entry in entries(packed) {
            for (minute, count) in entry.minutes() {
                let count = i64::try_from(count).unwrap_or(i64::MAX);
                let text = |text: Option<&'t str>| text.map(Cow::Borrowed);
                self.add(entry.dim, text(entry.value), text(entry.action), minute, count);
            }
        }
    }

    /// Adds to the count of a minute since 1970; a negative number takes from it.
    pub(super) fn add(
        &mut self,
        dim: Field,
        value: Text<'t>,
        action: Text<'t>,
        minute: i64,
        count: i64,
    ) {
        let key = (dim, minute.div_euclid(MINUTES), value, action);
        let of_hour = u8::try_from(minute.rem_euclid(MINUTES)).unwrap_or_default();
        let sum = self.hours.entry(key).or_default().entry(of_hour).or_default();
        *sum = sum.saturating_add(count);
    }
}

/// An hour's minutes after something is added, packed, with their sum. Counts that come to nothing are left out.
pub(super) fn add_to_hour(packed: &[u8], added: &BTreeMap<u8, i64>) -> (Vec<u8>, i64) {
    let mut sums = added.clone();
    for (minute, count) in minutes(0, packed) {
        let sum = sums.entry(u8::try_from(minute).unwrap_or_default()).or_default();
        *sum = sum.saturating_add(i64::try_from(count).unwrap_or(i64::MAX));
    }
    let mut merged = Vec::with_capacity(sums.len().saturating_mul(3));
    let mut total = 0_i64;
    for (minute, count) in sums {
        if let Some(positive) = u64::try_from(count).ok().filter(|count| *count > 0) {
            merged.push(minute);
            put(&mut merged, positive);
            total = total.saturating_add(count);
        }
    }
    (merged, total)
}

/// The minute since 1970 of a moment.
pub(super) const fn minute_of(at: i64) -> i64 {
    at.div_euclid(NS_PER_MINUTE)
}

fn put(packed: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        packed.push(u8::try_from(number & 0x7f).unwrap_or_default() | 0x80);
        number >>= 7;
    }
    packed.push(u8::try_from(number).unwrap_or_default());
}

/// Absent is 0, a text its length and one more.
fn put_text(packed: &mut Vec<u8>, text: Option<&str>) {
    let bytes = text.map_or(&[][..], str::as_bytes);
    let length = u64::try_from(bytes.len()).unwrap_or_default();
    put(packed, text.map_or(0, |_| length.saturating_add(1)));
    packed.extend_from_slice(bytes);
}

fn take(rest: &mut &[u8]) -> Option<u64> {
    // Most numbers are short.
    if let Some((byte @ 0..0x80, after)) = rest.split_first() {
        *rest = after;
        return Some(u64::from(*byte));
    }
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn take_text<'b>(rest: &mut &'b [u8]) -> Option<Option<&'b str>> {
    let Some(length) = take(rest)?.checked_sub(1) else { return Some(None) };
    let (text, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    *rest = after;
    std::str::from_utf8(text).ok().map(Some)
}

const fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

const fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ (number & 1).cast_signed().wrapping_neg()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::{EventId, EventTime, Intake};

    fn event(minute: i64, host: Option<&str>, action: Option<&str>) -> NewEvent {
        let at = EventTime(minute * NS_PER_MINUTE + 7);
        let mut event = NewEvent::new(at, EventId([0; 16]), Intake::Native);
        if let Some(host) = host {
            event.fields.set(Field::Host, host);
        }
        if let Some(action) = action {
            event.fields.set(Field::Action, action);
        }
        event
    }

    type Counted = (Option<String>, Option<String>, Vec<(i64, u64)>);

    fn hosts(packed: &[u8]) -> Vec<Counted> {
        let hosts = entries(packed).filter(|entry| entry.dim == Field::Host);
        let owned = |text: Option<&str>| text.map(str::to_owned);
        hosts
            .map(|entry| (owned(entry.value), owned(entry.action), entry.minutes().collect()))
            .collect()
    }

    #[test]
    fn a_text_that_is_absent_is_not_an_empty_one() {
        let long = "x".repeat(300);
        let events = [
            event(-3, None, Some("log")),
            event(29_000_000, Some(""), None),
            event(-3, None, Some("log")),
            event(400, None, Some("log")),
            event(1, Some(&long), Some("")),
        ];
        let mut counts = ChunkCounts::default();
        for event in &events {
            counts.add(event);
        }
        let packed = counts.pack();
        let log = Some("log".to_owned());
        assert_eq!(
            hosts(&packed),
            [
                (None, log, vec![(-3, 2), (400, 1)]),
                (Some(String::new()), None, vec![(29_000_000, 1)]),
                (Some(long), Some(String::new()), vec![(1, 1)]),
            ]
        );
        // What is cut short gives fewer entries, and no panic.
        for length in 0..packed.len() {
            assert!(hosts(packed.get(..length).unwrap_or_default()).len() <= 3);
        }
    }

    #[test]
    fn what_is_added_and_taken_away_comes_to_nothing() {
        let mut counts = ChunkCounts::default();
        let events = [event(-61, Some("a"), None), event(-60, Some("a"), None)];
        events.iter().for_each(|event| counts.add(event));
        let packed = counts.pack();
        let mut hours = HourCounts::default();
        hours.add_packed(&packed);
        let added = &hours.hours[&(Field::Host, -1, Some("a".into()), None)];
        let (packed, total) = add_to_hour(&[], added);
        assert_eq!((total, minutes(-1, &packed).collect::<Vec<_>>()), (1, vec![(-60, 1)]));
        let taken = BTreeMap::from([(0, -1)]);
        assert_eq!(add_to_hour(&packed, &taken), (Vec::new(), 0));
    }
}
