//! A request through everything that takes it apart: its fields, their places, rules, extraction.

use std::sync::OnceLock;

use wafpass::matched_data::{DenyList, Form, Payload, Traced, extract};
use wafpass::rules::request::{RequestFacts, RequestView};
use wafpass::rules::trace::Taken;
use wafpass::rules::{FieldSet, Knows, RuleFile, RuleSet, Scheme, UriDecoding, Value};

/// Rules that look at everything.
const RULES: &str = r#"
uri_decoding = "url"
[[rules]]
id = "bodies"
action = "log"
expression = '''
any(http.request.body.form.values[*] matches ".") or any(http.request.body.multipart.values[*] matches ".")
or http.request.body.raw matches "."
'''
[[rules]]
id = "names"
action = "log"
expression = '''
any(lower(http.request.body.form.names[*])[*] contains "a")
or any(url_decode(http.request.body.multipart.names[*][*])[*] contains "a")
or any(http.request.cookies[*][*] ne "")
'''
[[rules]]
id = "uri"
action = "log"
expression = 'http.request.uri.path matches "." and (http.request.full_uri contains "/" or http.request.uri.query ne "")'
"#;

fn rules() -> &'static RuleSet {
    static COMPILED: OnceLock<RuleSet> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let file = RuleFile::from_toml(RULES, &Scheme::default()).expect("the rules parse");
        RuleSet::compile(file).expect("the rules compile")
    })
}

/// Every value has a place of its length, and what is extracted can be written and read.
pub fn check(view: &RequestView<'_>) {
    let rules = rules();
    let mut all = FieldSet::default();
    rules.scheme().fields().for_each(|(id, _)| all.insert(id));
    let facts = RequestFacts::new(view, rules.scheme(), |_| Some(&all));
    for decoding in [UriDecoding::None, UriDecoding::Url] {
        for (id, field) in rules.scheme().fields() {
            let (Knows::Request(builtin), Some(value)) =
                (field.knows(), facts.facts(decoding).get(id))
            else {
                continue;
            };
            assert!(value.is(field.ty()));
            // Of an array the last one only: a place is found by taking the request apart again.
            if let Some((path, len)) = last_text(value) {
                let place = view.place_of(builtin, &path, decoding).expect("a place");
                assert_eq!(place.len(), len, "{}", field.name());
                for segment in place.segments() {
                    let raw = view.part(segment.raw.part).get(segment.raw.range.clone());
                    assert!(raw.is_some_and(|raw| raw.len() >= segment.value.len()));
                }
            }
        }
    }
    let matches = rules.evaluate(&facts);
    let traces: Vec<_> = matches.rules().iter().map(|rule| rules.trace(*rule, &facts)).collect();
    let traced: Vec<_> = traces
        .iter()
        .map(|trace| Traced { rule: "r", decoding: UriDecoding::Url, trace })
        .collect();
    let payload = extract(view, rules.scheme(), &traced, &DenyList::default());
    for form in [Form::V3, Form::V4] {
        if let Ok(json) = payload.to_json(form) {
            let read = Payload::parse(json.as_bytes()).expect("what is written is read");
            assert_eq!(read.entries().len(), payload.entries().len());
        }
    }
}

fn last_text(value: &Value<'_>) -> Option<(Vec<Taken>, usize)> {
    match value {
        Value::Bytes(bytes) => Some((Vec::new(), bytes.len())),
        Value::Array(list) => {
            let (mut path, len) = last_text(list.last()?)?;
            path.insert(0, Taken::At(list.len() - 1));
            Some((path, len))
        }
        Value::Map(map) => {
            let (key, value) = map.iter().last()?;
            let (mut path, len) = last_text(value)?;
            path.insert(0, Taken::Key(key.to_vec()));
            Some((path, len))
        }
        _ => None,
    }
}
