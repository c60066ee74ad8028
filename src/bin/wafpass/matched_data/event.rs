//! The event that a version 4 blob belongs to.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use wafpass::matched_data::Binding;

use crate::error::Fault;
use crate::input;

/// The binding of a blob that stands alone. In a log it stands beside the blob.
#[derive(clap::Args)]
pub(super) struct EventArgs {
    /// For version 4: whose event it is.
    #[arg(long, value_name = "ID", requires_all = ["event_id", "rule_id", "timestamp_ms"])]
    tenant: Option<String>,
    /// Which event, such as RayID/MatchIndex.
    #[arg(long, value_name = "ID", requires = "tenant")]
    event_id: Option<String>,
    /// The rule that decided about it.
    #[arg(long, value_name = "ID", requires = "tenant")]
    rule_id: Option<String>,
    /// When, in milliseconds since 1970.
    #[arg(long, value_name = "MS", requires = "tenant")]
    timestamp_ms: Option<u64>,
    /// Read these four from a file: event, Metadata or binding.
    #[arg(long, value_name = "FILE", conflicts_with = "tenant")]
    event: Option<PathBuf>,
}

/// A binding that was given.
pub(super) struct GivenBinding(Value);

impl GivenBinding {
    pub(super) fn binding(&self) -> Result<Binding<'_>, Fault> {
        Binding::from_json(&self.0).map_err(|refused| Fault::two_lines(&refused.to_string()))
    }
}

impl EventArgs {
    /// What else is read.
    pub(super) fn file(&self) -> Option<&Path> {
        self.event.as_deref()
    }

    pub(super) fn is_given(&self) -> bool {
        self.event.is_some() || self.tenant.is_some()
    }

    pub(super) fn load(&self) -> Result<Option<GivenBinding>, Fault> {
        if let Some(path) = &self.event {
            return from_file(path).map(Some);
        }
        let Some(tenant) = &self.tenant else { return Ok(None) };
        Ok(Some(GivenBinding(json!({
            "tenant": tenant,
            "event_id": self.event_id,
            "rule_id": self.rule_id,
            "timestamp_ms": self.timestamp_ms,
        }))))
    }
}

fn from_file(path: &Path) -> Result<GivenBinding, Fault> {
    let value: Value = serde_json::from_slice(&input::read(path)?).map_err(|error| {
        let fault = format!("{} is not JSON: {error}", input::named(path));
        Fault::new(fault, "name a file with one event, as the log has it")
    })?;
    let metadata = ["Metadata", "metadata"].iter().find_map(|name| value.get(name));
    let binding = metadata.and_then(member).or_else(|| member(&value));
    // Where the values of metadata are texts, it is the text of an object.
    let binding = match binding {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or(Value::Null),
        Some(binding) => binding.clone(),
        None => value,
    };
    Ok(GivenBinding(binding))
}

/// The `binding` of metadata in either of its forms.
fn member(metadata: &Value) -> Option<&Value> {
    match metadata {
        Value::Array(pairs) => {
            let pair =
                pairs.iter().find(|pair| pair.get("key").is_some_and(|key| key == "binding"));
            pair?.get("value")
        }
        metadata => metadata.get("binding"),
    }
}
