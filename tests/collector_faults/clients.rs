//! Clients that mean no good, or are gone.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::load::{lines, stored};
use crate::place::Place;
use crate::wire;

const PLACES: usize = 20;

/// As many as there are places, and each gives its place back by time.
#[test]
fn slow_and_silent_clients_do_not_shut_others_out() {
    let place = Place::new(&format!("limits = {{ connections = {PLACES}, head = \"1s\" }}"));
    let running = place.start();
    for begun in ["", "POST /v1/events HTTP/1.1\r\nhost: a\r\nx-slow: "] {
        let slow = |_| {
            let mut stream = wire::connect(running.service).unwrap();
            stream.write_all(begun.as_bytes()).unwrap();
            stream
        };
        let streams: Vec<TcpStream> = (0..PLACES).map(slow).collect();
        let answer = running.send("/v1/events", None, &lines(&format!("b{}", begun.len()), 3));
        assert_eq!(answer.unwrap().status, 200, "it waits for a place, and gets it");
        for mut stream in streams {
            let mut told = String::new();
            let _reset_or_closed = stream.read_to_string(&mut told);
            assert!(told.is_empty() || told.starts_with("HTTP/1.1 408"), "{told}");
        }
    }
    assert_eq!(stored(&running).len(), 2);
}

/// A head byte by byte, each in time, is as slow.
#[test]
fn a_head_in_drops_has_to_end_in_time() {
    let place = Place::new("limits = { head = \"1s\" }");
    let running = place.start();
    let mut stream = wire::connect(running.service).unwrap();
    let dripped = (0..600).find(|_| {
        std::thread::sleep(Duration::from_millis(50));
        stream.write_all(b"x").is_err()
    });
    assert!(dripped.is_some(), "30 s of drops were taken");
}

/// A client that goes in the middle of a batch leaves nothing behind.
#[test]
fn a_client_that_goes_leaves_nothing() {
    let place = Place::new("");
    let running = place.start();
    for cut in [1, 1_000, 20_000] {
        let lines = lines("gone", 200);
        let mut stream = wire::connect(running.service).unwrap();
        let head = wire::head("POST", "/v1/events", &place.token, "", lines.len());
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&lines.as_bytes()[..cut]).unwrap();
    }
    assert_eq!(running.send("/v1/events", None, &lines("here", 5)).unwrap().status, 200);
    assert_eq!(stored(&running).into_keys().collect::<Vec<_>>(), ["here"]);
    let (status, log) = running.stop();
    assert!(status.success(), "{log}");
}

#[test]
fn wrong_tokens_get_nothing_and_reach_no_log() {
    let place = Place::new("");
    let running = place.start();
    let flipped = place.token.replace(|last: char| last.is_ascii_digit(), "0");
    for token in ["", "hunter2", &place.token[..20], &flipped] {
        for path in ["/v1/events", "/v1/export", "/v1/usage", "/v1/keys", "/v1/tail"] {
            let answer = wire::get(running.service, path, token).unwrap();
            assert_eq!(answer.status, 401, "{path}: {}", answer.body);
        }
        let answer = wire::ask(running.service, "POST", "/v1/events", token, "", b"{}\n").unwrap();
        assert_eq!(answer.status, 401, "{}", answer.body);
    }
    assert!(running.get("/v1/events").status == 200);
    let (_, log) = running.stop();
    assert!(!log.contains("hunter2") && !log.contains(&place.token), "{log}");
}

#[test]
fn monitoring_sees_what_is_done() {
    let place = Place::new("");
    let running = place.start();
    assert_eq!(running.get("/livez").body, "alive\n");
    assert_eq!(running.get("/readyz").body, "ready\n");
    assert_eq!(running.get("/metrics").status, 404, "on the admin address only");
    assert_eq!(running.send("/v1/events", None, &lines("b", 7)).unwrap().status, 200);
    let metrics = running.admin("/metrics").body;
    let stored = "wafpass_collector_events_total{intake=\"native\",outcome=\"stored\"} 7";
    assert!(metrics.contains(stored), "{metrics}");
    assert!(metrics.contains("wafpass_collector_free_bytes"), "{metrics}");
}
