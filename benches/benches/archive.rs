//! Whole logs of matched data: against nothing but the key agreements that they need, on all cores, and
//! against a process for each blob.
//!
//! `cargo bench -p wafpass-benches --bench archive` takes a minute; `-- --gate` makes it fail when a limit
//! is missed. All candidates of a round run one after the other and on all cores; what counts is the median
//! over the rounds of each one's ratio to the first. Throughput is in wall time. On a machine that others use
//! too it tells more about them, so the CPU time of the whole process stands beside it: what an event costs,
//! whichever core it is on.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads clocks")]

use std::env;
use std::fs::File;
use std::hint::black_box;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::Instant;

use aws_lc_rs::agreement::{PrivateKey as Agreeing, UnparsedPublicKey, X25519, agree};
use base64ct::{Base64, Encoding};
use cpu_time::ProcessTime;
use flate2::write::GzEncoder;
use serde_json::Value;
use wafpass::matched_data::archive::{Archive, LogFormat, LogReader};
use wafpass::matched_data::{Binding, Opener, PrivateKey, seal_v3, seal_v4};
use wafpass_benches::{Gate, is_measuring, median, throughput};

const KEY: &str = "uBS5eBttHrqkdY41kbZPdvYnNz8Vj0TvKIUpjB1y/GA=";
const PAYLOAD: &str = r#"{"http.request.uri.path":{"before":"/cms/","content":"\na","after":"dmin"},"http.request.headers.values[3]":[{"content":"phar://","after":"example"}],"http.request.body.raw":{"before":"NY>","content":"<!ENTITY xxe SYSTEM","after":" \"file:///dev/"}}"#;
const ROUNDS: usize = 31;
const EVENTS: usize = 5_000;

/// With it in the environment, this program opens the blob in it and ends.
const ONE_BLOB: &str = "WAFPASS_BENCH_ONE_BLOB";

struct Candidate<'a> {
    name: &'static str,
    /// Opens as many events as it says.
    work: Box<dyn Fn() -> usize + 'a>,
    per_s: Vec<f64>,
    cpu_us: Vec<f64>,
}

fn main() -> ExitCode {
    if let Ok(blob) = env::var(ONE_BLOB) {
        assert!(opener().open(blob, None).is_ok());
        return ExitCode::SUCCESS;
    }
    let cores = thread::available_parallelism().expect("cores").get();
    let events = if is_measuring() { EVENTS } else { 64 };
    let [v3, v4] = [false, true].map(|is_bound| log(events, is_bound));
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("events.jsonl.gz");
    write_gzip(&path, &v3);
    let opener = &opener();
    let (blobs, bound): (Vec<_>, Vec<_>) =
        (v3.lines().map(blob).collect(), v4.lines().map(blob).collect());

    let archive = Archive::new(LogFormat::Jsonl);
    let in_memory = |log: &str| {
        let log = LogReader::new(log.as_bytes()).expect("a log");
        let summary = archive.open(log, io::sink(), opener).expect("worked off");
        assert!(summary.is_complete() && summary.opened == summary.events);
        events
    };
    let from_gzip = || {
        let log = LogReader::new(File::open(&path).expect("the file")).expect("a log");
        let summary = archive.open(log, io::sink(), opener).expect("worked off");
        assert_eq!(summary.opened, u64::try_from(events).expect("few"));
        events
    };
    let mut candidates = [
        candidate("agreements", || agreements(cores, events)),
        candidate("blobs, version 3", || blobs_alone(cores, opener, &blobs)),
        candidate("blobs, version 4", || blobs_alone(cores, opener, &bound)),
        candidate("log, version 3", || in_memory(&v3)),
        candidate("log, version 4", || in_memory(&v4)),
        candidate("gzip file", from_gzip),
        candidate("a process each", || processes(cores, &blobs)),
    ];
    for _ in 0..if is_measuring() { ROUNDS } else { 1 } {
        for Candidate { work, per_s, cpu_us, .. } in &mut candidates {
            let (start, cpu) = (Instant::now(), ProcessTime::now());
            let opened = work() as f64;
            per_s.push(opened / start.elapsed().as_secs_f64());
            cpu_us.push(cpu.elapsed().as_secs_f64() * 1e6 / opened);
        }
    }
    report(&candidates, cores, v3.len() / events)
}

fn candidate<'a>(name: &'static str, work: impl Fn() -> usize + 'a) -> Candidate<'a> {
    Candidate { name, work: Box::new(work), per_s: Vec::new(), cpu_us: Vec::new() }
}

fn report(candidates: &[Candidate<'_>], cores: usize, line_bytes: usize) -> ExitCode {
    let [agreements, blobs, bound, v3, v4, gzip, process] = candidates else {
        unreachable!("seven of them")
    };
    let ratio = |one: &[f64], other: &[f64]| {
        median(one.iter().zip(other).map(|(one, other)| one / other).collect())
    };
    let wall = |one: &Candidate<'_>, other: &Candidate<'_>| ratio(&one.per_s, &other.per_s);
    // A process of its own spends its time for itself.
    let cpu = |one: &Candidate<'_>, other: &Candidate<'_>| ratio(&other.cpu_us, &one.cpu_us);
    println!("\narchive, {cores} cores, {line_bytes} bytes a line");
    println!("  {:16} {:>10} {:>9}   x agreements: wall, CPU", "", "events/s", "CPU us");
    for one in candidates {
        let (per_s, us) = (median(one.per_s.clone()), median(one.cpu_us.clone()));
        let (wall, cpu) = (wall(one, agreements), cpu(one, agreements));
        println!("  {:16} {per_s:10.0} {us:9.1}   {wall:.3}  {cpu:.3}", one.name);
    }
    println!();
    let mut gate = Gate::new();
    for (log, alone, limit) in [(v3, blobs, 0.85), (v4, bound, 0.85), (gzip, blobs, 0.80)] {
        let name = format!("{} / {}", log.name, alone.name);
        gate.at_least(&format!("{name}, CPU"), cpu(log, alone), limit);
        gate.at_least(&name, wall(log, alone), limit);
    }
    gate.at_least("log, version 3 / agreements, CPU", cpu(v3, agreements), 0.75);
    gate.at_least("log / a process each", wall(v3, process), 20.0);
    gate.finish()
}

fn opener() -> Opener {
    Opener::new([PrivateKey::from_text(KEY).expect("a key")]).expect("a key")
}

/// Nothing but one X25519 for each event, by the fastest library.
fn agreements(cores: usize, events: usize) -> usize {
    let key = Base64::decode_vec(KEY).expect("base64");
    let key = &Agreeing::from_private_key(&X25519, &key).expect("a key");
    let peer = key.compute_public_key().expect("a public key");
    let peer = &UnparsedPublicKey::new(&X25519, peer.as_ref());
    let each = events / cores;
    throughput(cores, u64::try_from(each).expect("few"), |_, _| {
        agree(key, black_box(peer), (), |secret| Ok(black_box(secret[0]))).expect("a secret");
    });
    each * cores
}

/// The blobs without the log: opened by all cores, each its share.
fn blobs_alone(cores: usize, opener: &Opener, blobs: &[(String, Value)]) -> usize {
    thread::scope(|scope| {
        for share in blobs.chunks(blobs.len().div_ceil(cores)) {
            scope.spawn(move || {
                for (blob, binding) in share {
                    let binding = Binding::from_json(binding).ok();
                    black_box(opener.open(blob, binding.as_ref()).expect("it opens"));
                }
            });
        }
    });
    blobs.len()
}

/// A process for each blob, on all cores: this program, which does nothing else then.
fn processes(cores: usize, blobs: &[(String, Value)]) -> usize {
    let program = &env::current_exe().expect("this program");
    let few = &blobs[..blobs.len().min(if is_measuring() { 400 } else { 4 })];
    thread::scope(|scope| {
        for share in few.chunks(few.len().div_ceil(cores)) {
            scope.spawn(move || {
                for (blob, _) in share {
                    let mut process = Command::new(program);
                    process.env(ONE_BLOB, blob).stdout(Stdio::null());
                    assert!(process.status().expect("it runs").success());
                }
            });
        }
    });
    few.len()
}

/// A log as Cloudflare's Logpush writes it, each event with a blob of its own.
fn log(events: usize, is_bound: bool) -> String {
    let key = &PrivateKey::from_text(KEY).expect("a key");
    let lines: Vec<usize> = (0..events).collect();
    let cores = thread::available_parallelism().expect("cores").get();
    thread::scope(|scope| {
        let shares: Vec<_> = lines
            .chunks(events.div_ceil(cores))
            .map(|share| {
                scope.spawn(move || share.iter().map(|&n| line(n, is_bound, key)).collect())
            })
            .collect();
        let shares = shares.into_iter().map(|share| share.join().expect("sealed"));
        shares.collect::<Vec<String>>().concat()
    })
}

fn line(n: usize, is_bound: bool, key: &PrivateKey) -> String {
    let (ray, ms) = (format!("{:016x}", n * 7_919), 1_795_307_400_000 + n as u64);
    let event_id = format!("{ray}/0");
    let binding = Binding::new("acme", &event_id, "100173", ms).expect("a binding");
    let (blob, beside) = if is_bound {
        let blob = seal_v4(PAYLOAD.as_bytes(), key.public_key(), &binding).expect("sealed");
        (blob, format!("\"binding\":{},", binding.to_json()))
    } else {
        (seal_v3(PAYLOAD.as_bytes(), key.public_key()).expect("sealed"), String::new())
    };
    let second = ms / 1_000;
    format!(
        r#"{{"Action":"block","ClientASN":{},"ClientASNDescription":"EXAMPLE-NET","ClientCountry":"de","ClientIP":"203.0.113.{}","ClientRequestHost":"shop.example","ClientRequestMethod":"GET","ClientRequestPath":"/cms/{n}/admin","ClientRequestQuery":"?action=post&id={}","ClientRequestUserAgent":"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0","Datetime":{second},"EdgeColoCode":"FRA","EdgeResponseStatus":403,"Kind":"firewall","MatchIndex":0,"Metadata":{{{beside}"ruleset_version":"83","version":"81","type":"customer","encrypted_matched_data":"{blob}"}},"OriginatorRayID":"00","RayID":"{ray}","Ref":"","RuleID":"100173","Source":"firewallManaged"}}"#,
        64_496 + n % 16,
        n % 256,
        n * 31
    ) + "\n"
}

/// The blob of a line, and the binding beside it.
fn blob(line: &str) -> (String, Value) {
    let mut event: Value = serde_json::from_str(line).expect("JSON");
    let metadata = &mut event["Metadata"];
    let blob = metadata["encrypted_matched_data"].as_str().expect("a blob").to_owned();
    (blob, metadata["binding"].take())
}

fn write_gzip(path: &Path, log: &str) {
    let file = File::create(path).expect("a file");
    let mut encoder = GzEncoder::new(file, flate2::Compression::default());
    encoder.write_all(log.as_bytes()).expect("packed");
    encoder.finish().expect("written");
}
