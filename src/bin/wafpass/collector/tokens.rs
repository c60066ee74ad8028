use std::io::Write;
use std::path::PathBuf;

use wafpass::collector::TenantId;
use wafpass::collector::catalogue::{Scope, Scopes, TokenRecord, TokenRequest};

use super::table::{Table, moment};
use super::{Data, now_ms, tenant_id};
use crate::error::{Fault, shown};
use crate::new_files::NewFiles;
use crate::style;

const DAY_MS: u64 = 86_400_000;

const AFTER: &str = "\
Scopes:
  ingest  send events
  read    ask for events
  admin   delete events, change retention and policy
  keys    register public keys

A token is printed once, and kept as a hash: make a new one where it is lost. To
rotate: make a new one, hand it over, revoke the other once `last used` stands
still.

Examples:
  wafpass collector tokens new acme --name edge --scope ingest --out edge.token
  wafpass collector tokens new acme --name ci --scope read --scope keys --expires-days 30
  wafpass collector tokens revoke 0123456789abcdef

Exit codes: 0 done, 2 usage, or it cannot be done";

/// List, make and revoke the tokens that let senders and readers in.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER, arg_required_else_help = true)]
pub(super) struct Args {
    #[command(subcommand)]
    step: Step,
}

#[derive(clap::Subcommand)]
enum Step {
    /// List the tokens, without their secrets.
    List {
        /// Of this tenant only.
        #[arg(long, value_name = "TENANT", value_parser = tenant_id)]
        tenant: Option<TenantId>,
        #[command(flatten)]
        data: Data,
    },
    New(New),
    /// Revoke a token: it counts no more, within a second.
    Revoke {
        /// The token's id: its part between wpc_ and the next _.
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        data: Data,
    },
}

/// Make a token, and print it: this once.
#[derive(clap::Args)]
struct New {
    #[arg(value_name = "TENANT", value_parser = tenant_id)]
    tenant: TenantId,
    /// What it may: ingest, read, admin or keys; once for each [default: ingest and read].
    #[arg(long = "scope", value_name = "SCOPE", value_parser = scope)]
    scopes: Vec<Scope>,
    /// What it is called in the list.
    #[arg(long, value_name = "NAME", default_value = "unnamed")]
    name: String,
    /// Days that it counts [default: 365].
    #[arg(long, value_name = "DAYS", conflicts_with = "never_expires")]
    expires_days: Option<u32>,
    /// It counts until it is revoked.
    #[arg(long)]
    never_expires: bool,
    /// Write it to this new file (mode 0600) instead.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    data: Data,
}

fn scope(text: &str) -> Result<Scope, String> {
    let known = Scope::ALL.into_iter().find(|scope| scope.name() == text);
    known.ok_or_else(|| "ingest, read, admin or keys".to_owned())
}

impl Args {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<(), Fault> {
        match &self.step {
            Step::List { tenant, data } => list(out, &data.open()?.token_records(tenant.as_ref())?),
            Step::New(new) => new.run(out),
            Step::Revoke { id, data } => {
                data.open()?.revoke_token(id)?;
                Ok(writeln!(out, "{id} revoked")?)
            }
        }
    }
}

impl New {
    fn run(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let scopes: &[Scope] = match &*self.scopes {
            [] => &[Scope::Ingest, Scope::Read],
            scopes => scopes,
        };
        let days = u64::from(self.expires_days.unwrap_or(365));
        let expires_ms =
            (!self.never_expires).then(|| now_ms().saturating_add(days.saturating_mul(DAY_MS)));
        let request =
            TokenRequest { name: self.name.clone(), scopes: Scopes::of(scopes), expires_ms };
        let token = self.data.open()?.add_token(&self.tenant, &request)?;
        let Some(path) = &self.out else {
            return Ok(writeln!(out, "{}", token.text.as_str())?);
        };
        let mut files = NewFiles::default();
        files.open(path, &token.text)?;
        files.write()?;
        files.keep();
        Ok(writeln!(out, "{} in {}", token.id, shown(path))?)
    }
}

fn list(out: &mut dyn Write, records: &[TokenRecord]) -> Result<(), Fault> {
    let now_ms = now_ms();
    let mut table =
        Table::new(&["id", "tenant", "name", "scopes", "state", "expires", "last used"]);
    for record in records {
        let state = match record.revoked_ms {
            Some(_) => "revoked",
            None if record.is_in_force(now_ms) => "in force",
            None => "over",
        };
        let scopes: Vec<_> = record.scopes.iter().map(Scope::name).collect();
        table.row([
            record.id.clone(),
            record.tenant.to_string(),
            record.name.clone(),
            scopes.join(","),
            state.to_owned(),
            record.expires_ms.map_or_else(|| "never".to_owned(), |ms| moment(Some(ms))),
            record.last_used_ms.map_or_else(|| "never".to_owned(), |ms| moment(Some(ms))),
        ]);
    }
    Ok(table.print(out)?)
}
