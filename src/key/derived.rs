//! Derived keys: an edge holds a key for one UTC day and one audience; the root secret stays with the
//! origin (edge signature §6).

use std::fmt;

use hmac::digest::FixedOutput;
use hmac::{KeyInit, Mac};
use zeroize::Zeroizing;

use super::{HmacSha256, Key, KeyId, Secret, is_label};
use crate::error::ConfigError;
use crate::limits::{DEFAULT_OVERLAP_S, MAX_OVERLAP_S, MAX_ROOT_ID_BYTES};
use crate::time::UnixTime;

/// First line of what a key is derived from. No signature base begins so.
const LABEL: &[u8] = b"WAFPASS1-DERIVED-KEY\n";

/// The counter of the first block (RFC 5869 §2.3), which is the only one: a key is one HMAC long.
const FIRST_BLOCK: &[u8] = &[1];

/// Length of `YYYYMMDD`.
const DAY_BYTES: usize = 8;

const MIDNIGHT: &[u8; 8] = b"T000000Z";
const SECONDS_PER_DAY: i64 = 86_400;

/// A secret from which the keys of single days and audiences are derived (edge signature §6).
///
/// An edge that holds a derived key can sign for its audience on its day, and no longer: what leaks
/// from an edge dies by itself. The id of a derived key is `<root id>.<YYYYMMDD>`. A root is no
/// signing key: no message passes under its own id.
///
/// A key counts on its UTC day and for the overlap on both sides: within it the edge goes on to the
/// next key, and requests of the last seconds arrive. An overlap below max_age and skew refuses some
/// of these.
///
/// As with [`Key`], the secret itself is not kept, only the state that HMAC makes of it.
///
/// ```
/// use wafpass::{Keyring, RootKey, Secret, UnixTime};
///
/// # fn main() -> Result<(), wafpass::ConfigError> {
/// let secret = Secret::from_base64url("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")?;
/// let root = RootKey::new("shop-root", &secret)?;
///
/// let today = UnixTime::from_secs(1_795_307_400);
/// let derived = root.derive(today, "shop")?; // for the edge's key store
/// assert_eq!(derived.id().as_str(), "shop-root.20261122");
/// assert_ne!(*derived.secret().to_base64url(), *secret.to_base64url());
///
/// let keys = Keyring::with_roots([], [root])?; // for the origin
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RootKey {
    /// Its id, its keyed state and its window; it never signs.
    key: Key,
    overlap_s: u32,
}

impl RootKey {
    /// A root that counts from now on and for ever, until it is given a window or revoked, with an
    /// overlap of an hour.
    ///
    /// # Errors
    ///
    /// [`ConfigError::RootId`] when `id` is no key id, or longer than [`MAX_ROOT_ID_BYTES`].
    pub fn new(id: &str, secret: &Secret) -> Result<Self, ConfigError> {
        if !is_label(id.as_bytes()) || id.len() > MAX_ROOT_ID_BYTES {
            return Err(ConfigError::RootId { text: id.into() });
        }
        Ok(Self { key: Key::new(id, secret)?, overlap_s: DEFAULT_OVERLAP_S })
    }

    /// A derived key counts from `seconds` before its UTC day until `seconds` after it.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Overlap`] above [`MAX_OVERLAP_S`].
    pub fn overlap(mut self, seconds: u32) -> Result<Self, ConfigError> {
        if seconds > MAX_OVERLAP_S {
            return Err(ConfigError::Overlap { overlap_s: seconds });
        }
        self.overlap_s = seconds;
        Ok(self)
    }

    /// No derived key counts before `moment`.
    #[must_use]
    pub const fn not_before(mut self, moment: UnixTime) -> Self {
        self.key.not_before = Some(moment);
        self
    }

    /// Derived keys count until just before `moment`.
    #[must_use]
    pub const fn not_after(mut self, moment: UnixTime) -> Self {
        self.key.not_after = Some(moment);
        self
    }

    /// The root is known, and every key derived from it is refused.
    #[must_use]
    pub const fn revoked(mut self) -> Self {
        self.key.revoked = true;
        self
    }

    /// Whether the root is known, and what is derived from it refused.
    #[must_use]
    pub const fn is_revoked(&self) -> bool {
        self.key.is_revoked()
    }

    /// The root's name.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        self.key.id()
    }

    /// Seconds that a derived key counts beyond its day, on both sides.
    #[must_use]
    pub const fn overlap_s(&self) -> u32 {
        self.overlap_s
    }

    /// From here on no derived key counts.
    #[cfg(feature = "layer")]
    pub(crate) const fn end(&self) -> Option<UnixTime> {
        self.key.not_after
    }

    /// Derives the key for `audience` and the UTC day that `moment` lies in.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Label`] when `audience` departs from its grammar, and
    /// [`ConfigError::DerivedDay`] outside the years 0001 to 9999.
    pub fn derive(&self, moment: UnixTime, audience: &str) -> Result<DerivedKey, ConfigError> {
        if !is_label(audience.as_bytes()) {
            return Err(ConfigError::Label { what: "audience", text: audience.into() });
        }
        let of_day = self.of_day(Day::of(moment)).ok_or(ConfigError::DerivedDay)?;
        let secret = of_day.expand(audience.as_bytes());
        let key = of_day.key_from(&secret);
        Ok(DerivedKey { key, secret: Secret(Zeroizing::new(secret.to_vec())) })
    }

    /// The root itself as a key, for those who look for a mistake.
    #[cfg(feature = "explain")]
    pub(crate) const fn as_key(&self) -> &Key {
        &self.key
    }

    /// Whether the root's own window holds no moment at all.
    pub(crate) fn has_empty_window(&self) -> bool {
        self.key.has_empty_window()
    }

    /// This root's key of `day`, under the id that a message would give it.
    pub(crate) fn of_day(&self, day: Day) -> Option<OfDay<'_>> {
        let id = [self.id().as_bytes(), b".", &day.text()?].concat();
        Some(OfDay { root: self, id: KeyId::from_bytes(&id)?, day })
    }
}

impl fmt::Debug for RootKey {
    /// The id, the window and the overlap; never the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RootKey")
            .field("id", self.id())
            .field("not_before", &self.key.not_before)
            .field("not_after", &self.key.not_after)
            .field("revoked", &self.key.revoked)
            .field("overlap_s", &self.overlap_s)
            .finish_non_exhaustive()
    }
}

/// A key derived from a [`RootKey`], for one UTC day and one audience.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "so that its secret reaches no log")]
pub struct DerivedKey {
    key: Key,
    secret: Secret,
}

impl DerivedKey {
    /// Its name, `<root id>.<YYYYMMDD>`.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        self.key.id()
    }

    /// Its secret, for an edge's key store.
    #[must_use]
    pub const fn secret(&self) -> &Secret {
        &self.secret
    }

    /// It as a key, for a [`Signer`](crate::Signer), in the window in which the origin accepts it.
    #[must_use]
    pub const fn key(&self) -> &Key {
        &self.key
    }
}

/// A root's key of a day, before anything is derived: enough to tell whether it counts.
#[derive(Clone, Copy)]
pub(crate) struct OfDay<'a> {
    pub(crate) root: &'a RootKey,
    pub(crate) id: KeyId,
    pub(crate) day: Day,
}

impl OfDay<'_> {
    /// When the key begins to count, and the moment from which on it does not, by its day alone.
    pub(crate) fn window(&self) -> (UnixTime, UnixTime) {
        let overlap_s = i64::from(self.root.overlap_s);
        let Day(start) = self.day;
        (start.saturating_add(-overlap_s), start.saturating_add(SECONDS_PER_DAY + overlap_s))
    }

    /// Whether the key counts at `now`: in the overlapping day, and where the root counts.
    pub(crate) fn is_active(&self, now: UnixTime) -> bool {
        let (start, end) = self.window();
        self.root.key.is_active(now) && start <= now && now < end
    }

    /// The key for `audience`.
    pub(crate) fn key(&self, audience: &[u8]) -> Key {
        self.key_from(&self.expand(audience))
    }

    /// HKDF-Expand (RFC 5869 §2.3) of the root to 32 bytes: a single HMAC.
    ///
    /// §2.2 (Extract) is left out: a root is uniformly random already (§3.3 there). No id and no
    /// audience has a line feed, so that no two pairs make one text.
    fn expand(&self, audience: &[u8]) -> Zeroizing<[u8; 32]> {
        let mac = self
            .root
            .key
            .keyed()
            .chain_update(LABEL)
            .chain_update(self.id.as_bytes())
            .chain_update(b"\n")
            .chain_update(audience)
            .chain_update(FIRST_BLOCK);
        let mut derived = Zeroizing::new([0; 32]);
        mac.finalize_into((&mut *derived).into());
        derived
    }

    fn key_from(&self, derived: &[u8; 32]) -> Key {
        let mut block = Zeroizing::new([0; 64]); // RFC 2104 §2: a short key is filled with zeros
        if let Some(start) = block.first_chunk_mut() {
            *start = *derived;
        }
        let Key { not_before, not_after, revoked, .. } = self.root.key;
        let (start, end) = self.window();
        Key {
            id: self.id,
            keyed: HmacSha256::new((&*block).into()),
            not_before: not_before.max(Some(start)),
            not_after: Some(not_after.map_or(end, |not_after| not_after.min(end))),
            revoked,
        }
    }
}

/// A UTC day, by its first second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Day(UnixTime);

impl Day {
    /// The day that `moment` lies in.
    fn of(moment: UnixTime) -> Self {
        Self(moment.saturating_add(-moment.as_secs().rem_euclid(SECONDS_PER_DAY)))
    }

    /// Its first second.
    #[cfg(feature = "vectors")]
    pub(crate) const fn start(self) -> UnixTime {
        self.0
    }

    /// The day `days` after this one.
    #[cfg(feature = "explain")]
    pub(crate) const fn plus(self, days: i64) -> Self {
        let Self(start) = self;
        Self(start.saturating_add(days.saturating_mul(SECONDS_PER_DAY)))
    }

    /// Reads `YYYYMMDD`: a real date of the years 0001 to 9999.
    fn parse(text: &[u8; DAY_BYTES]) -> Option<Self> {
        let mut date = [0; 16];
        let (day, time) = date.split_at_mut_checked(DAY_BYTES)?;
        day.copy_from_slice(text);
        time.copy_from_slice(MIDNIGHT);
        UnixTime::parse_date(&date).map(Self)
    }

    fn text(self) -> Option<[u8; DAY_BYTES]> {
        self.0.to_date()?.first_chunk().copied()
    }
}

/// The id of a derived key as the id of its root and its day; `None` when it is not one.
#[inline]
pub(crate) fn split(id: &[u8]) -> Option<(&[u8], Day)> {
    let (rest, day) = id.split_last_chunk()?;
    Some((rest.strip_suffix(b".")?, Day::parse(day)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: UnixTime = UnixTime::from_secs(1_795_305_600 + 43_200); // 2026-11-22

    fn root(id: &str) -> RootKey {
        RootKey::new(id, &Secret::new([7; 32]).unwrap()).unwrap()
    }

    #[test]
    fn ids_are_split_at_a_real_day_only() {
        for (id, expected) in [
            ("r.20261122", Some("r")),
            ("r.20261121.20261122", Some("r.20261121")),
            ("..20280229", Some(".")),
            (".20261122", Some("")), // no root has this id
            ("r.20260230", None),
            ("r.20270229", None),
            ("r.00000101", None),
            ("r.2026112", None),
            ("r.020261122", None),
            ("r-20261122", None),
            ("20261122", None),
            ("r.2026-122", None),
            ("r", None),
            ("", None),
        ] {
            let found = split(id.as_bytes());
            assert_eq!(found.map(|(root, _)| root), expected.map(str::as_bytes), "{id}");
            if let Some((_, day)) = found {
                assert!(id.as_bytes().ends_with(&day.text().unwrap()));
            }
        }
    }

    #[test]
    fn a_root_is_derived_for_real_days_only() {
        let derived = root("r").derive(NOON, "shop").unwrap();
        assert_eq!(derived.id().as_str(), "r.20261122");
        let last = UnixTime::from_secs(253_402_300_799);
        assert_eq!(root("r").derive(last, "shop").unwrap().id().as_str(), "r.99991231");
        for never in [i64::MIN, i64::MAX, 253_402_300_800, -62_135_596_801] {
            let derived = root("r").derive(UnixTime::from_secs(never), "shop");
            assert!(matches!(derived, Err(ConfigError::DerivedDay)), "{never}");
        }
        assert!(matches!(root("r").derive(NOON, "a b"), Err(ConfigError::Label { .. })));
    }

    #[test]
    fn a_derived_key_counts_on_its_day_and_in_the_overlap_where_its_root_does() {
        let day = 1_795_305_600_i64;
        let at = |secs| UnixTime::from_secs(day + secs);
        let edges = |root: RootKey| {
            let derived = root.derive(NOON, "shop").unwrap();
            let of_day = root.of_day(Day::of(NOON)).unwrap();
            [-43_201, -43_200, -3_601, -3_600, 0, 86_399, 89_999, 90_000].map(|secs| {
                assert_eq!(of_day.is_active(at(secs)), derived.key().is_active(at(secs)));
                derived.key().is_active(at(secs))
            })
        };
        let none = [false; 8];
        assert_eq!(edges(root("r")), [false, false, false, true, true, true, true, false]);
        let narrow = root("r").overlap(0).unwrap();
        assert_eq!(edges(narrow), [false, false, false, false, true, true, false, false]);
        let wide = root("r").overlap(43_200).unwrap();
        assert_eq!(edges(wide), [false, true, true, true, true, true, true, true]);
        let late = root("r").not_before(at(0)).not_after(at(86_399));
        assert_eq!(edges(late), [false, false, false, false, true, false, false, false]);
        assert_eq!(edges(root("r").not_before(at(90_000))), none);
        assert_eq!(edges(root("r").not_after(at(-3_600))), none);
        assert_eq!(edges(root("r").revoked()), none);
    }

    #[test]
    fn nothing_is_told_of_a_root() {
        let text = format!("{:?}", root("r"));
        assert!(text.starts_with("RootKey { id: \"r\"") && text.ends_with("overlap_s: 3600, .. }"));
    }
}
