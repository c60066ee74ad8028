//! Events that arrive in clear and are sealed on arrival: AWS WAF.

use std::time::Instant;

use wafpass_benches::load::{aws_waf_lines, gzipped};
use wafpass_benches::{Gate, is_measuring, median};

use crate::growth;
use crate::service::Service;

const ROUNDS: usize = 7;
const LINES: usize = 20_000;

pub(crate) fn run(_: &mut Gate) {
    let (rounds, lines) = if is_measuring() { (ROUNDS, LINES) } else { (1, 50) };
    let service = Service::start();
    let mut client = service.client();
    let mut load = growth::load(5);
    let (mut per_s, mut cpu_us, mut bytes) = (Vec::new(), Vec::new(), 0);
    for _ in 0..rounds {
        let text = aws_waf_lines(&mut load, lines);
        bytes = text.len() / lines;
        let body = gzipped(&text);
        let (start, cpu) = (Instant::now(), service.cpu());
        client.post("/v1/aws-waf", &body, lines);
        per_s.push(lines as f64 / start.elapsed().as_secs_f64());
        cpu_us.push((service.cpu() - cpu).as_secs_f64() * 1e6 / lines as f64);
    }
    println!("\ndoors, lines in clear, sealed on arrival, batches of {lines}");
    println!("  {:24} {:>10} {:>12} {:>8}", "", "events/s", "CPU us/event", "bytes");
    println!("  {:24} {:10.0} {:12.1} {bytes:8}\n", "AWS WAF", median(per_s), median(cpu_us));
}
