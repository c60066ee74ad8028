use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;
use wafpass::matched_data::{PrivateKey, PublicKey, Suite};
use zeroize::Zeroizing;

use super::passphrase::{PassphraseFile, protect};
use crate::error::{Fault, shown};
use crate::new_files::NewFiles;
use crate::{Verdict, style};

const AFTER: &str = "\
The public key is for whoever seals: Cloudflare's payload logging takes an X25519
key as it is printed here. The private key opens what was sealed. Nobody can make
it anew: keep a copy where you keep your other secrets.

With --out the private key goes to a new file of mode 0600 and is not shown. With
--passphrase the file is in the age format too: `age --decrypt` opens it, and every
verb here asks for the passphrase, or takes it from --passphrase-file or
WAFPASS_PASSPHRASE.

With --pq the key is of X-Wing (ML-KEM-768 and X25519), which holds against a
quantum computer. Only wafpass seals for such keys, in version 4.

Examples:
  wafpass generate-key-pair
  wafpass generate-key-pair --out matched.key
  wafpass generate-key-pair --pq --out matched.key --passphrase > matched.pub.json

Exit codes: 0 made, 2 usage, or a file that cannot be written";

/// Make a key pair for matched data: the public key seals, the private key opens.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER)]
pub(crate) struct Args {
    /// How keys are printed: json or text.
    #[arg(short, long, value_name = "FORMAT", default_value = "json")]
    #[arg(hide_possible_values = true)]
    output_format: Format,
    /// Make a post-quantum key (X-Wing) instead of X25519.
    #[arg(long)]
    pq: bool,
    /// Write the private key to this new file (mode 0600).
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Protect the file with a passphrase, which is asked for.
    #[arg(long, requires = "out")]
    passphrase: bool,
    #[command(flatten)]
    passphrase_file: PassphraseFile,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    Json,
    Text,
}

/// What is printed. Without a file, the two members that `matched-data-cli` prints, and no other.
#[derive(Serialize)]
struct Printed<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    private_key: Option<&'a str>,
    public_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_key_file: Option<String>,
}

impl Args {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Verdict, Fault> {
        let is_protected = self.passphrase || self.passphrase_file.path().is_some();
        let suite = if self.pq { Suite::XWing } else { Suite::X25519 };
        let key = PrivateKey::generate(suite)?;
        let text = key.to_text();
        let Some(path) = &self.out else {
            if is_protected {
                let fault = "a passphrase protects a file, and there is none";
                return Err(Fault::new(fault, "--out FILE"));
            }
            self.print(out, key.public_key(), Some(&text))?;
            return Ok(Verdict::Good);
        };
        let content = if is_protected {
            let passphrase = self.passphrase_file.new_for(&shown(path))?;
            Zeroizing::new(protect(&text, passphrase)?.trim_end().to_owned())
        } else {
            text
        };
        let mut files = NewFiles::default();
        files.open(path, &content)?;
        files.write()?;
        files.keep(); // the key is where it belongs, whatever becomes of the report
        self.print(out, key.public_key(), None)?;
        Ok(Verdict::Good)
    }

    fn print(
        &self,
        out: &mut dyn Write,
        public: &PublicKey,
        private: Option<&Zeroizing<String>>,
    ) -> Result<(), Fault> {
        let (public_key, key_id) = (public.to_text(), public.key_id().to_string());
        let file = self.out.as_deref().map(shown);
        match self.output_format {
            Format::Json => {
                let printed = Printed {
                    private_key: private.map(|text| text.as_str()),
                    public_key: &public_key,
                    key_id: file.is_some().then_some(key_id),
                    private_key_file: file,
                };
                let json = serde_json::to_string_pretty(&printed).map_err(io::Error::from)?;
                writeln!(out, "{}", *Zeroizing::new(json))?;
            }
            Format::Text => {
                if let Some(private) = private {
                    writeln!(out, "private key  {}", private.as_str())?;
                }
                if let Some(file) = file {
                    writeln!(out, "private key  in {file}")?;
                }
                writeln!(out, "public key   {public_key}\nkey id       {key_id}")?;
            }
        }
        Ok(())
    }
}
