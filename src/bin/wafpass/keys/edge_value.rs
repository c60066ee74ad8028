//! The value in an edge's key store: `{"kid": …, "key": …, "aud": …, "waf_secrets": […]}`.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::str;

use serde::{Deserialize, Serialize};
use wafpass::{Key, KeyId, Secret, Signer};
use zeroize::Zeroizing;

use crate::error::{Fault, shown};
use crate::input;

const VARIABLE: &str = "WAFPASS_WAF_SECRET";

/// Edge signature §4; CloudFront takes values of up to 1 KB.
const MAX_VALUE_BYTES: usize = 1_023;

/// Edge signature §4.
const MIN_WAF_SECRET_CHARS: usize = 32;

/// Edge signature §4: two while rotating.
const MAX_WAF_SECRETS: usize = 2;

/// Members that the edge takes, in the order of its documentation.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EdgeValue {
    kid: String,
    key: Zeroizing<String>,
    aud: String,
    waf_secrets: Vec<Zeroizing<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    without_waf: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
}

impl EdgeValue {
    /// A value without a key.
    pub(super) fn new(aud: String, waf_secrets: Vec<Zeroizing<String>>) -> Self {
        let (kid, key) = (String::new(), Zeroizing::default());
        Self { kid, key, aud, waf_secrets, without_waf: None, query: None }
    }

    /// The value that the edge holds now, which has to be for `audience`, where one is named.
    pub(super) fn current(path: &Path, audience: Option<&str>) -> Result<Self, Fault> {
        let text = Zeroizing::new(input::read(path)?);
        let value: Self = serde_json::from_slice(&text).map_err(|error| {
            // Where, and not what: it may be a secret.
            let (line, column) = (error.line(), error.column());
            let fault =
                format!("{}: line {line}, column {column}: not the value of an edge", shown(path));
            let way_out = "it has kid, key, aud, waf_secrets and, optional, without_waf and query; see edge/cloudfront-function/README.md";
            Fault::new(fault, way_out)
        })?;
        check_waf_secrets(&value.waf_secrets).map_err(|fault| fault.within(&shown(path)))?;
        if let Some(audience) = audience.filter(|audience| *audience != value.aud) {
            let (fault, way_out) = (
                format!("{} is for {:?}, and --aud for {audience:?}", shown(path), value.aud),
                "leave --aud out, or name the value of that edge",
            );
            return Err(Fault::new(fault, way_out));
        }
        Ok(value)
    }

    pub(super) fn audience(&self) -> &str {
        &self.aud
    }

    /// The text with this key in it, as the edge takes it.
    pub(super) fn with_key(
        &mut self,
        kid: &KeyId,
        secret: &Secret,
    ) -> Result<Zeroizing<String>, Fault> {
        Signer::builder(&self.aud, Key::new(kid.as_str(), secret)?).build()?;
        self.kid = kid.to_string();
        self.key = secret.to_base64url();
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_VALUE_BYTES * 2));
        serde_json::to_writer(&mut *bytes, self).map_err(io::Error::from)?;
        if bytes.len() > MAX_VALUE_BYTES {
            let fault =
                format!("the value has {} bytes, and edges take {MAX_VALUE_BYTES}", bytes.len());
            return Err(Fault::new(fault, "make the WAF's secrets shorter"));
        }
        Ok(Zeroizing::new(str::from_utf8(&bytes).unwrap_or_default().into()))
    }
}

/// The WAF's secrets from files, or from the environment.
pub(super) fn waf_secrets(
    files: &[PathBuf],
    is_without: bool,
) -> Result<Vec<Zeroizing<String>>, Fault> {
    let mut secrets = Vec::new();
    for path in files {
        let bytes = Zeroizing::new(input::read(path)?);
        let text = str::from_utf8(&bytes).unwrap_or_default(); // then it is too short
        secrets.push(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()));
    }
    if files.is_empty() && !is_without {
        let text = env::var(VARIABLE).map_err(|_| {
            let way_out = format!(
                "--current FILE keeps those of the edge, --waf-secret-file FILE or {VARIABLE} gives one, --no-waf none"
            );
            Fault::new("it is not said what the WAF inserts", way_out)
        })?;
        secrets.push(Zeroizing::new(text));
    }
    check_waf_secrets(&secrets)?;
    Ok(secrets)
}

fn check_waf_secrets(secrets: &[Zeroizing<String>]) -> Result<(), Fault> {
    let is_good = |text: &&Zeroizing<String>| {
        text.len() >= MIN_WAF_SECRET_CHARS && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if secrets.len() > MAX_WAF_SECRETS || !secrets.iter().all(|text| is_good(&text)) {
        let fault =
            "the WAF's secrets are not up to two texts of at least 32 visible ASCII characters";
        return Err(Fault::new(fault, "openssl rand -hex 24 makes one; the web ACL gets the same"));
    }
    Ok(())
}
