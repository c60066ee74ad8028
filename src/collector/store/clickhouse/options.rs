//! What has to be said about a ClickHouse.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

/// Collectors that may write to one database, each with a number of its own.
pub const MAX_NODE: u8 = u8::MAX;

/// How long a request may take: an INSERT of 10,000 events takes a fraction of a second.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Where no retention is known, the tables' own TTL stays out of the way for ten years.
const FALLBACK_RETENTION_DAYS: u32 = 3_650;

/// Where ClickHouse is, and how it is spoken to.
#[derive(Clone)]
#[non_exhaustive]
pub struct ClickHouseOptions {
    /// Its HTTP interface: `http://…:8123` or `https://…:8443`.
    pub url: String,
    /// The database: 1 to 64 of `a`-`z`, `A`-`Z`, `0`-`9` and `_`, not beginning with a digit. It is made
    /// if it is not there.
    pub database: String,
    /// The user.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<Zeroizing<String>>,
    /// Whether requests and answers are compressed.
    pub compression: Compression,
    /// Which of the collectors on this database this is.
    pub node: u8,
    /// How long one request may take before ClickHouse counts as away.
    pub request_timeout: Duration,
    /// Days after which the tables' own TTL drops events of tenants that no retention is known of; see
    /// [`Store::retain`](crate::collector::store::Store::retain).
    pub fallback_retention_days: u32,
    /// Where batches wait while ClickHouse is away; `None` to refuse them then.
    pub spool: Option<SpoolOptions>,
}

/// How requests and answers are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// LZ4.
    #[default]
    Lz4,
    /// Not at all: on one machine.
    None,
}

/// Where batches wait while ClickHouse is away.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpoolOptions {
    /// A folder of this process alone; it is made if it is not there.
    pub folder: PathBuf,
    /// Bytes of all files in it. A batch that does not fit is refused.
    pub max_bytes: u64,
}

impl SpoolOptions {
    /// A spool of so many bytes.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, max_bytes: u64) -> Self {
        Self { folder: folder.into(), max_bytes }
    }
}

impl ClickHouseOptions {
    /// A ClickHouse with its defaults, and no spool.
    #[must_use]
    pub fn new(url: impl Into<String>, database: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            database: database.into(),
            user: None,
            password: None,
            compression: Compression::default(),
            node: 0,
            request_timeout: REQUEST_TIMEOUT,
            fallback_retention_days: FALLBACK_RETENTION_DAYS,
            spool: None,
        }
    }

    /// Whether the database's name can stand in a statement as it is.
    pub(super) fn has_plain_database(&self) -> bool {
        let name = self.database.as_bytes();
        let begins_well =
            name.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
        let is_plain = name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        begins_well && is_plain && name.len() <= 64
    }
}

impl fmt::Debug for ClickHouseOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address may hold a password as well.
        f.debug_struct("ClickHouseOptions")
            .field("database", &self.database)
            .field("compression", &self.compression)
            .field("node", &self.node)
            .field("request_timeout", &self.request_timeout)
            .field("spool", &self.spool)
            .finish_non_exhaustive()
    }
}
