//! `wafpass rules`: checks rule files, and runs rules on a request that was captured.

mod check;
mod eval;
mod incoming;
mod lint;
mod looked_at;
mod outcome;
mod source;
mod watch;

use std::io::Write;

use crate::error::Fault;
use crate::{Verdict, style};

const AFTER: &str = "\
Examples:
  wafpass rules check rules.toml
  wafpass rules eval --expr 'http.request.uri.path contains \"../\"' request.http
  wafpass rules eval --rules rules.toml --watch request.http";

/// Check rule files; run rules on a captured request, and show why they match.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    Check(check::Args),
    Eval(eval::Args),
}

impl Args {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Verdict, Fault> {
        match &self.verb {
            Verb::Check(args) => args.run(out),
            Verb::Eval(args) => args.run(out),
        }
    }
}
