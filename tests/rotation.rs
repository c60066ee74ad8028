//! A key is rotated with the command line, from the first step to the last, while requests go through
//! nginx and the deployed function to an origin that reloads: none is refused.
//!
//! Needs nginx and its njs module, which `./test install` sets up; without them it fails.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "in a test, a panic is the report; servers need real time"
)]

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::routing::{any, get};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use wafpass::config::Config;
use wafpass::telemetry::Prometheus;
use wafpass::{KeyId, PerimeterHandle, Verified, VerifyLayer, reload};

#[path = "support/nginx.rs"]
mod nginx;

use self::nginx::Nginx;

const WAF: &str = "waf-value-0123456789abcdefghijklmnop";

const CONFIG: &str = "\
audience = \"shop\"

[keys]
directory = \"keys\"

[freshness]
preset = \"cloudfront\"

[replay]
restart_barrier = \"insecure-off\" # the test does not wait until the origin is ready
";

/// A folder with a configuration, a key directory and what goes to the edge.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        desk.write("wafpass.toml", CONFIG);
        desk.write("waf.txt", WAF);
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Runs `wafpass keys`, as the runbook does.
    fn keys(&self, arguments: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wafpass"));
        command.current_dir(self.0.path()).arg("keys").args(arguments.split(' '));
        command.args(["--dir", "keys"]).output().unwrap()
    }

    fn step(&self, arguments: &str) {
        let output = self.keys(arguments);
        let told = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "keys {arguments}:\n{}", String::from_utf8_lossy(&told));
    }

    /// Repeats a step that is refused for a while.
    fn step_in_time(&self, arguments: &str) {
        let began = Instant::now();
        loop {
            let output = self.keys(arguments);
            match output.status.code() {
                Some(0) => return,
                Some(1) if began.elapsed() < Duration::from_secs(90) => {
                    std::thread::sleep(Duration::from_millis(200));
                }
                _ => {
                    let told = String::from_utf8_lossy(&output.stderr).into_owned();
                    panic!("keys {arguments}: {told}");
                }
            }
        }
    }

    /// What the edge holds, once it was given the exported value.
    fn edge(&self, exported: &str) -> Value {
        let value = fs::read_to_string(self.path(exported)).unwrap();
        json!({ "kvs": { "wafpass": value.trim_end() }, "waf": WAF })
    }
}

/// The origin, and its metrics on a port of their own.
async fn origin(config: &Path) -> (SocketAddr, String, PerimeterHandle, reload::Watch) {
    let config = Config::load(config).unwrap();
    let layer = VerifyLayer::of(config.perimeter().unwrap());
    let handle = layer.handle();
    let watch = reload::watch(config, handle.clone()).unwrap();
    let prometheus = Prometheus::install().unwrap();
    prometheus.look_at(handle.clone());
    let app = Router::new().fallback(any(async |verified: Verified| verified.key_id().to_string()));
    let metrics = Router::new().route("/metrics", get(async move || prometheus.render()));
    let address = serve(app.layer(layer)).await;
    let metrics = format!("http://{}/metrics", serve(metrics).await);
    (address, metrics, handle, watch)
}

async fn serve(app: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, app).into_future());
    address
}

/// Viewers who never stop, and for whom every answer has to be good.
struct Viewers {
    done: Arc<AtomicBool>,
    served: Arc<AtomicU64>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Viewers {
    fn start(edge: SocketAddr) -> Self {
        let (done, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let tasks = (0..4)
            .map(|viewer| {
                let (done, served) = (Arc::clone(&done), Arc::clone(&served));
                tokio::spawn(async move {
                    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
                    let method = if viewer % 2 == 0 { "GET" } else { "POST" };
                    while !done.load(Ordering::Relaxed) {
                        let request = Request::builder()
                            .method(method)
                            .uri(format!("http://{edge}/orders?n={viewer}"))
                            .header("host", "shop.example")
                            .body(Body::empty())
                            .unwrap();
                        let response = client.request(request).await.unwrap();
                        let status = response.status();
                        let body = response.into_body().collect().await.unwrap().to_bytes();
                        assert_eq!(status, StatusCode::OK, "{body:?}");
                        served.fetch_add(1, Ordering::Relaxed);
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                })
            })
            .collect();
        Self { done, served, tasks }
    }

    /// Waits until `more` requests were served.
    async fn serve(&self, more: u64) {
        let wanted = self.served.load(Ordering::Relaxed) + more;
        let began = Instant::now();
        while self.served.load(Ordering::Relaxed) < wanted {
            assert!(self.tasks.iter().all(|task| !task.is_finished()), "a request was refused");
            assert!(began.elapsed() < Duration::from_secs(60), "the edge does not answer");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn stop(self) -> u64 {
        self.done.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.expect("no request is refused");
        }
        self.served.load(Ordering::Relaxed)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rotation_refuses_nothing_from_the_first_step_to_the_last() {
    let desk = Desk::new();
    desk.step("new --kid first");
    desk.step("promote first");
    desk.step("export cloudfront-kvs --aud shop --waf-secret-file waf.txt --out current.json");
    let (address, metrics, handle, _watch) = origin(&desk.path("wafpass.toml")).await;
    let edge = desk.edge("current.json");
    let nginx = tokio::task::spawn_blocking(move || Nginx::start(address, &edge)).await.unwrap();
    let viewers = Viewers::start(nginx.address);
    viewers.serve(50).await;

    // Origins accept the new key first.
    tokio::task::block_in_place(|| desk.step("new --kid second"));
    tokio::task::block_in_place(|| {
        desk.step_in_time(&format!("promote second --metrics {metrics}"));
    });
    viewers.serve(50).await;
    let key_use = |kid: &str| handle.telemetry().key_use(&KeyId::new(kid).unwrap());
    assert!(key_use("second").is_none(), "the edge has not been given it yet");

    // Then the edge signs with it.
    let early = tokio::task::block_in_place(|| {
        desk.keys(&format!("retire first --metrics {metrics} --unused-for 60"))
    });
    assert_eq!(early.status.code(), Some(1), "the edge still signs with it");
    tokio::task::block_in_place(|| {
        desk.step("export cloudfront-kvs --current current.json --out next.json");
    });
    nginx.configure(&desk.edge("next.json"));
    viewers.serve(100).await;
    assert!(key_use("second").is_some());

    // And back, since a runbook has that too.
    tokio::task::block_in_place(|| desk.step("promote first"));
    nginx.configure(&desk.edge("current.json"));
    viewers.serve(50).await;
    tokio::task::block_in_place(|| {
        desk.step_in_time(&format!("promote second --metrics {metrics}"));
    });
    nginx.configure(&desk.edge("next.json"));

    // The old one goes once nothing has used it for a while: a minute is the shortest.
    tokio::task::block_in_place(|| {
        desk.step_in_time(&format!("retire first --metrics {metrics} --unused-for 60"));
    });
    let began = Instant::now();
    while !handle.verifier().keyring().get(&KeyId::new("first").unwrap()).unwrap().is_revoked() {
        assert!(began.elapsed() < Duration::from_secs(15), "the origin does not reload");
        viewers.serve(10).await;
    }
    viewers.serve(100).await;
    let early = tokio::task::block_in_place(|| desk.keys("remove first"));
    assert_eq!(early.status.code(), Some(1), "it stays on record for a day");

    let served = viewers.stop().await;
    let summary = handle.telemetry().summary();
    assert_eq!(summary.requests("refused"), 0, "{summary}");
    assert_eq!(summary.requests("accepted"), served, "{summary}");
    assert!(served > 300);
}
