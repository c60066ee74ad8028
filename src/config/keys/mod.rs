//! The keys that a configuration names: from its text, and from where they are.

mod inline;
mod loaded;

pub use self::loaded::{KeySource, LoadedKey};
pub(super) use self::loaded::{Terms, keyring};

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use self::inline::{Inline, inline_key};
use super::fault::{Faults, shown, two_lines};
use super::key_file::KeyFile;
use super::schema::{Keys, PermissionsWord};
use super::secret_file::{Text, read_secret};
use crate::key_directory::{KeyDirectory, Permissions};
use crate::limits::MAX_KEY_RECORD_BYTES;

/// Largest key file, and largest file with one secret.
const MAX_BYTES: u64 = MAX_KEY_RECORD_BYTES;

const NO_KEYS_WAY_OUT: &str =
    "name where the keys are: directory = \"keys\" (wafpass keys new), or file, env, inline";

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

impl Sources {
    /// Whether a secret stands in the configuration itself, and under which key.
    pub(super) fn secret_in_text(&self) -> Option<String> {
        let place = self.inline.iter().position(Inline::has_secret_in_text);
        place.map(|place| format!("keys.inline[{place}].key"))
    }

    /// Where the keys are, as far as they are in files.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let whole = [self.directory.as_deref(), self.file.as_deref()];
        whole.into_iter().flatten().chain(self.inline.iter().filter_map(Inline::file))
    }

    /// Reads all keys that can be read, in the order of the sources.
    pub(super) fn load(&self, faults: &mut Faults<'_>) -> Vec<LoadedKey> {
        let mut loaded = Vec::new();
        if let Some(path) = &self.directory {
            self.load_directory(path, &mut loaded, faults);
        }
        if let Some(path) = &self.file {
            let text = read_secret(path, self.permissions, MAX_BYTES);
            let source = (KeySource::File, shown(path));
            self.load_key_file("keys.file", source, text, &mut loaded, faults);
        }
        if let Some(name) = &self.env {
            let text = variable("keys.env", name);
            let source = (KeySource::Env, "the key file in this variable".into());
            self.load_key_file("keys.env", source, text, &mut loaded, faults);
        }
        for (place, key) in self.inline.iter().enumerate() {
            loaded.extend(key.load(&format!("keys.inline[{place}]"), self.permissions, faults));
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

    /// `source` is what it is, and what it is called in a fault.
    fn load_key_file(
        &self,
        at: &str,
        (source, called): (KeySource, String),
        text: Text,
        loaded: &mut Vec<LoadedKey>,
        faults: &mut Faults<'_>,
    ) {
        let text = match text {
            Ok(text) => text,
            Err((fault, way_out)) => return faults.add(at, fault, way_out),
        };
        let read = KeyFile::parse(&text).and_then(|file| Ok((file.keys()?, file.audience)));
        let (keys, audience) = match read {
            Ok(read) => read,
            Err(error) => {
                let (fault, way_out) = two_lines(&error);
                return faults.add(at, format!("{called}: {fault}"), way_out);
            }
        };
        if let Some(audience) = audience.filter(|audience| *audience != self.audience) {
            let fault =
                format!("these keys are for the audience {audience:?}, and not for this one");
            faults.add(at, fault, "name the right keys, or the right audience");
        }
        loaded.extend(keys.into_iter().map(|key| key.read_from(source)));
    }
}
