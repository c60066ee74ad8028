use std::hint::black_box;
use wafpass::{MessageHead, clock};
use wafpass_benches::request::{signed, signer, verifier};
fn main() {
    let now = clock::now();
    let verifier = verifier(now);
    let request = &signed::<()>(&signer(), now);
    let n: u64 = std::env::var("N").map_or(3_000_000, |n| n.parse().unwrap());
    let start = cpu_time::ThreadTime::now();
    for _ in 0..n {
        let head = MessageHead::from_request(black_box(request));
        black_box(&verifier.check(&head, now).expect("ok"));
    }
    println!("{} ns", start.elapsed().as_nanos() as u64 / n);
}
