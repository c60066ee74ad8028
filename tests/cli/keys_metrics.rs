//! `wafpass keys` with `--metrics`: origins on loopback that say what a test wants.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::Duration;

use snapbox::cmd::OutputAssert;
use snapbox::str;
use wafpass::clock::now;

use crate::common::Place;
use crate::keys::{backdate, keys, rotated, two_keys};

/// Answers every request with `answer`, as it is, while the test runs.
fn serve(answer: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                if stream.read(&mut byte).unwrap_or(0) == 0 {
                    break;
                }
                head.extend(byte);
            }
            let _gone = stream.write_all(answer.as_bytes());
        }
    });
    address
}

/// An origin with these metrics.
pub(crate) fn origin(metrics: &str) -> SocketAddr {
    let length = metrics.len();
    serve(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{metrics}"))
}

/// One that has run for `started_ago`, has loaded `a` and `b`, and used `a` so long ago.
fn running(started_ago: i64, used_ago: Option<i64>) -> SocketAddr {
    let now = now().as_secs();
    let mut text = format!(
        "# TYPE wafpass_key_loaded gauge\nwafpass_key_loaded{{key_id=\"a\"}} 1\nwafpass_key_loaded{{key_id=\"b\"}} 1\n\nwafpass_started_timestamp_seconds {}\n",
        now - started_ago
    );
    if let Some(ago) = used_ago {
        text += &format!(
            "wafpass_key_last_used_timestamp_seconds{{key_id=\"a\"}} {}\nwafpass_key_last_used_timestamp_seconds{{key_id=\"b\"}} {now}\n",
            now - ago
        );
    }
    origin(&text)
}

fn ask(place: &Place, line: &str, origins: &[SocketAddr]) -> OutputAssert {
    let origins = origins.iter().map(|address| format!(" --metrics http://{address}/metrics"));
    keys(place, &format!("{line}{}", origins.collect::<String>()))
}

#[test]
fn a_key_is_promoted_once_every_origin_has_loaded_it() {
    let place = two_keys();
    let (ready, late) = (
        running(9, None),
        origin("wafpass_key_loaded{key_id=\"a\"} 1\nwafpass_key_loaded{key_id=\"b\"} 0\n"),
    );
    let unaware = origin("wafpass_key_loaded{key_id=\"a\"} 1\n");
    ask(&place, "promote b", &[ready, late]).code(1).stdout_eq("").stderr_eq(str![[r#"
refused: the origin 127.0.0.1:[..] has not loaded the key b: requests signed with it would be refused there
try:     let it load the key (a reload, or a restart), then again

"#]]);
    ask(&place, "promote b", &[ready, unaware]).code(1);
    // What the origins say counts for more than time.
    backdate(&place, "b", "created", 86_400);
    ask(&place, "promote b", &[late]).code(1);
    backdate(&place, "b", "created", 0);
    ask(&place, "promote b", &[ready, ready]).code(0).stdout_eq(str![[r#"
b  signing
a  retiring

# Next: hand it to the edge.
#   wafpass keys export cloudfront-kvs --dir keys --current CURRENT.json --out NEXT.json
# The way back: wafpass keys promote a --dir keys, and export again.

"#]]);
}

#[test]
fn a_key_is_retired_once_every_origin_has_not_used_it_for_long() {
    let place = rotated();
    backdate(&place, "a", "retiring_since", 3_600);
    let quiet = running(9, Some(3_600));
    ask(&place, "retire a", &[quiet, running(9, Some(30))]).code(1).stderr_eq(str![[r#"
refused: the key a was used [..] s ago at 127.0.0.1:[..]: an edge still signs with it
try:     look at what that edge holds (wafpass keys export), and wait until it is unused for 3600 s

"#]]);
    ask(&place, "retire a", &[quiet, running(3_000, None)]).code(1).stderr_eq(str![[r#"
refused: the origin 127.0.0.1:[..] knows of no use of the key a, but does not say that it has run for 3600 s
try:     ask again once it has; --unused-for sets how long

"#]]);
    ask(&place, "retire a --unused-for 7200", &[quiet]).code(1);
    backdate(&place, "a", "retiring_since", 60);
    ask(&place, "retire a", &[quiet]).code(1).stderr_eq(str![[r#"
refused: the key a gave way [..] s ago, and an edge may go on with it for 3600 s
try:     wait; --unused-for sets how long

"#]]);
    ask(&place, "retire a --unused-for 59", &[quiet]).code(2);
    ask(&place, "retire a --unused-for 60", &[quiet, running(3_600, None)]).code(0);
}

#[test]
fn the_keys_of_each_day_count_for_their_root() {
    let place = Place::new();
    for line in ["new --kid r --derive daily", "promote r", "new --kid s --derive daily"] {
        keys(&place, line).code(0);
    }
    keys(&place, "promote s --origins-have-it").code(0);
    backdate(&place, "r", "retiring_since", 7_200);
    let now = now().as_secs();
    let used = |label: &str| {
        origin(&format!(
            "wafpass_key_loaded{{key_id=\"r\"}} 1\nwafpass_started_timestamp_seconds {}\nwafpass_key_last_used_timestamp_seconds{{key_id=\"{label}\"}} {now}\n",
            now - 9_000
        ))
    };
    ask(&place, "retire r", &[used("r.20261122")]).code(1).stderr_eq(str![[r#"
refused: the key r was used [..] s ago at 127.0.0.1:[..]: an edge still signs with it
try:     look at what that edge holds (wafpass keys export), and wait until it is unused for 3600 s

"#]]);
    ask(&place, "retire r", &[used("r.x")]).code(0); // another key's
}

#[test]
fn status_shows_the_last_use_at_each_origin() {
    let place = rotated();
    let origins = [running(9_000, Some(7_300)), running(60, None)];
    ask(&place, "status", &origins).code(0).stderr_eq("").stdout_eq(str![[r#"
KID  STATE     SINCE             AGE     LAST USED
a    retiring  [..]  [..] s     2 h ago at 127.0.0.1:[..], never at 127.0.0.1:[..]
b    signing   [..]  [..] s     [..] s ago at 127.0.0.1:[..], never at 127.0.0.1:[..]

# Next:
#   once it is unused (--metrics), or from [..] on: wafpass keys retire a --dir keys

"#]]);
    ask(&place, "status --json", &origins[..1]).code(0).stdout_eq(str![[r#"
{
  "keys": [
    {
      "kid": "a",
      "state": "retiring",
      "since": "[..]",
      "age_s": [..],
      "derive": null,
      "compromised": false,
      "not_before": null,
      "not_after": null,
      "origins": [
        {
          "origin": "127.0.0.1:[..]",
          "loaded": true,
          "last_used": "[..]",
          "started": "[..]"
        }
      ]
    },
    {
      "kid": "b",
      "state": "signing",
      "since": "[..]",
      "age_s": [..],
      "derive": null,
      "compromised": false,
      "not_before": null,
      "not_after": null,
      "origins": [
        {
          "origin": "127.0.0.1:[..]",
          "loaded": true,
          "last_used": "[..]",
          "started": "[..]"
        }
      ]
    }
  ],
  "next": [
    "once it is unused (--metrics), or from [..] on: wafpass keys retire a --dir keys"
  ]
}

"#]]);
}

#[test]
fn what_does_not_answer_well_is_no_evidence() {
    let place = two_keys();
    let promote = |address| ask(&place, "promote b", &[address]).code(2).stdout_eq("");
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    promote(gone).stderr_eq(str![[r#"
error: http://127.0.0.1:[..]/metrics does not tell its metrics: Connection refused (os error 111)
try:   every origin has to answer; silence is no evidence

"#]]);
    promote(serve("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".into())).stderr_eq(str![[
        r#"
error: http://127.0.0.1:[..]/metrics does not tell its metrics: status 404
try:   every origin has to answer; silence is no evidence

"#
    ]]);
    promote(origin("process_start_time_seconds 1\n")).stderr_eq(str![[r#"
error: 127.0.0.1:[..] shows no wafpass_key_loaded: it is no origin of wafpass, or has no metrics
try:   name the address where the origin shows its metrics

"#]]);
    promote(origin("wafpass_key_loaded{key_id=\"b\" 1\n")).stderr_eq(str![[r#"
error: 127.0.0.1:[..]: line 1 is not Prometheus' text format
try:   name the address where the origin shows its metrics

"#]]);
    promote(serve("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nwafpass_key_".into()));
    promote(serve("SSH-2.0-OpenSSH\r\n".into()));
    let endless = "x 1\n".repeat(2_200_000);
    promote(origin(&endless)).stderr_eq(str![[r#"
error: http://127.0.0.1:[..]/metrics does not tell its metrics: length limit exceeded
try:   every origin has to answer; silence is no evidence

"#]]);
}

#[test]
fn an_origin_that_is_silent_is_not_waited_for() {
    let place = two_keys();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap(); // takes connections, and says nothing
    ask(&place, "promote b", &[listener.local_addr().unwrap()]).code(2).stderr_eq(str![[r#"
error: http://127.0.0.1:[..]/metrics does not tell its metrics: timed out
try:   every origin has to answer; silence is no evidence

"#]]);
}

#[test]
fn only_plain_http_on_this_network_is_asked() {
    let place = two_keys();
    keys(&place, "promote b --metrics https://127.0.0.1/metrics").code(2).stderr_eq(str![[r#"
error: https://127.0.0.1/metrics is no address of metrics
try:   http://HOST:PORT/metrics, on this host or network

"#]]);
    keys(&place, "promote b --metrics http://169.254.169.254/").code(2).stderr_eq(str![[r#"
error: http://169.254.169.254/ is at 169.254.169.254:80, outside this network: plain HTTP can be forged on the way
try:   ask from a host beside the origins, or through a tunnel

"#]]);
    keys(&place, "promote b --metrics http://a:b@127.0.0.1/").code(2);
}
