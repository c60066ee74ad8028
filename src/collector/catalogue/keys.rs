//! Public keys: handed in, proven by their owner, active, retired. Each step goes into a history that is
//! never changed.

use base64ct::{Base64UrlUnpadded, Encoding};
use rusqlite::{OptionalExtension, Transaction, params};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::connections::{Catalogue, Change, Trouble};
use super::key_states;
use super::schema::no_randomness;
use super::tenancy::expect_tenant;
use super::{CatalogueError, KeyRecord, KeyState, RegisteredKeys};
use crate::collector::TenantId;
use crate::collector::limits::{CHALLENGE_MS, MAX_CHALLENGE_ATTEMPTS, MAX_KEYS_PER_TENANT};
use crate::collector::store::StoreError;
use crate::matched_data::limits::MAX_TIMESTAMP_MS;
use crate::matched_data::{Binding, KeyId, PublicKey, seal_v4};

/// The rule that a challenge is bound to: no event's.
pub(crate) const CHALLENGE_RULE: &str = "wafpass-key-challenge";

/// What the owner of a key opens to prove that the private key is there: a version 4 blob that holds a text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Challenge {
    /// The blob, in base64.
    pub blob: String,
    /// Of its binding: whose key it is.
    pub tenant: TenantId,
    /// Of its binding, as the event id.
    pub key_id: KeyId,
    /// Of its binding, as the time: until when it can be answered, in milliseconds since 1970.
    pub expires_ms: u64,
}

impl Challenge {
    /// What the blob is bound to, so that a challenge never opens as an event, nor for another tenant.
    #[must_use]
    pub fn binding(&self) -> serde_json::Value {
        serde_json::json!({
            "tenant": self.tenant.as_str(),
            "event_id": self.key_id.to_string(),
            "rule_id": CHALLENGE_RULE,
            "timestamp_ms": self.expires_ms,
        })
    }
}

/// Whether a tenant may be left without a key to seal with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeftWithout {
    /// It may not: another key has to be activated first.
    Refused,
    /// It may: what arrives in clear is refused until another key is active. For a private key that leaked.
    Accepted,
}

impl Catalogue {
    /// A tenant's keys with their history, the latest first.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`] where the file cannot be read.
    pub fn key_records(&self, tenant: &TenantId) -> Result<Vec<KeyRecord>, StoreError> {
        self.read(|connection| key_states::records(connection, tenant))
    }

    /// Takes a public key in. Nothing is sealed with it until its owner has opened a challenge. One that is
    /// there already stays as it stands.
    ///
    /// # Errors
    ///
    /// [`CatalogueError::PrivateKey`] when it is the private key of a registered one, or when its own private
    /// key was handed in by mistake before: then that entry is wiped. [`CatalogueError::TooManyKeys`],
    /// [`CatalogueError::WrongState`] for one that was retired, [`CatalogueError::NoSuchTenant`],
    /// [`CatalogueError::Store`].
    pub fn propose_key(
        &self,
        tenant: &TenantId,
        key: &PublicKey,
        actor: &str,
    ) -> Result<KeyRecord, CatalogueError> {
        let now_ms = self.now_ms();
        let registered = self.registered_keys();
        if private_half(&registered, key) {
            return Err(CatalogueError::PrivateKey);
        }
        if let Some(mistaken) = registered.private_half_of(key) {
            self.write(Change::Known, |transaction| Ok(wipe(transaction, tenant, mistaken)?))?;
            self.checkpoint()?;
            return Err(CatalogueError::PrivateKey);
        }
        self.write(Change::Known, |transaction| {
            expect_tenant(transaction, tenant)?;
            insert(transaction, tenant, key, now_ms, actor)
        })?;
        self.key_record(tenant, key.key_id())
    }

    /// Seals a challenge to a key; an earlier one no longer counts.
    ///
    /// # Errors
    ///
    /// [`CatalogueError::NoSuchKey`], [`CatalogueError::WrongState`] for one that is proven or more,
    /// [`CatalogueError::Unsealed`], [`CatalogueError::Store`].
    pub fn challenge_key(
        &self,
        tenant: &TenantId,
        id: KeyId,
        actor: &str,
    ) -> Result<Challenge, CatalogueError> {
        let now_ms = self.now_ms();
        let answer = random_answer()?;
        let hash: [u8; 32] = Sha256::digest(answer.as_bytes()).into();
        let expires_ms =
            u64::try_from(now_ms).unwrap_or(0).saturating_add(CHALLENGE_MS).min(MAX_TIMESTAMP_MS);
        self.write(Change::Known, |transaction| {
            let record = expect_key(transaction, tenant, id)?;
            let key = match (record.state, record.public_key) {
                (KeyState::Proposed | KeyState::Challenged, Some(key)) => key,
                (found, _) => return Err(CatalogueError::WrongState { found, needed: "proposed" }.into()),
            };
            let blob = seal_challenge(&answer, &key, tenant, expires_ms)?;
            let sql = "INSERT OR REPLACE INTO challenges (tenant, key_id, answer_hash, expires_ms, attempts_left)
                VALUES (?1, ?2, ?3, ?4, ?5)";
            let values = params![
                tenant.as_str(),
                id.as_bytes(),
                hash,
                i64::try_from(expires_ms).unwrap_or(i64::MAX),
                MAX_CHALLENGE_ATTEMPTS,
            ];
            transaction.execute(sql, values)?;
            step(transaction, tenant, id, KeyState::Challenged, now_ms, actor)?;
            Ok(Challenge { blob, tenant: tenant.clone(), key_id: id, expires_ms })
        })
    }

    /// Takes the answer to a challenge. The first key of a tenant is active at once, since it takes no
    /// other's place; a later one is proven, and waits for [`activate_key`](Self::activate_key).
    ///
    /// # Errors
    ///
    /// [`CatalogueError::WrongAnswer`], [`CatalogueError::NoChallenge`], [`CatalogueError::NoSuchKey`],
    /// [`CatalogueError::Store`].
    pub fn answer_challenge(
        &self,
        tenant: &TenantId,
        id: KeyId,
        answer: &str,
        actor: &str,
    ) -> Result<KeyRecord, CatalogueError> {
        let now_ms = self.now_ms();
        let presented: [u8; 32] = Sha256::digest(answer.trim().as_bytes()).into();
        // A wrong answer is counted, durably: so it is no error of the transaction.
        let outcome = self.write(Change::Known, |transaction| {
            expect_key(transaction, tenant, id)?;
            let sql = "UPDATE challenges SET attempts_left = attempts_left - 1
                WHERE tenant = ?1 AND key_id = ?2 AND attempts_left > 0 AND expires_ms > ?3
                RETURNING answer_hash, attempts_left";
            let values = params![tenant.as_str(), id.as_bytes(), now_ms];
            let open = transaction.query_row(sql, values, |row| Ok((row.get(0)?, row.get(1)?)));
            let Some((expected, left)): Option<([u8; 32], u32)> = open.optional()? else {
                return Err(CatalogueError::NoChallenge(id).into());
            };
            if !bool::from(presented.ct_eq(&expected)) {
                return Ok(Err(CatalogueError::WrongAnswer { left }));
            }
            close_challenge(transaction, tenant, id)?;
            let state = match active_key(transaction, tenant)? {
                Some(_) => KeyState::Proven,
                None => KeyState::Active,
            };
            step(transaction, tenant, id, state, now_ms, actor)?;
            Ok(Ok(()))
        })?;
        outcome?;
        self.key_record(tenant, id)
    }

    /// Seals with this key from here on. The one before is superseded: events sealed with it are still
    /// expected, and it may be activated again.
    ///
    /// # Errors
    ///
    /// [`CatalogueError::WrongState`] for one that its owner has not proven, or that was retired;
    /// [`CatalogueError::NoSuchKey`], [`CatalogueError::Store`].
    pub fn activate_key(
        &self,
        tenant: &TenantId,
        id: KeyId,
        actor: &str,
    ) -> Result<KeyRecord, CatalogueError> {
        let now_ms = self.now_ms();
        self.write(Change::Known, |transaction| {
            match expect_key(transaction, tenant, id)?.state {
                KeyState::Active => return Ok(()),
                KeyState::Proven | KeyState::Superseded => {}
                found => return Err(CatalogueError::WrongState { found, needed: "proven" }.into()),
            }
            if let Some(before) = active_key(transaction, tenant)? {
                step(transaction, tenant, before, KeyState::Superseded, now_ms, actor)?;
            }
            Ok(step(transaction, tenant, id, KeyState::Active, now_ms, actor)?)
        })?;
        self.key_record(tenant, id)
    }

    /// Retires a key for good: an event that names it raises an alarm.
    ///
    /// # Errors
    ///
    /// [`CatalogueError::WrongState`] for the active one, unless the tenant may be left without;
    /// [`CatalogueError::NoSuchKey`], [`CatalogueError::Store`].
    pub fn retire_key(
        &self,
        tenant: &TenantId,
        id: KeyId,
        left_without: LeftWithout,
        actor: &str,
    ) -> Result<KeyRecord, CatalogueError> {
        let now_ms = self.now_ms();
        self.write(Change::Known, |transaction| {
            match expect_key(transaction, tenant, id)?.state {
                KeyState::Retired => return Ok(()),
                found @ KeyState::Active if left_without == LeftWithout::Refused => {
                    let needed = "superseded: activate another first";
                    return Err(CatalogueError::WrongState { found, needed }.into());
                }
                _ => {}
            }
            close_challenge(transaction, tenant, id)?;
            Ok(step(transaction, tenant, id, KeyState::Retired, now_ms, actor)?)
        })?;
        self.key_record(tenant, id)
    }

    fn key_record(&self, tenant: &TenantId, id: KeyId) -> Result<KeyRecord, CatalogueError> {
        let record = self.read(|connection| key_states::record(connection, tenant, id))?;
        record.ok_or(CatalogueError::NoSuchKey(id))
    }
}

fn insert(
    transaction: &Transaction<'_>,
    tenant: &TenantId,
    key: &PublicKey,
    now_ms: i64,
    actor: &str,
) -> Result<(), Trouble> {
    let id = key.key_id();
    if let Some(found) = key_states::record(transaction, tenant, id)? {
        let needed = "new: make another key pair";
        return match found.state {
            state @ KeyState::Retired => {
                Err(CatalogueError::WrongState { found: state, needed }.into())
            }
            _ => Ok(()),
        };
    }
    let sql = "SELECT count(*) FROM keys WHERE tenant = ?1";
    let keys: i64 = transaction.query_row(sql, [tenant.as_str()], |row| row.get(0))?;
    if usize::try_from(keys).is_ok_and(|keys| keys >= MAX_KEYS_PER_TENANT) {
        return Err(CatalogueError::TooManyKeys.into());
    }
    let sql = "INSERT INTO keys (tenant, key_id, suite, public_key, state, proposed_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let (suite, state) = (key.suite().number(), KeyState::Proposed.number());
    transaction.execute(
        sql,
        params![tenant.as_str(), id.as_bytes(), suite, key.as_bytes(), state, now_ms],
    )?;
    Ok(step(transaction, tenant, id, KeyState::Proposed, now_ms, actor)?)
}

/// One step forward, in the history too.
fn step(
    transaction: &Transaction<'_>,
    tenant: &TenantId,
    id: KeyId,
    state: KeyState,
    now_ms: i64,
    actor: &str,
) -> rusqlite::Result<()> {
    let sql = "UPDATE keys SET state = ?3 WHERE tenant = ?1 AND key_id = ?2";
    transaction.execute(sql, params![tenant.as_str(), id.as_bytes(), state.number()])?;
    let sql =
        "INSERT INTO key_steps (tenant, key_id, state, at_ms, actor) VALUES (?1, ?2, ?3, ?4, ?5)";
    transaction
        .execute(sql, params![tenant.as_str(), id.as_bytes(), state.number(), now_ms, actor])?;
    Ok(())
}

fn expect_key(
    transaction: &Transaction<'_>,
    tenant: &TenantId,
    id: KeyId,
) -> Result<KeyRecord, Trouble> {
    expect_tenant(transaction, tenant)?;
    key_states::record(transaction, tenant, id)?.ok_or_else(|| CatalogueError::NoSuchKey(id).into())
}

fn active_key(transaction: &Transaction<'_>, tenant: &TenantId) -> rusqlite::Result<Option<KeyId>> {
    let sql = "SELECT key_id FROM keys WHERE tenant = ?1 AND state = 4";
    let found = transaction.query_row(sql, [tenant.as_str()], |row| row.get(0)).optional()?;
    Ok(found.map(KeyId::from_bytes))
}

fn close_challenge(
    transaction: &Transaction<'_>,
    tenant: &TenantId,
    id: KeyId,
) -> rusqlite::Result<()> {
    let sql = "DELETE FROM challenges WHERE tenant = ?1 AND key_id = ?2";
    transaction.execute(sql, params![tenant.as_str(), id.as_bytes()]).map(drop)
}

/// Wipes what was handed in as a public key and is a private one. Only where its owner has not opened a
/// challenge, and for its own tenant: a public key is known to many, and each of them could take it for a
/// private one and hand in what follows from it.
fn wipe(transaction: &Transaction<'_>, tenant: &TenantId, mistaken: KeyId) -> rusqlite::Result<()> {
    let sql = "UPDATE keys SET public_key = NULL, state = 6 WHERE tenant = ?1 AND key_id = ?2 AND state IN (1, 2)";
    transaction.execute(sql, params![tenant.as_str(), mistaken.as_bytes()]).map(drop)
}

/// Whether a key that is handed in is the private half of a registered one.
fn private_half(registered: &RegisteredKeys, key: &PublicKey) -> bool {
    let bytes = <[u8; 32]>::try_from(key.as_bytes()).map(Zeroizing::new);
    bytes.is_ok_and(|bytes| registered.matches(&bytes).is_some())
}

/// 32 random bytes as text, to be copied by hand.
fn random_answer() -> Result<Zeroizing<String>, StoreError> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|_| no_randomness())?;
    Ok(Zeroizing::new(Base64UrlUnpadded::encode_string(bytes.as_slice())))
}

fn seal_challenge(
    answer: &str,
    key: &PublicKey,
    tenant: &TenantId,
    expires_ms: u64,
) -> Result<String, CatalogueError> {
    let id = key.key_id().to_string();
    let binding = Binding::new(tenant.as_str(), &id, CHALLENGE_RULE, expires_ms);
    let binding = binding.map_err(|_| CatalogueError::Unsealed)?;
    seal_v4(answer.as_bytes(), key, &binding).map_err(|_| CatalogueError::Unsealed)
}
