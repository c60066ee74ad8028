//! The rule engine against an interpreter that is as simple as can be: the same answers, the same accesses,
//! the same contributions, whatever the rule and the request. And the rule set, with its prefilter, against its
//! rules one by one.
#![allow(missing_docs, reason = "tests are no API")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test fails by panicking"
)]

mod examples;
mod functions;
mod limits;
mod naive;
mod random;
mod rule_set;

use std::collections::HashSet;

use proptest::prelude::*;
use wafpass::rules::functions::Function;
use wafpass::rules::trace::{Contribution, Input, Taken};
use wafpass::rules::{Compiler, Facts, Value, parse};

use self::naive::Naive;
use self::random::{condition, facts, scheme};

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(3_000), ..ProptestConfig::default() })]

    #[test]
    fn the_engine_does_what_the_naive_interpreter_does(text in condition(), facts in facts()) {
        let scheme = scheme();
        let expr = parse(&text, &scheme).unwrap_or_else(|error| panic!("{text}\n{error}"));
        let program = Compiler::new(&scheme).compile(&expr).unwrap();
        let naive = Naive { scheme: &scheme, facts: &facts };

        let mut accesses = Vec::new();
        let expected = naive.value(&expr, &mut accesses);
        prop_assert_eq!(program.holds(&facts), expected, "{}", text);
        let (value, trace) = program.trace(&facts);
        prop_assert_eq!(value, expected, "{}", text);

        let seen: Vec<_> =
            trace.accesses.iter().map(|access| (access.field, access.span.clone())).collect();
        prop_assert_eq!(&seen, &accesses, "{}", text);

        let told: Vec<_> = trace.contributions.iter().map(naive::Told::of).collect();
        prop_assert_eq!(&told, &naive.contributions(&expr, expected), "{}", text);

        for contribution in &trace.contributions {
            check_pieces(contribution, &facts, &text).unwrap_or_else(|fault| panic!("{text}\n{fault}\n{contribution:?}"));
        }
    }
}

/// What the request holds at a place.
fn at<'v>(input: &Input, facts: &'v Facts<'v>) -> Option<&'v Value<'v>> {
    let mut value = facts.get(input.field)?;
    for step in &input.path {
        value = match (step, value) {
            (Taken::At(index), Value::Array(values)) => values.get(*index)?,
            (Taken::Key(key), Value::Map(map)) => map.get(key)?,
            _ => return None,
        };
    }
    Some(value)
}

fn text(value: &Value<'_>) -> Vec<u8> {
    match value {
        Value::Bytes(bytes) => bytes.to_vec(),
        Value::Int(int) => int.to_string().into_bytes(),
        Value::Bool(bool) => bool.to_string().into_bytes(),
        Value::Ip(ip) => ip.to_string().into_bytes(),
        other => panic!("{other:?}"),
    }
}

/// Pieces are in order and in bounds; aligned ones hold the input's own bytes, but for their case; and a byte in
/// no piece is a byte that the rule put there.
fn check_pieces(
    contribution: &Contribution<'_>,
    facts: &Facts<'_>,
    rule: &str,
) -> Result<(), String> {
    let Some(value) = &contribution.value else { return Ok(()) };
    let value = text(value);
    if contribution.inputs.is_empty() {
        // All of it is the rule's: `concat` of values that are missing, and a literal.
        return contribution.pieces.is_empty().then_some(()).ok_or("pieces of nothing".into());
    }
    if contribution.via.is_empty() {
        let input = at(&contribution.inputs[0], facts).map(text);
        return (input.as_deref() == Some(&value)).then_some(()).ok_or("not its input".into());
    }
    // `via` is the way of the first input; another one may have gone through these.
    let changes_case = rule.contains("lower(") || rule.contains("upper(");
    let mut covered = HashSet::new();
    let mut last = (0, 0);
    for piece in &contribution.pieces {
        let source = contribution.inputs.get(piece.input).ok_or("no such input")?;
        let source = text(at(source, facts).ok_or("no such value")?);
        let bytes = value.get(piece.value.clone()).ok_or("beyond the value")?;
        let from = source.get(piece.from.clone()).ok_or("beyond the input")?;
        if piece.aligned {
            let is_it = if changes_case { bytes.eq_ignore_ascii_case(from) } else { bytes == from };
            is_it.then_some(()).ok_or_else(|| format!("{bytes:?} is not {from:?}"))?;
        }
        if (piece.value.start, piece.value.end) < last {
            return Err("out of order".into());
        }
        last = (piece.value.start, piece.value.end);
        covered.extend(piece.value.clone());
    }
    // Rules put `x` and `,` into values, and the brackets of replacements.
    let of_rule = |at: &usize| b"x,<>".contains(&value[*at].to_ascii_lowercase());
    let has_rules_bytes = |function: &Function| {
        matches!(
            function,
            Function::Concat | Function::Join | Function::RegexReplace | Function::WildcardReplace
        )
    };
    // What encodes bytes of the rule gives bytes that are the rule's too.
    let encodes = ["encode_base64(", "decode_base64(", "sha256(", "bit_slice("];
    let encodes_rule = covered.is_empty() && encodes.iter().any(|function| rule.contains(function));
    let own: Vec<_> = (0..value.len()).filter(|at| !covered.contains(at)).collect();
    let is_explained = own.is_empty()
        || encodes_rule
        || contribution.via.iter().any(has_rules_bytes) && own.iter().all(of_rule);
    is_explained.then_some(()).ok_or_else(|| format!("from nowhere: {own:?}"))
}
