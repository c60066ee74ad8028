//! What SQLite takes in at best, from one who promises nothing more: the same rows, three indexes, a
//! synced commit every 10,000.

use std::path::Path;

use base64ct::{Base64, Encoding};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use wafpass_benches::load::LoggedEvent;

const BATCH: usize = 10_000;

/// A row as it goes in: the time, the blob, and the texts and numbers of the line.
pub(crate) type Row = Vec<Value>;

/// What is stored of a line, in this order.
const MEMBERS: [&str; 20] = [
    "RuleID",
    "ClientIP",
    "Action",
    "ClientASN",
    "ClientASNDescription",
    "ClientCountry",
    "ClientRequestHost",
    "ClientRequestMethod",
    "ClientRequestPath",
    "ClientRequestProtocol",
    "ClientRequestQuery",
    "ClientRequestUserAgent",
    "EdgeColoCode",
    "EdgeResponseStatus",
    "Kind",
    "MatchIndex",
    "RayID",
    "Source",
    "Datetime",
    "Metadata",
];

/// The row of an event.
pub(crate) fn row(event: &LoggedEvent) -> Row {
    let mut line = String::new();
    event.write_line(&mut line);
    let mut line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    let blob = line["Metadata"]["encrypted_matched_data"].take();
    let blob = Base64::decode_vec(blob.as_str().expect("a text")).expect("a blob");
    let members = MEMBERS.map(|member| match &line[member] {
        serde_json::Value::Number(number) => Value::Integer(number.as_i64().expect("small")),
        serde_json::Value::String(text) => Value::Text(text.clone()),
        other => Value::Text(other.to_string()),
    });
    [Value::Integer(event.at_s)].into_iter().chain(members).chain([Value::Blob(blob)]).collect()
}

/// An empty table with its three indexes.
pub(crate) fn open(folder: &Path) -> Connection {
    let connection = Connection::open(folder.join("bare.sqlite3")).expect("a file");
    let columns = MEMBERS.join(", ");
    let sql = format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE events (ts INTEGER, {columns}, blob BLOB);
         CREATE INDEX by_time ON events (ts);
         CREATE INDEX by_rule ON events (RuleID, ts);
         CREATE INDEX by_address ON events (ClientIP, ts);"
    );
    connection.execute_batch(&sql).expect("a table");
    connection
}

/// Puts rows in. When this comes back they are on the disk.
pub(crate) fn insert(connection: &mut Connection, rows: &[Row]) {
    let places = vec!["?"; MEMBERS.len() + 2].join(", ");
    let sql = format!("INSERT INTO events VALUES ({places})");
    for batch in rows.chunks(BATCH) {
        let transaction = connection.transaction().expect("begun");
        let mut statement = transaction.prepare_cached(&sql).expect("in order");
        for row in batch {
            statement.execute(params_from_iter(row)).expect("stored");
        }
        drop(statement);
        transaction.commit().expect("synced");
    }
}
