//! Key files that a passphrase protects, in the age format (<https://age-encryption.org/v1>).

use std::env;
use std::io;
use std::path::{Path, PathBuf};

use age::scrypt;
use age::secrecy::SecretString;
use age::{DecryptError, EncryptError};
use zeroize::Zeroizing;

use super::secret_file;
use crate::error::Fault;

const VARIABLE: &str = "WAFPASS_PASSPHRASE";

/// Most work that opening a file may ask for: scrypt with 2^20, 1 GiB of memory. New files ask for what
/// takes a second here, 2^18 or so.
const MAX_WORK_FACTOR: u8 = 20;

/// Shortest new passphrase, in characters.
const MIN_CHARACTERS: usize = 8;

/// Where a passphrase comes from: a file, the environment, or whoever sits at the terminal.
#[derive(clap::Args)]
pub(super) struct PassphraseFile {
    /// File with the passphrase, which is asked for else.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl PassphraseFile {
    pub(super) fn path(&self) -> Option<&Path> {
        self.passphrase_file.as_deref()
    }

    /// The passphrase of a file that is there.
    pub(super) fn known(&self, of: &str) -> Result<SecretString, Fault> {
        match self.given()? {
            Some(given) => Ok(given),
            None => ask(&format!("Passphrase of {of}: "), of),
        }
    }

    /// A passphrase for a new file, asked for twice.
    pub(super) fn new_for(&self, of: &str) -> Result<SecretString, Fault> {
        use age::secrecy::ExposeSecret;

        let chosen = match self.given()? {
            Some(given) => given,
            None => {
                let chosen = ask(&format!("Passphrase for {of}: "), of)?;
                let again = ask("The same again: ", of)?;
                if chosen.expose_secret() != again.expose_secret() {
                    let fault = "the two passphrases are not the same";
                    return Err(Fault::new(fault, "try again"));
                }
                chosen
            }
        };
        let characters = chosen.expose_secret().chars().count();
        if characters < MIN_CHARACTERS {
            let fault =
                format!("a passphrase of {characters} characters is shorter than {MIN_CHARACTERS}");
            return Err(Fault::new(fault, "choose some words that nobody else would"));
        }
        Ok(chosen)
    }

    fn given(&self) -> Result<Option<SecretString>, Fault> {
        let text = match &self.passphrase_file {
            Some(path) => secret_file::read(path, "passphrase file", "--passphrase-file")?,
            None => match env::var(VARIABLE) {
                Ok(text) => Zeroizing::new(text.into_bytes()),
                Err(_) => return Ok(None),
            },
        };
        let text = secret_file::text(&text, "the passphrase")?;
        // As an editor or `echo` ends a line.
        let line = text.strip_suffix('\n').unwrap_or(text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        Ok(Some(SecretString::from(line.to_owned())))
    }
}

/// Asks at the terminal, without echo.
fn ask(prompt: &str, of: &str) -> Result<SecretString, Fault> {
    rpassword::prompt_password(prompt).map(SecretString::from).map_err(|_| {
        let fault = format!("there is no terminal to ask for the passphrase of {of} on");
        Fault::new(fault, format!("--passphrase-file FILE, or {VARIABLE}"))
    })
}

/// Whether this is a file in the age format, armoured or not.
pub(super) fn is_protected(bytes: &[u8]) -> bool {
    bytes.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----")
        || bytes.starts_with(b"age-encryption.org/")
}

/// `text` as a file that the passphrase opens, armoured.
pub(super) fn protect(text: &str, passphrase: SecretString) -> Result<String, Fault> {
    let recipient = scrypt::Recipient::new(passphrase);
    age::encrypt_and_armor(&recipient, text.as_bytes()).map_err(|error| {
        let error = match error {
            EncryptError::Io(error) => error,
            error => io::Error::other(error.to_string()),
        };
        Fault::new(format!("the key cannot be protected: {error}"), "try again")
    })
}

/// What the file at `of` holds.
pub(super) fn unprotect(
    bytes: &[u8],
    passphrase: SecretString,
    of: &str,
) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let mut identity = scrypt::Identity::new(passphrase);
    identity.set_max_work_factor(MAX_WORK_FACTOR);
    age::decrypt(&identity, bytes).map(Zeroizing::new).map_err(|error| {
        let (fault, way_out) = match error {
            DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => {
                ("is not opened by this passphrase", "try again")
            }
            DecryptError::NoMatchingKeys => (
                "is protected by a key, not by a passphrase",
                "open it with `age --decrypt`, and pipe what comes out into -k -",
            ),
            DecryptError::ExcessiveWork { .. } => (
                "asks for more than 1 GiB of memory",
                "open it with `age --decrypt`, and protect it anew with `age --passphrase`",
            ),
            _ => ("is damaged", "take another copy of it"),
        };
        Fault::new(format!("{of} {fault}"), way_out)
    })
}
