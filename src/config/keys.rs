//! The keys that a configuration names: from its text, and from where they are.

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::fault::{Faults, two_lines};
use super::key_file::KeyFile;
use super::schema::{Derive, InlineKey, Keys, PermissionsWord};
use super::secret_file::{Text, read_secret};
use super::units::Seconds;
use crate::error::ConfigError;
use crate::key::{Key, KeyId, RootKey, Secret};
use crate::key_directory::{KeyDirectory, KeyRecord, KeyState, OriginKey, Permissions};
use crate::keyring::Keyring;
use crate::limits::{
    DEFAULT_OVERLAP_S, MAX_KEY_RECORD_BYTES, MAX_LABEL_BYTES, MAX_OVERLAP_S, MAX_ROOT_ID_BYTES,
};
use crate::time::UnixTime;

/// Largest key file, and largest file with one secret.
const MAX_BYTES: u64 = MAX_KEY_RECORD_BYTES;

const NO_KEYS_WAY_OUT: &str =
    "name where the keys are: directory = \"keys\" (wafpass keys new), or file, env, inline";

/// Where a key came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySource {
    /// The key directory.
    Directory,
    /// The key file.
    File,
    /// The environment variable with the text of a key file.
    Env,
    /// An entry of `keys.inline`.
    Inline,
}

/// A key that was read, with its secret.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "it holds the secret")]
pub struct LoadedKey {
    source: KeySource,
    origin: OriginKey,
    secret: Secret,
    state: Option<KeyState>,
    not_before: Option<UnixTime>,
    not_after: Option<UnixTime>,
    is_revoked: bool,
}

impl LoadedKey {
    /// Its name.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        match &self.origin {
            OriginKey::Key(key) => key.id(),
            OriginKey::Root(root) => root.id(),
        }
    }

    /// Where it came from.
    #[must_use]
    pub const fn source(&self) -> KeySource {
        self.source
    }

    /// The key, as an origin takes it.
    #[must_use]
    pub const fn origin(&self) -> &OriginKey {
        &self.origin
    }

    /// The secret, for those who sign.
    #[must_use]
    pub const fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Where it is in its life; only a key directory tells.
    #[must_use]
    pub const fn state(&self) -> Option<KeyState> {
        self.state
    }

    /// When it begins to count, if it does not from ever.
    #[must_use]
    pub const fn not_before(&self) -> Option<UnixTime> {
        self.not_before
    }

    /// When it ceases to count, if it does.
    #[must_use]
    pub const fn not_after(&self) -> Option<UnixTime> {
        self.not_after
    }

    /// Whether it is known, and refused.
    #[must_use]
    pub const fn is_revoked(&self) -> bool {
        self.is_revoked
    }

    /// Whether it, or what is derived from it, counts at `now`.
    #[must_use]
    pub fn is_active(&self, now: UnixTime) -> bool {
        !self.is_revoked
            && self.not_before.is_none_or(|start| start <= now)
            && self.not_after.is_none_or(|end| now < end)
    }

    fn of_record(record: &KeyRecord) -> Result<Self, ConfigError> {
        Ok(Self {
            source: KeySource::Directory,
            origin: record.to_origin()?,
            secret: record.secret().clone(),
            state: Some(record.life().state),
            not_before: record.not_before(),
            not_after: record.not_after(),
            is_revoked: record.life().state == KeyState::Retired,
        })
    }
}

/// Where the keys are, and who may read them.
#[derive(Clone)]
pub(super) struct Sources {
    directory: Option<PathBuf>,
    file: Option<PathBuf>,
    env: Option<String>,
    inline: Vec<Inline>,
    pub(super) permissions: Permissions,
    audience: String,
}

#[derive(Clone)]
struct Inline {
    kid: String,
    secret: SecretSource,
    not_before: Option<UnixTime>,
    not_after: Option<UnixTime>,
    is_revoked: bool,
    derivation: Option<u32>,
}

#[derive(Clone)]
enum SecretSource {
    Text(Secret),
    Env(String),
    File(PathBuf),
}

impl From<PermissionsWord> for Permissions {
    fn from(word: PermissionsWord) -> Self {
        match word {
            PermissionsWord::OwnerOnly => Self::OwnerOnly,
            PermissionsWord::MountedForGroup => Self::MountedForGroup,
        }
    }
}

/// What the text says of keys. `base` is where relative paths begin.
pub(super) fn sources(keys: Keys, audience: &str, base: &Path, faults: &mut Faults<'_>) -> Sources {
    if keys.directory.is_none()
        && keys.file.is_none()
        && keys.env.is_none()
        && keys.inline.is_empty()
    {
        faults.add("keys", "there are no keys", NO_KEYS_WAY_OUT);
    }
    if let Some(name) = &keys.env {
        refuse_odd_variable("keys.env", name, faults);
    }
    let mut kids = BTreeSet::new();
    let mut inline = Vec::new();
    for (place, key) in keys.inline.into_iter().enumerate() {
        let at = format!("keys.inline[{place}]");
        if let Some(kid) = &key.kid
            && !kids.insert(kid.clone())
        {
            let fault = "two keys in `keys.inline` have this `kid`";
            faults.add(&format!("{at}.kid"), fault, "give each key an id of its own");
        }
        inline.extend(inline_key(key, &at, base, faults));
    }
    Sources {
        directory: keys.directory.map(|path| base.join(path)),
        file: keys.file.map(|path| base.join(path)),
        env: keys.env,
        inline,
        permissions: keys.permissions.into(),
        audience: audience.into(),
    }
}

/// The name of a variable is not repeated anywhere: it may be the secret itself.
pub(super) fn refuse_odd_variable(at: &str, name: &str, faults: &mut Faults<'_>) {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.is_empty() || !name.bytes().all(is_part) {
        let fault = format!("`{at}` is not the name of an environment variable");
        faults.add(at, fault, "write the name, of A-Z 0-9 _, and not the value");
    }
}

pub(super) fn variable(at: &str, name: &str) -> Text {
    env::var(name).map(Zeroizing::new).map_err(|error| match error {
        env::VarError::NotPresent => (
            format!("the environment variable that `{at}` names is not set"),
            "set it where the process starts, or name another one".into(),
        ),
        env::VarError::NotUnicode(_) => (
            format!("the environment variable that `{at}` names is not text"),
            "set it to text".into(),
        ),
    })
}

fn inline_key(key: InlineKey, at: &str, base: &Path, faults: &mut Faults<'_>) -> Option<Inline> {
    let derivation = derivation(&key, at, faults);
    refuse_empty_window(&key, at, faults);
    let kid = kid(key.kid, derivation.is_some(), at, faults);
    let secret = match (key.key, key.key_env, key.key_file) {
        (Some(text), None, None) => {
            let secret = faults.take(&format!("{at}.key"), Secret::from_base64url(&text));
            secret.map(SecretSource::Text)
        }
        (None, Some(name), None) => {
            refuse_odd_variable(&format!("{at}.key_env"), &name, faults);
            Some(SecretSource::Env(name))
        }
        (None, None, Some(path)) => Some(SecretSource::File(base.join(path))),
        (None, None, None) => {
            faults.add(at, "this key has no secret", "write one of key_file, key_env and key");
            None
        }
        _ => {
            let fault = "this key has more than one secret";
            faults.add(at, fault, "keep one of key_file, key_env and key");
            None
        }
    };
    Some(Inline {
        kid: kid?,
        secret: secret?,
        not_before: key.not_before.map(|moment| moment.0),
        not_after: key.not_after.map(|moment| moment.0),
        is_revoked: key.revoked,
        derivation,
    })
}

/// What is no key id is not repeated: it may be the secret, one line too high.
fn kid(kid: Option<String>, is_root: bool, at: &str, faults: &mut Faults<'_>) -> Option<String> {
    let Some(kid) = kid else {
        faults.add(&format!("{at}.kid"), "this key has no `kid`", "name it as the edge does");
        return None;
    };
    let most = if is_root { MAX_ROOT_ID_BYTES } else { MAX_LABEL_BYTES };
    if KeyId::new(&kid).is_err() || kid.len() > most {
        let fault = format!("this `kid` is not 1 to {most} of A-Z a-z 0-9 - _ .");
        faults.add(&format!("{at}.kid"), fault, "choose a plain label, such as 2026-11-a");
        return None;
    }
    Some(kid)
}

/// The overlap of a root, or nothing for a key.
fn derivation(key: &InlineKey, at: &str, faults: &mut Faults<'_>) -> Option<u32> {
    let at = format!("{at}.overlap");
    match (key.derive, key.overlap) {
        (None, None) => None,
        (None, Some(_)) => {
            let fault = "`overlap` is of derived keys, and nothing is derived from this one";
            faults.add(&at, fault, "take it out, or add derive = \"daily\"");
            None
        }
        (Some(Derive::Daily), overlap) => {
            let overlap = overlap.unwrap_or(Seconds(DEFAULT_OVERLAP_S)).0;
            if overlap > MAX_OVERLAP_S {
                faults.add_error(&at, &ConfigError::Overlap { overlap_s: overlap });
            }
            Some(overlap)
        }
    }
}

fn refuse_empty_window(key: &InlineKey, at: &str, faults: &mut Faults<'_>) {
    if let (Some(start), Some(end)) = (key.not_before, key.not_after)
        && start.0 >= end.0
    {
        let fault = "this key could never count: `not_before` is not earlier than `not_after`";
        faults.add(&format!("{at}.not_after"), fault, "mend the window, or remove the key");
    }
}

impl Sources {
    /// Whether a secret stands in the configuration itself, and under which key.
    pub(super) fn secret_in_text(&self) -> Option<String> {
        let is_text = |key: &Inline| matches!(key.secret, SecretSource::Text(_));
        self.inline.iter().position(is_text).map(|place| format!("keys.inline[{place}].key"))
    }

    /// The kinds of sources, and where they are.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let one_by_one = self.inline.iter().filter_map(|key| match &key.secret {
            SecretSource::File(path) => Some(path.as_path()),
            SecretSource::Text(_) | SecretSource::Env(_) => None,
        });
        let whole = [self.directory.as_deref(), self.file.as_deref()];
        whole.into_iter().flatten().chain(one_by_one)
    }

    /// Reads all keys that can be read, in the order of the sources.
    pub(super) fn load(&self, faults: &mut Faults<'_>) -> Vec<LoadedKey> {
        let mut loaded = Vec::new();
        if let Some(path) = &self.directory {
            self.load_directory(path, &mut loaded, faults);
        }
        if let Some(path) = &self.file {
            let text = read_secret(path, self.permissions, MAX_BYTES);
            self.load_key_file("keys.file", KeySource::File, text, &mut loaded, faults);
        }
        if let Some(name) = &self.env {
            let text = variable("keys.env", name);
            self.load_key_file("keys.env", KeySource::Env, text, &mut loaded, faults);
        }
        for (place, key) in self.inline.iter().enumerate() {
            loaded.extend(self.load_inline(key, &format!("keys.inline[{place}]"), faults));
        }
        loaded
    }

    fn load_directory(&self, path: &Path, loaded: &mut Vec<LoadedKey>, faults: &mut Faults<'_>) {
        let at = "keys.directory";
        match KeyDirectory::open_with(path, self.permissions) {
            Ok(directory) => {
                for record in directory.records() {
                    loaded.extend(faults.take(at, LoadedKey::of_record(record)));
                }
            }
            Err(error) => faults.add_error(at, &error),
        }
    }

    fn load_key_file(
        &self,
        at: &str,
        source: KeySource,
        text: Text,
        loaded: &mut Vec<LoadedKey>,
        faults: &mut Faults<'_>,
    ) {
        let file = text.and_then(|text| KeyFile::parse(&text).map_err(|error| two_lines(&error)));
        let file = match file {
            Ok(file) => file,
            Err((fault, way_out)) => return faults.add(at, fault, way_out),
        };
        if let Some(audience) =
            file.audience.as_ref().filter(|audience| **audience != self.audience)
        {
            let fault =
                format!("these keys are for the audience {audience:?}, and not for this one");
            faults.add(at, fault, "name the right keys, or the right audience");
        }
        for entry in &file.keys {
            let secret = Secret::from_base64url(&entry.key);
            let key = secret.and_then(|secret| {
                Ok(LoadedKey {
                    source,
                    origin: OriginKey::Key(entry.load()?),
                    secret,
                    state: None,
                    not_before: entry.not_before,
                    not_after: entry.not_after,
                    is_revoked: entry.revoked,
                })
            });
            loaded.extend(faults.take(at, key));
        }
    }

    fn load_inline(&self, key: &Inline, at: &str, faults: &mut Faults<'_>) -> Option<LoadedKey> {
        let (at, text) = match &key.secret {
            SecretSource::Text(secret) => return faults.take(at, key.with(secret.clone())),
            SecretSource::Env(name) => {
                let at = format!("{at}.key_env");
                let text = variable(&at, name);
                (at, text)
            }
            SecretSource::File(path) => {
                (format!("{at}.key_file"), read_secret(path, self.permissions, MAX_BYTES))
            }
        };
        match text {
            Ok(text) => {
                let secret = Secret::from_base64url(text.trim_ascii_end());
                faults.take(&at, secret.and_then(|secret| key.with(secret)))
            }
            Err((fault, way_out)) => {
                faults.add(&at, fault, way_out);
                None
            }
        }
    }
}

impl Inline {
    fn with(&self, secret: Secret) -> Result<LoadedKey, ConfigError> {
        let (not_before, not_after) = (self.not_before, self.not_after);
        let origin = match self.derivation {
            None => {
                let key = Key::new(&self.kid, &secret)?;
                let key = not_before.into_iter().fold(key, Key::not_before);
                let key = not_after.into_iter().fold(key, Key::not_after);
                OriginKey::Key(if self.is_revoked { key.revoked() } else { key })
            }
            Some(overlap_s) => {
                let root = RootKey::new(&self.kid, &secret)?.overlap(overlap_s)?;
                let root = not_before.into_iter().fold(root, RootKey::not_before);
                let root = not_after.into_iter().fold(root, RootKey::not_after);
                OriginKey::Root(if self.is_revoked { root.revoked() } else { root })
            }
        };
        let (source, state, is_revoked) = (KeySource::Inline, None, self.is_revoked);
        Ok(LoadedKey { source, origin, secret, state, not_before, not_after, is_revoked })
    }
}

/// All keys together.
pub(super) fn keyring(loaded: &[LoadedKey]) -> Result<Keyring, ConfigError> {
    let (mut keys, mut roots) = (Vec::new(), Vec::new());
    for key in loaded {
        match &key.origin {
            OriginKey::Key(key) => keys.push(key.clone()),
            OriginKey::Root(root) => roots.push(root.clone()),
        }
    }
    Keyring::with_roots(keys, roots)
}
