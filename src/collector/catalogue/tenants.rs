//! What is set for a tenant, by itself and by whoever runs the collector.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::CatalogueError;
use crate::collector::limits::{MAX_CLEAR_HEADERS, MAX_HEADER_NAME_BYTES, MAX_RETENTION_DAYS};

/// What is set for a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantSettings {
    /// Days that events are kept; at least 1.
    #[schema(minimum = 1, maximum = 3660)]
    pub retention_days: u32,
    /// Events a second that are taken in, on average; `None` for no bound. Whoever runs the collector sets it.
    #[schema(minimum = 1, maximum = 4_294_967_295_u64, value_type = Option<i64>)]
    pub max_events_per_s: Option<u32>,
    /// Bytes on the disk; `None` for no bound. Whoever runs the collector sets it.
    #[schema(minimum = 1)]
    pub quota_bytes: Option<u64>,
    /// What becomes of clear text that events bring.
    pub policy: IngestPolicy,
}

impl Default for TenantSettings {
    fn default() -> Self {
        Self {
            retention_days: 30,
            max_events_per_s: None,
            quota_bytes: None,
            policy: IngestPolicy::default(),
        }
    }
}

impl TenantSettings {
    /// Whether these are what a tenant may make of `present` by itself: the limits that protect the node, and
    /// with it the other tenants, stay as they are.
    ///
    /// # Errors
    ///
    /// [`CatalogueError::OperatorsSetting`] with the first that would change.
    pub(super) fn check_own(&self, present: &Self) -> Result<(), CatalogueError> {
        let kept = [
            ("max_events_per_s", self.max_events_per_s == present.max_events_per_s),
            ("quota_bytes", self.quota_bytes == present.quota_bytes),
        ];
        let changed = kept.into_iter().find(|(_, is_kept)| !is_kept);
        changed.map_or(Ok(()), |(member, _)| Err(CatalogueError::OperatorsSetting { member }))
    }

    /// Whether every value is within its bounds.
    ///
    /// # Errors
    ///
    /// [`CatalogueError::Settings`] with the first that is not.
    pub fn check(&self) -> Result<(), CatalogueError> {
        let fault = |member, fault| Err(CatalogueError::Settings { member, fault });
        let headers = &self.policy.clear_headers;
        if !(1..=MAX_RETENTION_DAYS).contains(&self.retention_days) {
            return fault("retention_days", "is not from 1 to 3660");
        }
        if self.max_events_per_s == Some(0) {
            return fault("max_events_per_s", "is 0, which takes nothing in");
        }
        // SQLite's integers, and with them the store's sums, are signed.
        if self.quota_bytes.is_some_and(|bytes| bytes == 0 || i64::try_from(bytes).is_err()) {
            return fault("quota_bytes", "is 0, or beyond what a disk can hold");
        }
        if headers.len() > MAX_CLEAR_HEADERS {
            return fault("policy.clear_headers", "lists more than 64 names");
        }
        if !headers.iter().all(|name| is_header_name(name)) {
            return fault("policy.clear_headers", "holds what is no header's name in lowercase");
        }
        Ok(())
    }
}

/// RFC 9110 §5.6.2: a token, in lowercase as HTTP/2 has it.
fn is_header_name(name: &str) -> bool {
    let is_token = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte)
    };
    (1..=MAX_HEADER_NAME_BYTES).contains(&name.len()) && name.bytes().all(is_token)
}

/// What becomes of clear text that events bring: they often hold the very attack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IngestPolicy {
    /// `ClientRequestPath`.
    pub path: ClearText,
    /// `ClientRequestQuery`.
    pub query: ClearText,
    /// `ClientRefererScheme`, `…Host`, `…Path` and `…Query`.
    pub referer: ClearText,
    /// `ClientRequestUserAgent`.
    pub user_agent: ClearText,
    /// Names of headers that AWS WAF's and ModSecurity's events may keep in clear; lowercase. All else
    /// that is in clear there is sealed, or dropped with `drop_matched_data`.
    pub clear_headers: Vec<String>,
    /// Whether what arrives in clear from those is dropped rather than sealed.
    pub drop_matched_data: bool,
}

/// What becomes of a clear text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ClearText {
    /// It stays in clear.
    #[default]
    Keep,
    /// It is left out.
    Drop,
    /// It is sealed to the tenant's key.
    Seal,
}
