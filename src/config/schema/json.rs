//! The JSON Schema of `wafpass.toml`.

use serde_json::{Value, json};

use super::Document;

/// The JSON Schema. TOML has no null: what may be left out is left out. Descriptions are one line each.
pub(crate) fn json_schema() -> Value {
    let mut schema = schemars::schema_for!(Document).to_value();
    tidy(&mut schema);
    schema
}

fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.retain(|name, value| !(name == "default" && value.is_null()));
            if let Some(Value::String(description)) = members.get_mut("description") {
                *description = description.replace('\n', " ");
            }
            if let Some(Value::Array(types)) = members.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    members.insert("type".into(), only);
                }
            }
            if let Some(Value::Array(choices)) = members.get_mut("anyOf") {
                choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
            }
            members.values_mut().for_each(tidy);
        }
        Value::Array(elements) => elements.iter_mut().for_each(tidy),
        _ => {}
    }
}

/// What has to be there: all that an origin has no default for, or a collector's section and nothing else.
pub(super) fn whole() -> Value {
    json!([
        {"required": ["audience", "freshness", "keys"]},
        {
            "required": ["collector"],
            "propertyNames": {"enum": ["$schema", "collector"]},
            "properties": {"collector": {"properties": {"perimeter": {"const": false}}}},
        },
    ])
}

/// What becomes of requests on no route.
#[derive(schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(dead_code, reason = "a shape, never a value")]
pub(super) enum Rest {
    /// They are refused.
    Enforce,
    /// They are logged and counted, and pass.
    ReportOnly,
}
