//! Backups while the collector runs, and their way back.

use std::fs;
use std::path::Path;

use wafpass::collector::catalogue::{BackupError, Ledger, Scope, backup, restore};
use wafpass::collector::store::{BatchId, StoreError};

use crate::batches::given;
use crate::{MIDNIGHT_MS, Place, acme, open, token};

fn fault(result: Result<impl Sized, BackupError>) -> BackupError {
    result.err().unwrap()
}

/// A day of events as some store has it: a database in WAL mode that is in use.
fn day(place: &Place, name: &str) -> rusqlite::Connection {
    let folder = place.data().join("events/acme");
    fs::create_dir_all(&folder).unwrap();
    let file = rusqlite::Connection::open(folder.join(name)).unwrap();
    file.pragma_update(None, "journal_mode", "wal").unwrap();
    file.execute_batch(
        "CREATE TABLE IF NOT EXISTS rows (batch INTEGER); INSERT INTO rows VALUES (1)",
    )
    .unwrap();
    file
}

fn rows(path: &Path) -> i64 {
    let file = rusqlite::Connection::open(path).unwrap();
    file.query_row("SELECT count(*) FROM rows", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_backup_comes_back() {
    let place = Place::new();
    let catalogue = place.with_tenants();
    let one = token(&catalogue, &acme(), &[Scope::Read]);
    catalogue.reserve(500).unwrap();
    catalogue.record(&[(BatchId(1), given(&acme(), "a"))]).unwrap();
    let in_use = day(&place, "2026-11-22.sqlite3");
    in_use.execute("INSERT INTO rows VALUES (2)", []).unwrap(); // in the journal only
    fs::write(place.data().join("events/acme/notes.txt"), "no day").unwrap();
    let out = place.dir.path().join("copy");
    let report = backup(&place.data(), &out, MIDNIGHT_MS).unwrap();
    assert_eq!((report.partitions, report.made_ms), (1, MIDNIGHT_MS));
    assert!(!out.join("events/acme/notes.txt").exists());

    // What comes later is not in it.
    in_use.execute("INSERT INTO rows VALUES (3)", []).unwrap();
    catalogue.record(&[(BatchId(2), given(&acme(), "b"))]).unwrap();

    let data = place.dir.path().join("again");
    assert_eq!(restore(&out, &data).unwrap().bytes, report.bytes);
    let restored = open(&data, &place.clock);
    assert_eq!(restored.authenticate(&one.text).unwrap().tenant, acme());
    assert_eq!(restored.event_key().as_bytes(), catalogue.event_key().as_bytes());
    assert_eq!(restored.recorded(&[BatchId(1), BatchId(2)]).unwrap(), [BatchId(1)]);
    assert_eq!(rows(&data.join("events/acme/2026-11-22.sqlite3")), 2);
    assert_eq!(restored.reserve(1).unwrap(), 500);
}

/// Commits wait for the moment that is held, and only for that.
#[test]
fn a_reader_that_is_slow_holds_no_backup_up() {
    let place = Place::new();
    let catalogue = place.with_tenants();
    let reading = rusqlite::Connection::open(place.data().join("catalogue.sqlite3")).unwrap();
    reading.execute_batch("BEGIN; SELECT * FROM book").unwrap();
    let out = place.dir.path().join("copy");
    backup(&place.data(), &out, MIDNIGHT_MS).unwrap();
    catalogue.reserve(1).unwrap();
}

#[test]
fn nothing_is_overwritten() {
    let place = Place::new();
    drop(place.with_tenants());
    let out = place.dir.path().join("copy");
    fs::create_dir(&out).unwrap(); // an empty folder is as good as none
    backup(&place.data(), &out, MIDNIGHT_MS).unwrap();
    assert!(matches!(fault(backup(&place.data(), &out, MIDNIGHT_MS)), BackupError::IsThere { .. }));
    assert!(matches!(fault(restore(&out, &place.data())), BackupError::IsThere { .. }));
    let nowhere = place.dir.path().join("nowhere");
    let refused = fault(backup(&nowhere, &place.dir.path().join("x"), MIDNIGHT_MS));
    assert!(matches!(refused, BackupError::NoCatalogue { .. }));
    assert!(!place.dir.path().join("x").exists() && !nowhere.exists());
}

#[test]
fn a_backup_that_was_changed_does_not_come_back() {
    let place = Place::new();
    drop(place.with_tenants());
    drop(day(&place, "2026-11-22.sqlite3"));
    let (out, data) = (place.dir.path().join("copy"), place.dir.path().join("again"));
    backup(&place.data(), &out, MIDNIGHT_MS).unwrap();
    let copied = out.join("events/acme/2026-11-22.sqlite3");
    let whole = fs::read(&copied).unwrap();
    let mut altered = whole.clone();
    let last = altered.len() - 1;
    altered[last] ^= 1;
    for bytes in [&altered[..], &whole[..last], &[]] {
        fs::write(&copied, bytes).unwrap();
        assert!(matches!(fault(restore(&out, &data)), BackupError::Altered { .. }));
        assert!(!data.exists());
    }
    fs::remove_file(&copied).unwrap();
    assert!(matches!(fault(restore(&out, &data)), BackupError::Io { .. }));
    assert!(!data.exists());
    fs::write(&copied, &whole).unwrap();
    restore(&out, &data).unwrap();
}

#[test]
fn a_list_that_leads_elsewhere_is_no_backup() {
    let place = Place::new();
    drop(place.with_tenants());
    let (out, data) = (place.dir.path().join("copy"), place.dir.path().join("again"));
    backup(&place.data(), &out, MIDNIGHT_MS).unwrap();
    let list = fs::read_to_string(out.join("backup.json")).unwrap();
    let elsewhere = [
        ("catalogue.sqlite3", "../catalogue.sqlite3"),
        ("catalogue.sqlite3", "/etc/passwd"),
        ("catalogue.sqlite3", "events/acme/../../x"),
        ("catalogue.sqlite3", "other.sqlite3"),
        ("wafpass-collector-backup", "another"),
        ("\"version\": 1", "\"version\": 2"),
        ("{", "[{"),
    ];
    for (from, to) in elsewhere {
        fs::write(out.join("backup.json"), list.replacen(from, to, 1)).unwrap();
        assert!(matches!(fault(restore(&out, &data)), BackupError::NoBackup { .. }), "{to}");
        assert!(!data.exists());
    }
}

#[test]
fn a_backup_of_a_later_version_does_not_come_back() {
    let place = Place::new();
    drop(place.with_tenants());
    let file = rusqlite::Connection::open(place.data().join("catalogue.sqlite3")).unwrap();
    file.pragma_update(None, "user_version", 99).unwrap();
    let (out, data) = (place.dir.path().join("copy"), place.dir.path().join("again"));
    // It is copied, since it can be; this build cannot use it.
    if backup(&place.data(), &out, MIDNIGHT_MS).is_ok() {
        let refused = fault(restore(&out, &data));
        assert!(matches!(refused, BackupError::Store(StoreError::Newer { .. })), "{refused}");
    }
    assert!(!data.exists());
}
