//! Whether it slows down as a day fills.

use std::time::{Duration, Instant};

use wafpass_benches::load::{Load, LoggedEvent};
use wafpass_benches::{Gate, is_measuring, median};

use crate::client::Client;
use crate::ingest::packed;
use crate::service::Service;

/// Lines of a batch.
const BATCH: usize = 50_000;
const MILLION: usize = 1_000_000;
const MILLIONS: usize = 5;
/// Five million events fill most of a day at this rate.
const PER_S: i64 = 65;

/// Events of one day, the one before yesterday: it is over, whatever the time.
pub(crate) fn load(seed: u64) -> Load {
    let today = wafpass::clock::now().as_secs().div_euclid(86_400);
    Load::new(seed, (today - 2) * 86_400, PER_S)
}

/// What one million did, batch by batch.
pub(crate) struct Million {
    per_s: Vec<f64>,
    cpu: Duration,
    rows: usize,
}

/// Fills a day; `watch` sees each batch.
pub(crate) fn fill(
    service: &Service,
    client: &mut Client,
    mut watch: impl FnMut(&[LoggedEvent]),
) -> Vec<Million> {
    let (million, batch) = if is_measuring() { (MILLION, BATCH) } else { (400, 100) };
    let mut load = load(2);
    (0..MILLIONS)
        .map(|_| {
            let mut figures = Million { per_s: Vec::new(), cpu: Duration::ZERO, rows: million };
            for _ in 0..million / batch {
                let events: Vec<LoggedEvent> = load.by_ref().take(batch).collect();
                let body = packed(&events);
                watch(&events);
                let (start, cpu) = (Instant::now(), service.cpu());
                client.post("/v1/logpush", &body, batch);
                figures.per_s.push(batch as f64 / start.elapsed().as_secs_f64());
                figures.cpu += service.cpu() - cpu;
            }
            figures
        })
        .collect()
}

pub(crate) fn run(gate: &mut Gate) {
    let service = Service::start();
    let millions = fill(&service, &mut service.client(), |_| ());
    report(&millions, gate);
}

/// The figures of each million.
pub(crate) fn report(millions: &[Million], gate: &mut Gate) {
    println!(
        "\ngrowth, {} events of one day",
        millions.iter().map(|million| million.rows).sum::<usize>()
    );
    println!("  {:8} {:>14} {:>10} {:>12}", "million", "events/s, mean", "median", "CPU us/event");
    let means: Vec<f64> = millions.iter().map(Million::mean).collect();
    for (number, (million, mean)) in (1..).zip(millions.iter().zip(&means)) {
        let cpu_us = million.cpu.as_secs_f64() * 1e6 / million.rows as f64;
        println!("  {number:8} {mean:14.0} {:10.0} {cpu_us:12.1}", median(million.per_s.clone()));
    }
    println!();
    gate.at_least("growth, the fifth million / the first", means[MILLIONS - 1] / means[0], 0.8);
}

impl Million {
    /// Over the whole of it, the batches all of one size.
    fn mean(&self) -> f64 {
        self.per_s.len() as f64 / self.per_s.iter().map(|per_s| 1.0 / per_s).sum::<f64>()
    }
}
