//! How long answers take over five million events.

use std::time::Instant;

use wafpass_benches::load::Load;
use wafpass_benches::{Gate, is_measuring};

use crate::client::Client;
use crate::growth;
use crate::service::Service;

const TIMES: usize = 300;
const GOAL_MS: f64 = 50.0;
/// One ray id in so many is remembered, to be asked for.
const REMEMBERED: usize = 5_000;

/// A random number below another.
type Draw<'d> = &'d mut dyn FnMut(usize) -> usize;

/// Whether the goal holds for a query.
#[derive(Clone, Copy, PartialEq)]
enum Served {
    /// An index or a roll-up serves it.
    ByIndex,
    /// Events are gone through until a budget ends it.
    ByScan,
}

pub(crate) fn run(gate: &mut Gate) {
    let service = Service::start();
    let mut client = service.client();
    let mut rays = Vec::new();
    let millions = growth::fill(&service, &mut client, |events| {
        rays.extend(
            events.iter().step_by(REMEMBERED).map(|event| (event.at_s, event.ray_id.clone())),
        );
    });
    growth::report(&millions, gate);
    let (first, last) = (rays[0].0, rays[rays.len() - 1].0);

    println!("\nqueries, over all of these, by HTTP, one after the other");
    println!("  {:49} {:>9} {:>9} {:>9}", "", "p50 ms", "p99 ms", "KB");
    let mut seed = 0;
    let mut draw = move |of: usize| {
        seed = (seed * 6_364_136_223_846_793_005_u128 + 1_442_695_040_888_963_407) % (1 << 64);
        (seed >> 33) as usize % of
    };
    let range = format!("from={}&until={}", first - 60, last + 60);
    let span = usize::try_from(last - first).expect("a day").max(1);
    let mut ask = |name: &str, served: Served, path: &mut dyn FnMut(Draw<'_>) -> String| {
        measure(gate, &mut client, name, served, || path(&mut draw));
    };
    use Served::{ByIndex, ByScan};
    let page = format!("/v1/events?limit=50&{range}");
    ask("page, the newest", ByIndex, &mut |_| page.clone());
    ask("page, from anywhere back", ByIndex, &mut |draw| {
        format!("/v1/events?limit=50&from={}&until={}", first - 60, first + draw(span) as i64)
    });
    ask("page of 1000, from anywhere back", ByIndex, &mut |draw| {
        format!("/v1/events?limit=1000&from={}&until={}", first - 60, first + draw(span) as i64)
    });
    ask("page by rule, of 300", ByIndex, &mut |draw| {
        format!("{page}&rule_id={}", Load::rule(draw(300)))
    });
    ask("page by a rule that never matched", ByIndex, &mut |draw| {
        format!("{page}&rule_id={}", Load::rule(1_000 + draw(300)))
    });
    ask("page by action", ByIndex, &mut |draw| {
        format!("{page}&action={}", ["block", "log", "skip", "bypass"][draw(4)])
    });
    ask("page by host, of 60", ByIndex, &mut |draw| {
        format!("{page}&host={}", Load::host(draw(60)))
    });
    ask("page by ray id", ByIndex, &mut |draw| {
        format!("{page}&ray_id={}", rays[draw(rays.len())].1)
    });
    ask("page by the front of a ray id", ByIndex, &mut |draw| {
        format!("{page}&ray_id_prefix={}", &rays[draw(rays.len())].1[..8])
    });
    for interval_s in [3_600, 300, 60] {
        let histogram = format!("/v1/histogram?{range}&interval_s={interval_s}");
        ask(&format!("histogram of a day by {interval_s} s"), ByIndex, &mut |_| histogram.clone());
        for group in ["action", "rule_id", "source", "host", "client_country"] {
            let name = format!("histogram of a day by {interval_s} s and {group}");
            ask(&name, ByIndex, &mut |_| format!("{histogram}&group={group}&groups=10"));
        }
    }
    ask("histogram of a day by 3600 s, one rule", ByIndex, &mut |draw| {
        format!("/v1/histogram?{range}&interval_s=3600&rule_id={}", Load::rule(draw(300)))
    });
    ask("histogram of a day by 60 s and rule_id, blocked", ByIndex, &mut |_| {
        format!("/v1/histogram?{range}&interval_s=60&group=rule_id&groups=10&action=block")
    });
    for field in ["action", "rule_id", "host", "source", "client_country"] {
        ask(&format!("top of {field}"), ByIndex, &mut |_| format!("/v1/top?{range}&field={field}"));
    }
    for field in ["client_ip", "path"] {
        ask(&format!("top of {field}"), ByScan, &mut |_| format!("/v1/top?{range}&field={field}"));
    }
    ask("page by path, nothing found", ByScan, &mut |_| format!("{page}&path_like=*nowhere*"));
    ask("page by network, nothing found", ByScan, &mut |_| {
        format!("{page}&client_ip_in=192.0.2.0/24")
    });
    ask("histogram of a day by 3600 s and path", ByScan, &mut |_| {
        format!("/v1/histogram?{range}&interval_s=3600&group=path&groups=10")
    });
    println!();
}

fn measure(
    gate: &mut Gate,
    client: &mut Client,
    name: &str,
    served: Served,
    mut path: impl FnMut() -> String,
) {
    let times = match (is_measuring(), served) {
        (true, Served::ByIndex) => TIMES,
        (true, Served::ByScan) => 7,
        (false, _) => 1,
    };
    let mut bytes = 0;
    let mut ms: Vec<f64> = (0..times)
        .map(|_| {
            let path = path();
            let start = Instant::now();
            bytes += client.get(&path).len();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    ms.sort_by(f64::total_cmp);
    let (p50, p99) = (ms[times / 2], ms[(times - 1) * 99 / 100]);
    let kilobytes = bytes as f64 / times as f64 / 1e3;
    println!("  {name:49} {p50:9.2} {p99:9.2} {kilobytes:9.1}");
    if served == Served::ByIndex && p99 > GOAL_MS {
        gate.at_most(&format!("{name}, p99 in ms"), p99, GOAL_MS);
    }
}
