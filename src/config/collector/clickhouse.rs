//! `[collector.clickhouse]`, checked.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::fault::Faults;
use crate::config::schema::ClickHouse;
use crate::config::store::{host_of, is_near};

/// Where `ClickHouse` is, and what waits on the disk while it is away.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClickHouseSettings {
    /// Of its HTTP interface. It holds no password.
    pub url: String,
    /// Database.
    pub database: String,
    /// User.
    pub user: String,
    /// File that holds the password.
    pub password_file: Option<PathBuf>,
    /// The number of this collector among those that write to the same database.
    pub node: u8,
    /// How long an answer may take, in seconds.
    pub timeout_s: u32,
    /// Space for batches that it cannot take now, in bytes; 0 for none.
    pub spool_bytes: u64,
}

impl ClickHouseSettings {
    /// How long an answer may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s.into())
    }
}

const URL: &str = "write https://HOST:PORT, of its HTTP interface";

pub(super) fn clickhouse(
    table: ClickHouse,
    base: &Path,
    faults: &mut Faults<'_>,
) -> Option<ClickHouseSettings> {
    match &table.url {
        None => faults.add("collector.clickhouse.url", "nothing says where ClickHouse is", URL),
        Some(url) => judge_url(url, table.insecure_plaintext, faults),
    }
    refuse_odd("database", &table.database, "_", faults);
    refuse_odd("user", &table.user, "-_.@", faults);
    if !(1..=600).contains(&table.timeout.0) {
        let fault = format!("`timeout` = {} is out of bounds", table.timeout);
        let way_out = "keep it within 1s to 10m; 30s is the default";
        faults.add("collector.clickhouse.timeout", fault, way_out);
    }
    Some(ClickHouseSettings {
        url: table.url?,
        database: table.database,
        user: table.user,
        password_file: table.password_file.map(|path| base.join(path)),
        node: table.node,
        timeout_s: table.timeout.0,
        spool_bytes: table.spool.0,
    })
}

/// Refuses a name that has to be quoted somewhere.
fn refuse_odd(key: &str, name: &str, others: &str, faults: &mut Faults<'_>) {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || others.contains(letter);
    let begins_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if name.len() > 64 || !begins_well || !name.chars().all(is_part) {
        let fault = format!("`{key}` is not up to 64 of A-Z a-z 0-9 {others}, a letter first");
        faults.add(&format!("collector.clickhouse.{key}"), fault, "choose a plain name");
    }
}

/// Refuses a way on which others read what is sent. Repeats nothing of the URL.
fn judge_url(url: &str, takes_plaintext: bool, faults: &mut Faults<'_>) {
    let at = "collector.clickhouse.url";
    let Some((scheme, rest)) = url.split_once("://") else {
        return faults.add(at, "the URL of ClickHouse has no scheme that is known", URL);
    };
    if rest.contains('@') {
        let fault = "the URL of ClickHouse holds a user or a password";
        return faults.add(at, fault, "write them as user and password_file");
    }
    match scheme.to_ascii_lowercase().as_str() {
        "https" => {}
        "http" if takes_plaintext || is_near(host_of(rest)) => {}
        "http" => {
            let fault = "ClickHouse would be asked without TLS, on a host that is neither this one nor a private address";
            let way_out = "write https://, or a private IP address; insecure_plaintext = true lets it be, and whoever sits in between reads and changes events";
            faults.add(at, fault, way_out);
        }
        _ => faults.add(at, "the URL of ClickHouse has no scheme that is known", URL),
    }
}
