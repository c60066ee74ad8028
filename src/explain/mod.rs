//! Why a request was refused, step by step, and what would have passed.
//!
//! For people who look at one request at three in the morning: the checks in their order, the
//! signature base line by line, and hints. Nothing here decides anything: the verdict is that of
//! [`Verifier::check`]. The expected MAC is compared, and never given out.
//!
//! ```
//! use wafpass::explain::{Explainer, Outcome};
//! use wafpass::{Freshness, Key, Keyring, MessageHead, Secret, UnixTime, Verifier};
//!
//! # fn main() -> Result<(), wafpass::ConfigError> {
//! let secret = Secret::from_base64url("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")?;
//! let keys = Keyring::new([Key::new("2026-11-a", &secret)?])?;
//! let now = UnixTime::from_secs(1_795_307_400);
//! let verifier = Verifier::builder("shop", keys, Freshness::strict()).build_at(now)?;
//!
//! let fields: [(&[u8], &[u8]); 3] = [
//!     (b"host", b"shop.example"),
//!     (b"x-cloud-date", b"20261122T003000Z"),
//!     (b"x-cloud-signature", b"v1;kid=2026-11-a;nonce=U7b4hR_RaxMADupvKvAr8_m9gsGXvioUggLV5Oyq-vmAtH8HADpjhw==;aud=shop;waf=pass;h=;sig=3fa741bc01969e1d0eeb292e4cd3c8b9fe7948d237fce0318ff78f7a6d9220c2"),
//! ];
//! let head = MessageHead::from_raw(b"GET", b"/?utm=1", &fields);
//! let explanation = Explainer::new(&verifier).explain(&head, None, now);
//! assert_eq!(explanation.rejection.unwrap().code(), "signature-mismatch");
//! assert_eq!(explanation.steps[8].outcome, Outcome::Failed);
//! assert_eq!(explanation.hints[0].code, "query-dropped");
//! # Ok(())
//! # }
//! ```

mod faults;
mod keys;
mod mismatch;
mod record;
mod rewrites;
mod visible;

pub use self::record::{
    ComparedPart, Comparer, Comparison, ExplainRecord, Finding, LocalSignature, RecordError, Seen,
};
#[cfg(feature = "layer")]
pub(crate) use self::record::{Hex16, REASON, SALT_BYTES};
pub use self::visible::Visible;

use crate::canon::{CONTENT_DIGEST, ContentDigest};
use crate::key::Key;
use crate::message::MessageHead;
use crate::policy::{BodyCoverage, HostBinding, WafRequirement};
use crate::rejection::{Rejection, RejectionKind};
use crate::scheme::edge::{Claims, Scan};
use crate::time::UnixTime;
use crate::verify::Verifier;

/// The checks of the table (edge signature §3), by row.
const CHECKS: [&str; 19] = [
    "method, Host and Connection are in order",
    "a signature is there",
    "x-cloud-signature and x-cloud-date are there once",
    "both follow the grammar",
    "the request target is in order",
    "each covered field is there once",
    "the key is known",
    "the key counts now",
    "the signature is right",
    "the audience is this one",
    "the signature is not too old",
    "the signature is not from the future",
    "the WAF let the request through",
    "what the policy requires is covered",
    "the signed host is the Host",
    "it was signed after the replay store began",
    "the signature was not used up",
    "the replay store has room and answers",
    "the covered body is the one that was signed",
];

const REPLAY_ROWS: std::ops::RangeInclusive<u8> = 15..=17;
const BODY_ROW: u8 = 18;

/// Explains what a verifier makes of a request.
#[derive(Clone, Debug)]
pub struct Explainer<'v> {
    verifier: &'v Verifier,
    suspects: Vec<(String, Key)>,
}

impl<'v> Explainer<'v> {
    /// Explains in the terms of `verifier`.
    #[must_use]
    pub const fn new(verifier: &'v Verifier) -> Self {
        Self { verifier, suspects: Vec::new() }
    }

    /// Also tries `key` when a signature does not match. `what` says what it is, such as "the text
    /// of the key file taken as the key". A suspect makes no request pass.
    #[must_use]
    pub fn suspect(mut self, what: &str, key: Key) -> Self {
        self.suspects.push((what.into(), key));
        self
    }

    /// Goes through the checks. `body` is the whole body, where it is at hand.
    #[must_use]
    pub fn explain(
        &self,
        head: &MessageHead<'_>,
        body: Option<&[u8]>,
        now: UnixTime,
    ) -> Explanation {
        let checked = self.verifier.check(head, now);
        let (rejection, hints, body_row) = match &checked {
            Err(rejection) => {
                (Some(*rejection), self.hints(head, rejection, now), Outcome::NotReached)
            }
            Ok(authentic) => {
                let digest = authentic.covered.get(CONTENT_DIGEST);
                match (digest, body) {
                    (None, _) => (None, Vec::new(), Outcome::NotCovered),
                    (Some(_), None) => (None, Vec::new(), Outcome::NotRun),
                    (Some(digest), Some(body)) => match self.check_body(digest, body) {
                        None => (None, Vec::new(), Outcome::Passed),
                        Some(kind) => {
                            let hints = faults::of_body(digest, body, self.verifier.body_cap);
                            (Some(authentic.rejection(kind, now)), hints, Outcome::Failed)
                        }
                    },
                }
            }
        };
        let failed =
            checked.is_err().then(|| rejection.map(|rejection| row_of(rejection.kind, head)));
        Explanation {
            steps: self.steps(failed.flatten(), body_row),
            base: self.base(head),
            rejection,
            hints,
        }
    }

    fn check_body(&self, digest: &[u8], body: &[u8]) -> Option<RejectionKind> {
        match ContentDigest::parse(digest) {
            None => Some(RejectionKind::BodyMismatch),
            Some(_) if body.len() > self.verifier.body_cap => Some(RejectionKind::BodyTooLarge),
            Some(digest) => {
                (digest != ContentDigest::of(body)).then_some(RejectionKind::BodyMismatch)
            }
        }
    }

    fn steps(&self, failed: Option<u8>, body: Outcome) -> Vec<Step> {
        let outcome = |row| match failed {
            Some(failed) if row == failed => Outcome::Failed,
            Some(failed) if row > failed => Outcome::NotReached,
            _ if row == BODY_ROW => body,
            _ if REPLAY_ROWS.contains(&row) => Outcome::NotRun,
            _ if self.asks(row) => Outcome::Passed,
            _ => Outcome::NotAsked,
        };
        (0..).zip(CHECKS).map(|(row, check)| Step { row, check, outcome: outcome(row) }).collect()
    }

    /// Whether the policy asks for what this row checks.
    fn asks(&self, row: u8) -> bool {
        match row {
            12 => self.verifier.waf == WafRequirement::Required,
            13 => {
                !self.verifier.required.is_empty() || self.verifier.body == BodyCoverage::Required
            }
            14 => self.verifier.host == HostBinding::Bound,
            _ => true,
        }
    }

    fn base(&self, head: &MessageHead<'_>) -> Vec<BaseLine> {
        let base = self.verifier.signature_base(head).unwrap_or_default();
        let mut labels =
            ["scheme", "date", "key id", "nonce", "audience", "waf", "method", "path", "query"]
                .iter();
        let lines =
            if base.is_empty() { Vec::new() } else { base.split(|&byte| byte == b'\n').collect() };
        let line = |bytes: &[u8]| BaseLine {
            label: labels.next().copied().unwrap_or("covered"),
            bytes: bytes.into(),
        };
        lines.into_iter().map(line).collect()
    }

    fn hints(&self, head: &MessageHead<'_>, rejection: &Rejection, now: UnixTime) -> Vec<Hint> {
        if rejection.kind == RejectionKind::SignatureMismatch {
            mismatch::hints(self.verifier, &self.suspects, head)
        } else {
            faults::of_head(self.verifier, head, rejection.kind, now)
        }
    }
}

/// What [`Explainer::explain`] found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// One for each row of the table, in order.
    pub steps: Vec<Step>,
    /// The signature base, where rows 0 to 5 leave one.
    pub base: Vec<BaseLine>,
    /// Why the request was refused; `None` when nothing that could be checked speaks against it.
    pub rejection: Option<Rejection>,
    /// What exactly is wrong, what would have matched, and what to do.
    pub hints: Vec<Hint>,
}

/// One check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// The row of the table.
    pub row: u8,
    /// What has to hold.
    pub check: &'static str,
    /// Whether it does.
    pub outcome: Outcome,
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// One before it failed.
    NotReached,
    /// It takes something that is not at hand: a running origin, or the body.
    NotRun,
    /// The policy does not ask for it.
    NotAsked,
    /// The signature does not cover the body, so nothing is asked of it.
    NotCovered,
}

/// A line of the signature base.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BaseLine {
    /// What it holds.
    pub label: &'static str,
    /// The bytes that are signed.
    pub bytes: Vec<u8>,
}

/// Something that a person should know. Bytes of the request in it are made visible.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hint {
    /// Stable code.
    pub code: &'static str,
    /// In words.
    pub text: String,
}

impl Hint {
    fn new(code: &'static str, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

/// What a request says of itself, where it follows the grammar. Anybody's word.
fn claims_of<'a>(head: &MessageHead<'a>) -> Option<Claims<'a>> {
    let (signature, _) = Scan::of(head).ok()?.protocol_fields().ok()?;
    Claims::parse(signature)
}

fn row_of(kind: RejectionKind, head: &MessageHead<'_>) -> u8 {
    match kind {
        RejectionKind::MalformedRequest => 0,
        RejectionKind::MissingSignature => 1,
        // One code, two rows: the protocol fields (2), or a covered field (5).
        RejectionKind::DuplicateHeader if claims_of(head).is_none() => 2,
        RejectionKind::MalformedSignature => 3,
        RejectionKind::MalformedTarget => 4,
        RejectionKind::DuplicateHeader
        | RejectionKind::MissingCoveredHeader
        | RejectionKind::MalformedHeader => 5,
        RejectionKind::UnknownKey => 6,
        RejectionKind::InactiveKey => 7,
        RejectionKind::SignatureMismatch => 8,
        RejectionKind::WrongAudience => 9,
        RejectionKind::Expired => 10,
        RejectionKind::NotYetValid => 11,
        RejectionKind::WafNotEvaluated => 12,
        RejectionKind::InsufficientCoverage => 13,
        RejectionKind::WrongHost => 14,
        RejectionKind::BeforeStart => 15,
        RejectionKind::Replayed => 16,
        RejectionKind::ReplayCapacity | RejectionKind::ReplayUnavailable => 17,
        RejectionKind::BodyMismatch | RejectionKind::BodyTooLarge => BODY_ROW,
    }
}

#[cfg(test)]
mod tests;
