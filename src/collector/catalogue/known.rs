//! The catalogue's copy in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use rusqlite::Connection;

use super::key_states::{self, KeyState};
use super::{RegisteredKeys, Scopes, TenantSettings};
use crate::collector::TenantId;
use crate::matched_data::{KeyId, PublicKey};

/// Tenants, tokens and keys as of one moment.
#[derive(Default)]
pub(super) struct Known {
    pub(super) generation: Option<i64>,
    pub(super) tenants: BTreeMap<TenantId, KnownTenant>,
    pub(super) closing: Vec<TenantId>,
    pub(super) tokens: HashMap<String, KnownToken>,
    pub(super) registered: Arc<RegisteredKeys>,
}

#[derive(Default)]
pub(super) struct KnownTenant {
    pub(super) settings: Arc<TenantSettings>,
    pub(super) keys: Arc<ActiveKeys>,
}

pub(super) struct KnownToken {
    pub(super) tenant: TenantId,
    pub(super) secret_hash: [u8; 32],
    pub(super) scopes: Scopes,
    pub(super) expires_ms: Option<i64>,
    pub(super) is_revoked: bool,
    pub(super) last_used_ms: AtomicI64,
}

/// The keys that a tenant's events may be sealed with.
#[derive(Clone, Debug, Default)]
pub struct ActiveKeys {
    sealing: Option<PublicKey>,
    ids: BTreeSet<KeyId>,
}

impl ActiveKeys {
    /// The key that clear text is sealed with; `None` while none is active.
    #[must_use]
    pub const fn sealing(&self) -> Option<&PublicKey> {
        self.sealing.as_ref()
    }

    /// Whether a blob may name this key: the active one, or one that it took the place of and that is not
    /// retired.
    #[must_use]
    pub fn knows(&self, id: KeyId) -> bool {
        self.ids.contains(&id)
    }
}

impl Known {
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let generation =
            connection.query_row("SELECT generation FROM book", [], |row| row.get(0))?;
        let mut known = Self { generation: Some(generation), ..Self::default() };
        known.read_tenants(connection)?;
        known.read_tokens(connection)?;
        known.read_keys(connection)?;
        Ok(known)
    }

    fn read_tenants(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let sql = "SELECT tenant, settings, closing_ms FROM tenants WHERE closed_ms IS NULL";
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let Some(tenant) = TenantId::new(row.get_ref(0)?.as_str()?) else { continue };
            if row.get::<_, Option<i64>>(2)?.is_some() {
                self.closing.push(tenant);
                continue;
            }
            let settings = super::tenancy::settings_of(row.get_ref(1)?)?;
            let one = KnownTenant { settings: Arc::new(settings), ..KnownTenant::default() };
            self.tenants.insert(tenant, one);
        }
        Ok(())
    }

    /// Those of tenants that are closing do not count: they are not in the map.
    fn read_tokens(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let sql = "SELECT token, tenant, secret_hash, scopes, expires_ms, revoked_ms, last_used_ms FROM tokens";
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let Some(tenant) = TenantId::new(row.get_ref(1)?.as_str()?) else { continue };
            if !self.tenants.contains_key(&tenant) {
                continue;
            }
            let token = KnownToken {
                tenant,
                secret_hash: row.get(2)?,
                scopes: Scopes::from_bits(row.get(3)?),
                expires_ms: row.get(4)?,
                is_revoked: row.get::<_, Option<i64>>(5)?.is_some(),
                last_used_ms: AtomicI64::new(row.get::<_, Option<i64>>(6)?.unwrap_or(i64::MIN)),
            };
            self.tokens.insert(row.get(0)?, token);
        }
        Ok(())
    }

    fn read_keys(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut registered = RegisteredKeys::default();
        let mut active: BTreeMap<TenantId, ActiveKeys> = BTreeMap::new();
        for stored in key_states::stored_keys(connection)? {
            let Some(public) = stored.public_key else { continue };
            let keys = active.entry(stored.tenant).or_default();
            if matches!(stored.state, KeyState::Active | KeyState::Superseded) {
                keys.ids.insert(public.key_id());
            }
            registered.insert(&public);
            if stored.state == KeyState::Active {
                keys.sealing = Some(public);
            }
        }
        for (tenant, keys) in active {
            if let Some(one) = self.tenants.get_mut(&tenant) {
                one.keys = Arc::new(keys);
            }
        }
        self.registered = Arc::new(registered);
        Ok(())
    }
}
