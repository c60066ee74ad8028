//! A rule set does what its rules do one by one.

use proptest::prelude::*;
use serde_json::json;
use wafpass::rules::{Action, Compiler, Facts, RuleFile, RuleSet, UriDecoding};

use super::random::{condition, facts, scheme};

fn file(rules: &[(String, &str)]) -> RuleFile {
    let rules = rules.iter().enumerate().map(|(number, (expression, action))| {
        json!({"id": format!("r{number}"), "expression": expression, "action": action})
    });
    let file = json!({"rules": rules.collect::<Vec<_>>()});
    RuleFile::from_json(&file.to_string(), &scheme()).unwrap()
}

/// The rules that match, and the one that decides.
fn one_by_one(file: &RuleFile, facts: &Facts<'_>) -> (Vec<usize>, Option<usize>) {
    let mut compiler = Compiler::new(file.scheme());
    let mut matched = Vec::new();
    for (number, rule) in file.rules().iter().enumerate() {
        if compiler.compile(&rule.expression).unwrap().holds(facts) {
            matched.push(number);
            if rule.action != Action::Log {
                return (matched, Some(number));
            }
        }
    }
    let first = matched.first().copied();
    (matched, first)
}

/// Conditions that are rarely true, so that the prefilter has something to leave out.
fn rare() -> BoxedStrategy<String> {
    let word = "[abAB%,]{2,4}";
    let regex = prop::sample::select(vec![
        "(?i)aB+",
        "ab|ba",
        "a.b",
        "^ab",
        "b{2}",
        "(a|b)A",
        "(?i)[ab]B,",
        "%..b",
        "(ab)+%",
        "a?bb",
        "[aA]bA",
        "(?i:b)a$",
    ]);
    let field = prop::sample::select(vec![
        "my.s",
        "my.t",
        "lower(my.s)",
        "upper(my.t)",
        "my.list[0]",
        "substring(my.s, 1, -1)",
        "url_decode(my.s)",
        "lower(url_decode(my.t, \"r\"))",
        r#"my.map["a"]"#,
    ]);
    let each = prop::sample::select(vec![
        "my.list[*]",
        "lower(my.list[*])[*]",
        "lower(url_decode(my.list[*])[*])[*]",
        "my.multi[*][*]",
        r#"my.multi["b"][*]"#,
        "my.nested[*][0]",
        r#"split(my.s, ",", 9)[*]"#,
    ]);
    let test = prop_oneof![
        word.prop_map(|word| format!("contains \"{word}\"")),
        word.prop_map(|word| format!("== \"{word}\"")),
        (word, word).prop_map(|(a, b)| format!("in {{\"{a}\" \"{b}\"}}")),
        word.prop_map(|word| format!("wildcard \"*{word}*\"")),
        regex.prop_map(|regex| format!("matches \"{regex}\"")),
    ];
    let end = prop::sample::select(vec!["starts_with", "ends_with"]);
    let leaf = prop_oneof![
        4 => (field.clone(), test.clone()).prop_map(|(field, test)| format!("{field} {test}")),
        2 => (each, test).prop_map(|(each, test)| format!("any({each} {test})")),
        1 => (end, field, word).prop_map(|(end, field, word)| format!("{end}({field}, \"{word}\")")),
        1 => word.prop_map(|word| format!("has_value(my.list, \"{word}\")")),
        1 => Just("my.int > 3".to_owned()),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        (prop::sample::select(vec!["and", "or"]), prop::collection::vec(inner, 2..4))
            .prop_map(|(op, operands)| format!("({})", operands.join(&format!(" {op} "))))
    })
    .boxed()
}

fn rules() -> impl Strategy<Value = Vec<(String, &'static str)>> {
    let action = prop_oneof![6 => Just("log"), 1 => Just("block"), 1 => Just("skip"), 1 => Just("challenge")];
    let expression = prop_oneof![3 => rare(), 1 => condition()];
    prop::collection::vec((expression, action), 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(300), ..ProptestConfig::default() })]

    #[test]
    fn the_prefilter_changes_nothing(rules in rules(), requests in prop::collection::vec(facts(), 1..5)) {
        let file = file(&rules);
        let set = RuleSet::compile(file.clone()).unwrap();
        for facts in &requests {
            let matches = set.evaluate(facts);
            let (matched, deciding) = one_by_one(&file, facts);
            prop_assert_eq!(matches.rules(), matched);
            prop_assert_eq!(matches.deciding(), deciding);
            for rule in matches.rules() {
                prop_assert!(!set.trace(*rule, facts).accesses.is_empty());
            }
        }
    }
}

#[test]
fn what_the_actions_do() {
    let scheme = scheme();
    let int = scheme.field("my.int").unwrap().0;
    let of = |actions: &[&'static str]| {
        let rules: Vec<_> =
            actions.iter().map(|action| ("my.int eq 1".to_owned(), *action)).collect();
        let set = RuleSet::compile(file(&rules)).unwrap();
        let mut facts = Facts::unknown(&scheme);
        facts.set(&scheme, int, 1).unwrap();
        let matches = set.evaluate(&facts);
        (matches.rules().to_vec(), matches.deciding(), matches.action())
    };
    let block = Some(Action::Block { status: 403 });
    assert_eq!(of(&["log", "log"]), (vec![0, 1], Some(0), Some(Action::Log)));
    assert_eq!(of(&["log", "block", "log"]), (vec![0, 1], Some(1), block));
    assert_eq!(of(&["skip", "block"]), (vec![0], Some(0), Some(Action::Skip)));
    assert_eq!(
        of(&["challenge", "block"]),
        (vec![0], Some(0), Some(Action::Challenge { status: 403 }))
    );
    assert_eq!(of(&[]), (vec![], None, None));
}

#[test]
fn a_rule_that_is_not_enabled_does_not_run() {
    let text = r#"
        [[rules]]
        id = "off"
        expression = "my.flag"
        action = "block"
        enabled = false
        [[rules]]
        id = "on"
        expression = "my.int == 1"
        action = "log"
        uri_decoding = "url"
    "#;
    let set = RuleSet::compile(RuleFile::from_toml(text, &scheme()).unwrap()).unwrap();
    let (flag, int) =
        (set.scheme().field("my.flag").unwrap().0, set.scheme().field("my.int").unwrap().0);
    assert!(set.wants(UriDecoding::None).is_none(), "no enabled rule reads it so");
    let wanted = set.wants(UriDecoding::Url).unwrap();
    assert!(wanted.contains(int) && !wanted.contains(flag));

    let mut facts = Facts::unknown(set.scheme());
    facts.set(set.scheme(), flag, true).unwrap();
    facts.set(set.scheme(), int, 1).unwrap();
    let matches = set.evaluate(&facts);
    assert_eq!((matches.rules(), matches.action()), (&[1][..], Some(Action::Log)));
    assert!(set.trace(0, &facts).accesses.is_empty());
    assert_eq!(set.trace(1, &facts).contributions.len(), 1);
    assert!(set.trace(2, &facts).accesses.is_empty());
    assert_eq!((set.len(), set.is_empty(), set.rule(1).unwrap().id.as_str()), (2, false, "on"));
}

#[test]
fn a_rule_set_is_shared_between_threads() {
    fn assert_shared<T: Send + Sync + 'static>() {}
    assert_shared::<RuleSet>();
}
