//! The verbs of matched data: key pairs, and blobs that stand alone.

use std::fs;

use snapbox::str;

use crate::common::{Place, stdout};

const KEY: &str = "uBS5eBttHrqkdY41kbZPdvYnNz8Vj0TvKIUpjB1y/GA=\n";
const PUBLIC_KEY: &str = "Ycig/Zr/pZmklmFUN99nr+taURlYItL91g+NcHGYpB8=";
const OLD_KEY: &str = "W65/xjYlBpgAXrXlS8unRtUF93evubhqcjOYSIOrmgQ=";
pub(crate) const BLOB: &str = "AzTY6FHajXYXuDMUte82wrd+1n5CEHPoydYiyd3FMg5IEQAAAAAAAAA0lOhGXBclw8pWU5jbbYuepSIJN5JohTtZekLliJBlVWk=\n";
/// Written by an implementation that shares no code with this one.
pub(crate) const SEALED: &str = include_str!("../vectors/archive/sealed.jsonl");
pub(crate) const OPENED: &str = include_str!("../vectors/archive/opened.jsonl");

pub(crate) const EVENT: [&str; 8] = [
    "--tenant",
    "acme",
    "--event-id",
    "7d0f/0",
    "--rule-id",
    "100173",
    "--timestamp-ms",
    "1795307400123",
];

pub(crate) fn place() -> Place {
    let place = Place::new();
    place.secret("k.key", KEY);
    place.secret("old.key", OLD_KEY);
    place.file("blob.txt", BLOB);
    place.file("sealed.jsonl", SEALED);
    place
}

pub(crate) fn sealed(place: &Place, plaintext: &[u8], args: &[&str]) -> String {
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
        "$WAFPASS decrypt -k /dev/fd/3 blob.txt 3< k.key",
        "ln -s k.key link; $WAFPASS decrypt -k link blob.txt",
        "mkfifo -m 600 pipe; cat k.key > pipe & $WAFPASS decrypt -k pipe blob.txt",
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
