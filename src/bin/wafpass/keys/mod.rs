//! `wafpass keys`: the key directory, and the steps of a rotation. One module a step.

mod ages;
mod edge_value;
mod export;
mod list;
mod new;
mod origins;
mod promote;
mod remove;
mod retire;
mod status;

use std::env;
use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use wafpass::KeyId;
use wafpass::key_directory::{KeyDirectory, KeyDirectoryWriter};

use crate::error::{Fault, shown};
use crate::style::FAINT;
use crate::{Verdict, style};

const VARIABLE: &str = "WAFPASS_KEY_DIR";

const AFTER: &str = "\
A rotation without an interruption, in this order:
  wafpass keys new                     origins accept the next key; let them load it
  wafpass keys promote KID             once they have: the edge is to sign with it
  wafpass keys export cloudfront-kvs   the value for the edge
  wafpass keys status                  until the key before is unused
  wafpass keys retire KID              that one is refused from then on
  wafpass keys remove KID              a day later

--dir or WAFPASS_KEY_DIR says where the keys are: a folder of mode 0700 with one
file of mode 0600 for each. docs/rotation.md is the runbook.

Exit codes: 0 done, 1 refused: not now, and why, 2 usage, or keys that cannot be read";

/// Rotate keys: a directory of them, and each step in its order.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    step: Step,
}

#[derive(clap::Subcommand)]
enum Step {
    New(new::Args),
    List(list::Args),
    Promote(promote::Args),
    Retire(retire::Args),
    Status(status::Args),
    Remove(remove::Args),
    Export(export::Args),
}

impl Args {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Verdict, Fault> {
        match &self.step {
            Step::New(args) => args.run(out),
            Step::List(args) => args.run(out),
            Step::Promote(args) => args.run(out),
            Step::Retire(args) => args.run(out),
            Step::Status(args) => args.run(out),
            Step::Remove(args) => args.run(out),
            Step::Export(args) => args.run(out),
        }?;
        Ok(Verdict::Good)
    }
}

/// Where the keys are.
#[derive(clap::Args)]
struct Dir {
    /// The key directory [default: WAFPASS_KEY_DIR].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Dir {
    fn path(&self) -> Result<PathBuf, Fault> {
        let path = self.dir.clone().or_else(|| env::var_os(VARIABLE).map(PathBuf::from));
        path.filter(|path| !path.as_os_str().is_empty()).ok_or_else(|| {
            Fault::new("there is no key directory", format!("--dir DIR, or {VARIABLE}=DIR"))
        })
    }

    fn open(&self) -> Result<KeyDirectory, Fault> {
        Ok(KeyDirectory::open(self.path()?)?)
    }

    fn lock(&self) -> Result<KeyDirectoryWriter, Fault> {
        Ok(KeyDirectory::lock(self.path()?)?)
    }
}

impl fmt::Display for Dir {
    /// As it has to be said again in the next command.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.dir {
            Some(dir) => write!(f, " --dir {}", word(dir)),
            None => Ok(()),
        }
    }
}

/// A path as one word of a shell.
fn word(path: &Path) -> String {
    let text = path.display().to_string();
    quoted(if text.contains(char::is_control) { shown(path) } else { text })
}

/// `text` as one word of a shell.
fn quoted(text: impl AsRef<str>) -> String {
    let text = text.as_ref();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.into();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A key id among the arguments.
fn key_id(text: &str) -> Result<KeyId, String> {
    KeyId::new(text).map_err(|error| error.to_string().replace('\n', "; "))
}

/// Lines that explain, beside those that answer.
fn explain(out: &mut dyn Write, text: &str) -> io::Result<()> {
    text.lines().try_for_each(|line| match line {
        "" => writeln!(out),
        line => writeln!(out, "{FAINT}# {line}{FAINT:#}"),
    })
}
