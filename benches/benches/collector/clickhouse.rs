//! Durable ingest into ClickHouse beside a bare insert of the same rows by the official client.
//!
//! The engine is the one of the tests: the real one, behind an HTTP front in Python that runs one query at a time
//! and knows no compression. The front's work for each request is in all figures; it weighs most on whoever
//! asks most, which is not the bare insert. None of them is a measure of a ClickHouse server.
//!
//! Each way has tables of its own, of one shape, and all get the same events.

mod bare;
mod engine;

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use cpu_time::ProcessTime;
use tokio::runtime::Runtime;
use wafpass::clock::SystemClock;
use wafpass::collector::catalogue::{Catalogue, TenantSettings};
use wafpass::collector::ingest::Rules;
use wafpass::collector::store::Store;
use wafpass::collector::store::clickhouse::{ClickHouseOptions, ClickHouseStore, Compression};
use wafpass::collector::{EventTime, Intake, NewEvent};
use wafpass_benches::load::LoggedEvent;
use wafpass_benches::{Gate, is_measuring, median};

use self::engine::Engine;
use crate::growth;
use crate::ingest::{Figures, Took, service_round};
use crate::service::{Service, disk_folder, tenant};
use crate::stages::put;

const ROUNDS: usize = 7;
/// Lines of a batch.
const SIZES: [usize; 2] = [10_000, 100_000];
/// Lines that one round puts in, whatever the size of a batch.
const LINES: usize = 100_000;

/// What all ways share.
struct Lab {
    engine: Engine,
    runtime: Runtime,
    rules: Rules,
}

/// Stores events, and says what that took.
type Put<'l> = Box<dyn FnMut(&[LoggedEvent]) -> Took + 'l>;

/// A way of storing, with its tables.
struct Way<'l> {
    name: String,
    database: String,
    put: Put<'l>,
    figures: Figures,
    /// Processor time of the engine, with its front, for an event.
    engine_us: Vec<f64>,
}

pub(crate) fn run(_: &mut Gate) {
    let (rounds, lines) = if is_measuring() { (ROUNDS, LINES) } else { (1, 200) };
    let lab = Lab::new();
    let mut ways: Vec<Way<'_>> = SIZES.map(|size| store(&lab, size)).into();
    ways.extend(SIZES.map(|size| service(&lab, size)));
    // Its table is made after a store's.
    let model = ways[0].database.clone();
    ways.insert(0, bare_insert(&lab, &model));
    let mut load = growth::load(7);
    for _ in 0..rounds {
        let events: Vec<LoggedEvent> = load.by_ref().take(lines).collect();
        ways.iter_mut().for_each(|way| way.round(&lab, &events));
    }
    for way in &ways {
        let rows = lab.runtime.block_on(lab.engine.count(&format!("{}.events", way.database)));
        assert_eq!(rows, (rounds * lines) as u64, "{}: all of them, each once", way.name);
    }
    report(&lab.engine, &ways);
}

impl Lab {
    fn new() -> Self {
        let now = EventTime::from_ms(wafpass::clock::now().as_secs() * 1_000);
        Self {
            engine: Engine::start(),
            runtime: Runtime::new().expect("a runtime"),
            rules: Rules::new(tenant(), Intake::Logpush, &[7; 32], now),
        }
    }

    /// Events as ingest hands them to a store.
    fn read(&self, events: &[LoggedEvent]) -> Vec<NewEvent> {
        let mut line = String::new();
        let read = |event: &LoggedEvent| {
            line.clear();
            event.write_line(&mut line);
            self.rules.read(line.trim_end().as_bytes()).expect("an event")
        };
        events.iter().map(read).collect()
    }

    fn timed(&self, work: impl Future<Output = ()>) -> Took {
        let (start, cpu) = (Instant::now(), ProcessTime::now());
        self.runtime.block_on(work);
        Took { wall_s: start.elapsed().as_secs_f64(), cpu_s: cpu.elapsed().as_secs_f64() }
    }
}

impl<'l> Way<'l> {
    fn new(name: &str, database: String, put: impl FnMut(&[LoggedEvent]) -> Took + 'l) -> Self {
        let (name, put) = (name.to_owned(), Box::new(put));
        Self { name, database, put, figures: Figures::default(), engine_us: Vec::new() }
    }

    fn round(&mut self, lab: &Lab, events: &[LoggedEvent]) {
        lab.runtime.block_on(lab.engine.rest());
        let cpu = lab.engine.cpu();
        self.figures.round(events.len(), || (self.put)(events));
        let cpu = (lab.engine.cpu() - cpu).as_secs_f64();
        self.engine_us.push(cpu * 1e6 / events.len() as f64);
    }
}

fn bare_insert<'l>(lab: &'l Lab, model: &str) -> Way<'l> {
    let database = "bare";
    let client = lab.runtime.block_on(bare::open(&lab.engine.client(), database, model));
    Way::new("bare insert, batches of 10000", database.to_owned(), move |events| {
        let (tenant, events) = (tenant(), lab.read(events));
        let rows: Vec<_> =
            events.iter().map(|event| bare::EventRow::of(tenant.as_str(), event)).collect();
        lab.timed(bare::insert(&client, &rows))
    })
}

/// The store in this process: no HTTP, no line is read.
fn store(lab: &Lab, size: usize) -> Way<'_> {
    let (database, folder) = (format!("store_{size}"), disk_folder());
    let catalogue = Catalogue::open(folder.path(), Arc::new(SystemClock)).expect("a catalogue");
    catalogue.add_tenant(&tenant(), &TenantSettings::default()).expect("a tenant");
    let opened = open(&lab.engine.url, &database, Arc::new(catalogue));
    let store = lab.runtime.block_on(opened);
    Way::new(&format!("store, batches of {size}"), database, move |events| {
        let _kept = &folder; // the catalogue's, as long as its store
        let batches: Vec<Vec<NewEvent>> =
            events.chunks(size).map(|batch| lab.read(batch)).collect();
        lab.timed(async {
            for batch in batches {
                put(&store, batch).await;
            }
        })
    })
}

/// The whole collector, over HTTP.
fn service(lab: &Lab, size: usize) -> Way<'_> {
    let database = format!("service_{size}");
    let service = Service::on_clickhouse(&lab.engine.url, &database);
    Way::new(&format!("service, batches of {size}"), database, move |events| {
        service_round(&service, events, size, 1)
    })
}

/// A store without a spool: a batch that does not get to ClickHouse fails the run.
pub(crate) async fn open(url: &str, database: &str, catalogue: Arc<Catalogue>) -> impl Store {
    let mut options = ClickHouseOptions::new(url, database);
    options.compression = Compression::None;
    ClickHouseStore::open(options, catalogue, Arc::new(SystemClock)).await.expect("a store")
}

fn report(engine: &Engine, ways: &[Way<'_>]) {
    println!("\nclickhouse {}, the same lines of 1 KB, durable at the answer", engine.version);
    println!("  {:30} {:>10} {:>12} {:>10}   x bare", "", "events/s", "CPU us/event", "engine's");
    for Way { name, figures, engine_us, .. } in ways {
        let (per_s, cpu_us, engine_us) =
            (figures.per_s(), figures.cpu_us(), median(engine_us.clone()));
        let ratio = figures.ratio(&ways[0].figures);
        println!("  {name:30} {per_s:10.0} {cpu_us:12.1} {engine_us:10.1}   {ratio:.2}");
    }
    println!();
}
