//! A batch with events of two days: two files, and still all or nothing.

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Command;

use wafpass::UnixTime;

use crate::load::{lines_at, stored};
use crate::place::{BINARY, Place};

const DAY: i64 = 86_400;
/// Of each of both days.
const EVENTS: usize = 150;
const KILL: i32 = 9;

/// When today began: the last second before it and its first one are in different files.
fn midnight() -> i64 {
    wafpass::clock::now().as_secs().div_euclid(DAY) * DAY
}

/// Events of both days in turns.
fn batch(midnight: i64) -> String {
    let before = lines_at("before", EVENTS, midnight - 1);
    let after = lines_at("after", EVENTS, midnight);
    before
        .lines()
        .zip(after.lines())
        .map(|(before, after)| format!("{before}\n{after}\n"))
        .collect()
}

/// The journal of the day with this moment.
fn journal(place: &Place, at: i64) -> PathBuf {
    let day = UnixTime::from_secs(at).to_string();
    let day = format!("{}-{}-{}", &day[..4], &day[4..6], &day[6..8]);
    place.data().join(format!("events/acme/{day}.sqlite3-wal"))
}

/// Killed at a sync of one day's file, where the other day's may be whole already.
#[test]
fn a_kill_between_two_days_leaves_neither() {
    for (of, nth) in [(-1, 1), (-1, 2), (0, 1), (0, 2)] {
        let place = Place::new("");
        let midnight = midnight();
        let mut command = Command::new("strace");
        command
            .args(["-D", "-f", "-qq", "-o", "/dev/null", "-P"])
            .arg(journal(&place, midnight + of))
            .args(["-e", &format!("inject=fsync,fdatasync:signal=KILL:when={nth}"), "--"])
            .arg(BINARY)
            .args(place.arguments());
        let running = place.start_as(command);
        let answer = running.send("/v1/events", Some("midnight"), &batch(midnight));
        assert!(answer.is_err(), "sync {nth} of day {of}: {answer:?}");
        assert_eq!(running.wait().0.signal(), Some(KILL), "sync {nth} of day {of}");
        let running = place.start();
        assert!(stored(&running).is_empty(), "sync {nth} of day {of}: a part was kept");
        // The sender tries again, under the same name.
        let answer = running.send("/v1/events", Some("midnight"), &batch(midnight)).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        let whole = [("after".to_owned(), EVENTS), ("before".to_owned(), EVENTS)];
        assert_eq!(stored(&running).into_iter().collect::<Vec<_>>(), whole);
    }
}
