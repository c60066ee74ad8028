//! How wafpass is measured: against a baseline, in one process, in thread CPU time.
//!
//! Numbers of different runs on a shared machine differ by a quarter; ratios inside one run by a
//! twentieth. So all candidates of a [`Comparison`] are run in turn, a few milliseconds each, and
//! what counts is the median over the rounds of each one's ratio to the baseline.
//!
//! ```no_run
//! use wafpass_benches::{Comparison, Gate};
//!
//! fn main() -> std::process::ExitCode {
//!     let text = "20261122T003000Z";
//!     let report = Comparison::new("find the T")
//!         .candidate("bytes", || text.bytes().position(|byte| byte == b'T')) // the baseline
//!         .candidate("chars", || text.chars().position(|char| char == 'T'))
//!         .run();
//!
//!     let mut gate = Gate::new();
//!     gate.at_most("chars / bytes", report.ratio("chars"), 3.0);
//!     gate.finish() // fails only when the run has `--gate`
//! }
//! ```
//!
//! `cargo bench -p wafpass-benches --bench NAME` measures, `… -- --gate` also fails when a limit is
//! missed, and `cargo test --benches` only sees that everything runs.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads clocks")]

pub mod load;
pub mod request;

use std::env;
use std::fmt;
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;

/// CPU time of one sample: long beside a clock reading (0.3 µs), short beside a scheduler's slice.
const SAMPLE: Duration = Duration::from_millis(3);

/// Inputs that are made at a time: together some 100 KB, and a clock reading adds a few ns to each.
const BATCH: u64 = 64;

/// Samples for each candidate, each in a round with one of every other candidate.
const ROUNDS: usize = 21;

/// Whether this run is to measure (`cargo bench`), and not only to see that everything runs.
#[must_use]
pub fn is_measuring() -> bool {
    env::args().any(|arg| arg == "--bench")
}

/// Candidates that do the same work in different ways.
pub struct Comparison<'a> {
    title: String,
    rounds: usize,
    candidates: Vec<Candidate<'a>>,
}

struct Candidate<'a> {
    name: String,
    /// Runs the work this many times, and says how long that took.
    work: Box<dyn FnMut(u64) -> Duration + 'a>,
    samples_ns: Vec<f64>,
}

impl<'a> Comparison<'a> {
    /// A comparison without candidates.
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), rounds: ROUNDS, candidates: Vec::new() }
    }

    /// Takes this many samples of each candidate instead of 21.
    #[must_use]
    pub fn rounds(mut self, rounds: usize) -> Self {
        self.rounds = rounds;
        self
    }

    /// Adds a candidate; the first one is the baseline. What `work` returns is kept from the
    /// optimizer; what it reads from outside is better passed through [`black_box`].
    #[must_use]
    pub fn candidate<T>(mut self, name: &str, mut work: impl FnMut() -> T + 'a) -> Self {
        let work = Box::new(move |times| {
            let start = ThreadTime::now();
            for _ in 0..times {
                black_box(work());
            }
            start.elapsed()
        });
        self.candidates.push(Candidate { name: name.into(), work, samples_ns: Vec::new() });
        self
    }

    /// Adds a candidate that uses up an input each time. Inputs are made a few at a time while the
    /// clock stands, so that they are in the cache as they would be; what becomes of them is dropped
    /// while it runs.
    #[must_use]
    pub fn candidate_with<I, T>(
        mut self,
        name: &str,
        mut input: impl FnMut() -> I + 'a,
        mut work: impl FnMut(I) -> T + 'a,
    ) -> Self {
        let work = Box::new(move |times: u64| {
            let mut took = Duration::ZERO;
            let mut inputs = Vec::new();
            let mut left = times;
            while left > 0 {
                let batch = left.min(BATCH);
                inputs.extend((0..batch).map(|_| input()));
                let start = ThreadTime::now();
                for input in inputs.drain(..) {
                    black_box(work(input));
                }
                took += start.elapsed();
                left -= batch;
            }
            took
        });
        self.candidates.push(Candidate { name: name.into(), work, samples_ns: Vec::new() });
        self
    }

    /// Measures, prints the table, and gives it back.
    ///
    /// # Panics
    ///
    /// Without a candidate.
    #[must_use]
    pub fn run(mut self) -> Report {
        let (rounds, sample) =
            if is_measuring() { (self.rounds, SAMPLE) } else { (1, Duration::ZERO) };
        let times: Vec<u64> =
            self.candidates.iter_mut().map(|candidate| candidate.calibrate(sample)).collect();
        for _ in 0..rounds {
            for (candidate, &times) in self.candidates.iter_mut().zip(&times) {
                let took = (candidate.work)(times);
                candidate.samples_ns.push(nanos(took) / times as f64);
            }
        }
        let baseline = self.candidates.first().expect("a candidate").samples_ns.clone();
        let rows = self.candidates.into_iter().map(|candidate| Row::new(candidate, &baseline));
        let report = Report { title: self.title, rows: rows.collect() };
        println!("{report}");
        report
    }
}

impl Candidate<'_> {
    /// How many times make a sample. The work done to find out warms the caches.
    fn calibrate(&mut self, sample: Duration) -> u64 {
        let mut times = 1;
        loop {
            let took = (self.work)(times);
            if took >= sample {
                return times;
            }
            let wanted = nanos(sample) / nanos(took).max(1.0);
            times = (times as f64 * wanted.clamp(1.2, 10.0)).ceil() as u64;
        }
    }
}

/// What a comparison found. Displays as a table.
pub struct Report {
    title: String,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    median_ns: f64,
    fastest_ns: f64,
    ratio: f64,
}

impl Row {
    fn new(candidate: Candidate<'_>, baseline_ns: &[f64]) -> Self {
        let samples_ns = candidate.samples_ns;
        let ratios = samples_ns.iter().zip(baseline_ns).map(|(own, base)| own / base).collect();
        Self {
            name: candidate.name,
            fastest_ns: samples_ns.iter().copied().fold(f64::INFINITY, f64::min),
            median_ns: median(samples_ns),
            ratio: median(ratios),
        }
    }
}

impl Report {
    /// The median time of one run of `name`.
    ///
    /// # Panics
    ///
    /// When there is no such candidate.
    #[must_use]
    pub fn ns(&self, name: &str) -> f64 {
        self.row(name).median_ns
    }

    /// How many times as long as the baseline `name` takes.
    ///
    /// # Panics
    ///
    /// When there is no such candidate.
    #[must_use]
    pub fn ratio(&self, name: &str) -> f64 {
        self.row(name).ratio
    }

    fn row(&self, name: &str) -> &Row {
        self.rows.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("no {name:?}"))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
        let baseline = self.rows.first().map_or("", |row| &row.name);
        writeln!(f, "\n{}", self.title)?;
        writeln!(f, "  {:width$} {:>12} {:>12}   x {baseline}", "", "median ns", "fastest ns")?;
        for Row { name, median_ns, fastest_ns, ratio } in &self.rows {
            writeln!(f, "  {name:width$} {median_ns:12.1} {fastest_ns:12.1}   {ratio:.2}")?;
        }
        Ok(())
    }
}

/// Runs `work` on `threads` threads at once, each for `times` times, and returns the operations that
/// all of them together did in a second of wall time. `work` is told the number of its thread.
///
/// # Panics
///
/// When `work` does, and without threads.
pub fn throughput(threads: usize, times: u64, work: impl Fn(usize, u64) + Sync) -> f64 {
    let times = if is_measuring() { times } else { times.min(100) };
    let (start, work) = (&Barrier::new(threads), &work);
    let spans: Vec<(Instant, Instant)> = thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|number| {
                scope.spawn(move || {
                    start.wait();
                    let began = Instant::now();
                    (0..times).for_each(|time| work(number, time));
                    (began, Instant::now())
                })
            })
            .collect();
        running.into_iter().map(|thread| thread.join().expect("the work does not panic")).collect()
    });
    let began = spans.iter().map(|(began, _)| *began).min().expect("at least one thread");
    let ended = spans.iter().map(|(_, ended)| *ended).max().expect("at least one thread");
    threads as f64 * times as f64 / (ended - began).as_secs_f64()
}

/// Limits that a run is held to. Always printed; missing one fails the run when it has `--gate`.
pub struct Gate {
    enforced: bool,
    missed: usize,
}

impl Gate {
    /// A gate for this run.
    #[must_use]
    pub fn new() -> Self {
        Self { enforced: env::args().any(|arg| arg == "--gate"), missed: 0 }
    }

    /// `value` may be `limit` at most.
    pub fn at_most(&mut self, what: &str, value: f64, limit: f64) {
        self.check(what, value, "<=", limit, value <= limit);
    }

    /// `value` has to be `limit` at least.
    pub fn at_least(&mut self, what: &str, value: f64, limit: f64) {
        self.check(what, value, ">=", limit, value >= limit);
    }

    fn check(&mut self, what: &str, value: f64, relation: &str, limit: f64, met: bool) {
        if !is_measuring() {
            return;
        }
        let verdict = if met { "met   " } else { "MISSED" };
        println!("{verdict} {what}: {value:.2}, wanted {relation} {limit:.2}");
        self.missed += usize::from(!met);
    }

    /// The exit code of the run.
    #[must_use]
    pub fn finish(self) -> ExitCode {
        if self.enforced && self.missed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

/// The middle of `samples`.
///
/// # Panics
///
/// When there is none.
#[must_use]
pub fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

fn nanos(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}
