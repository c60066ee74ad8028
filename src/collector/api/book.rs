//! What handlers ask of the catalogue, and how it says no.

use axum::http::StatusCode;

use super::Problem;
use crate::collector::Collector;
use crate::collector::catalogue::{Catalogue, CatalogueError};
use crate::collector::store::StoreError;
use crate::collector::telemetry;

/// Asks the catalogue, which waits for its file: not on a thread that serves others.
pub(super) async fn ask<T: Send + 'static>(
    collector: &Collector,
    act: impl FnOnce(&Catalogue) -> Result<T, CatalogueError> + Send + 'static,
) -> Result<T, Problem> {
    let catalogue = std::sync::Arc::clone(&collector.catalogue);
    let asked = tokio::task::spawn_blocking(move || act(&catalogue)).await;
    let failed =
        |_| StoreError::Failed { reason: "a task of the catalogue ended early".to_owned() };
    Ok(asked.map_err(failed)??)
}

impl From<CatalogueError> for Problem {
    fn from(error: CatalogueError) -> Self {
        let (status, code) = match error {
            CatalogueError::Store(error) => return error.into(),
            CatalogueError::NoSuchTenant => (StatusCode::NOT_FOUND, "no-such-tenant"),
            CatalogueError::NoSuchToken => (StatusCode::NOT_FOUND, "no-such-token"),
            CatalogueError::NoSuchKey(_) => (StatusCode::NOT_FOUND, "no-such-key"),
            CatalogueError::TenantTaken => (StatusCode::CONFLICT, "tenant-taken"),
            CatalogueError::TooManyTenants => (StatusCode::CONFLICT, "too-many-tenants"),
            CatalogueError::TooManyTokens => (StatusCode::CONFLICT, "too-many-tokens"),
            CatalogueError::TooManyKeys => (StatusCode::CONFLICT, "too-many-keys"),
            CatalogueError::WrongState { .. } => (StatusCode::CONFLICT, "wrong-state"),
            CatalogueError::NoChallenge(_) => (StatusCode::CONFLICT, "no-challenge"),
            CatalogueError::UnusableToken => (StatusCode::UNPROCESSABLE_ENTITY, "unusable-token"),
            CatalogueError::Settings { .. } => {
                (StatusCode::UNPROCESSABLE_ENTITY, "unusable-settings")
            }
            CatalogueError::OperatorsSetting { .. } => (StatusCode::FORBIDDEN, "operators-setting"),
            CatalogueError::WrongAnswer { .. } => {
                (StatusCode::UNPROCESSABLE_ENTITY, "wrong-answer")
            }
            CatalogueError::PrivateKey => {
                telemetry::alarm("private-key");
                tracing::warn!("a private key was handed in as a public one");
                (StatusCode::UNPROCESSABLE_ENTITY, "private-key")
            }
            CatalogueError::Unsealed => (StatusCode::INTERNAL_SERVER_ERROR, "unsealed"),
        };
        let text = error.to_string();
        let (title, detail) = text.split_once('\n').unwrap_or((&text, ""));
        Self::new(status, code, title, detail)
    }
}
