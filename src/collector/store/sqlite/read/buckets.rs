//! Buckets of time, and which of their minutes are counted in roll-ups.

use crate::collector::EventTime;
use crate::collector::limits::MAX_BUCKETS;
use crate::collector::query::TimeRange;
use crate::collector::store::StoreError;

const NS_PER_S: i64 = 1_000_000_000;
/// Nanoseconds of a minute, the least time that has counts of its own.
pub(super) const NS_PER_MINUTE: i64 = 60 * NS_PER_S;
/// Nanoseconds of an hour.
pub(super) const NS_PER_HOUR: i64 = 60 * NS_PER_MINUTE;
/// Nanoseconds of a day.
const NS_PER_DAY: i64 = 24 * NS_PER_HOUR;

/// A range, cut at the multiples of an interval; or whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Buckets {
    range: TimeRange,
    interval_ns: Option<i64>,
    /// How many intervals since 1970 come before the first bucket.
    first: i64,
    /// The minutes since 1970 that are whole in the range: the first, and the one behind the last.
    minutes: (i64, i64),
    /// Whether no minute is in two buckets.
    has_whole_minutes: bool,
}

/// The place of a bucket, the oldest being 0.
pub(super) type Place = u32;

/// A day since 1970.
pub(super) const fn day_range(day: i64) -> TimeRange {
    let from = day.saturating_mul(NS_PER_DAY);
    TimeRange { from: EventTime(from), until: EventTime(from.saturating_add(NS_PER_DAY)) }
}

/// The minutes since 1970 that are whole in a range: the first, and the one behind the last.
const fn whole_minutes(range: TimeRange) -> (i64, i64) {
    let before = range.from.0.saturating_sub(1).div_euclid(NS_PER_MINUTE);
    (before.saturating_add(1), range.until.0.div_euclid(NS_PER_MINUTE))
}

impl Buckets {
    /// One bucket.
    pub(super) const fn whole(range: TimeRange) -> Self {
        let minutes = whole_minutes(range);
        Self { range, interval_ns: None, first: 0, minutes, has_whole_minutes: true }
    }

    /// Buckets that begin at multiples of an interval since 1970.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`] for no interval, or too many buckets: whoever asks checks both before.
    pub(super) fn of(range: TimeRange, interval_s: u64) -> Result<Self, StoreError> {
        let interval_ns = i64::try_from(interval_s)
            .ok()
            .and_then(|seconds| seconds.checked_mul(NS_PER_S))
            .unwrap_or(i64::MAX)
            .max(1);
        let has_whole_minutes = interval_ns % NS_PER_MINUTE == 0;
        let first = range.from.0.div_euclid(interval_ns);
        let minutes = whole_minutes(range);
        let buckets =
            Self { range, interval_ns: Some(interval_ns), first, minutes, has_whole_minutes };
        let fits = interval_s > 0 && buckets.count() <= MAX_BUCKETS;
        let reason = || format!("a histogram of more than {MAX_BUCKETS} buckets, or of none");
        if fits { Ok(buckets) } else { Err(StoreError::Failed { reason: reason() }) }
    }

    /// All of it.
    pub(super) const fn range(&self) -> TimeRange {
        self.range
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        if self.range.is_empty() {
            return 0;
        }
        let last = self.number(self.range.until.0.saturating_sub(1));
        last.abs_diff(self.first).saturating_add(1)
    }

    /// Where each begins.
    pub(super) fn starts(&self) -> Vec<EventTime> {
        let interval = self.interval_ns.unwrap_or(i64::MAX);
        let start = |place: u64| self.first.saturating_add_unsigned(place).saturating_mul(interval);
        (0..self.count()).map(|place| EventTime(start(place))).collect()
    }

    /// The place of a moment of the range.
    pub(super) fn place(&self, at: i64) -> Place {
        self.place_and_end(at).0
    }

    /// The place of a moment of the range, and where its bucket ends, or the range does.
    pub(super) fn place_and_end(&self, at: i64) -> (Place, i64) {
        let interval = self.interval_ns.unwrap_or(i64::MAX);
        let number = self.number(at);
        let place = Place::try_from(number.abs_diff(self.first)).unwrap_or(Place::MAX);
        let end = number.saturating_add(1).saturating_mul(interval);
        (place, end.min(self.range.until.0))
    }

    /// Which bucket is the first whole one, and when it begins, when all from a moment on was counted. One bucket
    /// for all begins at that moment.
    pub(super) fn whole_from(&self, counted_from: EventTime) -> (Place, EventTime) {
        if self.interval_ns.is_none() {
            return (0, counted_from);
        }
        let missing = counted_from.0.saturating_sub(1).max(self.range.from.0);
        let (place, end) = self.place_and_end(missing);
        (place.saturating_add(1), EventTime(end))
    }

    /// Whether an hour since 1970 is in the range, and in one bucket.
    pub(super) fn has_hour(&self, hour: i64) -> bool {
        self.has(hour, NS_PER_HOUR)
    }

    /// Whether a minute since 1970 is in the range, and in one bucket.
    pub(super) fn has_minute(&self, minute: i64) -> bool {
        if self.has_whole_minutes {
            return self.minutes.0 <= minute && minute < self.minutes.1;
        }
        self.has(minute, NS_PER_MINUTE)
    }

    fn has(&self, slot: i64, slot_ns: i64) -> bool {
        let Some(first) = slot.checked_mul(slot_ns) else { return false };
        let Some(end) = first.checked_add(slot_ns) else { return false };
        self.range.from.0 <= first
            && end <= self.range.until.0
            && self.number(first) == self.number(end.saturating_sub(1))
    }

    /// The parts of the range whose minutes are not counted whole, newest first: their rows have to be
    /// looked at. With intervals of whole minutes those are the two edges.
    pub(super) fn ragged(&self) -> Vec<TimeRange> {
        let mut parts: Vec<TimeRange> = Vec::new();
        let mut end = self.range.until.0;
        while end > self.range.from.0 {
            let minute = end.saturating_sub(1).div_euclid(NS_PER_MINUTE);
            let start = minute.saturating_mul(NS_PER_MINUTE).max(self.range.from.0);
            if self.has_minute(minute) {
                // Whole minutes go on to the next place where they may not: an edge of a bucket or the range.
                end = self.whole_until(minute);
                continue;
            }
            match parts.last_mut() {
                Some(part) if part.from.0 == end => part.from = EventTime(start),
                _ => parts.push(TimeRange { from: EventTime(start), until: EventTime(end) }),
            }
            end = start;
        }
        parts
    }

    /// The first moment of the whole minutes that end with this one, as far as its bucket goes.
    fn whole_until(&self, minute: i64) -> i64 {
        let first = minute.saturating_mul(NS_PER_MINUTE);
        let from = self.range.from.0;
        let start =
            self.interval_ns.map_or(from, |interval| self.number(first).saturating_mul(interval));
        let start = start.max(from);
        // Rounded up to a minute.
        let whole = start.saturating_add(NS_PER_MINUTE - 1).div_euclid(NS_PER_MINUTE);
        whole.saturating_mul(NS_PER_MINUTE).min(first)
    }

    fn number(&self, at: i64) -> i64 {
        self.interval_ns.map_or(0, |interval| at.div_euclid(interval))
    }
}
