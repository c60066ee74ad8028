//! Events as edges log them: many, always the same ones, about 1 KB each, what matched already sealed.
//!
//! Rules, hosts, countries, addresses and paths are as unevenly frequent as they are in logs: the k-th most
//! frequent one stands for 1/k. Ray ids are random. Blobs are random bytes in the shape of version 3: nobody
//! opens them here.

use std::fmt::Write as _;
use std::io::Write as _;

use base64ct::{Base64, Encoding};
use flate2::Compression;
use flate2::write::GzEncoder;

/// Bytes of a blob: 320 characters of base64.
const BLOB_BYTES: usize = 240;
const ENC_BYTES: usize = 32;
const TAG_BYTES: usize = 16;
const ACTIONS: [&str; 6] = ["block", "log", "managedchallenge", "skip", "challenge", "jschallenge"];
const SOURCES: [&str; 5] = ["firewallManaged", "firewallCustom", "ratelimit", "botFight", "l7ddos"];
const METHODS: [&str; 4] = ["GET", "POST", "HEAD", "PUT"];
const COLOS: [&str; 8] = ["FRA", "AMS", "IAD", "LHR", "SJC", "NRT", "GRU", "WAW"];
const WORDS: [&str; 12] = [
    "admin",
    "cms",
    "api",
    "v2",
    "login",
    "cart",
    "static",
    "wp-content",
    "search",
    "users",
    "orders",
    "index.php",
];
const AGENTS: [&str; 5] = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "python-requests/2.32.5",
    "curl/8.16.0",
    "sqlmap/1.9.11#stable (https://sqlmap.org)",
];

/// Events without end. The same seed gives the same ones.
#[derive(Debug)]
pub struct Load {
    random: Random,
    at_us: i64,
    step_us: i64,
    rules: Zipf,
    hosts: Zipf,
    countries: Zipf,
    networks: Zipf,
    addresses: Zipf,
    paths: Zipf,
}

/// One event.
#[derive(Clone, Debug)]
pub struct LoggedEvent {
    /// When it happened, in seconds since 1970: Logpush's RFC 3339 knows no parts of them.
    pub at_s: i64,
    /// The request's id.
    pub ray_id: String,
    /// Everything but the ray id, the time and the blob.
    head: String,
    blob: [u8; BLOB_BYTES],
}

impl Load {
    /// Events from `start_s` on, `per_s` of them a second.
    #[must_use]
    pub fn new(seed: u64, start_s: i64, per_s: i64) -> Self {
        Self {
            random: Random(seed),
            at_us: start_s * 1_000_000,
            step_us: 1_000_000 / per_s,
            rules: Zipf::new(300),
            hosts: Zipf::new(60),
            countries: Zipf::new(80),
            networks: Zipf::new(800),
            addresses: Zipf::new(60_000),
            paths: Zipf::new(4_000),
        }
    }

    /// The rule that is the `rank`-th most frequent, from 0.
    #[must_use]
    pub fn rule(rank: usize) -> String {
        format!(
            "{:032x}",
            ((0x0074_a5b6_u128 * (rank as u128 + 1)) << 64) | ((rank as u128 + 7) * 0x9e37_79b9)
        )
    }

    /// The host that is the `rank`-th most frequent, from 0.
    #[must_use]
    pub fn host(rank: usize) -> String {
        format!("{}{rank}.shop.example", ["www", "api", "m"][rank % 3])
    }

    /// The `count` next events as lines.
    #[must_use]
    pub fn lines(&mut self, count: usize) -> String {
        let mut lines = String::with_capacity(count * 1_050);
        for event in self.take(count) {
            event.write_line(&mut lines);
        }
        lines
    }
}

impl Iterator for Load {
    type Item = LoggedEvent;

    fn next(&mut self) -> Option<LoggedEvent> {
        self.at_us += self.step_us;
        let random = &mut self.random;
        let rule = self.rules.draw(random);
        let address = self.addresses.draw(random) as u32;
        let network = self.networks.draw(random);
        let country = self.countries.draw(random);
        let path = self.paths.draw(random);
        let some = random.next();
        let pick = |bits: u32, of: usize| (some >> bits & 0xff) as usize % of;
        let mut head = String::with_capacity(640);
        let ip = std::net::Ipv4Addr::from(0x0b00_0000 + address.wrapping_mul(40_503) % 0x5000_0000);
        // Writing to a String does not fail.
        let _ = write!(
            head,
            r#"{{"Action":"{}","ClientASN":{},"ClientASNDescription":"EXAMPLE-NET-{network}","ClientCountry":"{}{}","ClientIP":"{ip}","ClientRequestHost":"{}","ClientRequestMethod":"{}","ClientRequestPath":"/{}/{}/{path}","ClientRequestProtocol":"HTTP/2","ClientRequestQuery":"?action=post&id={}","ClientRequestUserAgent":"{}","EdgeColoCode":"{}","EdgeResponseStatus":403,"Kind":"firewall","MatchIndex":0,"OriginatorRayID":"00","Ref":"","RuleID":"{}","Source":"{}","#,
            ACTIONS[pick(0, 100).min(ACTIONS.len() * 12 - 1) / 12],
            64_496 + network,
            char::from(b'a' + (country / 26 % 26) as u8),
            char::from(b'a' + (country % 26) as u8),
            Self::host(self.hosts.draw(random)),
            METHODS[pick(8, METHODS.len())],
            WORDS[path % WORDS.len()],
            WORDS[path / 7 % WORDS.len()],
            some >> 40,
            AGENTS[pick(16, AGENTS.len())],
            COLOS[pick(24, COLOS.len())],
            Self::rule(rule),
            SOURCES[rule % SOURCES.len()],
        );
        let mut blob = [0; BLOB_BYTES];
        blob.chunks_mut(8).for_each(|part| part.copy_from_slice(&random.next().to_le_bytes()));
        let sealed_at = 1 + ENC_BYTES + 8;
        let ciphertext = (BLOB_BYTES - sealed_at - TAG_BYTES) as u64;
        blob[0] = 3;
        blob[1 + ENC_BYTES..sealed_at].copy_from_slice(&ciphertext.to_le_bytes());
        let ray_id = format!("{:016x}", random.next());
        Some(LoggedEvent { at_s: self.at_us / 1_000_000, ray_id, head, blob })
    }
}

impl LoggedEvent {
    /// Adds it as Logpush would write it.
    pub fn write_line(&self, out: &mut String) {
        let mut text = [0; BLOB_BYTES / 3 * 4];
        let blob = Base64::encode(&self.blob, &mut text).expect("room for it");
        let (time, ray_id) = (rfc3339(self.at_s), &self.ray_id);
        out.push_str(&self.head);
        // Writing to a String does not fail.
        let _ = writeln!(
            out,
            r#""Datetime":"{time}","RayID":"{ray_id}","Metadata":{{"ruleset_version":"83","version":"81","type":"customer","encrypted_matched_data":"{blob}"}}}}"#
        );
    }
}

/// Lines as AWS WAF writes them, what matched in clear.
#[must_use]
pub fn aws_waf_lines(load: &mut Load, count: usize) -> String {
    let mut lines = String::with_capacity(count * 1_600);
    for (number, event) in load.take(count).enumerate() {
        let (ms, id, agent) = (event.at_s * 1_000, &event.ray_id, AGENTS[number % AGENTS.len()]);
        let (host, colo) = (Load::host(number % 7), COLOS[number % COLOS.len()]);
        // Writing to a String does not fail.
        let _ = writeln!(
            lines,
            r#"{{"timestamp":{ms},"formatVersion":1,"webaclId":"arn:aws:wafv2:us-east-1:123456789012:global/webacl/shop/1a2b3c4d","terminatingRuleId":"AWS-AWSManagedRulesSQLiRuleSet","terminatingRuleType":"MANAGED_RULE_GROUP","action":"BLOCK","terminatingRuleMatchDetails":[{{"conditionType":"SQL_INJECTION","sensitivityLevel":"LOW","location":"ALL_QUERY_ARGS","matchedData":["1","OR","{number}","=","{number}"],"matchedFieldName":"id"}}],"httpSourceName":"CF","httpSourceId":"E2EXAMPLE","ruleGroupList":[],"rateBasedRuleList":[],"nonTerminatingMatchingRules":[],"requestHeadersInserted":null,"responseCodeSent":null,"httpRequest":{{"clientIp":"203.0.113.{}","country":"DE","headers":[{{"name":"host","value":"{host}"}},{{"name":"user-agent","value":"{agent}"}},{{"name":"accept","value":"*/*"}},{{"name":"cookie","value":"session={id}{id}"}}],"uri":"/cms/{}","args":"id=1%20OR%20{number}={number}","httpVersion":"HTTP/2.0","httpMethod":"GET","requestId":"{id}-{colo}","fragment":"","scheme":"https","host":"{host}"}},"labels":[{{"name":"awswaf:managed:aws:sql-database:SQLi_QueryArguments"}}]}}"#,
            number % 256,
            number % 900,
        );
    }
    lines
}

/// Packs lines as a sender does.
#[must_use]
pub fn gzipped(lines: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(lines.len() / 2), Compression::fast());
    encoder.write_all(lines.as_bytes()).expect("memory");
    encoder.finish().expect("memory")
}

/// `2026-11-22T00:00:00Z`, by Howard Hinnant's `civil_from_days`.
#[must_use]
pub fn rfc3339(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// SplitMix64: fast, and the same everywhere.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Numbers from 0: the k-th, counted from 1, stands for 1/k.
#[derive(Debug)]
struct Zipf {
    /// Up to which draw each number is meant.
    ends: Vec<u32>,
}

impl Zipf {
    fn new(count: usize) -> Self {
        let total: f64 = (1..=count).map(|k| 1.0 / k as f64).sum();
        let mut sum = 0.0;
        let ends = (1..=count).map(|k| {
            sum += 1.0 / k as f64;
            (sum / total * f64::from(u32::MAX)) as u32
        });
        Self { ends: ends.collect() }
    }

    fn draw(&self, random: &mut Random) -> usize {
        let draw = (random.next() >> 32) as u32;
        self.ends.partition_point(|end| *end < draw).min(self.ends.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::{Load, gzipped, rfc3339};

    #[test]
    fn dates() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(1_795_307_400), "2026-11-22T00:30:00Z");
    }

    #[test]
    fn lines_are_json_of_about_a_kilobyte() {
        let lines = Load::new(1, 1_795_305_600, 58).lines(2_000);
        assert_eq!(lines, Load::new(1, 1_795_305_600, 58).lines(2_000));
        let mean = lines.len() / 2_000;
        assert!((900..1_100).contains(&mean), "{mean} bytes a line");
        for line in lines.lines() {
            let event: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let blob = event["Metadata"]["encrypted_matched_data"].as_str().expect("a blob");
            assert_eq!(wafpass::matched_data::Blob::parse(blob).expect("in order").version(), 3);
        }
        assert!(gzipped(&lines).len() < lines.len() / 2);
    }
}
