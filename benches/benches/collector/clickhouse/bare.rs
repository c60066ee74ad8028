//! What ClickHouse takes in at best, from one who promises nothing more: the same rows in a table of the
//! same shape, by the official client, a synced part every 10,000.

use clickhouse::{Client, Row};
use serde::{Serialize, Serializer};
use wafpass::collector::{Field, NewEvent, SealedText};

const BATCH: usize = 10_000;
/// The days that the store keeps rows of tenants whose retention it does not know, and one more.
const KEEP_S: i64 = 3_651 * 86_400;
const SECOND_NS: i64 = 1_000_000_000;

/// Bytes in a `String` column.
struct Raw<'a>(&'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

macro_rules! row {
    (
        texts { $($text:ident,)* }
        numbers { $($number:ident,)* }
    ) => {
        /// A row as it goes in: the columns of the store's `events`, all of them.
        #[derive(Row, Serialize)]
        pub(super) struct EventRow<'a> {
            tenant: &'a str,
            at: i64,
            id: [u8; 16],
            batch: u64,
            intake: u8,
            flags: u32,
            bytes: u32,
            expire_at: u32,
            datetime: &'a str,
            rest: &'a str,
            metadata: &'a str,
            blob: Option<Raw<'a>>,
            blob_text: Option<&'a str>,
            sealed_request: Option<Raw<'a>>,
            $($text: Option<&'a str>,)*
            $($number: Option<u32>,)*
            client_ip: Option<[u8; 16]>,
        }

        impl<'a> EventRow<'a> {
            /// The row of an event.
            pub(super) fn of(tenant: &'a str, event: &'a NewEvent) -> Self {
                let Some(SealedText::Blob(blob)) = &event.blob else { panic!("the load is sealed") };
                let expire_at = event.at.0 / SECOND_NS + KEEP_S;
                Self {
                    tenant,
                    at: event.at.0,
                    id: event.id.0,
                    batch: 1,
                    intake: event.intake.number(),
                    flags: event.flags.0,
                    bytes: u32::try_from(event.bytes()).expect("a short event"),
                    expire_at: u32::try_from(expire_at).expect("before 2106"),
                    datetime: &event.datetime,
                    rest: &event.rest,
                    metadata: &event.metadata,
                    blob: Some(Raw(blob)),
                    blob_text: None,
                    sealed_request: event.sealed_request.as_deref().map(Raw),
                    $($text: event.get(field(stringify!($text))),)*
                    $($number: event.fields.integer(field(stringify!($number))),)*
                    client_ip: event.fields.address(Field::ClientIp),
                }
            }
        }
    };
}

row! {
    texts {
        action, rule_id, source, kind, ray_id, r#ref, description, client_ip_class, client_country,
        client_asn_description, method, scheme, protocol, host, path, query, user_agent, referer_scheme,
        referer_host, referer_path, referer_query, edge_colo_code, originator_ray_id, key_id,
    }
    numbers { match_index, client_asn, edge_response_status, origin_response_status, }
}

fn field(column: &str) -> Field {
    Field::from_column(column.trim_start_matches("r#")).expect("a column")
}

/// An empty database with a table that is what a store's table is: its columns, its indexes, its syncs.
pub(super) async fn open(client: &Client, database: &str, store: &str) -> Client {
    let run = async |sql: &str| client.query_raw(sql).execute().await.expect("in order");
    run(&format!("CREATE DATABASE {database}")).await;
    run(&format!("CREATE TABLE {database}.events AS {store}.events")).await;
    let sql = format!("SELECT engine_full FROM system.tables WHERE database = '{database}'");
    let made: String = client.query_raw(&sql).fetch_one().await.expect("a table");
    for promise in ["fsync_after_insert = 1", "fsync_part_directory = 1"] {
        assert!(made.contains(promise), "{made}");
    }
    // What is answered is in the table, and not in a queue.
    client.clone().with_database(database).with_setting("async_insert", "0")
}

/// Puts rows in. When this comes back they are on the disk.
pub(super) async fn insert(client: &Client, rows: &[EventRow<'_>]) {
    for batch in rows.chunks(BATCH) {
        let mut insert = client.insert::<EventRow<'_>>("events").await.expect("begun");
        for row in batch {
            insert.write(row).await.expect("sent");
        }
        insert.end().await.expect("synced");
    }
}
