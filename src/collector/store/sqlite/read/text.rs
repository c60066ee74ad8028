//! How texts and addresses are compared, once: in SQL, and on the values of roll-ups.

use std::net::Ipv6Addr;

use ipnet::{IpNet, Ipv6Net};
use memchr::memmem;

use crate::collector::FieldKind;
use crate::collector::query::{Condition, Filter, Sense, Test};

/// Whether a filter compares with patterns, which may take long.
pub(super) fn has_patterns(filter: &Filter) -> bool {
    filter.conditions.iter().any(|condition| matches!(condition.test, Test::Wildcard(_)))
}

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
/// What stands between two `*` is looked for from left to right, each piece where it first occurs: to take a
/// later place never helps. The work is linear in both lengths.
pub(super) fn is_like(pattern: &[u8], text: &[u8]) -> bool {
    let mut pieces = pattern.split(|byte| *byte == b'*');
    let first = pieces.next().unwrap_or_default();
    // Without any `*`.
    let Some(last) = pieces.next_back() else { return first.eq_ignore_ascii_case(text) };
    let Some((start, rest)) = text.split_at_checked(first.len()) else { return false };
    let Some(end) = rest.len().checked_sub(last.len()) else { return false };
    let Some((middle, ending)) = rest.split_at_checked(end) else { return false };
    start.eq_ignore_ascii_case(first)
        && ending.eq_ignore_ascii_case(last)
        && has_in_turn(middle, pieces.filter(|piece| !piece.is_empty()))
}

/// Whether a text has all pieces, one after the other.
fn has_in_turn<'p>(text: &[u8], pieces: impl Iterator<Item = &'p [u8]>) -> bool {
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return true;
    }
    let text = text.to_ascii_lowercase();
    let mut rest = text.as_slice();
    for piece in pieces {
        let Some(place) = memmem::find(rest, &piece.to_ascii_lowercase()) else { return false };
        let Some(after) = rest.get(place.saturating_add(piece.len())..) else { return false };
        rest = after;
    }
    true
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::clock::monotonic;

    /// As the promise says it, however long it takes.
    fn plainly(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some((b'*', after)), _) => {
                (0..=text.len()).any(|taken| plainly(after, &text[taken..]))
            }
            (Some((one, after)), Some((other, rest))) => {
                one.eq_ignore_ascii_case(other) && plainly(after, rest)
            }
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn patterns_match_as_the_promise_says(pattern in "[aAb*?ä]{0,7}", text in "[aAbB*?ä]{0,9}") {
            let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
            prop_assert_eq!(is_like(pattern, text), plainly(pattern, text));
        }
    }

    #[test]
    fn no_pattern_takes_long() {
        let text = "a".repeat(16 << 10);
        let pieces = "ab*".repeat(600);
        for pattern in [format!("*{}b*", "a".repeat(500)), format!("*{}b", "a".repeat(500)), pieces]
        {
            let begun = monotonic();
            for _ in 0..100 {
                assert!(!is_like(pattern.as_bytes(), text.as_bytes()));
            }
            // The product of the lengths would be eight million steps, a hundred times.
            let took = monotonic().saturating_duration_since(begun);
            assert!(took < Duration::from_secs(1), "{took:?}");
        }
    }
}
