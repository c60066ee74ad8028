//! How it ends, and what it does not start on.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::load::{Load, lines, stored};
use crate::place::{BINARY, Place};
use crate::wire;

#[test]
fn sigterm_under_load_loses_nothing() {
    let place = Place::new("shutdown = \"30s\"");
    let load = Load::start(&place.token, 4, 100);
    for round in 1..=5 {
        let running = place.start();
        load.to(Some(running.service));
        load.wait_for(load.acknowledged().len() + 3 * round);
        load.to(None);
        let (status, log) = running.stop();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(log.contains("\"given_up\":0"), "{log}");
    }
    let running = place.start();
    load.to(Some(running.service));
    let acknowledged = load.finish();
    assert_eq!(stored(&running), acknowledged);
}

#[test]
fn a_batch_under_way_may_end_and_one_that_does_not_is_given_up() {
    let place = Place::new("shutdown = \"2s\"");
    let running = place.start();
    let begin = |name: &str| {
        let lines = lines(name, 100);
        let mut stream = wire::begin_batch(running.service, &place.token, lines.len()).unwrap();
        let (first, rest) = lines.split_at(lines.len() / 2);
        stream.write_all(first.as_bytes()).unwrap();
        (stream, rest.to_owned())
    };
    let (mut good, rest) = begin("good");
    let (mut bad, _) = begin("bad");
    running.signal("TERM");
    while running.admin("/readyz").body != "draining\n" {}
    good.write_all(rest.as_bytes()).unwrap();
    assert_eq!(wire::read(&mut good).unwrap().status, 200);
    assert!(wire::read(&mut bad).is_err(), "it gets no answer");
    let (status, log) = running.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("\"given_up\":1"), "{log}");
    let running = place.start();
    assert_eq!(stored(&running).into_iter().collect::<Vec<_>>(), [("good".into(), 100)]);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let place = Place::new("shutdown = \"1h\"");
    let running = place.start();
    let _under_way = wire::begin_batch(running.service, &place.token, 1_000_000).unwrap();
    running.signal("TERM");
    while running.admin("/readyz").body != "draining\n" {}
    running.signal("INT");
    assert_eq!(running.wait().0.code(), Some(130));
}

#[test]
fn one_collector_a_folder() {
    let place = Place::new("");
    let running = place.start();
    let second =
        Command::new(BINARY).args(place.arguments()).stdin(Stdio::null()).output().unwrap();
    assert_eq!(second.status.code(), Some(2));
    let told = String::from_utf8(second.stderr).unwrap();
    let data = place.data().display().to_string();
    assert_eq!(
        told,
        format!(
            "error: another collector runs in {data}\ntry:   end it first, or name another folder: data in [collector], or --data\n"
        )
    );
    assert_eq!(running.get("/readyz").status, 200, "the first one is not disturbed");
}

#[test]
fn clear_text_to_others_is_not_started() {
    let place = Place::new("");
    let run = |more: &[&str]| {
        let mut command = Command::new(BINARY);
        command.args(place.arguments()).args(more).stdin(Stdio::null());
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, told) = run(&["--listen", "0.0.0.0:0"]);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("0.0.0.0:0 would be listened on without TLS"), "{told}");
    let (code, told) = run(&["--admin-listen", "0.0.0.0:0"]);
    assert_eq!(code, Some(2), "{told}");
}
