use std::io::Write;
use std::path::{Path, PathBuf};

use wafpass::matched_data::{seal_v3, seal_v4};
use zeroize::Zeroizing;

use super::event::EventArgs;
use super::public_key::PublicKeySource;
use crate::error::Fault;
use crate::{Verdict, input, style};

const AFTER: &str = "\
Version 4 is bound to its event: it opens only with the same four values, which
the log keeps beside it as `binding`. Version 3 is what Cloudflare writes; nothing
shows which event it belongs to. Whoever has the public key can seal: a blob says
nothing about who did.

Examples:
  wafpass encrypt --public-key \"$KEY\" --tenant acme --event-id 7d0f/0 \\
      --rule-id 100173 --timestamp-ms 1795307400123 matched.json
  wafpass encrypt --public-key \"$KEY\" --event event.json matched.json
  printf '{}' | wafpass encrypt --public-key \"$KEY\" --v3

Exit codes: 0 sealed, 2 usage, or input that cannot be read or sealed";

/// Seal matched data with a public key.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER)]
pub(crate) struct Args {
    #[command(flatten)]
    key: PublicKeySource,
    /// Seal version 3, as Cloudflare does.
    #[arg(long, conflicts_with_all = ["tenant", "event"])]
    v3: bool,
    #[command(flatten)]
    event: EventArgs,
    /// What to seal; `-` for standard input.
    #[arg(value_name = "FILE", default_value = "-", hide_default_value = true)]
    file: PathBuf,
}

impl Args {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Verdict, Fault> {
        let standard = [self.event.file(), self.key.file(), Some(self.file.as_path())];
        let is_standard = |path: &&Path| input::is_standard(path);
        if standard.iter().flatten().filter(|path| is_standard(path)).count() > 1 {
            let fault = "two things cannot both come from standard input";
            return Err(Fault::new(fault, "name files for all but one of them"));
        }
        let key = self.key.load()?;
        let binding = self.event.load()?;
        if binding.is_none() && !self.v3 {
            return Err(Fault::new(
                "version 4 is bound to an event, and none is given",
                "--tenant, --event-id, --rule-id and --timestamp-ms; or --event FILE; or --v3",
            ));
        }
        let plaintext = Zeroizing::new(input::read(&self.file)?);
        let blob = match &binding {
            Some(binding) => seal_v4(&plaintext, &key, &binding.binding()?)?,
            None => seal_v3(&plaintext, &key)?,
        };
        writeln!(out, "{blob}")?;
        Ok(Verdict::Good)
    }
}
