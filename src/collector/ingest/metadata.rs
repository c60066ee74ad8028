//! `Metadata`: an object, or an array of `{key, value}`.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::check::{self, Sealed};
use super::raw;
use super::rules::{REMOVED, Rules};
use crate::collector::catalogue::QuarantineCode;
use crate::collector::{EventId, EventTime, Field, FieldValues, Flags};
use crate::matched_data::Binding;

/// What `Metadata` says.
#[derive(Default)]
pub(super) struct Metadata {
    /// Its members but the blobs, as an object that is not closed.
    text: String,
    names: Vec<String>,
    /// What stands where the blob is due.
    pub(super) blob: Option<Sealed>,
    /// What another collector had sealed.
    pub(super) sealed_request: Option<Vec<u8>>,
    /// Whether a member was cut out.
    is_cut: bool,
    /// Where the binding stands in the text.
    binding: Option<(usize, usize)>,
}

#[derive(Deserialize)]
struct KeyValue<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    value: &'a RawValue,
}

/// A binding, as it is written.
#[derive(Deserialize)]
pub(super) struct BindingText<'a> {
    #[serde(borrow)]
    tenant: Cow<'a, str>,
    #[serde(borrow)]
    event_id: Cow<'a, str>,
    #[serde(borrow)]
    rule_id: Cow<'a, str>,
    timestamp_ms: u64,
}

impl<'a> BindingText<'a> {
    pub(super) fn new(
        tenant: &'a str,
        event_id: impl Into<Cow<'a, str>>,
        rule_id: &'a str,
        at: EventTime,
    ) -> Self {
        let timestamp_ms = u64::try_from(at.as_ms()).unwrap_or(0);
        Self {
            tenant: tenant.into(),
            event_id: event_id.into(),
            rule_id: rule_id.into(),
            timestamp_ms,
        }
    }

    pub(super) fn as_binding(&self) -> Result<Binding<'_>, QuarantineCode> {
        Binding::new(&self.tenant, &self.event_id, &self.rule_id, self.timestamp_ms)
            .map_err(|_| QuarantineCode::WrongType)
    }
}

impl Metadata {
    /// Reads the value of the member `Metadata`.
    pub(super) fn read(
        value: &RawValue,
        rules: &Rules,
        flags: &mut Flags,
    ) -> Result<Self, QuarantineCode> {
        let mut metadata = Self::default();
        match value.get().as_bytes().first() {
            Some(b'{') => raw::members(value.get(), |name, value| {
                metadata.member(&name.0, value, rules, flags)
            })?,
            Some(b'[') => raw::elements(value.get(), |element| {
                let pair: KeyValue<'_> =
                    serde_json::from_str(element.get()).map_err(|_| QuarantineCode::WrongType)?;
                metadata.member(&pair.key, pair.value, rules, flags)
            })?,
            _ if raw::is_null(value) => {}
            _ => return Err(QuarantineCode::WrongType),
        }
        metadata.names.sort_unstable();
        if metadata.names.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(QuarantineCode::Duplicate);
        }
        Ok(metadata)
    }

    fn member(
        &mut self,
        name: &str,
        value: &RawValue,
        rules: &Rules,
        flags: &mut Flags,
    ) -> Result<(), QuarantineCode> {
        self.names.push(name.to_owned());
        match name {
            "encrypted_matched_data" if raw::is_null(value) => Ok(()),
            "encrypted_matched_data" => {
                let text = raw::text(value).ok_or(QuarantineCode::NotSealed)?;
                // Where two stand, the second is seen to be one too many.
                self.blob = Some(check::sealed(&text, rules)?);
                Ok(())
            }
            "encrypted_request" if raw::is_null(value) => Ok(()),
            "encrypted_request" => {
                let text = raw::text(value).ok_or(QuarantineCode::NotSealed)?;
                self.sealed_request = Some(check::whole_blob(&text, rules)?);
                Ok(())
            }
            name if raw::is_key_name(name) => Err(QuarantineCode::PrivateKey),
            name if is_opened_name(name) && !raw::is_null(value) => Err(QuarantineCode::NotSealed),
            _ if !raw::is_shallow(value.get()) => Err(QuarantineCode::NotJson),
            _ if raw::is_suspect(value.get(), rules) || rules.is_suspect(name.as_bytes()) => {
                flags.insert(Flags::PRIVATE_KEY_REMOVED);
                self.is_cut = true;
                Ok(())
            }
            name => {
                raw::push(&mut self.text, name, value.get());
                if name == "binding" {
                    let to = self.text.len();
                    self.binding = Some((to - value.get().len().min(to), to));
                    self.check_tenant(value, rules)?;
                }
                Ok(())
            }
        }
    }

    /// A binding that names a tenant has to name the credential's, and no other beside it.
    fn check_tenant(&self, value: &RawValue, rules: &Rules) -> Result<(), QuarantineCode> {
        #[derive(Deserialize)]
        struct Tenant<'a> {
            #[serde(borrow, default)]
            tenant: Cow<'a, str>,
        }
        // Serde would read a list as if it were an object.
        if value.get().starts_with('[') {
            return Err(QuarantineCode::WrongType);
        }
        match serde_json::from_str::<Tenant<'_>>(value.get()) {
            Ok(named) if !named.tenant.is_empty() && named.tenant != rules.tenant().as_str() => {
                Err(QuarantineCode::OtherTenant)
            }
            Err(_) if value.get().starts_with('{') => Err(QuarantineCode::WrongType),
            _ => Ok(()),
        }
    }

    /// The binding, if there is a whole one.
    pub(super) fn binding(&self) -> Option<BindingText<'_>> {
        let (from, to) = self.binding?;
        let binding: BindingText<'_> = serde_json::from_str(self.text.get(from..to)?).ok()?;
        binding.as_binding().is_ok().then_some(binding)
    }

    pub(super) const fn has_binding(&self) -> bool {
        self.binding.is_some()
    }

    /// Adds a member.
    pub(super) fn push(&mut self, name: &str, json: &str) {
        raw::push(&mut self.text, name, json);
    }

    pub(super) fn push_text(&mut self, name: &str, text: &str) {
        let mut json = String::new();
        raw::push_string(&mut json, text);
        self.push(name, &json);
    }

    /// Adds a list of texts.
    pub(super) fn push_list(&mut self, name: &str, texts: &[&str]) {
        let mut json = String::from("[");
        for (at, text) in texts.iter().enumerate() {
            if at > 0 {
                json.push(',');
            }
            raw::push_string(&mut json, text);
        }
        json.push(']');
        self.push(name, &json);
    }

    /// Adds the binding of what was sealed here.
    pub(super) fn push_binding(&mut self, binding: &Binding<'_>) {
        self.push("binding", &binding.to_json().to_string());
    }

    /// The object, closed; empty for none.
    pub(super) fn into_text(mut self) -> String {
        // Once: where a name stands twice, it is not read again.
        if self.is_cut && !self.names.iter().any(|name| name == "removed") {
            self.push_text("removed", REMOVED);
        }
        raw::closed(self.text)
    }
}

/// Whether a member of this name holds what was in a blob: decrypted events are not to be stored.
pub(super) fn is_opened_name(name: &str) -> bool {
    let name = name.strip_prefix("moved_").unwrap_or(name);
    matches!(name, "matched_data" | "matched_data_b64")
}

/// What a blob of an event is bound to in Cloudflare's shape, where the event does not say: `RayID/MatchIndex`, or
/// the id that the event has here.
pub(super) fn event_id(fields: &FieldValues, id: EventId) -> String {
    match (fields.get(Field::RayId), fields.get(Field::MatchIndex)) {
        (Some(ray_id), index) => format!("{ray_id}/{}", index.unwrap_or("0")),
        (None, _) => id.to_string(),
    }
}
