//! The edge: what CloudFront does with a request, as far as signatures are concerned.
//!
//! In this order, as in front of a real distribution: the WAF, the viewer-request function, the
//! origin request. The function is the published file; the rest is a stand-in for AWS.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::{IntoResponse, Response};
use base64ct::{Base64Url, Encoding};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{StatusCode, Uri};
use serde_json::json;
use tokio::net::TcpListener;
use wafpass::Secret;

use super::engine::{
    Answer, EDGE_SIGNER, Event, EventContext, EventRequest, Fields, Function, Viewer, add_field,
};
use super::journal::{Entry, Journal, Place};
use super::{origin, wire};

const DOMAIN: &str = "d111111abcdef8.cloudfront.net";

/// AWS WAF puts `x-amzn-waf-` before the name in the rule.
const WAF_FIELD: &str = "x-amzn-waf-wafpass";

/// Where the function says why it refused.
const FUNCTION_REASON: &str = "x-wafpass-refused";

/// Fields that end at each hop, which CloudFront shows to no function and hands to no origin.
const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    header::EXPECT,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// An edge that is up.
pub(super) struct Edge {
    pub(super) addr: SocketAddr,
    settings: Arc<Mutex<Settings>>,
}

/// What an operator can change while the edge runs.
#[derive(Clone)]
pub(super) struct Settings {
    /// The web ACL is associated with the distribution.
    pub(super) waf_attached: bool,
    /// The field `without_waf` in the function's key-value store.
    pub(super) without_waf: &'static str,
    /// What the function's clock says, in Unix seconds, where it is not the system's.
    pub(super) clock: Option<i64>,
}

impl Settings {
    /// As it should be.
    pub(super) const NORMAL: Self = Self { waf_attached: true, without_waf: "refuse", clock: None };
}

/// The secrets that the edge holds.
pub(super) struct Secrets<'a> {
    pub(super) key_id: &'a str,
    pub(super) key: &'a Secret,
    /// What the WAF inserts, and the function expects.
    pub(super) waf: &'a Secret,
}

#[derive(Clone)]
struct Distribution {
    origin: SocketAddr,
    key_id: Arc<str>,
    key: Secret,
    waf_value: HeaderValue,
    settings: Arc<Mutex<Settings>>,
    journal: Journal,
}

impl Edge {
    /// Starts the edge on `listener`, in front of `origin`.
    pub(super) fn start(
        listener: TcpListener,
        origin: SocketAddr,
        secrets: &Secrets<'_>,
        journal: Journal,
    ) -> io::Result<Self> {
        let settings = Arc::new(Mutex::new(Settings::NORMAL));
        let distribution = Distribution {
            origin,
            key_id: secrets.key_id.into(),
            key: secrets.key.clone(),
            waf_value: HeaderValue::from_str(&secrets.waf.to_base64url())
                .map_err(io::Error::other)?,
            settings: Arc::clone(&settings),
            journal,
        };
        let addr = listener.local_addr()?;
        let app = Router::new().fallback(serve).with_state(distribution);
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(axum::serve(listener, app).into_future());
        Ok(Self { addr, settings })
    }

    /// Changes the settings from the next request on.
    pub(super) fn set(&self, settings: Settings) {
        *lock(&self.settings) = settings;
    }
}

fn lock(settings: &Mutex<Settings>) -> MutexGuard<'_, Settings> {
    settings.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One viewer request.
async fn serve(
    State(edge): State<Distribution>,
    ConnectInfo(viewer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (method, headers) = (request.method().clone(), request.headers().clone());
    let target = request.uri().to_string();
    let (response, reason) = match edge.pass(viewer, request).await {
        Ok(response) => (response, None),
        Err(Stopped { response, reason }) => (*response, Some(reason)),
    };
    let status = response.status();
    edge.journal.write(Entry { place: Place::Edge, method, target, headers, status, reason });
    response
}

/// A request that the edge answers itself.
struct Stopped {
    response: Box<Response>,
    reason: String,
}

impl Stopped {
    fn with(status: StatusCode, reason: impl ToString) -> Self {
        // A fault of the function comes with a stack trace.
        let reason = reason.to_string().lines().next().unwrap_or_default().to_owned();
        Self { response: Box::new(status.into_response()), reason }
    }
}

impl Distribution {
    async fn pass(&self, viewer: SocketAddr, mut request: Request) -> Result<Response, Stopped> {
        let settings = lock(&self.settings).clone();
        for name in HOP_BY_HOP {
            request.headers_mut().remove(name);
        }
        if settings.waf_attached {
            self.evaluate(&mut request)?;
        }
        let request_id = request_id().map_err(unavailable)?;
        self.run_function(&settings, viewer, &request_id, &mut request).await?;
        let request = origin_request(request, viewer, &request_id).map_err(unavailable)?;
        let response = wire::send(self.origin, request);
        let response =
            response.await.map_err(|error| Stopped::with(StatusCode::BAD_GATEWAY, error))?;
        Ok(response.map(Body::new))
    }

    /// The WAF: one rule that blocks; what it lets through gets the secret, in place of whatever the
    /// viewer sent under that name.
    fn evaluate(&self, request: &mut Request) -> Result<(), Stopped> {
        let target = request.uri().to_string().to_ascii_lowercase().replace("%3c", "<");
        if target.contains("<script") {
            return Err(Stopped::with(StatusCode::FORBIDDEN, "blocked-by-waf"));
        }
        request.headers_mut().insert(HeaderName::from_static(WAF_FIELD), self.waf_value.clone());
        Ok(())
    }

    /// The viewer-request function: its answer, or the request with the fields as it left them.
    async fn run_function(
        &self,
        settings: &Settings,
        viewer: SocketAddr,
        request_id: &str,
        request: &mut Request,
    ) -> Result<(), Stopped> {
        let function = Function {
            code: EDGE_SIGNER,
            kvs: BTreeMap::from([("wafpass".to_owned(), self.config(settings))]),
            now: settings.clock,
        };
        let event = event_of(request, viewer, request_id);
        let before = event.request.headers.clone();
        // The engine blocks, and is for one thread: it lives and dies in this closure.
        let run = tokio::task::spawn_blocking(move || function.run(&event));
        let (answer, _log) = run.await.map_err(unavailable)?.map_err(unavailable)?;
        match answer {
            Answer::Request { headers } => {
                apply(&before, &headers, request.headers_mut()).map_err(unavailable)
            }
            Answer::Response { status_code, headers } => Err(answered(status_code, &headers)),
        }
    }

    /// The value in the function's key-value store.
    fn config(&self, settings: &Settings) -> String {
        json!({
            "kid": &*self.key_id,
            "key": &*self.key.to_base64url(),
            "aud": origin::AUDIENCE,
            "waf_secrets": [self.waf_value.to_str().unwrap_or_default()],
            "without_waf": settings.without_waf,
        })
        .to_string()
    }
}

/// What CloudFront answers when the function fails, or something of its own does.
fn unavailable(error: impl ToString) -> Stopped {
    Stopped::with(StatusCode::SERVICE_UNAVAILABLE, error)
}

/// The function's own response.
fn answered(status: u16, fields: &Fields) -> Stopped {
    let mut headers = HeaderMap::new();
    if let Err(error) = apply(&Fields::new(), fields, &mut headers) {
        return unavailable(error);
    }
    let Ok(status) = StatusCode::from_u16(status) else { return unavailable(status) };
    let reason =
        fields.get(FUNCTION_REASON).map_or("answered by the function", |field| &field.value);
    Stopped { reason: reason.to_owned(), response: Box::new((status, headers).into_response()) }
}

/// As long as CloudFront's, and of its alphabet: 40 random bytes.
fn request_id() -> Result<String, getrandom::Error> {
    let mut bits = [0; 40];
    getrandom::fill(&mut bits)?;
    Ok(Base64Url::encode_string(&bits))
}

/// The event for a viewer request. Cookies are apart from the headers, the query is there twice: taken
/// apart, and raw.
fn event_of(request: &Request, viewer: SocketAddr, request_id: &str) -> Event {
    let (mut headers, mut cookies, mut querystring) = Default::default();
    for (name, value) in request.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        if name != header::COOKIE {
            add_field(&mut headers, name.as_str(), &value);
            continue;
        }
        for (name, value) in value.split("; ").filter_map(|cookie| cookie.split_once('=')) {
            add_field(&mut cookies, name, value);
        }
    }
    let query = request.uri().query();
    for parameter in query.unwrap_or_default().split('&').filter(|parameter| !parameter.is_empty())
    {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        add_field(&mut querystring, name, value);
    }
    Event {
        version: "1.0",
        context: EventContext {
            distribution_domain_name: DOMAIN,
            distribution_id: "EDFDVBD6EXAMPLE",
            event_type: "viewer-request",
            request_id: request_id.to_owned(),
        },
        viewer: Viewer { ip: viewer.ip().to_string() },
        request: EventRequest {
            method: request.method().to_string(),
            uri: request.uri().path().to_owned(),
            raw_query_string: query.map(str::to_owned),
            querystring,
            headers,
            cookies,
        },
    }
}

/// Does to `headers` what the function did to its view of them; the others keep their bytes.
fn apply(before: &Fields, after: &Fields, headers: &mut HeaderMap) -> Result<(), http::Error> {
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        headers.remove(name);
    }
    for (name, field) in after.iter().filter(|(name, field)| before.get(*name) != Some(*field)) {
        let name = HeaderName::try_from(name)?;
        headers.remove(&name);
        headers.insert(name, HeaderValue::try_from(&field.value)?);
    }
    Ok(())
}

/// The request to the origin: path and query as they came, Host the origin's, as CloudFront does
/// unless it is told to forward the viewer's.
fn origin_request(
    request: Request,
    viewer: SocketAddr,
    request_id: &str,
) -> Result<Request, http::Error> {
    let (mut parts, body) = request.into_parts();
    if let Some(path_and_query) = parts.uri.path_and_query() {
        parts.uri = Uri::from(path_and_query.clone());
    }
    let via = format!("1.1 {DOMAIN} (CloudFront)");
    for (name, value) in [
        ("host", origin::HOST),
        ("user-agent", "Amazon CloudFront"),
        ("via", &via),
        ("x-forwarded-for", &viewer.ip().to_string()),
        ("x-amz-cf-id", request_id),
    ] {
        parts.headers.insert(HeaderName::from_static(name), HeaderValue::try_from(value)?);
    }
    Ok(Request::from_parts(parts, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_shows_a_request_as_cloudfront_does() {
        let request = http::Request::post("/a//%2e?x=1&x=%20&y")
            .header("host", "shop.example")
            .header("cookie", "a=1; b=2; a=3")
            .header("accept", "text/html")
            .header("accept", "*/*")
            .body(Body::empty())
            .unwrap();
        let event = event_of(&request, ([203, 0, 113, 9], 1).into(), "id");
        let event = serde_json::to_value(&event).unwrap();
        assert_eq!(
            event,
            json!({
                "version": "1.0",
                "context": {
                    "distributionDomainName": DOMAIN, "distributionId": "EDFDVBD6EXAMPLE",
                    "eventType": "viewer-request", "requestId": "id",
                },
                "viewer": { "ip": "203.0.113.9" },
                "request": {
                    "method": "POST",
                    "uri": "/a//%2e",
                    "rawQueryString": "x=1&x=%20&y",
                    "querystring": {
                        "x": { "value": "1", "multiValue": [{ "value": "1" }, { "value": "%20" }] },
                        "y": { "value": "" },
                    },
                    "headers": {
                        "host": { "value": "shop.example" },
                        "accept": { "value": "text/html", "multiValue": [{ "value": "text/html" }, { "value": "*/*" }] },
                    },
                    "cookies": {
                        "a": { "value": "1", "multiValue": [{ "value": "1" }, { "value": "3" }] },
                        "b": { "value": "2" },
                    },
                },
            })
        );
        for (target, raw) in [("/", json!(null)), ("/?", json!("")), ("/??", json!("?"))] {
            let request = http::Request::get(target).body(Body::empty()).unwrap();
            let event = event_of(&request, ([203, 0, 113, 9], 1).into(), "id");
            let event = serde_json::to_value(&event).unwrap();
            assert_eq!(event["request"]["rawQueryString"], raw, "{target}");
        }
    }

    #[test]
    fn request_ids_look_like_cloudfronts() {
        let id = request_id().unwrap();
        assert!(id.len() == 56 && id.ends_with("=="), "{id}");
        assert_ne!(id, request_id().unwrap());
    }

    #[test]
    fn fields_that_the_function_left_alone_keep_their_bytes() {
        let mut headers = HeaderMap::new();
        headers.insert("x-bytes", HeaderValue::from_bytes(b"\xe9").unwrap());
        headers.insert("x-gone", HeaderValue::from_static("1"));
        headers.insert("x-new", HeaderValue::from_static("viewer"));
        let mut before = Fields::new();
        for (name, value) in &headers {
            add_field(&mut before, name.as_str(), &String::from_utf8_lossy(value.as_bytes()));
        }
        let mut after = before.clone();
        after.remove("x-gone");
        after.remove("x-new");
        add_field(&mut after, "x-new", "edge");
        apply(&before, &after, &mut headers).unwrap();
        assert_eq!(headers.len(), 2);
        assert_eq!(headers["x-bytes"].as_bytes(), b"\xe9");
        assert_eq!(headers["x-new"], "edge");
    }
}
