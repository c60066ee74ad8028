//! What holds for the lines of one batch.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::id::{self, BodyHash, IdKey};
use crate::collector::catalogue::{
    ActiveKeys, ClearText, QuarantineCode, RegisteredKeys, TenantSettings,
};
use crate::collector::limits::{
    MAX_AHEAD_S, MAX_KEY_CANDIDATES, MAX_KEY_CANDIDATES_PER_BATCH, MAX_LONG_TEXT_BYTES,
    MAX_SHORT_TEXT_BYTES,
};
use crate::collector::private_key::{Suspect, suspect_within};
use crate::collector::{EventId, EventTime, Field, Intake, NewEvent, TenantId};
use crate::matched_data::PublicKey;

const NS_PER_S: i64 = 1_000_000_000;
/// The shortest text that names itself a private key is longer than this.
const UNTAGGED_BYTES: usize = 12;

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
    /// How many texts of a key's length are tried still.
    tries: AtomicUsize,
    /// Texts in which some were not tried.
    untried: AtomicU64,
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
            tries: AtomicUsize::new(MAX_KEY_CANDIDATES_PER_BATCH),
            untried: AtomicU64::new(0),
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

    /// Whether lines of this sender may need a key to seal with, and there is none.
    pub(super) fn lacks_key(&self) -> bool {
        self.needs_key() && self.keys.sealing().is_none()
    }

    fn needs_key(&self) -> bool {
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
    ///
    /// Of what may be one, so much is tried and no more. What is left is no reason to cut a text out: strangers
    /// could hide theirs.
    pub(super) fn is_suspect(&self, text: &[u8]) -> bool {
        if text.len() <= UNTAGGED_BYTES {
            return false;
        }
        let all = self.tries.load(Ordering::Relaxed).min(MAX_KEY_CANDIDATES);
        let mut left = all;
        let found = suspect_within(text, &self.registered, &mut left);
        self.tries.fetch_sub(all - left, Ordering::Relaxed);
        if found == Some(Suspect::TooMany) {
            self.untried.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        found.is_some()
    }

    /// Texts so far in which not all was tried that may be a private key.
    #[must_use]
    pub fn untried(&self) -> u64 {
        self.untried.load(Ordering::Relaxed)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matched_data::{PrivateKey, Suite};

    #[test]
    fn a_batch_has_so_many_tries_and_says_what_it_left() {
        let mut registered = RegisteredKeys::default();
        let key = PrivateKey::generate(Suite::X25519).unwrap();
        registered.insert(key.public_key());
        let tenant = TenantId::new("acme").unwrap();
        let rules = Rules::new(tenant, Intake::Native, &[7; 32], EventTime(0))
            .with_keys(Arc::default(), Arc::new(registered));
        let text = key.to_text();
        rules.tries.store(3, Ordering::Relaxed);
        assert!(rules.is_suspect(text.as_bytes()));
        let decoys = format!("/{:064x}/{:064x}/{:064x}", 1, 2, 3);
        assert!(!rules.is_suspect(decoys.as_bytes()));
        assert_eq!((rules.untried(), rules.tries.load(Ordering::Relaxed)), (1, 0));
        // What names itself costs no try.
        assert!(rules.is_suspect(b"xwing-private:AAAA"));
        assert!(!rules.is_suspect(b"a text without candidates, long enough to hold one of them"));
        assert_eq!(rules.untried(), 1);
    }
}
