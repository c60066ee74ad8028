//! The rule language: what parses, what it parses to, and what is said of what does not.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test, a panic is the report")]

use wafpass::rules::{Scheme, parse};

#[test]
fn smoke() {
    let mut scheme = Scheme::default();
    scheme.register("my.flag", wafpass::rules::Type::Bool).unwrap();
    scheme.register("my.flags", wafpass::rules::Type::Bool.array()).unwrap();
    for text in std::fs::read_to_string("/tmp/c1/cases.txt").unwrap().split("\n%%\n") {
        match parse(text, &scheme) {
            Ok(expr) => println!("OK   {text}\n  -> {}", expr.display(&scheme)),
            Err(error) => println!("ERR  {error:#}"),
        }
        println!();
    }
}
