//! The real ClickHouse engine, in a process of its own on a free loopback port. Without it the tests fail.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use wafpass::collector::store::clickhouse::{ClickHouseOptions, Compression};

/// An engine, killed when it is dropped.
pub(crate) struct Engine {
    child: Child,
    data: TempDir,
    pub(crate) port: u16,
    pub(crate) version: String,
}

impl Engine {
    pub(crate) fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let (child, port, version) = spawn(data.path(), 0);
        Self { child, data, port, version }
    }

    /// One that all tests of this process share, each with a database of its own.
    pub(crate) fn shared() -> &'static Self {
        static ENGINE: OnceLock<Engine> = OnceLock::new();
        ENGINE.get_or_init(Self::start)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// How a new, empty database of it is reached.
    pub(crate) fn options(&self) -> ClickHouseOptions {
        options(&self.url(), &new_database())
    }

    /// Asks it something, past the store.
    pub(crate) async fn ask(&self, sql: &str) -> String {
        let bytes = clickhouse::Client::default()
            .with_url(self.url())
            .with_compression(clickhouse::Compression::None)
            .query_raw(sql)
            .fetch_bytes("TabSeparated")
            .unwrap()
            .collect()
            .await
            .unwrap_or_else(|error| panic!("{sql}\n{error}"));
        String::from_utf8(bytes.into()).unwrap().trim_end().to_owned()
    }

    /// Ends it as a power cut does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again where it was.
    pub(crate) fn restart(&mut self) {
        (self.child, self.port, self.version) = spawn(self.data.path(), self.port);
    }

    /// Stops it in the middle of whatever it does.
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A name that no other test has.
pub(crate) fn new_database() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// The engine knows no compression.
pub(crate) fn options(url: &str, database: &str) -> ClickHouseOptions {
    let mut options = ClickHouseOptions::new(url, database);
    options.compression = Compression::None;
    options
}

fn spawn(data: &Path, port: u16) -> (Child, u16, String) {
    let mut child = Command::new("python3")
        .arg(folder().join("engine.py"))
        .arg(packages())
        .arg(data)
        .arg(port.to_string())
        // Held open as long as this process lives: the engine ends with it.
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 runs");
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let (port, version) =
        line.trim().split_once(' ').expect("the engine starts; see its error above");
    (child, port.parse().unwrap(), version.to_owned())
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clickhouse")
}

/// Where `tools/setup` has installed the engine: the name holds the hash of the list.
fn packages() -> PathBuf {
    let list = fs::read(folder().join("requirements.txt")).unwrap();
    let hash: String = Sha256::digest(list).iter().map(|byte| format!("{byte:02x}")).collect();
    let folder = cache().join(format!("clickhouse-{}", &hash[..12]));
    assert!(folder.is_dir(), "{} is missing: run `./test install`", folder.display());
    folder
}

fn cache() -> PathBuf {
    if let Some(cache) = env::var_os("WAFPASS_CACHE") {
        return cache.into();
    }
    let home = || PathBuf::from(env::var_os("HOME").expect("a home")).join(".cache");
    env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from).join("wafpass")
}
