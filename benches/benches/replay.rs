//! The replay stores: time for each request, on one thread and on two, memory, and the worst pause.
//!
//! `cargo bench -p wafpass-benches --bench replay` takes about a minute and 2 GB; `-- --gate` makes
//! it fail when a limit is missed.

use std::cell::Cell;
use std::collections::HashSet;
use std::hint::black_box;
use std::num::NonZeroU8;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use cpu_time::ThreadTime;
use memory_stats::memory_stats;

use wafpass::replay::{
    Admission, Capacity, Identity, ReplayMoka, ReplayStore, ReplayWindow, Retention, Use,
};
use wafpass::{KeyId, UnixTime};
use wafpass_benches::{Comparison, Gate, is_measuring, median, throughput};

const MILLION: u64 = 1_000_000;
const RETENTION: Retention = Retention { max_age_s: 90, skew_s: 5 };
/// For how many seconds an entry lives, the first and the last one included.
const KEPT_S: u64 = 96;
const START: UnixTime = UnixTime::from_secs(1_795_307_400);

fn main() -> ExitCode {
    let mut gate = Gate::new();
    let million = if is_measuring() { MILLION } else { 1_000 };

    let window = Feed::new("window, 1 M live", million, window(million));
    let other = Feed::new("another of 1 M", million, self::window(million));
    let moka = Feed::new("moka, 1 M live", million, moka(million));
    let large = Feed::new("window, 10 M live", 10 * million, self::window(10 * million));

    let set = Mutex::new((0..million).map(identity).collect::<HashSet<_>>());
    let newest = Cell::new(million);
    let admit_to_set = || {
        let number = newest.replace(newest.get() + 1);
        let mut set = set.lock().expect("not poisoned");
        set.remove(&identity(number - million));
        assert!(set.insert(identity(number)));
    };

    let report = Comparison::new("admit, steady state, one thread")
        .candidate("window 1 M, new", || window.admit_new())
        .candidate("window 1 M, replayed", || window.admit_known())
        .candidate("window 10 M, new", || large.admit_new())
        .candidate("window 10 M, replayed", || large.admit_known())
        .candidate("Mutex<HashSet> 1 M, new", admit_to_set)
        .candidate("moka 1 M, new", || moka.admit_new())
        .candidate("moka 1 M, replayed", || moka.admit_known())
        .run();
    let sharing = two_threads("window, 1 M live", &window, &other);
    let pause = window_pause(&large);
    let set_pause = set_pause(10 * million);

    println!();
    gate.at_most("window 1 M, new, µs", report.ns("window 1 M, new") / 1e3, 0.4);
    gate.at_most("window 10 M, new, µs", report.ns("window 10 M, new") / 1e3, 0.4);
    gate.at_least("moka / window, new", report.ratio("moka 1 M, new"), 8.0);
    gate.at_most("window 1 M, bytes an entry", window.bytes_per_entry, 24.0);
    gate.at_most("window 10 M, bytes an entry", large.bytes_per_entry, 24.0);
    // Not two threads against one: where the two processors of a machine share one core, even two
    // threads with nothing in common do little more than one does.
    gate.at_least("two threads in one window / in one each", sharing, 0.6);
    gate.at_most("window 10 M, worst pause / one HashSet's", pause / set_pause, 0.1);
    gate.finish()
}

fn capacity(live: u64) -> Capacity {
    Capacity::shared(usize::try_from(2 * live).expect("fits"))
}

fn window(live: u64) -> ReplayWindow {
    ReplayWindow::new(RETENTION, capacity(live), START).expect("a good configuration")
}

fn moka(live: u64) -> ReplayMoka {
    ReplayMoka::new(RETENTION, capacity(live), START).expect("a good configuration")
}

/// Requests for a store at a steady rate: each new one is a little later than the one before, and as
/// one enters, an old one is over.
struct Feed<S> {
    store: S,
    key_id: KeyId,
    live: u64,
    next: Cell<u64>,
    probes: Cell<u64>,
    bytes_per_entry: f64,
}

impl<S: ReplayStore> Feed<S> {
    /// Fills the store to where it stays.
    fn new(name: &str, live: u64, store: S) -> Self {
        let key_id = KeyId::new("2026-11-a").expect("a label");
        let (next, probes) = (Cell::new(0), Cell::new(0));
        let mut feed = Self { store, key_id, live, next, probes, bytes_per_entry: 0.0 };
        let before = resident_bytes();
        for _ in 0..live * 5 / 4 {
            feed.admit_new();
        }
        feed.bytes_per_entry = (resident_bytes() - before) / feed.store.live() as f64;
        println!(
            "{name}: {} live, {:.1} bytes an entry (resident)",
            feed.store.live(),
            feed.bytes_per_entry
        );
        feed
    }

    fn admit_new(&self) {
        let number = self.next.replace(self.next.get() + 1);
        assert!(matches!(self.admit(number, self.date(number)), Admission::Fresh { .. }));
    }

    fn admit_known(&self) {
        self.probes.set(self.probes.get() + 1);
        let newest = self.next.get() - 1;
        let number = newest - scramble(self.probes.get()) % (self.live * 7 / 8);
        assert_eq!(self.admit(number, self.date(newest)), Admission::Replayed);
    }

    fn admit(&self, number: u64, now: UnixTime) -> Admission {
        admit(&self.store, &self.key_id, number, self.date(number), now)
    }

    fn date(&self, number: u64) -> UnixTime {
        date(number, self.live)
    }
}

fn admit(
    store: &impl ReplayStore,
    key_id: &KeyId,
    number: u64,
    date: UnixTime,
    now: UnixTime,
) -> Admission {
    let identity = &identity(number);
    store.admit(&Use { identity, key_id, date, max_uses: NonZeroU8::MIN }, now).now()
}

fn date(number: u64, live: u64) -> UnixTime {
    START.saturating_add(i64::try_from(number * KEPT_S / live).expect("fits"))
}

/// As evenly spread as a MAC.
fn identity(number: u64) -> Identity {
    let mut mac = [0x5a; Identity::BYTES];
    mac[..8].copy_from_slice(&scramble(number).to_le_bytes());
    Identity::from_mac(mac)
}

/// splitmix64.
fn scramble(number: u64) -> u64 {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn resident_bytes() -> f64 {
    memory_stats().map_or(0.0, |stats| stats.physical_mem as f64)
}

/// What is left of the throughput of two threads with a store each when they share one.
fn two_threads<S: ReplayStore>(name: &str, feed: &Feed<S>, other: &Feed<S>) -> f64 {
    let (mut alone, mut together, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..if is_measuring() { 31 } else { 1 } {
        alone.push(requests_per_second(&[feed]));
        let (shared, apart) =
            (requests_per_second(&[feed, feed]), requests_per_second(&[feed, other]));
        together.push(shared);
        ratios.push(shared / apart);
    }
    let (alone, together, ratio) = (median(alone) / 1e6, median(together) / 1e6, median(ratios));
    println!(
        "{name}: {alone:.2} M/s on one thread, {together:.2} on two, {ratio:.2} x two windows"
    );
    ratio
}

/// New requests, on one thread for each feed.
fn requests_per_second<S: ReplayStore>(feeds: &[&Feed<S>]) -> f64 {
    let (threads, live) = (feeds.len() as u64, feeds[0].live);
    // A tenth of the window at once: no thread can fall behind by more than a tenth of it.
    let times = live / 10;
    let first = feeds.iter().map(|feed| feed.next.get()).max().unwrap_or(0);
    feeds.iter().for_each(|feed| feed.next.set(first + times));
    let stores: Vec<_> = feeds.iter().map(|feed| (&feed.store, &feed.key_id)).collect();
    throughput(feeds.len(), times / threads, |thread, time| {
        let number = first + time * threads + thread as u64;
        let ((store, key_id), date) = (stores[thread], date(number, live));
        black_box(admit(store, key_id, number, date, date));
    })
}

/// The longest that one admission takes while seconds of a window go over: the median of five runs,
/// as the kernel's own pauses are charged to whoever it pauses.
fn window_pause(feed: &Feed<ReplayWindow>) -> f64 {
    let run = || longest(feed.live / 20, || feed.admit_new());
    let pause = median((0..5).map(|_| run()).collect());
    println!("window, 10 M live: worst pause {:.2} ms", pause * 1e3);
    pause
}

/// The longest that one insertion takes while one set behind a mutex is filled.
fn set_pause(live: u64) -> f64 {
    let (set, next) = (Mutex::new(HashSet::new()), Cell::new(0));
    let pause = longest(live, || {
        let number = next.replace(next.get() + 1);
        set.lock().expect("not poisoned").insert(identity(number));
    });
    println!("Mutex<HashSet>, filled to 10 M: worst pause {:.2} ms", pause * 1e3);
    pause
}

/// In CPU time, which leaves out what other processes took from this one.
fn longest(times: u64, mut work: impl FnMut()) -> f64 {
    let mut longest = Duration::ZERO;
    for _ in 0..times {
        let start = ThreadTime::now();
        work();
        longest = longest.max(start.elapsed());
    }
    longest.as_secs_f64()
}
