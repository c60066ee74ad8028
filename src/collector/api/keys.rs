//! Public keys: handed in, proven, activated, retired.
//!
//! 1. `PUT /v1/keys` hands a public key in. Its owner compares the fingerprint with the one at home.
//! 2. `POST /v1/keys/{key_id}/challenge` answers with a sealed text, `PUT` there takes it opened: proof that
//!    somebody has the private key.
//! 3. `POST /v1/keys/{key_id}/activate` lets the key take the place of the one before. The first key needs no
//!    such step.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Problem;
use super::body::JsonBody;
use super::book::ask;
use super::moments;
use super::params::Parameters;
use crate::collector::auth::{Authorized, Keys, Read};
use crate::collector::catalogue::{
    Catalogue, CatalogueError, Challenge, KeyRecord, KeyStep, LeftWithout, Principal,
};
use crate::collector::{Collector, EventTime, TenantId};
use crate::matched_data::{KeyId, PublicKey, Suite};

pub(super) fn routes() -> OpenApiRouter<Collector> {
    OpenApiRouter::new()
        .routes(routes!(list, propose))
        .routes(routes!(challenge, answer))
        .routes(routes!(activate))
        .routes(routes!(retire))
}

/// The keys of a tenant.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeyList {
    /// The key that clear text is sealed with; null while none is active.
    active: Option<String>,
    /// All of them, the latest first. None is ever left out.
    keys: Vec<Key>,
}

/// A public key with its history.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Key {
    /// Its name, 16 hexadecimal digits: blobs carry it.
    #[schema(pattern = "^[0-9a-f]{16}$")]
    key_id: String,
    /// `x25519`, or `x-wing`, which holds against a quantum computer too.
    kind: &'static str,
    /// The key; null once it turned out to be a private key that was handed in by mistake, and was wiped.
    public_key: Option<String>,
    /// What its owner compares with the key at home.
    fingerprint: Option<KeyFingerprint>,
    /// `proposed`, `challenged`, `proven`, `active`, `superseded` or `retired`.
    state: &'static str,
    /// Every step that it took.
    history: Vec<Step>,
}

/// SHA-256 of the kind's number and the key.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeyFingerprint {
    /// All of it.
    hex: String,
    /// Its first 128 bits as 16 words, to be read aloud.
    words: String,
}

/// One step of a key.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Step {
    /// Where it came to stand.
    state: &'static str,
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// Who did it: a token's id, or the command line.
    by: String,
}

/// A public key to hand in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewKey {
    /// Base64 of 32 bytes, or `xwing-public:` and base64: as `wafpass generate-key-pair` prints it.
    public_key: String,
}

/// What the owner of a key opens: `wafpass decrypt` does, with `--event` and this very object in a file.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SealedChallenge {
    /// The blob, version 4.
    encrypted_matched_data: String,
    /// What the blob is bound to.
    #[schema(value_type = std::collections::BTreeMap<String, serde_json::Value>)]
    binding: serde_json::Value,
    /// Until when it can be answered.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// The answer to a challenge.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    /// The text that the blob held.
    answer: String,
}

/// Lists the keys with their history.
#[utoipa::path(
    get, path = "/v1/keys", operation_id = "list_keys", tag = "keys", security(("bearer" = ["read"])),
    responses((status = 200, description = "The keys, the latest first.", body = KeyList)),
)]
pub(super) async fn list(
    Authorized { principal, .. }: Authorized<Read>,
    State(collector): State<Collector>,
    RawQuery(query): RawQuery,
) -> Result<Json<KeyList>, Problem> {
    Parameters::read(query.as_deref(), &[])?;
    let records = ask(&collector, move |book| Ok(book.key_records(&principal.tenant)?)).await?;
    let keys: Vec<Key> = records.into_iter().map(Key::from).collect();
    let active = keys.iter().find(|key| key.state == "active").map(|key| key.key_id.clone());
    Ok(Json(KeyList { active, keys }))
}

/// Hands a public key in.
///
/// Nothing is sealed with it until its owner has opened a challenge. A key that is there already stays as it stands.
#[utoipa::path(
    put, path = "/v1/keys", operation_id = "propose_key", tag = "keys", security(("bearer" = ["keys"])),
    request_body = NewKey,
    responses(
        (status = 200, description = "The key is listed. Compare its fingerprint.", body = Key),
        (status = 409, description = "It was retired, or there are too many.", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It is no public key; or it is a private one, which is exposed now.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn propose(
    Authorized { principal, .. }: Authorized<Keys>,
    State(collector): State<Collector>,
    RawQuery(query): RawQuery,
    JsonBody(NewKey { public_key }): JsonBody<NewKey>,
) -> Result<Json<Key>, Problem> {
    Parameters::read(query.as_deref(), &[])?;
    let key = PublicKey::from_text(&public_key).map_err(|error| {
        let text = error.to_string();
        let (title, detail) = text.split_once('\n').unwrap_or((&text, ""));
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "no-public-key", title, detail)
    })?;
    step(&collector, principal, move |book, tenant, actor| book.propose_key(tenant, &key, actor))
        .await
}

/// Asks for a challenge: a text that is sealed to the key.
///
/// An earlier challenge of the key no longer counts. It can be answered for an hour.
#[utoipa::path(
    post, path = "/v1/keys/{key_id}/challenge", operation_id = "challenge_key", tag = "keys",
    security(("bearer" = ["keys"])),
    params(("key_id" = String, Path, description = "Which key.", pattern = "^[0-9a-f]{16}$")),
    responses(
        (status = 200, description = "Open it, and send what it holds.", body = SealedChallenge),
        (status = 404, description = "There is no such key.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The key is proven already, or retired.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn challenge(
    Authorized { principal, .. }: Authorized<Keys>,
    State(collector): State<Collector>,
    Path(key_id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<SealedChallenge>, Problem> {
    Parameters::read(query.as_deref(), &[])?;
    let id = id_of(&key_id)?;
    let asked =
        ask(&collector, move |book| book.challenge_key(&principal.tenant, id, &actor(&principal)));
    Ok(Json(asked.await?.into()))
}

/// Answers a challenge.
///
/// The first key is active from here on; a later one waits for its activation.
#[utoipa::path(
    put, path = "/v1/keys/{key_id}/challenge", operation_id = "answer_challenge", tag = "keys",
    security(("bearer" = ["keys"])), request_body = Answer,
    params(("key_id" = String, Path, description = "Which key.", pattern = "^[0-9a-f]{16}$")),
    responses(
        (status = 200, description = "Its owner has the private key.", body = Key),
        (status = 404, description = "There is no such key.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "No challenge is open.", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "That is not what it holds.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn answer(
    Authorized { principal, .. }: Authorized<Keys>,
    State(collector): State<Collector>,
    Path(key_id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(Answer { answer }): JsonBody<Answer>,
) -> Result<Json<Key>, Problem> {
    Parameters::read(query.as_deref(), &[])?;
    let (id, answer) = (id_of(&key_id)?, zeroize::Zeroizing::new(answer));
    step(&collector, principal, move |book, tenant, actor| {
        book.answer_challenge(tenant, id, &answer, actor)
    })
    .await
}

/// Seals with this key from here on.
///
/// The one before stays known: events sealed with it keep arriving. It can be activated again, until it is retired.
#[utoipa::path(
    post, path = "/v1/keys/{key_id}/activate", operation_id = "activate_key", tag = "keys",
    security(("bearer" = ["keys"])),
    params(("key_id" = String, Path, description = "Which key.", pattern = "^[0-9a-f]{16}$")),
    responses(
        (status = 200, description = "The key is active.", body = Key),
        (status = 404, description = "There is no such key.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Its owner has not opened a challenge, or it is retired.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn activate(
    Authorized { principal, .. }: Authorized<Keys>,
    State(collector): State<Collector>,
    Path(key_id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Key>, Problem> {
    Parameters::read(query.as_deref(), &[])?;
    let id = id_of(&key_id)?;
    step(&collector, principal, move |book, tenant, actor| book.activate_key(tenant, id, actor))
        .await
}

/// Retires a key for good: events that name it raise an alarm.
#[utoipa::path(
    post, path = "/v1/keys/{key_id}/retire", operation_id = "retire_key", tag = "keys",
    security(("bearer" = ["keys"])),
    params(
        ("key_id" = String, Path, description = "Which key.", pattern = "^[0-9a-f]{16}$"),
        ("leave_none" = Option<bool>, Query, description = "Retires the active key too, for a private key that leaked: what arrives in clear is refused until another is active."),
    ),
    responses(
        (status = 200, description = "The key is retired.", body = Key),
        (status = 404, description = "There is no such key.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is the active key.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn retire(
    Authorized { principal, .. }: Authorized<Keys>,
    State(collector): State<Collector>,
    Path(key_id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Key>, Problem> {
    let parameters = Parameters::read(query.as_deref(), &["leave_none".to_owned()])?;
    let left_without = match parameters.truth("leave_none")? {
        Some(true) => LeftWithout::Accepted,
        _ => LeftWithout::Refused,
    };
    let id = id_of(&key_id)?;
    step(&collector, principal, move |book, tenant, actor| {
        book.retire_key(tenant, id, left_without, actor)
    })
    .await
}

/// A step of a key of the tenant that asks.
async fn step(
    collector: &Collector,
    principal: Principal,
    act: impl FnOnce(&Catalogue, &TenantId, &str) -> Result<KeyRecord, CatalogueError> + Send + 'static,
) -> Result<Json<Key>, Problem> {
    let asked = ask(collector, move |book| act(book, &principal.tenant, &actor(&principal)));
    Ok(Json(asked.await?.into()))
}

/// Who it was, for the history.
fn actor(principal: &Principal) -> String {
    format!("token {}", principal.token_id)
}

fn id_of(text: &str) -> Result<KeyId, Problem> {
    KeyId::from_hex(text).ok_or_else(|| {
        let detail = "GET /v1/keys lists them: 16 hexadecimal digits, in lowercase.";
        Problem::new(StatusCode::NOT_FOUND, "no-such-key", "there is no such key", detail)
    })
}

impl From<KeyRecord> for Key {
    fn from(record: KeyRecord) -> Self {
        let kind = match record.suite {
            Suite::X25519 => "x25519",
            Suite::XWing => "x-wing",
        };
        let fingerprint = record.fingerprint();
        let fingerprint = fingerprint
            .map(|print| KeyFingerprint { hex: print.to_string(), words: print.words() });
        Self {
            key_id: record.id.to_string(),
            kind,
            public_key: record.public_key.as_ref().map(PublicKey::to_text),
            fingerprint,
            state: record.state.name(),
            history: record.steps.into_iter().map(Step::from).collect(),
        }
    }
}

impl From<KeyStep> for Step {
    fn from(step: KeyStep) -> Self {
        Self { state: step.state.name(), at: moment(step.at_ms), by: step.actor }
    }
}

impl From<Challenge> for SealedChallenge {
    fn from(challenge: Challenge) -> Self {
        let (binding, expires_at) = (challenge.binding(), moment(challenge.expires_ms));
        Self { encrypted_matched_data: challenge.blob, binding, expires_at }
    }
}

fn moment(ms: u64) -> String {
    moments::text_of(EventTime::from_ms(i64::try_from(ms).unwrap_or(i64::MAX)))
}
