//! Whatever a rule and a request say, the work is bounded.

use std::time::{Duration, Instant};

use wafpass::rules::{Compiler, Facts, Scheme, Value, parse};

const BODY_BYTES: usize = 131_072;

fn run(rule: &str, body: &[u8], elements: usize) -> (bool, Duration) {
    let scheme = Scheme::default();
    let mut facts = Facts::unknown(&scheme);
    let field = |name| scheme.field(name).unwrap().0;
    facts.set(&scheme, field("http.request.body.raw"), body).unwrap();
    let values = (0..elements).map(|_| Value::from("a")).collect();
    facts.set(&scheme, field("http.request.uri.args.values"), Value::Array(values)).unwrap();
    let program = Compiler::new(&scheme).compile(&parse(rule, &scheme).unwrap()).unwrap();
    #[allow(clippy::disallowed_methods, reason = "how long it takes is what is tested")]
    let start = Instant::now();
    let value = program.holds(&facts);
    #[allow(clippy::disallowed_methods, reason = "how long it takes is what is tested")]
    let took = start.elapsed();
    assert_eq!(program.trace(&facts).0, value);
    (value, took)
}

#[test]
fn what_is_made_is_cut_at_a_mebibyte() {
    let body = vec![b'a'; BODY_BYTES];
    let mut doubled = "http.request.body.raw".to_owned();
    for _ in 0..3 {
        doubled = format!("concat({doubled}, {doubled})");
    }
    assert!(run(&format!("len({doubled}) == 1048576"), &body, 0).0);
    let doubled = format!("concat({doubled}, \"x\")");
    assert!(run(&format!("len({doubled}) == 1048576"), &body, 0).0);
    // What a rule makes for each element counts together: eight times the body, and then nothing.
    let rule = r#"any(concat(http.request.uri.args.values[*], http.request.body.raw)[*] == "")"#;
    assert!(run(rule, &body, 100).0);
    let joined = r#"len(join(concat(http.request.uri.args.values, http.request.uri.args.values), "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")) == 1048576"#;
    assert!(run(joined, &body, 20_000).0);
}

#[test]
fn many_elements_and_a_large_body_take_a_moment() {
    let body = vec![b'a'; BODY_BYTES];
    let rule =
        r#"any(concat(http.request.uri.args.values[*], http.request.body.raw)[*] contains "b")"#;
    let (value, took) = run(rule, &body, 30_000);
    assert!(!value && took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn arrays_are_cut_too() {
    let mut rule = "http.request.uri.args.values".to_owned();
    for _ in 0..3 {
        rule = format!("concat({rule}, {rule}, {rule}, {rule})");
    }
    assert!(run(&format!("len({rule}) == 65536"), b"", 20_000).0);
}

#[test]
fn the_deepest_rule_that_parses_runs() {
    for deep in [
        format!("{}ssl{}", "(".repeat(120), ")".repeat(120)),
        format!("{}ssl", "not ".repeat(120)),
        format!("{}http.host{} == \"a\"", "lower(".repeat(120), ")".repeat(120)),
    ] {
        let scheme = Scheme::default();
        let expr = parse(&deep, &scheme).unwrap();
        let program = Compiler::new(&scheme).compile(&expr).unwrap();
        let facts = Facts::unknown(&scheme);
        assert_eq!(program.holds(&facts), program.trace(&facts).0);
    }
}

#[test]
fn what_a_function_does_not_change_is_not_copied() {
    let scheme = Scheme::default();
    let mut facts = Facts::unknown(&scheme);
    let mut set = |name, value| facts.set(&scheme, scheme.field(name).unwrap().0, value).unwrap();
    set("http.request.uri.path", Value::from("/catalog/garden"));
    set("http.request.uri.args.values", Value::Array(vec!["price".into(), "3".into()]));
    for rule in [
        r#"http.request.uri.path contains "x" or http.request.uri.path matches "x+""#,
        r#"lower(url_decode(remove_bytes(http.request.uri.path, "\x00"))) contains "x""#,
        r#"upper(substring(http.request.uri.path, 0, 1)) eq "x""#,
        r#"any(http.request.uri.args.values[*] contains "x")"#,
        r#"not starts_with(http.request.uri.path, "/x") and len(http.request.uri.path) > 99"#,
    ] {
        let program = Compiler::new(&scheme).compile(&parse(rule, &scheme).unwrap()).unwrap();
        // The regular expression makes room for its states on the first search.
        assert!(!program.holds(&facts));
        let counted = allocation_counter::measure(|| assert!(!program.holds(&facts)));
        assert_eq!(counted.count_total, 0, "{rule}");
    }
}
