//! The promises of `ReplayStore`, checked for every store alike. Nothing here sleeps: time is an
//! argument.
//!
//! The store on Redis is one of them, with a server that a test starts. In front of Redis it has a window
//! of its own, so that `live` and the capacity are as exact as the others', and count what this origin
//! has let through. Where it differs: it began long ago, as the fleet did, and not with the process.

#![allow(
    clippy::as_conversions,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, which is its purpose; a server needs real time to start"
)]

use std::collections::HashMap;
use std::num::NonZeroU8;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use proptest::prelude::*;

#[cfg(feature = "redis")]
mod on_redis;
#[cfg(feature = "redis")]
#[path = "../support/redis_server.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod redis_server;

use wafpass::replay::{Admission, Capacity, Identity, ReplayStore, ReplayWindow, Retention, Use};
use wafpass::{ConfigError, KeyId, UnixTime};

const RETENTION: Retention = Retention { max_age_s: 60, skew_s: 5 };
/// How long an entry lives after its date.
const KEPT_S: i64 = 65;
const START: UnixTime = UnixTime::from_secs(1_795_307_400);
const ROOMY: Capacity = Capacity::shared(1_000_000);

const FIRST: Admission = Admission::Fresh { nth: NonZeroU8::MIN };

trait Store: ReplayStore + Sized {
    fn make(
        retention: Retention,
        capacity: Capacity,
        started: UnixTime,
    ) -> Result<Self, ConfigError>;

    fn new(capacity: Capacity) -> Self {
        Self::make(RETENTION, capacity, START).unwrap()
    }

    /// Since when the store vouches for what it knows.
    fn began() -> UnixTime {
        START
    }
}

impl Store for ReplayWindow {
    fn make(
        retention: Retention,
        capacity: Capacity,
        started: UnixTime,
    ) -> Result<Self, ConfigError> {
        Self::new(retention, capacity, started)
    }
}

#[cfg(feature = "moka")]
impl Store for wafpass::replay::ReplayMoka {
    fn make(
        retention: Retention,
        capacity: Capacity,
        started: UnixTime,
    ) -> Result<Self, ConfigError> {
        Self::new(retention, capacity, started)
    }
}

macro_rules! for_every_store {
    ($($promise:ident)*) => {
        mod window {
            $(#[test] fn $promise() { super::$promise::<wafpass::replay::ReplayWindow>(); })*
        }
        #[cfg(feature = "moka")]
        mod moka {
            $(#[test] fn $promise() { super::$promise::<wafpass::replay::ReplayMoka>(); })*
        }
        #[cfg(feature = "redis")]
        mod redis {
            use super::on_redis::{OnRedis, keep_server};
            $(#[test] fn $promise() { keep_server(super::$promise::<OnRedis>); })*
        }
    };
}

for_every_store! {
    it_says_what_it_is
    capacity_zero_is_refused
    of_many_callers_exactly_one_passes
    of_many_callers_exactly_as_many_as_uses_pass
    many_requests_raced_pass_once_each
    capacity_is_exact_under_a_race
    a_race_against_the_clock_revives_nothing
    churn_under_a_race_leaks_no_room
    at_capacity_nothing_is_forgotten
    a_key_cannot_use_up_the_room_of_the_others
    nothing_admitted_any_number_of_requests_ago_is_forgotten
    an_entry_lives_to_its_last_second
    dates_are_judged_at_the_boundaries
    a_clock_set_back_revives_nothing
    a_clock_that_jumps_ahead_forgets_nothing
    a_short_jump_ahead_revives_nothing
    a_longer_retention_revives_nothing
    a_race_against_a_growing_retention_revives_nothing
    room_comes_back
    uses_may_change_between_requests
    extreme_times_do_no_harm
    it_agrees_with_the_model
}

fn at(seconds: i64) -> UnixTime {
    START.saturating_add(seconds)
}

fn identity(number: u64) -> Identity {
    let mut bytes = [0x5a; Identity::BYTES];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    Identity::from_mac(bytes)
}

fn key(number: u64) -> KeyId {
    KeyId::new(&format!("key-{number}")).unwrap()
}

fn uses(max_uses: u8) -> NonZeroU8 {
    NonZeroU8::new(max_uses).unwrap()
}

fn admit_as(
    store: &impl ReplayStore,
    key_id: &KeyId,
    number: u64,
    date: UnixTime,
    now: UnixTime,
) -> Admission {
    let identity = &identity(number);
    store.admit(&Use { identity, key_id, date, max_uses: NonZeroU8::MIN }, now).now()
}

fn admit(store: &impl ReplayStore, number: u64, date: UnixTime, now: UnixTime) -> Admission {
    admit_as(store, &key(0), number, date, now)
}

/// Runs `work` on `threads` threads at once.
fn race(threads: u64, work: impl Fn(u64) + Sync) {
    let (start, work) = (&Barrier::new(threads as usize), &work);
    thread::scope(|scope| {
        for number in 0..threads {
            scope.spawn(move || {
                start.wait();
                work(number);
            });
        }
    });
}

/// A small generator, so that threads differ and runs do not (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit
    }
}

fn it_says_what_it_is<S: Store>() {
    let store = S::new(ROOMY);
    assert_eq!(store.retention(), RETENTION);
    assert_eq!(store.started(), Some(S::began()));
    assert_eq!(store.live(), 0);
}

fn capacity_zero_is_refused<S: Store>() {
    for (total, per_key) in [(0, 0), (0, 1), (1, 0)] {
        let store = S::make(RETENTION, Capacity { total, per_key }, START);
        assert_eq!(store.err(), Some(ConfigError::ReplayCapacity));
    }
}

fn of_many_callers_exactly_one_passes<S: Store>() {
    exactly_n_pass::<S>(1);
}

fn of_many_callers_exactly_as_many_as_uses_pass<S: Store>() {
    for max_uses in [2, 3, 6, 15] {
        exactly_n_pass::<S>(max_uses);
    }
}

fn exactly_n_pass<S: Store>(max_uses: u8) {
    const THREADS: u64 = 64;
    let store = S::new(ROOMY);
    for round in 0..20 {
        let passed: [AtomicUsize; 16] = Default::default();
        race(THREADS, |_| {
            let (identity, key_id) = (&identity(round), &key(0));
            let claim = Use { identity, key_id, date: START, max_uses: uses(max_uses) };
            match store.admit(&claim, START).now() {
                Admission::Fresh { nth } => {
                    passed[usize::from(nth.get())].fetch_add(1, Ordering::Relaxed)
                }
                answer => {
                    assert_eq!(answer, Admission::Replayed);
                    passed[0].fetch_add(1, Ordering::Relaxed)
                }
            };
        });
        let passed = passed.map(AtomicUsize::into_inner);
        let wanted: [usize; 16] = std::array::from_fn(|nth| match nth {
            0 => THREADS as usize - usize::from(max_uses),
            _ => usize::from(nth <= usize::from(max_uses)),
        });
        assert_eq!(passed, wanted, "round {round}: replayed, first use, second use, ...");
    }
    assert_eq!(store.live(), 20);
}

fn many_requests_raced_pass_once_each<S: Store>() {
    const REQUESTS: u64 = 4_000;
    let store = S::new(ROOMY);
    let passed: Vec<AtomicUsize> = (0..REQUESTS).map(|_| AtomicUsize::new(0)).collect();
    race(8, |thread| {
        // Two threads each start at the same place, and all meet somewhere.
        for number in (0..REQUESTS).map(|number| (number + thread / 2 * 1000) % REQUESTS) {
            let date = at(number as i64 % 7 - 3);
            if admit(&store, number, date, START) == FIRST {
                passed[number as usize].fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    assert!(passed.into_iter().all(|passed| passed.into_inner() == 1));
    assert_eq!(store.live() as u64, REQUESTS);
}

fn capacity_is_exact_under_a_race<S: Store>() {
    const EACH: u64 = 1_000;
    for capacity in [
        Capacity::shared(2_500),
        Capacity { total: 2_500, per_key: 700 }, // both limits bind
        Capacity { total: 10_000, per_key: 700 },
    ] {
        let store = S::new(capacity);
        let passed: [AtomicUsize; 4] = Default::default();
        race(8, |thread| {
            for number in thread * EACH..(thread + 1) * EACH {
                match admit_as(&store, &key(thread % 4), number, START, START) {
                    FIRST => drop(passed[thread as usize % 4].fetch_add(1, Ordering::Relaxed)),
                    answer => assert_eq!(answer, Admission::Full),
                }
                assert!(store.live() <= capacity.total);
            }
        });
        let passed = passed.map(AtomicUsize::into_inner);
        assert!(passed.iter().all(|passed| *passed <= capacity.per_key), "{passed:?}");
        let wanted = capacity.total.min(4 * capacity.per_key.min(2 * EACH as usize));
        assert_eq!(passed.iter().sum::<usize>(), wanted, "{capacity:?}: {passed:?}");
        assert_eq!(store.live(), wanted);
    }
}

fn a_race_against_the_clock_revives_nothing<S: Store>() {
    const REQUESTS: u64 = 300;
    for round in 0..20 {
        let store = S::make(Retention { max_age_s: 2, skew_s: 1 }, ROOMY, START).unwrap();
        let passed: Vec<AtomicUsize> = (0..REQUESTS).map(|_| AtomicUsize::new(0)).collect();
        race(8, |thread| {
            let mut random = Random(thread * 1000 + round + 1);
            for step in 0..2 * REQUESTS {
                // Time goes on, the threads do not agree on it, and requests come again and again.
                let number = step / 2 / 8 * 8 + random.below(8);
                let number = number.min(REQUESTS - 1);
                let date = at(number as i64 / 4);
                let now = at(step as i64 / 8 + random.below(8) as i64 - 4);
                if let Admission::Fresh { .. } = admit(&store, number, date, now) {
                    passed[number as usize].fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        let passed: Vec<_> = passed.into_iter().map(AtomicUsize::into_inner).collect();
        assert!(passed.iter().all(|passed| *passed <= 1), "{passed:?}");
        assert!(passed.iter().sum::<usize>() > 0);
    }
}

fn churn_under_a_race_leaks_no_room<S: Store>() {
    let capacity = Capacity { total: 300, per_key: 120 };
    let store = S::make(Retention { max_age_s: 2, skew_s: 1 }, capacity, START).unwrap();
    race(4, |thread| {
        for step in 0..4_000 {
            let now = at(step / 50);
            admit_as(&store, &key(step as u64 % 5), thread * 4_000 + step as u64, now, now);
            assert!(store.live() <= capacity.total);
        }
    });
    // An hour later all of the room is there, for each key too.
    let later = at(3_600);
    for number in 0..300 {
        assert_eq!(admit_as(&store, &key(number % 3), 100_000 + number, later, later), FIRST);
    }
    assert_eq!(store.live(), 300);
    assert_eq!(admit_as(&store, &key(4), 200_000, later, later), Admission::Full);
}

fn at_capacity_nothing_is_forgotten<S: Store>() {
    const CAPACITY: u64 = 2_000;
    let store = S::new(Capacity::shared(CAPACITY as usize));
    let date = |number: u64| at(number as i64 % 9 - 4);
    for number in 0..CAPACITY {
        assert_eq!(admit(&store, number, date(number), START), FIRST);
    }
    for number in CAPACITY..5 * CAPACITY {
        assert_eq!(admit(&store, number, date(number), START), Admission::Full);
    }
    for number in 0..CAPACITY {
        assert_eq!(admit(&store, number, date(number), at(1)), Admission::Replayed);
    }
    // A known request may still take the uses that it has left.
    let (identity, key_id) = (&identity(0), &key(0));
    let claim = Use { identity, key_id, date: date(0), max_uses: uses(2) };
    assert_eq!(store.admit(&claim, at(1)).now(), Admission::Fresh { nth: uses(2) });
    assert_eq!(store.live() as u64, CAPACITY);
}

fn a_key_cannot_use_up_the_room_of_the_others<S: Store>() {
    let store = S::new(Capacity { total: 10, per_key: 4 });
    let offer = |of: u64, numbers: std::ops::Range<u64>, now| -> Vec<_> {
        numbers.map(|number| admit_as(&store, &key(of), of * 100 + number, now, now)).collect()
    };
    let full = Admission::Full;
    assert_eq!(offer(1, 0..6, START), [FIRST, FIRST, FIRST, FIRST, full, full]);
    assert_eq!(offer(1, 0..5, START), [[Admission::Replayed; 4].as_slice(), &[full]].concat());
    assert_eq!(offer(2, 0..5, at(1)), [FIRST, FIRST, FIRST, FIRST, full]);
    assert_eq!(offer(3, 0..3, at(1)), [FIRST, FIRST, full]); // the total
    assert_eq!(offer(1, 4..5, at(KEPT_S)), [full]);
    // What key 1 had is over now; keys 2 and 3 hold theirs a second longer.
    assert_eq!(offer(1, 4..9, at(KEPT_S + 1)), [FIRST, FIRST, FIRST, FIRST, full]);
    assert_eq!(offer(2, 5..6, at(KEPT_S + 1)), [full]);
    assert_eq!(store.live(), 10);
}

/// The table that caches fail: what was admitted d insertions ago, forgotten in per cent.
fn nothing_admitted_any_number_of_requests_ago_is_forgotten<S: Store>() {
    const CAPACITY: u64 = 25_000;
    const OFFERED: u64 = 100_000;
    let store = S::new(Capacity::shared(CAPACITY as usize));
    let second = |number: u64| at((number / 300) as i64); // 66 s of 300: below capacity
    let mut admitted = Vec::new();
    for number in 0..OFFERED {
        let now = second(number);
        // From the middle on ten times as many, in one second: over capacity.
        let now = if number > OFFERED / 2 { second(OFFERED / 2) } else { now };
        if admit(&store, number, now, now) == FIRST {
            admitted.push((number, now));
        }
        for distance in [1, 10, 100, 1_000, 15_000, 20_000] {
            let sampled = number % 97 == 0 || distance == 1;
            let Some(at) = admitted.len().checked_sub(distance).filter(|_| sampled) else {
                continue;
            };
            let (number, date) = admitted[at];
            let answer = admit(&store, number, date, now);
            let expired = now.seconds_since(date) > i64::from(RETENTION.max_age_s);
            let wanted = if expired { Admission::Expired } else { Admission::Replayed };
            assert_eq!(answer, wanted, "{number}, admitted {distance} insertions ago");
        }
    }
    assert_eq!(store.live() as u64, CAPACITY);
}

fn an_entry_lives_to_its_last_second<S: Store>() {
    for date in [0, 1, 5, -60, -59, -1] {
        for at_boundary in [-1, 0, 1] {
            let store = S::new(Capacity::shared(2));
            assert_eq!(admit(&store, 0, at(date), START), FIRST);
            // Another request moves the clock, as a stale one cannot.
            let now = at((date + KEPT_S + at_boundary).max(0));
            assert_eq!(admit(&store, 1, now, now), FIRST);
            let lives = at_boundary <= 0;
            assert_eq!(store.live(), if lives { 2 } else { 1 }, "{date} {at_boundary}");
            let answer = admit(&store, 2, now, now);
            assert_eq!(answer, if lives { Admission::Full } else { FIRST });
        }
    }
}

fn dates_are_judged_at_the_boundaries<S: Store>() {
    for (age, answer, again) in [
        (61, Admission::Expired, Admission::Expired),
        (60, FIRST, Admission::Replayed),
        (59, FIRST, Admission::Replayed),
        (0, FIRST, Admission::Replayed),
        (-4, FIRST, Admission::Replayed),
        (-5, FIRST, Admission::Replayed),
        (-6, Admission::NotYetValid, Admission::NotYetValid),
    ] {
        let store = S::new(ROOMY);
        assert_eq!(admit(&store, 0, at(-age), START), answer, "aged {age} s");
        assert_eq!(admit(&store, 0, at(-age), START), again, "aged {age} s");
        assert_eq!(store.live(), usize::from(answer == FIRST));
    }
    // A request of the last second that is still a replay in its own last second.
    for date in [-60, 0, 5] {
        let store = S::new(ROOMY);
        assert_eq!(admit(&store, 0, at(date), START), FIRST);
        assert_eq!(admit(&store, 0, at(date), at(date + 60)), Admission::Replayed);
        assert_eq!(admit(&store, 0, at(date), at(date + 61)), Admission::Expired);
    }
}

fn a_clock_set_back_revives_nothing<S: Store>() {
    for (moved, swept) in
        [-1, -60, -3_600, -i64::from(u32::MAX)].into_iter().flat_map(|m| [(m, false), (m, true)])
    {
        let store = S::new(ROOMY);
        assert_eq!(admit(&store, 0, START, START), FIRST);
        let now = at(KEPT_S + 1);
        for number in 1..500 {
            assert_eq!(admit(&store, number, now, now), FIRST); // every part of the store moves on
        }
        if swept {
            assert_eq!(store.live(), 499);
        }
        let back = now.saturating_add(moved);
        assert_eq!(admit(&store, 0, START, back), Admission::Expired, "{moved} s");
        assert_eq!(admit(&store, 0, START, START), Admission::Expired);
        assert_eq!(admit(&store, 1, now, back), Admission::Replayed);
        // What the edge signs meanwhile is judged at the latest moment.
        assert_eq!(admit(&store, 500, now, back), FIRST);
        assert_eq!(admit(&store, 501, at(KEPT_S - 60), back), Admission::Expired);
    }
}

/// edge signature §3: whoever raises max_age goes on refusing dates older than what was kept.
fn a_longer_retention_revives_nothing<S: Store>() {
    let longer = Retention { max_age_s: 600, skew_s: 9 };
    let store = S::new(ROOMY);
    let date = |number: u64| at(number as i64 % 60);
    for number in 0..300 {
        assert_eq!(admit(&store, number, date(number), at(55)), FIRST);
    }
    for number in 300..600 {
        assert_eq!(admit(&store, number, at(90), at(90)), FIRST); // the first ones are over by now
    }
    assert!(store.extend(longer).covers(longer));
    assert!(store.retention().covers(longer));
    for now in [90, 91, 600] {
        for number in 0..300 {
            let answer = admit(&store, number, date(number), at(now));
            assert!(
                matches!(answer, Admission::Expired | Admission::Replayed),
                "{answer:?} at {now}"
            );
        }
    }
    // What comes from here on is kept for as long as it is accepted.
    let now = at(700);
    assert_eq!(admit(&store, 1_000, now, now), FIRST);
    for later in [0, 1, 61, 70, 300, 599, 600, 601, 609, 610, 2_000] {
        let later = now.saturating_add(later);
        let answer = admit(&store, 1_000, now, later);
        assert!(matches!(answer, Admission::Expired | Admission::Replayed), "{answer:?}");
    }
    // And a shorter one changes nothing.
    assert!(store.extend(Retention { max_age_s: 1, skew_s: 0 }).covers(longer));
}

fn a_race_against_a_growing_retention_revives_nothing<S: Store>() {
    const SECONDS: i64 = 240;
    let store = S::new(ROOMY);
    let passed: Vec<AtomicUsize> = (0..SECONDS).map(|_| AtomicUsize::new(0)).collect();
    race(4, |thread| {
        for now in 0..SECONDS {
            if thread == 0 && now % 40 == 39 {
                let max_age_s = 60 + now as u32 / 2;
                store.extend(Retention { max_age_s, skew_s: 5 + thread as u32 });
            }
            // One request of each second, by everybody, and again when it is nearly over or just over.
            for age in [0, 1, 59, 60, 61, 64, 65, 66, 67, 80, 100, 120, 150] {
                let date = now - age;
                if date >= 0 && admit(&store, date as u64, at(date), at(now)) == FIRST {
                    passed[date as usize].fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    });
    for (date, passed) in passed.iter().enumerate() {
        assert_eq!(passed.load(Ordering::Relaxed), 1, "dated {date} s");
    }
}

fn a_clock_that_jumps_ahead_forgets_nothing<S: Store>() {
    for jump in [KEPT_S + 1, 3_600, 1_000_000_000, i64::MAX] {
        let store = S::new(ROOMY);
        for number in 0..200 {
            assert_eq!(admit(&store, number, at(5), START), FIRST);
        }
        let ahead = at(1).saturating_add(jump);
        for number in 0..400 {
            assert_eq!(admit(&store, number, at(1), ahead), Admission::Expired, "{jump}");
        }
        assert_eq!(store.live(), 200);
        for number in 0..200 {
            assert_eq!(admit(&store, number, at(5), at(2)), Admission::Replayed, "{jump}");
        }
        assert_eq!(admit(&store, 200, at(2), at(2)), FIRST);
    }
}

fn a_short_jump_ahead_revives_nothing<S: Store>() {
    let store = S::new(ROOMY);
    assert_eq!(admit(&store, 0, at(-30), START), FIRST);
    // 36 s ahead: requests signed now are timely all the same, and move the clock.
    for number in 1..200 {
        assert_eq!(admit(&store, number, START, at(36)), FIRST);
    }
    assert_eq!(store.live(), 199);
    assert_eq!(admit(&store, 0, at(-30), START), Admission::Expired);
    for number in 1..200 {
        assert_eq!(admit(&store, number, START, at(1)), Admission::Replayed);
    }
}

fn room_comes_back<S: Store>() {
    for capacity in [Capacity::shared(1_000), Capacity { total: 1_000, per_key: 400 }] {
        let store = S::new(capacity);
        for hour in 0..5 {
            let now = at(hour * 3_600);
            for number in 0..1_000 {
                let (key, number) = (key(number % 3 + hour as u64), number + hour as u64 * 10_000);
                assert_eq!(admit_as(&store, &key, number, now, now), FIRST);
                assert!(store.live() <= capacity.total);
            }
            assert_eq!(admit_as(&store, &key(99), 999_999, now, now), Admission::Full);
            assert_eq!(store.live(), 1_000);
        }
        let later = at(5 * 3_600);
        assert_eq!(admit(&store, 1_000_000, later, later), FIRST);
        assert_eq!(store.live(), 1);
    }
}

fn uses_may_change_between_requests<S: Store>() {
    let store = S::new(Capacity::shared(1));
    let (identity, key_id) = (&identity(0), &key(0));
    let admit = |max_uses| {
        let claim = Use { identity, key_id, date: START, max_uses: uses(max_uses) };
        match store.admit(&claim, START).now() {
            Admission::Fresh { nth } => Ok(nth.get()),
            refusal => Err(refusal),
        }
    };
    let replayed = Err(Admission::Replayed);
    assert_eq!(admit(1), Ok(1));
    assert_eq!(admit(1), replayed);
    assert_eq!([admit(3), admit(2), admit(3), admit(3)], [Ok(2), replayed, Ok(3), replayed]);
    assert_eq!(admit(1), replayed);
    // Whatever is asked for, 15 are granted at most.
    let rest: Vec<_> = (0..300).filter_map(|_| admit(255).ok()).collect();
    assert_eq!(rest, (4..=15).collect::<Vec<_>>());
    assert_eq!(admit(15), replayed);
}

fn extreme_times_do_no_harm<S: Store>() {
    let times = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX].map(UnixTime::from_secs);
    let spans = [0, 1, 255, 256, u32::MAX - 1, u32::MAX];
    for started in times {
        for retention in spans.into_iter().flat_map(|max_age_s| {
            spans.into_iter().map(move |skew_s| Retention { max_age_s, skew_s })
        }) {
            let store = S::make(retention, Capacity { total: 4, per_key: 2 }, started).unwrap();
            let mut passed = HashMap::new();
            for now in times {
                for (number, date) in times.into_iter().enumerate().chain([(9, started)]) {
                    if let FIRST = admit(&store, number as u64, date, now) {
                        assert_eq!(passed.insert(number, now), None, "{number} at {now:?} again");
                    }
                    assert!(store.live() <= 2);
                }
            }
        }
    }
}

/// What a store has to do, in the plainest words.
struct Model {
    retention: Retention,
    capacity: Capacity,
    latest: UnixTime,
    entries: Vec<Entry>,
}

struct Entry {
    identity: Identity,
    key_id: KeyId,
    date: UnixTime,
    used: u8,
}

impl Model {
    fn admit(&mut self, claim: &Use<'_>, now: UnixTime) -> Admission {
        let now = now.max(self.latest);
        let (max_age_s, skew_s) =
            (i64::from(self.retention.max_age_s), i64::from(self.retention.skew_s));
        if now.as_secs() > claim.date.as_secs() + max_age_s {
            return Admission::Expired;
        }
        if claim.date.as_secs() > now.as_secs() + skew_s {
            return Admission::NotYetValid;
        }
        self.latest = now;
        self.entries.retain(|entry| now.as_secs() <= entry.date.as_secs() + max_age_s + skew_s);
        if let Some(entry) = self.entries.iter_mut().find(|e| e.identity == *claim.identity) {
            if entry.used >= claim.max_uses.get() {
                return Admission::Replayed;
            }
            entry.used += 1;
            return Admission::Fresh { nth: uses(entry.used) };
        }
        let of_key = self.entries.iter().filter(|entry| entry.key_id == *claim.key_id).count();
        if self.entries.len() >= self.capacity.total || of_key >= self.capacity.per_key {
            return Admission::Full;
        }
        let Use { identity, key_id, date, .. } = *claim;
        self.entries.push(Entry { identity: *identity, key_id: *key_id, date, used: 1 });
        FIRST
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// A request signed this many seconds after the edge's time.
    Admit { number: u64, key: u64, offset_s: i64, max_uses: u8 },
    /// Time passes, for the edge and for the origin.
    Pass(i64),
    /// The origin's clock alone is moved.
    Set(i64),
    /// The store is asked how much it holds.
    Count,
}

fn step() -> impl Strategy<Value = Step> {
    let admit =
        (0..4_u64, 0..3_u64, -8..8_i64, 1..=4_u8).prop_map(|(number, key, offset_s, max_uses)| {
            Step::Admit { number, key, offset_s, max_uses }
        });
    prop_oneof![
        12 => admit,
        3 => (0..4_i64).prop_map(Step::Pass),
        1 => prop_oneof![-20..20_i64, Just(-1_000_000), Just(1_000_000)].prop_map(Step::Set),
        1 => Just(Step::Count),
    ]
}

fn it_agrees_with_the_model<S: Store>() {
    let case =
        (0..6_u32, 0..4_u32, 1..12_usize, 1..12_usize, prop::collection::vec(step(), 1..120));
    proptest!(|((max_age_s, skew_s, total, per_key, steps) in case)| {
        let retention = Retention { max_age_s, skew_s };
        let capacity = Capacity { total, per_key };
        let store = S::make(retention, capacity, START).unwrap();
        let mut model = Model { retention, capacity, latest: START, entries: Vec::new() };
        let (mut edge_now, mut origin_ahead_s) = (START, 0);
        for step in steps {
            let now = edge_now.saturating_add(origin_ahead_s);
            match step {
                Step::Admit { number, key: of, offset_s, max_uses } => {
                    let date = edge_now.saturating_add(offset_s);
                    // The MAC covers the key and the date.
                    let mut mac = *identity(number).as_bytes();
                    mac[8] = of as u8;
                    mac[16..24].copy_from_slice(&date.as_secs().to_le_bytes());
                    let claim = Use {
                        identity: &Identity::from_mac(mac),
                        key_id: &key(of),
                        date,
                        max_uses: uses(max_uses),
                    };
                    prop_assert_eq!(store.admit(&claim, now).now(), model.admit(&claim, now));
                }
                Step::Pass(seconds) => edge_now = edge_now.saturating_add(seconds),
                Step::Set(seconds) => origin_ahead_s = seconds,
                Step::Count => prop_assert_eq!(store.live(), model.entries.len()),
            }
        }
    });
}

#[test]
fn the_window_is_small_and_gives_its_memory_back() {
    const ENTRIES: u64 = 400_000;
    for capacity in [ROOMY, Capacity { total: 1_000_000, per_key: 500_000 }] {
        let mut window = None;
        let used = allocation_counter::measure(|| {
            let window = window.insert(ReplayWindow::new(RETENTION, capacity, START).unwrap());
            for number in 0..ENTRIES {
                let now = at(number as i64 * 60 / ENTRIES as i64);
                assert_eq!(admit_as(window, &key(number % 3), number, now, now), FIRST);
            }
        });
        let bytes_per_entry = used.bytes_max as f64 / ENTRIES as f64;
        assert!(bytes_per_entry < 24.0, "{bytes_per_entry} bytes for each entry");

        let window = window.unwrap();
        let later = at(3_600);
        let freed = allocation_counter::measure(|| {
            assert_eq!(admit(&window, ENTRIES, later, later), FIRST);
            assert_eq!(window.live(), 1);
        });
        let left = used.bytes_current + freed.bytes_current;
        assert!(left < 64 * 1024, "{left} bytes of an empty window");
    }
}

#[test]
fn a_window_of_a_day_is_small_too() {
    const ENTRIES: u64 = 200_000;
    let retention = Retention { max_age_s: 86_400, skew_s: 3_600 };
    let mut window = None;
    let used = allocation_counter::measure(|| {
        let window = window.insert(ReplayWindow::new(retention, ROOMY, START).unwrap());
        for number in 0..ENTRIES {
            let now = at(number as i64 * 86_400 / ENTRIES as i64);
            assert_eq!(admit(window, number, now, now), FIRST);
        }
    });
    let bytes_per_entry = used.bytes_max as f64 / ENTRIES as f64;
    assert!(bytes_per_entry < 40.0, "{bytes_per_entry} bytes for each entry");
    for number in 0..ENTRIES {
        let date = at(number as i64 * 86_400 / ENTRIES as i64);
        assert_eq!(admit(window.as_ref().unwrap(), number, date, at(86_400)), Admission::Replayed);
    }
}
