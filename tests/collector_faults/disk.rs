//! Disks that are full, and files that are damaged or cannot be written to.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::load::{Load, lines, lines_at, stored};
use crate::place::{BINARY, Place};

/// Somebody who is not root, for whom modes count.
const NOBODY: u32 = 65_534;

#[test]
fn below_the_floor_nothing_is_taken_in() {
    let place = Place::new("");
    place.configure("");
    let config = fs::read_to_string(place.config()).unwrap();
    fs::write(place.config(), config.replace("min_free = 0", "min_free = \"1000000 GiB\""))
        .unwrap();
    let running = place.start();
    let refused = running.send("/v1/events", None, &lines("b", 1)).unwrap();
    assert_eq!(refused.status, 507, "{}", refused.body);
    assert!(refused.head.contains("retry-after: 60"), "{}", refused.head);
    assert!(refused.body.contains("urn:wafpass:full"), "{}", refused.body);
    assert_eq!(running.get("/readyz").status, 503);
    assert_eq!(running.get("/livez").status, 200);
    assert_eq!(running.get("/v1/events").status, 200, "what is there can be read");
}

/// A disk of 24 MiB in a mount namespace of its own, most of it taken by a file that can be removed.
#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_space_again() {
    let place = Place::new("");
    let data = place.data();
    let script = "mount -t tmpfs -o size=24m,mode=0700 tmpfs \"$1\" && cp -a \"$1.saved/.\" \"$1\" \
        && head -c 16M /dev/zero > \"$1/filler\" && shift && exec \"$@\"";
    fs::rename(&data, data.with_extension("saved")).unwrap();
    fs::create_dir(&data).unwrap();
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user", "bash", "-c", script, "bash"]).arg(&data);
    command.arg(BINARY).args(place.arguments());
    let running = place.start_as(command);
    let load = Load::start(&place.token, 3, 400);
    load.to(Some(running.service));
    while load.refused() < 20 {
        std::thread::yield_now();
    }
    assert_eq!(running.get("/livez").status, 200);
    let before = load.acknowledged();
    let there = stored(&running);
    assert!(before.iter().all(|(batch, events)| there.get(batch) == Some(events)));
    let seen = PathBuf::from(format!("/proc/{}/root{}", running.pid(), data.display()));
    fs::remove_file(seen.join("filler")).unwrap();
    load.wait_for(before.len() + 5);
    let acknowledged = load.finish();
    assert_eq!(stored(&running), acknowledged);
    let (status, log) = running.stop();
    assert!(status.success(), "{log}");
}

/// Files that may not grow: writes fail in the middle, and not for want of space.
#[test]
fn failing_writes_lose_nothing_that_was_acknowledged() {
    let place = Place::new("");
    let mut command = Command::new("bash");
    let script = "trap '' XFSZ; ulimit -f 1500; exec \"$@\"";
    command.args(["-c", script, "bash", BINARY]).args(place.arguments());
    let running = place.start_as(command);
    let load = Load::start(&place.token, 3, 300);
    load.to(Some(running.service));
    while load.refused() < 20 {
        std::thread::yield_now();
    }
    load.to(None);
    running.kill();
    let running = place.start();
    let before = load.acknowledged();
    assert!(!before.is_empty());
    let there = stored(&running);
    assert!(before.iter().all(|(batch, events)| there.get(batch) == Some(events)));
    load.to(Some(running.service));
    load.wait_for(before.len() + 5);
    let acknowledged = load.finish();
    assert_eq!(stored(&running), acknowledged);
}

/// The files of partitions, without their journals, the oldest day first.
fn partitions(place: &Place) -> Vec<PathBuf> {
    let entries = fs::read_dir(place.data().join("events/acme")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|end| end == "sqlite3")).collect();
    paths.sort();
    paths
}

/// Two days with a batch each, and the collector stopped.
fn two_days(place: &Place) {
    let running = place.start();
    let now = wafpass::clock::now().as_secs();
    for (name, at) in [("old", now - 3 * 86_400), ("new", now)] {
        let sent = running.send("/v1/events", None, &lines_at(name, 500, at)).unwrap();
        assert_eq!(sent.status, 200, "{}", sent.body);
    }
    assert_eq!(stored(&running).len(), 2);
    assert!(running.stop().0.success());
    assert_eq!(partitions(place).len(), 2);
}

fn age_in_days(day: i64) -> i64 {
    wafpass::clock::now().as_secs() - day * 86_400
}

/// One damaged day: it is said, it is not passed over in silence, and all other days work.
#[test]
fn a_truncated_partition_is_told_and_the_rest_goes_on() {
    let place = Place::new("");
    two_days(&place);
    let old = &partitions(&place)[0];
    let length = fs::metadata(old).unwrap().len();
    OpenOptions::new().write(true).open(old).unwrap().set_len(length / 2).unwrap();
    let running = place.start();
    assert_eq!(running.get("/readyz").status, 200);
    let sent = running.send("/v1/events", None, &lines("later", 10)).unwrap();
    assert_eq!(sent.status, 200, "{}", sent.body);
    let recent = running.get(&format!("/v1/events?from={}&limit=1000", age_in_days(1)));
    assert_eq!(recent.status, 200, "{}", recent.body);
    assert!(recent.body.contains("new-0000") && recent.body.contains("later-0000"));
    let from = age_in_days(10);
    let whole = running.get(&format!("/v1/events?from={from}&limit=1000&path_like=*"));
    assert_eq!(whole.status, 500, "what is missing is no empty answer: {}", whole.body);
    let (status, log) = running.stop();
    assert!(status.success(), "{log}");
    assert!(log.contains("damaged"), "{log}");
}

/// A folder that may not be written to: nothing is acknowledged, all can be read.
#[test]
fn what_cannot_be_written_is_not_acknowledged() {
    let place = Place::new("");
    two_days(&place);
    let is_root = rustix::process::geteuid().is_root();
    if is_root {
        let chown =
            Command::new("chown").args(["-R", &NOBODY.to_string()]).arg(place.path()).status();
        assert!(chown.unwrap().success());
    }
    for path in partitions(&place) {
        fs::set_permissions(path, fs::Permissions::from_mode(0o400)).unwrap();
    }
    let folder = place.data().join("events/acme");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o500)).unwrap();
    let mut command = Command::new(BINARY);
    command.args(place.arguments());
    if is_root {
        command.uid(NOBODY);
    }
    let running = place.start_as(command);
    let refused = running.send("/v1/events", None, &lines("refused", 10)).unwrap();
    assert!(matches!(refused.status, 500 | 503 | 507), "{} {}", refused.status, refused.body);
    drop(running);
    writable(&folder);
    let running = place.start();
    let there = stored(&running).into_keys().collect::<Vec<_>>();
    assert_eq!(there, ["new", "old"], "what was refused is not there");
}

fn writable(folder: &Path) {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        fs::set_permissions(entry.unwrap().path(), fs::Permissions::from_mode(0o600)).unwrap();
    }
}
