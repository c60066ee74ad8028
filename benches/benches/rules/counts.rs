//! What the tracer costs that records nothing: the instructions of the evaluator, under callgrind, against those of
//! the same evaluator without the parameter.

use std::env;
use std::hint::black_box;
use std::process::Command;

use wafpass_benches::{Gate, is_measuring};

use crate::rules::eval::twin;
use crate::rules::{Compiler, Facts, Map, Program, Scheme, Value, parse};

/// What a run under callgrind is asked to do: which evaluator, which rule, how often.
const ASKED: &str = "WAFPASS_BENCH_COUNT";

/// Runs that are counted, and runs that are taken off, with everything that is done once.
const MORE: usize = 3_000;
const FEWER: usize = 1_000;

/// Most of one rule: the compiler may lay out the registers of one of the two a little better, for three
/// instructions in two hundred.
const EACH: f64 = 1.02;

/// One of each kind of node, alone and together.
const RULES: [(&str, &str); 10] = [
    ("a comparison", r#"http.request.method eq "POST""#),
    ("an address", "ip.src in {10.0.0.0/8 192.0.2.0/24 198.51.100.0/24}"),
    ("a member", r#"http.request.headers["accept"][0] contains "json""#),
    ("contains", r#"http.request.uri.path contains "/wp-admin""#),
    ("matches", r#"http.user_agent matches "(?i)sqlmap|nikto""#),
    (
        "and, or, not",
        r#"ssl and (http.host ne "a" or http.request.method eq "PUT") and not http.request.uri.path eq "/""#,
    ),
    ("any", r#"any(http.request.headers.values[*] contains "${jndi")"#),
    ("a function", r#"lower(http.user_agent) contains "firefox""#),
    (
        "functions of elements",
        r#"any(lower(url_decode(http.request.uri.args.values[*])[*])[*] contains "<script")"#,
    ),
    (
        "array-wise",
        r#"any((http.request.uri.args.names[*] eq "q" and http.request.uri.args.values[*] contains "'"))"#,
    ),
];

/// What this process is asked to run, if it is one that is counted.
pub(crate) fn asked() -> Option<String> {
    env::var(ASKED).ok()
}

/// Runs one rule.
pub(crate) fn run(asked: &str) {
    let mut parts = asked.split(' ');
    let mut next = || parts.next().expect("three words");
    let (evaluator, rule, times) = (next(), next(), next());
    let rule = RULES[rule.parse::<usize>().expect("a number")].1;
    let times: usize = times.parse().expect("a number");
    let (program, facts) = prepared(rule);
    // The same loop for both: nothing but the evaluator differs.
    let evaluate = black_box(match evaluator {
        "traced" => Program::holds as fn(&Program, &Facts<'_>) -> bool,
        _ => twin::run,
    });
    for _ in 0..times {
        black_box(evaluate(black_box(&program), black_box(&facts)));
    }
}

/// Compares the counts of both evaluators.
///
/// # Panics
///
/// Where there is no valgrind: nothing would be counted.
pub(crate) fn compare(gate: &mut Gate) {
    println!("\ninstructions of one evaluation");
    println!("  {:24} {:>12} {:>12}   ratio", "", "no-op tracer", "no tracer");
    let (mut all_traced, mut all_bare) = (0.0, 0.0);
    for (number, (name, rule)) in RULES.iter().enumerate() {
        let (program, facts) = prepared(rule);
        assert_eq!(program.holds(&facts), twin::run(&program, &facts), "{rule}");
        if !is_measuring() {
            continue;
        }
        let (traced, bare) = (count("traced", number), count("bare", number));
        println!("  {name:24} {traced:12.1} {bare:12.1}   {:.4}", traced / bare);
        gate.at_most(
            &format!("instructions, no-op tracer / no tracer: {name}"),
            traced / bare,
            EACH,
        );
        all_traced += traced;
        all_bare += bare;
    }
    gate.at_most("instructions, no-op tracer / no tracer: all", all_traced / all_bare, 1.01);
}

/// Instructions of one evaluation.
fn count(evaluator: &str, rule: usize) -> f64 {
    let total = |times| total(&format!("{evaluator} {rule} {times}"));
    (total(MORE) - total(FEWER)) as f64 / (MORE - FEWER) as f64
}

/// Instructions of a whole run.
fn total(asked: &str) -> u64 {
    let own = env::current_exe().expect("the path of this program");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(own)
        .env(ASKED, asked)
        .output()
        .expect("valgrind runs: install it, instructions are counted with it");
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text.lines().find_map(|line| line.split_once("Collected : "));
    let count = collected.and_then(|(_, count)| count.trim().parse().ok());
    count.unwrap_or_else(|| panic!("valgrind counted nothing:\n{text}"))
}

fn prepared(rule: &str) -> (Program, Facts<'static>) {
    let scheme = Scheme::default();
    let mut facts = Facts::unknown(&scheme);
    let mut set = |name: &str, value: Value<'static>| {
        facts.set(&scheme, scheme.field(name).expect("a field").0, value).expect("of its type");
    };
    let array = |values: &[&'static str]| {
        Value::Array(values.iter().map(|value| Value::from(*value)).collect())
    };
    let mut headers = Map::new();
    headers.append(b"host".as_slice(), "www.shop.example".into());
    headers.append(b"accept".as_slice(), "text/html".into());
    set("http.request.headers", Value::Map(headers));
    set("http.request.headers.values", array(&["www.shop.example", "text/html", "en-GB,en;q=0.9"]));
    set("http.request.uri.args.names", array(&["sort", "page", "q"]));
    set("http.request.uri.args.values", array(&["price", "3", "Pruning%20Shears"]));
    set("http.request.method", "GET".into());
    set("http.request.uri.path", "/catalog/garden/tools".into());
    set("http.host", "www.shop.example".into());
    set(
        "http.user_agent",
        "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0".into(),
    );
    set("ip.src", Value::Ip([198, 51, 100, 178].into()));
    set("ssl", true.into());
    let expr = parse(rule, &scheme).expect("a rule");
    (Compiler::new(&scheme).compile(&expr).expect("parsed"), facts)
}
