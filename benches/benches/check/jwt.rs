//! The peer `jsonwebtoken`: an HS256 token in `authorization`, with the claims that the edge
//! signature makes, each compared with the request.

use hmac::{Hmac, KeyInit, Mac};
use http::{Request, header};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::signature::{self, Signer};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use wafpass::UnixTime;
use wafpass::scheme::edge::{HOST, VIEWER_IP};
use wafpass_benches::request::{AUDIENCE, KEY_ID, SECRET, unsigned};

#[derive(Serialize, Deserialize)]
struct Claims {
    iat: i64,
    exp: i64,
    jti: String,
    aud: String,
    waf: String,
    method: String,
    path: String,
    query: String,
    host: String,
    viewer_ip: String,
}

impl Claims {
    fn are_of(&self, request: &Request<()>) -> bool {
        let field = |name: &str| request.headers().get(name).map(|value| value.as_bytes());
        self.waf == "pass"
            && self.method == request.method().as_str()
            && self.path == request.uri().path()
            && self.query == request.uri().query().unwrap_or_default()
            && field(HOST) == Some(self.host.as_bytes())
            && field(VIEWER_IP) == Some(self.viewer_ip.as_bytes())
    }
}

/// The request with a token.
pub(crate) fn signed(now: UnixTime) -> Request<()> {
    let mut request = unsigned();
    let field = |name: &str| request.headers()[name].to_str().expect("text").to_owned();
    let claims = Claims {
        iat: now.as_secs(),
        exp: now.as_secs() + 3600, // it reads the clock itself, while the bench runs
        jti: field("x-amz-cf-id"),
        aud: AUDIENCE.into(),
        waf: "pass".into(),
        method: request.method().to_string(),
        path: request.uri().path().into(),
        query: request.uri().query().unwrap_or_default().into(),
        host: field(HOST),
        viewer_ip: field(VIEWER_IP),
    };
    let header = Header { kid: Some(KEY_ID.into()), ..Header::new(Algorithm::HS256) };
    let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&SECRET));
    let value = format!("Bearer {}", token.expect("a token")).parse().expect("a value");
    request.headers_mut().insert(header::AUTHORIZATION, value);
    request
}

pub(crate) struct Verifier {
    key: DecodingKey,
    validation: Validation,
}

impl Verifier {
    pub(crate) fn new() -> Self {
        PROVIDER.install_default().expect("the first");
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[AUDIENCE]);
        Self { key: DecodingKey::from_secret(&SECRET), validation }
    }

    pub(crate) fn verify(&self, request: &Request<()>) {
        let value = request.headers()[header::AUTHORIZATION].to_str().expect("text");
        let token = value.strip_prefix("Bearer ").expect("a token");
        let decoded = jsonwebtoken::decode::<Claims>(token, &self.key, &self.validation);
        let decoded = decoded.expect("a right MAC");
        assert_eq!(decoded.header.kid.as_deref(), Some(KEY_ID));
        assert!(decoded.claims.are_of(request));
    }
}

/// The same HMAC as ours, and not one that the crate brings: what is measured is the token.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |_, key| Ok(Box::new(Hs256::new(key.as_bytes())?)),
    verifier_factory: |_, key| Ok(Box::new(Hs256::new(key.try_get_as_bytes()?)?)),
    key_utils: KeyUtils::new_unimplemented(),
};

struct Hs256(Hmac<Sha256>);

impl Hs256 {
    fn new(key: &[u8]) -> Result<Self> {
        Hmac::new_from_slice(key).map(Self).map_err(|_| ErrorKind::InvalidKeyFormat.into())
    }
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, signature::Error> {
        Ok(self.0.clone().chain_update(message).finalize().into_bytes().to_vec())
    }
}

impl signature::Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], mac: &Vec<u8>) -> std::result::Result<(), signature::Error> {
        let computed = self.0.clone().chain_update(message);
        computed.verify_slice(mac).map_err(|_| signature::Error::new())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}
