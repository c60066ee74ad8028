//! What the operating system was asked before each acknowledgement, as strace tells it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::load::{Load, stored};
use crate::place::{BINARY, Place};

/// A call that has begun or ended, in the order of the trace.
#[derive(Debug)]
enum Step {
    /// Bytes are about to be written to a file.
    Wrote(String),
    /// A file or folder was synced, with success.
    Synced(String),
    /// A success is about to be sent.
    Acknowledged,
}

/// The steps of a trace (`strace -f -y`), where calls of threads are cut in two.
fn steps(trace: &str) -> Vec<Step> {
    let mut begun: BTreeMap<&str, (&str, String)> = BTreeMap::new();
    let mut steps = Vec::new();
    for line in trace.lines() {
        let (pid, call) = line.split_once(' ').unwrap();
        let call = call.trim_start();
        if let Some(resumed) = call.strip_prefix("<... ") {
            let Some((name, file)) = begun.remove(pid) else { continue };
            if matches!(name, "fsync" | "fdatasync") && resumed.ends_with("= 0") {
                steps.push(Step::Synced(file));
            }
            continue;
        }
        let Some((name, arguments)) = call.split_once('(') else { continue };
        let file = arguments.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
        let Some((file, rest)) = file else { continue };
        let is_cut = call.ends_with("<unfinished ...>");
        match name {
            "fsync" | "fdatasync" if is_cut => drop(begun.insert(pid, (name, file.into()))),
            "fsync" | "fdatasync" => {
                assert!(rest.ends_with("= 0"), "{line}");
                steps.push(Step::Synced(file.into()));
            }
            _ if rest.contains("\"HTTP/1.1 200") => steps.push(Step::Acknowledged),
            _ => steps.push(Step::Wrote(file.into())),
        }
    }
    steps
}

#[test]
fn a_trace_is_read_in_order() {
    let trace = "\
7 pwrite64(9</d/a-wal>, \"x\"..., 8, 0) = 8
7 fdatasync(9</d/a-wal> <unfinished ...>
8 sendto(4<socket:[1]>, \"HTTP/1.1 503 \"..., 99, 0, NULL, 0) = 99
7 <... fdatasync resumed>)          = 0
8 writev(4<socket:[1]>, [{iov_base=\"HTTP/1.1 200 OK\\r\\n\"..., iov_len=9}], 1) = 9
";
    let told = format!("{:?}", steps(trace));
    assert_eq!(
        told,
        "[Wrote(\"/d/a-wal\"), Wrote(\"socket:[1]\"), Synced(\"/d/a-wal\"), Acknowledged]"
    );
}

/// Before each success, all that was written to journals is synced, and so are the folders that name them.
#[test]
fn all_is_synced_before_it_is_acknowledged() {
    let place = Place::new("");
    let trace = place.path().join("trace");
    let mut command = Command::new("strace");
    command
        .args(["-D", "-f", "-y", "-s", "16", "-o"])
        .arg(&trace)
        .args(["-e", "trace=fsync,fdatasync,pwrite64,write,writev,sendto,sendmsg", "--"])
        .arg(BINARY)
        .args(place.arguments());
    let running = place.start_as(command);
    // One at a time: what is written when a success is sent was written for it.
    let load = Load::start(&place.token, 1, 20);
    load.to(Some(running.service));
    load.wait_for(20);
    let acknowledged = load.finish();
    assert_eq!(stored(&running), acknowledged);
    let (status, log) = running.stop();
    assert!(status.success(), "{log}");
    judge(&whole(&trace), &place.data(), acknowledged.len());
}

/// The trace, once its last line is written.
fn whole(trace: &Path) -> String {
    for _ in 0..3_000 {
        let text = fs::read_to_string(trace).unwrap();
        if text.trim_end().ends_with("+++ exited with 0 +++") {
            return text;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("strace did not end");
}

fn judge(trace: &str, data: &Path, batches: usize) {
    let data = data.display().to_string();
    let is_journal = |file: &str| file.starts_with(&data) && file.ends_with("-wal");
    let mut unsynced = BTreeSet::new();
    let mut synced = BTreeSet::new();
    let mut acknowledged = 0;
    for step in steps(trace) {
        match step {
            Step::Wrote(file) if is_journal(&file) => drop(unsynced.insert(file)),
            Step::Wrote(_) => {}
            Step::Synced(file) => {
                unsynced.remove(&file);
                synced.insert(file);
            }
            Step::Acknowledged => {
                acknowledged += 1;
                assert!(unsynced.is_empty(), "written, not synced: {unsynced:?}");
                for folder in ["", "/events", "/events/acme"] {
                    assert!(synced.contains(&format!("{data}{folder}")), "{folder}: {synced:?}");
                }
                let has =
                    |part: &str| synced.iter().any(|file| file.contains(part) && is_journal(file));
                assert!(has("/events/acme/") && has("/catalogue"), "{synced:?}");
            }
        }
    }
    assert!(acknowledged >= batches, "{acknowledged} of {batches} in the trace");
}
