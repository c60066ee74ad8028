//! Addresses, networks and ranges of them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Cursor, cut, is_of_word, repeated};
use crate::rules::error::Fault;

/// Both ends of a range, of one family.
type Range = (IpAddr, IpAddr);

/// An address.
pub(in crate::rules) fn address(cursor: &mut Cursor<'_>) -> Result<IpAddr, Fault> {
    let start = cursor.at();
    let written = take(cursor);
    if let Some((address, _)) = written.split_once('/') {
        let way_out = format!(
            "a network stands in a set: in {{{}}}; or write {}",
            repeated(written),
            repeated(address)
        );
        return cursor.fault(cursor.span(start), "a network is not an address", way_out);
    }
    parse(cursor, start, written)
}

/// An address, a network, or two addresses with `..` between them.
pub(in crate::rules) fn address_range(cursor: &mut Cursor<'_>) -> Result<Range, Fault> {
    let start = cursor.at();
    let written = take(cursor);
    if !written.is_empty() && cursor.peek() == Some('-') {
        return cursor.fault(
            cursor.token(),
            "a range has two dots",
            format!("write {}..", repeated(written)),
        );
    }
    if let Some((first, last)) = written.split_once("..") {
        return range(cursor, start, first, last);
    }
    match written.split_once('/') {
        Some((address, bits)) => {
            let address = parse(cursor, start, address)?;
            let ends = digits(bits).and_then(|bits| network(address, bits));
            let (first, last) = ends.map_or_else(|| not_a_prefix(cursor, start, address), Ok)?;
            if first != address {
                let fault = format!("{written} has bits set behind its prefix");
                let way_out = format!("write {first}/{bits}, or {address} alone");
                return cursor.fault(cursor.span(start), fault, way_out);
            }
            Ok((first, last))
        }
        None => parse(cursor, start, written).map(|address| (address, address)),
    }
}

/// The first and last address with the same leading bits; `None` where the address has not as many.
fn network(address: IpAddr, bits: u32) -> Option<Range> {
    match address {
        IpAddr::V4(address) => {
            let host = u32::MAX.checked_shr(bits).unwrap_or(0);
            let first = address.to_bits() & !host;
            (bits <= 32).then(|| {
                (Ipv4Addr::from_bits(first).into(), Ipv4Addr::from_bits(first | host).into())
            })
        }
        IpAddr::V6(address) => {
            let host = u128::MAX.checked_shr(bits).unwrap_or(0);
            let first = address.to_bits() & !host;
            (bits <= 128).then(|| {
                (Ipv6Addr::from_bits(first).into(), Ipv6Addr::from_bits(first | host).into())
            })
        }
    }
}

fn range(cursor: &Cursor<'_>, start: usize, first: &str, last: &str) -> Result<Range, Fault> {
    let (first, last) = (parse(cursor, start, first)?, parse(cursor, start, last)?);
    if first.is_ipv4() != last.is_ipv4() {
        let way_out = "write two ranges, one for each family";
        return cursor.fault(
            cursor.span(start),
            "the range goes from one address family to the other",
            way_out,
        );
    }
    if last < first {
        let way_out = format!("write {last}..{first}");
        return cursor.fault(cursor.span(start), "the range descends", way_out);
    }
    Ok((first, last))
}

/// All that may be of an address, and what follows it without a break: half an address is none.
fn take<'t>(cursor: &mut Cursor<'t>) -> &'t str {
    cursor.take_while(|next| is_of_word(next) || matches!(next, ':' | '.' | '/' | '%'))
}

fn parse(cursor: &Cursor<'_>, start: usize, written: &str) -> Result<IpAddr, Fault> {
    if let Ok(address) = written.parse() {
        return Ok(address);
    }
    let form = "addresses are like 192.0.2.1 and 2001:db8::1";
    if written.is_empty() && cursor.at() == start {
        let way_out = match cursor.peek() {
            Some('"') => "this value is an Ip: write the address without quotes",
            Some('{') => "a set stands after `in`",
            _ => form,
        };
        return cursor.fault(
            cursor.token(),
            format!("an address belongs here, and {}", cursor.found()),
            way_out,
        );
    }
    cursor.fault(cursor.span(start), format!("{} is not an address", cut(written)), form)
}

fn digits(bits: &str) -> Option<u32> {
    let plain = (1..=3).contains(&bits.len()) && bits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| bits.parse().ok()).flatten()
}

fn not_a_prefix(cursor: &Cursor<'_>, start: usize, address: IpAddr) -> Result<Range, Fault> {
    let most = if address.is_ipv4() { 32 } else { 128 };
    let fault = format!("{} has no prefix length that there is", cut(cursor.since(start)));
    cursor.fault(cursor.span(start), fault, format!("write a number from 0 to {most} behind the /"))
}
