//! A data folder, a token, and the binary that runs on them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use wafpass::clock::SystemClock;
use wafpass::collector::TenantId;
use wafpass::collector::catalogue::{Catalogue, Scope, Scopes, TenantSettings, TokenRequest};

use crate::wire::{self, Answer};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_wafpass");

/// For a start, and for an end that was asked for: a test fails then rather than hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with a configuration, and a catalogue with one tenant.
pub(crate) struct Place {
    folder: TempDir,
    pub(crate) token: String,
}

impl Place {
    /// With these lines in `[collector]`.
    pub(crate) fn new(lines: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let token = make_tenant(&folder.path().join("data"));
        let place = Self { folder, token };
        place.configure(lines);
        place
    }

    pub(crate) fn configure(&self, lines: &str) {
        let config = format!(
            "[collector]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\ndata = \"data\"\nlog = \"json\"\nmin_free = 0\n{lines}\n"
        );
        fs::write(self.config(), config).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path().join("wafpass.toml")
    }

    /// The arguments that run the collector here.
    pub(crate) fn arguments(&self) -> [String; 4] {
        let config = self.config().display().to_string();
        ["collector".into(), "run".into(), "--config".into(), config]
    }

    pub(crate) fn start(&self) -> Running {
        let mut command = Command::new(BINARY);
        command.args(self.arguments());
        self.start_as(command)
    }

    /// Starts the collector by a command of the test's own.
    pub(crate) fn start_as(&self, command: Command) -> Running {
        Running::start(command, &self.token)
    }
}

/// Makes a data folder with the tenant `acme`, and returns a token that may do everything.
pub(crate) fn make_tenant(data: &Path) -> String {
    let catalogue = Catalogue::open(data, Arc::new(SystemClock)).unwrap();
    let tenant = TenantId::new("acme").unwrap();
    catalogue.add_tenant(&tenant, &TenantSettings::default()).unwrap();
    let scopes = Scopes::of(&Scope::ALL);
    let request = TokenRequest { name: "test".into(), scopes, expires_ms: None };
    catalogue.add_token(&tenant, &request).unwrap().text.to_string()
}

/// A collector that is up. Killed when it is dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) service: SocketAddr,
    pub(crate) admin: SocketAddr,
    token: String,
    log: Arc<Mutex<String>>,
}

impl Running {
    fn start(mut command: Command, token: &str) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let (up, is_up) = mpsc::channel();
        let written = Arc::clone(&log);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some(addresses) = addresses(&line) {
                    let _nobody_waits = up.send(addresses);
                }
                let mut log = written.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        match is_up.recv_timeout(PATIENCE) {
            Ok((service, admin)) => Self { child, service, admin, token: token.into(), log },
            Err(_) => panic!("it did not start: {:?}\n{}", child.kill(), log.lock().unwrap()),
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// kill -9, and nothing of the process is left when this comes back.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it ends by itself.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let (ended, has_ended) = mpsc::channel();
        let pid = self.pid();
        thread::spawn(move || {
            if has_ended.recv_timeout(PATIENCE).is_err() {
                signal(pid, "KILL"); // the test reports what it waited for
            }
        });
        let status = self.child.wait().unwrap();
        let _nobody_waits = ended.send(());
        (status, self.log())
    }

    /// SIGTERM, and how it ended.
    pub(crate) fn stop(self) -> (ExitStatus, String) {
        self.signal("TERM");
        self.wait()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        wire::get(self.service, path, &self.token).unwrap()
    }

    pub(crate) fn admin(&self, path: &str) -> Answer {
        wire::get(self.admin, path, "").unwrap()
    }

    /// A batch of lines, to one of the doors.
    pub(crate) fn send(
        &self,
        door: &str,
        key: Option<&str>,
        lines: &str,
    ) -> std::io::Result<Answer> {
        send(self.service, &self.token, door, key, lines)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _may_be_over = self.child.kill();
        let _reaped = self.child.wait();
    }
}

pub(crate) fn send(
    to: SocketAddr,
    token: &str,
    door: &str,
    key: Option<&str>,
    lines: &str,
) -> std::io::Result<Answer> {
    let key = key.map(|key| format!("idempotency-key: {key}\r\n")).unwrap_or_default();
    let more = format!("content-type: application/x-ndjson\r\n{key}");
    wire::ask(to, "POST", door, token, &more, lines.as_bytes())
}

pub(crate) fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status().unwrap();
    assert!(sent.success(), "{name} was not sent");
}

/// Where it listens, from the line of the log that says so.
fn addresses(line: &str) -> Option<(SocketAddr, SocketAddr)> {
    let line: Value = serde_json::from_str(line).ok()?;
    let of = |name: &str| {
        let (_, address) = line.get(name)?.as_str()?.split_once("://")?;
        address.parse().ok()
    };
    Some((of("service")?, of("admin")?))
}
