//! `wafpass keys export`: what the edge has to hold.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use wafpass::key_directory::{KeyDirectory, KeyRecord, OriginKey};
use wafpass::{KeyId, Secret, UnixTime, clock};

use super::edge_value::{self, EdgeValue};
use super::{Dir, explain, key_id, quoted, word};
use crate::error::Fault;
use crate::input;
use crate::new_files::NewFiles;
use crate::style;

const AFTER: &str = "\
The value holds a secret. --out FILE writes it for you alone, and the commands
that hand it over are printed: they read it from the file, so that it shows in no
list of processes. Without --out it goes to standard output if that is a pipe or a
file, and nothing else does; on a terminal only with `--out -`.

--current is the value that the edge holds now: its `aud`, its `waf_secrets` and its
settings are kept, and the key is exchanged.

Examples:
  wafpass keys export cloudfront-kvs --dir keys --current now.json --out next.json
  wafpass keys export worker --dir keys --aud shop --no-waf --out next.json
  wafpass keys export cloudfront-kvs --dir keys --current now.json --day 20261123 --out n.json

Exit codes: 0 exported, 1 refused: no key to sign with, 2 usage, or unusable input";

/// The tag of the store as it is: of the two commands of this name, that of the data.
const ETAG: &str = "ETAG=$(aws cloudfront-keyvaluestore describe-key-value-store --kvs-arn \"$ARN\" --query ETag --output text)";

const PUT_KEY: &str = "aws cloudfront-keyvaluestore put-key --kvs-arn \"$ARN\" --key wafpass";

/// Make the value that an edge needs to sign with the present key.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER)]
pub(super) struct Args {
    /// cloudfront-kvs (a key-value store), or worker (a secret of a Cloudflare Worker).
    #[arg(value_name = "EDGE", hide_possible_values = true)]
    edge: Edge,
    #[command(flatten)]
    dir: Dir,
    /// The key that you expect to sign; another is refused.
    #[arg(long, value_name = "ID", value_parser = key_id)]
    kid: Option<KeyId>,
    /// For a root: the UTC day to derive for, YYYYMMDD [default: today].
    #[arg(long, value_name = "DAY", value_parser = day)]
    day: Option<UnixTime>,
    /// The name of the site or origin that is signed for.
    #[arg(long, value_name = "NAME", required_unless_present = "current")]
    aud: Option<String>,
    /// The value that the edge holds now; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    current: Option<PathBuf>,
    /// What the WAF inserts, or in WAFPASS_WAF_SECRET; twice to rotate.
    #[arg(long, value_name = "FILE", conflicts_with = "current")]
    waf_secret_file: Vec<PathBuf>,
    /// There is no WAF: the list of its secrets is empty.
    #[arg(long, conflicts_with_all = ["current", "waf_secret_file"])]
    no_waf: bool,
    /// Write the value here (mode 0600); `-` prints it anywhere.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Edge {
    CloudfrontKvs,
    Worker,
}

/// `YYYYMMDD`, as the noon of that day.
fn day(text: &str) -> Result<UnixTime, String> {
    let is_day = text.len() == 8; // or a longer text could bring a time of its own
    let moment = UnixTime::parse_date(format!("{text}T120000Z").as_bytes()).filter(|_| is_day);
    moment.ok_or_else(|| "write the UTC day as YYYYMMDD".into())
}

impl Args {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let to_file = self.out.as_deref().filter(|path| !input::is_standard(path));
        if self.out.is_none() && io::stdout().is_terminal() {
            let fault = "the value holds a secret, and this is a terminal";
            return Err(Fault::new(fault, "--out FILE, or --out - to have it shown all the same"));
        }
        let directory = self.dir.open()?;
        let record = self.signing(&directory)?;
        let mut value = match &self.current {
            Some(path) => EdgeValue::current(path, self.aud.as_deref())?,
            None => EdgeValue::new(
                self.aud.clone().unwrap_or_default(),
                edge_value::waf_secrets(&self.waf_secret_file, self.no_waf)?,
            ),
        };
        let (kid, secret) = self.key_for(record, value.audience())?;
        let text = value.with_key(&kid, &secret)?;
        let Some(path) = to_file else { return Ok(writeln!(out, "{}", *text)?) };
        let mut files = NewFiles::default();
        files.open(path, &text)?;
        files.write()?;
        files.keep();
        Ok(self.hand_over(out, &kid, path)?)
    }

    /// The one key that signs.
    fn signing<'a>(&self, directory: &'a KeyDirectory) -> Result<&'a KeyRecord, Fault> {
        let dir = &self.dir;
        let mut signing = directory.signing();
        let record = match (signing.next(), signing.next()) {
            (Some(record), None) => record,
            (Some(_), Some(_)) => {
                let fault = "two keys sign: a promotion was cut off";
                let way_out = format!("finish it: wafpass keys status{dir} says how");
                return Err(Fault::refused(fault, way_out));
            }
            (None, _) => {
                let fault = "no key signs: origins may not have loaded any of them";
                let way_out =
                    format!("wafpass keys promote KID{dir}; wafpass keys status{dir} shows which");
                return Err(Fault::refused(fault, way_out));
            }
        };
        match self.kid.filter(|kid| kid != record.id()) {
            None => Ok(record),
            Some(kid) => {
                let fault =
                    format!("the key {kid} is not the one that signs: that is {}", record.id());
                Err(Fault::refused(
                    fault,
                    format!("wafpass keys promote {kid}{dir} first, or leave --kid out"),
                ))
            }
        }
    }

    /// What the edge signs with, and under which name: the key, or what is derived from it.
    fn key_for(&self, record: &KeyRecord, audience: &str) -> Result<(KeyId, Secret), Fault> {
        let (now, id) = (clock::now(), record.id());
        match record.to_origin()? {
            OriginKey::Root(root) => {
                let derived = root.derive(self.day.unwrap_or(now), audience)?;
                if self.day.is_some_and(|noon| noon < now) && !derived.key().is_active(now) {
                    let fault = format!("the key {} counts no more: its day is over", derived.id());
                    return Err(Fault::refused(
                        fault,
                        "leave --day out for today's, or name a day to come",
                    ));
                }
                Ok((*derived.id(), derived.secret().clone()))
            }
            _ if self.day.is_some() => {
                let fault = format!("the key {id} is no root: nothing is derived from it");
                Err(Fault::new(
                    fault,
                    "leave --day out, or make a root: wafpass keys new --derive daily",
                ))
            }
            OriginKey::Key(key) if !key.is_active(now) => {
                let fault = format!("the key {id} does not count now: origins would refuse it");
                Err(Fault::refused(fault, "promote one that counts: wafpass keys list"))
            }
            _ => Ok((*id, record.secret().clone())),
        }
    }

    /// How the edge gets it. The commands read the file: no secret is among their arguments.
    fn hand_over(&self, out: &mut dyn Write, kid: &KeyId, path: &Path) -> io::Result<()> {
        let file = word(path);
        let text = format!("The value for {kid} is in {file}, mode 0600. Hand it to the edge:\n\n");
        explain(out, &text)?;
        match self.edge {
            Edge::CloudfrontKvs => {
                let value = quoted(format!("file://{}", path.display()));
                writeln!(out, "ARN=arn:aws:cloudfront::ACCOUNT:key-value-store/STORE_ID")?;
                writeln!(out, "{ETAG}")?;
                writeln!(out, "{PUT_KEY} --value {value} --if-match \"$ETAG\"")?;
            }
            Edge::Worker => writeln!(out, "npx wrangler secret put WAFPASS < {file}")?,
        }
        writeln!(out, "rm {file}\n")?;
        let text = format!(
            "Then, until the key before is unused:\n  wafpass keys status{} --metrics URL",
            self.dir
        );
        explain(out, &text)
    }
}
