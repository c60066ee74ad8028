use std::io::Write;

use wafpass::collector::TenantId;
use wafpass::collector::catalogue::TenantSettings;

use super::table::{Table, bytes, moment};
use super::{Data, tenant_id};
use crate::error::Fault;
use crate::style;

const AFTER: &str = "\
Rate and quota are set here alone, the retention here and by PUT /v1/settings (a token
with the scope admin), what becomes of clear text there alone.

Examples:
  wafpass collector tenants add acme --retention-days 14
  wafpass collector tenants set acme --quota-bytes 107374182400
  wafpass collector tenants remove acme --delete-all-its-events

Exit codes: 0 done, 2 usage, or it cannot be done";

/// List, add, change and remove tenants.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER, arg_required_else_help = true)]
pub(super) struct Args {
    #[command(subcommand)]
    step: Step,
}

#[derive(clap::Subcommand)]
enum Step {
    /// List the tenants.
    List {
        #[command(flatten)]
        data: Data,
    },
    /// Add a tenant. Its id is for ever: blobs are bound to it.
    Add {
        #[arg(value_name = "TENANT", value_parser = tenant_id)]
        tenant: TenantId,
        #[command(flatten)]
        limits: Limits,
        #[command(flatten)]
        data: Data,
    },
    /// Change what a tenant may.
    Set {
        #[arg(value_name = "TENANT", value_parser = tenant_id)]
        tenant: TenantId,
        #[command(flatten)]
        limits: Limits,
        #[command(flatten)]
        data: Data,
    },
    /// Lock a tenant out, and have the service delete all it has.
    Remove {
        #[arg(value_name = "TENANT", value_parser = tenant_id)]
        tenant: TenantId,
        /// There is no way back.
        #[arg(long, required = true)]
        delete_all_its_events: bool,
        #[command(flatten)]
        data: Data,
    },
}

/// What a tenant may.
#[derive(clap::Args)]
struct Limits {
    /// Days that events are kept [default of a new tenant: 30].
    #[arg(long, value_name = "DAYS")]
    retention_days: Option<u32>,
    /// Events a second on average; 0 for no bound.
    #[arg(long, value_name = "EVENTS")]
    max_events_per_s: Option<u32>,
    /// Bytes on the disk; 0 for no bound.
    #[arg(long, value_name = "BYTES")]
    quota_bytes: Option<u64>,
}

impl Limits {
    fn apply(&self, settings: &mut TenantSettings) {
        settings.retention_days = self.retention_days.unwrap_or(settings.retention_days);
        if let Some(events) = self.max_events_per_s {
            settings.max_events_per_s = Some(events).filter(|&events| events > 0);
        }
        if let Some(bytes) = self.quota_bytes {
            settings.quota_bytes = Some(bytes).filter(|&bytes| bytes > 0);
        }
    }
}

impl Args {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<(), Fault> {
        match &self.step {
            Step::List { data } => list(out, data),
            Step::Add { tenant, limits, data } => {
                let mut settings = TenantSettings::default();
                limits.apply(&mut settings);
                data.open()?.add_tenant(tenant, &settings)?;
                Ok(writeln!(out, "{tenant} added")?)
            }
            Step::Set { tenant, limits, data } => {
                let catalogue = data.open()?;
                let mut settings = TenantSettings::clone(&catalogue.settings(tenant));
                limits.apply(&mut settings);
                catalogue.set_settings(tenant, &settings)?;
                Ok(writeln!(out, "{tenant} changed")?)
            }
            Step::Remove { tenant, data, .. } => {
                data.open()?.close_tenant(tenant)?;
                Ok(writeln!(
                    out,
                    "{tenant} locked out; the service deletes its events within minutes"
                )?)
            }
        }
    }
}

fn list(out: &mut dyn Write, data: &Data) -> Result<(), Fault> {
    let mut table =
        Table::new(&["tenant", "since", "retention", "events/s", "quota", "tokens", "state"]);
    for record in data.open()?.tenant_records()? {
        let settings = &record.settings;
        table.row([
            record.tenant.to_string(),
            moment(Some(record.created_ms)),
            format!("{} d", settings.retention_days),
            settings.max_events_per_s.map_or_else(|| "-".to_owned(), |events| events.to_string()),
            settings.quota_bytes.map_or_else(|| "-".to_owned(), bytes),
            record.tokens.to_string(),
            if record.closing_ms.is_some() { "being deleted" } else { "in force" }.to_owned(),
        ]);
    }
    Ok(table.print(out)?)
}
