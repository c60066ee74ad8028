//! Attacks by their classes, and look-alikes that are none: from the bytes of a request to a sealed payload
//! and back.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test, a panic is the report"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use wafpass::matched_data::{
    Binding, Content, DenyList, Form, Payload, PrivateKey, Suite, Traced, extract, open,
};
use wafpass::rules::request::{BodyEnd, RequestFacts, RequestView};
use wafpass::rules::{RuleFile, RuleSet, Scheme, UriDecoding};

/// What the requests hold in places that the deny list names.
const SECRETS: &[&str] = &["hunter2", "t0ps3cr3t"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attack_corpus")
}

fn rules() -> RuleSet {
    let text = fs::read_to_string(folder().join("rules.toml")).unwrap();
    let file =
        RuleFile::from_toml(&text, &Scheme::default()).unwrap_or_else(|fault| panic!("{fault}"));
    RuleSet::compile(file).unwrap()
}

/// The requests of a class by name, in order.
fn requests(class: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(class).unwrap().map(|entry| entry.unwrap().path());
    let mut requests: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|kind| kind == "http"))
        .map(|path| {
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap())
        })
        .collect();
    requests.sort();
    assert!(!requests.is_empty(), "{} holds no request: nothing would be tested", class.display());
    requests
}

/// A request in the form it has on a connection.
struct Raw<'b> {
    method: &'b [u8],
    target: &'b [u8],
    version: &'b str,
    lines: Vec<(&'b [u8], &'b [u8])>,
    body: &'b [u8],
}

impl<'b> Raw<'b> {
    fn parse(bytes: &'b [u8]) -> Self {
        let head_end =
            bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("an empty line");
        let head = str::from_utf8(&bytes[..head_end]).expect("a head in UTF-8");
        let mut lines = head.split("\r\n");
        let mut first = lines.next().unwrap().splitn(3, ' ');
        let mut word = || first.next().expect("a request line of three words");
        let (method, target, version) = (word().as_bytes(), word().as_bytes(), word());
        let lines = lines.map(|line| {
            let (name, value) = line.split_once(": ").expect("a header line");
            (name.as_bytes(), value.as_bytes())
        });
        Self { method, target, version, lines: lines.collect(), body: &bytes[head_end + 4..] }
    }

    fn view(&self) -> RequestView<'_> {
        RequestView::new(self.method, self.target, &self.lines)
            .version(self.version)
            .body(self.body, BodyEnd::Whole)
    }
}

/// The rules that match, and what is logged.
fn run(rules: &RuleSet, view: &RequestView<'_>) -> (Vec<String>, Payload) {
    let facts = RequestFacts::new(view, rules.scheme(), |decoding| rules.wants(decoding));
    let matches = rules.evaluate(&facts);
    let traces: Vec<_> = matches
        .rules()
        .iter()
        .map(|rule| (rules.rule(*rule).unwrap(), rules.trace(*rule, &facts)))
        .collect();
    let traced: Vec<Traced<'_>> = traces
        .iter()
        .map(|(rule, trace)| Traced { rule: &rule.id, decoding: rule.uri_decoding, trace })
        .collect();
    let payload = extract(view, rules.scheme(), &traced, &DenyList::default());
    (traces.iter().map(|(rule, _)| rule.id.clone()).collect(), payload)
}

/// Seals and opens a payload in both versions, and gives its JSON.
fn through_the_envelope(payload: &Payload) -> String {
    let key = PrivateKey::generate(Suite::X25519).unwrap();
    let event = Binding::new("acme", "7d/0", "rule", 1_795_307_400_000).unwrap();
    let blob = payload.seal_v3(key.public_key()).unwrap();
    assert_eq!(*open(&blob, &key, None).unwrap(), *payload.to_json(Form::V3).unwrap().as_bytes());
    let blob = payload.seal_v4(key.public_key(), &event).unwrap();
    let opened = open(&blob, &key, Some(&event)).unwrap();
    let read = Payload::parse(&opened).unwrap();
    assert_eq!(read.entries().len(), payload.entries().len());
    String::from_utf8(opened.to_vec()).unwrap()
}

#[test]
fn each_attack_sets_off_its_rule_and_leaves_what_it_was() {
    let rules = rules();
    let mut report = String::new();
    for rule in rules.rules() {
        for (name, bytes) in requests(&folder().join(&rule.id)) {
            let raw = Raw::parse(&bytes);
            let (matched, payload) = run(&rules, &raw.view());
            assert!(matched.contains(&rule.id), "{}/{name} set off {matched:?}", rule.id);
            let json = through_the_envelope(&payload);
            assert!(!SECRETS.iter().any(|secret| json.contains(secret)), "{json}");
            assert_ne!(json, "{}", "{}/{name}", rule.id);
            writeln!(report, "{}/{name}\n    {json}", rule.id).unwrap();
        }
    }
    snapbox::assert_data_eq!(report, snapbox::file!["attack_corpus/expected.txt"].raw());
}

#[test]
fn look_alikes_set_off_nothing() {
    let rules = rules();
    for (name, bytes) in requests(&folder().join("benign")) {
        let raw = Raw::parse(&bytes);
        let (matched, payload) = run(&rules, &raw.view());
        assert_eq!(matched, Vec::<String>::new(), "{name}");
        assert_eq!(payload, Payload::default(), "{name}");
    }
}

#[test]
fn attacks_of_any_size_are_found_where_they_stand() {
    let rules = rules();
    let padding = "a=b&".repeat(40_000);
    let attack = format!("{padding}x=%27%20or%201%3D1");
    let target = format!("/?{attack}");
    let (matched, payload) = run(&rules, &RequestView::new(b"GET", target.as_bytes(), &[]));
    // 40,000 arguments before it: it is in the last of those that are told apart.
    assert_eq!(matched, ["sqli"]);
    assert_eq!(payload.entries()[0].key(), "http.request.uri.args.values[1023]");
    let Content::Bytes(content) = payload.entries()[0].matches()[0].content() else { panic!() };
    assert_eq!(content, b"' or 1=1");

    let mut body = vec![b'x'; 1_048_576];
    body.extend_from_slice(b"<!ENTITY xxe SYSTEM \"file:///etc/passwd\">");
    let view = RequestView::new(b"POST", b"/", &[]);
    let view = view.body(&body, BodyEnd::Truncated { size: Some(9_999_999) });
    let (matched, payload) = run(&rules, &view);
    assert_eq!(matched, ["xxe"]);
    assert_eq!(payload.entries()[0].matches()[0].before(), b"xxxxxxxxxxxxxxx");
}

/// A published list of strings that break things: each in each place, found there and logged as it is.
#[test]
fn naughty_strings_are_logged_as_they_are() {
    let list = fs::read(folder().join("naughty-strings/blns.json")).unwrap();
    let list: Vec<String> = serde_json::from_slice(&list).unwrap();
    assert!(list.len() > 400);
    let places = [
        r#"any(http.request.uri.args["q"][*] ne "never")"#,
        r#"any(url_decode(http.request.body.form["q"][*])[*] ne "never")"#,
        r#"any(http.request.headers["x-naughty"][*] ne "never")"#,
    ];
    let file = serde_json::json!({"uri_decoding": "url", "rules": places.iter().enumerate().map(|(index, rule)| {
        serde_json::json!({"id": format!("r{index}"), "expression": rule, "action": "log"})
    }).collect::<Vec<_>>()});
    let file = RuleFile::from_json(&file.to_string(), &Scheme::default())
        .unwrap_or_else(|fault| panic!("{fault}"));
    let rules = RuleSet::compile(file).unwrap();
    for naughty in list {
        let encoded: String = naughty.bytes().fold(String::new(), |mut text, byte| {
            write!(text, "%{byte:02x}").unwrap();
            text
        });
        let (target, body) = (format!("/?q={encoded}"), format!("q={encoded}"));
        let lines: &[(&[u8], &[u8])] = &[
            (b"X-Naughty", naughty.as_bytes()),
            (b"Content-Type", b"application/x-www-form-urlencoded"),
        ];
        let view = RequestView::new(b"POST", target.as_bytes(), lines)
            .body(body.as_bytes(), BodyEnd::Whole);
        let (matched, payload) = run(&rules, &view);
        assert_eq!(matched.len(), 3, "{naughty:?}");
        let read = Payload::parse(payload.to_json(Form::V4).unwrap().as_bytes()).unwrap();
        assert_eq!(read.entries().len(), 3);
        for entry in read.entries() {
            let content = entry.matches()[0].content();
            // One has what looks like an argument named `token` in it, in a header.
            let is_redacted = matches!(content, Content::Redacted { .. });
            assert!(
                is_redacted && entry.key().contains("x-naughty")
                    || *content == Content::Bytes(naughty.clone().into_bytes()),
                "{naughty:?} {entry:?}"
            );
        }
        assert_eq!(rules.rule(0).unwrap().uri_decoding, UriDecoding::Url);
    }
}
