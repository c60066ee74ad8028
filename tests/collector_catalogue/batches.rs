//! The ledger: what is recorded, known again, listed and forgotten.

use wafpass::collector::catalogue::{
    BatchCounts, BatchKey, BatchRecord, Catalogue, Ledger, QuarantineCode, Quarantined,
};
use wafpass::collector::limits::{MAX_QUARANTINED_PER_BATCH, MAX_QUARANTINED_PER_TENANT};
use wafpass::collector::store::{BatchId, StoreError};
use wafpass::collector::{Intake, TenantId};

use crate::{DAY_MS, HOUR_MS, MIDNIGHT_MS, Place, acme, globex};

fn now(after_ms: u64) -> i64 {
    i64::try_from(MIDNIGHT_MS + after_ms).unwrap()
}

pub(crate) fn content(tenant: &TenantId, hash: u8) -> BatchRecord {
    BatchRecord {
        tenant: tenant.clone(),
        intake: Intake::Logpush,
        key: BatchKey::Content,
        body_hash: [hash; 32],
        received_ms: now(0),
        counts: BatchCounts { stored: 10, repeated: 2, quarantined: 0, bytes: 1_000 },
        quarantined: Vec::new(),
    }
}

pub(crate) fn given(tenant: &TenantId, key: &str) -> BatchRecord {
    let mut record = content(tenant, 1);
    record.key = BatchKey::Given(key.to_owned());
    record.quarantined = vec![Quarantined { line: 7, code: QuarantineCode::NotSealed, bytes: 99 }];
    record.counts.quarantined = 1;
    record
}

fn numbers(
    catalogue: &Catalogue,
    tenant: &TenantId,
    before: Option<u64>,
    limit: usize,
) -> Vec<u64> {
    catalogue.batches(tenant, before, limit).unwrap().iter().map(|batch| batch.batch).collect()
}

#[test]
fn a_repeat_is_known_by_its_key_within_tenant_and_door() {
    let place = Place::new();
    let catalogue = place.with_tenants();
    let record = given(&acme(), "upload-1");
    catalogue.record(&[(BatchId(5), record.clone())]).unwrap();
    let found = catalogue.by_given_key(&acme(), Intake::Logpush, "upload-1").unwrap().unwrap();
    assert_eq!((found.batch, found.body_hash, found.counts), (5, record.body_hash, record.counts));
    assert_eq!(Ledger::by_key(&catalogue, &record).unwrap().unwrap(), found);
    for (tenant, intake, key) in [
        (globex(), Intake::Logpush, "upload-1"),
        (acme(), Intake::Native, "upload-1"),
        (acme(), Intake::Logpush, "upload-2"),
        (acme(), Intake::Logpush, ""),
    ] {
        assert_eq!(catalogue.by_given_key(&tenant, intake, key).unwrap(), None);
    }
    // Another tenant's key of the same name is another key.
    catalogue.record(&[(BatchId(6), given(&globex(), "upload-1"))]).unwrap();
}

#[test]
fn a_repeat_is_known_by_its_content_for_an_hour() {
    let place = Place::new();
    let catalogue = place.with_tenants();
    catalogue.record(&[(BatchId(5), content(&acme(), 9))]).unwrap();
    let mut again = content(&acme(), 9);
    again.received_ms = now(HOUR_MS);
    assert_eq!(Ledger::by_key(&catalogue, &again).unwrap().unwrap().batch, 5);
    again.received_ms += 1;
    assert_eq!(Ledger::by_key(&catalogue, &again).unwrap(), None);
    assert_eq!(Ledger::by_key(&catalogue, &content(&globex(), 9)).unwrap(), None);
    assert_eq!(Ledger::by_key(&catalogue, &content(&acme(), 8)).unwrap(), None);
    // What has a key is known by that alone.
    catalogue.record(&[(BatchId(6), given(&acme(), "k"))]).unwrap();
    assert_eq!(catalogue.by_content(&acme(), Intake::Logpush, &[1; 32], 0).unwrap(), None);
}

#[test]
fn two_batches_of_one_key_are_never_both_recorded() {
    let place = Place::new();
    let catalogue = place.with_tenants();
    let both = [(BatchId(1), given(&acme(), "k")), (BatchId(2), given(&acme(), "k"))];
    assert!(matches!(catalogue.record(&both), Err(StoreError::Conflict)));
    assert_eq!(catalogue.recorded(&[BatchId(1), BatchId(2)]).unwrap(), []);
    assert_eq!(catalogue.quarantine(&acme(), None, 10).unwrap(), []);
    catalogue.record(&both[..1]).unwrap();
    assert!(matches!(catalogue.record(&both[1..]), Err(StoreError::Conflict)));
    // One number twice is a fault of the store, and no repeat.
    let twice = catalogue.record(&[(BatchId(1), content(&acme(), 3))]);
    assert!(matches!(twice, Err(StoreError::Failed { .. })), "{twice:?}");
}

#[test]
fn numbers_are_given_out_once_also_after_a_crash() {
    let place = Place::new();
    let first = place.open();
    assert_eq!(first.reserve(100).unwrap(), 0);
    assert_eq!(first.reserve(100).unwrap(), 100);
    drop(first);
    assert_eq!(place.open().reserve(1).unwrap(), 200);
}

#[test]
fn batches_are_listed_newest_first_page_by_page() {
    let place = Place::new();
    let catalogue = place.with_tenants();
    for number in 1..=5 {
        catalogue.record(&[(BatchId(number), content(&acme(), 1))]).unwrap();
    }
    catalogue.record(&[(BatchId(6), given(&globex(), "theirs"))]).unwrap();
    assert_eq!(numbers(&catalogue, &acme(), None, 2), [5, 4]);
    assert_eq!(numbers(&catalogue, &acme(), Some(4), 2), [3, 2]);
    assert_eq!(numbers(&catalogue, &acme(), Some(2), 2), [1]);
    assert_eq!(numbers(&catalogue, &acme(), Some(1), 2), [0; 0]);
    let theirs = catalogue.batches(&globex(), None, 9).unwrap();
    assert_eq!((theirs[0].key.as_deref(), theirs[0].intake), (Some("theirs"), Intake::Logpush));
}

#[test]
fn old_batches_are_forgotten_but_for_their_numbers() {
    let place = Place::new();
    let catalogue = place.with_tenants();
    let mut late = content(&acme(), 2);
    late.received_ms = now(DAY_MS);
    let numbers_of = |batches: &[u64]| batches.iter().copied().map(BatchId).collect::<Vec<_>>();
    for number in [1, 2, 3, 5, 6, 9] {
        let record = if number == 5 { late.clone() } else { given(&acme(), &number.to_string()) };
        catalogue.record(&[(BatchId(number), record)]).unwrap();
    }
    place.clock.forward(7 * DAY_MS + 1);
    catalogue.maintain().unwrap();
    assert_eq!(numbers(&catalogue, &acme(), None, 10), [5]);
    assert_eq!(catalogue.by_given_key(&acme(), Intake::Logpush, "1").unwrap(), None);
    let all = numbers_of(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    let known = numbers_of(&[1, 2, 3, 5, 6, 9]);
    assert_eq!(catalogue.recorded(&all).unwrap(), known);
    place.clock.forward(DAY_MS);
    catalogue.maintain().unwrap();
    assert_eq!(catalogue.recorded(&all).unwrap(), known);

    // Numbers in a row are one row.
    let file = rusqlite::Connection::open(place.data().join("catalogue.sqlite3")).unwrap();
    let ranges = |sql| {
        file.prepare(sql)
            .unwrap()
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .collect::<Result<Vec<(i64, i64)>, _>>()
            .unwrap()
    };
    assert_eq!(
        ranges("SELECT first, last FROM batch_ranges ORDER BY first"),
        [(1, 3), (5, 6), (9, 9)]
    );
}

#[test]
fn quarantine_lists_where_and_why() {
    let place = Place::new();
    let catalogue = place.with_tenants();
    catalogue
        .record(&[(BatchId(1), given(&acme(), "a")), (BatchId(2), given(&globex(), "a"))])
        .unwrap();
    let listed = catalogue.quarantine(&acme(), None, 10).unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (listed[0].batch, listed[0].received_ms, listed[0].intake),
        (1, now(0), Intake::Logpush)
    );
    assert_eq!(
        listed[0].quarantined,
        Quarantined { line: 7, code: QuarantineCode::NotSealed, bytes: 99 }
    );
    assert_eq!(catalogue.quarantine_counts(&acme()).unwrap(), [(QuarantineCode::NotSealed, 1)]);
    assert_eq!(catalogue.quarantine(&acme(), Some(listed[0].number), 10).unwrap(), []);
}

#[test]
fn quarantine_is_bounded_and_its_counts_are_not() {
    let place = Place::new();
    let catalogue = place.with_tenants();
    catalogue.record(&[(BatchId(1), given(&globex(), "theirs"))]).unwrap();
    let lines = u64::try_from(MAX_QUARANTINED_PER_BATCH).unwrap();
    let batches = MAX_QUARANTINED_PER_TENANT / lines + 2;
    for batch in 0..batches {
        let mut record = content(&acme(), 1);
        let line = |line| Quarantined { line, code: QuarantineCode::NotJson, bytes: batch };
        record.quarantined = (1..=lines).map(line).collect();
        record.counts.quarantined = lines + 500;
        catalogue.record(&[(BatchId(10 + batch), record)]).unwrap();
    }
    let mut listed = 0;
    let mut before = None;
    loop {
        let page = catalogue.quarantine(&acme(), before, 1_000).unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.iter().all(|line| line.quarantined.bytes >= 2));
        (before, listed) = (Some(last.number), listed + page.len());
    }
    assert_eq!(u64::try_from(listed).unwrap(), MAX_QUARANTINED_PER_TENANT);
    assert_eq!(
        catalogue.quarantine_counts(&acme()).unwrap(),
        [(QuarantineCode::NotJson, batches * lines)]
    );
    let records = catalogue.tenant_records().unwrap();
    assert_eq!(records[0].quarantined, batches * (lines + 500));
    assert_eq!(catalogue.quarantine(&globex(), None, 10).unwrap().len(), 1);
}
