//! Numbers of batches: `node << 44 | sequence`, so that several collectors share a database.
//!
//! All of them fit into 52 bits: JSON's numbers and SQLite's hold them exactly.

const SEQUENCE_BITS: u32 = 44;

/// One of the collectors on a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node(pub(super) u8);

impl Node {
    fn base(self) -> u64 {
        u64::from(self.0) << SEQUENCE_BITS
    }

    /// The least number of this node. (The sequence begins after 0.)
    pub(super) fn first(self) -> u64 {
        self.base()
    }

    /// The greatest number of this node.
    pub(super) fn last(self) -> u64 {
        self.base() | ((1 << SEQUENCE_BITS) - 1)
    }

    /// The number of this place in the sequence.
    pub(super) fn number(self, sequence: u64) -> u64 {
        self.base().saturating_add(sequence).min(self.last())
    }

    /// The place of a number in its node's sequence.
    pub(super) fn sequence(number: u64) -> u64 {
        number & ((1 << SEQUENCE_BITS) - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_nodes_do_not_meet() {
        assert_eq!(Node(0).number(7), 7, "the first collector counts as SQLite does");
        assert!(Node(1).number(1) > Node(0).last());
        assert_eq!(Node::sequence(Node(255).number(9)), 9);
        assert!(Node(255).last() < 1 << 52);
        assert_eq!(Node(3).last() + 1, Node(4).first());
    }
}
