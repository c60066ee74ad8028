//! Limits of what functions give, with unit and reason.

/// Most bytes that one call makes of its arguments, for all elements that it is called for: eight times
/// the body that is buffered. `concat(x, x)` doubles its input, and nested it would do so again and
/// again; what is more is cut.
pub(crate) const MAX_MADE_BYTES: usize = 1_048_576;

/// Most elements of an array that `concat` makes: as many as one-byte arguments fit into a buffered
/// body. What is more is cut.
pub(crate) const MAX_MADE_ELEMENTS: usize = 65_536;

/// Longest slice of `bit_slice`, in bits, as documented.
pub(crate) const MAX_SLICE_BITS: i64 = 32;

/// Highest offset of `bit_slice`, in bits, as documented.
pub(crate) const MAX_SLICE_OFFSET_BITS: i64 = 2_040;
