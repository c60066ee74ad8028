//! `cidr` and `cidr6`: the network that an address is in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `cidr(address, bits of IPv4, bits of IPv6)`: the network's first address. No value for a number of
/// bits that is out of range.
pub(in crate::rules) fn cidr(address: IpAddr, v4_bits: i64, v6_bits: i64) -> Option<IpAddr> {
    match address {
        IpAddr::V4(v4) => {
            let host_bits = 32_u32.checked_sub(u32::try_from(v4_bits).ok()?)?;
            let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
            Some(IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask)))
        }
        IpAddr::V6(v6) => {
            let host_bits = 128_u32.checked_sub(u32::try_from(v6_bits).ok()?)?;
            let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
            Some(IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_documented() {
        let of =
            |address: &str, v4, v6| cidr(address.parse().unwrap(), v4, v6).map(|it| it.to_string());
        assert_eq!(of("113.10.0.2", 24, 24).as_deref(), Some("113.10.0.0"));
        assert_eq!(
            of("2001:0000:130F:0000:0000:09C0:876A:130B", 24, 24).as_deref(),
            Some("2001::")
        );
        assert_eq!(of("113.10.0.2", 32, 24).as_deref(), Some("113.10.0.2"));
        assert_eq!(of("113.10.0.2", 0, 0).as_deref(), Some("0.0.0.0"));
        assert_eq!(of("ffff::1", 0, 128).as_deref(), Some("ffff::1"));
        assert_eq!(of("ffff::1", 0, 0).as_deref(), Some("::"));
        assert_eq!(of("113.10.0.2", 33, 24), None);
        assert_eq!(of("ffff::1", 24, -1), None);
        assert_eq!(of("ffff::1", 24, 129), None);
    }
}
