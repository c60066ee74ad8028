//! Expressions and rule files: no text makes the parser panic, what does not parse says where and why, and
//! what parses prints as text that parses to the same.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use wafpass::rules::{List, RuleFile, Scheme, Type, parse};

static SCHEME: LazyLock<Scheme> = LazyLock::new(|| {
    let mut scheme = Scheme::default();
    for (name, ty) in [
        ("b", Type::Bool),
        ("i", Type::Int),
        ("s", Type::Bytes),
        ("ip", Type::Ip),
        ("bs", Type::Bool.array()),
        ("is", Type::Int.array()),
        ("ss", Type::Bytes.array()),
        ("m", Type::Bytes.map()),
        ("tt", Type::Bool.array().array()),
    ] {
        scheme.register(name, ty).expect("a name of its own");
    }
    scheme.add_list("l", List::Bytes(vec![b"a".to_vec()])).expect("the first list");
    scheme
});

fuzz_target!(|text: &str| {
    match parse(text, &SCHEME) {
        Ok(expression) => {
            let printed = expression.display(&SCHEME).to_string();
            // Bytes that are not seen take four characters: the limit may be in the way.
            if printed.len() <= wafpass::rules::limits::MAX_EXPRESSION_BYTES {
                let again = parse(&printed, &SCHEME).expect("what was printed parses");
                assert_eq!(again.display(&SCHEME).to_string(), printed);
            }
        }
        Err(error) => {
            let lines = text.split('\n').count();
            assert!((1..=lines).contains(&error.line()) && error.column() >= 1);
            assert!(!error.fault().contains('\n') && !error.way_out().contains('\n'));
            assert_eq!(error.excerpt().split('\n').count(), 2);
        }
    }
    for file in [RuleFile::from_toml(text, &SCHEME), RuleFile::from_json(text, &SCHEME)] {
        if let Err(fault) = file {
            assert!(!fault.faults().is_empty());
        }
    }
});
