//! Deep expressions: up to the limit on a small stack, and not beyond it.

use std::thread;

use wafpass::rules::limits::MAX_NESTING;
use wafpass::rules::parse;

use crate::common::{refused, scheme, without_places};

/// A quarter of what a thread of Rust has, an eighth of what a main thread has.
const STACK_BYTES: usize = 524_288;

/// What nests: what is in front, in the middle and behind.
const NESTS: [(&str, &str, &str); 6] = [
    ("(", "ssl", ")"),
    ("not ", "ssl", ""),
    ("!", "ssl", ""),
    ("lower(", "http.host", ")"),
    ("concat(http.host, ", "http.host", ")"),
    ("(ssl or ssl xor ssl and ", "ssl", ")"),
];

fn nested((before, middle, behind): (&str, &str, &str), depth: usize) -> String {
    let rest = if middle == "ssl" { "" } else { " eq \"a\"" };
    format!("{}{middle}{}{rest}", before.repeat(depth), behind.repeat(depth))
}

#[test]
fn expressions_at_the_limit_need_little_stack() {
    for nest in NESTS {
        let text = nested(nest, MAX_NESTING);
        let scheme = scheme();
        let in_scheme = scheme.clone();
        let work = move || {
            let expression = parse(&text, &in_scheme).unwrap();
            let printed = expression.display(&in_scheme).to_string();
            // Dropped here, too.
            drop(parse(&printed, &in_scheme).unwrap());
            (expression, printed)
        };
        let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn(work).unwrap();
        let (expression, printed) = thread.join().unwrap();
        let again = parse(&printed, &scheme).unwrap();
        assert_eq!(without_places(again), without_places(expression));
    }
}

#[test]
fn deeper_ones_are_refused() {
    for nest in NESTS {
        let error = refused(&nested(nest, MAX_NESTING + 1));
        assert_eq!(error.fault(), "the expression nests more than 128 levels deep");
        assert_eq!(
            error.span().start,
            nest.0.len() * MAX_NESTING + nest.0.find("lower").unwrap_or(0)
        );
    }
    // As deep as the length allows.
    for deep in ["(", "!", "lower("] {
        let error = refused(&deep.repeat(16_384 / deep.len()));
        assert_eq!(error.fault(), "the expression nests more than 128 levels deep");
    }
}
