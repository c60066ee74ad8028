//! Five minutes at a steady rate: does an origin that reloads, counts and answers its monitoring need
//! more and more memory?
//!
//! `cargo bench -p wafpass-benches --bench soak` takes five minutes and a half. A thousand requests a
//! second go over sockets to an axum origin, one in ten of them a replay and one in ten unsigned; its
//! configuration changes every five seconds, its metrics are read every five, and its signatures live for
//! ten, so that whatever is kept for a request is due to go many times over. `-- --gate` fails when the
//! memory at the end is over that after a minute by more than 4 MB, or a request got a wrong answer.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads clocks")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::routing::any;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use wafpass::config::Config;
use wafpass::telemetry::Prometheus;
use wafpass::{Key, Secret, Signer, Verified, VerifyLayer, WafEvidence, random_nonce, reload};
use wafpass_benches::{Gate, is_measuring};

const RATE: u64 = 1_000;
/// Who send them, one at a time each: a machine that is busy for a moment makes no pile of requests.
const VIEWERS: u64 = 20;
const WARM_UP: Duration = Duration::from_secs(60);
const LENGTH: Duration = Duration::from_secs(300);
/// Memory that may be gained after the warm-up: what an allocator keeps back. Had each of the 240,000
/// requests after it left nine bytes behind, it would be half of this.
const GAIN_MB: f64 = 4.0;

fn main() -> ExitCode {
    let (warm_up, length) = if is_measuring() {
        (WARM_UP, LENGTH)
    } else {
        (Duration::from_secs(1), Duration::from_secs(2))
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(soak(warm_up, length))
}

async fn soak(warm_up: Duration, length: Duration) -> ExitCode {
    let dir = tempfile::tempdir().expect("a directory");
    write(dir.path(), 0);
    let prometheus = Prometheus::install().expect("the first recorder");
    let config = Config::load(dir.path().join("wafpass.toml")).expect("a configuration");
    let layer = VerifyLayer::of(config.perimeter().expect("a perimeter"));
    let handle = layer.handle();
    prometheus.look_at(handle.clone());
    let _watch = reload::watch(config, handle.clone()).expect("a watch");
    let app = Router::new().fallback(any(async |_: Verified| "verified")).layer(layer);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(axum::serve(listener, app).into_future());
    tokio::time::sleep(Duration::from_secs(1)).await; // what is signed in the first second is refused

    let load = Arc::new(Load::new(address));
    for viewer in 0..VIEWERS {
        tokio::spawn(Arc::clone(&load).send_for_ever(viewer));
    }
    println!("{RATE} requests a second for {} s", length.as_secs());
    println!("  {:>6} {:>12} {:>8} {:>10} {:>8}", "s", "requests", "wrong", "entries", "MB");
    let (began, mut warm) = (Instant::now(), None);
    let mut ticks = tokio::time::interval(Duration::from_secs(5));
    ticks.tick().await; // the first is at once
    while began.elapsed() < length {
        ticks.tick().await;
        let second = began.elapsed().as_secs();
        write(dir.path(), second);
        std::hint::black_box(prometheus.render());
        if warm.is_none() && began.elapsed() >= warm_up {
            warm = Some(memory_mb());
        }
        if second.is_multiple_of(20) {
            let entries = handle.verifier().replay_store().live();
            let [sent, wrong] =
                [&load.sent, &load.wrong].map(|count| count.load(Ordering::Relaxed));
            println!("  {second:>6} {sent:>12} {wrong:>8} {entries:>10} {:>8.1}", memory_mb());
        }
    }
    let gain = memory_mb() - warm.unwrap_or_else(memory_mb);
    let wrong = load.wrong.load(Ordering::Relaxed);
    println!("{gain:+.1} MB after the warm-up, {wrong} wrong answers");
    let mut gate = Gate::new();
    gate.at_most("MB gained after the warm-up", gain, GAIN_MB);
    gate.at_most("wrong answers", f64::from(u32::try_from(wrong).unwrap_or(u32::MAX)), 0.0);
    gate.finish()
}

struct Load {
    address: String,
    client: Client<HttpConnector, Body>,
    signer: Signer,
    sent: AtomicU64,
    wrong: AtomicU64,
}

impl Load {
    fn new(address: String) -> Self {
        let signer = Signer::builder("shop", key()).build().expect("a signer");
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(32).build_http();
        Self { address, client, signer, sent: AtomicU64::new(0), wrong: AtomicU64::new(0) }
    }

    async fn send_for_ever(self: Arc<Self>, viewer: u64) {
        let mut ticks = tokio::time::interval(Duration::from_millis(1_000 * VIEWERS / RATE));
        for turn in 0.. {
            ticks.tick().await;
            self.send(viewer + turn * VIEWERS).await;
        }
    }

    async fn send(&self, number: u64) {
        self.sent.fetch_add(1, Ordering::Relaxed);
        let request = || {
            let uri = format!("http://{}/a?n={number}", self.address);
            Request::get(uri).body(Body::empty()).expect("a request")
        };
        let mut first = request();
        if number % 10 != 9 {
            let nonce = random_nonce().expect("a nonce");
            self.signer.sign_request(&mut first, WafEvidence::Pass, &nonce).expect("signed");
        }
        let mut again = request();
        again.headers_mut().clone_from(first.headers());
        let good = if number % 10 == 9 { StatusCode::FORBIDDEN } else { StatusCode::OK };
        self.expect(first, good).await;
        if number.is_multiple_of(10) {
            self.expect(again, StatusCode::FORBIDDEN).await;
        }
    }

    async fn expect(&self, request: Request<Body>, status: StatusCode) {
        let answered = match self.client.request(request).await {
            Ok(response) => {
                let found = response.status();
                response.into_body().collect().await.is_ok() && found == status
            }
            Err(_) => false,
        };
        self.wrong.fetch_add(u64::from(!answered), Ordering::Relaxed);
    }
}

fn secret() -> Secret {
    Secret::new([7; 32]).expect("a secret")
}

fn key() -> Key {
    Key::new("k", &secret()).expect("a key")
}

/// A configuration that differs each time.
fn write(dir: &Path, number: u64) {
    let secret = secret().to_base64url();
    let text = format!(
        "audience = \"shop\"\n[keys]\ninline = [\n  {{ kid = \"k\", key = \"{}\" }},\n  {{ kid = \"next-{}\", key = \"{}\" }},\n]\n\
         [freshness]\nmax_age = \"10s\"\n[reload]\npoll = \"2s\"\n# {number}\n",
        *secret,
        number % 7,
        *secret
    );
    let fresh = dir.join(".wafpass.toml.new");
    fs::write(&fresh, text).expect("written");
    fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600)).expect("closed to others");
    fs::rename(fresh, dir.join("wafpass.toml")).expect("in place");
}

fn memory_mb() -> f64 {
    let bytes = memory_stats::memory_stats().map_or(0, |stats| stats.physical_mem);
    f64::from(u32::try_from(bytes / 1_024).unwrap_or(u32::MAX)) / 1_024.0
}
