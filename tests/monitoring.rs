//! The dashboard and the alert rules in `docs/monitoring`: valid, and about metrics that there are.
//!
//! Needs promtool, which `./test install` sets up; without it they fail.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "in a test, a panic is the report"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use wafpass::telemetry::names;

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn promtool(arguments: &[&str], file: &Path) {
    let output = Command::new("promtool").args(arguments).arg(file).output();
    let output = output.unwrap_or_else(|error| panic!("promtool: {error}; run ./test install"));
    let told = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&told));
}

fn dashboard() -> Value {
    serde_json::from_slice(&fs::read(project("docs/monitoring/grafana.json")).unwrap()).unwrap()
}

fn expressions(value: &Value) -> Vec<String> {
    match value {
        Value::Object(object) => object
            .iter()
            .flat_map(|(name, value)| match (name.as_str(), value) {
                ("expr", Value::String(text)) => vec![text.clone()],
                _ => expressions(value),
            })
            .collect(),
        Value::Array(values) => values.iter().flat_map(expressions).collect(),
        _ => Vec::new(),
    }
}

/// The names of wafpass's metrics in a text, without the suffixes of histograms.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = text.split(|letter| !is_name(letter)).filter(|word| word.starts_with("wafpass_"));
    words.map(|word| word.trim_end_matches("_bucket").to_owned()).collect()
}

#[test]
fn the_alert_rules_are_valid_and_fire() {
    let rules = project("docs/monitoring/alerts.yaml");
    promtool(&["check", "rules"], &rules);
    let dir = tempfile::tempdir().unwrap();
    let tests = fs::read_to_string(project("tests/monitoring/alerts.test.yaml")).unwrap();
    let file = dir.path().join("alerts.test.yaml");
    fs::write(&file, tests.replace("ALERTS]", &format!("{}]", rules.display()))).unwrap();
    promtool(&["test", "rules"], &file);

    let rules = fs::read_to_string(rules).unwrap();
    let alerts = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    for alert in alerts {
        let fires = format!("alertname=\"{alert}\"");
        assert!(tests.contains(&fires), "no test fires {alert}");
        assert!(tests.contains(&format!("alertname: {alert},")), "no test of peace for {alert}");
    }
}

#[test]
fn the_dashboard_is_valid() {
    let dashboard = dashboard();
    let expressions = expressions(&dashboard);
    assert!(expressions.len() > 15);
    let rules: Vec<_> = (0..)
        .zip(&expressions)
        .map(|(number, expression)| {
            let expression = expression
                .replace("$__range", "1h")
                .replace("$instance", ".*")
                .replace("$route", ".*");
            json!({ "record": format!("panel:number{number}"), "expr": expression })
        })
        .collect();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("panels.yaml"); // JSON is YAML too
    fs::write(&file, json!({ "groups": [{ "name": "panels", "rules": rules }] }).to_string())
        .unwrap();
    promtool(&["check", "rules"], &file);

    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "two panels have one id");
    let mut taken = BTreeSet::new();
    for panel in panels {
        let at = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        for cell in (0..at("w")).flat_map(|x| (0..at("h")).map(move |y| (x, y))) {
            let (x, y) = (at("x") + cell.0, at("y") + cell.1);
            assert!(x < 24 && taken.insert((x, y)), "{} overlaps at {x}, {y}", panel["title"]);
        }
    }
}

#[test]
fn they_are_about_metrics_that_there_are() {
    let known: BTreeSet<String> = names::ALL.iter().map(|name| (*name).to_owned()).collect();
    let rules = fs::read_to_string(project("docs/monitoring/alerts.yaml")).unwrap();
    let used = metrics_in(&(expressions(&dashboard()).join("\n") + &rules));
    assert_eq!(used.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new());
    // And everything that is measured is explained.
    let documented = metrics_in(&fs::read_to_string(project("docs/operating.md")).unwrap());
    assert_eq!(known.difference(&documented).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(documented.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new());
}
