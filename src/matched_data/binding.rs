//! The binding: which event a version 4 blob belongs to.

use serde_json::{Value, json};

use super::Refused;
use super::limits::{MAX_BINDING_TEXT_BYTES, MAX_TIMESTAMP_MS};

/// What ties a version 4 blob to its event: moved to another one, it no longer opens.
///
/// The sealer writes it as `Metadata.binding`, and every store and export keeps it verbatim. `tenant` is
/// an immutable id that comes with a credential, `event_id` the event's in its source: `RayID/MatchIndex`
/// in Cloudflare's shape, `httpRequest.requestId` for AWS WAF, the transaction id for Coraza and
/// ModSecurity. Who shows an opened blob compares `event_id`, `rule_id` and `timestamp_ms` with the row it
/// stands in.
///
/// ```
/// use wafpass::matched_data::{Binding, Refused};
///
/// let binding = Binding::new("acme", "7d0f3c1b2a9e4c55/0", "100173", 1_795_307_400_123)?;
/// assert_eq!(Binding::from_json(&binding.to_json())?, binding);
///
/// let without_rule = serde_json::json!({"tenant": "acme", "event_id": "7d", "timestamp_ms": 1});
/// assert_eq!(Binding::from_json(&without_rule), Err(Refused::MissingBinding));
/// # Ok::<(), Refused>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Binding<'a> {
    tenant: &'a str,
    event_id: &'a str,
    rule_id: &'a str,
    timestamp_ms: u64,
}

impl<'a> Binding<'a> {
    /// A binding.
    ///
    /// # Errors
    ///
    /// [`Refused::MissingBinding`] when a text is longer than [`MAX_BINDING_TEXT_BYTES`], or the time is
    /// beyond [`MAX_TIMESTAMP_MS`].
    pub fn new(
        tenant: &'a str,
        event_id: &'a str,
        rule_id: &'a str,
        timestamp_ms: u64,
    ) -> Result<Self, Refused> {
        let fits = |text: &str| text.len() <= MAX_BINDING_TEXT_BYTES;
        if [tenant, event_id, rule_id].into_iter().all(fits) && timestamp_ms <= MAX_TIMESTAMP_MS {
            Ok(Self { tenant, event_id, rule_id, timestamp_ms })
        } else {
            Err(Refused::MissingBinding)
        }
    }

    /// The binding in `Metadata.binding`. Members that are no part of it are ignored.
    ///
    /// # Errors
    ///
    /// [`Refused::MissingBinding`] when a member is missing, of another type or out of bounds.
    pub fn from_json(metadata: &'a Value) -> Result<Self, Refused> {
        let text = |name| metadata.get(name).and_then(Value::as_str);
        let whole = || {
            let ms = metadata.get("timestamp_ms")?.as_u64()?;
            Some((text("tenant")?, text("event_id")?, text("rule_id")?, ms))
        };
        let (tenant, event_id, rule_id, ms) = whole().ok_or(Refused::MissingBinding)?;
        Self::new(tenant, event_id, rule_id, ms)
    }

    /// The object to write as `Metadata.binding`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "tenant": self.tenant,
            "event_id": self.event_id,
            "rule_id": self.rule_id,
            "timestamp_ms": self.timestamp_ms,
        })
    }

    /// Whose event it is.
    #[must_use]
    pub const fn tenant(&self) -> &'a str {
        self.tenant
    }

    /// The event.
    #[must_use]
    pub const fn event_id(&self) -> &'a str {
        self.event_id
    }

    /// The rule that decided about the event.
    #[must_use]
    pub const fn rule_id(&self) -> &'a str {
        self.rule_id
    }

    /// When, in milliseconds since 1970.
    #[must_use]
    pub const fn timestamp_ms(&self) -> u64 {
        self.timestamp_ms
    }

    /// What a blob authenticates: its header, then each text behind its length, so that no two bindings
    /// are the same bytes, then the time.
    pub(super) fn aad(&self, header: &[u8]) -> Vec<u8> {
        let texts = [self.tenant, self.event_id, self.rule_id];
        let texts_bytes = texts.iter().map(|text| 2 + text.len()).sum::<usize>();
        let mut aad = Vec::with_capacity(header.len() + texts_bytes + 8);
        aad.extend_from_slice(header);
        for text in texts {
            // `new` let no longer text in.
            let len = u16::try_from(text.len()).unwrap_or(u16::MAX);
            aad.extend_from_slice(&len.to_be_bytes());
            aad.extend_from_slice(text.as_bytes());
        }
        aad.extend_from_slice(&self.timestamp_ms.to_be_bytes());
        aad
    }
}
