//! tonic: HTTP/2, `:authority` instead of Host, trailers.

use std::time::Duration;

use tonic::transport::{Endpoint, Server};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use wafpass::{Freshness, SignLayer, VerifyLayer, WafRequirement};

use crate::common::*;

#[tokio::test]
async fn grpc_is_verified_at_the_start_of_the_call() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let verifier = build(builder(Freshness::strict()).waf(WafRequirement::NotRequired));
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_service_status("shop", tonic_health::ServingStatus::Serving).await;
    let server = Server::builder()
        .layer(VerifyLayer::new(verifier))
        .add_service(health)
        .serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener));
    let server = tokio::spawn(server);

    let endpoint =
        Endpoint::new(format!("http://{address}")).unwrap().timeout(Duration::from_secs(10));
    let channel = endpoint.connect().await.unwrap();
    let request = || HealthCheckRequest { service: "shop".into() };

    let refused = HealthClient::new(channel.clone()).check(request()).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::PermissionDenied);

    let signing = SignLayer::new(Edge::new(&[]).signer);
    let service = tower::ServiceBuilder::new().layer(signing).service(channel);
    let mut client =
        HealthClient::with_origin(service, format!("http://{address}").parse().unwrap());
    for _ in 0..3 {
        assert_eq!(client.check(request()).await.unwrap().into_inner().status, 1);
    }
    server.abort();
}
