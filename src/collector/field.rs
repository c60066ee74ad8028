//! The plain members of an event that can be asked for: one table for JSON, SQL, the API and exports.

use std::net::{IpAddr, Ipv6Addr};

/// What a field's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FieldKind {
    /// A text.
    Text,
    /// An integer from 0 to 4,294,967,295.
    Integer,
    /// An IP address.
    Address,
}

macro_rules! fields {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $column:literal, $kind:ident;)*) => {
        /// A plain member of an event, with the name of Cloudflare's `firewall_events`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Field {
            $($(#[$doc])* $variant,)*
        }

        impl Field {
            /// All of them, in the order of columns and exports.
            pub const ALL: [Self; FIELDS] = [$(Self::$variant,)*];

            /// Its name in JSON.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Its name as a column, and as a parameter of a query.
            #[must_use]
            pub const fn column(self) -> &'static str {
                match self { $(Self::$variant => $column,)* }
            }

            /// What its values are.
            #[must_use]
            pub const fn kind(self) -> FieldKind {
                match self { $(Self::$variant => FieldKind::$kind,)* }
            }

            /// The field of this name in JSON.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }

            /// The field of this column or parameter.
            #[must_use]
            pub fn from_column(column: &str) -> Option<Self> {
                match column { $($column => Some(Self::$variant),)* _ => None }
            }

            #[expect(clippy::as_conversions, reason = "the discriminants of a fieldless enum count from 0")]
            pub(crate) const fn index(self) -> usize {
                self as usize
            }
        }
    };
}

/// How many fields there are.
pub const FIELDS: usize = 29;

fields! {
    /// What was done: `block`, `log`, `challenge` ….
    Action = "Action", "action", Text;
    /// The deciding rule.
    RuleId = "RuleID", "rule_id", Text;
    /// Which product decided: `firewallCustom`, `waf` ….
    Source = "Source", "source", Text;
    /// Cloudflare's kind of event, `firewall`.
    Kind = "Kind", "kind", Text;
    /// The request's id.
    RayId = "RayID", "ray_id", Text;
    /// Which of the request's events it is.
    MatchIndex = "MatchIndex", "match_index", Integer;
    /// The rule's reference.
    Ref = "Ref", "ref", Text;
    /// The rule's description.
    Description = "Description", "description", Text;
    /// Who asked.
    ClientIp = "ClientIP", "client_ip", Address;
    /// What kind of address that is.
    ClientIpClass = "ClientIPClass", "client_ip_class", Text;
    /// Two letters.
    ClientCountry = "ClientCountry", "client_country", Text;
    /// The client's autonomous system.
    ClientAsn = "ClientASN", "client_asn", Integer;
    /// Its name.
    ClientAsnDescription = "ClientASNDescription", "client_asn_description", Text;
    /// The request's method.
    Method = "ClientRequestMethod", "method", Text;
    /// `http` or `https`.
    Scheme = "ClientRequestScheme", "scheme", Text;
    /// `HTTP/1.1` ….
    Protocol = "ClientRequestProtocol", "protocol", Text;
    /// The host that was asked.
    Host = "ClientRequestHost", "host", Text;
    /// The path that was asked for.
    Path = "ClientRequestPath", "path", Text;
    /// The query, with its `?`.
    Query = "ClientRequestQuery", "query", Text;
    /// The user agent.
    UserAgent = "ClientRequestUserAgent", "user_agent", Text;
    /// The referer's scheme.
    RefererScheme = "ClientRefererScheme", "referer_scheme", Text;
    /// The referer's host.
    RefererHost = "ClientRefererHost", "referer_host", Text;
    /// The referer's path.
    RefererPath = "ClientRefererPath", "referer_path", Text;
    /// The referer's query.
    RefererQuery = "ClientRefererQuery", "referer_query", Text;
    /// Where the edge stands.
    EdgeColoCode = "EdgeColoCode", "edge_colo_code", Text;
    /// What the edge answered.
    EdgeResponseStatus = "EdgeResponseStatus", "edge_response_status", Integer;
    /// What the origin answered.
    OriginResponseStatus = "OriginResponseStatus", "origin_response_status", Integer;
    /// The request that this one belongs to; `00` for none.
    OriginatorRayId = "OriginatorRayID", "originator_ray_id", Text;
    /// The key that a version 4 blob names, in hexadecimal; made by the collector.
    KeyId = "KeyID", "key_id", Text;
}

impl Field {
    /// The fields whose counts are kept by minute, exactly.
    pub const ROLLED_UP: [Self; 5] =
        [Self::Action, Self::RuleId, Self::Source, Self::Host, Self::ClientCountry];

    /// Whether its counts are kept by minute.
    #[must_use]
    pub fn is_rolled_up(self) -> bool {
        Self::ROLLED_UP.contains(&self)
    }
}

/// Texts by field, in one buffer: an event costs one allocation for all of them.
///
/// An integer stands as its decimal digits, an address in its canonical text.
#[derive(Clone, Debug)]
pub struct FieldValues {
    text: String,
    spans: [(u32, u32); FIELDS],
}

const ABSENT: (u32, u32) = (u32::MAX, 0);

/// Equal values, in whichever order they were set.
impl PartialEq for FieldValues {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for FieldValues {}

impl Default for FieldValues {
    fn default() -> Self {
        Self { text: String::new(), spans: [ABSENT; FIELDS] }
    }
}

impl FieldValues {
    /// No values, with room for `bytes` of text.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), ..Self::default() }
    }

    /// The value of a field.
    #[must_use]
    pub fn get(&self, field: Field) -> Option<&str> {
        let &(start, bytes) = self.spans.get(field.index())?;
        let start = usize::try_from(start).ok()?;
        let end = start.checked_add(usize::try_from(bytes).ok()?)?;
        self.text.get(start..end)
    }

    /// Sets a value. It has to be of the field's [kind](Field::kind): [`is_valid`](Self::is_valid) says.
    pub fn set(&mut self, field: Field, value: &str) {
        let (Ok(start), Ok(bytes)) = (u32::try_from(self.text.len()), u32::try_from(value.len()))
        else {
            return;
        };
        if let Some(span) = self.spans.get_mut(field.index()) {
            self.text.push_str(value);
            *span = (start, bytes);
        }
    }

    /// Takes a value out. Its bytes are overwritten, not only forgotten.
    pub fn remove(&mut self, field: Field) {
        let mut others = Self::with_capacity(self.text.len());
        for other in Field::ALL.into_iter().filter(|other| *other != field) {
            if let Some(value) = self.get(other) {
                others.set(other, value);
            }
        }
        zeroize::Zeroize::zeroize(&mut self.text);
        *self = others;
    }

    /// Whether a text is a value of the field: digits without a leading zero up to 32 bits, a canonical
    /// address, or any text.
    #[must_use]
    pub fn is_valid(field: Field, value: &str) -> bool {
        match field.kind() {
            FieldKind::Text => true,
            FieldKind::Integer => {
                value.parse::<u32>().is_ok_and(|number| number.to_string() == value)
            }
            FieldKind::Address => value
                .parse::<IpAddr>()
                .is_ok_and(|address| address.to_canonical().to_string() == value),
        }
    }

    /// The value of an integer field.
    #[must_use]
    pub fn integer(&self, field: Field) -> Option<u32> {
        self.get(field)?.parse().ok()
    }

    /// The value of an address field as 16 bytes; IPv4 is mapped into IPv6.
    #[must_use]
    pub fn address(&self, field: Field) -> Option<[u8; 16]> {
        Some(match self.get(field)?.parse().ok()? {
            IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
            IpAddr::V6(address) => address.octets(),
        })
    }

    /// Bytes of all values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// The values that are there, in the order of [`Field::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Field, &str)> {
        Field::ALL.into_iter().filter_map(|field| Some((field, self.get(field)?)))
    }
}

/// The text of an address that was stored as 16 bytes.
#[must_use]
pub fn address_text(bytes: [u8; 16]) -> String {
    Ipv6Addr::from(bytes).to_canonical().to_string()
}
