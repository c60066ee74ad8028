//! What rules know of a request beside its bytes: who sent it, from where, and by which name it goes.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::{Extensions, HeaderMap, HeaderName, request};

use super::limits::MAX_RAY_ID_BYTES;
use crate::rules::Value;
use crate::rules::request::UriScheme;
use crate::verified::Verified;

/// Whose address `ip.src` is. No field of a request is believed unless it is named here.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum ClientIp {
    /// The peer of the connection: axum's `ConnectInfo<SocketAddr>`, or a [`SocketAddr`] or [`IpAddr`]
    /// in the request's extensions. Behind a CDN that is the CDN.
    #[default]
    Peer,
    /// The viewer that the edge signed, as [`Verified::viewer_ip`] has it. Unknown on requests without.
    SignedViewer,
    /// A field that a proxy in front sets, and deletes where a viewer sent it. A viewer who gets past
    /// the proxy writes it as they like. One line with one address; unknown otherwise.
    TrustedField(HeaderName),
    /// What a function of your own says.
    By(AddressOf),
}

/// Tells the address of who sent a request.
pub type AddressOf = Arc<dyn Fn(&request::Parts) -> Option<IpAddr> + Send + Sync>;

/// What `RayID` of an event is: the name under which a request is found again elsewhere.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum RayId {
    /// Random: 16 hexadecimal digits.
    #[default]
    Random,
    /// The nonce that the edge signed: in CloudFront its request id. Random on requests without.
    SignedNonce,
    /// A field, such as `cf-ray` or `x-amz-cf-id`: 1 to 128 visible characters of ASCII, random
    /// otherwise. Where viewers can come past the edge, they choose it.
    Field(HeaderName),
}

/// Tells the country of an address: two letters of ISO 3166-1.
pub(super) type Country = Arc<dyn Fn(IpAddr) -> Option<Cow<'static, str>> + Send + Sync>;

/// Tells the scheme that a viewer came by.
pub(super) type Scheme = Arc<dyn Fn(&request::Parts) -> UriScheme + Send + Sync>;

/// Tells the value of a field that the application registered.
pub(super) type FieldOf = Arc<dyn Fn(&request::Parts) -> Option<Value<'static>> + Send + Sync>;

impl ClientIp {
    pub(super) fn of(&self, parts: &request::Parts) -> Option<IpAddr> {
        let address = match self {
            Self::Peer => peer(&parts.extensions),
            Self::SignedViewer => parts.extensions.get::<Verified>()?.viewer_ip(),
            Self::TrustedField(name) => only(&parts.headers, name)?.trim().parse().ok(),
            Self::By(function) => function(parts),
        };
        address.map(|address| address.to_canonical()) // a socket for both families shows IPv4 as ::ffff:…
    }
}

impl fmt::Debug for ClientIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer => f.write_str("Peer"),
            Self::SignedViewer => f.write_str("SignedViewer"),
            Self::TrustedField(name) => f.debug_tuple("TrustedField").field(name).finish(),
            Self::By(_) => f.write_str("By(..)"),
        }
    }
}

impl RayId {
    pub(super) fn of(&self, parts: &request::Parts) -> String {
        let given = match self {
            Self::Random => None,
            Self::SignedNonce => parts.extensions.get::<Verified>().map(Verified::nonce),
            Self::Field(name) => only(&parts.headers, name),
        };
        given.filter(|text| is_id(text)).map_or_else(random, str::to_owned)
    }
}

impl fmt::Debug for RayId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Random => f.write_str("Random"),
            Self::SignedNonce => f.write_str("SignedNonce"),
            Self::Field(name) => f.debug_tuple("Field").field(name).finish(),
        }
    }
}

fn peer(extensions: &Extensions) -> Option<IpAddr> {
    #[cfg(feature = "axum")]
    if let Some(axum::extract::ConnectInfo(address)) =
        extensions.get::<axum::extract::ConnectInfo<SocketAddr>>()
    {
        return Some(address.ip());
    }
    let of_socket = || extensions.get::<SocketAddr>().map(SocketAddr::ip);
    extensions.get::<IpAddr>().copied().or_else(of_socket)
}

/// The value of a field that has one line of text.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    value.to_str().ok()
}

fn is_id(text: &str) -> bool {
    (1..=MAX_RAY_ID_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Without randomness all are one: an event still has the rest to be told by.
fn random() -> String {
    let mut bytes = [0; 8];
    let _ = getrandom::fill(&mut bytes);
    format!("{:016x}", u64::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(fields: &[(&str, &str)]) -> request::Parts {
        let mut request = http::Request::new(());
        for (name, value) in fields {
            let name: HeaderName = name.parse().unwrap();
            request.headers_mut().append(name, value.parse().unwrap());
        }
        request.into_parts().0
    }

    #[test]
    fn a_viewers_word_is_not_believed() {
        let mut parts = parts(&[("x-forwarded-for", "192.0.2.9"), ("x-real-ip", "192.0.2.8")]);
        assert_eq!(ClientIp::default().of(&parts), None);
        assert_eq!(ClientIp::SignedViewer.of(&parts), None);
        parts.extensions.insert(SocketAddr::from(([198, 51, 100, 7], 9)));
        assert_eq!(ClientIp::Peer.of(&parts), Some([198, 51, 100, 7].into()));
        let trusted = |name| ClientIp::TrustedField(HeaderName::from_static(name)).of(&parts);
        assert_eq!(trusted("x-real-ip"), Some([192, 0, 2, 8].into()));
        assert_eq!(trusted("x-none"), None);
    }

    #[test]
    fn a_trusted_field_is_one_address() {
        fn trusted(fields: &[(&str, &str)]) -> Option<IpAddr> {
            ClientIp::TrustedField(HeaderName::from_static("x-ip")).of(&parts(fields))
        }
        assert_eq!(trusted(&[("x-ip", " 2001:db8::1 ")]), Some("2001:db8::1".parse().unwrap()));
        assert_eq!(trusted(&[("x-ip", "::ffff:192.0.2.1")]), Some([192, 0, 2, 1].into()));
        for odd in ["", "192.0.2.1, 192.0.2.2", "192.0.2.1:80", "example"] {
            assert_eq!(trusted(&[("x-ip", odd)]), None, "{odd}");
        }
        assert_eq!(trusted(&[("x-ip", "192.0.2.1"), ("x-ip", "192.0.2.1")]), None);
    }

    #[test]
    fn a_ray_id_is_visible_text_or_random() {
        let ray = RayId::Field(HeaderName::from_static("cf-ray"));
        assert_eq!(ray.of(&parts(&[("cf-ray", "7d0f3c1b2a9e4c55-AMS")])), "7d0f3c1b2a9e4c55-AMS");
        let long = "a".repeat(129);
        for odd in ["", "a b", "a\tb", long.as_str()] {
            let id = ray.of(&parts(&[("cf-ray", odd)]));
            assert!(id.len() == 16 && id != odd, "{odd}: {id}");
        }
        assert_ne!(RayId::Random.of(&parts(&[])), RayId::Random.of(&parts(&[])));
        assert_eq!(RayId::SignedNonce.of(&parts(&[])).len(), 16);
    }
}
