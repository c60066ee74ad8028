//! The server: this program once more, as a process of its own.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read, stdin};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use wafpass::clock::{Clock, SystemClock};
use wafpass::collector::catalogue::{Catalogue, Scope, Scopes, TenantSettings, TokenRequest};
use wafpass::collector::server::Server;
use wafpass::collector::store::Store;
use wafpass::collector::store::sqlite::SqliteStore;
use wafpass::collector::{Collector, TenantId};
use wafpass::config::CollectorConfig;
use wafpass::matched_data::{Binding, PrivateKey, Suite, open};
use wafpass::telemetry::Prometheus;

use crate::clickhouse;
use crate::client::Client;

/// With it in the environment this program serves that folder.
const FOLDER: &str = "WAFPASS_BENCH_COLLECTOR";
/// With it, events go to the ClickHouse at this address, into the database after the blank.
const CLICKHOUSE: &str = "WAFPASS_BENCH_CLICKHOUSE";
/// Linux counts processor time in hundredths of a second.
const TICKS_PER_S: f64 = 100.0;

/// A running server with a folder of its own. Killed when it is dropped.
pub(crate) struct Service {
    child: Child,
    /// Gone when this is.
    _folder: TempDir,
    address: SocketAddr,
    token: String,
}

impl Service {
    /// A server on an empty folder below the target folder, which is on a disk.
    pub(crate) fn start() -> Self {
        Self::spawn(Command::new(env::current_exe().expect("this program")).env_remove(CLICKHOUSE))
    }

    /// The same, with its events in a database that it makes.
    pub(crate) fn on_clickhouse(url: &str, database: &str) -> Self {
        let mut program = Command::new(env::current_exe().expect("this program"));
        Self::spawn(program.env(CLICKHOUSE, format!("{url} {database}")))
    }

    fn spawn(program: &mut Command) -> Self {
        let folder = disk_folder();
        let mut child = program
            .env(FOLDER, folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        out.read_line(&mut line).expect("a line");
        let (address, token) = line.trim_end().split_once(' ').expect("an address and a token");
        let address = address.parse().expect("an address");
        Self { child, _folder: folder, address, token: token.to_owned() }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.address, &self.token)
    }

    /// Processor time that it has used so far.
    pub(crate) fn cpu(&self) -> Duration {
        cpu(self.child.id())
    }

    /// The most memory that it has had so far, in bytes.
    pub(crate) fn peak_memory(&self) -> f64 {
        let status = proc(self.child.id(), "status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux says");
        let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kilobytes * 1_024.0
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // A part that fails leaves no server behind.
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// Processor time that a process has used so far.
pub(crate) fn cpu(process: u32) -> Duration {
    let stat = proc(process, "stat");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("a stat").split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<f64>().expect("a number");
    Duration::from_secs_f64((ticks(11) + ticks(12)) / TICKS_PER_S)
}

fn proc(process: u32, file: &str) -> String {
    fs::read_to_string(format!("/proc/{process}/{file}")).expect("Linux")
}

/// A folder on the disk: /tmp may be memory, where a sync costs nothing.
pub(crate) fn disk_folder() -> TempDir {
    let program = env::current_exe().expect("this program");
    tempfile::tempdir_in(program.parent().expect("a folder")).expect("a folder")
}

pub(crate) fn is_server() -> bool {
    env::var_os(FOLDER).is_some()
}

pub(crate) fn tenant() -> TenantId {
    TenantId::new("acme").expect("an id")
}

/// Serves until standard input ends.
#[tokio::main]
pub(crate) async fn serve() {
    let folder = env::var(FOLDER).expect("a folder");
    let config = format!(
        "[collector]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\ndata = {folder:?}\n"
    );
    let config =
        CollectorConfig::parse(&config, Path::new(&folder).join("wafpass.toml")).expect("in order");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let folder = Path::new(&folder);
    let catalogue = Arc::new(Catalogue::open(folder, clock.clone()).expect("a catalogue"));
    catalogue.add_tenant(&tenant(), &TenantSettings::default()).expect("a tenant");
    activate_a_key(&catalogue);
    let request =
        TokenRequest { scopes: Scopes::of(&Scope::ALL), name: "bench".into(), expires_ms: None };
    let token = catalogue.add_token(&tenant(), &request).expect("a token");
    let store = store(folder, catalogue.clone()).await;
    let server = Server::bind(&config, Prometheus::install().expect("a recorder")).expect("a port");
    println!("{} {}", server.address().expect("a port"), &*token.text);
    let collector = Collector::new(store, catalogue, clock);
    server.run(collector, closed_input()).await.expect("an orderly end");
}

async fn store(folder: &Path, catalogue: Arc<Catalogue>) -> Arc<dyn Store> {
    let Ok(told) = env::var(CLICKHOUSE) else {
        return Arc::new(SqliteStore::open(folder, catalogue).expect("a store"));
    };
    let (url, database) = told.split_once(' ').expect("an address and a database");
    Arc::new(clickhouse::open(url, database, catalogue).await)
}

/// What arrives in clear is sealed to it.
fn activate_a_key(catalogue: &Catalogue) {
    let private = PrivateKey::generate(Suite::X25519).expect("a key");
    let (tenant, id) = (tenant(), private.public_key().key_id());
    catalogue.propose_key(&tenant, private.public_key(), "bench").expect("taken in");
    let challenge = catalogue.challenge_key(&tenant, id, "bench").expect("a challenge");
    let binding = challenge.binding();
    let binding = Binding::from_json(&binding).expect("a binding");
    let answer = open(&challenge.blob, &private, Some(&binding)).expect("it opens");
    let answer = str::from_utf8(&answer).expect("a text");
    catalogue.answer_challenge(&tenant, id, answer, "bench").expect("right");
    catalogue.activate_key(&tenant, id, "bench").expect("active");
}

async fn closed_input() {
    let waiting = tokio::task::spawn_blocking(|| stdin().read_to_end(&mut Vec::new()));
    let _ended = waiting.await;
}
