//! Whose events they are.

use std::fmt;
use std::sync::Arc;

use super::limits::MAX_TENANT_ID_BYTES;

/// A tenant's immutable id: 1 to 32 of `a`-`z`, `0`-`9`, `-` and `_`, not beginning with `-` or `_`.
///
/// It names a folder on the disk and the `tenant` of a blob's binding, and always comes with a
/// credential. Clones share one text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(Arc<str>);

impl TenantId {
    /// The id, or `None` for any other text.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let is_inner = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let fits = (1..=MAX_TENANT_ID_BYTES).contains(&text.len());
        let begins_well = text.as_bytes().first().is_some_and(is_inner);
        let all_known = text.bytes().all(|byte| is_inner(&byte) || matches!(byte, b'-' | b'_'));
        (fits && begins_well && all_known).then(|| Self(text.into()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
