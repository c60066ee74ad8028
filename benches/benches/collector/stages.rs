//! What each step costs a line: processor time, one after the other in this process.

use std::hint::black_box;
use std::io::Read;
use std::sync::Arc;

use cpu_time::{ProcessTime, ThreadTime};
use flate2::read::MultiGzDecoder;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use wafpass::clock::SystemClock;
use wafpass::collector::catalogue::{
    BatchCounts, BatchKey, BatchRecord, Catalogue, TenantSettings,
};
use wafpass::collector::ingest::Rules;
use wafpass::collector::limits::CHUNK_EVENTS;
use wafpass::collector::store::Store;
use wafpass::collector::store::sqlite::SqliteStore;
use wafpass::collector::{EventTime, Intake, NewEvent};
use wafpass_benches::load::{LoggedEvent, gzipped};
use wafpass_benches::{Gate, is_measuring, median};

use crate::bare;
use crate::growth;
use crate::service::{disk_folder, tenant};

const ROUNDS: usize = 7;
const LINES: usize = 50_000;

pub(crate) fn run(_: &mut Gate) {
    let (rounds, count) = if is_measuring() { (ROUNDS, LINES) } else { (1, 200) };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let folder = disk_folder();
    let catalogue = Catalogue::open(folder.path(), Arc::new(SystemClock)).expect("a catalogue");
    catalogue.add_tenant(&tenant(), &TenantSettings::default()).expect("a tenant");
    let store = SqliteStore::open(folder.path(), Arc::new(catalogue)).expect("a store");
    let now = EventTime::from_ms(wafpass::clock::now().as_secs() * 1_000);
    let rules = Rules::new(tenant(), Intake::Logpush, &[7; 32], now);

    let mut load = growth::load(6);
    let mut stages: [(&str, Vec<f64>); 5] = [
        "inflate",
        "hash the body",
        "read the line, check, name",
        "store, roll up, commit",
        "bare loop",
    ]
    .map(|name| (name, Vec::new()));
    for _ in 0..rounds {
        let events: Vec<LoggedEvent> = load.by_ref().take(count).collect();
        let rows: Vec<bare::Row> = events.iter().map(bare::row).collect();
        let mut lines = String::new();
        events.iter().for_each(|event| event.write_line(&mut lines));
        let packed = gzipped(&lines);

        let cpu = ThreadTime::now();
        let mut part = vec![0; 64 << 10];
        let mut decoder = MultiGzDecoder::new(packed.as_slice());
        while decoder.read(&mut part).expect("packed") > 0 {
            black_box(&part);
        }
        stages[0].1.push(cpu.elapsed().as_secs_f64());

        let cpu = ThreadTime::now();
        let mut mac = Hmac::<Sha256>::new((&[7; 64]).into());
        mac.update(lines.as_bytes());
        black_box(mac.finalize());
        stages[1].1.push(cpu.elapsed().as_secs_f64());

        let cpu = ThreadTime::now();
        let read: Vec<NewEvent> =
            lines.lines().map(|line| rules.read(line.as_bytes()).expect("an event")).collect();
        stages[2].1.push(cpu.elapsed().as_secs_f64());

        // The writer is a thread of its own.
        let cpu = ProcessTime::now();
        runtime.block_on(put(&store, read));
        stages[3].1.push(cpu.elapsed().as_secs_f64());

        let own = disk_folder();
        let mut connection = bare::open(own.path());
        let cpu = ThreadTime::now();
        bare::insert(&mut connection, &rows);
        stages[4].1.push(cpu.elapsed().as_secs_f64());
    }
    println!("\nstages, CPU us a line of 1 KB");
    for (name, seconds) in stages {
        println!("  {name:28} {:8.2}", median(seconds) * 1e6 / count as f64);
    }
    println!();
}

/// Stores events as one batch, in chunks as ingest makes them.
pub(crate) async fn put(store: &dyn Store, events: Vec<NewEvent>) {
    let batch = store.begin(&tenant(), Intake::Logpush).expect("a number");
    let mut counts = BatchCounts::default();
    let mut events = events.into_iter().peekable();
    while events.peek().is_some() {
        let written = store
            .write(batch, events.by_ref().take(CHUNK_EVENTS).collect())
            .await
            .expect("written");
        counts.stored += written.stored;
    }
    let record = BatchRecord {
        tenant: tenant(),
        intake: Intake::Logpush,
        key: BatchKey::Given(batch.0.to_string()),
        body_hash: [0; 32],
        received_ms: 0,
        counts,
        quarantined: Vec::new(),
    };
    store.commit(batch, record).await.expect("committed");
}
