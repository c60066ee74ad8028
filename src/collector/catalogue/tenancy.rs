//! Tenants come, get their settings, and go.

use rusqlite::types::{FromSqlError, ValueRef};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::connections::{Catalogue, Change, Trouble};
use super::schema::unsigned;
use super::{CatalogueError, TenantSettings};
use crate::collector::TenantId;
use crate::collector::limits::MAX_TENANTS;
use crate::collector::store::StoreError;

/// A tenant in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TenantRecord {
    /// Its id.
    pub tenant: TenantId,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: u64,
    /// What is set for it.
    pub settings: TenantSettings,
    /// Set when it is to go, in milliseconds since 1970: none of its credentials counts.
    pub closing_ms: Option<u64>,
    /// Tokens that are neither revoked nor over.
    pub tokens: u64,
    /// Batches of the last 7 days.
    pub batches: u64,
    /// Lines that were ever set aside.
    pub quarantined: u64,
}

impl Catalogue {
    /// Makes a tenant.
    ///
    /// # Errors
    ///
    /// [`CatalogueError::TenantTaken`], [`CatalogueError::TooManyTenants`], [`CatalogueError::Settings`],
    /// [`CatalogueError::Store`].
    pub fn add_tenant(
        &self,
        tenant: &TenantId,
        settings: &TenantSettings,
    ) -> Result<(), CatalogueError> {
        settings.check()?;
        let (text, now_ms) = (to_text(settings)?, self.now_ms());
        self.write(Change::Known, |transaction| {
            let sql = "SELECT count(*) FROM tenants WHERE closed_ms IS NULL";
            let tenants: i64 = transaction.query_row(sql, [], |row| row.get(0))?;
            let sql = "INSERT INTO tenants (tenant, created_ms, settings) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
            if transaction.execute(sql, params![tenant.as_str(), now_ms, text])? == 0 {
                return Err(CatalogueError::TenantTaken.into());
            }
            if usize::try_from(tenants).is_ok_and(|tenants| tenants >= MAX_TENANTS) {
                return Err(CatalogueError::TooManyTenants.into());
            }
            Ok(())
        })
    }

    /// Replaces what is set for a tenant, limits too: for whoever runs the collector.
    ///
    /// # Errors
    ///
    /// [`CatalogueError::NoSuchTenant`], [`CatalogueError::Settings`], [`CatalogueError::Store`].
    pub fn set_settings(
        &self,
        tenant: &TenantId,
        settings: &TenantSettings,
    ) -> Result<(), CatalogueError> {
        self.replace_settings(tenant, settings, |_present| Ok(()))
    }

    /// The same, on behalf of the tenant: its rate and its quota have to be those that it has.
    ///
    /// # Errors
    ///
    /// [`CatalogueError::OperatorsSetting`], and those of [`set_settings`](Self::set_settings).
    pub fn set_own_settings(
        &self,
        tenant: &TenantId,
        settings: &TenantSettings,
    ) -> Result<(), CatalogueError> {
        self.replace_settings(tenant, settings, |present| settings.check_own(present))
    }

    fn replace_settings(
        &self,
        tenant: &TenantId,
        settings: &TenantSettings,
        allow: impl FnOnce(&TenantSettings) -> Result<(), CatalogueError>,
    ) -> Result<(), CatalogueError> {
        settings.check()?;
        let text = to_text(settings)?;
        self.write(Change::Known, |transaction| {
            // In the transaction that writes: what another process has just set counts.
            let sql = "SELECT settings FROM tenants WHERE tenant = ?1 AND closing_ms IS NULL";
            let present = |row: &rusqlite::Row<'_>| settings_of(row.get_ref(0)?);
            let present = transaction.query_row(sql, [tenant.as_str()], present).optional()?;
            allow(&present.ok_or(CatalogueError::NoSuchTenant)?)?;
            let sql = "UPDATE tenants SET settings = ?2 WHERE tenant = ?1";
            exactly_one(transaction.execute(sql, params![tenant.as_str(), text])?)
        })
    }

    /// Lets a tenant go: from here on none of its credentials counts. Its events are deleted by the
    /// service, which then calls [`forget_tenant`](Self::forget_tenant).
    ///
    /// # Errors
    ///
    /// [`CatalogueError::NoSuchTenant`], [`CatalogueError::Store`].
    pub fn close_tenant(&self, tenant: &TenantId) -> Result<(), CatalogueError> {
        let now_ms = self.now_ms();
        self.write(Change::Known, |transaction| {
            let sql = "UPDATE tenants SET closing_ms = ?2 WHERE tenant = ?1 AND closing_ms IS NULL";
            exactly_one(transaction.execute(sql, params![tenant.as_str(), now_ms])?)
        })
    }

    /// Forgets a tenant whose events are gone: its tokens, keys, batches and quarantine go too. Its id stays
    /// taken, since blobs are bound to it, and the history of its keys stays.
    ///
    /// # Errors
    ///
    /// [`CatalogueError::NoSuchTenant`] for one that is not closing, [`CatalogueError::Store`].
    pub fn forget_tenant(&self, tenant: &TenantId) -> Result<(), CatalogueError> {
        let (name, now_ms) = (tenant.as_str(), self.now_ms());
        self.write(Change::Known, |transaction| {
            let sql = "UPDATE tenants SET closed_ms = ?2, settings = '{}'
                WHERE tenant = ?1 AND closing_ms IS NOT NULL AND closed_ms IS NULL";
            exactly_one(transaction.execute(sql, params![name, now_ms])?)?;
            // The numbers of its batches stay known, as those of old ones do.
            super::batches::forget_all_of(transaction, name)?;
            for table in ["tokens", "challenges", "quarantine", "quarantine_counts", "keys"] {
                transaction.execute(&format!("DELETE FROM {table} WHERE tenant = ?1"), [name])?;
            }
            Ok(())
        })
    }

    /// Every tenant that is not gone.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`] where the file cannot be read.
    pub fn tenant_records(&self) -> Result<Vec<TenantRecord>, StoreError> {
        let now_ms = self.now_ms();
        self.read(|connection| tenant_records(connection, now_ms))
    }
}

/// Every tenant that is not gone, of a catalogue that may be opened read-only.
pub(super) fn tenant_records(
    connection: &Connection,
    now_ms: i64,
) -> rusqlite::Result<Vec<TenantRecord>> {
    let sql = "SELECT tenant, created_ms, settings, closing_ms,
        (SELECT count(*) FROM tokens WHERE tokens.tenant = tenants.tenant AND revoked_ms IS NULL
            AND (expires_ms IS NULL OR expires_ms > ?1)),
        (SELECT coalesce(sum(lines), 0) FROM quarantine_counts AS counts WHERE counts.tenant = tenants.tenant)
        FROM tenants WHERE closed_ms IS NULL ORDER BY tenant";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([now_ms], |row| {
        let id = row.get_ref(0)?.as_str()?;
        let not_one =
            || rusqlite::Error::InvalidColumnType(0, "tenant".into(), rusqlite::types::Type::Text);
        Ok(TenantRecord {
            tenant: TenantId::new(id).ok_or_else(not_one)?,
            created_ms: unsigned(row.get(1)?),
            settings: settings_of(row.get_ref(2)?)?,
            closing_ms: row.get::<_, Option<i64>>(3)?.map(unsigned),
            tokens: unsigned(row.get(4)?),
            batches: super::batches::listed_batches(connection, id)?,
            quarantined: unsigned(row.get(5)?),
        })
    })?;
    rows.collect()
}

/// Refuses what is to be done for a tenant that is not there, or is closing.
pub(super) fn expect_tenant(
    transaction: &Transaction<'_>,
    tenant: &TenantId,
) -> Result<(), Trouble> {
    let sql = "SELECT 1 FROM tenants WHERE tenant = ?1 AND closing_ms IS NULL";
    let found = transaction.query_row(sql, [tenant.as_str()], |_| Ok(())).optional()?;
    found.ok_or_else(|| CatalogueError::NoSuchTenant.into())
}

pub(super) fn settings_of(value: ValueRef<'_>) -> rusqlite::Result<TenantSettings> {
    let text = value.as_str().map_err(|_| FromSqlError::InvalidType)?;
    Ok(serde_json::from_str(text).map_err(|error| FromSqlError::Other(error.into()))?)
}

fn to_text(settings: &TenantSettings) -> Result<String, StoreError> {
    serde_json::to_string(settings)
        .map_err(|error| StoreError::Failed { reason: error.to_string() })
}

fn exactly_one(rows: usize) -> Result<(), Trouble> {
    if rows == 1 { Ok(()) } else { Err(CatalogueError::NoSuchTenant.into()) }
}
