//! What asking Redis costs: check and use of a request, with a window in this process and with a Redis on
//! the loopback, for 1, 16 and 64 requests at once.
//!
//! `cargo bench -p wafpass-benches --bench redis` takes half a minute; it starts a `redis-server` of its
//! own. Server and client share this machine's processors, so a server of its own does better.

#![expect(clippy::disallowed_methods, reason = "a bench measures real time")]

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use http::Request;
use tokio::runtime::Runtime;

use wafpass::replay::{Capacity, ReplayRedis, ReplayStore, ReplayWindow};
use wafpass::{Begun, Freshness, MessageHead, UnixTime, Verifier, clock};
use wafpass_benches::request::{signed, signer, verifier_on};
use wafpass_benches::{is_measuring, median};

const CAPACITY: Capacity = Capacity::shared(10_000_000);
const ROUNDS: usize = 5;

fn main() {
    let runtime = Runtime::new().expect("a runtime");
    let _entered = runtime.enter();
    let requests = if is_measuring() { 40_000 } else { 200 };
    println!("check and use of {requests} requests, median of {ROUNDS} rounds");
    println!("  {:<8} {:>8} {:>12} {:>10} {:>10}", "", "at once", "per second", "p50 µs", "p99 µs");
    let server = Server::start();
    let window: Arc<dyn ReplayStore> = Arc::new(
        ReplayWindow::new(Freshness::cloudfront().retention(), CAPACITY, long_ago())
            .expect("a window"),
    );
    let redis: Arc<dyn ReplayStore> = Arc::new(server.store());
    for (name, store) in [("window", window), ("redis", redis)] {
        let verifier = Arc::new(verifier_on(store));
        for at_once in [1, 16, 64] {
            let rounds = (0..ROUNDS).map(|_| runtime.block_on(round(&verifier, requests, at_once)));
            let rounds: Vec<Round> = rounds.collect();
            let of = |member: fn(&Round) -> f64| median(rounds.iter().map(member).collect());
            let (per_second, p50, p99) =
                (of(|round| round.per_second), of(|round| round.p50_us), of(|round| round.p99_us));
            println!("  {name:<8} {at_once:>8} {per_second:>12.0} {p50:>10.1} {p99:>10.1}");
        }
    }
}

struct Round {
    per_second: f64,
    p50_us: f64,
    p99_us: f64,
}

async fn round(verifier: &Arc<Verifier>, requests: usize, at_once: usize) -> Round {
    let signer = signer();
    let sign = |_| (0..requests / at_once).map(|_| signed(&signer, clock::now())).collect();
    let shares: Vec<Vec<Request<()>>> = (0..at_once).map(sign).collect();
    let count = shares.iter().map(Vec::len).sum::<usize>();
    let began = Instant::now();
    let callers: Vec<_> = shares
        .into_iter()
        .map(|share| {
            let verifier = Arc::clone(verifier);
            tokio::spawn(async move {
                let mut took_us = Vec::with_capacity(share.len());
                for request in &share {
                    let began = Instant::now();
                    verify(&verifier, request).await;
                    took_us.push(began.elapsed().as_secs_f64() * 1e6);
                }
                took_us
            })
        })
        .collect();
    let mut took_us = Vec::with_capacity(count);
    for caller in callers {
        took_us.append(&mut caller.await.expect("no panic"));
    }
    let per_second = count as f64 / began.elapsed().as_secs_f64();
    took_us.sort_by(f64::total_cmp);
    let at = |share: f64| took_us[(took_us.len() as f64 * share) as usize];
    Round { per_second, p50_us: at(0.5), p99_us: at(0.99) }
}

async fn verify(verifier: &Verifier, request: &Request<()>) {
    let now = clock::now();
    let authentic = verifier.check(&MessageHead::from_request(request), now).expect("authentic");
    match verifier.begin(authentic, now).expect("a use") {
        Begun::Spent(_) => {}
        Begun::Pending(answer) => drop(answer.await.expect("a use")),
    }
}

fn long_ago() -> UnixTime {
    clock::now().saturating_add(-3_600)
}

struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--port", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is there: tools/setup installs it");
        Self { child, port }
    }

    /// A store that may judge requests signed now: the fleet's record begins an hour ago.
    fn store(&self) -> ReplayRedis {
        let url = format!("redis://127.0.0.1:{}/", self.port);
        let store = ReplayRedis::builder(&url)
            .expect("a URL")
            .timeout(Duration::from_secs(5))
            .clock(LongAgo)
            .build(Freshness::cloudfront().retention(), CAPACITY, long_ago())
            .expect("a store");
        while store.started().is_none() {
            thread::sleep(Duration::from_millis(1));
        }
        store
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

struct LongAgo;

impl clock::Clock for LongAgo {
    fn now(&self) -> UnixTime {
        long_ago()
    }
}
