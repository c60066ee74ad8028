//! The OpenAPI description: complete, and true.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::Value;
use wafpass::collector::catalogue::Scope;
use wafpass::collector::{Field, api};

use crate::harness::Service;
use crate::support::events::acme;

/// All that there is.
const ROUTES: [(&str, &str); 24] = [
    ("post", "/v1/events"),
    ("post", "/v1/logpush"),
    ("post", "/v1/firehose"),
    ("post", "/v1/aws-waf"),
    ("post", "/v1/modsecurity"),
    ("get", "/v1/events"),
    ("delete", "/v1/events"),
    ("get", "/v1/events/{id}"),
    ("get", "/v1/histogram"),
    ("get", "/v1/top"),
    ("get", "/v1/tail"),
    ("get", "/v1/export"),
    ("get", "/v1/quarantine"),
    ("get", "/v1/batches"),
    ("get", "/v1/usage"),
    ("get", "/v1/settings"),
    ("put", "/v1/settings"),
    ("get", "/v1/keys"),
    ("put", "/v1/keys"),
    ("post", "/v1/keys/{key_id}/challenge"),
    ("put", "/v1/keys/{key_id}/challenge"),
    ("post", "/v1/keys/{key_id}/activate"),
    ("post", "/v1/keys/{key_id}/retire"),
    ("get", "/v1/openapi.json"),
];

fn described() -> Value {
    serde_json::to_value(api::description()).unwrap()
}

fn operations(description: &Value) -> Vec<(String, String, Value)> {
    let paths = description["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        let operations = item.as_object().unwrap().clone().into_iter();
        let path = path.clone();
        operations
            .map(move |(method, operation)| (method, path.clone(), operation))
            .collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

#[tokio::test]
async fn it_is_served_as_it_is_made() {
    let served = Service::new().get("/v1/openapi.json").await;
    assert_eq!(served.header("content-type"), "application/json");
    assert_eq!(served.json(), described());
    assert_eq!(served.json()["openapi"], "3.1.0");
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let described: BTreeSet<_> =
        operations(&described()).into_iter().map(|(method, path, _)| (method, path)).collect();
    let routes: BTreeSet<_> =
        ROUTES.iter().map(|(method, path)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(described, routes);
}

#[tokio::test]
async fn every_described_operation_is_there_and_asks_for_its_scope() {
    let service = Service::new();
    let tokens = Scope::ALL.map(|scope| (scope, service.token(&acme(), scope)));
    for (method, path, operation) in operations(&described()) {
        let method: Method = method.to_uppercase().parse().unwrap();
        let target = path.replace("{id}", &"0".repeat(32)).replace("{key_id}", &"0".repeat(16));
        if path == "/v1/openapi.json" {
            continue;
        }
        let answer = service.ask(method.clone(), &target, "wpc_0_0").await;
        assert_eq!(answer.status, 401, "{method} {path} without a token in force");
        let declared = operation["security"][0]["bearer"][0].as_str().unwrap_or("ingest");
        for (scope, token) in tokens.iter().filter(|(scope, _)| scope.name() != declared) {
            let answer = service.ask(method.clone(), &target, token).await;
            // Firehose carries its token in a header of its own.
            let refused = if path == "/v1/firehose" { 401 } else { 403 };
            assert_eq!(answer.status, refused, "{method} {path} with {}", scope.name());
        }
    }
}

#[test]
fn every_operation_says_what_it_answers() {
    for (method, path, operation) in operations(&described()) {
        let named = format!("{method} {path}");
        for text in ["operationId", "summary"] {
            assert!(
                operation[text].as_str().is_some_and(|text| !text.is_empty()),
                "{named}: {text}"
            );
        }
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{named}");
        assert!(responses.contains_key("500"), "{named}");
        if path != "/v1/openapi.json" {
            for status in ["400", "401", "403", "413", "429", "503"] {
                assert!(responses.contains_key(status), "{named}: {status}");
            }
        }
        for parameter in operation["parameters"].as_array().unwrap_or(&Vec::new()) {
            assert!(parameter["description"].is_string(), "{named}: {parameter}");
            assert!(parameter["schema"].is_object(), "{named}: {parameter}");
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let description = described();
    let mut found = Vec::new();
    references(&description, &mut found);
    assert!(found.len() > 50);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(description.pointer(pointer).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn every_described_parameter_is_known_and_every_filter_is_described() {
    let service = Service::new();
    let token = service.token(&acme(), Scope::Read);
    for (method, path, operation) in operations(&described()) {
        if method != "get" {
            continue;
        }
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let names: Vec<_> = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "query")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        if ["/v1/events", "/v1/histogram", "/v1/top", "/v1/tail", "/v1/export"]
            .contains(&path.as_str())
        {
            for field in Field::ALL {
                assert!(names.contains(&field.column()), "{path}: {}", field.column());
                assert!(names.contains(&format!("not_{}", field.column()).as_str()), "{path}");
            }
        }
        for name in names {
            let target = format!("{}?{name}=%00", path.replace("{id}", &"0".repeat(32)));
            let open = service.open(crate::harness::request(Method::GET, &target, &token)).await;
            if open.status() == 200 {
                continue; // a text: anything goes
            }
            let answer = service.ask(Method::GET, &target, &token).await;
            assert_eq!(answer.problem(400).0, "bad-parameter", "{target}");
        }
    }
}
