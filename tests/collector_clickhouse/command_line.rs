//! From SQLite to ClickHouse by `wafpass collector migrate`, as its operator does it.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use wafpass::clock::{self, SystemClock};
use wafpass::collector::catalogue::{Catalogue, TenantSettings};
use wafpass::collector::query::{Exactness, Filter, Histogram, HistogramQuery};
use wafpass::collector::store::Store;
use wafpass::collector::store::sqlite::SqliteStore;
use wafpass::collector::{NewEvent, StoredEvent, TenantId};

use crate::engine::{Engine, new_database, options};
use crate::lab::open;
use crate::support::compare::{ALL_TIME, ROOMY, everything, page_of};
use crate::support::events::{MIDNIGHT, acme, event, full_event, globex, put};

const DAY_S: i64 = 86_400;

/// A data folder as a collector leaves it when it is stopped: three days of `acme`'s, the last of them today, and
/// one event of `globex`'s.
async fn data_folder(folder: &Path) {
    let catalogue = catalogue(folder);
    let store = SqliteStore::open(folder, catalogue.clone()).unwrap();
    for tenant in [acme(), globex()] {
        catalogue.add_tenant(&tenant, &TenantSettings::default()).unwrap();
    }
    // Within the retention, whenever the test runs.
    let today = (clock::now().as_secs() - MIDNIGHT.as_ms() / 1_000).div_euclid(DAY_S);
    for (day, count) in [(today - 2, 20), (today - 1, 1_500), (today, 30)] {
        let events = (0..count)
            .map(|n| full_event(day * DAY_S + n, u128::try_from(day.abs() * 10_000 + n).unwrap()));
        put(&store, &acme(), events.collect()).await;
    }
    put(&store, &globex(), vec![event(today * DAY_S, 1)]).await;
    store.close().await.unwrap();
}

fn catalogue(folder: &Path) -> Arc<Catalogue> {
    Arc::new(Catalogue::open(folder, Arc::new(SystemClock)).unwrap())
}

fn migrate(folder: &Path, database: &str, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wafpass"))
        .args(["collector", "migrate", "--uncompressed", "--database", database])
        .args(["--to-clickhouse", &Engine::shared().url(), "--data"])
        .arg(folder)
        .args(more)
        .output()
        .unwrap()
}

fn said(output: &Output) -> &str {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(errors, "");
    std::str::from_utf8(&output.stdout).unwrap()
}

async fn by_hour(store: &dyn Store, tenant: &TenantId) -> Histogram {
    let (range, filter, budget) = (ALL_TIME, Filter::default(), ROOMY);
    let (interval_s, group, max_groups) = (30 * 86_400, None, 1);
    let query = HistogramQuery { range, filter, interval_s, group, max_groups, budget };
    store.histogram(tenant, query).await.unwrap()
}

fn events(stored: Vec<StoredEvent>) -> Vec<NewEvent> {
    stored.into_iter().map(|stored| stored.event).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_moves_everything_and_a_second_run_finds_it_there() {
    let (folder, database) = (tempfile::tempdir().unwrap(), new_database());
    data_folder(folder.path()).await;

    let first = migrate(folder.path(), &database, &["--tenant", "globex"]);
    assert_eq!(said(&first), "globex: 1 events moved, 1 days compared\n");
    let all = migrate(folder.path(), &database, &[]);
    let moved = "acme: 1550 events moved, 3 days compared\n\
                 globex: 0 events moved, 1 days compared\n";
    assert_eq!(said(&all), moved);
    let again = migrate(folder.path(), &database, &[]);
    let there = "acme: 0 events moved, 3 days compared\n\
                 globex: 0 events moved, 1 days compared\n";
    assert_eq!(said(&again), there);

    // As the collector opens both after it.
    let catalogue = catalogue(folder.path());
    let old = SqliteStore::open(folder.path(), catalogue.clone()).unwrap();
    let new = open(options(&Engine::shared().url(), &database), catalogue).await;
    for tenant in [acme(), globex()] {
        let (before, after) = (by_hour(&old, &tenant).await, by_hour(&*new, &tenant).await);
        assert_eq!(after.exactness, Exactness::Exact);
        assert_eq!(before.series, after.series);
        let (before, after) = (everything(&old, &tenant).await, everything(&*new, &tenant).await);
        assert_eq!(events(before), events(after), "each event as it was");
    }
    let page = new.page(&acme(), page_of(40)).await.unwrap();
    assert_eq!(page.events.len(), 40);
    assert!(page.next.is_some());
    assert_eq!(events(page.events), events(old.page(&acme(), page_of(40)).await.unwrap().events));
}

/// Nobody writes to the old store meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_collector_has_to_be_stopped_first() {
    let (folder, database) = (tempfile::tempdir().unwrap(), new_database());
    data_folder(folder.path()).await;
    let running = SqliteStore::open(folder.path(), catalogue(folder.path())).unwrap();
    let refused = migrate(folder.path(), &database, &[]);
    let errors = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{errors}");
    assert!(errors.contains("another process has") && errors.contains("try:"), "{errors}");
    drop(running);
    let told = migrate(folder.path(), &database, &["--tenant", "initech"]);
    assert_eq!(said(&told), "initech: 0 events moved, 0 days compared\n");
}
