//! What `[collector]` says, checked.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::clickhouse::{ClickHouseSettings, clickhouse};
use crate::config::fault::Faults;
use crate::config::schema::{
    Collector, CollectorLimits, DEFAULT_ADMIN_PORT, DEFAULT_CONNECTIONS, DEFAULT_DATA,
    DEFAULT_HEAD_S, DEFAULT_MIN_FREE_BYTES, DEFAULT_PORT, DEFAULT_SHUTDOWN_S, DEFAULT_WRITE_S,
    LogWord, StoreWord, Tls,
};
use crate::config::units::Seconds;
use crate::key_directory::Permissions;

/// How a collector is run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CollectorSettings {
    /// Address of the service.
    pub listen: SocketAddr,
    /// Address of `/livez`, `/readyz` and `/metrics`.
    pub admin_listen: SocketAddr,
    /// Where clear text may go.
    pub clear_http: ClearHttp,
    /// The folder of the catalogue and of what is kept beside it.
    pub data: PathBuf,
    /// Where events are kept.
    pub store: StoreSettings,
    /// Free bytes in `data` below which nothing is taken in.
    pub min_free_bytes: u64,
    /// How long batches that are under way have to end, in seconds.
    pub shutdown_s: u32,
    /// How the log is written.
    pub log: LogFormat,
    /// TLS for `listen`.
    pub tls: Option<TlsFiles>,
    /// What bounds connections.
    pub limits: ConnectionLimits,
    /// Who may read files with secrets.
    pub permissions: Permissions,
}

/// Where HTTP without TLS is listened on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClearHttp {
    /// On this machine's own addresses only.
    Loopback,
    /// Anywhere: whoever sits in between reads the tokens.
    InsecureAnywhere,
}

/// Where events are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreSettings {
    /// In files of this machine.
    Sqlite,
    /// On a `ClickHouse` server.
    ClickHouse(ClickHouseSettings),
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogFormat {
    /// A line for humans.
    Text,
    /// A JSON object a line.
    Json,
}

/// Files in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsFiles {
    /// The certificate, and those between it and its authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub private_key: PathBuf,
}

/// What bounds connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionLimits {
    /// Connections at once.
    pub connections: u32,
    /// For a TLS handshake, for a request's head, and idle between two requests, in seconds.
    pub head_s: u32,
    /// For a peer that takes nothing of an answer, in seconds.
    pub write_s: u32,
}

impl ConnectionLimits {
    /// For a TLS handshake, for a request's head, and idle between two requests.
    #[must_use]
    pub fn head(self) -> Duration {
        Duration::from_secs(self.head_s.into())
    }

    /// For a peer that takes nothing of an answer.
    #[must_use]
    pub fn write(self) -> Duration {
        Duration::from_secs(self.write_s.into())
    }
}

impl Default for CollectorSettings {
    /// As with an empty section.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT)),
            admin_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_ADMIN_PORT)),
            clear_http: ClearHttp::Loopback,
            data: DEFAULT_DATA.into(),
            store: StoreSettings::Sqlite,
            min_free_bytes: DEFAULT_MIN_FREE_BYTES,
            shutdown_s: DEFAULT_SHUTDOWN_S,
            log: LogFormat::Text,
            tls: None,
            limits: ConnectionLimits::default(),
            permissions: Permissions::OwnerOnly,
        }
    }
}

impl Default for ConnectionLimits {
    /// As with an empty section.
    fn default() -> Self {
        Self { connections: DEFAULT_CONNECTIONS, head_s: DEFAULT_HEAD_S, write_s: DEFAULT_WRITE_S }
    }
}

impl CollectorSettings {
    /// How long batches that are under way have to end.
    #[must_use]
    pub fn shutdown(&self) -> Duration {
        Duration::from_secs(self.shutdown_s.into())
    }

    /// The address that would carry clear text further than this machine, if one would.
    #[must_use]
    pub fn exposed(&self) -> Option<SocketAddr> {
        if self.clear_http == ClearHttp::InsecureAnywhere {
            return None;
        }
        let service = Some(self.listen).filter(|_| self.tls.is_none());
        let is_far = |address: &SocketAddr| !address.ip().is_loopback();
        service.into_iter().chain([self.admin_listen]).find(is_far)
    }
}

const ADDRESS: &str = "write an IP address and a port, such as \"127.0.0.1:8787\" or \"[::]:8787\"";

/// Checks what the section says. `base` is where relative paths begin.
pub(in crate::config) fn settings(
    table: Collector,
    base: &Path,
    faults: &mut Faults<'_>,
) -> Option<CollectorSettings> {
    let listen = address("collector.listen", &table.listen, faults);
    let admin_listen = address("collector.admin_listen", &table.admin_listen, faults);
    if listen.is_some() && listen == admin_listen && listen.is_some_and(|at| at.port() != 0) {
        let fault = "`admin_listen` is the address of the service itself";
        faults.add("collector.admin_listen", fault, "choose another port: it asks for no token");
    }
    let clear_http =
        if table.insecure_http { ClearHttp::InsecureAnywhere } else { ClearHttp::Loopback };
    let tls = table.tls.map(|tls| tls_files(tls, base, faults));
    refuse_exposed(listen.filter(|_| tls.is_none()), admin_listen, clear_http, faults);
    let store = match (table.store, table.clickhouse) {
        (StoreWord::Sqlite, None) => Some(StoreSettings::Sqlite),
        (StoreWord::Clickhouse, Some(table)) => {
            clickhouse(table, base, faults).map(StoreSettings::ClickHouse)
        }
        (StoreWord::Sqlite, Some(_)) => {
            let fault = "there is a [collector.clickhouse], and another store";
            let way_out = "write store = \"clickhouse\" in [collector], or take it out";
            faults.add("collector.clickhouse", fault, way_out);
            None
        }
        (StoreWord::Clickhouse, None) => {
            let fault = "`store = \"clickhouse\"`, and nothing says where ClickHouse is";
            faults.add("collector.store", fault, "write a table [collector.clickhouse] with url");
            None
        }
    };
    time("collector.shutdown", table.shutdown, "30s", faults);
    Some(CollectorSettings {
        listen: listen?,
        admin_listen: admin_listen?,
        clear_http,
        data: base.join(table.data),
        store: store?,
        min_free_bytes: table.min_free.0,
        shutdown_s: table.shutdown.0,
        log: match table.log {
            LogWord::Text => LogFormat::Text,
            LogWord::Json => LogFormat::Json,
        },
        tls: match tls {
            Some(tls) => Some(tls?),
            None => None,
        },
        limits: limits(&table.limits, faults),
        permissions: table.permissions.into(),
    })
}

fn address(at: &str, text: &str, faults: &mut Faults<'_>) -> Option<SocketAddr> {
    let address = text.parse().ok();
    if address.is_none() {
        let key = at.rsplit('.').next().unwrap_or(at);
        faults.add(at, format!("`{key}` is no address with a port"), ADDRESS);
    }
    address
}

/// Tokens in clear on a network are everybody's.
fn refuse_exposed(
    service: Option<SocketAddr>,
    admin: Option<SocketAddr>,
    clear_http: ClearHttp,
    faults: &mut Faults<'_>,
) {
    if clear_http == ClearHttp::InsecureAnywhere {
        return;
    }
    if service.is_some_and(|address| !address.ip().is_loopback()) {
        let fault = "the service would listen without TLS on an address that others reach: they read the tokens";
        let way_out = "write a table [collector.tls], or listen on 127.0.0.1 behind a proxy with TLS; insecure_http = true lets it be";
        faults.add("collector.listen", fault, way_out);
    }
    if admin.is_some_and(|address| !address.ip().is_loopback()) {
        let fault =
            "metrics would be told without TLS and without a token on an address that others reach";
        let way_out = "listen on 127.0.0.1 (livez and readyz are on the service's address too); insecure_http = true lets it be";
        faults.add("collector.admin_listen", fault, way_out);
    }
}

fn tls_files(tls: Tls, base: &Path, faults: &mut Faults<'_>) -> Option<TlsFiles> {
    for (key, is_there) in
        [("certificate", tls.certificate.is_some()), ("private_key", tls.private_key.is_some())]
    {
        if !is_there {
            let fault = format!("[collector.tls] does not name its `{key}`");
            faults.add(&format!("collector.tls.{key}"), fault, "name a file in PEM");
        }
    }
    Some(TlsFiles {
        certificate: base.join(tls.certificate?),
        private_key: base.join(tls.private_key?),
    })
}

fn limits(table: &CollectorLimits, faults: &mut Faults<'_>) -> ConnectionLimits {
    if !(1..=65_536).contains(&table.connections) {
        let fault = format!("{} connections are out of bounds", table.connections);
        faults.add(
            "collector.limits.connections",
            fault,
            "keep it from 1 to 65536; 1024 is the default",
        );
    }
    time("collector.limits.head", table.head, "30s", faults);
    time("collector.limits.write", table.write, "60s", faults);
    ConnectionLimits {
        connections: table.connections,
        head_s: table.head.0,
        write_s: table.write.0,
    }
}

fn time(at: &str, time: Seconds, default: &str, faults: &mut Faults<'_>) {
    if !(1..=3_600).contains(&time.0) {
        let key = at.rsplit('.').next().unwrap_or(at);
        let fault = format!("`{key}` = {time} is out of bounds");
        faults.add(at, fault, format!("keep it within 1s to 1h; {default} is the default"));
    }
}
