//! Who asks: a bearer token in each request, and what it has to allow.
//!
//! - **What passes**: a request with exactly one `authorization: Bearer wpc_…` whose token is in force and has
//!   the scope that the handler names. Its tenant is the token's; nothing else of the request names one.
//! - **What a refused request gets**: 401, the same for a token that is unknown, over or revoked, or 403 where
//!   the token is good and lacks the scope. Which it was is counted, and never told.
//!
//! ```text
//! async fn events(Authorized { principal, .. }: Authorized<Read>) -> Result<Json<Page>, Problem> { … }
//! ```

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::api::Problem;
use super::catalogue::{AuthFault, Catalogue, Principal, Scope};
use super::{TenantId, telemetry};

/// Where Firehose puts its access key.
const FIREHOSE_KEY: HeaderName = HeaderName::from_static("x-amz-firehose-access-key");

/// A request whose token allows what `S` stands for.
pub struct Authorized<S> {
    /// Who asks.
    pub principal: Principal,
    scope: PhantomData<fn() -> S>,
}

impl<S> fmt::Debug for Authorized<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorized").field("principal", &self.principal).finish_non_exhaustive()
    }
}

/// A scope as a type.
pub trait Scoped {
    /// The scope.
    const SCOPE: Scope;
}

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl Scoped for $name {
            const SCOPE: Scope = Scope::$name;
        }
    )*};
}

scopes! {
    /// Send events.
    Ingest
    /// Ask for events.
    Read
    /// Delete events, change retention and policy.
    Admin
    /// Register public keys.
    Keys
}

impl<St, S> FromRequestParts<St> for Authorized<S>
where
    St: Send + Sync,
    Arc<Catalogue>: FromRef<St>,
    S: Scoped,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &St) -> Result<Self, Problem> {
        let catalogue = Arc::<Catalogue>::from_ref(state);
        let principal = bearer(&parts.headers, &catalogue, S::SCOPE)?;
        Ok(Self { principal, scope: PhantomData })
    }
}

/// Who asks, where the token in `authorization` allows `scope`.
///
/// # Errors
///
/// 401 or 403.
pub fn bearer(
    headers: &HeaderMap,
    catalogue: &Catalogue,
    scope: Scope,
) -> Result<Principal, Problem> {
    let value = only(headers, &header::AUTHORIZATION)?;
    // RFC 9110 §11.1: the scheme's name in any case.
    let (scheme, token) = value.split_once(' ').ok_or_else(|| refused("malformed"))?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(refused("malformed"));
    }
    authorize(token, catalogue, scope)
}

/// Who asks, where the token in `x-amz-firehose-access-key` may send events.
///
/// # Errors
///
/// 401 or 403.
pub fn firehose(headers: &HeaderMap, catalogue: &Catalogue) -> Result<Principal, Problem> {
    authorize(only(headers, &FIREHOSE_KEY)?, catalogue, Scope::Ingest)
}

fn authorize(token: &str, catalogue: &Catalogue, scope: Scope) -> Result<Principal, Problem> {
    let principal = match catalogue.authenticate(token) {
        Ok(principal) => principal,
        Err(AuthFault::Unavailable) => return Err(unavailable()),
        Err(fault) => return Err(refused(fault.code())),
    };
    if !principal.scopes.allow(scope) {
        telemetry::auth_failed("scope");
        return Err(lacking(scope));
    }
    Ok(principal)
}

/// Refuses a tenant that was let in a moment ago and is to go.
///
/// # Errors
///
/// 401, as for any token of it.
pub(super) fn expect_tenant(catalogue: &Catalogue, tenant: &TenantId) -> Result<(), Problem> {
    if catalogue.has_tenant(tenant) { Ok(()) } else { Err(refused(AuthFault::Unknown.code())) }
}

/// The value of a header that stands exactly once: of two, a proxy in front may have looked at the other.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<&'h str, Problem> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or_else(|| refused("missing"))?;
    let text = HeaderValue::to_str(value).ok().filter(|_| values.next().is_none());
    text.ok_or_else(|| refused("malformed"))
}

fn refused(reason: &'static str) -> Problem {
    telemetry::auth_failed(reason);
    let detail = "Send exactly one token that is in force, as authorization: Bearer, or as the access key \
                  of Firehose: wafpass collector tokens new makes one.";
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "there is no valid token", detail)
}

fn lacking(scope: Scope) -> Problem {
    let detail = format!(
        "Send a token with the scope {}: a token's scopes never change, make a new one.",
        scope.name()
    );
    Problem::new(StatusCode::FORBIDDEN, "forbidden", "the token does not allow this", detail)
}

fn unavailable() -> Problem {
    telemetry::auth_failed(AuthFault::Unavailable.code());
    tracing::error!("the catalogue cannot be read: nobody is let in");
    let detail = "Send it again after a pause.";
    let status = StatusCode::SERVICE_UNAVAILABLE;
    Problem::new(status, "unavailable", "tokens cannot be checked now", detail).retry_after(5)
}
