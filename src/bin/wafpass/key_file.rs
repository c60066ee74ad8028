//! Where the keys of a verb come from: a key file, `wafpass.toml`, or the environment.

use std::env;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use wafpass::config::{Config, KeyFile, LoadedKey, Preset};
use wafpass::key_directory::{KeyState, OriginKey};
use wafpass::{ConfigError, Freshness, Key, Keyring, UnixTime};
use zeroize::Zeroizing;

use crate::error::{Fault, shown};
use crate::input;

const VARIABLE: &str = "WAFPASS_KEYS";

/// Where the keys come from.
#[derive(clap::Args)]
pub(crate) struct KeySource {
    /// Key file; `-` for standard input [default: text in WAFPASS_KEYS].
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The origin's wafpass.toml: keys and policy; options override it.
    #[arg(long, value_name = "FILE", conflicts_with = "key_file")]
    config: Option<PathBuf>,
}

impl KeySource {
    pub(crate) const fn file(path: PathBuf) -> Self {
        Self { key_file: Some(path), config: None }
    }

    /// Reads the keys. `other` is what else is read: both cannot come from standard input.
    pub(crate) fn load(&self, other: Option<&Path>) -> Result<Keys, Fault> {
        if let Some(path) = &self.config {
            return Keys::of_config(Config::load(path)?);
        }
        let Some(path) = &self.key_file else {
            let text = env::var(VARIABLE).map(Zeroizing::new).map_err(|_| {
                Fault::new(
                    "there are no keys",
                    format!("--key-file FILE, --config wafpass.toml, or the text of a key file in {VARIABLE}"),
                )
            })?;
            return Keys::parse(&text).map_err(|fault| fault.within(VARIABLE));
        };
        let mut text = Zeroizing::new(String::new());
        let read = if !input::is_standard(path) {
            let file = File::open(path).map_err(|error| Fault::reading(path, &error))?;
            refuse_open_to_others(path, &file)?;
            (&file).read_to_string(&mut text)
        } else if other.is_some_and(input::is_standard) {
            let fault = "two things cannot both come from standard input, the key file and another";
            return Err(Fault::new(fault, "name a file for one of them"));
        } else {
            io::stdin().read_to_string(&mut text)
        };
        read.map_err(|error| Fault::reading(path, &error))?;
        Keys::parse(&text).map_err(|fault| fault.within(&shown(path)))
    }
}

/// A key that others can read is theirs too. As OpenSSH does.
fn refuse_open_to_others(path: &Path, file: &File) -> Result<(), Fault> {
    let Some(mode) = mode_open_to_others(path, file)? else { return Ok(()) };
    let fault = format!("the key file {} is open to others (mode {mode:04o})", shown(path));
    let way_out =
        "chmod 600 the file; where it cannot be, as in a mounted secret: --key-file - < FILE";
    Err(Fault::new(fault, way_out))
}

/// The mode of a file that others than its owner can get at.
#[cfg(unix)]
pub(crate) fn mode_open_to_others(path: &Path, file: &File) -> Result<Option<u32>, Fault> {
    use std::os::unix::fs::PermissionsExt;

    const GROUP_AND_OTHERS: u32 = 0o077;

    let metadata = file.metadata().map_err(|error| Fault::reading(path, &error))?;
    let mode = metadata.permissions().mode() & 0o777;
    Ok((metadata.is_file() && mode & GROUP_AND_OTHERS != 0).then_some(mode))
}

#[cfg(not(unix))]
pub(crate) fn mode_open_to_others(_: &Path, _: &File) -> Result<Option<u32>, Fault> {
    Ok(None)
}

/// The keys that were read, and what was read with them.
pub(crate) struct Keys {
    pub(crate) audience: Option<String>,
    pub(crate) freshness: Option<Freshness>,
    pub(crate) keys: Vec<LoadedKey>,
    /// Where the policy comes from, unless the options say it.
    pub(crate) config: Option<Config>,
}

impl Keys {
    fn parse(text: &str) -> Result<Self, Fault> {
        let file = KeyFile::parse(text)?;
        let (freshness, keys) = (file.freshness()?, file.keys()?);
        Ok(Self { audience: file.audience, freshness, keys, config: None })
    }

    fn of_config(config: Config) -> Result<Self, Fault> {
        Ok(Self {
            audience: Some(config.audience().into()),
            freshness: Some(config.freshness()),
            keys: config.keys()?,
            config: Some(config),
        })
    }

    /// What an origin accepts.
    pub(crate) fn keyring(&self) -> Result<Keyring, ConfigError> {
        let (mut keys, mut roots) = (Vec::new(), Vec::new());
        for key in &self.keys {
            match key.origin() {
                OriginKey::Key(key) => keys.push(key.clone()),
                OriginKey::Root(root) => roots.push(root.clone()),
                _ => {}
            }
        }
        Keyring::with_roots(keys, roots)
    }

    /// The key to sign with for `audience` at `now`: the one with the id asked for, or the only one that
    /// counts, or of several the one that edges were told to sign with. Of a root, that of the day.
    pub(crate) fn to_sign(
        &self,
        kid: Option<&str>,
        audience: &str,
        now: UnixTime,
    ) -> Result<Key, Fault> {
        let keys = self.keys.iter().map(|loaded| Ok((loaded, key_at(loaded, audience, now)?)));
        let keys = keys.collect::<Result<Vec<_>, ConfigError>>()?;
        if let Some(kid) = kid {
            let is_meant = |(loaded, key): &&(&LoadedKey, Key)| {
                key.id().as_str() == kid || loaded.id().as_str() == kid
            };
            let known = ids(keys.iter().map(|(_, key)| key));
            let found = keys.iter().find(is_meant).map(|(_, key)| key.clone());
            return found.ok_or_else(|| {
                Fault::new(format!("no key has the id {kid:?}"), format!("one of: {known}"))
            });
        }
        let active = keys.into_iter().filter(|(loaded, _)| loaded.is_active(now));
        let active: Vec<_> = active.collect();
        // That which edges were told to sign with; only a key directory tells.
        let is_chosen =
            |(loaded, _): &&(&LoadedKey, Key)| loaded.state() == Some(KeyState::Signing);
        let mut chosen = active.iter().filter(is_chosen);
        match (active.as_slice(), chosen.next(), chosen.next()) {
            ([(_, key)], ..) | (_, Some((_, key)), None) => Ok(key.clone()),
            ([], ..) => Err(Fault::new(
                "no key counts at this time",
                "look at not_before, not_after and revoked in the key file",
            )),
            (several, ..) => {
                let way_out =
                    format!("--kid with one of: {}", ids(several.iter().map(|(_, key)| key)));
                Err(Fault::new("more than one key counts at this time", way_out))
            }
        }
    }
}

/// The key itself, or the one that is derived from it.
fn key_at(loaded: &LoadedKey, audience: &str, now: UnixTime) -> Result<Key, ConfigError> {
    match loaded.origin() {
        OriginKey::Root(root) => Ok(root.derive(now, audience)?.key().clone()),
        OriginKey::Key(key) => Ok(key.clone()),
        _ => Err(ConfigError::NoKeys),
    }
}

fn ids<'k>(keys: impl Iterator<Item = &'k Key>) -> String {
    keys.map(|key| key.id().to_string()).collect::<Vec<_>>().join(", ")
}

/// A window of freshness by name.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum PresetName {
    /// 60 s, 5 s of skew: nothing between edge and origin repeats a request.
    Strict,
    /// 90 s, 5 s of skew: `CloudFront` and its retries.
    Cloudfront,
    /// 210 s, 5 s of skew: `CloudFront` with an origin group.
    CloudfrontOriginGroup,
}

impl From<PresetName> for Preset {
    fn from(name: PresetName) -> Self {
        match name {
            PresetName::Strict => Self::Strict,
            PresetName::Cloudfront => Self::Cloudfront,
            PresetName::CloudfrontOriginGroup => Self::CloudfrontOriginGroup,
        }
    }
}

/// A moment as people write it: Unix seconds, or the form of `x-cloud-date`.
pub(crate) fn parse_moment(text: &str) -> Result<UnixTime, String> {
    let seconds = text.parse().ok().map(UnixTime::from_secs);
    seconds
        .or_else(|| UnixTime::parse_date(text.as_bytes()))
        .ok_or_else(|| "write Unix seconds, or YYYYMMDDTHHMMSSZ".into())
}
