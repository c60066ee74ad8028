//! Several collectors on one database.

use std::sync::Arc;

use wafpass::collector::Intake;
use wafpass::collector::store::{Store, StoreError};

use crate::engine::Engine;
use crate::lab::open;
use crate::support::compare::{briefs, everything};
use crate::support::events::{acme, event, put, record, write};
use crate::support::ledger::MemoryLedger;

#[tokio::test]
async fn each_sees_what_all_have_committed_and_nothing_else() {
    let options = Engine::shared().options();
    let mut other = options.clone();
    other.node = 1;
    let first = open(options, Arc::new(MemoryLedger::default())).await;
    let second = open(other.clone(), Arc::new(MemoryLedger::default())).await;
    put(&*first, &acme(), vec![event(0, 1)]).await;
    put(&*second, &acme(), vec![event(1, 2)]).await;
    let (open_batch, written) = write(&*second, &acme(), vec![event(2, 3)]).await.unwrap();
    for store in [&first, &second] {
        assert_eq!(briefs(&everything(&**store, &acme()).await).len(), 2);
    }
    // An event of a batch under way conflicts, wherever it is under way.
    let conflict = write(&*first, &acme(), vec![event(2, 3)]).await;
    assert!(matches!(conflict, Err(StoreError::Conflict)), "{conflict:?}");
    second.commit(open_batch, record(&acme(), written)).await.unwrap();
    assert_eq!(everything(&*first, &acme()).await.len(), 3);
    let (_, again) =
        write(&*first, &acme(), vec![event(0, 1), event(1, 2), event(2, 3)]).await.unwrap();
    assert_eq!((again.stored, again.repeated), (0, 3), "repeats are known, whoever stored them");
}

#[tokio::test]
async fn a_start_of_one_leaves_the_batches_of_another_alone() {
    let options = Engine::shared().options();
    let mut other = options.clone();
    other.node = 1;
    let first = open(options, Arc::new(MemoryLedger::default())).await;
    let (batch, written) = write(&*first, &acme(), vec![event(0, 1)]).await.unwrap();
    let second = open(other, Arc::new(MemoryLedger::default())).await;
    assert_eq!(everything(&*second, &acme()).await, []);
    first.commit(batch, record(&acme(), written)).await.unwrap();
    assert_eq!(everything(&*second, &acme()).await.len(), 1);
    let theirs = second.begin(&acme(), Intake::Native).unwrap();
    assert_eq!(theirs.0 >> 44, 1, "the node stands in the number");
    assert!(theirs.0 < 1 << 52, "which JSON holds exactly");
}

#[tokio::test]
async fn a_new_catalogue_takes_no_number_twice() {
    let options = Engine::shared().options();
    let store = open(options.clone(), Arc::new(MemoryLedger::default())).await;
    let mut last = put(&*store, &acme(), vec![event(0, 1)]).await;
    for number in 2..2_000 {
        // Numbers that nothing was written under.
        last = store.begin(&acme(), Intake::Native).unwrap();
        store.abort(last);
        assert!(last.0 >= number);
    }
    last = last.max(put(&*store, &acme(), vec![event(0, 2)]).await);
    drop(store);
    let store = open(options, Arc::new(MemoryLedger::default())).await;
    assert!(store.begin(&acme(), Intake::Native).unwrap() > last);
    assert_eq!(everything(&*store, &acme()).await.len(), 2, "and shows what is there");
}
