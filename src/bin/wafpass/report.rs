use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;
use wafpass::telemetry::names;

use crate::error::Fault;
use crate::metrics::{Samples, scrape};
use crate::style::{BAD, FAINT, GOOD};
use crate::{Verdict, style};

const AFTER: &str = "\
Adds up what the origins have counted since they started: what would be refused on
routes that are report-only, what is refused, and all other requests; by reason,
route and key, the most frequent first. `*` is the rest, for which no route holds, `-`
a key that the configuration does not have, or none.

Examples:
  wafpass report --metrics http://127.0.0.1:9464/metrics
  wafpass report --metrics http://10.0.0.7:9464/metrics --metrics http://10.0.0.8:9464/metrics

Exit codes: 0 nothing would be refused on report-only routes, 1 something would be,
2 usage, or an origin that does not answer";

/// Show what origins refuse, and what they would refuse once routes are enforced.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER)]
pub(crate) struct Args {
    /// Ask an origin for its metrics, by plain HTTP; once for each.
    #[arg(long, value_name = "URL", required = true)]
    metrics: Vec<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What is counted apart. The verdicts are in the order of the table: the first is what to look at.
#[derive(PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Group {
    verdict: Kind,
    reason: String,
    route: String,
    key_id: String,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Reported,
    Refused,
    Accepted,
    Exempt,
}

impl Kind {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Reported, "reported"),
        (Self::Refused, "refused"),
        (Self::Accepted, "accepted"),
        (Self::Exempt, "exempt"),
    ];

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, code)| *code == word).map(|(kind, _)| *kind)
    }

    fn code(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, code)| code)
    }
}

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    group: Group,
    requests: u64,
}

#[derive(Serialize)]
struct Report {
    origins: usize,
    would_be_refused: u64,
    rows: Vec<Row>,
}

impl Args {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Verdict, Fault> {
        let report = self.collect()?;
        if self.json {
            let text = serde_json::to_string_pretty(&report).map_err(std::io::Error::from)?;
            writeln!(out, "{}", printable(&text))?;
        } else {
            print(out, &report)?;
        }
        Ok(if report.would_be_refused == 0 { Verdict::Good } else { Verdict::Bad })
    }

    fn collect(&self) -> Result<Report, Fault> {
        let pages = scrape(&self.metrics)?;
        let origins = pages.len();
        let mut groups: BTreeMap<Group, u64> = BTreeMap::new();
        for page in pages {
            let way_out = "name the address where an origin shows its metrics";
            let samples = Samples::parse(&page.text, &[names::REQUESTS, names::STARTED]);
            let samples = samples.map_err(|line| {
                let fault = format!("{}: line {line} is not Prometheus' text format", page.origin);
                Fault::new(fault, way_out)
            })?;
            // Else the metrics of some other program would pass for an origin without a request.
            if samples.named(names::STARTED).next().is_none() {
                let fault = format!("{} shows no {}", page.origin, names::STARTED);
                return Err(Fault::new(fault, way_out));
            }
            for sample in samples.named(names::REQUESTS) {
                let label = |name| sample.label(name).unwrap_or_default().to_owned();
                let Some(verdict) = Kind::parse(&label("verdict")) else { continue };
                let (reason, route, key_id) = (label("reason"), label("route"), label("key_id"));
                let requests = groups.entry(Group { verdict, reason, route, key_id }).or_default();
                *requests = requests.saturating_add(whole(sample.value));
            }
        }
        let mut rows: Vec<_> =
            groups.into_iter().map(|(group, requests)| Row { group, requests }).collect();
        rows.sort_by_key(|row| (row.group.verdict, std::cmp::Reverse(row.requests)));
        let reported = rows.iter().filter(|row| row.group.verdict == Kind::Reported);
        let would_be_refused = sum(reported);
        Ok(Report { origins, would_be_refused, rows })
    }
}

/// Saturates: whoever writes the metrics could else have nothing shown for something.
fn sum<'a>(rows: impl IntoIterator<Item = &'a Row>) -> u64 {
    rows.into_iter().fold(0, |sum, row| sum.saturating_add(row.requests))
}

/// JSON without the control characters that it may have as they are, and a terminal obeys.
fn printable(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_control() && c != '\n' {
            text.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            text.push(c);
        }
    }
    text
}

/// A count, as the text format has it: a floating-point number.
#[expect(clippy::as_conversions, reason = "saturates; there is no other way from f64 to u64")]
const fn whole(value: f64) -> u64 {
    value as u64
}

fn print(out: &mut dyn Write, report: &Report) -> Result<(), Fault> {
    let Report { origins, would_be_refused, rows } = report;
    let all = sum(rows);
    let of = if *origins == 1 { "1 origin".into() } else { format!("{origins} origins") };
    if *would_be_refused == 0 {
        writeln!(out, "{GOOD}nothing would be refused{GOOD:#} on report-only routes")?;
    } else {
        writeln!(out, "{BAD}{would_be_refused} would be refused{BAD:#} on report-only routes")?;
    }
    writeln!(out, "{FAINT}{all} requests since the start of {of}{FAINT:#}\n")?;
    let width = |text: fn(&Group) -> &str, least: usize| {
        rows.iter().map(|row| text(&row.group).len()).max().unwrap_or(0).max(least)
    };
    let (reason, route) = (width(|group| &group.reason, 6), width(|group| &group.route, 5));
    writeln!(
        out,
        "{FAINT}{:>12}  {:<8}  {:<reason$}  {:<route$}  KEY_ID{FAINT:#}",
        "REQUESTS", "VERDICT", "REASON", "ROUTE"
    )?;
    let or_dash =
        |text: &str| if text.is_empty() { "-".to_owned() } else { text.escape_debug().to_string() };
    for Row { group, requests } in rows {
        writeln!(
            out,
            "{requests:>12}  {:<8}  {:<reason$}  {:<route$}  {}",
            group.verdict.code(),
            or_dash(&group.reason),
            or_dash(&group.route),
            or_dash(&group.key_id)
        )?;
    }
    Ok(())
}
