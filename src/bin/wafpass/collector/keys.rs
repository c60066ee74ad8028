use std::io::{self, Write};

use wafpass::collector::TenantId;
use wafpass::collector::catalogue::{Challenge, KeyRecord, LeftWithout};
use wafpass::matched_data::{KeyId, PublicKey};

use super::table::moment;
use super::{ACTOR, Data, tenant_id};
use crate::error::Fault;
use crate::style::{self, FAINT, HEADING};

const AFTER: &str = "\
A new key, in this order:
  wafpass collector keys propose acme PUBLIC_KEY       compare its words with its owner's
  wafpass collector keys challenge acme KEY_ID > c.json         and hand that to the owner
  jq -r .encrypted_matched_data c.json | wafpass decrypt -k matched.key --event c.json
  wafpass collector keys answer acme KEY_ID ANSWER              what the owner read there
  wafpass collector keys activate acme KEY_ID             where another was active before
  wafpass collector keys retire acme OLD_KEY_ID     once nothing sealed with it comes in

A token with the scope keys does the same by /v1/keys. Private keys have no place here.

Exit codes: 0 done, 1 refused: not now, and why, 2 usage, or it cannot be done";

/// Register the public keys that events are sealed to, and see where each stands.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER, arg_required_else_help = true)]
pub(super) struct Args {
    #[command(subcommand)]
    step: Step,
}

#[derive(clap::Subcommand)]
enum Step {
    /// List a tenant's keys with their history.
    List(Tenant),
    /// Hand a public key in. Nothing is sealed with it yet.
    Propose {
        #[command(flatten)]
        tenant: Tenant,
        /// As `wafpass generate-key-pair` prints it.
        #[arg(value_name = "PUBLIC_KEY")]
        public_key: String,
    },
    /// Seal a challenge to a key, for its owner to open within an hour.
    Challenge(Key),
    /// Give the text that the challenge held.
    Answer {
        #[command(flatten)]
        key: Key,
        #[arg(value_name = "ANSWER", allow_hyphen_values = true)] // one of 64 begins with `-`
        answer: String,
    },
    /// Seal with this key from here on.
    Activate(Key),
    /// Retire a key for good: events that name it raise an alarm.
    Retire {
        #[command(flatten)]
        key: Key,
        /// The active key too, for a private key that leaked: what comes in clear is refused.
        #[arg(long)]
        leave_none: bool,
    },
}

#[derive(clap::Args)]
struct Tenant {
    #[arg(value_name = "TENANT", value_parser = tenant_id)]
    tenant: TenantId,
    #[command(flatten)]
    data: Data,
}

#[derive(clap::Args)]
struct Key {
    #[command(flatten)]
    of: Tenant,
    #[arg(value_name = "KEY_ID", value_parser = key_id)]
    id: KeyId,
}

fn key_id(text: &str) -> Result<KeyId, String> {
    KeyId::from_hex(text).ok_or_else(|| "16 hexadecimal digits, in lowercase".to_owned())
}

impl Args {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let record = match &self.step {
            Step::List(Tenant { tenant, data }) => {
                let records = data.open()?.key_records(tenant)?;
                return Ok(records.iter().try_for_each(|record| print(out, record))?);
            }
            Step::Challenge(Key { of, id }) => {
                return print_challenge(
                    out,
                    &of.data.open()?.challenge_key(&of.tenant, *id, ACTOR)?,
                );
            }
            Step::Propose { tenant: Tenant { tenant, data }, public_key } => {
                let key = PublicKey::from_text(public_key)?;
                data.open()?.propose_key(tenant, &key, ACTOR)?
            }
            Step::Answer { key: Key { of, id }, answer } => {
                of.data.open()?.answer_challenge(&of.tenant, *id, answer, ACTOR)?
            }
            Step::Activate(Key { of, id }) => {
                of.data.open()?.activate_key(&of.tenant, *id, ACTOR)?
            }
            Step::Retire { key: Key { of, id }, leave_none } => {
                let left = if *leave_none { LeftWithout::Accepted } else { LeftWithout::Refused };
                of.data.open()?.retire_key(&of.tenant, *id, left, ACTOR)?
            }
        };
        Ok(print(out, &record)?)
    }
}

/// What `wafpass decrypt --event` reads, as GET of the service gives it.
fn print_challenge(out: &mut dyn Write, challenge: &Challenge) -> Result<(), Fault> {
    let text = serde_json::to_string_pretty(&serde_json::json!({
        "encrypted_matched_data": challenge.blob,
        "binding": challenge.binding(),
    }));
    Ok(writeln!(out, "{}", text.map_err(io::Error::from)?)?)
}

fn print(out: &mut dyn Write, record: &KeyRecord) -> io::Result<()> {
    writeln!(out, "{HEADING}{}{HEADING:#}  {}  {}", record.id, record.suite, record.state.name())?;
    if let Some(fingerprint) = record.fingerprint() {
        let words = fingerprint.words();
        let words: Vec<&str> = words.split(' ').collect();
        writeln!(out, "  {fingerprint}")?;
        words.chunks(8).try_for_each(|line| writeln!(out, "  {}", line.join(" ")))?;
    }
    record.steps.iter().try_for_each(|step| {
        let (at, state) = (moment(Some(step.at_ms)), step.state.name());
        writeln!(out, "  {FAINT}{at}  {state:<10}  {}{FAINT:#}", step.actor)
    })
}
