//! Sets that a value is looked up in.

use std::net::IpAddr;

use hashbrown::HashTable;

/// Up to this many ranges, looking at them one by one is faster than a search.
const FEW: usize = 16;

/// Numbers, as ranges that are sorted and do not touch.
#[derive(Clone, Debug)]
pub(super) struct Ranges<N> {
    starts: Box<[N]>,
    /// Of each start, the last number that belongs to it.
    ends: Box<[N]>,
}

impl<N: Ord + Copy> Ranges<N> {
    /// Of ranges in any order, both ends included; `next` is the number after one, if there is one.
    fn new(mut ranges: Vec<(N, N)>, next: impl Fn(N) -> Option<N>) -> Self {
        ranges.sort_unstable();
        let mut merged: Vec<(N, N)> = Vec::with_capacity(ranges.len());
        for (start, end) in ranges {
            match merged.last_mut() {
                Some((_, last)) if next(*last).is_none_or(|next| start <= next) => {
                    *last = end.max(*last);
                }
                _ => merged.push((start, end)),
            }
        }
        let (starts, ends): (Vec<_>, Vec<_>) = merged.into_iter().unzip();
        Self { starts: starts.into(), ends: ends.into() }
    }

    /// Whether a number is in one of them.
    #[inline]
    fn contains(&self, number: N) -> bool {
        let begun = if self.starts.len() <= FEW {
            // Without a branch: short numbers are compared several at a time.
            self.starts.iter().map(|start| usize::from(*start <= number)).sum()
        } else {
            self.starts.partition_point(|start| *start <= number)
        };
        let end = usize::checked_sub(begun, 1).and_then(|last| self.ends.get(last));
        end.is_some_and(|end| number <= *end)
    }

    /// As [`contains`](Self::contains), for long numbers, which are compared one at a time.
    #[inline]
    fn contains_long(&self, number: N) -> bool {
        if self.starts.len() > FEW {
            return self.contains(number);
        }
        let mut ranges = self.starts.iter().zip(&self.ends);
        ranges.find(|(_, end)| number <= **end).is_some_and(|(start, _)| *start <= number)
    }
}

/// Integers.
#[derive(Clone, Debug)]
pub(super) struct IntSet(Ranges<i64>);

impl IntSet {
    pub(super) fn new(ranges: &[(i64, i64)]) -> Self {
        Self(Ranges::new(ranges.to_vec(), |number| number.checked_add(1)))
    }

    #[inline]
    pub(super) fn contains(&self, number: i64) -> bool {
        self.0.contains_long(number)
    }
}

/// Addresses. Those of another family are in no range.
#[derive(Clone, Debug)]
pub(super) struct IpSet {
    v4: Ranges<u32>,
    v6: Ranges<u128>,
}

impl IpSet {
    pub(super) fn new(ranges: &[(IpAddr, IpAddr)]) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for range in ranges {
            match range {
                (IpAddr::V4(start), IpAddr::V4(end)) => v4.push((start.to_bits(), end.to_bits())),
                (IpAddr::V6(start), IpAddr::V6(end)) => v6.push((start.to_bits(), end.to_bits())),
                _ => {}
            }
        }
        Self {
            v4: Ranges::new(v4, |number| number.checked_add(1)),
            v6: Ranges::new(v6, |number| number.checked_add(1)),
        }
    }

    #[inline]
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.v4.contains(address.to_bits()),
            IpAddr::V6(address) => self.v6.contains_long(address.to_bits()),
        }
    }
}

/// Bytes, by a hash that is fast for what is short. Rules choose the members, so nobody can make them collide
/// from outside.
#[derive(Clone, Debug)]
pub(super) struct BytesSet {
    members: HashTable<Box<[u8]>>,
    /// A value that is longer is not hashed.
    longest: usize,
}

impl BytesSet {
    pub(super) fn new(values: &[Vec<u8>]) -> Self {
        let mut members: HashTable<Box<[u8]>> = HashTable::with_capacity(values.len());
        for value in values {
            let hash = fnv(value);
            if members.find(hash, |known| **known == **value).is_none() {
                members.insert_unique(hash, value.as_slice().into(), |known| fnv(known));
            }
        }
        Self { members, longest: values.iter().map(Vec::len).max().unwrap_or(0) }
    }

    #[inline]
    pub(super) fn contains(&self, value: &[u8]) -> bool {
        value.len() <= self.longest
            && self.members.find(fnv(value), |known| **known == *value).is_some()
    }
}

/// FNV-1a, and its bits mixed: the table takes a place from the low ones and a tag from the high ones.
#[inline]
fn fnv(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, step);
    let mixed = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn families_do_not_mix() {
        let range = |start: &str, end: &str| (start.parse().unwrap(), end.parse().unwrap());
        let set = IpSet::new(&[range("10.0.0.0", "10.0.0.255"), range("::", "::ffff")]);
        for (address, expected) in [
            ("10.0.0.0", true),
            ("10.0.0.255", true),
            ("10.0.1.0", false),
            ("::1", true),
            ("::1:0", false),
            ("0.0.0.1", false),
        ] {
            assert_eq!(set.contains(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn ends_of_the_numbers() {
        let set =
            IntSet::new(&[(i64::MAX, i64::MAX), (i64::MIN, i64::MIN), (i64::MAX - 1, i64::MAX)]);
        assert!(set.contains(i64::MAX) && set.contains(i64::MIN) && set.contains(i64::MAX - 1));
        assert!(!set.contains(0) && !IntSet::new(&[]).contains(0));
    }

    proptest! {
        #[test]
        fn ints_are_in_a_range_or_in_none(
            ranges in prop::collection::vec((-20_i64..20, 0_i64..5), 0..8),
            number in -30_i64..30,
        ) {
            let ranges: Vec<_> = ranges.into_iter().map(|(start, more)| (start, start + more)).collect();
            let expected = ranges.iter().any(|(start, end)| (*start..=*end).contains(&number));
            prop_assert_eq!(IntSet::new(&ranges).contains(number), expected);
        }

        #[test]
        fn bytes_are_in_it_or_not(values in prop::collection::vec("[ab]{0,3}", 0..12), value in "[ab]{0,3}") {
            let values: Vec<_> = values.into_iter().map(String::into_bytes).collect();
            let expected = values.contains(&value.clone().into_bytes());
            prop_assert_eq!(BytesSet::new(&values).contains(value.as_bytes()), expected);
        }
    }
}
