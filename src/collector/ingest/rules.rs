//! What holds for the lines of one batch.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::id::{self, BodyHash, IdKey};
use crate::collector::catalogue::{
    ActiveKeys, ClearText, QuarantineCode, RegisteredKeys, TenantSettings,
};
use crate::collector::limits::{MAX_AHEAD_S, MAX_LONG_TEXT_BYTES, MAX_SHORT_TEXT_BYTES};
use crate::collector::{EventId, EventTime, Field, Intake, NewEvent, TenantId, private_key};
use crate::matched_data::PublicKey;

const NS_PER_S: i64 = 1_000_000_000;
/// The shortest text that names itself a private key is longer than this.
const UNTAGGED_BYTES: usize = 12;
/// The shortest text that 32 bytes are written as.
const SHORTEST_KEY_BYTES: usize = 43;

/// What stands in place of a text that held what looks like a private key.
pub(super) const REMOVED: &str = "[private key removed]";

/// What one sender's lines are read by: whose they are, what the tenant asked for, which keys it has.
///
/// It is made once for a batch and holds what was so when the batch came.
pub struct Rules {
    tenant: TenantId,
    intake: Intake,
    settings: Arc<TenantSettings>,
    keys: Arc<ActiveKeys>,
    registered: Arc<RegisteredKeys>,
    ids: IdKey,
    oldest: EventTime,
    newest: EventTime,
}

/// Why a line became no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unread {
    /// The line is at fault.
    Line(QuarantineCode),
    /// Something in it has to be sealed, and cannot be now.
    NotSealed,
}

impl From<QuarantineCode> for Unread {
    fn from(code: QuarantineCode) -> Self {
        Self::Line(code)
    }
}

impl Rules {
    /// The rules for a tenant's lines. `secret` keys the ids of events, `now` is the collector's time.
    #[must_use]
    pub fn new(tenant: TenantId, intake: Intake, secret: &[u8; 32], now: EventTime) -> Self {
        let rules = Self {
            tenant,
            intake,
            settings: Arc::default(),
            keys: Arc::default(),
            registered: Arc::default(),
            ids: IdKey::new(secret),
            oldest: now,
            newest: EventTime(now.0.saturating_add(MAX_AHEAD_S.saturating_mul(NS_PER_S))),
        };
        rules.with_settings(Arc::default(), now)
    }

    /// The same, with what the tenant has asked for.
    #[must_use]
    pub fn with_settings(mut self, settings: Arc<TenantSettings>, now: EventTime) -> Self {
        // Partitions are whole days, and so is retention.
        let days = i64::from(settings.retention_days);
        self.oldest = EventTime(
            now.day().saturating_sub(days).saturating_mul(86_400).saturating_mul(NS_PER_S),
        );
        self.settings = settings;
        self
    }

    /// The same, with the tenant's keys, and everybody's whose private ones are refused.
    #[must_use]
    pub fn with_keys(mut self, keys: Arc<ActiveKeys>, registered: Arc<RegisteredKeys>) -> Self {
        (self.keys, self.registered) = (keys, registered);
        self
    }

    /// Reads one line, whatever its sender: an event, ready to be stored.
    ///
    /// # Errors
    ///
    /// [`Unread::Line`] with the first thing that is wrong with it, [`Unread::NotSealed`] when nothing can be
    /// sealed right now.
    pub fn read(&self, line: &[u8]) -> Result<NewEvent, Unread> {
        match self.intake {
            Intake::Native | Intake::Logpush => super::line::read(self, line),
            Intake::AwsWaf => super::aws_waf::read(self, line),
            Intake::ModSecurity => super::modsecurity::read(self, line),
        }
    }

    pub(super) const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    pub(super) const fn intake(&self) -> Intake {
        self.intake
    }

    pub(super) fn settings(&self) -> &TenantSettings {
        &self.settings
    }

    pub(super) fn keys(&self) -> &ActiveKeys {
        &self.keys
    }

    pub(super) fn body_hash(&self) -> BodyHash {
        self.ids.body()
    }

    /// Whether lines of this sender may need a key to seal with.
    pub(super) fn needs_key(&self) -> bool {
        let policy = &self.settings.policy;
        let seals = |text: &ClearText| *text == ClearText::Seal;
        match self.intake {
            Intake::Native | Intake::Logpush => {
                [policy.path, policy.query, policy.referer, policy.user_agent].iter().any(seals)
            }
            Intake::AwsWaf | Intake::ModSecurity => !policy.drop_matched_data,
        }
    }

    pub(super) fn sealing_key(&self) -> Result<&PublicKey, Unread> {
        self.keys.sealing().ok_or(Unread::NotSealed)
    }

    /// What becomes of a field's text.
    pub(super) fn policy(&self, field: Field) -> ClearText {
        let policy = &self.settings.policy;
        match field {
            Field::Path => policy.path,
            Field::Query => policy.query,
            Field::UserAgent => policy.user_agent,
            Field::RefererScheme
            | Field::RefererHost
            | Field::RefererPath
            | Field::RefererQuery => policy.referer,
            _ => ClearText::Keep,
        }
    }

    /// The moment, if it is one that may be stored.
    pub(super) fn within(&self, at: EventTime) -> Result<EventTime, QuarantineCode> {
        if at < self.oldest {
            Err(QuarantineCode::TooOld)
        } else if at > self.newest {
            Err(QuarantineCode::TooNew)
        } else {
            Ok(at)
        }
    }

    /// The id of an event.
    pub(super) fn id(
        &self,
        identity: [Option<&str>; 3],
        datetime: &str,
    ) -> Result<EventId, Unread> {
        let known = self.ids.event(self.intake, &self.tenant, identity, datetime);
        known.or_else(id::random).ok_or(Unread::NotSealed)
    }

    /// Whether a text looks like a private key.
    pub(super) fn is_suspect(&self, text: &[u8]) -> bool {
        static NONE: OnceLock<RegisteredKeys> = OnceLock::new();
        let bytes = text.len();
        if bytes <= UNTAGGED_BYTES {
            return false;
        }
        let is_short = bytes < SHORTEST_KEY_BYTES;
        let keys =
            if is_short { NONE.get_or_init(RegisteredKeys::default) } else { &self.registered };
        private_key::suspect(text, keys).is_some()
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules")
            .field("tenant", &self.tenant)
            .field("intake", &self.intake)
            .finish_non_exhaustive()
    }
}

/// A text as long as a field's may be, in whole characters.
pub(super) fn cut(field: Field, text: &str) -> &str {
    let most = match field {
        Field::Path
        | Field::Query
        | Field::UserAgent
        | Field::RefererPath
        | Field::RefererQuery
        | Field::Description => MAX_LONG_TEXT_BYTES,
        _ => MAX_SHORT_TEXT_BYTES,
    };
    if text.len() <= most {
        return text;
    }
    let end = (0..=most).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}
