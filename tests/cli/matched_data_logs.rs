//! The verbs of matched data: whole logs, opened, looked at and moved to a new key.

use std::fs;
use std::io::Write;

use flate2::write::GzEncoder;
use snapbox::str;

use crate::common::stdout;
use crate::matched_data::{BLOB, EVENT, OPENED, SEALED, place, sealed};

#[test]
fn whole_logs() {
    let place = place();
    let told = str![[r#"
44 events, 24 opened, 19 left as they were (not-base64 3, length-mismatch 3, duplicate-member 3, truncated 2, open-failed 2, moved 2, too-short 1, unsupported-version 1, wrong-key 1, missing-binding 1)
20 of version 3 or older: nothing shows that they belong to the events they stand in
3 lines are not JSON; the first is line 46

"#]];
    let keys = ["decrypt", "-k", "k.key", "-k", "old.key"];
    for format in ["firewall-events-jsonl", "jsonl"] {
        let open = keys.iter().copied().chain(["-i", format, "sealed.jsonl"]);
        let opened = place.wafpass(open).assert().code(1).stderr_eq(told.clone());
        assert_eq!(stdout(opened), OPENED);
    }
    // As gzip, from a pipe, to a file.
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(SEALED.as_bytes()).unwrap();
    place.file("sealed.jsonl.gz", encoder.finish().unwrap());
    let script =
        "cat sealed.jsonl.gz | $WAFPASS decrypt -k k.key -k old.key -i jsonl --out opened.jsonl -";
    place.bash(script).assert().code(1).stdout_eq("").stderr_eq(told);
    assert_eq!(fs::read_to_string(place.path().join("opened.jsonl")).unwrap(), OPENED);
    assert_eq!(place.mode("opened.jsonl"), 0o600);
    let files: Vec<_> = fs::read_dir(place.path()).unwrap().collect();
    assert_eq!(files.len(), 7, "nothing unfinished is left: {files:?}");
    place.bash(script).assert().code(2).stderr_eq(str![[r#"
error: opened.jsonl is there already
try:   name another file, or move that one away

"#]]);
    // Several, each on lines of its own.
    let two = keys.iter().copied().chain(["-i", "jsonl", "sealed.jsonl.gz", "sealed.jsonl"]);
    let opened = place.wafpass(two).assert().code(1);
    let told = String::from_utf8(opened.get_output().stderr.clone()).unwrap();
    assert!(
        told.ends_with("\n6 lines are not JSON; the first is line 46 of sealed.jsonl.gz\n"),
        "{told}"
    );
    assert_eq!(stdout(opened), format!("{OPENED}\n{OPENED}"));
}

#[test]
fn one_document_and_what_is_none() {
    let place = place();
    let event = |member: &str| format!("[\n  {{\"metadata\": [{{\"key\": {member}}}]}}\n]\n");
    place.file(
        "e.json",
        event(&format!("\"encrypted_matched_data\", \"value\": \"{}\"", BLOB.trim())),
    );
    let open = |format: &str, file: &str| {
        place.wafpass(["decrypt", "-k", "k.key", "-i", format, file]).assert()
    };
    let opened = open("firewall-events-json", "e.json").code(0).stderr_eq(str![[r#"
1 event, 1 opened, 0 left as they were
1 of version 3 or older: nothing shows that it belongs to the event it stands in

"#]]);
    assert_eq!(stdout(opened), event("\"matched_data\", \"value\": \"test matched data\""));
    open("firewall-events-json", "sealed.jsonl").code(2).stderr_eq(str![[r#"
error: sealed.jsonl: byte [..] is where the log stops being one JSON document
try:   name a whole one; a log with one event a line is of the format firewall-events-jsonl

"#]]);
    let no_json = str![[r#"
error: no line is JSON
try:   name a log with one event a line; -i blob for blobs alone, -i firewall-events-json for one document

"#]];
    open("jsonl", "blob.txt").code(2).stderr_eq(no_json.clone());
    // Nothing appears that is no log.
    let script = "$WAFPASS decrypt -k k.key -i jsonl --out o blob.txt";
    place.bash(script).assert().code(2).stderr_eq(no_json.clone());
    assert!(!place.path().join("o").exists());
    place.wafpass(["inspect", "-i", "jsonl", "blob.txt"]).assert().code(2).stderr_eq(no_json);
    let cut = "gzip < sealed.jsonl | head -c 900 | $WAFPASS decrypt -k k.key -i jsonl > /dev/null";
    place.bash(cut).assert().code(2).stderr_eq(str![[r#"
error: standard input: the log cannot be read: [..]
try:   look at where it comes from; if it is gzip, whether it is whole

"#]]);
    open("jsonl", "missing").code(2).stderr_eq(str![[r#"
error: missing cannot be read: No such file or directory (os error 2)
try:   name a file that is there, or `-` for standard input

"#]]);
    let raw = ["decrypt", "-k", "k.key", "-i", "jsonl", "-o", "raw", "sealed.jsonl"];
    place.wafpass(raw).assert().code(2).stdout_eq("").stderr_eq(str![[r#"
error: raw bytes cannot stand in a log
try:   -o json, or -o utf8-lossy

"#]]);
    let event = ["decrypt", "-k", "k.key", "-i", "jsonl", "sealed.jsonl"].into_iter().chain(EVENT);
    place.wafpass(event).assert().code(2).stderr_eq(str![[r#"
error: in a log, each event has a binding of its own
try:   leave out --tenant and --event; they are for -i blob

"#]]);
}

#[test]
fn what_was_moved_says_so() {
    let place = place();
    let moved = SEALED.lines().find(|line| line.contains(r#""RayID":"7d25""#)).unwrap();
    place.file("moved.jsonl", moved);
    let open = ["decrypt", "-k", "k.key", "-i", "jsonl", "moved.jsonl", "--allow-moved"];
    let opened = place.wafpass(open).assert().code(0).stderr_eq(str![[r#"
1 event, 1 opened, 0 left as they were
1 belongs to another event than the one it stands in

"#]]);
    let opened: serde_json::Value = serde_json::from_str(&stdout(opened)).unwrap();
    assert!(opened["Metadata"]["moved_matched_data"]["http.request.uri.path"].is_object());
    assert_eq!(opened["Metadata"]["binding"]["event_id"], "7d24/0");
    let sealed = place.wafpass(open[..6].iter().copied()).assert().code(1).stderr_eq(str![[r#"
1 event, 0 opened, 1 left as it was (moved 1)

"#]]);
    assert_eq!(stdout(sealed), moved);
}

#[test]
fn a_look_from_outside() {
    let place = place();
    place.wafpass(["inspect", "blob.txt"]).assert().code(0).stderr_eq("").stdout_eq(str![[r#"
version  3  # nothing shows which event it belongs to
suite    X25519
key id   none; older than version 4
blob     74 bytes
payload  17 bytes

"#]]);
    place.file("b", format!("{}{BLOB}", sealed(&place, b"{}", &EVENT)));
    place.wafpass(["inspect", "--json", "b"]).assert().code(0).stdout_eq(str![[r#"
{"version":4,"suite":"X25519","key_id":"064f06a26eebac4c","blob_bytes":314,"payload_bytes":256}
{"version":3,"suite":"X25519","key_id":null,"blob_bytes":74,"payload_bytes":17}

"#]]);
    place.wafpass(["inspect"]).stdin("truncated").assert().code(1).stderr_eq(str![[r#"
refused: standard input: truncated: the payload was too large to be logged
try:     nothing was sealed, so there is nothing to open; the rest of the event is as it was

"#]]);
    let log = place.wafpass(["inspect", "-i", "jsonl", "sealed.jsonl"]).assert().code(1);
    log.stderr_eq("3 lines are not JSON; the first is line 46\n").stdout_eq(str![[r#"
44 events, 30 blobs

     BLOBS         BYTES  VERSION  SUITE   KEY_ID
         1            74  1        X25519  -
         1            74  2        X25519  -
        19          2043  3        X25519  -
         7          2198  4        X25519  064f06a26eebac4c  (1 without a binding)
         1           314  4        X25519  a313601be33361af
         1           314  4        X25519  e22e4d654d6ed755
         2             -  truncated
         3             -  not-base64
         1             -  too-short
         1             -  unsupported-version
         3             -  length-mismatch
         3             -  duplicate-member

"#]]);
    place.file("one.jsonl", format!("{{\"encrypted_matched_data\":\"{}\"}}", BLOB.trim()));
    place.wafpass(["inspect", "-i", "jsonl", "one.jsonl"]).assert().code(0).stdout_eq(str![[r#"
1 event, 1 blob

     BLOBS         BYTES  VERSION  SUITE   KEY_ID
         1            74  3        X25519  -

"#]]);
}

#[test]
fn an_archive_moves_to_a_new_key() {
    let place = place();
    let make = "$WAFPASS generate-key-pair --out new.key > new.pub.json";
    place.bash(make).assert().code(0);
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(SEALED.as_bytes()).unwrap();
    place.file("old.jsonl.gz", encoder.finish().unwrap());
    let rewrap = "$WAFPASS rewrap -k k.key -k old.key --public-key-file new.pub.json --out new.jsonl.gz old.jsonl.gz";
    place.bash(rewrap).assert().code(1).stdout_eq("").stderr_eq(str![[r#"
44 events, 26 sealed to the new key, 17 left as they were (not-base64 3, length-mismatch 3, duplicate-member 3, truncated 2, open-failed 2, too-short 1, unsupported-version 1, wrong-key 1, missing-binding 1)
20 of version 3 or older: nothing shows that they belong to the events they stand in
2 belong to other events than those they stand in
3 lines are not JSON; the first is line 46

"#]]);
    assert_eq!(place.mode("new.jsonl.gz"), 0o600);
    let open = ["decrypt", "-k", "new.key", "-i", "jsonl", "new.jsonl.gz"];
    let opened = stdout(place.wafpass(open).assert().code(1));
    let is_same = |(new, old): &(&str, &str)| new == old;
    let same = opened.lines().zip(OPENED.lines()).filter(is_same).count();
    // All but the two that were moved, and stay sealed to the new key.
    assert_eq!((same, opened.lines().count()), (47, 49));
    place.bash(rewrap).assert().code(2).stderr_eq(str![[r#"
error: new.jsonl.gz is there already
try:   name another file, or move that one away

"#]]);
    // Nothing appears that is not whole.
    place.file("cut.gz", &fs::read(place.path().join("old.jsonl.gz")).unwrap()[..900]);
    let cut = "$WAFPASS rewrap -k k.key --public-key-file new.pub.json --out cut.new cut.gz";
    place.bash(cut).assert().code(2).stderr_eq(str![[r#"
error: cut.gz: the log cannot be read: [..]
try:   look at where it comes from; if it is gzip, whether it is whole

"#]]);
    let is_left = |name: &str| name.contains("cut.new");
    let names = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(!names.into_iter().any(|name| is_left(name.to_str().unwrap())));
}

#[test]
fn what_is_not_bound_stays_unbound_unless_the_rows_are_trusted() {
    let place = place();
    let make = "$WAFPASS generate-key-pair --out new.key > new.pub.json; $WAFPASS generate-key-pair --pq --out pq.key > pq.pub.json";
    place.bash(make).assert().code(0);
    let binding =
        r#"{"tenant":"acme","event_id":"7d0f/0","rule_id":"100173","timestamp_ms":1795307400123}"#;
    let blob = BLOB.trim();
    place.file(
        "log",
        format!(r#"{{"RayID":"7d0f","encrypted_matched_data":"{blob}","binding":{binding}}}"#),
    );
    let rewrap = |key: &str, args: &str| {
        let script = format!(
            "rm -f out; $WAFPASS rewrap -k k.key --public-key-file {key} --out out log {args}"
        );
        place.bash(&script).assert()
    };
    rewrap("new.pub.json", "").code(0).stderr_eq(str![[r#"
1 event, 1 sealed to the new key, 0 left as they were
1 of version 3 or older: nothing shows that it belongs to the event it stands in

"#]]);
    rewrap("pq.pub.json", "").code(1).stderr_eq(str![[r#"
1 event, 0 sealed to the new key, 1 left as it was (missing-binding 1)
missing-binding: a post-quantum key seals only what is bound. Move version 3 and older to an X25519 key; or, if you trust this log's rows, bind them with --bind-to-row

"#]]);
    for (public, key) in [("new.pub.json", "new.key"), ("pq.pub.json", "pq.key")] {
        rewrap(public, "--bind-to-row").code(0).stderr_eq(str![[r#"
1 event, 1 sealed to the new key, 0 left as they were

"#]]);
        let open = ["decrypt", "-k", key, "-i", "jsonl", "out"];
        place.wafpass(open).assert().code(0).stderr_eq(str![[r#"
1 event, 1 opened, 0 left as they were

"#]]);
    }
    let both = "$WAFPASS rewrap -k k.key --public-key-file - --out both - < new.pub.json";
    place.bash(both).assert().code(2).stderr_eq(str![[r#"
error: two things cannot both come from standard input
try:   name files for all but one of them

"#]]);
    assert!(!place.path().join("both").exists());
}

/// A log that is being opened holds payloads. Killed in the middle, the process leaves none of them.
#[cfg(target_os = "linux")]
#[test]
fn a_process_that_is_killed_leaves_nothing_behind() {
    let place = place();
    let before = fs::read_dir(place.path()).unwrap().count();
    let mut process = std::process::Command::new(snapbox::cmd::cargo_bin!("wafpass"))
        .args(["decrypt", "-k", "k.key", "-i", "jsonl", "--out", "opened.jsonl"])
        .current_dir(place.path())
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // More than a pipe and all queues hold: what comes after them waits until some was written.
    let log = format!("{SEALED}\n").repeat(150);
    process.stdin.take().unwrap().write_all(log.as_bytes()).unwrap();
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), before);
}

#[test]
fn a_reader_of_a_log_that_leaves_is_no_fault() {
    let place = place();
    place.file("long.jsonl", format!("{SEALED}\n").repeat(200));
    let script = "$WAFPASS decrypt -k k.key -i jsonl long.jsonl | head -1 | wc -l";
    place.bash(script).assert().code(0).stdout_eq("1\n").stderr_eq("");
}
