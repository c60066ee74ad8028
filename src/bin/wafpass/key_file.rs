//! The key file of this command line: the keys of an origin, and the audience and freshness that go
//! with them.
//!
//! ```json
//! {"aud": "shop", "freshness": "cloudfront", "keys": [{"kid": "2026-11-a", "key": "<base64url>"}]}
//! ```
//!
//! `kid`, `key` and `aud` are those of the value in the edge's key-value store.

use std::env;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize};
use wafpass::{Freshness, Key, Keyring, Secret, Signer, UnixTime};
use zeroize::Zeroizing;

use crate::error::{Fault, shown};
use crate::input;

const VARIABLE: &str = "WAFPASS_KEYS";

/// Skew where `max_age` is given without one; that of every preset.
pub(crate) const DEFAULT_SKEW_S: u32 = 5;

/// Where the keys come from.
#[derive(clap::Args)]
pub(crate) struct KeySource {
    /// Key file; `-` for standard input [default: text in WAFPASS_KEYS].
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

impl KeySource {
    pub(crate) const fn file(path: PathBuf) -> Self {
        Self { key_file: Some(path) }
    }

    /// Reads the keys. `other` is what else is read: both cannot come from standard input.
    pub(crate) fn load(&self, other: Option<&Path>) -> Result<KeyFile, Fault> {
        let Some(path) = &self.key_file else {
            let text = env::var(VARIABLE).map(Zeroizing::new).map_err(|_| {
                Fault::new(
                    "there are no keys",
                    format!("--key-file FILE, or the text of a key file in {VARIABLE}"),
                )
            })?;
            return KeyFile::parse(&text).map_err(|fault| fault.within(VARIABLE));
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
        KeyFile::parse(&text).map_err(|fault| fault.within(&shown(path)))
    }
}

/// A key that others can read is theirs too. As OpenSSH does.
#[cfg(unix)]
fn refuse_open_to_others(path: &Path, file: &File) -> Result<(), Fault> {
    use std::os::unix::fs::PermissionsExt;

    const GROUP_AND_OTHERS: u32 = 0o077;

    let metadata = file.metadata().map_err(|error| Fault::reading(path, &error))?;
    let mode = metadata.permissions().mode() & 0o777;
    if metadata.is_file() && mode & GROUP_AND_OTHERS != 0 {
        let fault = format!("the key file {} is open to others (mode {mode:04o})", shown(path));
        let way_out =
            "chmod 600 the file; where it cannot be, as in a mounted secret: --key-file - < FILE";
        return Err(Fault::new(fault, way_out));
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_open_to_others(_: &Path, _: &File) -> Result<(), Fault> {
    Ok(())
}

/// A key file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyFile {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) aud: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) freshness: Option<Preset>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_age: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) skew: Option<u32>,
    pub(crate) keys: Vec<KeyEntry>,
}

/// A key in a key file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyEntry {
    pub(crate) kid: String,
    pub(crate) key: Zeroizing<String>,
    #[serde(default, skip_serializing, deserialize_with = "some_moment")]
    not_before: Option<UnixTime>,
    #[serde(default, skip_serializing, deserialize_with = "some_moment")]
    not_after: Option<UnixTime>,
    #[serde(default, skip_serializing)]
    revoked: bool,
}

/// A window of freshness by name.
#[derive(Clone, Copy, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Preset {
    /// 60 s, 5 s of skew: nothing between edge and origin repeats a request.
    Strict,
    /// 90 s, 5 s of skew: `CloudFront` and its retries.
    Cloudfront,
    /// 210 s, 5 s of skew: `CloudFront` with an origin group.
    CloudfrontOriginGroup,
}

impl Preset {
    pub(crate) const fn freshness(self) -> Freshness {
        match self {
            Self::Strict => Freshness::strict(),
            Self::Cloudfront => Freshness::cloudfront(),
            Self::CloudfrontOriginGroup => Freshness::cloudfront_origin_group(),
        }
    }
}

impl KeyFile {
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        let file: Self = serde_json::from_str(text).map_err(|error| fault_of(&error, text))?;
        file.check()?;
        Ok(file)
    }

    /// Whether a signer and a verifier could work with it.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        let keys = self.keys()?;
        Keyring::new(keys.iter().cloned())?;
        self.freshness()?;
        for (key, audience) in keys.into_iter().zip(&self.aud) {
            Signer::builder(audience, key).build()?;
        }
        Ok(())
    }

    pub(crate) fn keys(&self) -> Result<Vec<Key>, Fault> {
        let load = |entry: &KeyEntry| {
            entry.load().map_err(|fault| fault.within(&format!("key {:?}", entry.kid)))
        };
        self.keys.iter().map(load).collect()
    }

    pub(crate) fn freshness(&self) -> Result<Option<Freshness>, Fault> {
        match (self.freshness, self.max_age, self.skew) {
            (None, None, None) => Ok(None),
            (Some(preset), None, None) => Ok(Some(preset.freshness())),
            (None, Some(max_age), skew) => {
                Ok(Some(Freshness::custom(max_age, skew.unwrap_or(DEFAULT_SKEW_S))?))
            }
            _ => {
                let fault = "freshness, max_age and skew do not go together";
                Err(Fault::new(fault, "give freshness alone, or max_age with or without skew"))
            }
        }
    }
}

/// What is wrong with the text of a key file. Says where, and repeats no value: it may be a secret.
fn fault_of(error: &serde_json::Error, text: &str) -> Fault {
    let told = error.to_string();
    let what = if error.is_data() {
        match ["unknown field", "missing field", "duplicate field"]
            .iter()
            .find(|kind| told.starts_with(**kind))
        {
            Some(_) => {
                told.split(" at line ").next().unwrap_or_default().escape_debug().to_string()
            }
            None => "a value that cannot stand there".into(),
        }
    } else {
        "not JSON".into()
    };
    let way_out = if what.contains("`kid`, expected") || text.contains("waf_secrets") {
        "this looks like the edge's value; a key file is {\"aud\": …, \"keys\": [{\"kid\": …, \"key\": …}]}"
    } else {
        "a key file is {\"aud\": …, \"freshness\": …, \"keys\": [{\"kid\": …, \"key\": …}]}; see wafpass keygen --help"
    };
    Fault::new(format!("line {}, column {}: {what}", error.line(), error.column()), way_out)
}

impl KeyEntry {
    pub(crate) const fn new(kid: String, key: Zeroizing<String>) -> Self {
        Self { kid, key, not_before: None, not_after: None, revoked: false }
    }

    pub(crate) fn load(&self) -> Result<Key, Fault> {
        let key = Key::new(&self.kid, &Secret::from_base64url(&self.key)?)?;
        let key = self.not_before.into_iter().fold(key, Key::not_before);
        let key = self.not_after.into_iter().fold(key, Key::not_after);
        Ok(if self.revoked { key.revoked() } else { key })
    }
}

fn some_moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<UnixTime>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Moment {
        Seconds(i64),
        Date(String),
    }

    match Moment::deserialize(deserializer)? {
        Moment::Seconds(seconds) => Ok(Some(UnixTime::from_secs(seconds))),
        Moment::Date(text) => parse_moment(&text).map(Some).map_err(serde::de::Error::custom),
    }
}

/// A moment as people write it: Unix seconds, or the form of `x-cloud-date`.
pub(crate) fn parse_moment(text: &str) -> Result<UnixTime, String> {
    let seconds = text.parse().ok().map(UnixTime::from_secs);
    seconds
        .or_else(|| UnixTime::parse_date(text.as_bytes()))
        .ok_or_else(|| "write Unix seconds, or YYYYMMDDTHHMMSSZ".into())
}
