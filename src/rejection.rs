//! Why a request was refused: typed, comparable, with a stable code; nothing of it for the peer.

use std::fmt;

use crate::key::KeyId;

/// The reason of a refusal.
///
/// The variants stand in the order in which the verifier checks (edge signature §3): the first that
/// fails is the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RejectionKind {
    /// The method is no token; Host is missing, doubled, empty or not the target's authority; or
    /// `Connection` names a reserved or covered field (row 0).
    MalformedRequest,
    /// Neither protocol field is there (row 1).
    MissingSignature,
    /// A protocol field (row 2) or a covered field (row 5) is there more than once.
    DuplicateHeader,
    /// A protocol field is missing or departs from its grammar (row 3).
    MalformedSignature,
    /// The request target breaks the rules (row 4).
    MalformedTarget,
    /// A covered field is not there (row 5).
    MissingCoveredHeader,
    /// A covered field has a forbidden byte (row 5).
    MalformedHeader,
    /// No key has this id (row 6).
    UnknownKey,
    /// The key is revoked, or its window does not hold (row 7).
    InactiveKey,
    /// The MAC differs (row 8).
    SignatureMismatch,
    /// The signature is for another audience (row 9).
    WrongAudience,
    /// The signature is older than `max_age` (row 10).
    Expired,
    /// The signature is dated further ahead than the skew (row 11).
    NotYetValid,
    /// The signer saw no WAF evidence, and the policy wants it (row 12).
    WafNotEvaluated,
    /// A field that the policy requires is not covered (row 13).
    InsufficientCoverage,
    /// The signed host is not the request's Host (row 14).
    WrongHost,
    /// Signed before this process could have remembered its use (row 15).
    BeforeStart,
    /// The uses of this signature were taken before (row 16).
    Replayed,
    /// The replay store is full (row 17).
    ReplayCapacity,
    /// The replay store does not answer (row 17).
    ReplayUnavailable,
    /// The body is not the one that `content-digest` names (row 18).
    BodyMismatch,
    /// The body is larger than the cap (row 18).
    BodyTooLarge,
}

impl RejectionKind {
    /// Every kind, in the order of the checks.
    pub const ALL: &'static [Self] = &[
        Self::MalformedRequest,
        Self::MissingSignature,
        Self::DuplicateHeader,
        Self::MalformedSignature,
        Self::MalformedTarget,
        Self::MissingCoveredHeader,
        Self::MalformedHeader,
        Self::UnknownKey,
        Self::InactiveKey,
        Self::SignatureMismatch,
        Self::WrongAudience,
        Self::Expired,
        Self::NotYetValid,
        Self::WafNotEvaluated,
        Self::InsufficientCoverage,
        Self::WrongHost,
        Self::BeforeStart,
        Self::Replayed,
        Self::ReplayCapacity,
        Self::ReplayUnavailable,
        Self::BodyMismatch,
        Self::BodyTooLarge,
    ];

    /// The place in [`ALL`](Self::ALL).
    #[cfg(feature = "layer")]
    pub(crate) fn index(self) -> usize {
        Self::ALL.iter().position(|&kind| kind == self).unwrap_or_default()
    }

    /// The stable code, for logs, metrics and vector files.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::MalformedRequest => "malformed-request",
            Self::MissingSignature => "missing-signature",
            Self::DuplicateHeader => "duplicate-header",
            Self::MalformedSignature => "malformed-signature",
            Self::MalformedTarget => "malformed-target",
            Self::MissingCoveredHeader => "missing-covered-header",
            Self::MalformedHeader => "malformed-header",
            Self::UnknownKey => "unknown-key",
            Self::InactiveKey => "inactive-key",
            Self::SignatureMismatch => "signature-mismatch",
            Self::WrongAudience => "wrong-audience",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::WafNotEvaluated => "waf-not-evaluated",
            Self::InsufficientCoverage => "insufficient-coverage",
            Self::WrongHost => "wrong-host",
            Self::BeforeStart => "before-start",
            Self::Replayed => "replayed",
            Self::ReplayCapacity => "replay-capacity",
            Self::ReplayUnavailable => "replay-unavailable",
            Self::BodyMismatch => "body-mismatch",
            Self::BodyTooLarge => "body-too-large",
        }
    }

    /// Whether a request refused for this reason was signed by a holder of the key: its MAC was
    /// found to be right, so what the signature says is the edge's word.
    #[must_use]
    pub const fn is_signed(self) -> bool {
        matches!(
            self,
            Self::WrongAudience
                | Self::Expired
                | Self::NotYetValid
                | Self::WafNotEvaluated
                | Self::InsufficientCoverage
                | Self::WrongHost
                | Self::BeforeStart
                | Self::Replayed
                | Self::ReplayCapacity
                | Self::ReplayUnavailable
                | Self::BodyMismatch
                | Self::BodyTooLarge
        )
    }

    /// The reason in a sentence, for people.
    #[must_use]
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::MalformedRequest => "the method, Host or Connection of the request is malformed",
            Self::MissingSignature => "the request carries no edge signature",
            Self::DuplicateHeader => "a signed field is there more than once",
            Self::MalformedSignature => {
                "x-cloud-signature or x-cloud-date departs from its grammar"
            }
            Self::MalformedTarget => "the request target breaks the rules for signed targets",
            Self::MissingCoveredHeader => "a covered field is missing",
            Self::MalformedHeader => "a covered field has a forbidden byte",
            Self::UnknownKey => "no key has this id",
            Self::InactiveKey => "the key is revoked, or outside its window",
            Self::SignatureMismatch => "the signature is not of this request under this key",
            Self::WrongAudience => "the signature is for another audience",
            Self::Expired => "the signature is too old",
            Self::NotYetValid => "the signature is dated in the future",
            Self::WafNotEvaluated => {
                "the edge saw no evidence that the WAF let the request through"
            }
            Self::InsufficientCoverage => {
                "the signature does not cover a field that the policy requires"
            }
            Self::WrongHost => "the signed x-cloud-host is not the Host of the request",
            Self::BeforeStart => "the request was signed before the replay store began",
            Self::Replayed => "the signature was used before",
            Self::ReplayCapacity => "the replay store is full",
            Self::ReplayUnavailable => "the replay store does not answer",
            Self::BodyMismatch => "the body is not the one that content-digest names",
            Self::BodyTooLarge => "the body is larger than the cap",
        }
    }
}

impl fmt::Display for RejectionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

/// A refused request: the reason, and what its signature said of itself.
///
/// For logs and metrics. A peer gets one status and an empty body, whatever the reason. It never
/// holds the expected signature or anything secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {}", kind.explanation())]
#[non_exhaustive]
pub struct Rejection {
    /// The reason.
    pub kind: RejectionKind,
    /// The key id that the request named. Anybody's word until the MAC was found to be right, that
    /// is, up to and including [`RejectionKind::SignatureMismatch`].
    pub key_id: Option<KeyId>,
    /// `now` minus the date of the signature in seconds, once both are known. As above, anybody's
    /// word until the MAC was found to be right.
    pub age_s: Option<i64>,
}

impl Rejection {
    /// The stable code of the reason.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }
}

impl From<RejectionKind> for Rejection {
    fn from(kind: RejectionKind) -> Self {
        Self { kind, key_id: None, age_s: None }
    }
}
