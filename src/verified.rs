//! What has been checked, as types: [`Authentic`], then [`Spent`] (or [`PendingUse`], while a store
//! is being asked), then [`Verified`].
//!
//! None of them can be made but by a [`Verifier`](crate::Verifier).

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::num::NonZeroU8;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use sha2::{Digest, Sha256};

use crate::canon::{CONTENT_DIGEST, ContentDigest};
use crate::key::KeyId;
use crate::limits::MAX_COVERED_FIELDS;
use crate::rejection::{Rejection, RejectionKind};
use crate::replay::{Admission, Identity, Use};
use crate::scheme::edge::{Claims, Covered, VIEWER_IP, WafEvidence};
use crate::time::UnixTime;

/// The head holds: rows 0 to 14 of the table (edge signature §3). Its use is not taken yet.
#[must_use = "an authentic head may be a replay: hand it to Verifier::admit"]
pub struct Authentic<'a> {
    pub(crate) claims: Claims<'a>,
    pub(crate) key_id: KeyId,
    pub(crate) date: UnixTime,
    pub(crate) covered: Covered<'a>,
    pub(crate) max_uses: NonZeroU8,
    pub(crate) identity: Identity,
}

impl fmt::Debug for Authentic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authentic")
            .field("key_id", self.key_id())
            .field("date", &self.date())
            .finish_non_exhaustive()
    }
}

impl Authentic<'_> {
    /// The key that signed it.
    #[must_use]
    pub const fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// When it was signed.
    #[must_use]
    pub const fn date(&self) -> UnixTime {
        self.date
    }

    pub(crate) fn rejection(&self, kind: RejectionKind, now: UnixTime) -> Rejection {
        let age_s = Some(now.seconds_since(self.date));
        Rejection { kind, key_id: Some(self.key_id), age_s }
    }

    pub(crate) const fn claim(&self) -> Use<'_> {
        Use {
            identity: &self.identity,
            key_id: &self.key_id,
            date: self.date,
            max_uses: self.max_uses,
        }
    }
}

/// The head holds and its use is taken: rows 0 to 17. A covered body is not checked yet.
#[must_use = "a covered body is not checked yet: see Spent::finish"]
pub struct Spent<'a> {
    pub(crate) authentic: Authentic<'a>,
    pub(crate) nth_use: NonZeroU8,
    pub(crate) admitted: UnixTime,
    pub(crate) body_cap: usize,
}

impl fmt::Debug for Spent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spent")
            .field("authentic", &self.authentic)
            .field("nth_use", &self.nth_use)
            .finish_non_exhaustive()
    }
}

impl Spent<'_> {
    /// Goes on to the body, where `content-digest` is covered.
    ///
    /// # Errors
    ///
    /// [`RejectionKind::BodyMismatch`] when the covered `content-digest` is not exactly one
    /// `sha-256` member (row 18).
    #[inline]
    pub fn finish(self) -> Result<Finish, Rejection> {
        let Self { authentic, nth_use, admitted, body_cap } = self;
        let digest = CoveredDigest::of(&authentic);
        digest.finish(Verified::new(&authentic, nth_use, admitted), body_cap)
    }
}

/// What the head says of the body.
enum CoveredDigest {
    /// Nothing: an uncovered `content-digest` is ignored.
    None,
    /// Something that is not exactly one `sha-256` member.
    Malformed,
    Digest(ContentDigest),
}

impl CoveredDigest {
    fn of(authentic: &Authentic<'_>) -> Self {
        match authentic.covered.get(CONTENT_DIGEST) {
            None => Self::None,
            Some(value) => ContentDigest::parse(value).map_or(Self::Malformed, Self::Digest),
        }
    }

    fn finish(self, verified: Verified, body_cap: usize) -> Result<Finish, Rejection> {
        match self {
            Self::None => Ok(Finish::Verified(verified)),
            Self::Malformed => Err(verified.rejection(RejectionKind::BodyMismatch)),
            Self::Digest(digest) => Ok(Finish::Body(PendingBody {
                verified,
                digest,
                hasher: Sha256::new(),
                room: body_cap,
            })),
        }
    }
}

/// The head holds, and a replay store is being asked for its use: a future of what is left then.
///
/// It owns what it needs of the head.
#[must_use = "nothing has passed before this future is ready"]
pub struct PendingUse {
    answer: Pin<Box<dyn Future<Output = Admission> + Send>>,
    /// Not verified before the answer is there, so nobody gets it before. `None` once it was given.
    rest: Option<(Verified, CoveredDigest)>,
    body_cap: usize,
}

impl PendingUse {
    pub(crate) fn new(
        authentic: &Authentic<'_>,
        answer: Pin<Box<dyn Future<Output = Admission> + Send>>,
        now: UnixTime,
        body_cap: usize,
    ) -> Self {
        let verified = Verified::new(authentic, NonZeroU8::MIN, now);
        Self { answer, rest: Some((verified, CoveredDigest::of(authentic))), body_cap }
    }
}

impl Future for PendingUse {
    type Output = Result<Finish, Rejection>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.rest.is_none() {
            return Poll::Pending; // polled again after it was ready
        }
        let answer = ready!(self.answer.as_mut().poll(cx));
        let Some((verified, digest)) = self.rest.take() else { return Poll::Pending };
        Poll::Ready(match answer.nth_use() {
            Ok(nth) => digest.finish(verified.with_use(nth), self.body_cap),
            Err(kind) => Err(verified.rejection(kind)),
        })
    }
}

impl fmt::Debug for PendingUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingUse").finish_non_exhaustive()
    }
}

/// What [`Verifier::begin`](crate::Verifier::begin) gives: the use, or a store's word on it.
#[derive(Debug)]
#[must_use = "nothing has passed before the use is taken"]
#[expect(clippy::exhaustive_enums, reason = "whoever matches has to handle both")]
#[expect(
    clippy::large_enum_variant,
    reason = "the usual one; a box would be an allocation for each request"
)]
pub enum Begun<'a> {
    /// The use is taken.
    Spent(Spent<'a>),
    /// The store has been asked.
    Pending(PendingUse),
}

/// What is left once the use of a head is taken.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "whoever matches has to handle both")]
pub enum Finish {
    /// Nothing: the signature covers no body.
    Verified(Verified),
    /// The body, which the application may only see once it is read whole and found right.
    Body(PendingBody),
}

/// A body that is being read and hashed.
#[must_use = "the body is not checked until PendingBody::finish"]
pub struct PendingBody {
    verified: Verified,
    digest: ContentDigest,
    hasher: Sha256,
    /// Bytes that may still come.
    room: usize,
}

impl fmt::Debug for PendingBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingBody")
            .field("verified", &self.verified)
            .field("room", &self.room)
            .finish_non_exhaustive()
    }
}

impl PendingBody {
    /// Takes the next piece of the body.
    ///
    /// # Errors
    ///
    /// [`RejectionKind::BodyTooLarge`] beyond the cap.
    pub fn update(&mut self, piece: &[u8]) -> Result<(), Rejection> {
        match self.room.checked_sub(piece.len()) {
            Some(room) => self.room = room,
            None => return Err(self.verified.rejection(RejectionKind::BodyTooLarge)),
        }
        self.hasher.update(piece);
        Ok(())
    }

    /// Takes notice that at least `bytes` are to come.
    ///
    /// # Errors
    ///
    /// [`RejectionKind::BodyTooLarge`] when the body would go beyond the cap.
    pub fn expect_more(&self, bytes: u64) -> Result<(), Rejection> {
        if usize::try_from(bytes).is_ok_and(|bytes| bytes <= self.room) {
            Ok(())
        } else {
            Err(self.verified.rejection(RejectionKind::BodyTooLarge))
        }
    }

    /// The body is whole.
    ///
    /// # Errors
    ///
    /// [`RejectionKind::BodyMismatch`] when it is not the one that was signed.
    pub fn finish(self) -> Result<Verified, Rejection> {
        if self.digest.matches(self.hasher) {
            Ok(self.verified)
        } else {
            Err(self.verified.rejection(RejectionKind::BodyMismatch))
        }
    }

    /// The body broke off, so it is not the one that was signed.
    #[must_use]
    pub fn broken_off(&self) -> Rejection {
        self.verified.rejection(RejectionKind::BodyMismatch)
    }
}

/// A request that passed every check. Reaches the application as a request extension, and as an
/// axum extractor with the feature `axum`.
///
/// Cheap to clone.
#[derive(Clone)]
pub struct Verified(Arc<Inner>);

struct Inner {
    key_id: KeyId,
    date: UnixTime,
    waf: WafEvidence,
    nth_use: NonZeroU8,
    admitted: UnixTime,
    /// Nonce, audience, then name and value of each covered field, end to end. All are ASCII.
    text: Box<str>,
    /// Where each of them ends; in place, which saves an allocation.
    ends: [usize; MAX_PARTS],
    parts: usize,
}

/// Nonce and audience, and two for each covered field.
const MAX_PARTS: usize = 2 + 2 * MAX_COVERED_FIELDS;

impl Verified {
    fn new(authentic: &Authentic<'_>, nth_use: NonZeroU8, admitted: UnixTime) -> Self {
        let Authentic { claims, key_id, date, covered, .. } = authentic;
        let fields = || covered.iter().flat_map(|(name, value)| [name, value]);
        let parts = || [claims.nonce, claims.audience].into_iter().chain(fields());
        let mut text = Vec::with_capacity(parts().map(<[u8]>::len).sum());
        let mut ends = [0; MAX_PARTS];
        for (part, end) in parts().zip(&mut ends) {
            text.extend_from_slice(part);
            *end = text.len();
        }
        Self(Arc::new(Inner {
            key_id: *key_id,
            date: *date,
            waf: claims.waf,
            nth_use,
            admitted,
            text: String::from_utf8(text).unwrap_or_default().into(),
            ends,
            parts: 2 + 2 * covered.len(),
        }))
    }

    fn with_use(mut self, nth_use: NonZeroU8) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.nth_use = nth_use; // always: nobody else has it yet
        }
        self
    }

    /// The key that signed the request.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        &self.0.key_id
    }

    /// The site or origin that the signature is for.
    #[must_use]
    pub fn audience(&self) -> &str {
        self.part(1)
    }

    /// When the edge signed it.
    #[must_use]
    pub fn date(&self) -> UnixTime {
        self.0.date
    }

    /// What the edge saw of the WAF.
    #[must_use]
    pub fn waf(&self) -> WafEvidence {
        self.0.waf
    }

    /// What makes the signature unique: in CloudFront the request id, as in its logs.
    #[must_use]
    pub fn nonce(&self) -> &str {
        self.part(0)
    }

    /// Which use of the signature this is: 1, or more for a retry by the CDN.
    #[must_use]
    pub fn nth_use(&self) -> u8 {
        self.0.nth_use.get()
    }

    /// The covered fields, as (name, value) in the order of `h`.
    pub fn covered(&self) -> impl Iterator<Item = (&str, &str)> {
        (2..self.0.parts).step_by(2).map(|name| (self.part(name), self.part(name + 1)))
    }

    #[cfg(feature = "layer")]
    pub(crate) fn covered_names(&self) -> impl Iterator<Item = &str> + Clone {
        let (names, _) = self.0.ends.get(1..self.0.parts).unwrap_or_default().as_chunks::<2>();
        names.iter().map(|&[start, end]| self.0.text.get(start..end).unwrap_or_default())
    }

    /// The value of the field `name` (lower case), when it is covered.
    #[must_use]
    pub fn covered_value(&self, name: &str) -> Option<&str> {
        self.covered().find(|(covered, _)| *covered == name).map(|(_, value)| value)
    }

    /// The viewer's address as the edge saw it, when `x-cloud-viewer-ip` is covered and is one.
    #[must_use]
    pub fn viewer_ip(&self) -> Option<IpAddr> {
        self.covered_value(VIEWER_IP)?.parse().ok()
    }

    fn part(&self, place: usize) -> &str {
        let start = place.checked_sub(1).and_then(|before| self.0.ends.get(before)).copied();
        let end = self.0.ends.get(place).copied().unwrap_or_default();
        self.0.text.get(start.unwrap_or_default()..end).unwrap_or_default()
    }

    fn rejection(&self, kind: RejectionKind) -> Rejection {
        let age_s = Some(self.0.admitted.seconds_since(self.0.date));
        Rejection { kind, key_id: Some(self.0.key_id), age_s }
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("key_id", self.key_id())
            .field("audience", &self.audience())
            .field("date", &self.date())
            .field("waf", &self.waf())
            .field("nonce", &self.nonce())
            .field("nth_use", &self.nth_use())
            .field("covered", &self.covered().collect::<Vec<_>>())
            .finish()
    }
}
