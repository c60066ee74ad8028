//! The file: who may read it, of which version it is, whose it is.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use wafpass::clock::Clock;
use wafpass::collector::catalogue::{AuthFault, Catalogue, Scope};
use wafpass::collector::store::StoreError;

use crate::{Place, acme, token};

fn reopened(place: &Place) -> Result<Catalogue, StoreError> {
    let clock: Arc<dyn Clock> = place.clock.clone();
    Catalogue::open(&place.data(), clock)
}

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn it_is_for_its_owner_alone() {
    let place = Place::new();
    let catalogue = place.with_tenants();
    assert_eq!(mode(&place.data()), 0o700);
    let mut files = 0;
    for entry in fs::read_dir(place.data()).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
        files += 1;
    }
    assert_eq!(files, 3); // with its journal
    drop(catalogue);

    let path = place.data().join("catalogue.sqlite3");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let refused = reopened(&place).unwrap_err().to_string();
    assert!(refused.contains("open to others (mode 0640)"), "{refused}");
}

#[test]
fn a_file_of_a_later_version_is_left_alone() {
    let place = Place::new();
    drop(place.with_tenants());
    let path = place.data().join("catalogue.sqlite3");
    let file = rusqlite::Connection::open(&path).unwrap();
    file.pragma_update(None, "user_version", 99).unwrap();
    drop(file);
    let before = fs::read(&path).unwrap();
    let refused = reopened(&place).unwrap_err();
    assert!(matches!(refused, StoreError::Newer { found: 99, known: 1, .. }), "{refused}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_of_another_program_is_left_alone() {
    let place = Place::new();
    fs::create_dir(place.data()).unwrap();
    let path = place.data().join("catalogue.sqlite3");
    let file = rusqlite::Connection::open(&path).unwrap();
    file.execute_batch("CREATE TABLE theirs (one TEXT)").unwrap();
    drop(file);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(reopened(&place).unwrap_err(), StoreError::Damaged { .. }));

    fs::write(
        &path,
        "this is no database, and long enough to be taken for the beginning of one".repeat(99),
    )
    .unwrap();
    assert!(matches!(reopened(&place).unwrap_err(), StoreError::Damaged { .. }));
}

#[test]
fn it_is_synced_at_every_commit() {
    let place = Place::new();
    drop(place.with_tenants());
    let file = rusqlite::Connection::open(place.data().join("catalogue.sqlite3")).unwrap();
    let pragma = |name| {
        file.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0)).unwrap()
    };
    assert_eq!(pragma("journal_mode"), rusqlite::types::Value::Text("wal".to_owned()));
    let strict = "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND NOT strict
        AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    assert_eq!(file.query_row(strict, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

#[test]
fn where_it_cannot_be_read_nobody_is_let_in() {
    let place = Place::new();
    let catalogue = place.with_tenants();
    let one = token(&catalogue, &acme(), &[Scope::Read]);
    // Another process has left it without the table that says whether anything changed.
    let file = rusqlite::Connection::open(place.data().join("catalogue.sqlite3")).unwrap();
    file.execute_batch("DROP TABLE book").unwrap();
    place.clock.forward(1_000);
    assert_eq!(catalogue.authenticate(&one.text), Err(AuthFault::Unavailable));
    assert_eq!(catalogue.authenticate(&one.text), Err(AuthFault::Unavailable));
}

#[test]
fn the_key_of_the_hashes_is_made_once() {
    let place = Place::new();
    let first = place.open();
    let key = *first.event_key().as_bytes();
    assert_ne!(key, [0; 32]);
    assert_eq!(place.open().event_key().as_bytes(), &key);
    assert_ne!(Place::new().open().event_key().as_bytes(), &key);
}

#[test]
fn several_processes_open_a_new_folder_at_once() {
    let place = Place::new();
    let keys: Vec<[u8; 32]> = std::thread::scope(|scope| {
        let opened: Vec<_> =
            (0..4).map(|_| scope.spawn(|| *place.open().event_key().as_bytes())).collect();
        opened.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]));
}
