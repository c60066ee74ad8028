//! The layer in a server: requests over loopback, from 64 connections that are kept alive.
//!
//! The server has one processor and the client another, as far as there are two. Every round gives the
//! same signed requests, made beforehand, to a bare router and to the same one behind the layer.
//!
//! `cargo bench -p wafpass-benches --bench sockets` takes half a minute; `-- --gate` makes it fail
//! when a limit is missed.

#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use axum::middleware::{Next, from_fn};
use axum::routing::get;
use core_affinity::CoreId;
use cpu_time::ThreadTime;
use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use wafpass::{VerifyLayer, clock};
use wafpass_benches::request::{TARGET, signed, signer, verifier};
use wafpass_benches::{Gate, is_measuring, median};

const ROUNDS: usize = 9;
const CONNECTIONS: usize = 64;
const REQUESTS_PER_CONNECTION: usize = 800;
/// A round takes a second or two; one that takes this long is stuck.
const PATIENCE: Duration = Duration::from_secs(30);

type Bytes = Vec<u8>;
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result<ExitCode> {
    let (rounds, each) = if is_measuring() { (ROUNDS, REQUESTS_PER_CONNECTION) } else { (1, 2) };
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    let (server_core, client_core) = (cores.first().copied(), cores.last().copied());
    if cores.len() < 2 {
        println!("one processor for server and client: the rate is of both together");
    }
    if let Some(core) = client_core {
        core_affinity::set_for_current(core);
    }

    let noop = from_fn(async |request, next: Next| next.run(request).await);
    // Requests are signed as they are needed; the window began before.
    let verify = VerifyLayer::new(verifier(clock::now().saturating_add(-1)));
    let mut modes = [
        Mode::new("bare", server_core, router()),
        Mode::new("no-op from_fn", server_core, router().layer(noop)),
        Mode::new("VerifyLayer", server_core, router().layer(verify)),
    ];
    let client = runtime()?;
    for round in 0..=rounds {
        let requests = requests(each);
        for mode in &mut modes {
            let sample = client.block_on(mode.run(&requests))?;
            if round > 0 {
                mode.samples.push(sample); // the first one warms up
            }
        }
    }
    report(&modes)
}

fn report(modes: &[Mode; 3]) -> Result<ExitCode> {
    let [bare, _, verify] = modes;
    println!("\n{CONNECTIONS} connections");
    println!("  {:16} {:>12} {:>16}   x bare", "", "requests/s", "server CPU µs");
    for mode in modes {
        let (rate, cpu_us) =
            (mode.median(|sample| sample.rate), mode.median(|sample| sample.cpu_us));
        println!("  {:16} {rate:12.0} {cpu_us:16.2}   {:.2}", mode.name, mode.rate_to(bare));
    }
    let added = verify.median(|sample| sample.cpu_us) - bare.median(|sample| sample.cpu_us);
    println!("\nVerifyLayer adds {added:.2} µs of server CPU to a request");

    let mut gate = Gate::new();
    gate.at_least("requests/s, VerifyLayer / bare", verify.rate_to(bare), 0.85);
    Ok(gate.finish())
}

fn router() -> Router {
    Router::new().route("/catalog/garden/tools", get(async || "Hello, World!"))
}

/// The bytes that each connection sends, request by request.
fn requests(each: usize) -> Vec<Arc<Vec<Bytes>>> {
    let signer = signer();
    let bytes = || {
        let request: Request<()> = signed(&signer, clock::now());
        let mut bytes = format!("GET {TARGET} HTTP/1.1\r\n").into_bytes();
        for (name, value) in request.headers() {
            bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        bytes.extend(b"\r\n");
        bytes
    };
    (0..CONNECTIONS).map(|_| Arc::new((0..each).map(|_| bytes()).collect())).collect()
}

/// A way to serve, and what was measured of it.
struct Mode {
    name: &'static str,
    core: Option<CoreId>,
    router: Router,
    samples: Vec<Sample>,
}

struct Sample {
    /// Requests in a second.
    rate: f64,
    /// CPU time of the server for each request.
    cpu_us: f64,
}

impl Mode {
    fn new(name: &'static str, core: Option<CoreId>, router: Router) -> Self {
        Self { name, core, router, samples: Vec::new() }
    }

    fn median(&self, figure: impl Fn(&Sample) -> f64) -> f64 {
        median(self.samples.iter().map(figure).collect())
    }

    /// The median over the rounds of the rate as a part of `other`'s in the same round.
    fn rate_to(&self, other: &Self) -> f64 {
        let pairs = self.samples.iter().zip(&other.samples);
        median(pairs.map(|(own, other)| own.rate / other.rate).collect())
    }

    async fn run(&self, requests: &[Arc<Vec<Bytes>>]) -> Result<Sample> {
        let server = Server::start(self.core, self.router.clone())?;
        let mut connections = Vec::new();
        for _ in requests {
            let stream = TcpStream::connect(server.address).await?;
            stream.set_nodelay(true)?;
            connections.push(stream);
        }
        let mut running = JoinSet::new();
        let started = Instant::now();
        for (stream, requests) in connections.into_iter().zip(requests) {
            running.spawn(converse(stream, Arc::clone(requests)));
        }
        let finished = async {
            while let Some(conversation) = running.join_next().await {
                conversation??;
            }
            Ok::<(), Box<dyn Error + Send + Sync>>(())
        };
        tokio::time::timeout(PATIENCE, finished).await??;
        let (took, count) = (
            started.elapsed(),
            requests.iter().map(|requests| requests.len()).sum::<usize>() as f64,
        );
        let cpu = server.stop()?;
        Ok(Sample { rate: count / took.as_secs_f64(), cpu_us: cpu.as_secs_f64() * 1e6 / count })
    }
}

/// A server on a thread of its own.
struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: thread::JoinHandle<Result<Duration>>,
}

impl Server {
    fn start(core: Option<CoreId>, router: Router) -> Result<Self> {
        let (stop, stopped) = oneshot::channel::<()>();
        let (bound, address) = mpsc::channel();
        let thread = thread::spawn(move || {
            if let Some(core) = core {
                core_affinity::set_for_current(core);
            }
            runtime()?.block_on(async {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
                bound.send(listener.local_addr()?)?;
                let start = ThreadTime::now();
                tokio::select! {
                    served = axum::serve(listener, router) => served?,
                    _ = stopped => {}
                }
                Ok(start.elapsed())
            })
        });
        Ok(Self { address: address.recv()?, stop, thread })
    }

    /// Ends the server; returns the CPU time that it used.
    fn stop(self) -> Result<Duration> {
        drop(self.stop);
        self.thread.join().map_err(|_| "the server panicked")?
    }
}

/// Sends each request once the one before is answered.
async fn converse(mut stream: TcpStream, requests: Arc<Vec<Bytes>>) -> Result<()> {
    let mut buffer = [0; 1024];
    let mut expected = None;
    for request in &*requests {
        stream.write_all(request).await?;
        let mut filled = 0;
        // All answers are as long as the first, which comes in one piece.
        while filled == 0 || expected.is_some_and(|expected| filled < expected) {
            let read = stream.read(&mut buffer[filled..]).await?;
            if read == 0 {
                return Err("the server closed the connection".into());
            }
            filled += read;
        }
        expected.get_or_insert(filled);
        if !buffer.starts_with(b"HTTP/1.1 200 ") || expected != Some(filled) {
            return Err(String::from_utf8_lossy(&buffer[..filled]).into());
        }
    }
    Ok(())
}

fn runtime() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}
