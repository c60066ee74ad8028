//! One pass over the fields of a request: rows 0 to 2 of the table (§3).

use super::{DATE, HOST, SIGNATURE, VIEWER_IP, is_reserved, is_token};
use crate::canon::TargetParts;
use crate::message::{Field, MessageHead, connection_options, is_named};
use crate::rejection::RejectionKind;

/// What one pass over the fields finds in a request that is well formed.
pub(crate) struct Scan<'a> {
    /// Host, or `:authority`.
    pub(crate) host: &'a [u8],
    pub(crate) target: TargetParts<'a>,
    signature: Field<'a>,
    date: Field<'a>,
    edge_host: Field<'a>,
    viewer_ip: Field<'a>,
    pub(crate) has_connection: bool,
    pub(crate) is_upgrade: bool,
}

impl<'a> Scan<'a> {
    /// Row 0, but for the names in `h`, which are not known yet.
    #[inline]
    pub(crate) fn of(head: &MessageHead<'a>) -> Result<Self, RejectionKind> {
        let (mut host, mut signature, mut date) = (Field::Absent, Field::Absent, Field::Absent);
        let (mut edge_host, mut viewer_ip) = (Field::Absent, Field::Absent);
        let (mut has_connection, mut is_upgrade, mut drops_reserved) = (false, false, false);
        for (name, value) in head.fields.iter() {
            match name.len() {
                4 if is_named(name, b"host") => host.add(value),
                7 if is_named(name, b"upgrade") => is_upgrade = true,
                10 if is_named(name, b"connection") => {
                    has_connection = true;
                    drops_reserved |= connection_options(value).any(is_reserved);
                }
                12 if is_named(name, DATE.as_bytes()) => date.add(value),
                12 if is_named(name, HOST.as_bytes()) => edge_host.add(value),
                17 if is_named(name, VIEWER_IP.as_bytes()) => viewer_ip.add(value),
                17 if is_named(name, SIGNATURE.as_bytes()) => signature.add(value),
                _ => {}
            }
        }
        let target = TargetParts::split(head.target);
        let host = authority(host, head.pseudo_authority, target.authority);
        let (true, false, Some(host)) = (is_token(head.method), drops_reserved, host) else {
            return Err(RejectionKind::MalformedRequest);
        };
        Ok(Self { host, target, signature, date, edge_host, viewer_ip, has_connection, is_upgrade })
    }

    /// The field `name`, where this pass looked for it: signers cover little else.
    pub(crate) fn field(&self, name: &[u8]) -> Option<Field<'a>> {
        match name {
            _ if name == HOST.as_bytes() => Some(self.edge_host),
            _ if name == VIEWER_IP.as_bytes() => Some(self.viewer_ip),
            _ => None,
        }
    }

    /// Rows 1 to 3: the values of `x-cloud-signature` and `x-cloud-date`, each there once.
    #[inline]
    pub(crate) fn protocol_fields(&self) -> Result<(&'a [u8], &'a [u8]), RejectionKind> {
        match (self.signature, self.date) {
            (Field::Absent, Field::Absent) => Err(RejectionKind::MissingSignature),
            (Field::Repeated, _) | (_, Field::Repeated) => Err(RejectionKind::DuplicateHeader),
            (Field::Absent, _) | (_, Field::Absent) => Err(RejectionKind::MalformedSignature),
            (Field::Once(signature), Field::Once(date)) => Ok((signature, date)),
        }
    }
}

/// The one authority of a request, or `None` when there is none, or more than one answer: Host is
/// there exactly once, or `:authority` stands for it; it is not empty, has no userinfo where the
/// target carries it, and all that name it agree but for ASCII case.
#[inline]
fn authority<'a>(
    host: Field<'a>,
    pseudo_authority: Option<&'a [u8]>,
    of_target: Option<&'a [u8]>,
) -> Option<&'a [u8]> {
    let host = match (host, pseudo_authority) {
        (Field::Once(host), _) => host,
        (Field::Absent, Some(authority)) => authority,
        (Field::Absent | Field::Repeated, _) => return None,
    };
    let agrees = |other: &[u8]| other.eq_ignore_ascii_case(host) && !other.contains(&b'@');
    let agree = [pseudo_authority, of_target].into_iter().flatten().all(agrees);
    (agree && !host.is_empty()).then_some(host)
}
