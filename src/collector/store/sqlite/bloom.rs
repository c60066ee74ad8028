//! Which events a segment surely does not hold.

use crate::collector::EventId;

/// Bytes of a block: all bits of one event are in it, so that a question costs one line of the cache.
const BLOCK_BYTES: usize = 32;
const WORDS: usize = 8;
/// 20 bits an event: about one wrong "perhaps" in 1,500, so that a hundred segments that overlap in time cost
/// less than a tenth of a look-up for each event.
const EVENTS_PER_BLOCK: usize = BLOCK_BYTES * 8 / 20;

/// Odd numbers that pick one bit of each word (the split block Bloom filter of Apache Parquet).
const SALTS: [u32; WORDS] = [
    0x47b6_137b,
    0x4497_4d91,
    0x8824_ad5b,
    0xa2b7_289d,
    0x7054_95c7,
    0x2df1_424b,
    0x9efc_4947,
    0x5c6b_fb31,
];

/// A set of events that errs on one side: it may claim to hold one that it does not.
#[derive(Clone, Debug)]
pub(super) struct Bloom {
    blocks: Vec<[u32; WORDS]>,
}

impl Bloom {
    /// An empty set with room for about `events`.
    pub(super) fn with_room(events: usize) -> Self {
        Self { blocks: vec![[0; WORDS]; events.div_ceil(EVENTS_PER_BLOCK).max(1)] }
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (blocks, rest) = bytes.as_chunks::<BLOCK_BYTES>();
        if blocks.is_empty() || !rest.is_empty() {
            return None;
        }
        let words = |block: &[u8; BLOCK_BYTES]| {
            let mut words = [0; WORDS];
            for (word, bytes) in words.iter_mut().zip(block.as_chunks::<4>().0) {
                *word = u32::from_le_bytes(*bytes);
            }
            words
        };
        Some(Self { blocks: blocks.iter().map(words).collect() })
    }

    /// As it is stored.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.blocks.iter().flatten().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        self.blocks.len().saturating_mul(BLOCK_BYTES)
    }

    /// Takes an event in.
    pub(super) fn insert(&mut self, key: Key) {
        let place = self.place(key);
        if let Some(block) = self.blocks.get_mut(place) {
            for (word, bit) in block.iter_mut().zip(key.bits()) {
                *word |= bit;
            }
        }
    }

    /// Whether the event may be in it.
    pub(super) fn may_hold(&self, key: Key) -> bool {
        let block = self.blocks.get(self.place(key));
        block.is_some_and(|block| block.iter().zip(key.bits()).all(|(word, bit)| word & bit != 0))
    }

    fn place(&self, key: Key) -> usize {
        // The upper half of the product spreads 32 bits evenly over the blocks.
        let blocks = u64::try_from(self.blocks.len()).unwrap_or_default();
        usize::try_from((key.0 >> 32).wrapping_mul(blocks) >> 32).unwrap_or_default()
    }
}

/// An event's place in every filter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key(u64);

impl Key {
    /// Of an event. Its id is a keyed hash or random already; stirred, it also serves where a caller counts.
    pub(super) fn new(id: EventId) -> Self {
        let id = u128::from_be_bytes(id.0);
        let low = u64::try_from(id & u128::from(u64::MAX)).unwrap_or_default();
        let high = u64::try_from(id >> 64).unwrap_or_default();
        let mut mixed = low ^ high.rotate_left(32);
        // The finalizer of SplitMix64.
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self(mixed ^ (mixed >> 31))
    }

    fn bits(self) -> impl Iterator<Item = u32> {
        let low = u32::try_from(self.0 & u64::from(u32::MAX)).unwrap_or_default();
        SALTS.into_iter().map(move |salt| 1 << (low.wrapping_mul(salt) >> 27))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u128) -> Key {
        Key::new(EventId(number.to_be_bytes()))
    }

    #[test]
    fn what_is_in_it_is_found_and_little_else() {
        let mut bloom = Bloom::with_room(60_000);
        (0..60_000).for_each(|number| bloom.insert(key(number)));
        let bloom = Bloom::from_bytes(&bloom.to_bytes()).unwrap();
        assert!((0..60_000).all(|number| bloom.may_hold(key(number))));
        let wrong = (1 << 64..(1 << 64) + 100_000_u128).filter(|other| bloom.may_hold(key(*other)));
        let wrong = wrong.count();
        assert!(wrong < 200, "{wrong} of 100,000");
        assert!(Bloom::from_bytes(&[]).is_none() && Bloom::from_bytes(&[0; 33]).is_none());
    }
}
