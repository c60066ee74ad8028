//! The rule engine: what the tracer costs, a thousand rules on a request, and against the published
//! `wirefilter-engine`.
//!
//! `cargo bench -p wafpass-benches --bench rules` takes half a minute; `-- --gate` makes it fail when a limit
//! is missed. The instruction counts need `valgrind`, and the run fails where there is none.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads clocks")]

mod counts;
mod many;
mod peer;
mod request;

// The engine's own source, with the evaluator in it once more, without its tracer: see build.rs.
include!(concat!(env!("OUT_DIR"), "/engine.rs"));

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use memory_stats::memory_stats;
use wafpass::rules::request::RequestFacts;
use wafpass::rules::{Compiler, Rule, RuleFile, RuleSet, Scheme};
use wafpass_benches::{Comparison, Gate, is_measuring};

use self::request::Sent;

/// Rules of the large set.
const RULES: usize = 1_000;

/// What a request may cost with them, in CPU time of one thread.
const LIMIT_NS: f64 = 150_000.0;

fn main() -> ExitCode {
    if let Some(asked) = counts::asked() {
        counts::run(&asked);
        return ExitCode::SUCCESS;
    }
    let mut gate = Gate::new();
    counts::compare(&mut gate);
    let rules = compile(&mut gate);
    evaluate(&rules, &mut gate);
    peer::compare(&mut gate);
    gate.finish()
}

/// How long a thousand rules take to compile, and what they take once they are.
fn compile(gate: &mut Gate) -> RuleSet {
    let text = many::file(RULES);
    let resident = || memory_stats().map_or(0, |stats| stats.physical_mem);
    let before = resident();
    let start = Instant::now();
    let file = RuleFile::from_toml(&text, &Scheme::default()).expect("rules");
    let parsed = start.elapsed();
    let set = RuleSet::compile(file).expect("parsed rules");
    let compiled = start.elapsed() - parsed;
    let megabytes = resident().saturating_sub(before) as f64 / 1e6;
    println!(
        "\n{RULES} rules, {} KB of TOML: read in {parsed:.1?}, compiled in {compiled:.1?}, {megabytes:.1} MB resident",
        text.len() / 1_000
    );
    gate.at_most("seconds to read and compile 1,000 rules", (parsed + compiled).as_secs_f64(), 5.0);
    gate.at_most("MB that 1,000 rules take", megabytes, 200.0);
    set
}

/// A thousand rules on requests that match none of them, and on one that is an attack.
fn evaluate(set: &RuleSet, gate: &mut Gate) {
    for sent in [Sent::page(), Sent::form(), Sent::attack()] {
        let lines = sent.lines();
        let whole = || {
            let view = sent.view(&lines);
            let facts = RequestFacts::new(&view, set.scheme(), |decoding| set.wants(decoding));
            set.evaluate(&facts)
        };
        let view = sent.view(&lines);
        let facts = RequestFacts::new(&view, set.scheme(), |decoding| set.wants(decoding));
        println!("\n{} rules match {}", whole().rules().len(), sent.name);
        let mut compiler = Compiler::new(set.scheme());
        let compile = |rule: &Rule| compiler.compile(&rule.expression);
        let alone: Vec<_> =
            set.rules().iter().map(compile).collect::<Result<_, _>>().expect("parsed");

        let report = Comparison::new(format!("{RULES} rules, {}", sent.name))
            .candidate("facts and rules", || black_box(whole()))
            .candidate("facts", || {
                let view = sent.view(black_box(&lines));
                black_box(RequestFacts::new(&view, set.scheme(), |decoding| set.wants(decoding)));
            })
            .candidate("rules", || black_box(set.evaluate(black_box(&facts))))
            .candidate("rules one by one", || {
                let facts = facts.facts(Default::default());
                black_box(alone.iter().filter(|program| program.holds(black_box(facts))).count())
            })
            .run();
        let what = format!("us for facts and {RULES} rules, {}", sent.name);
        gate.at_most(&what, report.ns("facts and rules") / 1e3, LIMIT_NS / 1e3);
    }
    if !is_measuring() {
        assert!(set.len() == RULES);
    }
}
