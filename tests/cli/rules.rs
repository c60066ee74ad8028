//! `wafpass rules`: check and eval, as their users meet them.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use snapbox::cmd::cargo_bin;
use snapbox::{Data, IntoData, str};

use crate::common::{Place, stdout};

const RULES: &str = r#"uri_decoding = "url"

[lists.office]
ips = ["192.0.2.0/24"]

[[rules]]
id = "office"
expression = 'ip.src in $office'
action = "skip"

[[rules]]
id = "newline"
expression = '''http.request.version eq "HTTP/1.1" and
(http.request.uri.path matches "\n+." or http.request.uri.query matches "\x00+.")'''
action = "block"
"#;

const REQUEST: &str =
    "GET /cms/%0Aadmin?action=%00post HTTP/1.1\nHost: shop.example\nUser-Agent: curl/8\n\n";

fn place() -> Place {
    let place = Place::new();
    place.file("rules.toml", RULES);
    place.file("request.http", REQUEST);
    place
}

#[test]
fn help_pages_of_the_verbs() {
    let place = Place::new();
    for (verb, page) in
        [(None, "rules"), (Some("check"), "rules-check"), (Some("eval"), "rules-eval")]
    {
        let path = format!("tests/cli/{page}.txt");
        let page = Data::read_from(&Path::new(env!("CARGO_MANIFEST_DIR")).join(path), None);
        let arguments = ["rules"].into_iter().chain(verb).chain(["--help"]);
        let shown = place.wafpass(arguments).assert().code(0).stdout_eq(page.raw()).stderr_eq("");
        let widest = stdout(shown).lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(crate::MAX_COLUMNS), "{verb:?}: {widest:?}");
    }
}

#[test]
fn a_good_file_is_counted_and_odd_rules_are_warned_of() {
    let place = place();
    place.wafpass(["rules", "check", "rules.toml"]).assert().code(0).stdout_eq(str![[r#"
2 rules, 0 errors

"#]]);
    let odd = [
        ("never", "ssl and not ssl", "log"),
        ("two", r#"http.host eq "a" and http.host eq "b" and ssl"#, "log"),
        ("short", "http.request.body.size lt 0 or len(http.host) lt 0", "log"),
        ("office-too", "ip.src in $office", "log"),
        ("url", r#"http.host eq "c""#, "log"),
        ("all", r#"http.request.uri.path contains "" and len(http.host) ge 0"#, "challenge"),
        ("behind", "ssl", "block"),
    ];
    let odd = odd.map(|(id, expression, action)| {
        format!("\n[[rules]]\nid = \"{id}\"\nexpression = '{expression}'\naction = \"{action}\"\n")
    });
    let off = "\n[[rules]]\nid = \"off\"\nexpression = 'ssl'\naction = \"log\"\nenabled = false\n";
    place.file("odd.toml", format!("{RULES}{}{off}", odd.concat()));
    place.wafpass(["rules", "check", "odd.toml", "rules.toml"]).assert().code(0).stdout_eq(str![[
        r#"
warning: odd.toml, line 18: rule never can never match
warning: odd.toml, line 23: rule two can never match
warning: odd.toml, line 28: rule short can never match
warning: odd.toml, line 33: rule office-too never has its turn: rule office asks for the same
warning: odd.toml, line 48: rule behind never has its turn: rule all matches every request
warning: odd.toml, line 53: rule off is not enabled
12 rules, 0 errors, 6 warnings

"#
    ]]);
}

#[test]
fn every_fault_of_every_file_is_told() {
    let place = place();
    place.file(
        "bad.toml",
        r#"[[rules]]
id = "a"
expression = 'ip.scr eq 1.2.3.4 and http.host contains "x'
action = "block"

[[rules]]
id = "a"
expression = 'http.host contains 5'
action = "blok"
"#,
    );
    place.file("worse.json", "{\"rules\": [{\"id\": \"b\u{1b}[31m\"}]");
    let told = place.wafpass(["rules", "check", "bad.toml", "rules.toml", "worse.json"]);
    let told = stdout(told.assert().code(1).stderr_eq(""));
    for part in [
        "error: bad.toml:3:15: rule a: there is no field `ip.scr`\n  ip.scr eq 1.2.3.4",
        "\n  ^^^^^^\ntry:   did you mean ip.src?\n",
        "error: bad.toml:8:34: rule a: ",
        "error: bad.toml:9:10: rule a: `blok` is no action\ntry:   did you mean block?\n",
        "error: worse.json:1:",
    ] {
        assert!(told.contains(part), "{part}\nis not in\n{told}");
    }
    assert!(told.ends_with("2 rules, 5 errors\n"), "{told}");
    assert!(!told.contains('\u{1b}'));
    place.wafpass(["rules", "check", "none.toml"]).assert().code(2).stderr_eq(str![[r#"
error: none.toml cannot be read: No such file or directory (os error 2)
try:   name a file that is there, or `-` for standard input

"#]]);
    place.file("bytes.toml", [b'#', 0xff]);
    place.wafpass(["rules", "check", "bytes.toml"]).assert().code(2).stderr_eq(
        str![[r#"
error: bytes.toml is no UTF-8 from byte 1 on
try:   write other bytes in a rule as \xHH

"#]]
        .raw(),
    );
}

#[test]
fn what_a_rule_looked_at_is_shown() {
    let place = place();
    let eval = place.wafpass(["rules", "eval", "--rules", "rules.toml", "request.http"]);
    eval.assert().code(0).stderr_eq("").stdout_eq(
        str![[r#"
block (403) by rule newline

Rule newline: block (403)
  http.request.version eq "HTTP/1.1" and
  ^^^^^^^^^^^^^^^^^^^^
  (http.request.uri.path matches "\n+." or http.request.uri.query matches "\x00+.")
   ^^^^^^^^^^^^^^^^^^^^^                   ----------------------
  1:1   http.request.version = "HTTP/1.1"
  2:2   http.request.uri.path = "/cms/\x0aadmin"
  2:42  http.request.uri.query not looked at
  what is marked with - was not looked at: the answer was known

Logged, sealed
{
  "http.request.version": {
    "content": "HTTP/1.1"
  },
  "http.request.uri.path": {
    "before": "/cms/",
    "content": "\na",
    "after": "dmin"
  }
}

"#]]
        .raw(),
    );
    // Without decoding there is no line break.
    let eval = ["rules", "eval", "--expr", r#"http.request.uri.path matches "\n""#, "request.http"];
    place.wafpass(eval).assert().code(1).stdout_eq(
        str![[r#"
no match

Looked at
  http.request.uri.path matches "\n"
  ^^^^^^^^^^^^^^^^^^^^^
  1:1   http.request.uri.path = "/cms/%0Aadmin"

"#]]
        .raw(),
    );
    place.wafpass(eval.into_iter().chain(["--uri-decoding", "url"])).assert().code(0);
}

#[test]
fn the_request_may_come_from_standard_input() {
    let place = place();
    let eval = ["rules", "eval", "--rules", "rules.toml", "--client", "192.0.2.7", "-o", "json"];
    let told = stdout(place.wafpass(eval).stdin(REQUEST).assert().code(0));
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        told,
        json!({
            "matches": true, "action": "skip", "status": null, "rule": "office", "event": null,
            "payload": {"ip.src": {"content": "192.0.2.7"}},
            "rules": [{
                "id": "office", "action": "skip", "not_looked_at": [],
                "looked_at": [{"field": "ip.src", "line": 1, "column": 1}],
            }],
        })
    );
}

#[test]
fn what_the_request_is_beside_its_bytes_can_be_said() {
    let place = place();
    for (options, expression) in [
        (&["--http"][..], r#"not ssl and http.request.full_uri contains "http://shop""#),
        (&["--country", "NL"], r#"ip.src.country eq "NL""#),
        (&["--client", "2001:db8::1"], "ip.src in {2001:db8::/32}"),
        (&["--now", "20261122T003010Z"], "http.request.timestamp.sec eq 1795307410"),
        (&["--field", "app.scores=Array(Int)"], "not any(app.scores[*] > 5)"),
        (&[], "http.user_agent eq \"curl/8\" and http.request.version eq \"HTTP/1.1\""),
    ] {
        let eval = ["rules", "eval", "--expr", expression, "request.http"];
        let told = place.wafpass(eval.into_iter().chain(options.iter().copied())).assert();
        assert!(stdout(told.code(0)).starts_with("match\n"), "{expression}");
    }
    place.file("body.http", "POST / HTTP/2\nhost: a\ncontent-length: 9\n\n");
    let cut = ["rules", "eval", "--expr", "http.request.body.truncated", "body.http"];
    place.wafpass(cut).assert().code(0);
    let odd = ["rules", "eval", "--expr", "ssl", "--field", "app.x=Text", "request.http"];
    let told = place.wafpass(odd).assert().code(2);
    assert!(String::from_utf8_lossy(&told.get_output().stderr).contains("the types are Bool, Int"));
}

#[test]
fn an_event_is_sealed_for_the_owner() {
    let place = place();
    place.bash("$WAFPASS generate-key-pair --out private.key > public.txt").assert().code(0);
    let eval =
        "$WAFPASS rules eval --rules rules.toml --public-key public.txt -o json request.http";
    place.bash(&format!("{eval} > told.json")).assert().code(0);
    let told = fs::read_to_string(place.path().join("told.json")).unwrap();
    let told: Value = serde_json::from_str(&told).unwrap();
    let event = &told["event"];
    assert_eq!((&event["RuleID"], &event["Action"]), (&json!("newline"), &json!("block")));
    place.file("events.ndjson", format!("{event}\n"));
    let opened = "$WAFPASS decrypt -k private.key -i jsonl events.ndjson";
    let opened = stdout(place.bash(opened).assert().code(0));
    let opened: Value = serde_json::from_str(&opened).unwrap();
    assert_eq!(opened["Metadata"]["matched_data"], told["payload"], "{opened:#}");
    let odd = ["rules", "eval", "--expr", "ssl", "--public-key", "nonsense", "request.http"];
    let told = place.wafpass(odd).assert().code(2);
    assert!(String::from_utf8_lossy(&told.get_output().stderr).starts_with("error: "));
}

#[test]
fn an_expression_that_does_not_parse_is_told_with_its_place() {
    let place = place();
    let eval = ["rules", "eval", "--expr", "http.host contains \"", "request.http"];
    place.wafpass(eval).assert().code(2).stdout_eq("").stderr_eq(
        str![[r#"
error: line 1, column 20: the string has no end
  http.host contains "
                     ^
try:   close it with ", and write a quote inside it as \"

"#]]
        .raw(),
    );
    for (arguments, code) in [(&["--expr", "ssl", "--rules", "rules.toml"][..], 2), (&[], 2)] {
        let eval = ["rules", "eval", "request.http"].into_iter().chain(arguments.iter().copied());
        place.wafpass(eval).assert().code(code).stdout_eq("");
    }
    let both = ["rules", "eval", "--rules", "-"];
    place.wafpass(both).stdin("").assert().code(2).stderr_eq(str![[r#"
error: two things cannot both come from standard input
try:   name a file for the request and for the rules

"#]]);
}

#[test]
fn nothing_of_a_request_moves_the_cursor() {
    let place = place();
    let attack = "GET /\u{1b}[31m\u{202e} HTTP/1.1\nHost: \u{9b}2J\n\n";
    place.file("attack.http", attack);
    for expression in ["http.request.uri.path contains \"m\"", "http.host ne \"\u{1b}\u{202e}\""] {
        for output in ["text", "json"] {
            let eval = ["rules", "eval", "-o", output, "--expr", expression, "attack.http"];
            let told = stdout(place.wafpass(eval).assert());
            let odd = told.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
            assert_eq!(odd, None, "{told}");
        }
    }
}

#[test]
fn watch_runs_again_at_a_change_and_for_what_is_typed() {
    let place = place();
    let mut running = Process::new(cargo_bin!("wafpass"))
        .args(["rules", "eval", "--rules", "rules.toml", "--watch", "request.http"])
        .current_dir(place.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut typed = running.stdin.take().unwrap();
    let mut lines = BufReader::new(running.stdout.take().unwrap());
    let mut until = |part: &str| {
        let mut line = String::new();
        while !line.contains(part) {
            line.clear();
            assert!(lines.read_line(&mut line).unwrap() > 0, "it ended before {part}");
        }
    };
    until("block (403) by rule newline");
    writeln!(typed, "http.host eq \"shop.example\"").unwrap();
    until("match");
    writeln!(typed, "http.hots").unwrap();
    until("did you mean http.host?");
    typed.write_all(b"http.host eq \"\xff\"\n").unwrap();
    until("what was typed is no UTF-8");
    writeln!(typed).unwrap();
    until("block (403) by rule newline");
    std::thread::sleep(Duration::from_millis(50));
    place.file("request.http", "GET / HTTP/1.1\n\n");
    until("--- request.http has changed");
    until("no match");
    place.file("rules.toml", RULES.replace("skip", "skipp"));
    until("--- rules.toml has changed");
    until("`skipp` is no action");
    drop(typed);
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    assert!(running.wait().unwrap().success());
}
