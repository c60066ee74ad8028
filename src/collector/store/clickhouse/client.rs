//! Requests to ClickHouse, and what their failure means.

use std::future::Future;
use std::time::Duration;

use clickhouse::error::Error;
use clickhouse::query::Query;
use clickhouse::{Client, Row, RowOwned, RowRead, RowWrite};

use super::options::{ClickHouseOptions, Compression};
use super::row::EventRow;
use super::sql::Sql;
use crate::collector::StoredEvent;
use crate::collector::store::StoreError;

/// A database of a ClickHouse.
#[derive(Clone, Debug)]
pub(super) struct Database {
    client: Client,
    pub(super) name: String,
    timeout: Duration,
}

/// Why a request brought nothing.
#[derive(Debug)]
pub(super) enum Fault {
    /// Nobody answers, or the answer is that it cannot be done now.
    Away(String),
    /// No space is left there.
    Full,
    /// The query reached the bound on its rows or its time.
    Bound,
    /// The answer is no.
    Refused(String),
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Away(reason) => Self::Unavailable { reason },
            Fault::Full => Self::Full,
            Fault::Bound => Self::Unavailable { reason: "a query took too long".to_owned() },
            Fault::Refused(reason) => Self::Failed { reason },
        }
    }
}

/// How much of an answer was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    All,
    Part,
}

/// ClickHouse's error codes that say "not now": the same request may go well later.
/// <https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp>
const NOT_NOW: [u32; 19] = [
    74, 75, 76, // a file cannot be read, written or opened
    198, 209, 210, // the network
    202, 203, 241, 252,
    439, // too many queries, no free connection, memory, too many parts, no threads
    225, 242, 285, 286, 319, 999, // a replica that is read-only, or too few; its keeper
    394, 735, // the query was ended from outside
];
const NO_SPACE: u32 = 243;
/// Rows, time, bytes, speed, the result.
const BOUNDS: [u32; 5] = [158, 159, 160, 307, 396];

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            // The text may repeat what was sent: the code alone goes on.
            Error::BadResponse(text) => of_answer(&text),
            Error::Network(_) => Self::Away("the connection failed".to_owned()),
            Error::TimedOut => Self::Away("no answer in time".to_owned()),
            Error::NotEnoughData => Self::Away("the answer was cut".to_owned()),
            Error::SchemaMismatch(_) | Error::InvalidColumnsHeader(_) => {
                Self::Refused("a table has other columns than this build knows".to_owned())
            }
            Error::InvalidParams(_) => {
                Self::Refused("the address or a parameter is invalid".to_owned())
            }
            Error::Compression(_) | Error::Decompression(_) => {
                Self::Away("compression failed".to_owned())
            }
            _ => Self::Refused("the client failed".to_owned()),
        }
    }
}

fn of_answer(text: &str) -> Fault {
    let digits = text.split_once("Code: ").map(|(_, rest)| rest);
    let code = digits.and_then(|rest| rest.split(|letter: char| !letter.is_ascii_digit()).next());
    match code.and_then(|code| code.parse::<u32>().ok()) {
        Some(NO_SPACE) => Fault::Full,
        Some(code) if BOUNDS.contains(&code) => Fault::Bound,
        Some(code) if NOT_NOW.contains(&code) => Fault::Away(format!("ClickHouse's error {code}")),
        Some(code) => Fault::Refused(format!("ClickHouse's error {code}")),
        // What stands between us and ClickHouse has answered.
        None => Fault::Away("an answer that is not ClickHouse's".to_owned()),
    }
}

impl Database {
    pub(super) fn new(options: &ClickHouseOptions) -> Self {
        let compression = match options.compression {
            Compression::Lz4 => clickhouse::Compression::Lz4,
            Compression::None => clickhouse::Compression::None,
        };
        let mut client = Client::default()
            .with_url(&options.url)
            .with_compression(compression)
            .with_product_info("wafpass", env!("CARGO_PKG_VERSION"));
        if let Some(user) = &options.user {
            client = client.with_user(user);
        }
        if let Some(password) = &options.password {
            client = client.with_password(password.as_str());
        }
        Self { client, name: options.database.clone(), timeout: options.request_timeout }
    }

    /// The same, with the database named in each request: once it is there.
    pub(super) fn inside(&self) -> Self {
        Self { client: self.client.clone().with_database(&self.name), ..self.clone() }
    }

    /// The same, for what may take longer than a request: by so many times.
    pub(super) fn patient(&self, times: u32) -> Self {
        Self { timeout: self.timeout.saturating_mul(times), ..self.clone() }
    }

    /// Runs a statement that answers nothing.
    pub(super) async fn run(&self, sql: &Sql, settings: &[(&str, &str)]) -> Result<(), Fault> {
        self.in_time(self.query(sql, settings).execute()).await
    }

    /// All rows of an answer.
    pub(super) async fn all<T: RowOwned + RowRead>(
        &self,
        sql: &Sql,
        settings: &[(&str, &str)],
    ) -> Result<Vec<T>, Fault> {
        self.in_time(self.query(sql, settings).fetch_all::<T>()).await
    }

    /// The one row of an answer.
    pub(super) async fn one<T: RowOwned + RowRead>(&self, sql: &Sql) -> Result<T, Fault> {
        self.in_time(self.query(sql, &[]).fetch_one::<T>()).await
    }

    /// Rows of `events`, from a query that begins with [`select_events`]; no more once they hold so
    /// many bytes. Whether all were read.
    pub(super) async fn events(
        &self,
        sql: &Sql,
        settings: &[(&str, &str)],
        max_bytes: usize,
    ) -> Result<(Vec<StoredEvent>, Read), Fault> {
        let query = self.query(sql, settings);
        self.in_time(async {
            let (mut cursor, mut events, mut bytes) =
                (query.fetch::<EventRow<'_>>()?, Vec::new(), 0);
            while let Some(row) = cursor.next().await? {
                if bytes >= max_bytes {
                    return Ok((events, Read::Part));
                }
                if let Some(stored) = row.event() {
                    bytes += stored.event.bytes();
                    events.push(stored);
                }
            }
            Ok((events, Read::All))
        })
        .await
    }

    /// Inserts rows, all or none. The token makes a repetition harmless.
    pub(super) async fn insert<T>(
        &self,
        table: &str,
        rows: &[T::Value<'_>],
        token: &str,
    ) -> Result<(), Fault>
    where
        T: Row + RowWrite,
    {
        self.in_time(async {
            let mut insert = self
                .client
                .insert::<T>(table)
                .await?
                .with_setting("insert_deduplication_token", token)
                // Off by default for what is not replicated in some versions; and no queue in memory.
                .with_setting("insert_deduplicate", "1")
                .with_setting("async_insert", "0");
            for row in rows {
                insert.write(row).await?;
            }
            insert.end().await
        })
        .await
    }

    fn query(&self, sql: &Sql, settings: &[(&str, &str)]) -> Query {
        let query = sql.on(&self.client);
        settings.iter().fold(query, |query, (name, value)| query.with_setting(*name, *value))
    }

    async fn in_time<T>(
        &self,
        request: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Fault> {
        let answer = tokio::time::timeout(self.timeout, request).await;
        Ok(answer.map_err(|_| Error::TimedOut)??)
    }
}

/// How a query for whole events begins: the columns of [`EventRow`] in its order.
pub(super) fn select_events() -> Sql {
    let mut sql = Sql::new("SELECT ");
    for (place, column) in EventRow::COLUMN_NAMES.iter().enumerate() {
        sql.push(if place == 0 { "`" } else { ", `" }).push(column).push("`");
    }
    sql.push(" FROM events ");
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_known_by_its_code_and_not_repeated() {
        let not_now = of_answer("Code: 252. DB::Exception: Too many parts (a secret) ...");
        assert!(matches!(&not_now, Fault::Away(reason) if !reason.contains("secret")));
        assert!(matches!(of_answer("Code: 243. DB::Exception: no space"), Fault::Full));
        assert!(matches!(of_answer("Code: 158. DB::Exception: rows"), Fault::Bound));
        assert!(matches!(of_answer("Code: 60. DB::Exception: no table"), Fault::Refused(_)));
        assert!(matches!(of_answer("<html>502 Bad Gateway"), Fault::Away(_)));
    }
}
