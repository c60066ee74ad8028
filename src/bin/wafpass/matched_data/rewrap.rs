use std::io::Write;
use std::path::PathBuf;

use wafpass::matched_data::archive::{Archive, Left, Summary, UnboundBlobs};
use wafpass::matched_data::{PublicKey, Refused, Suite};

use super::logs::{InputFormat, Logs, refuse_no_json, tell};
use super::new_log::NewLog;
use super::private_key::PrivateKeys;
use super::public_key::PublicKeySource;
use crate::error::Fault;
use crate::{Verdict, style};

const AFTER: &str = "\
Every blob is opened with an old key and sealed to the new one; everything else
stays as it is to the byte. What does not open stays too, so keep the old key until
nothing is left. The new file appears when it is whole, with mode 0600, and is gzip
if the old one is. The old file is not touched.

Version 4 stays version 4, with its binding. Version 3 and older become version 3:
nothing shows which event they belong to, before or after. A post-quantum key has no
version 3, so these stay as they are (missing-binding). What is sealed to the new
key already stays as it is.

--bind-to-row says: I trust this log's rows. Version 3 and older then become version
4 where a binding stands beside them that is that of their row. Whoever could write
to the log could have moved such a blob and put the binding there, and afterwards
it looks as if its sealer had bound it.

Example:
  wafpass rewrap -k 2025.key --public-key-file 2026.pub --out 2026.log.gz 2025.log.gz

Exit codes: 0 all sealed to the new key, 1 some left, 2 usage, or input that cannot
be read";

/// Move a log to a new key.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER)]
pub(crate) struct Args {
    #[command(flatten)]
    keys: PrivateKeys,
    #[command(flatten)]
    public_key: PublicKeySource,
    /// firewall-events-jsonl (the default) or -json.
    #[arg(short, long, value_name = "FORMAT", default_value = "firewall-events-jsonl")]
    #[arg(hide_possible_values = true, hide_default_value = true)]
    input_format: InputFormat,
    /// The new file.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// I trust this log's rows: bind version 3 and older to them.
    #[arg(long)]
    bind_to_row: bool,
    /// What to move; `-` for standard input.
    #[arg(value_name = "LOG")]
    file: PathBuf,
}

impl Args {
    pub(crate) fn run(&self, _: &mut dyn Write) -> Result<Verdict, Fault> {
        let Some(format) = self.input_format.log() else {
            let fault = "single blobs have no place to be moved in";
            return Err(Fault::new(fault, "decrypt and encrypt them, or name a log"));
        };
        let files = [self.file.clone()];
        let others = files.iter().cloned().chain(self.public_key.file().map(PathBuf::from));
        let opener = self.keys.opener(&others.collect::<Vec<_>>())?;
        let key = self.public_key.load()?;
        let archive = Archive::new(format).unbound(self.unbound());
        let (mut new_log, mut summary, mut fault) = (None, Summary::default(), None);
        let not_json = Logs::new(&files, false).each(|log| {
            let compression = log.compression();
            match NewLog::create(&self.out, compression) {
                Ok(mut file) => {
                    summary = archive.rewrap(log, &mut file, &opener, &key)?;
                    new_log = Some(file);
                }
                Err(error) => fault = Some(error),
            }
            Ok(summary.first_not_json)
        })?;
        if let Some(fault) = fault {
            return Err(fault);
        }
        refuse_no_json(summary.events, summary.not_json)?;
        new_log.map_or(Ok(()), NewLog::finish)?;
        let verdict = tell(&summary, not_json.as_ref());
        self.tell_unbindable(&summary, &key);
        Ok(verdict)
    }

    const fn unbound(&self) -> UnboundBlobs {
        if self.bind_to_row { UnboundBlobs::BindToRow } else { UnboundBlobs::StayUnbound }
    }

    /// Says what to do about version 3 and older, which a post-quantum key does not take.
    fn tell_unbindable(&self, summary: &Summary, key: &PublicKey) {
        let is_lacking = |(left, _)| left == Left::Refused(Refused::MissingBinding);
        if key.suite() == Suite::XWing && !self.bind_to_row && summary.left().any(is_lacking) {
            anstream::eprintln!(
                "missing-binding: a post-quantum key seals only what is bound. Move version 3 and older to an \
                 X25519 key; or, if you trust this log's rows, bind them with --bind-to-row"
            );
        }
    }
}
