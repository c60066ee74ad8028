//! The section `[collector]`, for the process that is the collector.

mod clickhouse;
mod settings;

pub use self::clickhouse::ClickHouseSettings;
pub(super) use self::settings::settings;
pub use self::settings::{
    ClearHttp, CollectorSettings, ConnectionLimits, LogFormat, StoreSettings, TlsFiles,
};

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::fault::Faults;
use super::place::Places;
use super::secret_file::{Text, read_public, read_secret};
use super::settings as origin;
use super::{Config, ConfigFault, read};
use crate::clock;

/// Largest file of certificates: a chain is a hundredth of this.
const MAX_CERTIFICATE_BYTES: u64 = 1_048_576;
/// Largest private key, and largest password.
const MAX_SECRET_BYTES: u64 = 65_536;

const NO_SECTION: &str = "there is no [collector]";
const WRITE_SECTION: &str =
    "write [collector]; nothing has to stand in it, wafpass config example shows each key";

/// How a collector is run, from the section `[collector]` of a `wafpass.toml`.
///
/// A file with that section and nothing else is a collector's own: audience, keys and freshness, which
/// say what is asked of requests, are needed where an origin reads the file too, and where
/// `perimeter = true`.
///
/// ```
/// use wafpass::config::CollectorConfig;
///
/// let config = CollectorConfig::parse("[collector]\nlisten = \"127.0.0.1:9000\"\n", "wafpass.toml")?;
/// assert_eq!(config.settings().listen.port(), 9000);
/// assert!(config.perimeter().is_none());
/// # Ok::<(), wafpass::config::ConfigFault>(())
/// ```
#[derive(Clone, Debug)]
pub struct CollectorConfig {
    path: PathBuf,
    places: Places,
    settings: CollectorSettings,
    perimeter: Option<Config>,
    stands_alone: bool,
}

impl CollectorConfig {
    /// Reads the file at `path` and all that the collector needs of what it names, and checks it.
    ///
    /// # Errors
    ///
    /// [`ConfigFault`] with every fault that was found.
    pub fn load(path: impl Into<PathBuf>) -> Result<Self, ConfigFault> {
        let path = path.into();
        let (text, metadata) = super::read_file(&path)?;
        let config = Self::parse(&text, path)?;
        config.gather(|faults| {
            super::refuse_open_to_changes(&metadata, faults);
            config.read_files(faults);
            Some(())
        })?;
        if let Some(perimeter) = &config.perimeter {
            perimeter.check(&metadata)?;
        }
        Ok(config)
    }

    /// The same for a file that need not have the section: `None` where it has not, whatever else it says.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn load_if_any(path: impl Into<PathBuf>) -> Result<Option<Self>, ConfigFault> {
        let path = path.into();
        let (text, _) = super::read_file(&path)?;
        let has_section = read::read(&text).places.has("collector");
        if has_section { Self::load(path).map(Some) } else { Ok(None) }
    }

    /// Checks a text. Nothing else is read. `path` is for messages, and its folder is where relative paths
    /// begin.
    ///
    /// # Errors
    ///
    /// [`ConfigFault`] with every fault that was found.
    pub fn parse(text: &str, path: impl Into<PathBuf>) -> Result<Self, ConfigFault> {
        let path = path.into();
        let read::Reading { mut document, places, misread } = read::read(text);
        let is_text = misread.first().is_none_or(|first| !first.is_of_syntax);
        let mut faults = Faults::new(&places);
        misread.into_iter().for_each(|misread| misread.tell(&mut faults));
        if !is_text {
            faults.done(&path)?;
            return Err(ConfigFault::unsaid(&path));
        }
        let base = path.parent().unwrap_or(Path::new(""));
        let table = document.collector.take();
        if table.is_none() {
            faults.add("collector", NO_SECTION, WRITE_SECTION);
        }
        let table = table.unwrap_or_default();
        let (is_guarded, stands_alone) = (table.perimeter, places.stands_alone("collector"));
        let settings = settings(table, base, &mut faults);
        // What stands in the file is checked, whether it is used here or elsewhere.
        let asked = is_guarded || (places.has("collector") && !stands_alone);
        let origin =
            asked.then(|| origin::settings(document, base, clock::now(), &mut faults)).flatten();
        faults.done(&path)?;
        let settings = settings.ok_or_else(|| ConfigFault::unsaid(&path))?;
        let perimeter = origin.filter(|_| is_guarded);
        let perimeter = perimeter.map(|origin| Config::of(path.clone(), places.clone(), origin));
        Ok(Self { path, places, settings, perimeter, stands_alone })
    }

    /// Where it was read; empty where there was no file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the section says.
    #[must_use]
    pub const fn settings(&self) -> &CollectorSettings {
        &self.settings
    }

    /// The same, to be overridden by options of a command line.
    pub const fn settings_mut(&mut self) -> &mut CollectorSettings {
        &mut self.settings
    }

    /// What an edge has to sign before a batch is looked at; `None` where tokens are enough.
    #[must_use]
    pub const fn perimeter(&self) -> Option<&Config> {
        self.perimeter.as_ref()
    }

    /// Whether the file says nothing to origins.
    #[must_use]
    pub const fn stands_alone(&self) -> bool {
        self.stands_alone
    }

    /// The certificate and its private key, in PEM, as they are now.
    ///
    /// # Errors
    ///
    /// [`ConfigFault`] when a file cannot be read, holds none, or lets others read the key.
    pub fn tls_pem(&self) -> Result<Option<TlsPem>, ConfigFault> {
        let Some(files) = &self.settings.tls else { return Ok(None) };
        self.gather(|faults| self.read_tls(files, faults)).map(Some)
    }

    /// The password of `ClickHouse`, where one is named.
    ///
    /// # Errors
    ///
    /// [`ConfigFault`] when the file cannot be read, or lets others read it.
    pub fn clickhouse_password(&self) -> Result<Option<Zeroizing<String>>, ConfigFault> {
        let StoreSettings::ClickHouse(ClickHouseSettings { password_file: Some(path), .. }) =
            &self.settings.store
        else {
            return Ok(None);
        };
        let text = self.gather(|faults| self.read_password(path, faults))?;
        Ok(Some(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())))
    }

    fn read_files(&self, faults: &mut Faults<'_>) {
        if let Some(files) = &self.settings.tls {
            self.read_tls(files, faults);
        }
        if let StoreSettings::ClickHouse(ClickHouseSettings { password_file: Some(path), .. }) =
            &self.settings.store
        {
            self.read_password(path, faults);
        }
    }

    fn read_tls(&self, files: &TlsFiles, faults: &mut Faults<'_>) -> Option<TlsPem> {
        let at = "collector.tls.certificate";
        let certificate = told(at, read_public(&files.certificate, MAX_CERTIFICATE_BYTES), faults);
        if certificate.as_ref().is_some_and(|pem| !pem.contains("-----BEGIN CERTIFICATE-----")) {
            let fault = "the file holds no certificate in PEM";
            faults.add(at, fault, "name a file with -----BEGIN CERTIFICATE----- in it");
        }
        let at = "collector.tls.private_key";
        let text = read_secret(&files.private_key, self.settings.permissions, MAX_SECRET_BYTES);
        let private_key = told(at, text, faults);
        if private_key.as_ref().is_some_and(|pem| !pem.contains("PRIVATE KEY-----")) {
            let fault = "the file holds no private key in PEM";
            faults.add(at, fault, "name a file with -----BEGIN PRIVATE KEY----- in it");
        }
        Some(TlsPem { certificate: certificate?.to_string(), private_key: private_key? })
            .filter(|_| faults.is_empty())
    }

    fn read_password(&self, path: &Path, faults: &mut Faults<'_>) -> Option<Zeroizing<String>> {
        let text = read_secret(path, self.settings.permissions, MAX_SECRET_BYTES);
        told("collector.clickhouse.password_file", text, faults)
    }

    /// Does something that may find faults, and tells them all.
    fn gather<T>(
        &self,
        doing: impl FnOnce(&mut Faults<'_>) -> Option<T>,
    ) -> Result<T, ConfigFault> {
        super::gather(&self.places, &self.path, doing)
    }
}

impl Default for CollectorConfig {
    /// What counts where there is no file: as with an empty section, with `data` in the working directory.
    fn default() -> Self {
        let settings = CollectorSettings::default();
        let (path, places) = (PathBuf::new(), Places::default());
        Self { path, places, settings, perimeter: None, stands_alone: true }
    }
}

/// A certificate and its private key, in PEM.
#[derive(Clone)]
#[non_exhaustive]
pub struct TlsPem {
    /// The certificate, and those between it and its authority.
    pub certificate: String,
    /// Its private key.
    pub private_key: Zeroizing<String>,
}

impl std::fmt::Debug for TlsPem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsPem").finish_non_exhaustive()
    }
}

fn told(at: &str, text: Text, faults: &mut Faults<'_>) -> Option<Zeroizing<String>> {
    // The section has a word of its own for who may read its files.
    let own = |way_out: String| way_out.replace("in [keys]", "in [collector]");
    text.map_err(|(fault, way_out)| faults.add(at, fault, own(way_out))).ok()
}
