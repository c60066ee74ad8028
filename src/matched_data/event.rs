//! The plain metadata of an event, around its blob (matched data §5).

use std::fmt::Write as _;
use std::net::IpAddr;

use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;

use super::extract::{DenyList, cleared};
use super::limits::MAX_EVENT_TEXT_BYTES;
use super::{Binding, Entropy, Payload, PublicKey, Refused, SealError};
use crate::rules::request::RequestView;

/// What an event says beside the request itself.
#[derive(Clone, Copy, Debug)]
pub struct EventParts<'e> {
    /// Whose event it is: an immutable id.
    pub tenant: &'e str,
    /// The request's id.
    pub ray_id: &'e str,
    /// Which of the request's events it is; 0 where one event stands for all rules.
    pub match_index: u32,
    /// The deciding rule's id.
    pub rule_id: &'e str,
    /// The deciding rule's description, empty if it has none.
    pub description: &'e str,
    /// What was done: `log`, `block`, `challenge`, `skip`.
    pub action: &'e str,
    /// The ids of the other rules that matched, in their order.
    pub other_rules: &'e [&'e str],
    /// The status of the answer, where it is known.
    pub status: Option<u16>,
    /// The client's autonomous system, where it is known.
    pub asn: Option<u32>,
    /// Whether the event says in clear what was asked for.
    pub uri: ClearText,
}

/// Whether path, query and user agent stand in an event in clear: they often hold the very attack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClearText {
    /// They do, without the bytes that the deny list names.
    #[default]
    WithoutSecrets,
    /// They are left out.
    Dropped,
}

/// An event: one line of a log, with the names of Cloudflare's `firewall_events`.
///
/// `Metadata` holds the blob, what it is bound to, and the other rules that matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Event {
    datetime: String,
    #[serde(rename = "RayID")]
    ray_id: String,
    #[serde(rename = "RuleID")]
    rule_id: String,
    action: String,
    source: &'static str,
    kind: &'static str,
    match_index: u32,
    #[serde(rename = "ClientIP", skip_serializing_if = "Option::is_none")]
    client_ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_country: Option<String>,
    #[serde(rename = "ClientASN", skip_serializing_if = "Option::is_none")]
    client_asn: Option<u32>,
    client_request_method: String,
    client_request_scheme: &'static str,
    client_request_protocol: String,
    client_request_host: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_request_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_request_query: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_request_user_agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edge_response_status: Option<u16>,
    #[serde(rename = "Ref")]
    reference: String,
    description: String,
    metadata: Metadata,
    #[serde(skip)]
    tenant: String,
    #[serde(skip)]
    event_id: String,
    #[serde(skip)]
    timestamp_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    binding: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    matched_rules: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encrypted_matched_data: Option<String>,
}

impl Event {
    /// An event of a request, without its matched data. Bytes that are not UTF-8 become U+FFFD.
    ///
    /// # Errors
    ///
    /// [`Refused::MissingBinding`] when an id or the time is too large for a [`Binding`].
    pub fn new(
        view: &RequestView<'_>,
        parts: &EventParts<'_>,
        deny: &DenyList,
    ) -> Result<Self, Refused> {
        let clear = cleared(view, deny);
        let lossy = |text: &[u8]| cut(String::from_utf8_lossy(text).into_owned());
        let shown = |text: Vec<u8>| match parts.uri {
            ClearText::WithoutSecrets => Some(lossy(&text)),
            ClearText::Dropped => None,
        };
        let event = Self {
            datetime: rfc3339(view.came_at_ms()),
            ray_id: parts.ray_id.to_owned(),
            rule_id: parts.rule_id.to_owned(),
            action: parts.action.to_owned(),
            source: "firewallCustom",
            kind: "firewall",
            match_index: parts.match_index,
            client_ip: view.client_address(),
            client_country: view.country_code(),
            client_asn: parts.asn,
            client_request_method: lossy(view.method()),
            client_request_scheme: view.scheme_name(),
            client_request_protocol: lossy(view.version_text()),
            client_request_host: lossy(&clear.host),
            client_request_path: shown(clear.path),
            client_request_query: shown(clear.query),
            client_request_user_agent: shown(clear.user_agent),
            edge_response_status: parts.status,
            reference: parts.rule_id.to_owned(),
            description: parts.description.to_owned(),
            metadata: Metadata {
                binding: None,
                matched_rules: parts.other_rules.iter().map(|id| (*id).to_owned()).collect(),
                encrypted_matched_data: None,
            },
            tenant: parts.tenant.to_owned(),
            event_id: format!("{}/{}", parts.ray_id, parts.match_index),
            timestamp_ms: view.came_at_ms(),
        };
        event.binding()?;
        Ok(event)
    }

    /// What a version 4 blob of this event is sealed for.
    fn binding(&self) -> Result<Binding<'_>, Refused> {
        Binding::new(&self.tenant, &self.event_id, &self.rule_id, self.timestamp_ms)
    }

    /// The event with what matched, in a version 3 blob, which is bound to nothing. The word `truncated`
    /// stands in place of a payload that is too large.
    ///
    /// # Errors
    ///
    /// Those of [`seal_v3_with`](super::seal_v3_with).
    pub fn seal_v3_with(
        mut self,
        payload: &Payload,
        key: &PublicKey,
        entropy: Entropy,
    ) -> Result<Self, SealError> {
        self.metadata.encrypted_matched_data = Some(payload.seal_v3_with(key, entropy)?);
        Ok(self)
    }

    /// The event with what matched, in a version 4 blob that opens with this event alone. The word
    /// `truncated` stands in place of a payload that is too large.
    ///
    /// # Errors
    ///
    /// Those of [`seal_v4_with`](super::seal_v4_with).
    pub fn seal_v4_with(
        mut self,
        payload: &Payload,
        key: &PublicKey,
        entropy: Entropy,
    ) -> Result<Self, SealError> {
        // `new` has seen that it is within bounds.
        let binding = self.binding().map_err(|_| SealError::Failed)?;
        let blob = payload.seal_v4_with(key, &binding, entropy)?;
        self.metadata.binding = Some(binding.to_json());
        self.metadata.encrypted_matched_data = Some(blob);
        Ok(self)
    }

    /// As [`seal_v3_with`](Self::seal_v3_with), with random bytes of the operating system.
    ///
    /// # Errors
    ///
    /// The same, and [`SealError::NoRandomness`].
    #[cfg(feature = "random")]
    pub fn seal_v3(self, payload: &Payload, key: &PublicKey) -> Result<Self, SealError> {
        self.seal_v3_with(payload, key, Entropy::from_os()?)
    }

    /// As [`seal_v4_with`](Self::seal_v4_with), with random bytes of the operating system.
    ///
    /// # Errors
    ///
    /// The same, and [`SealError::NoRandomness`].
    #[cfg(feature = "random")]
    pub fn seal_v4(self, payload: &Payload, key: &PublicKey) -> Result<Self, SealError> {
        self.seal_v4_with(payload, key, Entropy::from_os()?)
    }

    /// The event as one line of JSON, without a line break at its end.
    #[must_use]
    pub fn to_line(&self) -> String {
        // Texts, integers and a value of serde_json: writing them cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A text of the request, cut to whole characters.
fn cut(mut text: String) -> String {
    let end = (0..=MAX_EVENT_TEXT_BYTES).rev().find(|end| text.is_char_boundary(*end));
    if text.len() > MAX_EVENT_TEXT_BYTES {
        text.truncate(end.unwrap_or_default());
    }
    text
}

/// A moment in UTC, to the millisecond.
fn rfc3339(ms: u64) -> String {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let mut text = String::with_capacity(24);
    let (date, clock) = (at.date(), at.time());
    // Writing to a String does not fail.
    let _ = write!(text, "{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day());
    let _ = write!(text, "T{:02}:{:02}:{:02}", clock.hour(), clock.minute(), clock.second());
    let _ = write!(text, ".{:03}Z", clock.millisecond());
    text
}
