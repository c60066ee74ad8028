//! What a verifier asks of a request beyond a right MAC.

use std::num::NonZeroU8;

use crate::error::ConfigError;
use crate::limits::{MAX_MAX_AGE_S, MAX_SKEW_S, MAX_USES};
use crate::replay::Retention;
use crate::time::UnixTime;

/// How old a signature may be, and how often it may be used.
///
/// There is no default: a CDN that repeats a request on its own needs a window that a stricter site
/// does not want. [`Freshness::strict`] and [`Freshness::cloudfront`] are the two usual answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    max_age_s: u32,
    skew_s: u32,
    retriable_uses: NonZeroU8,
}

impl Freshness {
    const SKEW_S: u32 = 5;

    /// 60 seconds, 5 of skew, one use for every request.
    #[must_use]
    pub const fn strict() -> Self {
        Self { max_age_s: 60, skew_s: Self::SKEW_S, retriable_uses: NonZeroU8::MIN }
    }

    /// What CloudFront's own retries need: 90 seconds, 5 of skew, three uses for GET, HEAD and
    /// OPTIONS. CloudFront tries up to three times with the same fields, 30 to 40 seconds apart.
    #[must_use]
    pub const fn cloudfront() -> Self {
        Self { max_age_s: 90, ..Self::strict().uses(3) }
    }

    /// The same behind an origin group, where CloudFront tries each of two origins: 210 seconds,
    /// six uses.
    #[must_use]
    pub const fn cloudfront_origin_group() -> Self {
        Self { max_age_s: 210, ..Self::strict().uses(6) }
    }

    /// For a CDN that makes `attempts` at most over all origins, each of which may take
    /// `attempt_timeout_s` (connection and response timeout together) before the next begins.
    ///
    /// `max_age` is `(attempts - 1) x attempt_timeout_s + skew`, and GET, HEAD and OPTIONS have one
    /// use for each attempt.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Uses`] and [`ConfigError::Freshness`] when the result is out of bounds.
    pub fn for_retries(attempts: u8, attempt_timeout_s: u32) -> Result<Self, ConfigError> {
        let waits = u32::from(attempts.saturating_sub(1));
        let max_age_s = waits.saturating_mul(attempt_timeout_s).saturating_add(Self::SKEW_S);
        Self::custom(max_age_s.max(Self::strict().max_age_s), Self::SKEW_S)?.with_uses(attempts)
    }

    /// A window of `max_age_s` seconds, and `skew_s` for clocks that differ; one use.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Freshness`] beyond [`MAX_MAX_AGE_S`] or [`MAX_SKEW_S`].
    pub const fn custom(max_age_s: u32, skew_s: u32) -> Result<Self, ConfigError> {
        if max_age_s > MAX_MAX_AGE_S || skew_s > MAX_SKEW_S {
            return Err(ConfigError::Freshness { max_age_s, skew_s });
        }
        Ok(Self { max_age_s, skew_s, retriable_uses: NonZeroU8::MIN })
    }

    /// Grants GET, HEAD and OPTIONS `uses` of one signature: one for each attempt that the CDN
    /// makes. Other methods, and requests with `Upgrade`, always have one.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Uses`] for 0 and beyond [`MAX_USES`].
    pub const fn with_uses(self, uses: u8) -> Result<Self, ConfigError> {
        if uses == 0 || uses > MAX_USES {
            return Err(ConfigError::Uses { uses });
        }
        Ok(self.uses(uses))
    }

    const fn uses(self, uses: u8) -> Self {
        let retriable_uses = match NonZeroU8::new(uses) {
            Some(uses) => uses,
            None => NonZeroU8::MIN,
        };
        Self { retriable_uses, ..self }
    }

    /// How long a replay store has to remember.
    #[must_use]
    pub const fn retention(self) -> Retention {
        Retention { max_age_s: self.max_age_s, skew_s: self.skew_s }
    }

    /// How many uses a request has.
    #[inline]
    pub(crate) fn uses_of(self, method: &[u8], is_upgrade: bool) -> NonZeroU8 {
        match method {
            b"GET" | b"HEAD" | b"OPTIONS" if !is_upgrade => self.retriable_uses,
            _ => NonZeroU8::MIN,
        }
    }

    #[inline]
    pub(crate) fn is_expired(self, date: UnixTime, now: UnixTime) -> bool {
        self.retention().is_expired(date, now)
    }

    #[inline]
    pub(crate) fn is_ahead(self, date: UnixTime, now: UnixTime) -> bool {
        self.retention().is_ahead(date, now)
    }
}

/// Whether a request has to carry WAF evidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WafRequirement {
    /// `waf=pass` or refused. A signature alone only says that a function ran, also when the web
    /// ACL was detached.
    #[default]
    Required,
    /// `waf=none` passes too; the application can look at [`Verified::waf`](crate::Verified::waf).
    NotRequired,
}

/// Whether the signed `x-cloud-host` has to be the Host that the origin received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostBinding {
    /// It may differ: CloudFront writes the origin's own Host, unless told to forward the viewer's.
    #[default]
    Unbound,
    /// It is covered, and equals Host but for ASCII case.
    Bound,
}

/// Whether a request with a body has to cover it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyCoverage {
    /// A covered `content-digest` is checked; a request without one passes. CloudFront Functions
    /// cannot read bodies.
    #[default]
    WhenCovered,
    /// A request with a body covers `content-digest`, or is refused.
    Required,
}

/// Whether requests signed before the replay store began are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestartBarrier {
    /// Yes, where the store forgets at a restart: what is dated in its first second or before. A
    /// service that reports ready two seconds after its start
    /// ([`Verifier::ready_at`](crate::Verifier::ready_at)) refuses next to nothing.
    #[default]
    On,
    /// The same, and also what is dated within the skew after that second: for edges whose clocks
    /// run ahead, whose requests of just before the restart carry such dates. Ready that much later.
    WithSkew,
    /// No: whatever was captured before a restart can be replayed once after it.
    InsecureOff,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_hold_the_retries_they_are_for() {
        // edge signature §3: max_age >= (attempts - 1) x (connection + response timeout) + skew
        for (preset, attempts) in
            [(Freshness::cloudfront(), 3), (Freshness::cloudfront_origin_group(), 6)]
        {
            let needed = Freshness::for_retries(attempts, 10 + 30).unwrap();
            assert!(preset.retention().covers(needed.retention()));
            assert_eq!(preset.uses_of(b"GET", false).get(), attempts);
        }
    }

    #[test]
    fn only_safe_requests_have_several_uses() {
        let preset = Freshness::cloudfront();
        for (method, upgrade, uses) in [
            ("GET", false, 3),
            ("HEAD", false, 3),
            ("OPTIONS", false, 3),
            ("GET", true, 1),
            ("get", false, 1),
            ("POST", false, 1),
            ("PUT", false, 1),
            ("CONNECT", false, 1),
        ] {
            assert_eq!(
                preset.uses_of(method.as_bytes(), upgrade).get(),
                uses,
                "{method} {upgrade}"
            );
        }
    }

    #[test]
    fn bounds_are_enforced() {
        assert!(Freshness::custom(86_400, 3_600).is_ok());
        assert!(Freshness::custom(86_401, 0).is_err());
        assert!(Freshness::custom(60, 3_601).is_err());
        assert!(Freshness::strict().with_uses(0).is_err());
        assert!(Freshness::strict().with_uses(16).is_err());
        assert!(Freshness::for_retries(0, 1).is_err());
        assert!(Freshness::for_retries(9, u32::MAX).is_err());
    }
}
