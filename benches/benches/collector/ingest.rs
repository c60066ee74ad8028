//! Durable ingest beside a bare loop over the same rows.

use std::time::Instant;

use wafpass_benches::load::{LoggedEvent, gzipped};
use wafpass_benches::{Gate, is_measuring, median};

use crate::bare;
use crate::client::Client;
use crate::growth;
use crate::service::{Service, disk_folder};

const ROUNDS: usize = 9;
/// Lines of a batch.
const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
/// Lines that one round puts in, whatever the size of a batch.
const LINES: usize = 100_000;
/// Those who send at once where several do.
const SENDERS: usize = 4;

/// A way of sending.
struct Way {
    name: String,
    /// Lines of a batch.
    size: usize,
    senders: usize,
    figures: Figures,
}

/// Seconds of wall and of processor time.
pub(crate) struct Took {
    pub(crate) wall_s: f64,
    pub(crate) cpu_s: f64,
}

/// What one way of storing did, by round.
#[derive(Default)]
pub(crate) struct Figures {
    per_s: Vec<f64>,
    cpu_us: Vec<f64>,
}

pub(crate) fn run(gate: &mut Gate) {
    let (rounds, lines) = if is_measuring() { (ROUNDS, LINES) } else { (1, 1_000) };
    let service = Service::start();
    let mut load = growth::load(1);
    let mut bare = Figures::default();
    let alone = SIZES.map(|size| (format!("batches of {size}"), size.min(lines), 1));
    let several = (format!("{SENDERS} senders, 1000 each"), 1_000.min(lines / SENDERS), SENDERS);
    let ways = alone.into_iter().chain([several]);
    let mut ways: Vec<Way> = ways
        .map(|(name, size, senders)| Way { name, size, senders, figures: Figures::default() })
        .collect();
    for _ in 0..rounds {
        let events: Vec<LoggedEvent> = load.by_ref().take(lines).collect();
        bare.round(lines, || bare_round(&events));
        for Way { size, senders, figures, .. } in &mut ways {
            let events: Vec<LoggedEvent> = load.by_ref().take(lines).collect();
            figures.round(lines, || service_round(&service, &events, *size, *senders));
        }
    }
    report(&bare, &ways, gate);
}

impl Figures {
    pub(crate) fn round(&mut self, lines: usize, work: impl FnOnce() -> Took) {
        let Took { wall_s, cpu_s } = work();
        self.per_s.push(lines as f64 / wall_s);
        self.cpu_us.push(cpu_s * 1e6 / lines as f64);
    }

    /// Events in a second, the median over the rounds.
    pub(crate) fn per_s(&self) -> f64 {
        median(self.per_s.clone())
    }

    /// Microseconds of processor time for an event, the median over the rounds.
    pub(crate) fn cpu_us(&self) -> f64 {
        median(self.cpu_us.clone())
    }

    /// The median over the rounds of what this did for one of the other.
    pub(crate) fn ratio(&self, other: &Self) -> f64 {
        median(self.per_s.iter().zip(&other.per_s).map(|(own, other)| own / other).collect())
    }
}

/// Puts them into a small table.
fn bare_round(events: &[LoggedEvent]) -> Took {
    let rows: Vec<bare::Row> = events.iter().map(bare::row).collect();
    let folder = disk_folder();
    let mut connection = bare::open(folder.path());
    let (start, cpu) = (Instant::now(), cpu_time::ThreadTime::now());
    bare::insert(&mut connection, &rows);
    Took { wall_s: start.elapsed().as_secs_f64(), cpu_s: cpu.elapsed().as_secs_f64() }
}

/// Posts them in batches of `size`, shared out among the senders.
pub(crate) fn service_round(
    service: &Service,
    events: &[LoggedEvent],
    size: usize,
    senders: usize,
) -> Took {
    let batches: Vec<(Vec<u8>, usize)> =
        events.chunks(size).map(|events| (packed(events), events.len())).collect();
    let mut clients: Vec<Client> = (0..senders).map(|_| service.client()).collect();
    let (start, cpu) = (Instant::now(), service.cpu());
    std::thread::scope(|scope| {
        for (client, share) in
            clients.iter_mut().zip(batches.chunks(batches.len().div_ceil(senders)))
        {
            scope.spawn(move || {
                share.iter().for_each(|(batch, events)| client.post("/v1/logpush", batch, *events))
            });
        }
    });
    Took { wall_s: start.elapsed().as_secs_f64(), cpu_s: (service.cpu() - cpu).as_secs_f64() }
}

/// Events as a sender packs them.
pub(crate) fn packed(events: &[LoggedEvent]) -> Vec<u8> {
    let mut lines = String::with_capacity(events.len() * 1_100);
    events.iter().for_each(|event| event.write_line(&mut lines));
    gzipped(&lines)
}

fn report(bare: &Figures, ways: &[Way], gate: &mut Gate) {
    println!("\ningest, lines of 1 KB, sealed and gzipped, durable at the answer");
    println!("  {:24} {:>10} {:>12}   x bare", "", "events/s", "CPU us/event");
    let named = [("bare loop, batches of 10000", bare)].into_iter();
    let named = named.chain(ways.iter().map(|way| (way.name.as_str(), &way.figures)));
    for (name, figures) in named {
        let (per_s, cpu_us) = (figures.per_s(), figures.cpu_us());
        println!("  {name:24} {per_s:10.0} {cpu_us:12.1}   {:.2}", figures.ratio(bare));
    }
    println!();
    for Way { name, size, senders, figures } in ways {
        if *size >= 10_000 && *senders == 1 {
            gate.at_least(&format!("ingest, {name} / bare loop"), figures.ratio(bare), 0.6);
            gate.at_least(&format!("ingest, {name}, events/s"), figures.per_s(), 40_000.0);
        }
    }
}
