//! The verifier: one plain function for the head, one for its use.

mod builder;

pub use self::builder::VerifierBuilder;

use std::fmt;
use std::sync::Arc;

use hmac::Mac;

use crate::canon::{CONTENT_DIGEST, PathPrefix, QueryMode};
use crate::key::KeyId;
use crate::keyring::Keyring;
use crate::message::MessageHead;
use crate::policy::{BodyCoverage, Freshness, HostBinding, RestartBarrier, WafRequirement};
use crate::rejection::{Rejection, RejectionKind};
use crate::replay::{Admission, Admitting, Identity, ReplayStore};
use crate::scheme::edge::{self, Claims, Covered, Fault, Scan, SignatureBase, WafEvidence};
use crate::time::UnixTime;
use crate::verified::{Authentic, Begun, PendingUse, Spent};

/// Seconds after the start of the replay store in which requests signed before it may still come.
const SETTLING_S: i64 = 2;

/// Verifies edge signatures for one audience.
///
/// A request passes when [`Verifier::check`] finds its head good, [`Verifier::admit`] takes its use,
/// and its body, where it is covered, is the one that was signed. Everything else is refused with
/// the first reason that applies, in the order of the table in `docs/wire-format.md` §3.
///
/// ```
/// use wafpass::{
///     Finish, Freshness, Key, Keyring, MessageHead, RejectionKind, Secret, UnixTime, Verifier,
/// };
///
/// # fn main() -> Result<(), wafpass::ConfigError> {
/// let secret = Secret::from_base64url("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")?;
/// let keys = Keyring::new([Key::new("2026-11-a", &secret)?])?;
/// let started = UnixTime::from_secs(1_795_307_300);
/// let verifier = Verifier::builder("shop", keys, Freshness::strict()).build_at(started)?;
///
/// let fields: [(&[u8], &[u8]); 3] = [
///     (b"host", b"shop.example"),
///     (b"x-cloud-date", b"20261122T003000Z"),
///     (b"x-cloud-signature", b"v1;kid=2026-11-a;nonce=U7b4hR_RaxMADupvKvAr8_m9gsGXvioUggLV5Oyq-vmAtH8HADpjhw==;aud=shop;waf=pass;h=;sig=3fa741bc01969e1d0eeb292e4cd3c8b9fe7948d237fce0318ff78f7a6d9220c2"),
/// ];
/// let now = UnixTime::from_secs(1_795_307_400);
/// let authentic = verifier.check(&MessageHead::from_raw(b"GET", b"/", &fields), now).unwrap();
/// let spent = verifier.admit(authentic, now).unwrap();
/// match spent.finish().unwrap() {
///     Finish::Verified(verified) => assert_eq!(verified.key_id().as_str(), "2026-11-a"),
///     Finish::Body(pending) => drop(pending), // feed it the body, then PendingBody::finish
/// }
///
/// let altered = verifier.check(&MessageHead::from_raw(b"GET", b"/admin", &fields), now);
/// assert_eq!(altered.unwrap_err().kind, RejectionKind::SignatureMismatch);
/// # Ok(())
/// # }
/// ```
pub struct Verifier {
    audience: Box<str>,
    keyring: Keyring,
    pub(crate) freshness: Freshness,
    pub(crate) waf: WafRequirement,
    pub(crate) required: Vec<Box<str>>,
    pub(crate) prefix: PathPrefix,
    query: QueryMode,
    pub(crate) host: HostBinding,
    pub(crate) body: BodyCoverage,
    pub(crate) body_cap: usize,
    barrier: RestartBarrier,
    replay: Arc<dyn ReplayStore>,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("audience", &self.audience)
            .field("keyring", &self.keyring)
            .field("freshness", &self.freshness)
            .field("waf", &self.waf)
            .finish_non_exhaustive()
    }
}

impl Verifier {
    /// Begins a verifier with what it cannot do without: the name of this site or origin, its keys,
    /// and how old a signature may be.
    pub fn builder(audience: &str, keyring: Keyring, freshness: Freshness) -> VerifierBuilder {
        VerifierBuilder::new(audience, keyring, freshness)
    }

    /// Checks the head of a request: rows 0 to 14. Allocates nothing.
    ///
    /// # Errors
    ///
    /// The first reason that applies.
    #[inline]
    pub fn check<'a>(
        &self,
        head: &MessageHead<'a>,
        now: UnixTime,
    ) -> Result<Authentic<'a>, Rejection> {
        let scan = Scan::of(head)?; // row 0
        let mut covered = Covered::default();
        let signed = self.read(head, &scan, &mut covered)?; // rows 1 to 5
        let refuse = |kind| Err(signed.rejection(kind, now));

        let Some(found) = self.keyring.find(signed.claims.key_id) else {
            return refuse(RejectionKind::UnknownKey);
        };
        if !found.is_active(now) {
            return refuse(RejectionKind::InactiveKey);
        }
        let key = found.key(signed.claims.audience);
        let mac = edge::mac_over(&signed.base(head, &covered), &key);
        if mac.verify_slice(&signed.claims.mac).is_err() {
            return refuse(RejectionKind::SignatureMismatch);
        }
        if let Err(kind) = self.judge(head, &scan, &signed, &covered, now) {
            return refuse(kind);
        }
        Ok(Authentic {
            claims: signed.claims,
            key_id: *key.id(),
            date: signed.date,
            covered,
            max_uses: self.freshness.uses_of(head.method, scan.is_upgrade),
            identity: Identity::from_mac(signed.claims.mac),
        })
    }

    /// Takes the use of a head that this verifier found authentic: rows 15 to 17, and row 10 anew,
    /// since time has passed.
    ///
    /// For a replay store in this process. One that has to ask over the network does not answer
    /// here, so the request is refused as [`RejectionKind::ReplayUnavailable`]: use
    /// [`begin`](Self::begin) then.
    ///
    /// # Errors
    ///
    /// The first reason that applies. A refused use is not given back.
    #[inline]
    pub fn admit<'a>(
        &self,
        authentic: Authentic<'a>,
        now: UnixTime,
    ) -> Result<Spent<'a>, Rejection> {
        let answer = self.ask(&authentic, now).map(Admitting::now);
        self.settle(authentic, answer, now)
    }

    /// The same for every replay store: the use, or a future of what a shared store says to it.
    ///
    /// # Errors
    ///
    /// As [`admit`](Self::admit).
    #[inline]
    pub fn begin<'a>(
        &self,
        authentic: Authentic<'a>,
        now: UnixTime,
    ) -> Result<Begun<'a>, Rejection> {
        let answer = match self.ask(&authentic, now) {
            Ok(Admitting::Later(answer)) => {
                let pending = PendingUse::new(&authentic, answer, now, self.body_cap);
                return Ok(Begun::Pending(pending));
            }
            Ok(Admitting::Now(answer)) => Ok(answer),
            Err(kind) => Err(kind),
        };
        self.settle(authentic, answer, now).map(Begun::Spent)
    }

    fn ask(&self, authentic: &Authentic<'_>, now: UnixTime) -> Result<Admitting, RejectionKind> {
        if self.freshness.is_expired(authentic.date, now) {
            Err(RejectionKind::Expired)
        } else if self.is_before_start(authentic.date) {
            Err(RejectionKind::BeforeStart)
        } else {
            Ok(self.replay.admit(&authentic.claim(), now))
        }
    }

    fn settle<'a>(
        &self,
        authentic: Authentic<'a>,
        answer: Result<Admission, RejectionKind>,
        now: UnixTime,
    ) -> Result<Spent<'a>, Rejection> {
        match answer.and_then(Admission::nth_use) {
            Ok(nth_use) => Ok(Spent { authentic, nth_use, admitted: now, body_cap: self.body_cap }),
            Err(kind) => Err(authentic.rejection(kind, now)),
        }
    }

    /// The signature base of a request, as the signer must have seen it: for people who compare
    /// the two. Says nothing of keys, time and policy.
    ///
    /// # Errors
    ///
    /// The reason in rows 0 to 5 for which there is no base.
    pub fn signature_base(&self, head: &MessageHead<'_>) -> Result<Vec<u8>, Rejection> {
        let scan = Scan::of(head)?;
        let mut covered = Covered::default();
        let signed = self.read(head, &scan, &mut covered)?;
        Ok(signed.base(head, &covered).to_vec())
    }

    /// When a service should report ready: two seconds after the restart barrier, so that this
    /// refuses next to nothing. `None` where there is no barrier.
    #[must_use]
    pub fn ready_at(&self) -> Option<UnixTime> {
        Some(self.barrier()?.saturating_add(SETTLING_S))
    }

    /// Whether a service should report ready at `now`: it is [`ready_at`](Self::ready_at) or later, and
    /// a replay store that the fleet shares is being asked, or done without as it was told to.
    #[must_use]
    pub fn is_ready(&self, now: UnixTime) -> bool {
        let health = self.replay.health();
        self.ready_at().is_none_or(|ready_at| ready_at <= now)
            && health.is_none_or(|health| health.is_connected || health.is_degraded)
    }

    /// The replay store.
    #[must_use]
    pub fn replay_store(&self) -> &dyn ReplayStore {
        &*self.replay
    }

    /// The replay store, for another verifier to share: that of a new configuration, above all.
    #[must_use]
    pub fn shared_replay_store(&self) -> Arc<dyn ReplayStore> {
        Arc::clone(&self.replay)
    }

    /// The name of this site or origin.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// The keys.
    #[must_use]
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// Rows 1 to 5: what the signature says, and what it is about.
    #[inline]
    fn read<'a>(
        &self,
        head: &MessageHead<'a>,
        scan: &Scan<'a>,
        covered: &mut Covered<'a>,
    ) -> Result<Signed<'a>, RejectionKind> {
        let (signature, date_text) = scan.protocol_fields()?;
        let malformed = RejectionKind::MalformedSignature;
        let claims = Claims::parse(signature).ok_or(malformed)?;
        covered.read_names(claims.covered_names).ok_or(malformed)?;
        let date = UnixTime::parse_date(date_text).ok_or(malformed)?;
        if scan.has_connection && head.connection_drops(covered.names()) {
            return Err(RejectionKind::MalformedRequest); // row 0, for the names in h
        }
        let target = scan
            .target
            .canonical(head.method, &self.prefix, self.query)
            .ok_or(RejectionKind::MalformedTarget)?;
        covered.read_values(head, scan).map_err(|fault| match fault {
            Fault::Missing => RejectionKind::MissingCoveredHeader,
            Fault::Duplicate => RejectionKind::DuplicateHeader,
            Fault::ForbiddenByte => RejectionKind::MalformedHeader,
        })?;
        Ok(Signed { claims, date, date_text, target })
    }

    /// Rows 9 to 14: what the policy asks of a request with a right MAC.
    #[inline]
    fn judge(
        &self,
        head: &MessageHead<'_>,
        scan: &Scan<'_>,
        signed: &Signed<'_>,
        covered: &Covered<'_>,
        now: UnixTime,
    ) -> Result<(), RejectionKind> {
        let mut names = covered.names(); // in ascending order, as those required are
        let must_cover_body = self.body == BodyCoverage::Required && head.has_body();
        if signed.claims.audience != self.audience.as_bytes() {
            Err(RejectionKind::WrongAudience)
        } else if self.freshness.is_expired(signed.date, now) {
            Err(RejectionKind::Expired)
        } else if self.freshness.is_ahead(signed.date, now) {
            Err(RejectionKind::NotYetValid)
        } else if self.waf == WafRequirement::Required && signed.claims.waf != WafEvidence::Pass {
            Err(RejectionKind::WafNotEvaluated)
        } else if !self.required.iter().all(|name| names.any(|covered| covered == name.as_bytes()))
            || must_cover_body && covered.get(CONTENT_DIGEST).is_none()
        {
            Err(RejectionKind::InsufficientCoverage)
        } else if self.host == HostBinding::Bound
            && !covered
                .get(edge::HOST.as_bytes())
                .is_some_and(|host| host.eq_ignore_ascii_case(scan.host))
        {
            Err(RejectionKind::WrongHost)
        } else {
            Ok(())
        }
    }

    #[inline]
    fn is_before_start(&self, date: UnixTime) -> bool {
        self.barrier().is_some_and(|barrier| date <= barrier)
    }

    /// The second up to which requests may have been used before the replay store began.
    #[inline]
    fn barrier(&self) -> Option<UnixTime> {
        let started = self.replay.started()?;
        match self.barrier {
            RestartBarrier::On => Some(started),
            // The store's skew: it never shrinks, so that a lower one on reload uncovers nothing.
            RestartBarrier::WithSkew => {
                Some(started.saturating_add(self.replay.retention().skew_s.into()))
            }
            RestartBarrier::InsecureOff => None,
        }
    }
}

/// A signature that follows the grammar, and what it is about; nothing is authentic yet.
struct Signed<'a> {
    claims: Claims<'a>,
    date: UnixTime,
    date_text: &'a [u8],
    /// Path and query.
    target: (&'a [u8], &'a [u8]),
}

impl Signed<'_> {
    #[inline]
    fn base<'a>(&'a self, head: &MessageHead<'a>, covered: &'a Covered<'a>) -> SignatureBase<'a> {
        let Self { claims, date_text, target, .. } = self;
        SignatureBase::of(claims, date_text, head.method, *target, covered)
    }

    fn rejection(&self, kind: RejectionKind, now: UnixTime) -> Rejection {
        let key_id = KeyId::from_bytes(self.claims.key_id);
        Rejection { kind, key_id, age_s: Some(now.seconds_since(self.date)) }
    }
}
