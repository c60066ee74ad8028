//! Keys that are unknown, do not count, or are others than those that signed; derived ones above all.

use super::Hint;
use crate::key::{Key, KeyId, RootKey};
use crate::keyring::{Found, Keyring};
use crate::time::UnixTime;
use crate::verify::Verifier;

/// Row 6.
pub(super) fn unknown(keyring: &Keyring, key_id: &KeyId) -> Hint {
    if let Some(root) = keyring.roots().find(|root| root.id() == key_id) {
        let text = format!(
            "the request names the root {key_id}, which signs nothing: give the edge the key derived \
             from it for the day, {}.YYYYMMDD",
            root.id()
        );
        return Hint::new("root-key", text);
    }
    let is_below = |root: &&RootKey| {
        let rest = key_id.as_bytes().strip_prefix(root.id().as_bytes());
        rest.is_some_and(|rest| rest.starts_with(b"."))
    };
    if let Some(root) = keyring.roots().find(is_below) {
        let text = format!(
            "the request names {key_id}; a key derived from the root {0} is named {0}.YYYYMMDD, for a \
             real day",
            root.id()
        );
        return Hint::new("derived-day", text);
    }
    let keys = keyring.iter().map(|key| key.id().to_string());
    let roots = keyring.roots().map(|root| format!("{}.YYYYMMDD", root.id()));
    let known = keys.chain(roots).collect::<Vec<_>>().join(", ");
    Hint::new("key-id", format!("the request names {key_id}; known here: {known}"))
}

/// Row 7.
pub(super) fn inactive(keyring: &Keyring, key_id: &KeyId, now: UnixTime) -> Option<Hint> {
    let of_day = match keyring.find(key_id.as_bytes())? {
        Found::Key(key) => return key_window(key, "", now),
        Found::Derived(of_day) => of_day,
    };
    if let Some(hint) = key_window(of_day.root.as_key(), "the root ", now) {
        return Some(hint);
    }
    let (start, end) = of_day.window();
    let advice = if now < start {
        "the edge got its key too early, or the clock here is behind"
    } else {
        "the edge did not get the key of the next day, or the clock here is ahead"
    };
    let text = format!(
        "{key_id} counts from {start} until {end}, its UTC day and {} s on both sides; now is {now}: \
         {advice}",
        of_day.root.overlap_s()
    );
    Some(Hint::new("derived-day", text))
}

/// Why a key does not count by its own window; `None` when it does.
fn key_window(key: &Key, what: &str, now: UnixTime) -> Option<Hint> {
    let id = key.id();
    let text = match (key.revoked, key.not_before, key.not_after) {
        (true, _, _) => format!("{what}{id} is revoked"),
        (_, Some(start), _) if now < start => format!("{what}{id} counts from {start} on"),
        (_, _, Some(end)) if now >= end => format!("{what}{id} counted until {end}"),
        _ => return None,
    };
    Some(Hint::new("key-window", format!("{text}; now is {now}")))
}

/// What the roots of the keyring could have signed with in the place of the key `signed_as`: the
/// root itself, or the key of a day before or after, or of the audience here.
pub(super) fn derived(verifier: &Verifier, signed_as: &KeyId, audience: &[u8]) -> Vec<(Key, Hint)> {
    let mut all = Vec::new();
    for root in verifier.keyring().roots() {
        let text = format!(
            "the root {} itself signed: the edge must not hold it; give it a derived key, and replace \
             the root",
            root.id()
        );
        all.push((root.as_key().clone(), Hint::new("root-key", text)));
    }
    let Some(Found::Derived(found)) = verifier.keyring().find(signed_as.as_bytes()) else {
        return all;
    };
    for root in verifier.keyring().roots() {
        for of_day in [-1, 0, 1].iter().filter_map(|days| root.of_day(found.day.plus(*days))) {
            if of_day.id != *signed_as {
                let text = format!("the key {} signed under the name {signed_as}", of_day.id);
                all.push((of_day.key(audience), Hint::new("derived-day", text)));
            }
        }
    }
    let here = verifier.audience();
    if audience != here.as_bytes() {
        let text = format!("the key was derived for {here}, and signed for another audience");
        all.push((found.key(here.as_bytes()), Hint::new("derived-audience", text)));
    }
    all
}
