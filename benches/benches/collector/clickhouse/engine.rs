//! The real ClickHouse engine, in a process of its own on a free loopback port: `tests/clickhouse`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clickhouse::{Client, Compression};
use tempfile::TempDir;

use crate::service::{cpu, disk_folder};

/// How often it is asked whether it still merges.
const PAUSE: Duration = Duration::from_millis(50);

/// An engine with a folder of its own on the disk. Killed when it is dropped.
pub(crate) struct Engine {
    child: Child,
    /// Gone when this is.
    _folder: TempDir,
    pub(crate) url: String,
    pub(crate) version: String,
}

impl Engine {
    /// An engine without tables.
    ///
    /// # Panics
    ///
    /// Where it is not installed: this part is never skipped.
    pub(crate) fn start() -> Self {
        let folder = disk_folder();
        let mut child = Command::new("python3")
            .arg(repository().join("tests/clickhouse/engine.py"))
            .arg(packages())
            .arg(folder.path())
            // Held open as long as this process lives: the engine ends with it.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 runs; if it is missing: ./test install");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        out.read_line(&mut line).expect("a line");
        let Some((port, version)) = line.trim_end().split_once(' ') else {
            let _gone = child.kill();
            let _gone = child.wait();
            panic!(
                "ClickHouse's engine does not start, its error is above\n  help: ./test install"
            );
        };
        let url = format!("http://127.0.0.1:{port}/");
        Self { child, _folder: folder, url, version: version.to_owned() }
    }

    /// The official client, as the engine's front can be spoken to: it knows no compression.
    pub(crate) fn client(&self) -> Client {
        Client::default().with_url(&self.url).with_compression(Compression::None)
    }

    /// Processor time that it has used so far.
    pub(crate) fn cpu(&self) -> Duration {
        cpu(self.child.id())
    }

    /// Waits until no merge is under way: what one has put in is not merged on another's time.
    pub(crate) async fn rest(&self) {
        while self.count("system.merges").await > 0 {
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The rows of a table.
    pub(crate) async fn count(&self, table: &str) -> u64 {
        let sql = format!("SELECT count() FROM {table}");
        self.client().query_raw(&sql).fetch_one().await.expect("an answer")
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // A part that fails leaves no engine behind.
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

fn repository() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().expect("benches/ is in it").to_owned()
}

/// Where `tools/setup` has installed it.
fn packages() -> PathBuf {
    let told = Command::new("bash")
        .args(["-c", "source tools/lib.sh && clickhouse_dir"])
        .current_dir(repository())
        .output()
        .expect("bash runs");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let folder = PathBuf::from(String::from_utf8(told.stdout).expect("a path"));
    let is_there = fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some());
    assert!(
        is_there,
        "ClickHouse's engine is not installed: no {}\n  help: ./test install",
        folder.display()
    );
    folder
}
