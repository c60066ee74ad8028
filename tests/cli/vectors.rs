use std::fs;

use snapbox::{IntoData, str};

use crate::common::Place;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/edge-signature-1.json");

#[test]
fn pass_and_a_mutated_file_fails() {
    let place = Place::new();
    let text = fs::read_to_string(VECTORS).unwrap();
    place.file("good.json", &text);
    place
        .wafpass(["vectors", "good.json"])
        .assert()
        .code(0)
        .stdout_eq(str![[r#"
131 passed, 0 failed

"#]])
        .stderr_eq("");

    let mutate = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        place.file("bad.json", text.replacen(from, to, 1));
        place.wafpass(["vectors", "good.json", "bad.json"]).assert()
    };
    mutate("\"expect\": \"expired\"", "\"expect\": \"accept\"")
        .code(1)
        .stdout_eq(str![[r#"
FAILED bad.json: one second too old
  expected: accept
  got:      expired
261 passed, 1 failed

"#]])
        .stderr_eq("");
    mutate("\"expect\": \"accept\"", "\"expect\": \"expired\"").code(1).stdout_eq(str![[r#"
FAILED bad.json: get root
  expected: expired
  got:      accept
261 passed, 1 failed

"#]]);
    mutate("\"target\": \"/a/b?x=1&y=2\"", "\"target\": \"/a/b?y=2&x=1\"").code(1).stdout_eq(str![
        [r#"
FAILED bad.json: with query
  expected: accept
  got:      signature-mismatch
261 passed, 1 failed

"#]
    ]);
    mutate("\\nGET\\n/\\n\"", "\\nGET\\n/\\u001b[31m\\n\"").code(1).stdout_eq(
        str![[r#"
FAILED bad.json: get root
  expected: accept
  got:      accept, over another signature base
  line 8 of the base, expected: "/\x1b[31m"
  line 8 of the base, got:      "/"
261 passed, 1 failed

"#]]
        .raw(),
    );
    mutate("\"max_age\": 60", "\"max_age\": 90000").code(1).stdout_eq(str![[r#"
FAILED bad.json: get root
  expected: accept
  got:      a configuration that does not load: max_age 90000 s with skew 5 s is out of bounds; keep max_age within 86400 s and skew within 3600 s
261 passed, 1 failed

"#]]);
    mutate("\"now\"", "\"then\"").code(2).stdout_eq(str![[r#"
131 passed, 0 failed

"#]]).stderr_eq(str![[r#"
error: bad.json: not a vector file: unknown field `then`, expected one of `name`, `request`, `config`, `now`, `expect`, `base` at line 44 column 9
try:   see "Vector files" in the wire format for the fields there are

"#]]);
    mutate("\"expect\": \"accept\"", "\"expect\": \"perhaps\"").code(2).stderr_eq(str![[r#"
error: bad.json: the case "get root" expects "perhaps", which is no reason
try:   expect `accept` or a reason code of the wire format

"#]]);
}

#[test]
fn run_on_behind_a_file_that_cannot_be_read() {
    let place = Place::new();
    place.file("empty.json", r#"{"spec": "edge-signature version 1", "cases": []}"#);
    let mixed = place.wafpass(["vectors", "none.json", VECTORS, "empty.json"]).assert().code(2);
    mixed
        .stdout_eq(str![[r#"
131 passed, 0 failed

"#]])
        .stderr_eq(str![[r#"
error: none.json cannot be read: No such file or directory (os error 2)
try:   name a file that is there, or `-` for standard input
error: empty.json: there is no case in it
try:   a file proves something by its cases: add one

"#]]);
    place.wafpass(["vectors"]).assert().code(2);
}

#[test]
fn files_of_each_spec_run_together() {
    let place = Place::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors");
    let [one, two] = [1, 2].map(|number| format!("{folder}/matched-data-{number}.json"));
    place.wafpass(["vectors", VECTORS, &one, &two]).assert().code(0).stdout_eq(str![[r#"
186 passed, 0 failed

"#]]);

    let text = fs::read_to_string(&one).unwrap();
    let mutate = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        place.file("bad.json", text.replacen(from, to, 1));
        place.wafpass(["vectors", "bad.json"]).assert()
    };
    mutate("\"expect\": \"open\"", "\"expect\": \"open-failed\"").code(1).stdout_eq(str![[r#"
FAILED bad.json: published vector, version 1
  expected: open-failed
  got:      open (engine Portable)
43 passed, 1 failed

"#]]);
    mutate("\"matched data\"", "\"matched data 2\"").code(2).stderr_eq(str![[r#"
error: bad.json: the spec is "matched data 2", not "edge-signature version 1", "matched data" or "wafpass rules 1"
try:   run it with a version that knows this spec

"#]]);
    mutate("\"event\"", "\"binding\"").code(2).stderr_eq(str![[r#"
error: bad.json: not a vector file: unknown field `binding`, expected one of `name`, `blob`, `private_key`, `suite`, `event`, `expect`, `plaintext` at line [..] column [..]
try:   see "Vector files" in docs/matched-data.md for the fields there are

"#]]);
}
