//! `wafpass demo`, run as a user runs it.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "in a test, a panic is the report")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// The tour: what is sent, and what comes of it.
const STEPS: [(&str, u64, &str); 19] = [
    ("GET /orders/7?view=full", 200, "passed, use 1"),
    ("GET /?q=%3Cscript%3E", 403, "blocked-by-waf"),
    ("GET, unsigned", 403, "missing-signature"),
    ("GET, signed by a stranger's \"demo\"", 403, "signature-mismatch"),
    ("other path: /orders/8?view=full", 403, "signature-mismatch"),
    ("other query: /orders/7?view=all", 403, "signature-mismatch"),
    ("other method: DELETE", 403, "signature-mismatch"),
    ("x-cloud-viewer-ip: 203.0.113.66", 403, "signature-mismatch"),
    ("POST /orders, through the edge", 200, "passed, use 1"),
    ("that POST again", 403, "replayed"),
    ("request 1 again", 200, "passed, use 2"),
    ("request 1 a third time", 200, "passed, use 3"),
    ("request 1 a fourth time", 403, "replayed"),
    ("GET, signed 120 s ago", 403, "expired"),
    ("GET with x-cloud-… and x_cloud_…", 200, "passed, use 1"),
    ("GET", 403, "no-waf-evidence"),
    ("GET with a guessed WAF field", 403, "no-waf-evidence"),
    ("GET, signed as waf=none", 403, "waf-not-evaluated"),
    ("all 10 refusals above, compared", 403, "all the same"),
];

fn demo(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wafpass"));
    command.arg("demo").args(args);
    command
}

fn run(args: &[&str]) -> Output {
    demo(args).output().unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

#[test]
fn the_tour_goes_as_expected() {
    let output = run(&["--once"]);
    let text = stdout(&output);
    assert!(output.status.success(), "{text}");
    assert!(output.stderr.is_empty());
    let rows: Vec<&str> = text.lines().filter(|line| line.ends_with(['✓', '✗'])).collect();
    assert_eq!(rows.len(), STEPS.len(), "{text}");
    for (number, (row, (title, status, reason))) in (1..).zip(rows.into_iter().zip(STEPS)) {
        let outcome = format!("{status} {reason}");
        assert_eq!(row, format!("  {number:>2}  {title:<36}  {outcome:<22}  {outcome:<22} ✓"));
    }
    assert!(text.contains("19 of 19 as expected."), "{text}");
    assert!(!text.contains('\u{1b}'), "colour where there is no terminal");
    assert!(text.lines().all(|line| line.chars().count() <= 95), "{text}");
}

#[test]
fn the_tour_as_json() {
    let output = run(&["--once", "--json"]);
    assert!(output.status.success());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let steps = report["steps"].as_array().unwrap();
    assert_eq!(steps.len(), STEPS.len());
    for (step, (title, status, reason)) in steps.iter().zip(STEPS) {
        assert_eq!(step["title"], title);
        assert_eq!(step["got"]["status"], status, "{title}");
        assert_eq!(step["got"]["reason"], reason, "{title}");
        assert_eq!(step["expected"], step["got"], "{title}");
        assert_eq!(step["as_expected"], true, "{title}");
    }
}

#[test]
fn a_port_that_is_taken_is_told_in_two_lines() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for option in ["--edge-port", "--origin-port"] {
        let output = run(&["--once", option, &port]);
        assert_eq!(output.status.code(), Some(2));
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(
            told.starts_with(&format!("error: port {port} of 127.0.0.1 cannot be had: ")),
            "{told}"
        );
        assert!(
            told.ends_with(&format!("\ntry:   another with {option}, or 0 for a free one\n")),
            "{told}"
        );
    }
}

#[test]
fn json_is_for_the_tour_alone() {
    assert_eq!(run(&["--json"]).status.code(), Some(2));
}

/// A demo that stays up; it ends with the test.
struct Staying(Child);

impl Drop for Staying {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

#[cfg(unix)]
#[test]
fn it_stays_up_for_requests_of_ones_own_until_ctrl_c() {
    let mut child = Staying(demo(&[]).stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines().map(Result::unwrap);

    // The three commands to paste, each a line or continued with a backslash.
    let mut commands = Vec::new();
    while commands.len() < 3 {
        let mut line = lines.next().expect("three commands");
        if line.starts_with("  curl ") {
            while line.ends_with('\\') {
                line = line.trim_end_matches('\\').to_owned() + &lines.next().unwrap();
            }
            commands.push(line);
        }
    }
    let [through, straight, replay] = commands.try_into().unwrap();
    assert!(send(&through).starts_with("HTTP/1.1 200 OK\r\n"));
    for (command, reason) in [(straight, "missing-signature"), (replay, "replayed")] {
        let response = send(&command);
        assert!(response.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{response}");
        assert!(response.contains("\r\ncache-control: no-store\r\n"), "{response}");
        assert!(!response.contains(reason), "{response}");
        let told = lines.find(|line| line.contains(" 403 ")).unwrap();
        assert!(told.starts_with("  origin  403 ") && told.contains(reason), "{told}");
    }

    let interrupted = Command::new("kill").args(["-INT", &child.0.id().to_string()]).status();
    assert!(interrupted.unwrap().success());
    assert_eq!(child.0.wait().unwrap().code(), Some(0));
}

/// Does what curl does with the command line. Returns the whole response.
#[cfg(unix)]
fn send(command: &str) -> String {
    let mut parts = command.split('\'');
    let method = if parts.next().unwrap().contains("-X POST") { "POST" } else { "GET" };
    let (host, target) =
        parts.next().unwrap().strip_prefix("http://").unwrap().split_once('/').unwrap();
    let fields: Vec<&str> = parts.filter(|part| part.contains(": ")).collect();
    let host_field = format!("host: {host}");
    let named = fields.iter().any(|field| field.starts_with("host: "));
    let fields = fields.into_iter().chain((!named).then_some(host_field.as_str()));
    let fields: String = fields.map(|field| format!("{field}\r\n")).collect();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "{method} /{target} HTTP/1.1\r\n{fields}connection: close\r\n\r\n").unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}
