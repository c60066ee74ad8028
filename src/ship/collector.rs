//! One request to the collector.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response, Url, retry};

use super::answer::{Answer, Why};
use super::batch::Batch;
use super::limits::{ANSWER_TIMEOUT, CONNECT_TIMEOUT, MAX_ANSWER_BYTES};
use super::{BearerToken, ShipError};
use crate::clock;

const AGENT: &str = concat!("wafpass/", env!("CARGO_PKG_VERSION"));
/// draft-ietf-httpapi-idempotency-key-header: the field of the same name.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The token that holds now.
pub(super) type Token = ArcSwapOption<BearerToken>;

/// Where batches go.
pub(super) struct Collector {
    client: Client,
    url: Url,
    token: Arc<Token>,
    timeout: Duration,
}

impl Collector {
    pub(super) fn new(
        url: Url,
        token: Arc<Token>,
        ca: Option<&[u8]>,
        timeout: Duration,
    ) -> Result<Self, ShipError> {
        // Else reqwest would panic without one. An error says that one was installed before.
        drop(rustls::crypto::ring::default_provider().install_default());
        let builder = Client::builder()
            .user_agent(AGENT)
            .redirect(Policy::none()) // the token is for this collector
            .no_proxy() // and not for whom the environment names
            .referer(false)
            .retry(retry::never()) // see worker
            .connect_timeout(CONNECT_TIMEOUT)
            .https_only(url.scheme() == "https");
        let builder = match (ca, url.scheme()) {
            (Some(pem), "https") => builder.tls_certs_only(certificates(pem)?),
            (Some(_), _) => return Err(ShipError::Ca),
            (None, "https") => builder,
            // Machines without certificates can do without them here.
            (None, _) => builder.tls_certs_only([]),
        };
        let client = builder.build().map_err(|_| ShipError::Tls)?;
        Ok(Self { client, url, token, timeout })
    }

    /// Sends a batch once.
    pub(super) async fn post(self: Arc<Self>, batch: Batch) -> Answer {
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"))
            .header(CONTENT_ENCODING, HeaderValue::from_static("gzip"))
            .header(IDEMPOTENCY_KEY, batch.key.to_string());
        let token = self.token.load().as_ref().and_then(|token| token.header());
        let request = match token {
            Some(token) => request.header(AUTHORIZATION, token),
            None => request,
        };
        match tokio::time::timeout(self.timeout, request.body(batch.body).send()).await {
            Ok(Ok(response)) => {
                let answer = Answer::of(response.status(), response.headers(), clock::now());
                let _ = tokio::time::timeout(ANSWER_TIMEOUT, read_away(response)).await;
                answer
            }
            Ok(Err(error)) if error.is_timeout() => Answer::later(Why::TimedOut),
            Ok(Err(_)) => Answer::later(Why::Unreachable),
            Err(_) => Answer::later(Why::TimedOut),
        }
    }
}

/// Reads a body so that the connection can be used again; a long one costs the connection.
async fn read_away(mut response: Response) {
    let mut bytes = 0_usize;
    while let Ok(Some(piece)) = response.chunk().await {
        bytes = bytes.saturating_add(piece.len());
        if bytes > MAX_ANSWER_BYTES {
            break;
        }
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate>, ShipError> {
    let certificates = Certificate::from_pem_bundle(pem).map_err(|_| ShipError::Ca)?;
    if certificates.is_empty() { Err(ShipError::Ca) } else { Ok(certificates) }
}
