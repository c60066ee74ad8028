//! What a start says: where it listens, where it writes, who may come in.

use std::io::{self, IsTerminal, Write};

use wafpass::collector::TenantId;
use wafpass::collector::catalogue::{
    Catalogue, CatalogueError, Scope, Scopes, TenantSettings, TokenRequest,
};
use wafpass::collector::server::Server;
use wafpass::config::{CollectorConfig, LogFormat, StoreSettings};

use crate::error::{Fault, shown};
use crate::style::{FAINT, HEADING};

/// The tenant of a first start on a terminal.
const FIRST_TENANT: &str = "default";

pub(super) fn tell(
    out: &mut dyn Write,
    config: &CollectorConfig,
    server: &Server,
    catalogue: &Catalogue,
) -> Result<(), Fault> {
    let settings = config.settings();
    let unknown = |error: io::Error| Fault::new(format!("no address: {error}"), "please report it");
    let scheme = if settings.tls.is_some() { "https" } else { "http" };
    let service = format!("{scheme}://{}", server.address().map_err(unknown)?);
    let admin = format!("http://{}", server.admin_address().map_err(unknown)?);
    let store = match settings.store {
        StoreSettings::ClickHouse(_) => "clickhouse",
        _ => "sqlite",
    };
    let tenants = catalogue.tenants();
    if settings.log == LogFormat::Json || !io::stdout().is_terminal() {
        let (data, tenants) = (shown(&settings.data), tenants.len());
        tracing::info!(%service, %admin, %data, store, tenants, "the collector is up");
    } else {
        writeln!(out, "{HEADING}wafpass collector{HEADING:#} {}\n", env!("CARGO_PKG_VERSION"))?;
        writeln!(out, "  service  {service}")?;
        writeln!(out, "  admin    {admin} {FAINT}/livez, /readyz, /metrics{FAINT:#}")?;
        writeln!(out, "  data     {} {FAINT}{store}{FAINT:#}", shown(&settings.data))?;
        if !tenants.is_empty() {
            writeln!(out, "  tenants  {}", names(&tenants))?;
        }
    }
    if tenants.is_empty() {
        first_start(out, config, catalogue, &service)?;
    }
    out.flush()?;
    Ok(())
}

fn names(tenants: &[TenantId]) -> String {
    tenants.iter().map(TenantId::as_str).collect::<Vec<_>>().join(", ")
}

/// A terminal forgets what it showed; a journal keeps it, and a token is a secret.
fn first_start(
    out: &mut dyn Write,
    config: &CollectorConfig,
    catalogue: &Catalogue,
    service: &str,
) -> Result<(), Fault> {
    let data = shown(&config.settings().data);
    if !io::stdout().is_terminal() {
        tracing::warn!(
            "there is no tenant yet, and nobody gets in: wafpass collector tenants add {FIRST_TENANT} --data {data} && wafpass collector tokens new {FIRST_TENANT} --data {data}"
        );
        return Ok(());
    }
    let Some(tenant) = TenantId::new(FIRST_TENANT) else { return Ok(()) };
    let told = |error: CatalogueError| Fault::two_lines(&error.to_string());
    catalogue.add_tenant(&tenant, &TenantSettings::default()).map_err(told)?;
    let scopes = Scopes::of(&Scope::ALL);
    let request = TokenRequest { name: "first start".into(), scopes, expires_ms: None };
    let token = catalogue.add_token(&tenant, &request).map_err(told)?;
    writeln!(
        out,
        "
This is the first start: it made the tenant `{FIRST_TENANT}`, with a token that may do everything.
It is shown this once, and only its hash is kept:

  {HEADING}{}{HEADING:#}

  {FAINT}curl -H \"authorization: Bearer $TOKEN\" {service}/v1/usage
  wafpass collector tokens new {FIRST_TENANT} --data {data}   # one that may do less{FAINT:#}
",
        *token.text
    )?;
    Ok(())
}
