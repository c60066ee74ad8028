//! Against `wirefilter-engine` 0.6.1, the version that is published: on the expressions that both know, with values
//! that match and values that do not.

use std::hint::black_box;
use std::net::IpAddr;

use wafpass::rules::{Compiler, Facts, Scheme, Type, Value, parse};
use wafpass_benches::{Comparison, Gate};
use wirefilter::{ExecutionContext, Scheme as PeerScheme, Type as PeerType};

const BOT: &str = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Googlebot/2.1; +http://www.google.com/bot.html) Safari/537.36";
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/51.0.2704.103 Safari/537.36";

/// The filters of its own benchmarks, and some that join them.
const FILTERS: [(&str, &str); 12] = [
    ("address ==", "addr == 173.245.48.1"),
    ("address between", "addr >= 173.245.48.0 && addr < 173.245.49.0"),
    (
        "address in",
        "addr in { 103.21.244.0/22 2405:8100::/32 104.16.0.0/12 2803:f800::/32 131.0.72.0/22 173.245.48.0/20 \
         2405:b500::/32 172.64.0.0/13 190.93.240.0/20 103.22.200.0/22 2606:4700::/32 198.41.128.0/17 \
         197.234.240.0/22 162.158.0.0/15 108.162.192.0/18 2c0f:f248::/32 2400:cb00::/32 103.31.4.0/22 \
         2a06:98c0::/29 141.101.64.0/18 188.114.96.0/20 }",
    ),
    ("port ==", "port == 80"),
    ("port in", "port in { 80 8080 8880 2052 2082 2086 2095 }"),
    ("country ==", r#"country == "GB""#),
    (
        "country in",
        r#"country in { "AT" "BE" "BG" "HR" "CY" "CZ" "DK" "EE" "FI" "FR" "DE" "GR" "HU" "IE" "IT" "LV" "LT" "LU" "MT" "NL" "PL" "PT" "RO" "SK" "SI" "ES" "SE" "GB" "GF" "GP" "MQ" "ME" "YT" "RE" "MF" "GI" "AX" "PM" }"#,
    ),
    ("agent matches, any case", r#"agent ~ "(?i)googlebot/\d+\.\d+""#),
    ("agent matches", r#"agent ~ "Googlebot""#),
    ("agent contains", r#"agent contains "Googlebot""#),
    ("and", r#"port == 443 && ssl && agent contains "Mozilla" && not agent contains "curl""#),
    (
        "or",
        r#"country == "XX" || port in { 22 23 } || addr in { 10.0.0.0/8 192.168.0.0/16 } || agent ~ "(?i)sqlmap|nikto|masscan" || path contains "../""#,
    ),
];

/// Least ratio of each filter. All of them together have to be faster; one alone may be a nanosecond or two
/// behind, which is what single comparisons take, and `matches` runs the same regular expression engine.
const EACH: f64 = 0.85;

struct Known {
    agent: &'static str,
    country: &'static str,
    addr: IpAddr,
    port: i32,
}

pub(crate) fn compare(gate: &mut Gate) {
    let known = [
        Known { agent: BOT, country: "GB", addr: [173, 245, 48, 1].into(), port: 80 },
        Known { agent: BROWSER, country: "T1", addr: [127, 0, 0, 1].into(), port: 443 },
    ];
    let mut ratios = Vec::new();
    for (name, filter) in FILTERS {
        for (values, known) in ["one", "other"].into_iter().zip(&known) {
            let name = format!("{name}, {values}");
            let ratio = one(&name, filter, known);
            gate.at_least(&format!("wirefilter-engine / ours: {name}"), ratio, EACH);
            ratios.push(ratio.ln());
        }
    }
    let mean = (ratios.iter().sum::<f64>() / ratios.len() as f64).exp();
    gate.at_least("wirefilter-engine / ours: geometric mean", mean, 1.0);
}

fn one(name: &str, filter: &str, known: &Known) -> f64 {
    let (scheme, facts) = ours(known);
    let program = Compiler::new(&scheme).compile(&parse(filter, &scheme).expect("a filter"));
    let program = program.expect("parsed");

    let peer_scheme = peer_scheme();
    let peer_filter = peer_scheme.parse(filter).expect("a filter").compile();
    let context = context(&peer_scheme, known);
    assert_eq!(
        program.holds(&facts),
        peer_filter.execute(&context).expect("one scheme"),
        "{filter}"
    );

    Comparison::new(format!("{name}: {}", program.holds(&facts)))
        .candidate("ours", || program.holds(black_box(&facts)))
        .candidate("wirefilter-engine", || peer_filter.execute(black_box(&context)))
        .run()
        .ratio("wirefilter-engine")
}

fn ours(known: &Known) -> (Scheme, Facts<'static>) {
    let mut scheme = Scheme::default();
    let fields = [
        ("agent", Type::Bytes, Value::from(known.agent)),
        ("country", Type::Bytes, known.country.into()),
        ("path", Type::Bytes, "/catalog/garden/tools".into()),
        ("addr", Type::Ip, known.addr.into()),
        ("port", Type::Int, i64::from(known.port).into()),
    ];
    for (name, ty, _) in &fields {
        scheme.register(name, ty.clone()).expect("a new field");
    }
    let mut facts = Facts::unknown(&scheme);
    let mut set = |name, value| {
        let (field, _) = scheme.field(name).expect("a field");
        facts.set(&scheme, field, value).expect("of its type");
    };
    fields.into_iter().for_each(|(name, _, value)| set(name, value));
    set("ssl", true.into());
    (scheme, facts)
}

fn peer_scheme() -> PeerScheme {
    let mut scheme = PeerScheme::default();
    for (name, ty) in [
        ("agent", PeerType::Bytes),
        ("country", PeerType::Bytes),
        ("path", PeerType::Bytes),
        ("addr", PeerType::Ip),
        ("port", PeerType::Int),
        ("ssl", PeerType::Bool),
    ] {
        scheme.add_field(name.to_owned(), ty).expect("a new field");
    }
    scheme
}

fn context<'e>(scheme: &'e PeerScheme, known: &Known) -> ExecutionContext<'e> {
    let mut context = ExecutionContext::new(scheme);
    context.set_field_value("agent", known.agent).expect("of its type");
    context.set_field_value("country", known.country).expect("of its type");
    context.set_field_value("path", "/catalog/garden/tools").expect("of its type");
    context.set_field_value("addr", known.addr).expect("of its type");
    context.set_field_value("port", known.port).expect("of its type");
    context.set_field_value("ssl", true).expect("of its type");
    context
}
