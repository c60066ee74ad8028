use std::io::Write;

use wafpass::key_directory::Learnt;
use wafpass::limits::DEFAULT_SETTLE_S;
use wafpass::{KeyId, clock};

use super::origins::Origins;
use super::{Dir, explain, key_id};
use crate::error::Fault;
use crate::style;

const AFTER: &str = "\
The key that signed until now goes on being accepted, as `retiring`. An origin
that has not loaded the new one would refuse what the edge signs with it: so this
step wants the key to be older than --settle, or, better, asks each origin.

The way back is to promote the key before: origins have never ceased to accept it.

Examples:
  wafpass keys promote 2026-11-a --dir keys
  wafpass keys promote 2026-11-a --dir keys --metrics http://10.0.0.7:9090/metrics

Exit codes: 0 promoted, 1 refused: not now, and why, 2 usage, or keys that cannot be read";

/// Make a key the one that the edge signs with.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER)]
pub(super) struct Args {
    /// The key.
    #[arg(value_name = "KID", value_parser = key_id)]
    kid: KeyId,
    #[command(flatten)]
    dir: Dir,
    #[command(flatten)]
    origins: Origins,
    /// Time that origins had to load the key [default: 300].
    #[arg(long, value_name = "SECONDS", conflicts_with = "metrics")]
    settle: Option<u32>,
    /// Take your word for it that every origin has loaded the key.
    #[arg(long, conflicts_with = "metrics")]
    origins_have_it: bool,
}

impl Args {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<(), Fault> {
        if self.settle == Some(0) && !self.origins_have_it {
            let fault = "--settle 0 leaves origins no time to load the key";
            return Err(Fault::new(fault, "say that they have: --origins-have-it"));
        }
        let reports = self.origins.ask(&self.kid)?;
        let mut writer = self.dir.lock()?;
        let is_first = !writer.directory().has_ever_signed();
        let learnt = match self.settle {
            _ if !reports.is_empty() => Learnt::Reports(&reports),
            _ if self.origins_have_it => Learnt::Asserted,
            None if is_first => Learnt::FirstKey,
            settle => Learnt::Within { settle_s: settle.unwrap_or(DEFAULT_SETTLE_S) },
        };
        let earlier = writer.promote(&self.kid, learnt, clock::now())?;

        let (kid, dir) = (&self.kid, &self.dir);
        writeln!(out, "{kid}  signing")?;
        earlier.iter().try_for_each(|earlier| writeln!(out, "{earlier}  retiring"))?;
        let mut text = String::from("\n");
        if is_first {
            text.push_str("The first key: it takes no other's place, so there was nothing to wait for. Origins\nhave to load it before the edge does.\n");
        }
        text.push_str(&format!(
            "Next: hand it to the edge.\n  wafpass keys export cloudfront-kvs{dir} --current CURRENT.json --out NEXT.json\n"
        ));
        for earlier in earlier {
            text.push_str(&format!(
                "The way back: wafpass keys promote {earlier}{dir}, and export again.\n"
            ));
        }
        Ok(explain(out, &text)?)
    }
}
