//! Where a public key comes from. It is no secret, so it may stand among the arguments.

use std::path::{Path, PathBuf};

use wafpass::matched_data::PublicKey;

use crate::error::Fault;
use crate::input;

/// The public key of a verb.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct PublicKeySource {
    /// Public key to seal with.
    #[arg(long, value_name = "KEY")]
    public_key: Option<String>,
    /// File with it, or with what generate-key-pair prints.
    #[arg(long, value_name = "FILE")]
    public_key_file: Option<PathBuf>,
}

impl PublicKeySource {
    /// What else is read.
    pub(super) fn file(&self) -> Option<&Path> {
        self.public_key_file.as_deref()
    }

    pub(super) fn load(&self) -> Result<PublicKey, Fault> {
        if let Some(text) = &self.public_key {
            return Ok(PublicKey::from_text(text)?);
        }
        let path = self.public_key_file.clone().unwrap_or_default();
        let bytes = input::read(&path)?;
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim();
        let pair: Option<serde_json::Value> = serde_json::from_str(text).ok();
        let member = pair.as_ref().and_then(|pair| pair.get("public_key")?.as_str());
        let key = PublicKey::from_text(member.unwrap_or(text));
        key.map_err(|error| Fault::from(error).within(&input::named(&path)))
    }
}
