//! Rule files: what they say, and every fault of one at once.

use snapbox::{IntoData, assert_data_eq, file, str};
use wafpass::rules::limits::{MAX_LIST_ELEMENTS, MAX_RULE_FILE_BYTES, MAX_RULES};
use wafpass::rules::{Action, List, RuleFile, RuleSet, Scheme, UriDecoding};

const TOML: &str = r#"
uri_decoding = "url"

[lists.office]
ips = ["192.0.2.0/24", "2001:db8::1", "10.0.0.1..10.0.0.9"]
[lists.ports]
ints = [80, "8000..8010", -1]
[lists."bad.words"]
bytes = ["a", "é"]

[[rules]]
id = "path-traversal"
description = "A step up"
expression = 'http.request.uri.path contains "../" and not ip.src in $office'
action = "block"

[[rules]]
id = "942100"
expression = """
http.request.body.size in $ports
and any(http.request.headers.names[*] in $bad.words)
"""
action = "challenge"
status = 429
uri_decoding = "none"

[[rules]]
id = "a.b_c-D"
expression = "ssl"
action = "skip"
enabled = false

[[rules]]
id = "last"
expression = "not ssl"
action = "log"
"#;

const JSON: &str = r#"{
  "uri_decoding": "url",
  "lists": {
    "office": {"ips": ["192.0.2.0/24", "2001:db8::1", "10.0.0.1..10.0.0.9"]},
    "ports": {"ints": [80, "8000..8010", -1]},
    "bad.words": {"bytes": ["a", "\u00e9"]}
  },
  "rules": [
    {"id": "path-traversal", "description": "A step up", "action": "block",
     "expression": "http.request.uri.path contains \"../\" and not ip.src in $office"},
    {"id": "942100", "action": "challenge", "status": 429, "uri_decoding": "none",
     "expression": "http.request.body.size in $ports\nand any(http.request.headers.names[*] in $bad.words)\n"},
    {"id": "a.b_c-D", "expression": "ssl", "action": "skip", "enabled": false},
    {"id": "last", "expression": "not ssl", "action": "log"}
  ]
}"#;

#[test]
fn toml_and_json_say_the_same() {
    let scheme = Scheme::default();
    let files =
        [RuleFile::from_toml(TOML, &scheme).unwrap(), RuleFile::from_json(JSON, &scheme).unwrap()];
    for (file, lines) in files.iter().zip([[12, 18, 28, 34], [9, 11, 13, 14]]) {
        let rules = file.rules();
        let ids: Vec<_> = rules.iter().map(|rule| rule.id.as_str()).collect();
        assert_eq!(ids, ["path-traversal", "942100", "a.b_c-D", "last"]);
        assert_eq!(
            rules.iter().map(|rule| rule.action).collect::<Vec<_>>(),
            [
                Action::Block { status: 403 },
                Action::Challenge { status: 429 },
                Action::Skip,
                Action::Log
            ]
        );
        assert_eq!(
            rules.iter().map(|rule| rule.enabled).collect::<Vec<_>>(),
            [true, true, false, true]
        );
        let decoding = [UriDecoding::Url, UriDecoding::None, UriDecoding::Url, UriDecoding::Url];
        assert_eq!(rules.iter().map(|rule| rule.uri_decoding).collect::<Vec<_>>(), decoding);
        assert_eq!(rules.iter().map(|rule| rule.line).collect::<Vec<_>>(), lines);
        assert_eq!(rules[0].description.as_deref(), Some("A step up"));
        assert_eq!(rules[3].description, None);
        assert_eq!(rules[2].text, "ssl");
        assert_eq!(
            rules[1].expression.display(file.scheme()).to_string(),
            "http.request.body.size in $ports and any(http.request.headers.names[*] in $bad.words)"
        );
        assert_eq!(
            file.scheme().list("ports").unwrap().1,
            &List::Ints(vec![(80, 80), (8000, 8010), (-1, -1)])
        );
        assert_eq!(
            file.scheme().list("bad.words").unwrap().1,
            &List::Bytes(vec![b"a".to_vec(), "é".into()])
        );
        let List::Ips(ranges) = file.scheme().list("office").unwrap().1 else { panic!() };
        assert_eq!(ranges[0], ([192, 0, 2, 0].into(), [192, 0, 2, 255].into()));
    }
}

#[test]
fn an_empty_file_has_no_rules() {
    for file in
        [RuleFile::from_toml("", &Scheme::default()), RuleFile::from_json("{}", &Scheme::default())]
    {
        assert!(file.unwrap().rules().is_empty());
    }
}

/// Every fault that a file can have, but those that hide others.
const FAULTY: &str = r#"
uri_decodng = "url"
uri_decoding = "percent"

[lists.Office]
ips = ["192.0.2.1"]
[lists.partners]
ips = ["192.0.2.1/24", "1.2.3", 5, "10.0.0.1 10.0.0.2", ""]
[lists.ports]
ints = ["9..5", "x", 1.5, true]
[lists.words]
bytes = ["a", 5]
[lists.two]
ips = []
ints = []
[lists.none]
[lists.other]
hosts = ["a"]
[lists.scalar]
ints = 5

[[rules]]
id = "unknown-field"
expression = 'http.hots eq "a" and ip.src in $partners'
action = "block"

[[rules]]
id = "unknown-field"
expression = '''
http.host eq "a"
  or http.host eq "b\n"
'''
action = "blok"

[[rules]]
id = "no spaces please"
expression = "http.host eq \"a\" and"
action = "log"
status = 403

[[rules]]
id = "status"
expression = "ssl"
action = "block"
status = 200

[[rules]]
id = "types"
expression = 5
action = true
enabled = "yes"
status = "403"
description = ["a"]

[[rules]]

[[rules]]
id = "members"
expresion = "ssl"
expression = "ssl"
action = "drop"
actions = "log"
logging = true
uri_decoding = "URL"

[[rules]]
id = "disabled"
expression = "sll"
action = "log"
enabled = false

[[rules]]
id = "-dash"
expression = ""
action = "skip"
status = 404
"#;

#[test]
fn every_fault_is_told_at_once() {
    let fault = RuleFile::from_toml(FAULTY, &Scheme::default()).unwrap_err();
    assert_data_eq!(format!("{fault:#}\n"), file!["files.txt"].raw());
    for fault in fault.faults() {
        assert_eq!(fault.to_string().lines().count(), 2, "{fault}");
        assert!(fault.line() > 1 && fault.column() > 0, "{fault}");
    }
}

#[test]
fn the_place_in_the_file_is_that_of_the_fault() {
    let fault = RuleFile::from_toml(FAULTY, &Scheme::default()).unwrap_err();
    let of = |rule: &str| {
        fault
            .faults()
            .iter()
            .find(|fault| fault.rule() == Some(rule) && fault.in_expression().is_some())
    };
    let error = of("disabled").unwrap();
    let line = FAULTY.lines().nth(error.line() - 1).unwrap();
    assert_eq!(&line[error.column() - 1..error.column() + 2], "sll");
    // In a text of several lines, that line.
    let error =
        fault.faults().iter().find(|fault| fault.fault().contains("is not an escape")).unwrap();
    assert_eq!(FAULTY.lines().nth(error.line() - 1).unwrap(), r#"  or http.host eq "b\n""#);
    assert_eq!(error.in_expression().unwrap().line(), 2);
}

#[test]
fn json_has_places_too() {
    let text = r#"{
  "rules": [
    {"id": "a", "id": "b", "expression": "http.hots eq \"a\"", "action": "log"},
    {"id": "a", "expression": "ssl and sll", "action": "log", "extra": {"deep": [1, [2]]}},
    {"id": "a", "expression": null, "action": 1e3, "enabled": 0},
    5
  ],
  "lists": []
}"#;
    let fault = RuleFile::from_json(text, &Scheme::default()).unwrap_err();
    assert_data_eq!(
        format!("{fault:#}\n"),
        str![[r#"
line 3, column 23: `id` is there twice
write it once
line 3, column 42: rule a: there is no field `http.hots`
  http.hots eq "a"
  ^^^^^^^^^
did you mean http.host?
line 4, column 12: the id a is that of the rule of line 3 too
give each rule an id of its own
line 4, column 40: rule a: there is no field `sll`
  ssl and sll
          ^^^
did you mean ssl?
line 4, column 72: rule a: there is no member `extra`
leave it out, or write one of id, description, expression, action, status, enabled, uri_decoding
line 5, column 12: the id a is that of the rule of line 4 too
give each rule an id of its own
line 5, column 31: rule a: `expression` is a text, and this is null
write it in quotes
line 5, column 47: rule a: `action` is a text, and this is a value of another kind
write it in quotes
line 5, column 63: rule a: `enabled` is true or false, and this is a number
write true or false, without quotes
line 6, column 5: a rule is a table, and this is a number
its members are id, description, expression, action, status, enabled, uri_decoding
line 8, column 12: `lists` is a table, and this is a list
write [lists.name] in TOML, "lists": {"name": {…}} in JSON

"#]]
        .raw()
    );
}

#[test]
fn what_is_no_toml_or_json_is_refused() {
    for (text, fault) in [
        ("[[rules]]\nid = a\n", "line 2, column 6: not TOML:"),
        ("[[rules]]\nid = \"a\"\nid = \"b\"\n", "line 3, column 1: not TOML: duplicate key"),
        ("rules = 5", "line 1, column 9: `rules` is a list of tables, and this is a number"),
        ("[rules]\nid = 'a'", "`rules` is a list of tables, and this is a table"),
        ("rules = [5]", "line 1, column 10: a rule is a table, and this is a number"),
        ("lists = 5", "`lists` is a table, and this is a number"),
        ("[lists]\na = 5", "a list is a table, and this is a number"),
    ] {
        let told = RuleFile::from_toml(text, &Scheme::default()).unwrap_err().to_string();
        assert!(told.contains(fault), "{told}");
        assert_eq!(told.lines().count(), 2, "{told}");
    }
    for (text, fault) in [
        ("", "line 1, column 1: not JSON: EOF"),
        ("[]", "line 1, column 1: a rule file is a table, and this is a list"),
        ("{\"rules\": [\n  {},\n]}", "line 3, column 1: not JSON: "),
        ("{} {}", "line 1, column 4: not JSON: trailing characters"),
        ("\u{feff}{}", "not JSON"),
    ] {
        let told = RuleFile::from_json(text, &Scheme::default()).unwrap_err().to_string();
        assert!(told.contains(fault), "{told}");
        assert_eq!(told.lines().count(), 2, "{told}");
    }
    // As deep as one likes.
    let deep = "[".repeat(100_000);
    assert!(RuleFile::from_json(&deep, &Scheme::default()).is_err());
    assert!(RuleFile::from_toml(&format!("a = {deep}"), &Scheme::default()).is_err());
    let deep = format!("{{\"rules\": {}{}}}", "[".repeat(100), "]".repeat(100));
    assert!(RuleFile::from_json(&deep, &Scheme::default()).is_err());
}

#[test]
fn limits_hold() {
    let scheme = Scheme::default();
    let rule = |id: usize| format!("[[rules]]\nid = '{id}'\nexpression = 'ssl'\naction = 'log'\n");
    let rules = |count: usize| (0..count).map(rule).collect::<String>();
    assert_eq!(RuleFile::from_toml(&rules(MAX_RULES), &scheme).unwrap().rules().len(), MAX_RULES);
    let told =
        |text: &str| RuleFile::from_toml(text, &scheme).unwrap_err().faults()[0].fault().to_owned();
    assert_eq!(told(&rules(MAX_RULES + 1)), "the file has 5001 rules, and 5000 are the most");
    assert_eq!(
        told(&" ".repeat(MAX_RULE_FILE_BYTES + 1)),
        "the file has 8388609 bytes, and 8388608 are the most"
    );
    let list = |count: usize| format!("[lists.a]\nints = [{}]", "1,".repeat(count));
    assert!(RuleFile::from_toml(&list(MAX_LIST_ELEMENTS), &scheme).is_ok());
    assert_eq!(told(&list(MAX_LIST_ELEMENTS + 1)), "a list holds 100000 elements");
    let lists: String = (0..=256).map(|name| format!("[lists.l{name}]\nints = []\n")).collect();
    assert_eq!(told(&lists), "a scheme holds 256 lists");
    let long = |what: &str, count: usize| format!("[[rules]]\n{what} = '{}'\n", "a".repeat(count));
    let tells = |text: &str, end: &str| {
        let fault = RuleFile::from_toml(text, &scheme).unwrap_err();
        assert!(fault.faults().iter().any(|fault| fault.fault().ends_with(end)), "{fault}");
    };
    tells(&long("id", 65), "is no id");
    tells(&long("id = 'a'\ndescription", 501), "has 501 bytes, and 500 are the most");
    tells("[lists]\na.bytes = ['']\n[lists.b]\nips = ['1']", "is not an address");
    tells(
        &format!("[lists.a]\nbytes = ['{}']", "a".repeat(4_097)),
        "has 4097 bytes, and 4096 are the most",
    );
    let many = "[[rules]]\n".repeat(60);
    assert_eq!(RuleFile::from_toml(&many, &scheme).unwrap_err().faults().len(), 100);
}

#[test]
fn regular_expressions_share_a_budget() {
    let rule = |id: usize| {
        format!(
            "[[rules]]\nid = '{id}'\nexpression = 'http.host matches \"a{{5000}}{id}\"'\naction = 'log'\n"
        )
    };
    let text: String = (0..400).map(rule).collect();
    let fault = RuleFile::from_toml(&text, &Scheme::default()).unwrap_err();
    let [fault] = fault.faults() else { panic!("{fault}") };
    assert_eq!(
        fault.fault(),
        "the regular expressions and wildcards up to here take more than 67108864 bytes, compiled"
    );
}

#[test]
fn many_members_take_no_more_than_their_time() {
    let members: String = (0..200_000).map(|name| format!("\"a{name}\": 1, ")).collect();
    let text = format!("{{\"rules\": [{{{members}\"id\": 5}}]}}");
    let fault = RuleFile::from_json(&text, &Scheme::default()).unwrap_err();
    assert_eq!(fault.faults().len(), 100);
}

/// Each fault has a column, which is counted; each name of a key is looked for in what an error shows.
#[test]
fn faults_on_one_long_line_take_no_more_than_their_time() {
    let scheme = Scheme::default();
    let text = format!("{{\"lists\": {{\"a\": {{\"bytes\": [{}0]}}}}}}", "0,".repeat(500_000));
    assert_eq!(RuleFile::from_json(&text, &scheme).unwrap_err().faults().len(), 100);

    let rule = "{\"id\": \"a\", \"expression\": \"ssl\", \"action\": \"log\"},";
    let text = format!("{{\"rules\": [{}{{}}], \"x\": 1}}", rule.repeat(4_000));
    assert_eq!(RuleFile::from_json(&text, &scheme).unwrap_err().faults().len(), 100);

    let names = "is_timed_hmac_valid_v0(".repeat(300_000);
    let text = format!("[[rules]]\nid = 'a'\naction = 'log'\nexpression = '{names}'\n");
    let fault = RuleFile::from_toml(&text, &scheme).unwrap_err();
    let [fault] = fault.faults() else { panic!("{fault}") };
    assert_eq!(fault.fault(), "the expression has 6900000 bytes, and 16384 are the most");
}

#[test]
fn expressions_are_read_no_further_once_the_budget_is_used_up() {
    let matches: Vec<_> = (100..120).map(|n| format!("http.host ~ \"a{{5{n}}}\"")).collect();
    let rule = |id: usize| {
        let faulty = if id == 999 { "http.hots" } else { "http.host" };
        let expression = format!("{} or {faulty} eq \"\"", matches.join(" or "));
        format!("[[rules]]\nid = '{id}'\nexpression = '{expression}'\naction = 'log'\n")
    };
    let text: String = (0..1_000).map(rule).collect();
    let fault = RuleFile::from_toml(&text, &Scheme::default()).unwrap_err();
    let [fault] = fault.faults() else { panic!("{fault}") };
    assert!(fault.fault().starts_with("the regular expressions and wildcards"), "{fault}");
}

#[test]
fn wildcards_share_that_budget() {
    let piece = |from: u8| -> String {
        (0..64)
            .map(|at| char::from(b'0' + (from + at) % 75))
            .filter(|c| !"\\'".contains(*c))
            .collect()
    };
    let wildcards: Vec<_> =
        (0..75).map(|from| format!("http.host wildcard r\"*{}*\"", piece(from))).collect();
    let rule = |id: usize| {
        let expression = wildcards.join(" or ");
        format!("[[rules]]\nid = '{id}'\nexpression = '{expression}'\naction = 'log'\n")
    };
    let text: String = (0..150).map(rule).collect();
    let fault = RuleFile::from_toml(&text, &Scheme::default()).unwrap_err();
    let [fault] = fault.faults() else { panic!("{fault}") };
    assert!(fault.fault().starts_with("the regular expressions and wildcards"), "{fault}");
}

#[test]
fn the_debug_text_of_rules_shows_no_key() {
    let text = "
[[rules]]
id = 'token'
expression = 'is_timed_hmac_valid_v0(\"hunter2\", http.request.uri, 60, http.request.timestamp.sec)'
action = 'log'
";
    let file = RuleFile::from_toml(text, &Scheme::default()).unwrap();
    assert!(file.rules()[0].text.contains("hunter2"));
    let rules = RuleSet::compile(file.clone()).unwrap();
    for shown in [format!("{file:?}"), format!("{:#?}", file.rules()), format!("{rules:?}")] {
        assert!(shown.contains("token") && !shown.contains("hunter2"), "{shown}");
        assert!(!shown.contains(&format!("{:?}", b"hunter2")), "{shown}");
    }
}
