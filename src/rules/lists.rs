//! Lists that rules name: `ip.src in $office`.

use std::net::IpAddr;

/// The members of a list, all of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum List {
    /// Integers; each range with both ends.
    Ints(Vec<(i64, i64)>),
    /// Addresses; each range with both ends, of one family.
    Ips(Vec<(IpAddr, IpAddr)>),
    /// Bytes.
    Bytes(Vec<Vec<u8>>),
}
