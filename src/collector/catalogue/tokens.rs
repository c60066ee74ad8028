//! Tokens: `wpc_<token id>_<secret>`. The id is public and stands in logs, the secret is shown once.

use std::collections::btree_map::Entry;
use std::sync::atomic::Ordering;

use base64ct::{Base64UrlUnpadded, Encoding};
use rusqlite::params;
use rusqlite::types::Type;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::connections::{Catalogue, Change, lock};
use super::known::KnownToken;
use super::schema::{no_randomness, unsigned};
use super::tenancy::expect_tenant;
use super::{CatalogueError, Principal, Scope, Scopes};
use crate::collector::TenantId;
use crate::collector::limits::{MAX_TOKEN_NAME_CHARS, MAX_TOKENS_PER_TENANT};
use crate::collector::store::StoreError;

const PREFIX: &str = "wpc_";
const ID_BYTES: usize = 8;
const SECRET_BYTES: usize = 32;
/// The secret in base64url without padding.
const SECRET_CHARS: usize = 43;
/// How coarsely the last use of a token is kept.
const HOUR_MS: i64 = 3_600_000;

/// What a new token is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    /// What it is called, for people: 1 to 64 printable characters.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// From when on it does not count, in milliseconds since 1970.
    pub expires_ms: Option<u64>,
}

/// A token that was just made. Nobody can be shown it again.
#[expect(missing_debug_implementations, reason = "so that it reaches no log")]
pub struct NewToken {
    /// Its public id.
    pub id: String,
    /// All of it. Wiped from memory on drop.
    pub text: Zeroizing<String>,
}

/// A token in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenRecord {
    /// Its public id.
    pub id: String,
    /// Whose it is.
    pub tenant: TenantId,
    /// What it is called.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: u64,
    /// From when on it does not count.
    pub expires_ms: Option<u64>,
    /// Since when it does not count.
    pub revoked_ms: Option<u64>,
    /// When it was used last, to the hour.
    pub last_used_ms: Option<u64>,
}

impl TokenRecord {
    /// Whether it counts at this moment.
    #[must_use]
    pub fn is_in_force(&self, now_ms: u64) -> bool {
        self.revoked_ms.is_none() && self.expires_ms.is_none_or(|expires_ms| now_ms < expires_ms)
    }
}

/// Why a credential does not count. Nothing of it reaches the peer, who gets one answer for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthFault {
    /// It is no token's text.
    Malformed,
    /// No token has this id and secret, or its tenant is gone.
    Unknown,
    /// It is over.
    Expired,
    /// It was revoked.
    Revoked,
    /// The catalogue cannot be read: nobody is let in.
    Unavailable,
}

impl AuthFault {
    /// Its stable code, for counts.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unknown => "unknown",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Unavailable => "unavailable",
        }
    }
}

impl Catalogue {
    /// Who a token is. From memory: it waits for no commit.
    ///
    /// The secret has 256 random bits, so that a plain hash keeps it: there is nothing to guess that a slow
    /// one would slow down. It is compared in constant time, and against something also where no token has
    /// the id.
    ///
    /// # Errors
    ///
    /// [`AuthFault`].
    pub fn authenticate(&self, text: &str) -> Result<Principal, AuthFault> {
        let (id, secret) = split(text).ok_or(AuthFault::Malformed)?;
        let presented: [u8; 32] = Sha256::digest(secret).into();
        let known = self.known().map_err(|_| AuthFault::Unavailable)?;
        let token = known.tokens.get(id);
        let expected = token.map_or([0; 32], |token| token.secret_hash);
        let is_same: bool = presented.ct_eq(&expected).into();
        let Some(token) = token.filter(|_| is_same) else { return Err(AuthFault::Unknown) };
        let now_ms = self.now_ms();
        if token.is_revoked {
            return Err(AuthFault::Revoked);
        }
        if token.expires_ms.is_some_and(|expires_ms| now_ms >= expires_ms) {
            return Err(AuthFault::Expired);
        }
        self.note_use(id, token, now_ms);
        Ok(Principal { tenant: token.tenant.clone(), scopes: token.scopes, token_id: id.into() })
    }

    /// Whether a token that was let in before is in force still: for answers that last longer than it may.
    #[must_use]
    pub fn is_in_force(&self, principal: &Principal) -> bool {
        let Ok(known) = self.known() else { return false };
        let now_ms = self.now_ms();
        known.tokens.get(principal.token_id.as_str()).is_some_and(|token| {
            let is_over = token.expires_ms.is_some_and(|expires_ms| now_ms >= expires_ms);
            token.tenant == principal.tenant && !token.is_revoked && !is_over
        })
    }

    /// Once an hour for each token; written by [`maintain`](Self::maintain).
    fn note_use(&self, id: &str, token: &KnownToken, now_ms: i64) {
        let hour_ms = now_ms.saturating_sub(now_ms.rem_euclid(HOUR_MS));
        if token.last_used_ms.fetch_max(hour_ms, Ordering::Relaxed) >= hour_ms {
            return;
        }
        match lock(&self.used).entry(id.into()) {
            Entry::Occupied(mut used) => *used.get_mut() = (*used.get()).max(hour_ms),
            Entry::Vacant(used) => drop(used.insert(hour_ms)),
        }
    }

    /// Makes a token.
    ///
    /// # Errors
    ///
    /// [`CatalogueError::NoSuchTenant`], [`CatalogueError::TooManyTokens`],
    /// [`CatalogueError::UnusableToken`], [`CatalogueError::Store`].
    pub fn add_token(
        &self,
        tenant: &TenantId,
        request: &TokenRequest,
    ) -> Result<NewToken, CatalogueError> {
        let now_ms = self.now_ms();
        check(request, now_ms)?;
        let (token, hash) = generate()?;
        let expires_ms = request.expires_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX));
        self.write(Change::Known, |transaction| {
            expect_tenant(transaction, tenant)?;
            let sql = "SELECT count(*) FROM tokens WHERE tenant = ?1 AND revoked_ms IS NULL
                AND (expires_ms IS NULL OR expires_ms > ?2)";
            let tokens: i64 = transaction.query_row(sql, params![tenant.as_str(), now_ms], |row| row.get(0))?;
            if usize::try_from(tokens).is_ok_and(|tokens| tokens >= MAX_TOKENS_PER_TENANT) {
                return Err(CatalogueError::TooManyTokens.into());
            }
            let sql = "INSERT INTO tokens (token, tenant, secret_hash, scopes, name, created_ms, expires_ms)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
            let scopes = request.scopes.bits();
            let values = params![token.id, tenant.as_str(), hash, scopes, request.name, now_ms, expires_ms];
            transaction.execute(sql, values)?;
            Ok(())
        })?;
        Ok(token)
    }

    /// Takes a token out of force. One that was revoked before stays so.
    ///
    /// # Errors
    ///
    /// [`CatalogueError::NoSuchToken`], [`CatalogueError::Store`].
    pub fn revoke_token(&self, id: &str) -> Result<(), CatalogueError> {
        let now_ms = self.now_ms();
        self.write(Change::Known, |transaction| {
            let sql = "UPDATE tokens SET revoked_ms = coalesce(revoked_ms, ?2) WHERE token = ?1";
            match transaction.execute(sql, params![id, now_ms])? {
                0 => Err(CatalogueError::NoSuchToken.into()),
                _ => Ok(()),
            }
        })
    }

    /// The tokens of a tenant, or of all, the oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`] where the file cannot be read.
    pub fn token_records(&self, tenant: Option<&TenantId>) -> Result<Vec<TokenRecord>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT token, tenant, name, scopes, created_ms, expires_ms, revoked_ms, last_used_ms
                FROM tokens WHERE ?1 IS NULL OR tenant = ?1 ORDER BY tenant, created_ms, token";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([tenant.map(TenantId::as_str)], |row| {
                let not_one = || rusqlite::Error::InvalidColumnType(1, "tenant".into(), Type::Text);
                let tenant = TenantId::new(row.get_ref(1)?.as_str()?);
                let moment = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(unsigned));
                Ok(TokenRecord {
                    id: row.get(0)?,
                    tenant: tenant.ok_or_else(not_one)?,
                    name: row.get(2)?,
                    scopes: Scopes::from_bits(row.get(3)?),
                    created_ms: unsigned(row.get(4)?),
                    expires_ms: moment(5)?,
                    revoked_ms: moment(6)?,
                    last_used_ms: moment(7)?,
                })
            })?;
            rows.collect()
        })
    }
}

/// The id and the secret of a token's text.
fn split(text: &str) -> Option<(&str, &str)> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let fits = id.len() == 2 * ID_BYTES && id.bytes().all(is_hex) && secret.len() == SECRET_CHARS;
    fits.then_some((id, secret))
}

/// A new token, and the hash of its secret.
fn generate() -> Result<(NewToken, [u8; 32]), StoreError> {
    let mut id = [0; ID_BYTES];
    let mut secret = Zeroizing::new([0; SECRET_BYTES]);
    getrandom::fill(&mut id).map_err(|_| no_randomness())?;
    getrandom::fill(secret.as_mut_slice()).map_err(|_| no_randomness())?;
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let secret = Zeroizing::new(Base64UrlUnpadded::encode_string(secret.as_slice()));
    let hash = Sha256::digest(secret.as_bytes()).into();
    let text = Zeroizing::new([PREFIX, &id, "_", &secret].concat());
    Ok((NewToken { id, text }, hash))
}

fn check(request: &TokenRequest, now_ms: i64) -> Result<(), CatalogueError> {
    let name = &request.name;
    let is_named = (1..=MAX_TOKEN_NAME_CHARS).contains(&name.chars().count());
    let is_printable = !name.chars().any(char::is_control) && !name.trim().is_empty();
    let has_scope = Scope::ALL.into_iter().any(|scope| request.scopes.allow(scope));
    let is_to_come = request.expires_ms.is_none_or(|expires_ms| unsigned(now_ms) < expires_ms);
    if is_named && is_printable && has_scope && is_to_come {
        Ok(())
    } else {
        Err(CatalogueError::UnusableToken)
    }
}
