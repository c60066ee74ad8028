//! The certificate of the service, which changes while it runs.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;

use super::ServeError;
use crate::collector::telemetry;
use crate::config::{CollectorConfig, TlsPem};

/// The certificate that holds now. Connections keep the one that they began with.
pub(super) struct Certificate {
    config: CollectorConfig,
    present: ArcSwap<ServerConfig>,
    /// What of the files was judged last, so that a fault is told once.
    seen: Mutex<[u8; 32]>,
}

impl Certificate {
    /// The one that the configuration names, if it names one.
    pub(super) fn load(config: &CollectorConfig) -> Result<Option<Self>, ServeError> {
        let Some(pem) = config.tls_pem()? else { return Ok(None) };
        let present = ArcSwap::from_pointee(server(&pem)?);
        let seen = Mutex::new(fingerprint(&pem));
        Ok(Some(Self { config: config.clone(), present, seen }))
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.present.load_full())
    }

    /// Reads the files anew. One that cannot be used changes nothing: the present one goes on, and an alarm
    /// tells.
    pub(super) fn reload(&self) {
        let found = self.config.tls_pem().map_err(ServeError::from);
        let server = match found {
            Ok(Some(pem)) if !self.is_new(&pem) => return,
            Ok(Some(pem)) => server(&pem),
            Ok(None) => return,
            Err(error) => Err(error),
        };
        match server {
            Ok(server) => {
                self.present.store(Arc::new(server));
                tracing::info!("a new certificate holds");
            }
            Err(error) => {
                telemetry::alarm("certificate");
                tracing::error!("the new certificate is refused, the old one holds\n{error}");
            }
        }
    }

    fn is_new(&self, pem: &TlsPem) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let found = fingerprint(pem);
        std::mem::replace(&mut *seen, found) != found
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").finish_non_exhaustive()
    }
}

fn fingerprint(pem: &TlsPem) -> [u8; 32] {
    let hash = Sha256::new().chain_update(pem.certificate.as_bytes());
    hash.chain_update([0]).chain_update(pem.private_key.as_bytes()).finalize().into()
}

/// TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1.
fn server(pem: &TlsPem) -> Result<ServerConfig, ServeError> {
    let refused = |reason: String| ServeError::Certificate { reason };
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(pem.certificate.as_bytes()).collect();
    let chain = chain.map_err(|error| refused(error.to_string()))?;
    // The text of an error could repeat a part of the key.
    let key = PrivateKeyDer::from_pem_slice(pem.private_key.as_bytes())
        .map_err(|_| refused("the private key is no PEM".into()))?;
    let mut server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| refused(error.to_string()))?;
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(server)
}
