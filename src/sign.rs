//! The signer: the other end of [`Verifier`](crate::Verifier), over the same signature base.

use hmac::Mac;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::canon::{PathPrefix, QueryMode};
use crate::error::{ConfigError, SignError};
use crate::key::{Key, is_label};
use crate::message::MessageHead;
use crate::scheme::edge::{
    self, Claims, Covered, Fault, MAC_BYTES, Scan, SignatureBase, WafEvidence,
};
use crate::time::UnixTime;

/// Signs requests for one audience with one key.
///
/// A signer refuses what the verifier would refuse of the request itself (rows 0, 4 and 5 of the
/// table in `docs/wire-format.md`), so that nothing leaves the edge unsigned or half-signed.
///
/// ```
/// use wafpass::{Key, MessageHead, Secret, Signer, UnixTime, WafEvidence};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let secret = Secret::from_base64url("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")?;
/// let signer = Signer::builder("shop", Key::new("2026-11-a", &secret)?).build()?;
///
/// let fields: [(&[u8], &[u8]); 1] = [(b"host", b"shop.example")];
/// let head = MessageHead::from_raw(b"GET", b"/", &fields);
/// let now = UnixTime::from_secs(1_795_307_400);
/// let signature = signer.sign(&head, WafEvidence::Pass, "a-request-id-of-the-edge", now)?;
/// assert_eq!(signature.date(), "20261122T003000Z");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Signer {
    key: Key,
    audience: Box<str>,
    /// The value of `h`.
    covered: Box<str>,
    prefix: PathPrefix,
    query: QueryMode,
}

impl Signer {
    /// Begins a signer with what it cannot do without: the name of the site or origin that its
    /// signatures are for, and the key.
    pub fn builder(audience: &str, key: Key) -> SignerBuilder {
        SignerBuilder {
            audience: audience.into(),
            key,
            covered: Vec::new(),
            prefix: String::new(),
            query: QueryMode::default(),
        }
    }

    /// Signs the head of a request. Protocol fields that it has already are not looked at.
    ///
    /// `waf` is [`WafEvidence::Pass`] only when the caller has itself seen evidence that the WAF let
    /// this very request through. `nonce` makes the signature unique: the edge's request id, or at
    /// least 96 random bits.
    ///
    /// # Errors
    ///
    /// [`SignError`] for whatever the verifier would refuse.
    pub fn sign(
        &self,
        head: &MessageHead<'_>,
        waf: WafEvidence,
        nonce: &str,
        now: UnixTime,
    ) -> Result<Signature, SignError> {
        let scan = Scan::of(head).map_err(|_| SignError::Request)?;
        let names = self.covered_names().map(str::as_bytes);
        if scan.has_connection && head.connection_drops(names) {
            return Err(SignError::Request);
        }
        let target = scan.target.canonical(head.method, &self.prefix, self.query);
        let target = target.ok_or(SignError::Target)?;
        let covered = Covered::collect(self.covered.as_bytes(), head, &scan)
            .map_err(|fault| self.name_fault(fault, head))?;
        if !edge::is_nonce(nonce.as_bytes()) {
            return Err(SignError::Nonce);
        }
        if !self.key.is_active(now) {
            return Err(SignError::InactiveKey);
        }
        let date = now.to_date().ok_or(SignError::Date)?;
        let claims = Claims {
            key_id: self.key.id().as_bytes(),
            nonce: nonce.as_bytes(),
            audience: self.audience.as_bytes(),
            waf,
            covered_names: self.covered.as_bytes(),
            mac: [0; MAC_BYTES],
        };
        let base = SignatureBase::of(&claims, &date, head.method, target, &covered);
        let mac = edge::mac_over(&base, &self.key).finalize().into_bytes().into();
        Ok(Signature { date: now.to_string(), value: Claims { mac, ..claims }.to_string() })
    }

    /// The names of the covered fields, in ascending order.
    pub fn covered_names(&self) -> impl Iterator<Item = &str> + Clone {
        self.covered.split(':').filter(|name| !name.is_empty())
    }

    /// The first covered field that has this fault.
    fn name_fault(&self, fault: Fault, head: &MessageHead<'_>) -> SignError {
        let has_fault = |name: &&str| {
            let mut values = head.values(name.as_bytes());
            match fault {
                Fault::Missing => values.next().is_none(),
                Fault::Duplicate => values.count() > 1,
                Fault::ForbiddenByte => values.any(|value| !edge::is_field_value(value)),
            }
        };
        let name = self.covered_names().find(has_fault).unwrap_or_default().into();
        match fault {
            Fault::Missing => SignError::MissingCoveredHeader { name },
            Fault::Duplicate => SignError::DuplicateHeader { name },
            Fault::ForbiddenByte => SignError::MalformedHeader { name },
        }
    }

    /// The audience that the signatures are for.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.audience
    }
}

/// The two fields that prove a request, `x-cloud-date` and `x-cloud-signature`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    date: String,
    value: String,
}

impl Signature {
    /// The value of `x-cloud-date`.
    #[must_use]
    pub fn date(&self) -> &str {
        &self.date
    }

    /// The value of `x-cloud-signature`.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Both fields, as (name, value).
    #[must_use]
    pub fn fields(&self) -> [(&'static str, &str); 2] {
        [(edge::DATE, &self.date), (edge::SIGNATURE, &self.value)]
    }

    /// Sets both fields, in place of any that are there.
    pub fn insert_into(&self, headers: &mut HeaderMap) {
        for (name, value) in self.fields() {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

/// Builds a [`Signer`].
#[derive(Clone, Debug)]
#[must_use = "nothing is signed before SignerBuilder::build"]
pub struct SignerBuilder {
    key: Key,
    audience: String,
    covered: Vec<String>,
    prefix: String,
    query: QueryMode,
}

impl SignerBuilder {
    /// Covers the field `name` (lower case). Cover only what the caller wrote itself, or what
    /// nothing behind it changes.
    pub fn cover(mut self, name: &str) -> Self {
        self.covered.push(name.into());
        self
    }

    /// The path that the CDN puts in front behind this signer, such as `/prod`. Give the signer
    /// targets that carry it, as the origin will see them; it is taken off before signing.
    pub fn strip_prefix(mut self, prefix: &str) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// What of the query is signed (all of it, by default).
    pub const fn query(mut self, query: QueryMode) -> Self {
        self.query = query;
        self
    }

    /// The signer.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for whatever would make signatures that no verifier accepts.
    pub fn build(self) -> Result<Signer, ConfigError> {
        if !is_label(self.audience.as_bytes()) {
            return Err(ConfigError::Label { what: "audience", text: self.audience });
        }
        Ok(Signer {
            key: self.key,
            audience: self.audience.into(),
            covered: edge::coverable(&self.covered)?.join(":").into(),
            prefix: PathPrefix::new(&self.prefix)?,
            query: self.query,
        })
    }
}

/// A nonce of 128 random bits, in base64url.
///
/// # Errors
///
/// [`SignError::NoRandomness`] when the operating system has none to give.
#[cfg(feature = "random")]
pub fn random_nonce() -> Result<String, SignError> {
    use base64ct::{Base64UrlUnpadded, Encoding};

    let mut bits = [0; 16];
    getrandom::fill(&mut bits).map_err(|_| SignError::NoRandomness)?;
    Ok(Base64UrlUnpadded::encode_string(&bits))
}
