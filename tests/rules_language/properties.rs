//! Any text: never a panic, and what parses prints as what parses to the same.

use std::sync::LazyLock;

use proptest::prelude::*;
use wafpass::rules::{RuleFile, Scheme, parse};

use crate::common::{scheme, without_places};

/// Parts of expressions, whole and broken.
const PARTS: &[&str] = &[
    "ssl",
    "my.bool",
    "my.int",
    "my.bytes",
    "my.ip",
    "my.bools",
    "my.strings",
    "my.strings_by_name",
    "my.tables",
    "http.request.headers",
    "http.hots",
    "any(",
    "all(",
    "lower(",
    "len(",
    "substring(",
    "concat(",
    "split(",
    "has_value(",
    "cidr(",
    "regex_replace(",
    "(",
    ")",
    "[",
    "]",
    "[*]",
    "[0]",
    "[\"a\"]",
    ",",
    " ",
    "\n",
    "\t",
    " and ",
    " or ",
    " xor ",
    "not ",
    "!",
    "&&",
    "||",
    "^^",
    "==",
    "!=",
    "<=",
    ">",
    "&",
    "~",
    " eq ",
    " contains ",
    " matches ",
    " wildcard ",
    " strict wildcard ",
    " in ",
    "{",
    "}",
    "$ints",
    "$words",
    "1",
    "-5",
    "0x1f",
    "017",
    "1..5",
    "1.2.3.4",
    "::1",
    "10.0.0.0/8",
    "\"a\"",
    "\"",
    "\\",
    "r\"",
    "r#\"a\"#",
    "61:62",
    "\"${1}\"",
    "\"(a)\"",
    "\"[\"",
    "é",
    "\u{0}",
    "'",
];

/// What parses prints as what parses to the same.
fn check(text: &str) -> Result<(), TestCaseError> {
    static SCHEME: LazyLock<Scheme> = LazyLock::new(scheme);
    let scheme = &*SCHEME;
    let parsed = match parse(text, scheme) {
        Ok(parsed) => parsed,
        Err(error) => {
            prop_assert!(
                text.get(error.span()).is_some() || text.len() < error.span().end,
                "{:?}",
                error.span()
            );
            prop_assert_eq!(format!("{error:#}").lines().count(), 4);
            return Ok(());
        }
    };
    let printed = parsed.display(scheme).to_string();
    let again =
        parse(&printed, scheme).map_err(|error| TestCaseError::fail(format!("{error:#}")))?;
    prop_assert_eq!(&again.display(scheme).to_string(), &printed);
    prop_assert_eq!(without_places(again), without_places(parsed));
    Ok(())
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

proptest! {
    #![proptest_config(config(2_000))]

    #[test]
    fn any_text_parses_or_is_refused(text in ".{0,80}") {
        check(&text)?;
    }

    #[test]
    fn any_parts_parse_or_are_refused(parts in prop::collection::vec(prop::sample::select(PARTS), 0..24)) {
        check(&parts.concat())?;
        check(&parts.join(" "))?;
    }

    #[test]
    fn any_file_is_read_or_refused(text in ".{0,200}", parts in prop::collection::vec(prop::sample::select(PARTS), 0..12)) {
        let scheme = scheme();
        let _ = RuleFile::from_toml(&text, &scheme);
        let _ = RuleFile::from_json(&text, &scheme);
        let expression = parts.concat();
        let toml = format!("[[rules]]\nid = 'a'\naction = 'log'\nexpression = '''{expression}'''\n{text}");
        if let Err(fault) = RuleFile::from_toml(&toml, &scheme) {
            prop_assert!(!fault.faults().is_empty());
        }
    }
}

proptest! {
    // Most of these compile regular expressions.
    #![proptest_config(config(300))]

    #[test]
    fn any_bytes_in_a_literal_parse_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let text = String::from_utf8_lossy(&bytes);
        for operator in ["eq", "matches", "wildcard", "in"] {
            check(&format!("http.host {operator} \"{text}\""))?;
            check(&format!("http.host {operator} r#\"{text}\"#"))?;
            check(&format!("http.host {operator} {{{text}}}"))?;
        }
    }
}
