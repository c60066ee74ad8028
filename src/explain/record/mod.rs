//! A record of one refused request: what the origin saw of each part that is signed, as keyed digests.
//!
//! An origin writes it ([`layer::ExplainSwitch`](crate::layer::ExplainSwitch)), the signer compares it
//! ([`Comparer`]). `docs/explain-at-distance.md` has the grammar.

mod compare;
mod digest;
mod parse;
mod seen;

pub use self::compare::{ComparedPart, Comparer, Comparison, Finding, LocalSignature, Seen};
#[cfg(feature = "layer")]
pub(crate) use self::digest::{Hex16, SALT_BYTES};
pub use self::parse::RecordError;

use std::fmt;

#[cfg(not(feature = "layer"))]
use self::digest::Hex16;
use self::digest::{Digester, Label};
use super::claims_of;
use crate::key::{Key, KeyId};
use crate::message::MessageHead;
use crate::rejection::RejectionKind;
use crate::scheme::edge::WafEvidence;
use crate::time::UnixTime;
#[cfg(feature = "layer")]
use crate::verify::Verifier;

/// What a record begins with, up to its version.
const MARKER: &str = "wafpass-explain-";
const VERSION: &str = "1";

/// The only reason that is explained: the others say by themselves what is wrong.
pub(crate) const REASON: RejectionKind = RejectionKind::SignatureMismatch;

/// Lines of a signature base before those of the covered fields.
#[cfg(feature = "layer")]
const FIXED_LINES: usize = 9;

/// What an origin saw of one request that it refused as `signature-mismatch`.
///
/// In clear: what the signature says of itself, but for its MAC, which is not here in any form. As
/// digests, with their lengths in bytes: method, path, query and the covered values. A digest is
/// `HMAC-SHA256(key, "WAFPASS1-EXPLAIN" LF salt LF nonce LF date LF label LF value)`, the first 16 bytes:
/// who has the key can test what a value was, nobody else can. The salt is the origin's, and new for
/// each record: the digests of two records tell nothing of each other, whatever a sender repeats.
///
/// Its text is one line of visible ASCII:
///
/// ```text
/// wafpass-explain-1 salt=<32 hex> reason=signature-mismatch now=20261122T003010Z kid=2026-11-a
/// date=20261122T003000Z nonce=U7b4hR_RaxMADup… aud=shop waf=pass h=x-cloud-host key=<32 hex>
/// method=3:<32 hex> path=6:<32 hex> query=0:<32 hex> h.x-cloud-host=12:<32 hex>
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainRecord {
    salt: Hex16,
    now: UnixTime,
    key_id: KeyId,
    date: UnixTime,
    nonce: Box<str>,
    audience: Box<str>,
    waf: WafEvidence,
    key: Hex16,
    method: Part,
    path: Part,
    query: Part,
    covered: Vec<(Box<str>, Part)>,
}

/// What is told of one part of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    bytes: usize,
    digest: Hex16,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.bytes, self.digest)
    }
}

impl ExplainRecord {
    /// The record of a request that `verifier` refused at `now` as [`REASON`]; `None` where there is no
    /// signature base, no key that counts, or no date for `now`.
    #[cfg(feature = "layer")]
    pub(crate) fn of(
        verifier: &Verifier,
        head: &MessageHead<'_>,
        now: UnixTime,
        salt: Hex16,
    ) -> Option<Self> {
        now.to_date()?;
        let base = verifier.signature_base(head).ok()?;
        let lines: Vec<&[u8]> = base.split(|&byte| byte == b'\n').collect();
        let ([_, date, key_id, nonce, audience, waf, method, path, query], covered) =
            lines.split_first_chunk::<FIXED_LINES>()?;
        let key =
            verifier.keyring().find(key_id).filter(|found| found.is_active(now))?.key(audience);
        let (date_text, nonce) = (text(date)?, text(nonce)?);
        let digester = Digester { key: &key, salt, nonce, date: date_text };
        let part = |label: Label<'_>, value: &[u8]| Part {
            bytes: value.len(),
            digest: digester.digest(label, value),
        };
        let field = |line: &&[u8]| {
            let colon = line.iter().position(|&byte| byte == b':')?;
            let name = text(line.get(..colon)?)?;
            let value = line.get(colon + 1..)?;
            Some((name.into(), part(Label::Covered(name), value)))
        };
        Some(Self {
            salt,
            now,
            key_id: KeyId::from_bytes(key_id)?,
            date: UnixTime::parse_date(date)?,
            nonce: nonce.into(),
            audience: text(audience)?.into(),
            waf: if *waf == b"pass" { WafEvidence::Pass } else { WafEvidence::None },
            key: digester.digest(Label::Key, key_id),
            method: part(Label::Method, method),
            path: part(Label::Path, path),
            query: part(Label::Query, query),
            covered: covered.iter().map(field).collect::<Option<_>>()?,
        })
    }

    /// When the origin judged the request.
    #[must_use]
    pub const fn now(&self) -> UnixTime {
        self.now
    }

    /// Why it refused it.
    #[must_use]
    pub const fn reason(&self) -> RejectionKind {
        REASON
    }

    /// The key id that the request named.
    #[must_use]
    pub const fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// The date of the signature.
    #[must_use]
    pub const fn date(&self) -> UnixTime {
        self.date
    }

    /// The nonce of the signature: which request this is of.
    #[must_use]
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// The audience of the signature.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// Whether it has the nonce of `head`: the record of this request, or of one that repeats it.
    #[must_use]
    pub fn is_of(&self, head: &MessageHead<'_>) -> bool {
        claims_of(head).is_some_and(|claims| claims.nonce == self.nonce.as_bytes())
    }

    /// `h`, as it stood in the signature.
    fn h(&self) -> String {
        let names: Vec<&str> = self.covered.iter().map(|(name, _)| &**name).collect();
        names.join(":")
    }

    /// What makes the same digests under `key`.
    fn digester<'a>(&'a self, key: &'a Key, date: &'a str) -> Digester<'a> {
        Digester { key, salt: self.salt, nonce: &self.nonce, date }
    }
}

#[cfg(feature = "layer")]
fn text(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok()
}

impl fmt::Display for ExplainRecord {
    /// The line of the log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { salt, now, key_id, date, nonce, audience, key, method, path, query, .. } = self;
        let (reason, waf, h) = (self.reason(), self.waf.as_str(), self.h());
        write!(f, "{MARKER}{VERSION} salt={salt} reason={reason} now={now} kid={key_id}")?;
        write!(f, " date={date} nonce={nonce} aud={audience} waf={waf} h={h} key={key}")?;
        write!(f, " method={method} path={path} query={query}")?;
        self.covered.iter().try_for_each(|(name, part)| {
            let label = Label::Covered(name);
            write!(f, " {label}={part}")
        })
    }
}

#[cfg(test)]
#[cfg(feature = "layer")]
mod tests;
