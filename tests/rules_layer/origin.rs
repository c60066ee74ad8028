use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::ConnectInfo;
use http::HeaderName;
use serde_json::json;
use wafpass::layer::rules::{ClientIp, RayId, RulesLayer, RulesLayerBuilder};
use wafpass::rules::request::UriScheme;
use wafpass::rules::{Scheme, Type, Value};

use crate::common::*;

const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7)), 9);

fn builder() -> RulesLayerBuilder {
    RulesLayer::builder(rules("peer: block: ip.src in {192.0.2.0/24}"))
}

fn from_peer(target: &str) -> axum::extract::Request {
    let mut request = get(target);
    request.extensions_mut().insert(ConnectInfo(PEER));
    request.headers_mut().insert("x-forwarded-for", "198.51.100.1".parse().unwrap());
    request.headers_mut().insert("x-client", "198.51.100.2".parse().unwrap());
    request
}

#[tokio::test]
async fn the_address_is_the_peers_unless_said_otherwise() {
    let status_of = async |builder: RulesLayerBuilder| {
        status(&app(builder.build().unwrap()), from_peer("/")).await
    };
    assert_eq!(status_of(builder()).await, 403);
    let field = ClientIp::TrustedField(HeaderName::from_static("x-client"));
    assert_eq!(status_of(builder().client_ip(field)).await, 200);
    assert_eq!(status_of(builder().client_ip(ClientIp::SignedViewer)).await, 200);
    let own = ClientIp::By(Arc::new(|_| Some([192, 0, 2, 1].into())));
    assert_eq!(status_of(builder().client_ip(own)).await, 403);
}

#[tokio::test]
async fn over_a_socket_it_is_the_peers_too() {
    let layer = RulesLayer::new(rules("local: block 418: ip.src eq 127.0.0.1"));
    let app = app(layer).into_make_service_with_connect_info::<SocketAddr>();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new());
    let client = client.build_http::<axum::body::Body>();
    let response = client.get(format!("http://{address}/").parse().unwrap()).await.unwrap();
    assert_eq!(response.status(), 418);
}

#[tokio::test]
async fn country_scheme_and_fields_of_ones_own() {
    let mut scheme = Scheme::default();
    scheme.register("app.tenant", Type::Bytes).unwrap();
    scheme.register("app.score", Type::Int).unwrap();
    let rules = rules_of(
        r#"
        country: block 410: ip.src.country eq "NL"
        plain: block 411: not ssl
        uri: block 412: http.request.full_uri eq "https://shop.example/uri"
        tenant: block 413: app.tenant eq "shop"
        score: block 414: app.score gt 5
        "#,
        &scheme,
    );
    let (owner, kept) = (owner(), Kept::default());
    let layer = RulesLayer::builder(rules)
        .log(log_to(&owner, kept.clone()).build().unwrap())
        .country(|address| (address == PEER.ip()).then_some(Cow::Borrowed("NL")))
        .scheme(|parts| match parts.headers.get("x-plain") {
            Some(_) => UriScheme::Http,
            None => UriScheme::Https,
        })
        .field("app.tenant", |parts| {
            let tenant = parts.headers.get("x-tenant")?.to_str().ok()?.to_owned();
            Some(Value::Bytes(tenant.into_bytes().into()))
        })
        .field("app.score", |parts| {
            // Of another type on purpose where the field is odd.
            let text = parts.headers.get("x-score")?.to_str().ok()?;
            Some(text.parse::<i64>().map_or(Value::Bool(true), Value::from))
        })
        .field("app.unknown", |_| panic!("no rule knows it"))
        .build()
        .unwrap();
    let app = app(layer);
    let with = |name: &'static str, value: &str| {
        let mut request = get("/");
        request.headers_mut().insert(name, value.parse().unwrap());
        request
    };
    assert_eq!(status(&app, get("/")).await, 200);
    assert_eq!(status(&app, with("x-plain", "1")).await, 411);
    assert_eq!(status(&app, get("/uri")).await, 412);
    assert_eq!(status(&app, with("x-tenant", "shop")).await, 413);
    assert_eq!(status(&app, with("x-score", "6")).await, 414);
    assert_eq!(status(&app, with("x-score", "5")).await, 200);
    assert_eq!(status(&app, with("x-score", "odd")).await, 200);
    assert_eq!(status(&app, from_peer("/")).await, 410);
    for _ in 0..500 {
        if kept.events().len() == 5 {
            break;
        }
        tokio::time::sleep(2 * MS).await;
    }
    let events = kept.events();
    let of = |rule: &str| events.iter().find(|event| event["RuleID"] == rule).unwrap();
    assert_eq!(of("country")["ClientCountry"], "NL");
    assert_eq!(of("country")["ClientIP"], "192.0.2.7");
    assert_eq!(opened(of("country"), &owner), json!({"ip.src.country": {"content": "NL"}}));
    assert_eq!(opened(of("tenant"), &owner), json!({"app.tenant": {"content": "shop"}}));
    assert_eq!(opened(of("score"), &owner), json!({"app.score": {"content": "6"}}));
}

#[tokio::test]
async fn an_event_goes_by_the_name_that_the_edge_gave_the_request() {
    let (owner, kept) = (owner(), Kept::default());
    let layer = builder().ray_id(RayId::Field(HeaderName::from_static("cf-ray")));
    let layer = layer.log(log_to(&owner, kept.clone()).build().unwrap()).build().unwrap();
    let mut request = from_peer("/");
    request.headers_mut().insert("cf-ray", "7d0f3c1b2a9e4c55-AMS".parse().unwrap());
    status(&app(layer), request).await;
    let event = kept.only().await;
    assert_eq!(event["RayID"], "7d0f3c1b2a9e4c55-AMS");
    assert_eq!(event["Metadata"]["binding"]["event_id"], "7d0f3c1b2a9e4c55-AMS/0");
}

#[tokio::test]
async fn rules_see_the_target_that_arrived() {
    let rules = rules(
        r#"
        nested: block 410: http.request.uri.path eq "/api/x"
        absolute: block 411: http.request.full_uri eq "http://other.example/y"
        host: block 412: http.host eq "shop.example" and http.request.uri.path eq "/z"
    "#,
    );
    let inner = app(RulesLayer::new(rules));
    let nested = axum::Router::new().nest("/api", inner.clone());
    assert_eq!(status(&nested, get("/api/x")).await, 410);
    assert_eq!(status(&inner, get("http://other.example/y")).await, 411);
    let mut request = get("https://shop.example/z");
    request.headers_mut().remove("host");
    *request.version_mut() = http::Version::HTTP_2;
    assert_eq!(status(&inner, request).await, 412);
}
