//! The OpenAPI description: made from the handlers, completed here with what all of them share.

use axum::Extension;
use axum::body::Bytes;
use axum::http::header;
use axum::response::IntoResponse;
use utoipa::openapi::path::Operation;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder,
    PathItem, Ref, RefOr, Response,
};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Problem;
use super::export::Format;
use super::filter::FieldName;
use super::moments::Moment;
use crate::collector::Collector;

/// Problems that any operation may answer with: status, name, what it means.
const SHARED: [(&str, &str, &str); 7] = [
    ("400", "BadRequest", "A parameter, header or body is not as it has to be."),
    ("401", "Unauthorized", "There is no token, or none that holds."),
    ("403", "Forbidden", "The token does not allow this."),
    ("413", "TooLarge", "The body, or a part of it, is too large."),
    ("415", "MediaType", "The body is of another kind or encoding."),
    ("429", "TooMany", "Too much at once; `retry-after` says when to try again."),
    ("507", "Full", "The store has no space left."),
];
const FAILURES: [(&str, &str, &str); 2] = [
    ("500", "Failed", "The collector failed; its log says why."),
    ("503", "Unavailable", "Not now; `retry-after` says when to try again."),
];

/// What the connection itself answers, before there is an operation: no body.
const HEADS: [(&str, &str, &str); 2] = [
    ("414", "UriTooLong", "The query is longer than 64 KiB. Without a body."),
    ("431", "HeadTooLarge", "The request's head is larger than 64 KiB. Without a body."),
];

/// The description's text, which the router holds.
#[derive(Clone, Debug)]
pub(super) struct Document(Bytes);

pub(super) fn routes() -> OpenApiRouter<Collector> {
    OpenApiRouter::new().routes(routes!(document))
}

/// Gives this description.
#[utoipa::path(
    get, path = "/v1/openapi.json", operation_id = "openapi", tag = "operation", security(()),
    responses((status = 200, description = "The OpenAPI description.", body = serde_json::Value)),
)]
pub(super) async fn document(Extension(Document(text)): Extension<Document>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], text)
}

impl Document {
    /// The text of a description.
    pub(super) fn of(api: &OpenApi) -> Self {
        Self(api.to_pretty_json().unwrap_or_default().into())
    }
}

/// What all operations share is added: problems, ways to authenticate, what this is.
pub(super) fn completed(api: OpenApi) -> OpenApi {
    let mut api = preamble().merge_from(api);
    for item in api.paths.paths.values_mut() {
        for (method, operation) in operations(item) {
            complete(method, operation);
        }
    }
    api
}

fn preamble() -> OpenApi {
    let info = InfoBuilder::new()
        .title("wafpass collector")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Takes sealed WAF events in, and answers what is asked about them. Whose events they are follows from \
             the token alone. Errors are problems (RFC 9457): `type` is a stable code, `detail` says the fault and \
             the way out.",
        ))
        .license(Some(LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build()));
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "A token of `wafpass collector tokens`, with the scope that the operation names.",
        ))
        .build();
    let firehose = ApiKeyValue::with_description(
        "x-amz-firehose-access-key",
        "The same token, as Firehose sends it.",
    );
    let mut components = ComponentsBuilder::new()
        .schema(Problem::name(), Problem::schema())
        // Of parameters, which utoipa does not collect.
        .schema(Moment::name(), Moment::schema())
        .schema(FieldName::name(), FieldName::schema())
        .schema(Format::name(), Format::schema())
        .security_scheme("bearer", SecurityScheme::Http(bearer))
        .security_scheme("firehose", SecurityScheme::ApiKey(ApiKey::Header(firehose)));
    let mut schemas = Vec::new();
    Problem::schemas(&mut schemas);
    components = components.schemas_from_iter(schemas);
    for (_, name, description) in SHARED.into_iter().chain(FAILURES) {
        components = components.response(name, problem(description));
    }
    for (_, name, description) in HEADS {
        let bare = ResponseBuilder::new().description(description).build();
        components = components.response(name, bare);
    }
    OpenApiBuilder::new().info(info).components(Some(components.build())).tags(Some(tags())).build()
}

fn tags() -> Vec<utoipa::openapi::Tag> {
    [
        ("ingest", "Events come in. 2xx says: stored durably, all of them."),
        ("events", "Events, as they came."),
        ("counts", "How many there are."),
        ("keys", "Public keys that events are sealed to."),
        ("operation", "What the collector does with what it has."),
    ]
    .map(|(name, description)| TagBuilder::new().name(name).description(Some(description)).build())
    .into()
}

fn problem(description: &str) -> Response {
    let content =
        ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
    ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", content)
        .build()
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [("get", get), ("put", put), ("post", post), ("delete", delete), ("patch", patch)]
        .into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn complete(method: &str, operation: &mut Operation) {
    let takes_body = operation.request_body.is_some();
    let nobody = SecurityRequirement::default();
    let is_open = operation.security.as_ref().is_some_and(|ways| ways.contains(&nobody));
    for (status, name, _) in SHARED.into_iter().chain(FAILURES).chain(HEADS) {
        let may_be = match status {
            "415" => takes_body,
            "507" => method != "get",
            "414" | "431" | "500" => true,
            _ => !is_open,
        };
        if may_be {
            let shared = RefOr::Ref(Ref::from_response_name(name));
            operation.responses.responses.entry(status.to_owned()).or_insert(shared);
        }
    }
}
