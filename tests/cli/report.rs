//! `wafpass report`: origins on loopback that say what a test wants.

use std::net::SocketAddr;

use snapbox::cmd::OutputAssert;
use snapbox::str;

use crate::common::Place;
use crate::keys_metrics::origin;

fn report(arguments: &str, origins: &[SocketAddr]) -> OutputAssert {
    let place = Place::new();
    let mut command = place.wafpass(["report"]);
    for address in origins {
        command = command.args(["--metrics", &format!("http://{address}/metrics")]);
    }
    command.args(arguments.split_whitespace()).assert()
}

fn counted(rows: &[(&str, &str, &str, &str, u64)]) -> SocketAddr {
    let rows = rows.iter().map(|(verdict, reason, route, key_id, requests)| {
        format!(
            "wafpass_requests_total{{verdict=\"{verdict}\",reason=\"{reason}\",route=\"{route}\",key_id=\"{key_id}\"}} {requests}\n"
        )
    });
    origin(&format!("wafpass_started_timestamp_seconds 1795307400\n{}", rows.collect::<String>()))
}

#[test]
fn adds_up_what_the_origins_counted() {
    let first = counted(&[
        ("accepted", "", "*", "2026-11-a", 1_200_000),
        ("reported", "missing-signature", "*", "", 40),
        ("reported", "waf-not-evaluated", "/admin/*", "2026-11-a", 2),
        ("refused", "replayed", "/orders", "2026-11-a", 7),
        ("exempt", "", "GET /health", "", 9_000),
    ]);
    let second = counted(&[
        ("accepted", "", "*", "2026-11-a", 800_000),
        ("reported", "missing-signature", "*", "", 5),
    ]);
    report("", &[first, second]).code(1).stderr_eq("").stdout_eq(str![[r#"
47 would be refused on report-only routes
2009054 requests since the start of 2 origins

    REQUESTS  VERDICT   REASON             ROUTE        KEY_ID
          45  reported  missing-signature  *            -
           2  reported  waf-not-evaluated  /admin/*     2026-11-a
           7  refused   replayed           /orders      2026-11-a
     2000000  accepted  -                  *            2026-11-a
        9000  exempt    -                  GET /health  -

"#]]);
}

#[test]
fn says_so_when_nothing_would_be_refused() {
    let quiet = counted(&[("accepted", "", "*", "k", 3), ("refused", "expired", "*", "k", 1)]);
    report("", &[quiet]).code(0).stderr_eq("").stdout_eq(str![[r#"
nothing would be refused on report-only routes
4 requests since the start of 1 origin

    REQUESTS  VERDICT   REASON   ROUTE  KEY_ID
           1  refused   expired  *      k
           3  accepted  -        *      k

"#]]);
    report("--json", &[counted(&[("accepted", "", "*", "k", 3)])]).code(0).stdout_eq(str![[r#"
{
  "origins": 1,
  "would_be_refused": 0,
  "rows": [
    {
      "verdict": "accepted",
      "reason": "",
      "route": "*",
      "key_id": "k",
      "requests": 3
    }
  ]
}

"#]]);
}

#[test]
fn other_programs_are_no_origins() {
    report("", &[origin("up 1\n")]).code(2).stdout_eq("").stderr_eq(str![[r#"
error: 127.0.0.1:[..] shows no wafpass_started_timestamp_seconds
try:   name the address where an origin shows its metrics

"#]]);
    let odd = origin("wafpass_requests_total{verdict=\n");
    report("", &[odd]).code(2).stdout_eq("").stderr_eq(str![[r#"
error: 127.0.0.1:[..]: line 1 is not Prometheus' text format
try:   name the address where an origin shows its metrics

"#]]);
}

#[test]
fn counts_and_labels_out_of_the_ordinary_do_no_harm() {
    let rows = [("a\u{9b}31m", u64::MAX), ("b", u64::MAX), ("c", 1)];
    let rows = rows.map(|(reason, count)| ("reported", reason, "*", "k", count));
    let odd = counted(&rows);
    for arguments in ["", "--json"] {
        let output = report(arguments, &[odd]).code(1).get_output().stdout.clone();
        let text = String::from_utf8(output).unwrap();
        assert!(text.contains("18446744073709551615"), "{text}");
        assert!(text.contains("31m") && !text.contains('\u{9b}'), "{text}");
    }
}
