//! Tenants and their settings.

/// What a tenant has asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantSettings {
    /// Days that events are kept; at least 1.
    pub retention_days: u32,
    /// Events a second that are taken in, on average; `None` for no bound.
    pub max_events_per_s: Option<u32>,
    /// Bytes on the disk; `None` for no bound.
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

/// What becomes of clear text that events bring: they often hold the very attack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// that is in clear there is sealed, or dropped where `seal` is false.
    pub clear_headers: Vec<String>,
    /// Whether what arrives in clear from those is dropped rather than sealed.
    pub drop_matched_data: bool,
}

/// What becomes of a clear text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
