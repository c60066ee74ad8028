#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, clippy::print_stdout, clippy::disallowed_methods, reason = "in a test, a panic is the report")]
use std::time::Instant;
use wafpass::matched_data::{DenyList, Form, Traced, extract, Event, EventParts, ClearText};
use wafpass::rules::request::{BodyEnd, RequestFacts, RequestView};
use wafpass::rules::{RuleFile, RuleSet, Scheme};

fn cost(what: &str, target: &[u8], lines: &[(&[u8], &[u8])], body: &[u8], rules: &[String]) {
    let mut toml = String::new();
    for (i, r) in rules.iter().enumerate() { toml += &format!("[[rules]]\nid='r{i}'\naction='log'\nexpression='''{r}'''\n"); }
    let set = RuleSet::compile(RuleFile::from_toml(&toml, &Scheme::default()).unwrap()).unwrap();
    let view = RequestView::new(b"POST", target, lines).body(body, BodyEnd::Whole);
    let t = Instant::now();
    let facts = RequestFacts::new(&view, set.scheme(), |d| set.wants(d));
    let f = t.elapsed();
    let t = Instant::now();
    let m = set.evaluate(&facts);
    let e = t.elapsed();
    let t = Instant::now();
    let traces: Vec<_> = m.rules().iter().map(|n| (*n, set.trace(*n, &facts))).collect();
    let tr = t.elapsed();
    let c: usize = traces.iter().map(|(_, t)| t.contributions.len()).sum();
    let traced: Vec<Traced<'_>> = traces.iter().map(|(n, t)| Traced { rule: &set.rule(*n).unwrap().id, decoding: set.rule(*n).unwrap().uri_decoding, trace: t }).collect();
    let deny = DenyList::default();
    let t = Instant::now();
    let p = extract(&view, set.scheme(), &traced, &deny);
    let x = t.elapsed();
    let t = Instant::now();
    let j = p.to_json(Form::V4).map(|j| j.len());
    let js = t.elapsed();
    let t = Instant::now();
    let ev = Event::new(&view, &EventParts { tenant: "t", ray_id: "r", match_index: 0, rule_id: "r", description: "", action: "log", other_rules: &[], status: None, asn: None, uri: ClearText::WithoutSecrets }, &deny).unwrap();
    let evt = t.elapsed();
    drop(ev);
    println!("{what:32} matched {:4} contrib {c:6} | facts {f:>9.1?} eval {e:>9.1?} trace {tr:>9.1?} extract {x:>9.1?} json {js:>9.1?} event {evt:>9.1?} {j:?}", m.rules().len());
}

#[test]
fn costs() {
    let form: &[(&[u8], &[u8])] = &[(b"content-type", b"application/x-www-form-urlencoded")];
    let json: &[(&[u8], &[u8])] = &[(b"content-type", b"application/json")];
    let mp: &[(&[u8], &[u8])] = &[(b"content-type", b"multipart/form-data; boundary=x")];
    let n = 131_072;
    let fill = |s: &str| s.repeat(n / s.len()).into_bytes();
    let all = |f: &str| vec![format!("any({f}[*][*] ne \"zz\")")];
    let raw = vec!["http.request.body.raw ne \"\"".to_owned()];
    for s in ["a=&", "abcd=&", "a=;", "abcd=;", "%25=&", "passwor=&", "password=&"] {
        cost(&format!("form {s}"), b"/", form, &fill(s), &all("http.request.body.form"));
    }
    let many: String = (0..16_000).map(|i| format!("{i:x}=a&")).collect();
    cost("form distinct", b"/", form, many.as_bytes(), &all("http.request.body.form"));
    for s in ["\"\":", "\"a\":1,", "\\\":", "\"password\":1,", "{", "\\\\\"", "\"password\":\"", "[\"\\\"\":"] {
        cost(&format!("json {s}"), b"/", json, &fill(s), &raw);
    }
    for s in ["--x\n", "--x\n\n", "--x\nContent-Disposition:f;name=a\n\n", "--\n", "\n"] {
        cost(&format!("mp {}", s.escape_debug()), b"/", mp, &fill(s), &all("http.request.body.multipart"));
    }
    let mut body = String::new(); let mut k = 0;
    for _ in 0..16 { body += "--x\nContent-Disposition:f"; for _ in 0..800 { body += &format!(";name={k:x}"); k += 1; } body += "\n\nv\n"; }
    cost("mp many names", b"/", mp, body.as_bytes(), &all("http.request.body.multipart"));
    let many_rules: Vec<String> = (0..500).map(|i| format!("http.request.body.multipart[\"zz{i}\"][0] ne \"a\" and ssl")).collect();
    cost("mp many names, 500 rules", b"/", mp, body.as_bytes(), &many_rules);
    let mut ct = String::from("multipart/form-data");
    for i in 0..1_600 { ct += &format!(";boundary={i:x}"); }
    let lines: &[(&[u8], &[u8])] = &[(b"content-type", ct.as_bytes())];
    cost("mp boundaries", b"/", lines, &fill("--\n"), &all("http.request.body.multipart"));
    cost("mp boundaries2", b"/", lines, &fill("--zzz\n"), &all("http.request.body.multipart"));
    let args: String = "/?".to_owned() + &(0..3000).map(|i| format!("{i:x}=&")).collect::<String>();
    let rs: Vec<String> = ["http.request.uri.args[*]", "raw.http.request.uri.args[*]"].iter().map(|f| format!("any({f}[*] ne \"zz\")")).chain(["http.request.full_uri contains \"/\"".to_owned()]).collect();
    cost("args", args.as_bytes(), &[], b"", &rs);
    let enc = "/?a=".to_owned() + &"%41".repeat(5300);
    let rs: Vec<String> = (0..100).map(|i| format!("lower(http.request.uri.query) ne \"z{i}\"")).collect();
    cost("100 rules one query", enc.as_bytes(), &[], b"", &rs);
    let mut t2 = String::from("uri_decoding='url'\n"); t2.clear();
    let hl: Vec<(Vec<u8>, Vec<u8>)> = (0..1000).map(|i| (format!("x{i:x}").into_bytes(), b"a".to_vec())).collect();
    let ck: String = (0..1024).map(|i| format!("{i:x}=;")).collect();
    let mut hl: Vec<(&[u8], &[u8])> = hl.iter().map(|(a, b)| (a.as_slice(), b.as_slice())).collect();
    hl.push((b"cookie", ck.as_bytes()));
    cost("headers and cookies", b"/", &hl, b"", &["any(http.request.headers[*][*] ne \"zz\")".to_owned(), "any(http.request.cookies[*][*] ne \"zz\")".to_owned()]);
    let hl: Vec<(Vec<u8>, Vec<u8>)> = (0..3000).map(|i| (format!("x{i:x}").into_bytes(), b"".to_vec())).collect();
    let hl: Vec<(&[u8], &[u8])> = hl.iter().map(|(a, b)| (a.as_slice(), b.as_slice())).collect();
    cost("headers", b"/", &hl, b"", &["any(http.request.headers[*][*] ne \"zz\")".to_owned()]);
    cost("100 rules one body", b"/", json, &fill("\"a\":1,"), &(0..100).map(|i| format!("http.request.body.raw contains \":\" and http.request.body.raw ne \"{i}\" and lower(http.request.body.raw) contains \"a\"")).collect::<Vec<_>>());
}
