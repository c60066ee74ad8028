use std::io::Write;

use wafpass::key_directory::Step;
use wafpass::{KeyId, clock};

use super::{Dir, explain, key_id};
use crate::error::Fault;
use crate::style;

const AFTER: &str = "\
Only a key that has been retired for a day. From then on its use shows as
unknown-key, and not as inactive-key. There is no way back.

Exit codes: 0 removed, 1 refused: not now, and why, 2 usage, or keys that cannot be read";

/// Forget a key that has been retired for a day.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER)]
pub(super) struct Args {
    /// The key.
    #[arg(value_name = "KID", value_parser = key_id)]
    kid: KeyId,
    #[command(flatten)]
    dir: Dir,
}

impl Args {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<(), Fault> {
        self.dir.lock()?.step(&self.kid, Step::Remove, clock::now())?;
        writeln!(out, "{}  removed", self.kid)?;
        Ok(explain(out, "\nNext: nothing; origins forget it when they next load the directory.")?)
    }
}
