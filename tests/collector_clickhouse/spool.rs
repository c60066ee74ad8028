//! ClickHouse away, with a spool: batches are acknowledged, wait, and come in order.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use wafpass::collector::Intake;
use wafpass::collector::query::Filter;
use wafpass::collector::store::clickhouse::{ClickHouseOptions, ClickHouseStore, SpoolOptions};
use wafpass::collector::store::{BatchId, Store, StoreError, Written};

use crate::engine::{Engine, new_database, options};
use crate::lab::open;
use crate::proxy::{Fate, Proxy};
use crate::support::compare::{briefs, everything};
use crate::support::events::{acme, event, full_event, globex, put, record, write};
use crate::support::ledger::MemoryLedger;

struct Bench {
    proxy: Proxy,
    options: ClickHouseOptions,
    ledger: Arc<MemoryLedger>,
    folder: TempDir,
}

impl Bench {
    async fn new(max_bytes: u64) -> Self {
        let proxy = Proxy::to(Engine::shared().port).await;
        let folder = tempfile::tempdir().unwrap();
        let mut options = options(&proxy.url, &new_database());
        options.spool = Some(SpoolOptions::new(folder.path().join("spool"), max_bytes));
        Self { proxy, options, ledger: Arc::default(), folder }
    }

    async fn open(&self) -> Arc<ClickHouseStore> {
        open(self.options.clone(), self.ledger.clone()).await
    }

    fn files(&self) -> Vec<PathBuf> {
        files(&self.folder.path().join("spool"))
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|e| e == "batch")).collect();
    files.sort();
    files
}

/// Waits until nothing is left to drain.
async fn drained(store: &ClickHouseStore) {
    for _ in 0..3_000 {
        if store.spooled().0 == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the spool is not drained: {store:?}");
}

#[tokio::test]
async fn batches_wait_in_the_spool_and_come_in_order() {
    let bench = Bench::new(1 << 20).await;
    let store = bench.open().await;
    put(&*store, &acme(), vec![event(0, 1)]).await;
    bench.proxy.all(Fate::Refused);
    for number in 2..6 {
        put(&*store, &acme(), vec![event(i64::try_from(number).unwrap(), number)]).await;
    }
    put(&*store, &globex(), vec![full_event(0, 1)]).await;
    assert_eq!((store.spooled().0, bench.files().len()), (5, 5));
    store.ready().await.expect("it takes in");
    assert_eq!(bench.ledger.batches().len(), 6, "all are acknowledged");
    assert!(matches!(store.usage(&acme()).await, Err(StoreError::Unavailable { .. })));
    let before = store.snapshot();

    bench.proxy.all(Fate::Through);
    drained(&store).await;
    let found = everything(&*store, &acme()).await;
    assert_eq!(found.iter().map(|one| one.event.id.0[15]).collect::<Vec<_>>(), [5, 4, 3, 2, 1]);
    assert!(found.is_sorted_by_key(|one| std::cmp::Reverse(one.batch)), "in order");
    assert_eq!(everything(&*store, &globex()).await[0].event, full_event(0, 1), "as it was");
    // Who follows the tail gets them: their numbers began when they came.
    let fresh = store.since(&acme(), before, Filter::default(), 100).await.unwrap();
    assert_eq!(fresh.events.len(), 4);
    assert_eq!(bench.files(), Vec::<PathBuf>::new());
    assert_eq!(store.spooled(), (0, 0));
}

#[tokio::test]
async fn what_is_spooled_outlasts_a_kill() {
    let bench = Bench::new(1 << 20).await;
    let store = bench.open().await;
    bench.proxy.all(Fate::BadGateway);
    put(&*store, &acme(), vec![event(0, 1), event(0, 2)]).await;
    // One that is not committed, and one that is given up.
    write(&*store, &acme(), vec![event(0, 3)]).await.unwrap();
    let (given_up, _) = write(&*store, &acme(), vec![event(0, 4)]).await.unwrap();
    store.abort(given_up);
    assert_eq!(bench.files().len(), 2);
    drop(store);
    // It starts while ClickHouse is still away, and takes in.
    let store = reopened(&bench).await;
    assert_eq!((store.spooled().0, bench.files().len()), (1, 1));
    put(&*store, &acme(), vec![event(0, 5)]).await;
    drop(store);
    bench.proxy.all(Fate::Through);
    let store = reopened(&bench).await;
    drained(&store).await;
    assert_eq!(briefs(&everything(&*store, &acme()).await), ["5@+0ns", "2@+0ns", "1@+0ns"]);
}

/// The folder is free as soon as the background of the one before has ended.
async fn reopened(bench: &Bench) -> Arc<ClickHouseStore> {
    for _ in 0..1_000 {
        let clock = Arc::new(wafpass::clock::SystemClock);
        match ClickHouseStore::open(bench.options.clone(), bench.ledger.clone(), clock).await {
            Ok(store) => return Arc::new(store),
            Err(StoreError::Failed { reason }) if reason.contains("another process") => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(other) => panic!("{other}"),
        }
    }
    panic!("the folder stays locked");
}

#[tokio::test]
async fn a_full_spool_refuses_and_keeps_what_it_has() {
    let bench = Bench::new(20_000).await;
    let store = bench.open().await;
    bench.proxy.all(Fate::Refused);
    let mut stored = 0;
    let refused = loop {
        match write(&*store, &acme(), vec![full_event(stored, u128::try_from(stored).unwrap())])
            .await
        {
            Ok((batch, written)) => match store.commit(batch, record(&acme(), written)).await {
                Ok(()) => stored += 1,
                Err(error) => {
                    store.abort(batch);
                    break error;
                }
            },
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, StoreError::Full), "{refused:?}");
    assert!((3..20).contains(&stored), "{stored}");
    assert!(store.spooled().1 <= 20_000);
    assert_eq!(
        bench.files().len(),
        usize::try_from(stored).unwrap(),
        "nothing of the refused is left"
    );
    bench.proxy.all(Fate::Through);
    drained(&store).await;
    assert_eq!(everything(&*store, &acme()).await.len(), usize::try_from(stored).unwrap());
    put(&*store, &acme(), vec![event(-5, 1)]).await;
}

#[tokio::test]
async fn a_batch_that_was_half_way_is_brought_again() {
    let bench = Bench::new(1 << 20).await;
    let store = bench.open().await;
    let batch = store.begin(&acme(), Intake::Native).unwrap();
    store.write(batch, vec![event(0, 1)]).await.unwrap();
    bench.proxy.all(Fate::Refused);
    let second = store.write(batch, vec![event(0, 2)]).await;
    assert!(matches!(second, Err(StoreError::Unavailable { .. })), "{second:?}");
    store.abort(batch);
    // The sender brings it again, all of it.
    put(&*store, &acme(), vec![event(0, 1), event(0, 2)]).await;
    bench.proxy.all(Fate::Through);
    drained(&store).await;
    assert_eq!(briefs(&everything(&*store, &acme()).await), ["2@+0ns", "1@+0ns"]);
}

#[tokio::test]
async fn an_insert_that_arrives_after_it_was_spooled_is_seen_once() {
    let bench = Bench::new(1 << 20).await;
    let store = bench.open().await;
    // ClickHouse takes the rows in, but nobody hears of it.
    bench
        .proxy
        .judge(|text| if text.contains("events%60") { Fate::AnswerLost } else { Fate::Through });
    let (batch, written) = write(&*store, &acme(), vec![event(0, 1)]).await.unwrap();
    assert_eq!(written, Written { stored: 1, repeated: 0 });
    store.commit(batch, record(&acme(), written)).await.unwrap();
    bench.proxy.all(Fate::Through);
    drained(&store).await;
    let found = everything(&*store, &acme()).await;
    assert_eq!(briefs(&found), ["1@+0ns"]);
    assert_ne!(BatchId(found[0].batch), batch, "under the number it got when it was drained");
}

#[tokio::test]
async fn repeats_of_spooled_events_are_stored_once() {
    let bench = Bench::new(1 << 20).await;
    let store = bench.open().await;
    put(&*store, &acme(), vec![event(0, 1)]).await;
    bench.proxy.all(Fate::Refused);
    put(&*store, &acme(), vec![event(0, 1), event(0, 2), event(0, 2)]).await;
    put(&*store, &acme(), vec![event(0, 2), event(0, 3)]).await;
    bench.proxy.all(Fate::Through);
    drained(&store).await;
    assert_eq!(briefs(&everything(&*store, &acme()).await), ["3@+0ns", "2@+0ns", "1@+0ns"]);
    let rows = format!("SELECT count() FROM {}.events", bench.options.database);
    assert_eq!(Engine::shared().ask(&rows).await, "3");
}

#[tokio::test]
async fn a_damaged_file_is_set_aside_and_what_is_whole_of_it_is_stored() {
    let bench = Bench::new(1 << 20).await;
    let store = bench.open().await;
    bench.proxy.all(Fate::Refused);
    let batch = store.begin(&acme(), Intake::Native).unwrap();
    store.write(batch, vec![event(0, 1)]).await.unwrap();
    store.write(batch, vec![event(0, 2)]).await.unwrap();
    store.commit(batch, record(&acme(), Written { stored: 2, repeated: 0 })).await.unwrap();
    put(&*store, &acme(), vec![event(0, 3)]).await;
    let file = bench.files()[0].clone();
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() - 60]).unwrap();
    bench.proxy.all(Fate::Through);
    drained(&store).await;
    assert_eq!(briefs(&everything(&*store, &acme()).await), ["3@+0ns", "1@+0ns"]);
    assert_eq!(files(&bench.folder.path().join("spool/damaged")).len(), 1);
}

#[tokio::test]
async fn deleting_a_tenant_takes_its_spooled_batches_too() {
    let bench = Bench::new(1 << 20).await;
    let store = bench.open().await;
    bench.proxy.all(Fate::TooManyParts);
    put(&*store, &acme(), vec![event(0, 1)]).await;
    put(&*store, &globex(), vec![event(0, 1)]).await;
    assert!(
        store.delete_tenant(&acme()).await.is_err(),
        "ClickHouse is away: it has to be asked again"
    );
    assert_eq!(bench.files().len(), 1);
    bench.proxy.all(Fate::Through);
    drained(&store).await;
    store.delete_tenant(&acme()).await.unwrap();
    assert_eq!(everything(&*store, &acme()).await, []);
    assert_eq!(everything(&*store, &globex()).await.len(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_reads_the_spool() {
    use std::os::unix::fs::PermissionsExt;

    let bench = Bench::new(1 << 20).await;
    let store = bench.open().await;
    bench.proxy.all(Fate::Refused);
    put(&*store, &acme(), vec![event(0, 1)]).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&bench.folder.path().join("spool")), 0o700);
    assert_eq!(mode(&bench.files()[0]), 0o600);
}
