//! The peer `httpsig` (RFC 9421): hmac-sha256 over method, path, query and the same two fields.

use http::Request;
use httpsig::prelude::message_component::{
    DerivedComponentName, HttpMessageComponent, HttpMessageComponentId, HttpMessageComponentName,
};
use httpsig::prelude::{
    AlgorithmName, HttpSignatureBase, HttpSignatureHeaders, HttpSignatureParams, SharedKey,
};

use wafpass::UnixTime;
use wafpass::scheme::edge::{HOST, VIEWER_IP};
use wafpass_benches::request::{AUDIENCE, KEY_ID, SECRET, unsigned};

const NAME: &str = "edge";

/// The request with `signature-input` and `signature`.
pub(crate) fn signed(now: UnixTime) -> Request<()> {
    let mut request = unsigned();
    let covered = ["@method", "@path", "@query", HOST, VIEWER_IP];
    let covered = covered.map(|id| HttpMessageComponentId::try_from(id).expect("an id"));
    let mut params = HttpSignatureParams::try_new(&covered).expect("parameters");
    let nonce = request.headers()["x-amz-cf-id"].to_str().expect("text");
    params.set_created(now.as_secs().try_into().expect("after 1970"));
    params.set_keyid(KEY_ID).set_alg(&AlgorithmName::HmacSha256);
    params.set_nonce(nonce).set_tag(AUDIENCE);

    let headers = base(&request, &params).build_signature_headers(&key(), Some(NAME));
    let headers = headers.expect("a signature");
    for (name, value) in [
        ("signature-input", headers.signature_input_header_value()),
        ("signature", headers.signature_header_value()),
    ] {
        request.headers_mut().insert(name, value.parse().expect("a value"));
    }
    request
}

pub(crate) struct Verifier {
    key: SharedKey,
}

impl Verifier {
    pub(crate) fn new() -> Self {
        Self { key: key() }
    }

    pub(crate) fn verify(&self, request: &Request<()>) {
        let field = |name: &str| request.headers()[name].to_str().expect("text");
        let headers = HttpSignatureHeaders::try_parse(field("signature"), field("signature-input"));
        let headers = headers.expect("good headers");
        let signature = headers.get(NAME).expect("a signature");
        let params = signature.signature_params();
        assert_eq!(params.keyid.as_deref(), Some(KEY_ID));
        assert_eq!(params.tag.as_deref(), Some(AUDIENCE));
        let base = base(request, params);
        base.verify_signature_headers(&self.key, signature).expect("a right MAC");
    }
}

fn base(request: &Request<()>, params: &HttpSignatureParams) -> HttpSignatureBase {
    let lines: Vec<_> = params.covered_components.iter().map(|id| line(request, id)).collect();
    HttpSignatureBase::try_new(&lines, params).expect("a base")
}

fn line(request: &Request<()>, id: &HttpMessageComponentId) -> HttpMessageComponent {
    use DerivedComponentName::{Method, Path, Query};
    use HttpMessageComponentName::{Derived, HttpField};

    let value = match &id.name {
        Derived(Method) => request.method().to_string(),
        Derived(Path) => request.uri().path().to_owned(),
        Derived(Query) => format!("?{}", request.uri().query().unwrap_or_default()),
        HttpField(name) => request.headers()[name].to_str().expect("text").to_owned(),
        other => panic!("{other} is not covered"),
    };
    HttpMessageComponent::try_from((id, [value].as_slice())).expect("a component")
}

fn key() -> SharedKey {
    SharedKey::HmacSha256(SECRET.to_vec())
}
