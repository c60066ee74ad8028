//! `[collector]`: the companion service that takes events in and keeps them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::PermissionsWord;
use crate::config::units::{Bytes, Seconds};

/// Ports that nothing else is known for.
pub(crate) const DEFAULT_PORT: u16 = 8_787;
pub(crate) const DEFAULT_ADMIN_PORT: u16 = 8_788;
pub(crate) const DEFAULT_DATA: &str = "wafpass-collector";
/// Room for journals and for a catalogue that still has to write what it refuses.
pub(crate) const DEFAULT_MIN_FREE_BYTES: u64 = 256 << 20;
/// A batch of Logpush takes some seconds.
pub(crate) const DEFAULT_SHUTDOWN_S: u32 = 30;
pub(crate) const DEFAULT_CONNECTIONS: u32 = 1_024;
pub(crate) const DEFAULT_HEAD_S: u32 = 30;
pub(crate) const DEFAULT_WRITE_S: u32 = 60;

/// `wafpass collector`: the service that takes sealed events in. A file with nothing else asks nothing of
/// origins.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Collector {
    /// Address and port of the service.
    pub(crate) listen: String,
    /// Address and port for monitoring: `/livez`, `/readyz`, `/metrics`. Asks for no credential.
    pub(crate) admin_listen: String,
    /// Lets addresses other than this machine's be listened on without TLS: whoever sits in between reads
    /// tokens, and sends and deletes events with them.
    pub(crate) insecure_http: bool,
    /// Folder with the catalogue and, with `store = "sqlite"`, the events. Made with mode 0700.
    pub(crate) data: PathBuf,
    /// Where events are kept: `sqlite`, in files in `data`, or `clickhouse`.
    pub(crate) store: StoreWord,
    /// Whether ingest asks for an edge signature beside the token. The rest of this file says which, as
    /// for an origin.
    pub(crate) perimeter: bool,
    /// Below so much free space in `data` nothing is taken in, and `/readyz` says so.
    pub(crate) min_free: Bytes,
    /// How long batches that are under way have to end at SIGTERM: 1s to 1h. The rest is given up, and
    /// was not acknowledged.
    pub(crate) shutdown: Seconds,
    /// How the log is written: `text` or `json`.
    pub(crate) log: LogWord,
    /// Who may read the files with secrets that this section names: `owner-only` (mode 0600), or
    /// `mounted-for-group` (mode 0440).
    pub(crate) permissions: PermissionsWord,
    /// TLS for `listen`. Read anew at SIGHUP, and within a minute of a change.
    pub(crate) tls: Option<Tls>,
    /// What bounds connections.
    pub(crate) limits: CollectorLimits,
    /// With `store = "clickhouse"`: where it is.
    pub(crate) clickhouse: Option<ClickHouse>,
}

impl Default for Collector {
    fn default() -> Self {
        Self {
            listen: format!("127.0.0.1:{DEFAULT_PORT}"),
            admin_listen: format!("127.0.0.1:{DEFAULT_ADMIN_PORT}"),
            insecure_http: false,
            data: DEFAULT_DATA.into(),
            store: StoreWord::Sqlite,
            perimeter: false,
            min_free: Bytes(DEFAULT_MIN_FREE_BYTES),
            shutdown: Seconds(DEFAULT_SHUTDOWN_S),
            log: LogWord::Text,
            permissions: PermissionsWord::OwnerOnly,
            tls: None,
            limits: CollectorLimits::default(),
            clickhouse: None,
        }
    }
}

/// Where events are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StoreWord {
    /// In files of this machine.
    Sqlite,
    /// On a `ClickHouse` server.
    Clickhouse,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogWord {
    /// A line for humans.
    Text,
    /// A JSON object a line.
    Json,
}

#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("required" = ["certificate", "private_key"])))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Tls {
    /// File with the certificate and those between it and its authority, in PEM.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub(crate) certificate: Option<PathBuf>,
    /// File with its private key, in PEM: mode 0600.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub(crate) private_key: Option<PathBuf>,
}

#[derive(Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CollectorLimits {
    /// Connections at once: 1 to 65536. One more waits until another ends.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 65_536)))]
    pub(crate) connections: u32,
    /// How long a connection may take for its TLS handshake, for the head of a request, or idle between
    /// two requests: 1s to 1h.
    pub(crate) head: Seconds,
    /// How long a peer may take nothing of an answer: 1s to 1h.
    pub(crate) write: Seconds,
}

impl Default for CollectorLimits {
    fn default() -> Self {
        Self {
            connections: DEFAULT_CONNECTIONS,
            head: Seconds(DEFAULT_HEAD_S),
            write: Seconds(DEFAULT_WRITE_S),
        }
    }
}

/// A `ClickHouse` server, and what waits on the disk while it is away.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("required" = ["url"])))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ClickHouse {
    /// `https://HOST:PORT` of its HTTP interface, without user and password.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub(crate) url: Option<String>,
    /// Database. It is made if it is not there, as are its tables.
    pub(crate) database: String,
    /// User.
    pub(crate) user: String,
    /// File that holds the password, and nothing else but a line end. None for a user without.
    pub(crate) password_file: Option<PathBuf>,
    /// Lets `http://`, without TLS, go to another host than this one or one with a private address.
    pub(crate) insecure_plaintext: bool,
    /// A number of this collector, another one for each that writes to the same database: 0 to 255.
    pub(crate) node: u8,
    /// How long an answer may take: 1s to 10m.
    pub(crate) timeout: Seconds,
    /// Space in `data` for batches that it cannot take now. 0 for none: then they are refused with 503.
    pub(crate) spool: Bytes,
}

impl Default for ClickHouse {
    fn default() -> Self {
        Self {
            url: None,
            database: "wafpass".into(),
            user: "default".into(),
            password_file: None,
            insecure_plaintext: false,
            node: 0,
            timeout: Seconds(30),
            spool: Bytes(1 << 30),
        }
    }
}
