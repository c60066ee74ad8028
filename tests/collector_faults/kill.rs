//! kill -9, and a process that is stopped for a while.

use std::thread;
use std::time::Duration;

use crate::load::{Load, stored};
use crate::place::Place;

const KILLS: usize = 50;
const SENDERS: usize = 4;

/// Nothing that was acknowledged is lost, nothing is there twice, and no batch is there in part.
#[test]
fn fifty_kills_in_the_middle_of_load_lose_nothing() {
    let place = Place::new("");
    let load = Load::start(&place.token, SENDERS, 150);
    let mut wanted = 0;
    for kill in 0..KILLS {
        let running = place.start();
        if kill % 10 == 9 {
            let before = load.acknowledged();
            let stored = stored(&running);
            for (batch, events) in before {
                assert_eq!(stored.get(&batch), Some(&events), "batch {batch} before kill {kill}");
            }
        }
        load.to(Some(running.service));
        wanted = load.acknowledged().len().max(wanted) + 1 + kill % 5;
        load.wait_for(wanted);
        // Somewhere in the middle of what came next: receiving, writing, syncing, recording.
        thread::sleep(Duration::from_micros(u64::try_from(kill * 613 % 9_000).unwrap()));
        load.to(None);
        running.kill();
    }
    let running = place.start();
    load.to(Some(running.service));
    let acknowledged = load.finish();
    assert!(acknowledged.len() >= KILLS, "{} batches", acknowledged.len());
    assert_eq!(stored(&running), acknowledged);
    let (status, log) = running.stop();
    assert!(status.success(), "{log}");
}

/// Senders wait, or try again; a process that goes on after it was stopped has lost nothing.
#[test]
fn a_stopped_process_goes_on() {
    let place = Place::new("");
    let running = place.start();
    let load = Load::start(&place.token, SENDERS, 50);
    load.to(Some(running.service));
    for round in 1..=5 {
        load.wait_for(load.acknowledged().len() + round);
        running.signal("STOP");
        thread::sleep(Duration::from_millis(200));
        let during = load.acknowledged().len();
        running.signal("CONT");
        load.wait_for(during + SENDERS);
    }
    let acknowledged = load.finish();
    assert_eq!(stored(&running), acknowledged);
}
