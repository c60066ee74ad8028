//! Redis servers of a test: real ones, on free loopback ports, each with a directory of its own.
//! Without `redis-server` on the PATH the tests fail.

use std::fs::File;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use redis::{Client, Connection, FromRedisValue};
use tempfile::TempDir;

/// Long enough for a busy machine; nothing waits for it that works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A server, killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    dir: TempDir,
    pub(crate) port: u16,
    args: Vec<String>,
}

impl Server {
    /// A server that keeps nothing on disk.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// A server with more arguments.
    pub(crate) fn with(args: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        for _ in 0..10 {
            // Another process may take the port before the server does.
            let port = free_port();
            let mut child = spawn(&dir, port, &args);
            if is_up(&mut child, || answers(port, &args)) {
                return Self { child, dir, port, args };
            }
        }
        let log = std::fs::read_to_string(dir.path().join("log")).unwrap_or_default();
        panic!("redis-server does not start:\n{log}");
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    pub(crate) fn connect(&self) -> Connection {
        Client::open(self.url()).unwrap().get_connection_with_timeout(PATIENCE).unwrap()
    }

    /// Runs one command, written as on the command line.
    pub(crate) fn run<T: FromRedisValue>(&self, command: &str) -> T {
        let mut parts = command.split(' ');
        let mut command = redis::cmd(parts.next().unwrap());
        for part in parts {
            command.arg(part);
        }
        command.query(&mut self.connect()).unwrap()
    }

    /// Ends the server as a power cut does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again where it was.
    pub(crate) fn restart(&mut self) {
        self.child = spawn(&self.dir, self.port, &self.args);
        let (port, args) = (self.port, self.args.clone());
        assert!(
            is_up(&mut self.child, || answers(port, &args)),
            "redis-server does not start again"
        );
    }

    /// Stops it where it is: it takes connections and commands, and answers none.
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    /// It goes on.
    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").arg(signal).arg(self.child.id().to_string()).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn spawn(dir: &TempDir, port: u16, args: &[String]) -> Child {
    let log = File::create(dir.path().join("log")).unwrap();
    let port = port.to_string();
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--save", "", "--daemonize", "no"]);
    if !args.iter().any(|arg| arg == "--tls-port") {
        command.args(["--port", &port]);
    }
    command.args(args.iter().map(|arg| arg.replace("PORT", &port)));
    command.current_dir(dir.path()).arg("--dir").arg(dir.path());
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    command.spawn().expect("redis-server is there: tools/setup installs it")
}

fn is_up(child: &mut Child, answers: impl Fn() -> bool) -> bool {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if answers() {
            return true;
        }
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
    drop(child.kill());
    drop(child.wait());
    false
}

/// Whether the server answers, if only that one has to log in.
fn answers(port: u16, args: &[String]) -> bool {
    if args.iter().any(|arg| arg == "--tls-port") {
        return std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
    }
    let client = Client::open(format!("redis://127.0.0.1:{port}/")).unwrap();
    let Ok(mut connection) = client.get_connection_with_timeout(Duration::from_secs(1)) else {
        return false;
    };
    match redis::cmd("PING").query::<String>(&mut connection) {
        Ok(_) => true,
        Err(error) => error.code() == Some("NOAUTH"),
    }
}

/// A port that nobody listens on, and that no other test takes while its server is down: each process
/// has a hundred of its own, below those that the system hands out.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let own = NEXT.fetch_add(1, Ordering::Relaxed) % 100;
        let port = u16::try_from(10_000 + std::process::id() % 220 * 100 + own).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Writes the record of a fleet that has been there for ever, which vouches for everything.
pub(crate) fn seed(server: &Server, prefix: &str, kept_s: i64) {
    let record = format!("1 {0} {kept_s} {0} {kept_s} ", i64::MIN);
    let mut command = redis::cmd("SET");
    command.arg(format!("{prefix}retention")).arg(record);
    command.exec(&mut server.connect()).unwrap();
}
