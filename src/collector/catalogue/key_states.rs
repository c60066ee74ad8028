//! Where each key stands, and how it got there.

use rusqlite::types::Type;
use rusqlite::{Connection, Row, params};

use super::Fingerprint;
use super::schema::unsigned;
use crate::collector::TenantId;
use crate::matched_data::{KeyId, PublicKey, Suite};

/// Where a key stands. It moves forward only, but for `Superseded`, which may be activated again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyState {
    /// Its public key was handed in. Nothing is sealed with it.
    Proposed,
    /// Its owner was asked to open a challenge.
    Challenged,
    /// Its owner has opened the challenge, and another key is active still.
    Proven,
    /// What arrives in clear is sealed with it. One key of a tenant at most.
    Active,
    /// Another took its place. Events that were sealed with it keep arriving, and are expected.
    Superseded,
    /// Events sealed with it raise an alarm.
    Retired,
}

impl KeyState {
    /// All of them, in order.
    pub const ALL: [Self; 6] = [
        Self::Proposed,
        Self::Challenged,
        Self::Proven,
        Self::Active,
        Self::Superseded,
        Self::Retired,
    ];

    /// Its stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Challenged => "challenged",
            Self::Proven => "proven",
            Self::Active => "active",
            Self::Superseded => "superseded",
            Self::Retired => "retired",
        }
    }

    /// Its number in the file.
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Proposed => 1,
            Self::Challenged => 2,
            Self::Proven => 3,
            Self::Active => 4,
            Self::Superseded => 5,
            Self::Retired => 6,
        }
    }

    fn from_row(row: &Row<'_>, column: usize) -> rusqlite::Result<Self> {
        let number: u8 = row.get(column)?;
        let known = Self::ALL.into_iter().find(|state| state.number() == number);
        known.ok_or(rusqlite::Error::IntegralValueOutOfRange(column, number.into()))
    }
}

/// A key with its history.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyRecord {
    /// Its name.
    pub id: KeyId,
    /// The key; `None` once it turned out to be a private one that was handed in by mistake.
    pub public_key: Option<PublicKey>,
    /// Its kind.
    pub suite: Suite,
    /// Where it stands.
    pub state: KeyState,
    /// Every step, the first one first.
    pub steps: Vec<KeyStep>,
}

impl KeyRecord {
    /// What two people compare.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.public_key.as_ref().map(Fingerprint::of)
    }
}

/// One step of a key's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyStep {
    /// Where it came to stand.
    pub state: KeyState,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Who did it: `token` and its id, or `command line`.
    pub actor: String,
}

/// A row of `keys`.
pub(super) struct StoredKey {
    pub(super) tenant: TenantId,
    pub(super) id: KeyId,
    pub(super) suite: Suite,
    pub(super) public_key: Option<PublicKey>,
    pub(super) state: KeyState,
}

const COLUMNS: &str = "SELECT tenant, key_id, suite, public_key, state FROM keys";

/// Every key of every tenant.
pub(super) fn stored_keys(connection: &Connection) -> rusqlite::Result<Vec<StoredKey>> {
    let mut statement = connection.prepare_cached(COLUMNS)?;
    let rows = statement.query_map([], StoredKey::from_row)?;
    rows.collect()
}

/// The keys of a tenant, the one that was proposed last first.
pub(super) fn records(
    connection: &Connection,
    tenant: &TenantId,
) -> rusqlite::Result<Vec<KeyRecord>> {
    let sql = [COLUMNS, " WHERE tenant = ?1 ORDER BY proposed_ms DESC, key_id"].concat();
    let mut statement = connection.prepare_cached(&sql)?;
    let stored = statement.query_map([tenant.as_str()], StoredKey::from_row)?;
    stored.map(|stored| stored?.with_steps(connection)).collect()
}

/// One key of a tenant.
pub(super) fn record(
    connection: &Connection,
    tenant: &TenantId,
    id: KeyId,
) -> rusqlite::Result<Option<KeyRecord>> {
    let sql = [COLUMNS, " WHERE tenant = ?1 AND key_id = ?2"].concat();
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![tenant.as_str(), id.as_bytes()])?;
    match rows.next()? {
        Some(row) => StoredKey::from_row(row)?.with_steps(connection).map(Some),
        None => Ok(None),
    }
}

impl StoredKey {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let not_one =
            |column, kind| rusqlite::Error::InvalidColumnType(column, "keys".into(), kind);
        let number: u8 = row.get(2)?;
        let suite = Suite::from_number(number).ok_or_else(|| not_one(2, Type::Integer))?;
        let bytes: Option<Vec<u8>> = row.get(3)?;
        let public_key = bytes.map(|bytes| PublicKey::from_bytes(suite, &bytes)).transpose();
        Ok(Self {
            tenant: TenantId::new(row.get_ref(0)?.as_str()?)
                .ok_or_else(|| not_one(0, Type::Text))?,
            id: KeyId::from_bytes(row.get(1)?),
            suite,
            public_key: public_key.map_err(|_| not_one(3, Type::Blob))?,
            state: KeyState::from_row(row, 4)?,
        })
    }

    fn with_steps(self, connection: &Connection) -> rusqlite::Result<KeyRecord> {
        let sql = "SELECT state, at_ms, actor FROM key_steps WHERE tenant = ?1 AND key_id = ?2 ORDER BY step";
        let mut statement = connection.prepare_cached(sql)?;
        let steps =
            statement.query_map(params![self.tenant.as_str(), self.id.as_bytes()], |row| {
                let at_ms = unsigned(row.get(1)?);
                Ok(KeyStep { state: KeyState::from_row(row, 0)?, at_ms, actor: row.get(2)? })
            })?;
        let steps = steps.collect::<Result<_, _>>()?;
        let Self { id, suite, public_key, state, .. } = self;
        Ok(KeyRecord { id, public_key, suite, state, steps })
    }
}
