//! `wafpass.toml`: one typed schema for every command and for the library.
//!
//! - **What loads**: a file that says all that has no safe default (audience, keys, freshness), and
//!   leaves no hole. What it loosens, it says in a word, and [`Config::loosened`] tells why it matters.
//! - **What does not**: everything else, as a whole. An unknown key, a value that cannot be, a key that
//!   others can read, a route that would exempt everything. Each fault is named with its line, its
//!   column and the way out, all of them at once, and no text holds a secret.
//! - **What a changed file does**: nothing by itself. [`Config::perimeter_with`] makes what a running
//!   layer takes in place of the present one, with the replay store that it has.
//!
//! `docs/configuration.md` is the reference; `wafpass config check` tells what a file asks for,
//! `wafpass config example` prints an annotated one, `wafpass config schema` the JSON Schema.
//!
//! ```
//! use wafpass::config::Config;
//!
//! let text = r#"
//! audience = "shop"
//!
//! [keys]
//! directory = "keys"
//!
//! [freshness]
//! preset = "cloudfront"
//! "#;
//! let config = Config::parse(text, "wafpass.toml")?; // Config::load("wafpass.toml") reads the keys too
//! assert_eq!(config.audience(), "shop");
//!
//! let fault = Config::parse(&text.replace("preset", "presett"), "wafpass.toml").unwrap_err();
//! assert_eq!(
//!     fault.to_string(),
//!     "wafpass.toml:8:1: there is no `freshness.presett`\ndid you mean `preset`?"
//! );
//! # Ok::<(), wafpass::config::ConfigFault>(())
//! ```

mod asked;
mod build;
mod collector;
mod fault;
mod freshness;
mod key_file;
mod keys;
mod loosened;
mod place;
mod preset;
mod read;
mod routes;
mod schema;
mod secret_file;
mod settings;
mod store;
mod units;

pub use self::collector::{
    ClearHttp, ClickHouseSettings, CollectorConfig, CollectorSettings, ConnectionLimits, LogFormat,
    StoreSettings, TlsFiles, TlsPem,
};
pub use self::fault::{ConfigFault, Fault};
pub use self::key_file::{KeyEntry, KeyFile, KeyFileError};
pub use self::keys::{KeySource, LoadedKey};
pub use self::loosened::Loosened;
pub use self::preset::Preset;
pub use self::settings::{ExplainSettings, ReloadSettings};

use std::fmt;
use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use self::fault::Faults;
use self::place::Places;
use self::settings::Settings;
use crate::clock;
use crate::limits::MAX_CONFIG_BYTES;

/// The annotated example, which is also the reference of every key.
pub const EXAMPLE: &str = include_str!("../../docs/wafpass.example.toml");

/// A configuration that holds together: what its text says was checked as a whole.
///
/// The keys are read when they are asked for, and are not kept.
#[derive(Clone)]
pub struct Config {
    path: PathBuf,
    places: Places,
    settings: Settings,
}

impl Config {
    /// Reads the file at `path` and all that it names, and checks it as a whole.
    ///
    /// # Errors
    ///
    /// [`ConfigFault`] with every fault that was found: in the text, in the keys, and where a file with
    /// a secret is open to others.
    pub fn load(path: impl Into<PathBuf>) -> Result<Self, ConfigFault> {
        let path = path.into();
        let (text, metadata) = read_file(&path)?;
        let config = Self::parse(&text, path)?;
        config.check(&metadata)?;
        Ok(config)
    }

    /// Checks a text. Nothing else is read: not the keys, and not who may read them. `path` is for
    /// messages, and its folder is where relative paths begin.
    ///
    /// # Errors
    ///
    /// [`ConfigFault`] with every fault that was found.
    pub fn parse(text: &str, path: impl Into<PathBuf>) -> Result<Self, ConfigFault> {
        let path = path.into();
        let read::Reading { document, places, misread } = read::read(text);
        let is_text = misread.first().is_none_or(|first| !first.is_of_syntax);
        let mut faults = Faults::new(&places);
        misread.into_iter().for_each(|misread| misread.tell(&mut faults));
        let base = path.parent().unwrap_or(Path::new(""));
        let settings = if is_text {
            settings::settings(document, base, clock::now(), &mut faults)
        } else {
            None
        };
        faults.done(&path)?;
        match settings {
            Some(settings) => Ok(Self::of(path, places, settings)),
            None => Err(ConfigFault::unsaid(&path)),
        }
    }

    const fn of(path: PathBuf, places: Places, settings: Settings) -> Self {
        Self { path, places, settings }
    }

    /// Checks what the text names, and who may read it. `metadata` is that of the file itself.
    fn check(&self, metadata: &Metadata) -> Result<(), ConfigFault> {
        self.gather(|faults| {
            self.refuse_open_to_others(metadata, faults);
            self.load_keys(faults);
            self.settings.store.check(self.settings.keys.permissions, faults);
            Some(())
        })
    }

    /// Where it was read.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every file and folder whose change matters: this file, and what it names.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let Settings { keys, store, .. } = &self.settings;
        let named = keys.files().chain(store.files());
        std::iter::once(self.path.as_path()).chain(named).map(Into::into).collect()
    }

    /// Does something that may find faults, and tells them all.
    fn gather<T>(
        &self,
        doing: impl FnOnce(&mut Faults<'_>) -> Option<T>,
    ) -> Result<T, ConfigFault> {
        gather(&self.places, &self.path, doing)
    }

    /// A secret that others can read is theirs too; a file that anybody can change asks for nothing.
    fn refuse_open_to_others(&self, metadata: &Metadata, faults: &mut Faults<'_>) {
        refuse_open_to_changes(metadata, faults);
        let Settings { keys, store, .. } = &self.settings;
        let open = secret_file::open_to_others(metadata, keys.permissions);
        let Some((mode, _)) = open.filter(|_| metadata.is_file()) else { return };
        for at in [keys.secret_in_text(), store.secret_in_text()].into_iter().flatten() {
            let fault =
                format!("a secret stands in this file, which is open to others (mode {mode:04o})");
            let way_out = "chmod 600 it, or move the secret out: into a file or an environment variable of its own";
            faults.add(&at, fault, way_out);
        }
    }
}

/// The text of a file, and what the file system says of it.
fn read_file(path: &Path) -> Result<(Zeroizing<String>, Metadata), ConfigFault> {
    let unreadable = |error| ConfigFault::Read { path: path.into(), error };
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    let text = secret_file::read_whole(&file, MAX_CONFIG_BYTES).map_err(unreadable)?;
    let too_long = || std::io::ErrorKind::FileTooLarge.into();
    Ok((text.ok_or_else(too_long).map_err(unreadable)?, metadata))
}

fn refuse_open_to_changes(metadata: &Metadata, faults: &mut Faults<'_>) {
    if let Some(mode) = secret_file::open_to_changes(metadata) {
        let fault = format!("everybody on this machine can change this file (mode {mode:04o})");
        faults.add_at((1, 1), fault, "chmod o-w it: who can change it can loosen everything");
    }
}

/// Does something that may find faults, and tells them all.
fn gather<T>(
    places: &Places,
    path: &Path,
    doing: impl FnOnce(&mut Faults<'_>) -> Option<T>,
) -> Result<T, ConfigFault> {
    let mut faults = Faults::new(places);
    let done = doing(&mut faults);
    faults.done(path)?;
    done.ok_or_else(|| ConfigFault::unsaid(path))
}

impl fmt::Debug for Config {
    /// Where it is and what it asks; no secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("path", &self.path)
            .field("audience", &self.settings.audience)
            .field("freshness", &self.settings.freshness)
            .field("routes", &self.settings.routes)
            .finish_non_exhaustive()
    }
}

/// The JSON Schema of `wafpass.toml`, for editors and pipelines.
#[cfg(feature = "schema")]
#[must_use]
pub fn json_schema() -> serde_json::Value {
    schema::json_schema()
}
