//! The signer's end: its own request beside what the origin saw.

use std::borrow::Cow;
use std::fmt;

use hmac::Mac;

use super::digest::Label;
use super::{ExplainRecord, Part, RecordError, seen};
use crate::canon::{PathPrefix, QueryMode};
use crate::error::ConfigError;
use crate::explain::Hint;
use crate::key::Key;
use crate::keyring::Keyring;
use crate::message::{Field, MessageHead};
use crate::rejection::RejectionKind;
use crate::scheme::edge::{self, Claims, Covered, Scan, SignatureBase};
use crate::time::UnixTime;

/// Compares a request, as it was signed, with the record of an origin that refused it.
///
/// Takes the key that signed: nobody else can read a record. No MAC is given out.
#[derive(Clone, Debug)]
pub struct Comparer<'k> {
    keyring: &'k Keyring,
    prefix: PathPrefix,
    query: QueryMode,
    suspects: Vec<(String, Key)>,
}

/// What [`Comparer::compare`] found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Comparison {
    /// One for each part of the signature base, in its order; the secret stands behind its id.
    pub parts: Vec<ComparedPart>,
    /// Whether the signature in the signer's request is right over the signer's own parts.
    pub signature: LocalSignature,
    /// What the origin saw, where that could be found out, and what to do.
    pub hints: Vec<Hint>,
}

/// One part of the signature base, at both ends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ComparedPart {
    /// As in the record: `kid`, `key`, `path`, `h.x-cloud-host`.
    pub label: String,
    /// How the two compare.
    pub finding: Finding,
    /// The signer's; `None` where its request does not hold it, and for the secret.
    pub signed: Option<Vec<u8>>,
    /// The origin's.
    pub seen: Seen,
}

/// How the two ends compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// Both have the same.
    Same,
    /// They do not.
    Differs,
    /// The origin did not see that this field is covered.
    NotInRecord,
    /// The signer's request does not hold it, or holds it twice.
    NotInRequest,
    /// The two ends hold different secrets, so no digest tells anything.
    NotComparable,
}

/// What a record tells of the origin's end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Seen {
    /// It stands in clear.
    Text(String),
    /// A digest, of a part of so many bytes.
    Bytes(usize),
    /// Only whether the secrets are the same; or nothing.
    Nothing,
}

/// Whether the signature in the signer's request is right over the signer's own parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LocalSignature {
    /// It is: the parts changed on their way.
    Right,
    /// It is not: the signer signs something else than it sends.
    Wrong,
    /// There is none, or not all that it covers.
    NotThere,
}

impl Comparison {
    /// Whether something differs, or cannot be compared.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.differing().next().is_some()
    }

    /// The parts that are not the same. One that the request does not hold is no difference, but for a
    /// covered field.
    pub fn differing(&self) -> impl Iterator<Item = &ComparedPart> {
        self.parts.iter().filter(|part| match part.finding {
            Finding::Same | Finding::NotComparable => false,
            Finding::NotInRequest => part.label.starts_with("h."),
            Finding::Differs | Finding::NotInRecord => true,
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Same => "same",
            Self::Differs => "DIFFERS",
            Self::NotInRecord => "not in the record",
            Self::NotInRequest => "not in the request",
            Self::NotComparable => "not comparable",
        })
    }
}

impl<'k> Comparer<'k> {
    /// Compares under the keys of `keyring`; the one that the record names is taken.
    #[must_use]
    pub fn new(keyring: &'k Keyring) -> Self {
        let (prefix, query) = (PathPrefix::default(), QueryMode::default());
        Self { keyring, prefix, query, suspects: Vec::new() }
    }

    /// The origin path prefix in the signer's request, which is not signed.
    ///
    /// # Errors
    ///
    /// [`ConfigError::StripPrefix`] when it is none.
    pub fn strip_prefix(self, prefix: &str) -> Result<Self, ConfigError> {
        Ok(Self { prefix: PathPrefix::new(prefix)?, ..self })
    }

    /// What of the query is signed.
    #[must_use]
    pub fn query(self, query: QueryMode) -> Self {
        Self { query, ..self }
    }

    /// Also tries `key` as the one that the origin holds. `what` says what it is.
    #[must_use]
    pub fn suspect(mut self, what: &str, key: Key) -> Self {
        self.suspects.push((what.into(), key));
        self
    }

    /// Compares `head`, the request as it was signed, with `record`. Without `x-cloud-signature` and
    /// `x-cloud-date` in it, what the record names as covered is compared.
    ///
    /// # Errors
    ///
    /// [`RecordError`] when the key is not here, or the request could not have been signed.
    pub fn compare(
        &self,
        record: &ExplainRecord,
        head: &MessageHead<'_>,
    ) -> Result<Comparison, RecordError> {
        let signed = Signed::read(head, &self.prefix, self.query)?;
        let date = record.date.to_string();
        let (key, key_hint) = self.key_of(record, &date)?;
        let mut parts = clear_parts(record, &signed);
        let finding = if key_hint.is_none() { Finding::Same } else { Finding::Differs };
        parts.insert(1, ComparedPart::new("key".into(), finding, None, Seen::Nothing));
        let mut hints: Vec<Hint> = key_hint.into_iter().collect();

        for (label, own, of_origin) in digested(record, &signed) {
            let is_seen = |value: &[u8]| {
                let digester = key.as_deref().map(|key| record.digester(key, &date));
                let digest = digester.map(|digester| digester.digest(label, value));
                digest == of_origin.map(|part| part.digest)
            };
            let finding = match (own, of_origin) {
                (_, None) => Finding::NotInRecord,
                (None, _) => Finding::NotInRequest,
                _ if key.is_none() => Finding::NotComparable,
                (Some(own), Some(_)) if is_seen(own) => Finding::Same,
                _ => Finding::Differs,
            };
            if let (Finding::Differs, Some(own), Some(part)) = (finding, own, of_origin) {
                hints.push(seen::hint(label, own, part.bytes, head, is_seen));
            }
            let seen = of_origin.map_or(Seen::Nothing, |part| Seen::Bytes(part.bytes));
            parts.push(ComparedPart::new(label.to_string(), finding, own.map(Into::into), seen));
        }
        let mut comparison = Comparison { parts, signature: self.judge(head, &signed), hints };
        comparison.conclude();
        Ok(comparison)
    }

    /// The key that the origin holds under the id of the record, where it is at hand; and what to say
    /// unless it is the signer's own.
    fn key_of(
        &self,
        record: &ExplainRecord,
        date: &str,
    ) -> Result<(Option<Cow<'_, Key>>, Option<Hint>), RecordError> {
        let id = &record.key_id;
        let found = self.keyring.find(id.as_bytes());
        let own =
            found.ok_or(RecordError::UnknownKey { key_id: *id })?.key(record.audience.as_bytes());
        let is_origins =
            |key: &Key| record.digester(key, date).digest(Label::Key, id.as_bytes()) == record.key;
        if is_origins(&own) {
            return Ok((Some(own), None));
        }
        let others = self.keyring.iter().filter(|key| key.id() != id);
        let others = others.map(|key| (key, format!("the secret of {}", key.id())));
        let suspects = self.suspects.iter().map(|(what, key)| (key, what.clone()));
        let other = others.chain(suspects).find(|(key, _)| is_origins(key));
        let (key, text) = match other {
            Some((key, what)) => {
                (Some(Cow::Borrowed(key)), format!("under the name {id} the origin holds {what}"))
            }
            None => (
                None,
                format!(
                    "the origin holds another secret under the name {id}, so nothing else can be \
                     compared: hand the secret over anew, and look for white space or a decoding at \
                     either end"
                ),
            ),
        };
        Ok((key, Some(Hint::new("key", text))))
    }

    fn judge(&self, head: &MessageHead<'_>, signed: &Signed<'_>) -> LocalSignature {
        let Some((claims, date)) = &signed.claims else { return LocalSignature::NotThere };
        let scan = Scan::of(head).ok();
        let covered =
            scan.and_then(|scan| Covered::collect(claims.covered_names, head, &scan).ok());
        let (Some(covered), Some(found)) = (covered, self.keyring.find(claims.key_id)) else {
            return LocalSignature::NotThere;
        };
        let target = (signed.path, signed.query);
        let base = SignatureBase::of(claims, date, head.method, target, &covered);
        let mac = edge::mac_over(&base, &found.key(claims.audience));
        match mac.verify_slice(&claims.mac) {
            Ok(()) => LocalSignature::Right,
            Err(_) => LocalSignature::Wrong,
        }
    }
}

impl Comparison {
    /// What follows from all of it.
    fn conclude(&mut self) {
        let differs = |label: &str| self.differing().any(|part| part.label == label);
        let is_other = differs("nonce") || differs("date");
        let hint = match self.signature {
            _ if is_other => Hint::new(
                "other-request",
                "nonce and date tell requests apart: unless something writes them anew, this record is of \
                 another request",
            ),
            LocalSignature::Wrong => Hint::new(
                "signature",
                "the signature in this request is not of its own parts under this key, so the signer signs \
                 something else than it sends: wafpass explain without a record tries what",
            ),
            LocalSignature::Right if !self.differs() => Hint::new(
                "nothing-differs",
                "all that is signed arrived as it stands here, and the signature here is right: what \
                 arrived is another sig= than the one here",
            ),
            LocalSignature::NotThere if !self.differs() => Hint::new(
                "nothing-differs",
                "all that is signed arrived as it stands here, so the signer signs something else: put the \
                 x-cloud-signature and x-cloud-date that it sent into the request, and run wafpass explain \
                 without a record",
            ),
            _ => return,
        };
        if is_other {
            self.hints.retain(|hint| hint.code == "key"); // what was tried says nothing of this request
        }
        self.hints.push(hint);
    }
}

impl ComparedPart {
    const fn new(label: String, finding: Finding, signed: Option<Vec<u8>>, seen: Seen) -> Self {
        Self { label, finding, signed, seen }
    }

    /// A part that stands in clear at the origin's end.
    fn clear(label: &str, signed: Option<&[u8]>, seen: String) -> Self {
        let finding = match signed {
            None => Finding::NotInRequest,
            Some(signed) if signed == seen.as_bytes() => Finding::Same,
            Some(_) => Finding::Differs,
        };
        Self::new(label.into(), finding, signed.map(Into::into), Seen::Text(seen))
    }
}

/// The signer's request.
struct Signed<'a> {
    head: MessageHead<'a>,
    /// With the date.
    claims: Option<(Claims<'a>, &'a [u8])>,
    path: &'a [u8],
    query: &'a [u8],
}

impl<'a> Signed<'a> {
    fn read(
        head: &MessageHead<'a>,
        prefix: &PathPrefix,
        query: QueryMode,
    ) -> Result<Self, RecordError> {
        let scan = Scan::of(head).map_err(|_| RecordError::Request)?;
        let target = scan.target.canonical(head.method, prefix, query);
        let (path, query) = target.ok_or(RecordError::Target)?;
        let claims = match scan.protocol_fields() {
            Err(RejectionKind::MissingSignature) => None,
            Err(_) => return Err(RecordError::Signature),
            Ok((signature, date)) => {
                let claims = Claims::parse(signature).ok_or(RecordError::Signature)?;
                Covered::default()
                    .read_names(claims.covered_names)
                    .ok_or(RecordError::Signature)?;
                UnixTime::parse_date(date).ok_or(RecordError::Signature)?;
                Some((claims, date))
            }
        };
        Ok(Self { head: *head, claims, path, query })
    }

    /// The names in `h`, in ascending order.
    fn names(&self) -> Vec<&'a str> {
        let h = self.claims.as_ref().map_or(b"".as_slice(), |(claims, _)| claims.covered_names);
        let names = h.split(|&byte| byte == b':').filter(|name| !name.is_empty());
        names.filter_map(|name| str::from_utf8(name).ok()).collect()
    }
}

/// The parts that stand in clear, in the order of the signature.
fn clear_parts(record: &ExplainRecord, signed: &Signed<'_>) -> Vec<ComparedPart> {
    let claims = signed.claims.as_ref().map(|(claims, _)| claims);
    let date = signed.claims.as_ref().map(|(_, date)| *date);
    let of = |label, own, seen| ComparedPart::clear(label, own, seen);
    vec![
        of("kid", claims.map(|claims| claims.key_id), record.key_id.to_string()),
        of("date", date, record.date.to_string()),
        of("nonce", claims.map(|claims| claims.nonce), record.nonce.to_string()),
        of("aud", claims.map(|claims| claims.audience), record.audience.to_string()),
        of("waf", claims.map(|claims| claims.waf.as_str().as_bytes()), record.waf.as_str().into()),
        of("h", claims.map(|claims| claims.covered_names), record.h()),
    ]
}

type Digested<'r> = (Label<'r>, Option<&'r [u8]>, Option<Part>);

/// The parts that are digests in the record: label, the signer's, the origin's.
fn digested<'r>(record: &'r ExplainRecord, signed: &Signed<'r>) -> Vec<Digested<'r>> {
    let mut all = vec![
        (Label::Method, Some(signed.head.method), Some(record.method)),
        (Label::Path, Some(signed.path), Some(record.path)),
        (Label::Query, Some(signed.query), Some(record.query)),
    ];
    let own = signed.names();
    let mut names: Vec<&str> = record.covered.iter().map(|(name, _)| &**name).collect();
    names.extend(own);
    names.sort_unstable();
    names.dedup();
    for name in names {
        let value = match signed.head.field(name.as_bytes()) {
            Field::Once(value) => Some(value),
            Field::Absent | Field::Repeated => None,
        };
        let seen = record.covered.iter().find(|(covered, _)| **covered == *name);
        all.push((Label::Covered(name), value, seen.map(|(_, part)| *part)));
    }
    all
}
