//! Where private keys come from.

use std::env;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use wafpass::matched_data::{Opener, PrivateKey};
use zeroize::Zeroizing;

use super::passphrase::{PassphraseFile, is_protected, unprotect};
use super::secret_file;
use crate::error::Fault;
use crate::input;

const VARIABLE: &str = "WAFPASS_PRIVATE_KEY";
const OPTION: &str = "--private-key-filename";

/// The private keys of a verb.
#[derive(clap::Args)]
pub(super) struct PrivateKeys {
    /// Private key file, `-` for standard input; once for each key.
    #[arg(short = 'k', long = "private-key-filename", value_name = "FILE")]
    key_files: Vec<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseFile,
}

/// As `generate-key-pair` prints it.
#[derive(Deserialize)]
struct KeyPair {
    private_key: Zeroizing<String>,
}

impl PrivateKeys {
    /// Reads the keys. `others` are what else is read: only one thing can come from standard input.
    pub(super) fn opener(&self, others: &[PathBuf]) -> Result<Opener, Fault> {
        let read = self.key_files.iter().chain(others).map(PathBuf::as_path);
        let standard = read.chain(self.passphrase.path()).filter(|path| input::is_standard(path));
        if standard.count() > 1 {
            let fault = "two things cannot both come from standard input";
            return Err(Fault::new(fault, "name files for all but one of them"));
        }
        let keys = if self.key_files.is_empty() {
            let text = env::var(VARIABLE).map(Zeroizing::new).map_err(|_| {
                Fault::new(
                    "there is no private key",
                    format!("-k FILE, or the text of the key in {VARIABLE}"),
                )
            })?;
            vec![self.parse(text.as_bytes(), VARIABLE)?]
        } else {
            self.key_files.iter().map(|path| self.read(path)).collect::<Result<_, _>>()?
        };
        Ok(Opener::new(keys)?)
    }

    fn read(&self, path: &Path) -> Result<PrivateKey, Fault> {
        let text = secret_file::read(path, "key file", OPTION)?;
        self.parse(&text, &input::named(path))
    }

    /// A key as it is, or as a key pair in JSON, or either of them protected by a passphrase.
    fn parse(&self, bytes: &[u8], of: &str) -> Result<PrivateKey, Fault> {
        let bytes = bytes.trim_ascii_start();
        if is_protected(bytes) {
            let opened = unprotect(bytes, self.passphrase.known(of)?, of)?;
            return key(secret_file::text(&opened, of)?, of);
        }
        key(secret_file::text(bytes, of)?, of)
    }
}

fn key(text: &str, of: &str) -> Result<PrivateKey, Fault> {
    let text = text.trim();
    let pair: KeyPair;
    let text = if text.starts_with('{') {
        // What serde_json says of a fault may repeat what is there.
        pair = serde_json::from_str(text).map_err(|_| {
            let fault = format!("{of}: a JSON object without a text in `private_key`");
            Fault::new(fault, "a key file holds the private key, or what generate-key-pair prints")
        })?;
        &pair.private_key
    } else {
        text
    };
    PrivateKey::from_text(text).map_err(|error| Fault::from(error).within(of))
}
