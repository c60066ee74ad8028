//! How texts and addresses are compared, once: in SQL, and on the values of roll-ups.

use std::net::Ipv6Addr;

use ipnet::{IpNet, Ipv6Net};

use crate::collector::FieldKind;
use crate::collector::query::{Condition, Sense, Test};

/// Whether a value passes a condition on a field of texts.
pub(super) fn passes(condition: &Condition, value: Option<&str>) -> bool {
    let passes = value.is_some_and(|value| test_passes(condition, value));
    match condition.sense {
        Sense::Include => passes,
        Sense::Exclude => !passes,
    }
}

fn test_passes(condition: &Condition, value: &str) -> bool {
    if condition.field.kind() != FieldKind::Text {
        return false;
    }
    match &condition.test {
        Test::AnyOf(texts) => texts.iter().any(|text| text == value),
        Test::Prefix(prefixes) => prefixes.iter().any(|prefix| value.starts_with(prefix.as_str())),
        Test::Wildcard(patterns) => {
            patterns.iter().any(|pattern| is_like(pattern.as_bytes(), value.as_bytes()))
        }
        Test::InNetworks(_) => false,
    }
}

/// Whether a text is of a pattern in which `*` stands for any text; ASCII letters match in either case.
///
/// Only the last `*` is ever taken back, so the work is bounded by the product of the lengths, and is
/// linear for most texts.
pub(super) fn is_like(pattern: &[u8], text: &[u8]) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    let mut resume: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern.split_first(), text.split_first()) {
            (Some((b'*', after)), _) => {
                resume = Some((after, text));
                pattern = after;
            }
            (Some((one, next)), Some((other, rest))) if one.eq_ignore_ascii_case(other) => {
                (pattern, text) = (next, rest);
            }
            (None, None) => return true,
            _ => {
                // The last `*` takes one byte more.
                let Some((after, from)) = resume else { return false };
                let Some((_, from)) = from.split_first() else { return false };
                resume = Some((after, from));
                (pattern, text) = (after, from);
            }
        }
    }
}

/// The first text, in order of bytes, that is greater than all that begin with `prefix`; `None` when there
/// is none.
///
/// The order of UTF-8's bytes is the order of characters, so the last character is counted up.
pub(super) fn after_prefix(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        let next = match last {
            // Surrogates are no characters.
            '\u{d7ff}' => Some('\u{e000}'),
            _ => u32::from(last).checked_add(1).and_then(char::from_u32),
        };
        if let Some(next) = next {
            text.push(next);
            return Some(text);
        }
    }
    None
}

/// The first and the last address of a span, as they are stored: 16 bytes, IPv4 mapped into IPv6.
pub(super) type Span = ([u8; 16], [u8; 16]);

/// Where the addresses of a network stand. A network holds addresses of its own kind alone, so one of IPv6
/// is cut where the mapped addresses of IPv4 are.
pub(super) fn spans(network: &IpNet) -> Vec<Span> {
    match network {
        IpNet::V4(network) => {
            let mapped = |address: std::net::Ipv4Addr| address.to_ipv6_mapped().octets();
            vec![(mapped(network.network()), mapped(network.broadcast()))]
        }
        IpNet::V6(network) => without_mapped(network),
    }
}

/// `::ffff:0:0/96`.
const MAPPED: (u128, u128) = (0xffff_0000_0000, 0xffff_ffff_ffff);

fn without_mapped(network: &Ipv6Net) -> Vec<Span> {
    let (first, last) = (u128::from(network.network()), u128::from(network.broadcast()));
    let below = (first, last.min(MAPPED.0 - 1));
    let above = (first.max(MAPPED.1 + 1), last);
    let octets = |number: u128| Ipv6Addr::from(number).octets();
    let is_whole = |(first, last): &(u128, u128)| first <= last;
    let spans = [below, above].into_iter().filter(is_whole);
    spans.map(|(first, last)| (octets(first), octets(last))).collect()
}
