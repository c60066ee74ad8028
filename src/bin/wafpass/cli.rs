//! The verbs.

use std::io::Write;

use clap::{Parser, Subcommand};

use crate::error::Fault;
use crate::matched_data::{decrypt, encrypt, generate_key_pair, inspect, rewrap};
use crate::{
    Verdict, collector, config, demo, explain, keygen, keys, report, rules, sign, style, vectors,
    verify,
};

const AFTER: &str = "\
Exit codes:
  0  good: accepted, signed, passed
  1  bad: refused, or a case failed
  2  usage, or input that cannot be read

Example:
  wafpass keygen --aud shop --out keys.json --edge-out edge.json
  curl $(wafpass sign --key-file keys.json --waf pass http://localhost:8080/a)

Standard output is for the answer, standard error for what went wrong. Colour
is for terminals, and NO_COLOR turns it off. Secrets are read from files, from
standard input or from the environment (WAFPASS_KEYS, WAFPASS_PRIVATE_KEY,
WAFPASS_PASSPHRASE), never from arguments.";

/// Prove at the origin that a request came through your edge and its WAF.
#[derive(Parser)]
#[command(name = "wafpass", version, arg_required_else_help = true, styles = style::HELP)]
#[command(after_help = AFTER)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    Keygen(keygen::Args),
    Keys(keys::Args),
    Config(config::Args),
    Report(report::Args),
    Sign(sign::Args),
    Verify(verify::Args),
    Explain(explain::Args),
    Vectors(vectors::Args),
    Demo(demo::Args),
    GenerateKeyPair(generate_key_pair::Args),
    Decrypt(decrypt::Args),
    Encrypt(encrypt::Args),
    Inspect(inspect::Args),
    Rewrap(rewrap::Args),
    Rules(rules::Args),
    Collector(collector::Args),
}

impl Command {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Verdict, Fault> {
        match self {
            Self::Keygen(args) => args.run(out),
            Self::Keys(args) => args.run(out),
            Self::Config(args) => args.run(out),
            Self::Report(args) => args.run(out),
            Self::Sign(args) => args.run(out),
            Self::Verify(args) => args.run(out),
            Self::Explain(args) => args.run(out),
            Self::Vectors(args) => args.run(out),
            Self::Demo(args) => args.run(out),
            Self::GenerateKeyPair(args) => args.run(out),
            Self::Decrypt(args) => args.run(out),
            Self::Encrypt(args) => args.run(out),
            Self::Inspect(args) => args.run(out),
            Self::Rewrap(args) => args.run(out),
            Self::Rules(args) => args.run(out),
            Self::Collector(args) => args.run(out),
        }
    }
}
