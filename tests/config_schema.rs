//! The annotated example, the JSON Schema and the reader say the same.
#![allow(missing_docs, reason = "tests are no API")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is the report"
)]

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wafpass::config::{CollectorConfig, CollectorSettings, Config, EXAMPLE, json_schema};

/// The example with every line that is commented out taken in.
fn everything() -> String {
    let is_key = |rest: &str| {
        rest.starts_with(|first: char| first.is_ascii_lowercase() || "[\"".contains(first))
    };
    let line = |line: &str| match line.strip_prefix('#') {
        Some(rest) if is_key(rest) => format!("{rest}\n"),
        _ => format!("{line}\n"),
    };
    EXAMPLE.lines().map(line).collect()
}

fn as_json(text: &str) -> Value {
    let table: toml::Value = toml::from_str(text).unwrap();
    serde_json::to_value(table).unwrap()
}

fn object<'s>(schema: &'s Value, root: &'s Value) -> Option<&'s Value> {
    let schema = match schema.get("$ref").and_then(Value::as_str) {
        Some(name) => root.pointer(name.strip_prefix('#').unwrap())?,
        None => schema,
    };
    if let Some(items) = schema.get("items") {
        return object(items, root);
    }
    for choice in ["anyOf", "allOf", "oneOf"] {
        let choices = schema.get(choice).and_then(Value::as_array);
        if let Some(found) = choices.and_then(|all| all.iter().find_map(|one| object(one, root))) {
            return Some(found);
        }
    }
    schema.get("properties").map(|_| schema)
}

/// Every key of the schema, as `table.key`.
fn properties(schema: &Value, root: &Value, path: &str, found: &mut BTreeSet<String>) {
    assert_eq!(schema["additionalProperties"], json!(false), "{path}");
    for (name, property) in schema["properties"].as_object().unwrap() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        assert!(property.get("description").is_some(), "{path} is not described");
        if let Some(inner) = object(property, root) {
            properties(inner, root, &path, found);
        }
        found.insert(path);
    }
}

/// Every key of a value, as `table.key`.
fn keys(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                keys(value, &path, found);
                found.insert(path);
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| keys(element, path, found)),
        _ => {}
    }
}

#[test]
fn the_example_loads_and_shows_every_key() {
    let config = Config::parse(EXAMPLE, "wafpass.toml").unwrap();
    assert_eq!(config.audience(), "shop");
    assert!(EXAMPLE.lines().all(|line| line.chars().count() <= 110), "a line is too wide");

    let (schema, mut known, mut shown) = (json_schema(), BTreeSet::new(), BTreeSet::new());
    properties(&schema, &schema, "", &mut known);
    keys(&as_json(&everything()), "", &mut shown);
    // A date-time of TOML has a member of its own in JSON.
    shown.retain(|path| !path.contains("$__toml_private_datetime"));
    assert_eq!(shown, known);
}

#[test]
fn the_shortest_file_of_the_page_loads() {
    let page = include_str!("../docs/configuration.md");
    let (_, block) = page.split_once("```toml\n").unwrap();
    let (shortest, _) = block.split_once("```").unwrap();
    assert!(Config::parse(shortest, "wafpass.toml").is_ok(), "{shortest}");
}

#[test]
fn every_line_of_the_example_has_the_right_type() {
    let fault = Config::parse(&everything(), "wafpass.toml").unwrap_err();
    for fault in fault.faults() {
        let text = fault.fault();
        let is_choice = [
            "does not go together",
            "more than one",
            "more than an hour",
            "another backend",
            "another store",
        ];
        assert!(is_choice.iter().any(|choice| text.contains(choice)), "{}: {text}", fault.line());
    }
}

/// What is commented out with a default says the default.
#[test]
fn the_example_tells_the_defaults() {
    let schema = json_schema();
    let shown = as_json(&everything());
    let mut compared = 0;
    for (name, property) in schema["properties"].as_object().unwrap() {
        let inner = object(property, &schema);
        let (pairs, shown): (Vec<_>, _) = match inner {
            Some(inner) => {
                (inner["properties"].as_object().unwrap().iter().collect(), &shown[name])
            }
            None => (vec![(name, property)], &shown),
        };
        for (key, property) in pairs {
            let Some(default) = property.get("default").filter(|_| shown.is_object()) else {
                continue;
            };
            if default.is_object() {
                continue;
            }
            assert_eq!(shown[key], *default, "{name}.{key}");
            compared += 1;
        }
    }
    assert!(compared >= 12, "{compared} defaults were compared");
}

#[test]
fn the_schema_takes_what_the_reader_takes() {
    let schema = json_schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let judge = |text: &str| {
        let mut value = as_json(text);
        moments_as_text(&mut value);
        (validator.is_valid(&value), Config::parse(text, "wafpass.toml").is_ok())
    };
    let example: String = EXAMPLE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(judge(&example), (true, true));
    let with = |more: &str| format!("{example}\n{more}");
    for good in [
        with("[explain]\nkey_id = \"k\"\nuntil = 2026-01-01T00:00:00Z"),
        with("[[keys.inline]]\nkid = \"k\"\nkey_env = \"K\"\nderive = \"daily\"\noverlap = 60"),
        example.replace("[replay]", "[replay]\ncapacity = 5\nrestart_barrier = \"insecure-off\""),
        example.replace("\naudience", "\nenforcement = \"report-only\"\naudience"),
        example.replace("[telemetry]", "[telemetry]\nlogged_per_second = 0"),
        example.replace("[limits]", "[limits]\nbody_cap = \"64 KiB\""),
    ] {
        assert_eq!(judge(&good), (true, true), "{good}");
    }
    for bad in [
        example.replace("\naudience", "\naudiense"),
        example.replace("audience = \"shop\"", "audience = 5"),
        example.replace("audience = \"shop\"", ""),
        example.replace("\naudience", "\nenforcement = \"exempt\"\naudience"),
        example.replace("[freshness]", "[freshness]\nmax_agee = 5"),
        example.replace("\"cloudfront\"", "\"cloudfornt\""),
        example.replace("preset = \"cloudfront\"", "max_age = \"90\""),
        example.replace("preset = \"cloudfront\"", "max_age = \"60s\"\nuses = 16"),
        example.replace("[refusal]", "[refusal]\nstatus = 500"),
        example.replace("[replay]", "[replay]\ncapacity = 0"),
        example.replace("[waf]", "[waf]\nevidence = true"),
        with("[explain]\nkey_id = \"k\""),
        with("[bounds]"),
        example.replace("[telemetry]", "[telemetry]\nlogged_per_second = 1001"),
        example.replace("[signature]", "[signature]\nbody_cap = 5"),
    ] {
        assert_ne!(bad, example);
        assert_eq!(judge(&bad), (false, false), "{bad}");
    }
}

#[test]
fn the_schema_takes_what_a_collector_takes() {
    let schema = json_schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let judge = |text: &str| {
        let is_taken = CollectorConfig::parse(text, "wafpass.toml").is_ok();
        (validator.is_valid(&as_json(text)), is_taken)
    };
    let origin = "audience = \"shop\"\nkeys.file = \"k\"\nfreshness.preset = \"strict\"\n";
    for good in [
        "[collector]",
        "\"$schema\" = \"s.json\"\n[collector]",
        "[collector]\nlisten = \"[::1]:0\"\nlog = \"json\"\nshutdown = 5\nmin_free = \"1 GiB\"",
        "[collector.tls]\ncertificate = \"c\"\nprivate_key = \"k\"",
        "[collector]\nstore = \"clickhouse\"\nclickhouse.url = \"https://h:8443\"",
        &format!("{origin}[collector]\nperimeter = true"),
        &format!("{origin}[collector]"),
    ] {
        assert_eq!(judge(good), (true, true), "{good}");
    }
    for bad in [
        "",
        "[collector]\nperimeter = true",
        "[collector]\n[waf]",
        "audience = \"shop\"\n[collector]",
        "[collector]\nlisten = 8787",
        "[collector]\nstore = \"mysql\"",
        "[collector]\nlogs = \"json\"",
        "[collector.tls]\ncertificate = \"c\"",
        "[collector.limits]\nconnections = 0",
        "[collector]\nstore = \"clickhouse\"\nclickhouse.database = \"d\"",
    ] {
        assert_eq!(judge(bad), (false, false), "{bad}");
    }
    let empty = CollectorConfig::parse("[collector]", "wafpass.toml").unwrap();
    assert_eq!(*empty.settings(), CollectorSettings::default());
}

/// As tools that check TOML by JSON Schema see them.
fn moments_as_text(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if let Some(moment) = members.get("$__toml_private_datetime").cloned() {
                *value = moment;
                return;
            }
            members.values_mut().for_each(moments_as_text);
        }
        Value::Array(elements) => elements.iter_mut().for_each(moments_as_text),
        _ => {}
    }
}
