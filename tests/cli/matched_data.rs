//! The verbs of matched data: key pairs, blobs, whole logs.

use std::fs;
use std::io::Write;

use flate2::write::GzEncoder;
use snapbox::str;

use crate::common::{Place, stdout};

const KEY: &str = "uBS5eBttHrqkdY41kbZPdvYnNz8Vj0TvKIUpjB1y/GA=\n";
const PUBLIC_KEY: &str = "Ycig/Zr/pZmklmFUN99nr+taURlYItL91g+NcHGYpB8=";
const OLD_KEY: &str = "W65/xjYlBpgAXrXlS8unRtUF93evubhqcjOYSIOrmgQ=";
const BLOB: &str = "AzTY6FHajXYXuDMUte82wrd+1n5CEHPoydYiyd3FMg5IEQAAAAAAAAA0lOhGXBclw8pWU5jbbYuepSIJN5JohTtZekLliJBlVWk=\n";
/// Written by an implementation that shares no code with this one.
const SEALED: &str = include_str!("../vectors/archive/sealed.jsonl");
const OPENED: &str = include_str!("../vectors/archive/opened.jsonl");

const EVENT: [&str; 8] = [
    "--tenant",
    "acme",
    "--event-id",
    "7d0f/0",
    "--rule-id",
    "100173",
    "--timestamp-ms",
    "1795307400123",
];

fn place() -> Place {
    let place = Place::new();
    place.secret("k.key", KEY);
    place.secret("old.key", OLD_KEY);
    place.file("blob.txt", BLOB);
    place.file("sealed.jsonl", SEALED);
    place
}

fn sealed(place: &Place, plaintext: &[u8], args: &[&str]) -> String {
    place.file("plaintext", plaintext);
    let args = ["encrypt", "--public-key", PUBLIC_KEY, "plaintext"].iter().chain(args).copied();
    stdout(place.wafpass(args).assert().code(0).stderr_eq(""))
}

#[test]
fn key_pairs_as_users_of_other_tools_know_them() {
    let place = place();
    for args in [&["generate-key-pair"][..], &["generate-key-pair", "-o", "json"]] {
        place.wafpass(args.iter().copied()).assert().code(0).stderr_eq("").stdout_eq(str![[r#"
{
  "private_key": "[..]",
  "public_key": "[..]"
}

"#]]);
    }
    let printed = stdout(place.wafpass(["generate-key-pair"]).assert().code(0));
    let pair: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(pair["private_key"].as_str().unwrap().len(), 44);
    let public = pair["public_key"].as_str().unwrap();
    assert_ne!(stdout(place.wafpass(["generate-key-pair"]).assert()), printed);

    // What was printed is a key file, once it is one's own.
    place.file("pair.json", &printed);
    place.file("p", "{}");
    let seal = ["encrypt", "--v3", "--public-key", public, "p"];
    place.file("b", stdout(place.wafpass(seal).assert().code(0)));
    place.set_mode("pair.json", 0o600);
    place.wafpass(["decrypt", "-k", "pair.json", "b"]).assert().code(0).stdout_eq("{}\n");
    place.wafpass(["generate-key-pair", "-o", "text"]).assert().code(0).stdout_eq(str![[r#"
private key  [..]
public key   [..]
key id       [..]

"#]]);
}

#[test]
fn a_private_key_goes_to_a_file_of_its_own() {
    let place = place();
    let made = place.wafpass(["generate-key-pair", "--pq", "--out", "new.key"]).assert().code(0);
    let printed = made.stderr_eq("").stdout_eq(str![[r#"
{
  "public_key": "xwing-public:[..]",
  "key_id": "[..]",
  "private_key_file": "new.key"
}

"#]]);
    assert_eq!(place.mode("new.key"), 0o600);
    let private = fs::read_to_string(place.path().join("new.key")).unwrap();
    assert!(private.starts_with("xwing-private:") && !stdout(printed).contains(private.trim()));
    let again = place.wafpass(["generate-key-pair", "--out", "new.key"]).assert();
    again.code(2).stdout_eq("").stderr_eq(str![[r#"
error: new.key is there already, and may hold a key in use
try:   name another file, or move that one away

"#]]);
}

#[test]
fn a_passphrase_protects_a_key_file() {
    let place = place();
    let script = "WAFPASS_PASSPHRASE='correct horse' $WAFPASS generate-key-pair --out new.key --passphrase > pub.json";
    place.bash(script).assert().code(0).stderr_eq("");
    let text = fs::read_to_string(place.path().join("new.key")).unwrap();
    assert!(text.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"), "{text}");
    assert_eq!(place.mode("new.key"), 0o600);
    place
        .bash("printf '{}' | $WAFPASS encrypt --v3 --public-key-file pub.json > b")
        .assert()
        .code(0);
    place.secret("pass", "correct horse\n");
    let open = ["decrypt", "-k", "new.key", "--passphrase-file", "pass", "b"];
    place.wafpass(open).assert().code(0).stdout_eq("{}\n");
    place.secret("pass", "wrong horse\n");
    place.wafpass(open).assert().code(2).stdout_eq("").stderr_eq(str![[r#"
error: new.key is not opened by this passphrase
try:   try again

"#]]);
    place.set_mode("pass", 0o644);
    place.wafpass(open).assert().code(2).stderr_eq(str![[r#"
error: the passphrase file pass is open to others (mode 0644)
try:   chmod 600 pass; where it cannot be, as in a mounted secret: --passphrase-file - < FILE

"#]]);
    let short = "WAFPASS_PASSPHRASE=horse $WAFPASS generate-key-pair --out other.key --passphrase";
    place.bash(short).assert().code(2).stderr_eq(str![[r#"
error: a passphrase of 5 characters is shorter than 8
try:   choose some words that nobody else would

"#]]);
    assert!(!place.path().join("other.key").exists());
    place.wafpass(["generate-key-pair", "--passphrase-file", "pass"]).assert().code(2).stderr_eq(
        str![[r#"
error: a passphrase protects a file, and there is none
try:   --out FILE

"#]],
    );
}

#[test]
fn private_keys_come_from_files_standard_input_or_the_environment() {
    let place = place();
    let opened = "test matched data\n";
    let all = [
        "$WAFPASS decrypt -k k.key blob.txt",
        "$WAFPASS decrypt --private-key-filename k.key - < blob.txt",
        "$WAFPASS decrypt -k - blob.txt < k.key",
        "$WAFPASS decrypt -k <(cat k.key) blob.txt",
        "WAFPASS_PRIVATE_KEY=$(cat k.key) $WAFPASS decrypt < blob.txt",
        "$WAFPASS decrypt -k old.key -k k.key blob.txt",
    ];
    for script in all {
        place.bash(script).assert().code(0).stdout_eq(opened).stderr_eq("");
    }
    place.wafpass(["decrypt", "blob.txt"]).assert().code(2).stderr_eq(str![[r#"
error: there is no private key
try:   -k FILE, or the text of the key in WAFPASS_PRIVATE_KEY

"#]]);
    place.bash("$WAFPASS decrypt -k - - < k.key").assert().code(2).stderr_eq(str![[r#"
error: two things cannot both come from standard input
try:   name files for all but one of them

"#]]);
    place.set_mode("k.key", 0o640);
    place.wafpass(["decrypt", "-k", "k.key", "blob.txt"]).assert().code(2).stdout_eq("").stderr_eq(
        str![[r#"
error: the key file k.key is open to others (mode 0640)
try:   chmod 600 k.key; where it cannot be, as in a mounted secret: --private-key-filename - < FILE

"#]],
    );
}

#[test]
fn what_is_no_private_key_is_not_repeated() {
    let place = place();
    for text in ["secret", "{\"private_key\": 7}", "{secret", "AAAA", "xwing-public:secret", ""] {
        place.secret("odd.key", text);
        let fault = place.wafpass(["decrypt", "-k", "odd.key", "blob.txt"]).assert().code(2);
        let told = String::from_utf8(fault.get_output().stderr.clone()).unwrap();
        assert!(told.starts_with("error: odd.key: ") && told.lines().count() == 2, "{told}");
        assert!(!told.contains("secret"), "{told}");
    }
    place.file("odd.key", [0xff; 40]);
    place.set_mode("odd.key", 0o600);
    place.wafpass(["decrypt", "-k", "odd.key", "blob.txt"]).assert().code(2).stderr_eq(str![[r#"
error: odd.key is no text
try:   name the right file

"#]]);
}

#[test]
fn payloads_as_text_as_bytes_and_as_json() {
    let place = place();
    let json = "{\"b\":1.0e2,\"a\":\"\u{1b}\u{202e}\u{e9}\",\"a\":[]}";
    place.file("b", sealed(&place, json.as_bytes(), &["--v3"]));
    let open = |format: &str| {
        let opened = place.wafpass(["decrypt", "-k", "k.key", "-o", format, "b"]).assert().code(0);
        opened.stderr_eq("").get_output().stdout.clone()
    };
    // To a pipe as they are: what reads them is no terminal.
    assert_eq!(open("raw"), json.as_bytes());
    assert_eq!(open("utf8-lossy"), format!("{json}\n").as_bytes());
    // ESC may not stand in JSON as it is.
    let refused = place.wafpass(["decrypt", "-k", "k.key", "-o", "json", "b"]).assert().code(1);
    refused.stdout_eq("").stderr_eq(str![[r#"
refused: b: it opens, and is not JSON
try:     -o utf8-lossy, or -o raw

"#]]);
    place.file("b", sealed(&place, json.replace('\u{1b}', "").as_bytes(), &["--v3"]));
    let laid_out = "{\n  \"b\": 1.0e2,\n  \"a\": \"\\u202e\u{e9}\",\n  \"a\": []\n}\n";
    assert_eq!(String::from_utf8(open("json")).unwrap(), laid_out);

    place.file("b", sealed(&place, b"a\xffb", &["--v3"]));
    assert_eq!(open("raw"), b"a\xffb");
    assert_eq!(open("utf8-lossy"), "a\u{fffd}b\n".as_bytes());
}

#[test]
fn each_refusal_has_its_code_and_a_way_out() {
    let place = place();
    let open = |text: &str| {
        place.file("b", text);
        place.wafpass(["decrypt", "-k", "k.key", "b"]).assert().code(1).stdout_eq("")
    };
    for text in ["truncated", "truncated\n", " truncated\r\n"] {
        open(text).stderr_eq(str![[r#"
refused: b: truncated: the payload was too large to be logged
try:     nothing was sealed, so there is nothing to open; the rest of the event is as it was

"#]]);
    }
    for (text, code) in [
        ("", "too-short"),
        ("\n", "too-short"),
        ("A", "not-base64"),
        ("AAAA", "unsupported-version"),
        ("BAMA", "unsupported-suite"),
        (&BLOB[..40], "too-short"),
        (&BLOB[..96], "length-mismatch"),
        (&BLOB.replace("AzTY", "AzTZ"), "open-failed"),
    ] {
        let refused = open(text);
        let told = String::from_utf8(refused.get_output().stderr.clone()).unwrap();
        assert!(told.starts_with(&format!("refused: b: {code}: ")), "{told}");
        assert_eq!(told.lines().count(), 2);
    }
}

#[test]
fn several_blobs_each_on_a_line() {
    let place = place();
    place.file("b", format!("{BLOB}\ntruncated\r\n{BLOB}"));
    let opened = place.wafpass(["decrypt", "-k", "k.key", "b"]).assert().code(1);
    opened.stdout_eq("test matched data\ntest matched data\n").stderr_eq(str![[r#"
refused: b, line 3: truncated: the payload was too large to be logged
try:     nothing was sealed, so there is nothing to open; the rest of the event is as it was

"#]]);
    place.wafpass(["decrypt", "-k", "k.key", "-o", "raw", "b"]).assert().code(2).stderr_eq(str![[
        r#"
error: 3 payloads would run into one another
try:   -o utf8-lossy, or one blob at a time

"#
    ]]);
    place.wafpass(["decrypt", "-k", "k.key", "sealed.jsonl"]).assert().code(2).stderr_eq(str![[
        r#"
error: sealed.jsonl holds JSON, and no blobs alone
try:   a log is read with -i firewall-events-jsonl or -i firewall-events-json

"#
    ]]);
}

#[test]
fn version_4_opens_only_for_its_event() {
    let place = place();
    place.file("b", sealed(&place, b"{}", &EVENT));
    let open = |args: &[&str]| {
        place.wafpass(["decrypt", "-k", "k.key", "b"].iter().chain(args).copied()).assert()
    };
    open(&EVENT).code(0).stdout_eq("{}\n");
    let binding =
        r#"{"tenant":"acme","event_id":"7d0f/0","rule_id":"100173","timestamp_ms":1795307400123}"#;
    let as_text = serde_json::Value::from(binding).to_string();
    for event in [
        binding.to_owned(),
        format!(r#"{{"Metadata": {{"binding": {binding}}}}}"#),
        format!(r#"{{"metadata": [{{"key": "a"}}, {{"key": "binding", "value": {as_text}}}]}}"#),
        format!(r#"{{"binding": {binding}}}"#),
    ] {
        place.file("event.json", event);
        open(&["--event", "event.json"]).code(0).stdout_eq("{}\n");
    }
    open(&[]).code(1).stdout_eq("").stderr_eq(str![[r#"
refused: b: missing-binding: the binding of the event is missing or malformed
try:     give Metadata.binding as the sealer wrote it: tenant, event_id and rule_id as text, timestamp_ms as an integer

"#]]);
    let other = EVENT.map(|arg| if arg == "7d0f/0" { "7d0f/1" } else { arg });
    open(&other).code(1).stderr_eq(str![[r#"
refused: b: open-failed: the blob does not open
try:     it was sealed for another key or moved from another event, or a byte of it was changed

"#]]);
    place.file("event.json", r#"{"RayID": "7d0f"}"#);
    open(&["--event", "event.json"]).code(2).stderr_eq(str![[r#"
error: the binding of the event is missing or malformed
try:   give Metadata.binding as the sealer wrote it: tenant, event_id and rule_id as text, timestamp_ms as an integer

"#]]);
    open(&EVENT[..6]).code(2);
    place.wafpass(["decrypt", "-k", "old.key", "b"]).assert().code(1).stderr_eq(str![[r#"
refused: b: wrong-key: the blob was sealed for another key
try:     `wafpass inspect` shows its key id: open it with the private key of that id

"#]]);
}

#[test]
fn sealing_wants_an_event_or_version_3() {
    let place = place();
    let seal = |args: &[&str]| {
        place.wafpass(["encrypt"].iter().chain(args).copied()).stdin("{} ").assert()
    };
    seal(&["--public-key", PUBLIC_KEY]).code(2).stdout_eq("").stderr_eq(str![[r#"
error: version 4 is bound to an event, and none is given
try:   --tenant, --event-id, --rule-id and --timestamp-ms; or --event FILE; or --v3

"#]]);
    seal(&[&["--public-key", PUBLIC_KEY][..], &EVENT].concat()).code(2).stderr_eq(str![[r#"
error: the plaintext ends in a space, which would be lost
try:   leave it out: no JSON object ends in one

"#]]);
    seal(&["--v3"]).code(2);
    let private = stdout(place.wafpass(["generate-key-pair", "--pq"]).assert().code(0));
    let pair: serde_json::Value = serde_json::from_str(&private).unwrap();
    let private = seal(&["--public-key", pair["private_key"].as_str().unwrap(), "--v3"]).code(2);
    let told = String::from_utf8(private.get_output().stderr.clone()).unwrap();
    assert!(
        told.starts_with("error: this is a private key, and a public one is needed\n"),
        "{told}"
    );
    seal(&["--public-key", pair["public_key"].as_str().unwrap(), "--v3"]).code(2).stderr_eq(str![
        [r#"
error: version 3 cannot be sealed with an X-Wing key
try:   seal version 4, or give an X25519 key

"#]
    ]);
}

#[test]
fn whole_logs() {
    let place = place();
    let told = str![[r#"
44 events, 24 opened, 19 left as they were (not-base64 3, length-mismatch 3, duplicate-member 3, truncated 2, open-failed 2, moved 2, too-short 1, unsupported-version 1, wrong-key 1, missing-binding 1)
20 of version 3 or older: nothing shows that they belong to the event they stand in
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
    assert_eq!(stdout(place.wafpass(two).assert().code(1)), format!("{OPENED}\n{OPENED}"));
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
1 of version 3 or older: nothing shows that they belong to the event they stand in

"#]]);
    assert_eq!(stdout(opened), event("\"matched_data\", \"value\": \"test matched data\""));
    open("firewall-events-json", "sealed.jsonl").code(2).stderr_eq(str![[r#"
error: sealed.jsonl: byte [..] is where the log stops being one JSON document
try:   name a whole one; a log with one event a line is of the format firewall-events-jsonl

"#]]);
    open("jsonl", "blob.txt").code(2).stderr_eq(str![[r#"
0 events, 0 opened, 0 left as they were
error: no line is JSON
try:   name a log with one event a line; -i blob for blobs alone, -i firewall-events-json for one document

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
1 belong to another event than the one they stand in

"#]]);
    let opened: serde_json::Value = serde_json::from_str(&stdout(opened)).unwrap();
    assert!(opened["Metadata"]["moved_matched_data"]["http.request.uri.path"].is_object());
    assert_eq!(opened["Metadata"]["binding"]["event_id"], "7d24/0");
    let sealed = place.wafpass(open[..6].iter().copied()).assert().code(1).stderr_eq(str![[r#"
1 event, 0 opened, 1 left as they were (moved 1)

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
20 of version 3 or older: nothing shows that they belong to the event they stand in
2 belong to another event than the one they stand in
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
fn a_reader_of_a_log_that_leaves_is_no_fault() {
    let place = place();
    place.file("long.jsonl", format!("{SEALED}\n").repeat(200));
    let script = "$WAFPASS decrypt -k k.key -i jsonl long.jsonl | head -1 | wc -l";
    place.bash(script).assert().code(0).stdout_eq("1\n").stderr_eq("");
}
