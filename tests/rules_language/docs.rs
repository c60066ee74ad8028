//! docs/rules.md: complete, and true where a parser can tell.

use wafpass::rules::functions::Function;
use wafpass::rules::{RuleFile, Scheme, parse};

const PAGE: &str = include_str!("../../docs/rules.md");

/// The blocks of code in a language.
fn blocks(language: &str) -> Vec<&'static str> {
    let start = format!("```{language}\n");
    PAGE.split(start.as_str()).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn every_field_and_function_is_described() {
    let text = PAGE.replace('\n', " ");
    for (_, field) in Scheme::default().fields() {
        let row = format!("| `{}` | {} |", field.name(), field.ty());
        assert!(PAGE.contains(&row), "{row}");
    }
    let examples = blocks("rule").concat();
    for function in Function::ALL {
        let signature = format!("`{}`", function.signature());
        assert!(text.contains(&signature), "{signature}");
        assert!(
            examples.contains(&format!("{}(", function.name())),
            "an example of {}",
            function.name()
        );
    }
}

#[test]
fn every_example_parses() {
    let scheme = Scheme::default();
    let examples: Vec<_> = blocks("rule").into_iter().flat_map(str::lines).collect();
    assert!(examples.len() > 30);
    for example in examples {
        if let Err(error) = parse(example, &scheme) {
            panic!("{error:#}");
        }
    }
    let [file] = blocks("toml")[..] else { panic!("one rule file") };
    let file = RuleFile::from_toml(file, &scheme).unwrap_or_else(|fault| panic!("{fault:#}"));
    assert_eq!(file.rules().len(), 2);
}

#[test]
fn the_limits_are_those_of_the_code() {
    use wafpass::rules::limits::*;
    let thousands = |number: usize| {
        let digits = number.to_string();
        let (head, tail) = digits.split_at(digits.len().saturating_sub(3));
        if head.is_empty() { tail.to_owned() } else { format!("{head},{tail}") }
    };
    for (row, number) in [
        ("| expression |", thousands(MAX_EXPRESSION_BYTES)),
        ("| nesting of parentheses, `not` and calls |", thousands(MAX_NESTING)),
        ("| string |", thousands(MAX_STRING_BYTES)),
        ("| set in an expression |", thousands(MAX_SET_ELEMENTS)),
        ("| list |", thousands(MAX_LIST_ELEMENTS)),
        ("| lists |", thousands(MAX_LISTS)),
        ("| arguments of a call |", thousands(MAX_ARGUMENTS)),
        ("| stars of a wildcard |", thousands(MAX_WILDCARD_STARS)),
        ("| references in a replacement |", thousands(MAX_REFERENCES)),
        (
            "| regular expression, compiled |",
            format!("{} KiB; {} MiB", MAX_REGEX_BYTES >> 10, MAX_REGEX_TOTAL_BYTES >> 20),
        ),
        ("| nesting in a regular expression |", MAX_REGEX_NESTING.to_string()),
        (
            "| rules in a file |",
            format!("{}; {} MiB", thousands(MAX_RULES), MAX_RULE_FILE_BYTES >> 20),
        ),
        ("| fields of a scheme |", thousands(MAX_FIELDS)),
        ("| `id` |", MAX_RULE_ID_BYTES.to_string()),
        ("| `description` |", MAX_DESCRIPTION_BYTES.to_string()),
    ] {
        let line =
            PAGE.lines().find(|line| line.starts_with(row)).unwrap_or_else(|| panic!("{row}"));
        assert!(line.contains(&number), "{line} {number}");
    }
}
