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

mod fault;
mod freshness;
mod key_file;
mod keys;
mod loosened;
mod place;
mod preset;
mod read;
mod schema;
mod secret_file;
mod settings;
mod store;
mod units;

pub use self::fault::{ConfigFault, Fault};
pub use self::key_file::{KeyEntry, KeyFile, KeyFileError};
pub use self::keys::{KeySource, LoadedKey};
pub use self::loosened::Loosened;
pub use self::preset::Preset;

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use self::fault::Faults;
use self::place::Places;
use self::schema::Backend;
use self::settings::Settings;
use crate::canon::QueryMode;
use crate::clock;
use crate::error::ConfigError;
use crate::key::KeyId;
use crate::keyring::Keyring;
use crate::layer::{Perimeter, Refusal, VerifyLayer};
use crate::limits::MAX_CONFIG_BYTES;
use crate::policy::{BodyCoverage, Freshness, HostBinding, RestartBarrier, WafRequirement};
use crate::replay::{Capacity, ReplayStore};
use crate::route::Routes;
use crate::time::UnixTime;
use crate::verify::{Verifier, VerifierBuilder};

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

/// How a changed file takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReloadSettings {
    /// Whether [`Config::files`] are watched.
    pub watch: bool,
    /// Time between two looks at them, where the file system tells of no changes, in seconds.
    pub poll_s: u32,
}

impl ReloadSettings {
    /// Time between two looks at the files.
    #[must_use]
    pub fn poll(self) -> Duration {
        Duration::from_secs(self.poll_s.into())
    }
}

/// Refusals that the log explains, for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExplainSettings {
    /// The key, or the root, whose refusals are explained.
    pub key_id: KeyId,
    /// Until when. It may have passed: then nothing is explained.
    pub until: UnixTime,
    /// Records in a minute.
    pub per_minute: u32,
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
        let unreadable = |error| ConfigFault::Read { path: path.clone(), error };
        let file = File::open(&path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let text = secret_file::read_whole(&file, MAX_CONFIG_BYTES).map_err(unreadable)?;
        let too_long = || std::io::ErrorKind::FileTooLarge.into();
        let text = text.ok_or_else(too_long).map_err(unreadable)?;
        let config = Self::parse(&text, path)?;
        config.gather(|faults| {
            config.refuse_open_to_others(&metadata, faults);
            config.load_keys(faults);
            config.settings.store.check(config.settings.keys.permissions, faults);
            Some(())
        })?;
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
            Some(settings) => Ok(Self { path, places, settings }),
            None => Err(ConfigFault::unsaid(&path)),
        }
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

    /// Name of this site or origin.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.settings.audience
    }

    /// How old a signature may be, and how often it may be used.
    #[must_use]
    pub const fn freshness(&self) -> Freshness {
        self.settings.freshness
    }

    /// What is asked on which path.
    #[must_use]
    pub const fn routes(&self) -> &Routes {
        &self.settings.routes
    }

    /// Whether WAF evidence is required.
    #[must_use]
    pub const fn waf(&self) -> WafRequirement {
        self.settings.waf
    }

    /// How often GET, HEAD and OPTIONS may use one signature.
    #[must_use]
    pub fn uses(&self) -> u8 {
        self.settings.freshness.uses_of(b"GET", false).get()
    }

    /// Header fields that every signature has to cover.
    #[must_use]
    pub fn required_headers(&self) -> &[String] {
        &self.settings.signature.required_headers
    }

    /// Whether the signed host has to be the Host.
    #[must_use]
    pub const fn host(&self) -> HostBinding {
        self.settings.signature.host
    }

    /// Whether bodies have to be covered.
    #[must_use]
    pub const fn body(&self) -> BodyCoverage {
        self.settings.signature.body
    }

    /// Largest body that is checked, in bytes.
    #[must_use]
    pub const fn body_cap(&self) -> usize {
        self.settings.signature.body_cap
    }

    /// The path that the CDN puts in front of the viewer's; empty for none.
    #[must_use]
    pub fn strip_prefix(&self) -> &str {
        &self.settings.signature.strip_prefix
    }

    /// What of the query is signed.
    #[must_use]
    pub const fn query(&self) -> QueryMode {
        self.settings.signature.query
    }

    /// What a refused request gets.
    #[must_use]
    pub const fn refusal(&self) -> Refusal {
        self.settings.refusal
    }

    /// Which replay store it asks for: `window`, `moka` or `redis`.
    #[must_use]
    pub const fn replay_backend(&self) -> &'static str {
        match self.settings.store.backend {
            Backend::Window => "window",
            Backend::Moka => "moka",
            Backend::Redis => "redis",
        }
    }

    /// How many requests the replay store has room for.
    #[must_use]
    pub const fn replay_capacity(&self) -> Capacity {
        self.settings.store.capacity
    }

    /// Whether what was signed before the replay store began is refused.
    #[must_use]
    pub const fn restart_barrier(&self) -> RestartBarrier {
        self.settings.store.barrier
    }

    /// How a changed file takes effect.
    #[must_use]
    pub const fn reload(&self) -> ReloadSettings {
        self.settings.reload
    }

    /// Refusals that the log explains; none, as a rule.
    #[must_use]
    pub const fn explain(&self) -> Option<ExplainSettings> {
        self.settings.explain
    }

    /// Reads the keys from where they are.
    ///
    /// # Errors
    ///
    /// [`ConfigFault`] when a source cannot be read, is open to others, or holds what is no key.
    pub fn keys(&self) -> Result<Vec<LoadedKey>, ConfigFault> {
        self.gather(|faults| self.load_keys(faults).map(|(keys, _)| keys))
    }

    /// Reads the keys, as an origin takes them.
    ///
    /// # Errors
    ///
    /// As [`keys`](Self::keys).
    pub fn keyring(&self) -> Result<Keyring, ConfigFault> {
        self.gather(|faults| self.load_keys(faults).map(|(_, keyring)| keyring))
    }

    /// Reads the keys and begins a verifier, with all but the replay store.
    ///
    /// # Errors
    ///
    /// As [`keys`](Self::keys).
    pub fn verifier_builder(&self) -> Result<VerifierBuilder, ConfigFault> {
        let keyring = self.keyring()?;
        Ok(self.policy_of(Verifier::builder(self.audience(), keyring, self.freshness())))
    }

    /// Gives another verifier what this one asks of a request, but for audience, keys, freshness and
    /// replay store.
    pub fn policy_of(&self, builder: VerifierBuilder) -> VerifierBuilder {
        let signature = &self.settings.signature;
        let builder = builder
            .waf(self.settings.waf)
            .strip_prefix(&signature.strip_prefix)
            .query(signature.query)
            .bind_host(signature.host)
            .body_coverage(signature.body)
            .body_cap(signature.body_cap)
            .restart_barrier(self.settings.store.barrier);
        signature
            .required_headers
            .iter()
            .fold(builder, |builder, name| builder.require_header(name))
    }

    /// A new replay store, which begins now. One on Redis needs a tokio runtime around it.
    ///
    /// # Errors
    ///
    /// [`ConfigFault`] when what says where Redis is cannot be read.
    pub fn replay_store(&self) -> Result<Arc<dyn ReplayStore>, ConfigFault> {
        let Settings { store, keys, freshness, .. } = &self.settings;
        self.gather(|faults| store.build(*freshness, keys.permissions, clock::now(), faults))
    }

    /// Whether this file names the replay store that `other` names: a running origin keeps the one that
    /// it has.
    #[must_use]
    pub fn has_replay_store_of(&self, other: &Self) -> bool {
        self.settings.store.is_that_of(&other.settings.store)
    }

    /// Reads the keys, and makes what a layer asks, with a new replay store.
    ///
    /// # Errors
    ///
    /// As [`keys`](Self::keys) and [`replay_store`](Self::replay_store).
    pub fn perimeter(&self) -> Result<Perimeter, ConfigFault> {
        self.perimeter_with(self.replay_store()?)
    }

    /// Reads the keys, and makes what a layer asks, with `store`: on a reload the one that it has, so
    /// that what was used before stays used.
    ///
    /// # Errors
    ///
    /// As [`keys`](Self::keys), and when the store cannot remember for as long as is asked now.
    pub fn perimeter_with(&self, store: Arc<dyn ReplayStore>) -> Result<Perimeter, ConfigFault> {
        let builder = self.verifier_builder()?.replay_store(store);
        let verifier = self.gather(|faults| faults.take("freshness", builder.build()))?;
        let routes = self.settings.routes.clone();
        Ok(Perimeter::new(verifier).routes(routes).refuse_with(self.settings.refusal))
    }

    /// Does something that may find faults, and tells them all.
    fn gather<T>(
        &self,
        doing: impl FnOnce(&mut Faults<'_>) -> Option<T>,
    ) -> Result<T, ConfigFault> {
        let mut faults = Faults::new(&self.places);
        let done = doing(&mut faults);
        faults.done(&self.path)?;
        done.ok_or_else(|| ConfigFault::unsaid(&self.path))
    }

    fn load_keys(&self, faults: &mut Faults<'_>) -> Option<(Vec<LoadedKey>, Keyring)> {
        let keys = self.settings.keys.load(faults);
        if !faults.is_empty() {
            return None; // what is missing would be missed
        }
        let keyring = match keys::keyring(&keys) {
            Err(error @ ConfigError::NoKeys) => {
                let (fault, _) = fault::two_lines(&error);
                faults.add("keys", fault, "make one with `wafpass keys new`");
                return None;
            }
            keyring => faults.take("keys", keyring)?,
        };
        if let Some(ExplainSettings { key_id, .. }) = self.settings.explain
            && keyring.find(key_id.as_bytes()).is_none()
            && keyring.roots().all(|root| *root.id() != key_id)
        {
            let known = keys.iter().map(|key| key.id().to_string()).collect::<Vec<_>>().join(", ");
            let fault = format!("no key has the id {key_id}");
            faults.add("explain.key_id", fault, format!("one of: {known}"));
        }
        Some((keys, keyring))
    }

    /// A secret that others can read is theirs too; a file that anybody can change asks for nothing.
    fn refuse_open_to_others(&self, metadata: &std::fs::Metadata, faults: &mut Faults<'_>) {
        if let Some(mode) = secret_file::open_to_changes(metadata) {
            let fault = format!("everybody on this machine can change this file (mode {mode:04o})");
            faults.add_at((1, 1), fault, "chmod o-w it: who can change it can loosen everything");
        }
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

impl Verifier {
    /// The verifier of a configuration, with a new replay store; its keys are read now.
    ///
    /// # Errors
    ///
    /// As [`Config::perimeter`].
    pub fn from_config(config: &Config) -> Result<Self, ConfigFault> {
        let builder = config.verifier_builder()?.replay_store(config.replay_store()?);
        config.gather(|faults| faults.take("freshness", builder.build()))
    }
}

impl VerifyLayer {
    /// The layer of a configuration, with a new replay store; its keys are read now.
    ///
    /// # Errors
    ///
    /// As [`Config::perimeter`].
    pub fn from_config(config: &Config) -> Result<Self, ConfigFault> {
        Ok(Self::of(config.perimeter()?))
    }
}

/// The JSON Schema of `wafpass.toml`, for editors and pipelines.
#[cfg(feature = "schema")]
#[must_use]
pub fn json_schema() -> serde_json::Value {
    schema::json_schema()
}
