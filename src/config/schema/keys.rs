//! `[keys]`: where the keys come from.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::config::units::{Moment, Seconds};

#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Keys {
    /// Folder with one file for each key, as `wafpass keys` keeps it.
    pub(crate) directory: Option<PathBuf>,
    /// Key file, as `wafpass keygen` makes it. Its `freshness` is not read: this file has its own.
    pub(crate) file: Option<PathBuf>,
    /// Name of the environment variable that holds the text of a key file.
    pub(crate) env: Option<String>,
    /// Who may read `directory`, `file` and every other file with a secret: `owner-only` (mode 0600),
    /// or `mounted-for-group` (mode 0440), for secrets that a platform mounts.
    pub(crate) permissions: PermissionsWord,
    /// Keys that stand in this file, or whose secrets are read one by one.
    pub(crate) inline: Vec<InlineKey>,
}

/// Who may read the files with secrets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PermissionsWord {
    /// Nobody but their owner.
    #[default]
    OwnerOnly,
    /// The group too, which then can sign.
    MountedForGroup,
}

/// A key. One of `key`, `key_env` and `key_file` holds its secret.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("required" = ["kid"])))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct InlineKey {
    /// The key's name, as the edge sends it: 1 to 64 of A-Z a-z 0-9 - _ .
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub(crate) kid: Option<String>,
    /// The secret: at least 32 bytes in unpadded base64url. The file that it stands in has mode 0600.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub(crate) key: Option<Zeroizing<String>>,
    /// Name of the environment variable that holds the secret.
    pub(crate) key_env: Option<String>,
    /// File that holds the secret, and nothing else but a line end.
    pub(crate) key_file: Option<PathBuf>,
    /// The key counts from this moment on.
    pub(crate) not_before: Option<Moment>,
    /// The key counts until just before this moment.
    pub(crate) not_after: Option<Moment>,
    /// The key is known, and refused.
    pub(crate) revoked: bool,
    /// `daily`: the secret is a root, and edges sign with the key that is derived from it for the day.
    pub(crate) derive: Option<Derive>,
    /// How long a derived key counts before and after its day: 1h unless set, 12h at most.
    pub(crate) overlap: Option<Seconds>,
}

/// How the keys of edges come from a root.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Derive {
    /// One for each UTC day and audience.
    Daily,
}
