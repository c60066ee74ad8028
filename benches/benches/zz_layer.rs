use std::pin::pin;
use std::task::{Context, Waker};
use axum::{Router, body::Body, routing::get, extract::Request, response::Response};
use tower_service::Service;
use wafpass::{VerifyLayer, clock};
use wafpass_benches::request::{signed, signer, verifier};
#[inline(never)]
fn zz_answer(router: &mut Router, request: Request) -> Response {
    match pin!(router.call(request)).poll(&mut Context::from_waker(Waker::noop())) {
        std::task::Poll::Ready(Ok(r)) => r, _ => panic!(),
    }
}
use std::future::Future;
fn main() {
    let mut r = Router::new().route("/catalog/garden/tools", get(async || "Hello, World!")).layer(VerifyLayer::new(verifier(clock::now().saturating_add(-1))));
    let s = signer();
    let n: u64 = std::env::var("N").map_or(5000, |n| n.parse().unwrap());
    let mut took = std::time::Duration::ZERO;
    for _ in 0..n {
        let v: Vec<_> = (0..64).map(|_| signed::<Body>(&s, clock::now())).collect();
        let t = cpu_time::ThreadTime::now();
        for q in v { std::hint::black_box(zz_answer(&mut r, q)); }
        took += t.elapsed();
    }
    println!("{} ns", took.as_nanos() as u64 / n / 64);
}
