//! What the origins say of a key, by their metrics.

use wafpass::KeyId;
use wafpass::key_directory::OriginReport;

use crate::error::Fault;
use crate::metrics::{Sample, Samples, scrape};

/// 1 for each key that an origin has loaded as active, by `key_id`.
const LOADED: &str = "wafpass_key_loaded";

/// Unix time at which the newest request by a key was signed, by `key_id`.
const LAST_USED: &str = "wafpass_key_last_used_timestamp_seconds";

/// Unix time of the start: ours, and what every Prometheus client has.
const STARTED: [&str; 2] = ["wafpass_started_timestamp_seconds", "process_start_time_seconds"];

/// The origins that are to be asked.
#[derive(clap::Args)]
pub(super) struct Origins {
    /// Ask an origin for its metrics, by plain HTTP; once for each.
    #[arg(long, value_name = "URL")]
    metrics: Vec<String>,
}

impl Origins {
    pub(super) const fn is_empty(&self) -> bool {
        self.metrics.is_empty()
    }

    /// What each origin says of one key.
    pub(super) fn ask(&self, kid: &KeyId) -> Result<Vec<OriginReport>, Fault> {
        Ok(self.answers()?.iter().map(|answer| answer.about(kid)).collect())
    }

    /// What each origin says of all keys. One that does not answer is a fault: silence is no evidence.
    pub(super) fn answers(&self) -> Result<Vec<Answer>, Fault> {
        if self.is_empty() {
            return Ok(Vec::new());
        }
        let pages = scrape(&self.metrics)?;
        pages.into_iter().map(|page| Answer::read(page.origin, &page.text)).collect()
    }
}

/// The metrics of one origin.
pub(super) struct Answer {
    origin: String,
    samples: Samples,
}

impl Answer {
    fn read(origin: String, text: &str) -> Result<Self, Fault> {
        let names = [LOADED, LAST_USED, STARTED[0], STARTED[1]];
        let samples = Samples::parse(text, &names).map_err(|line| {
            let fault = format!("{origin}: line {line} is not Prometheus' text format");
            Fault::new(fault, "name the address where the origin shows its metrics")
        })?;
        // Else the metrics of some other program would pass for an origin that never used the key.
        if samples.named(LOADED).next().is_none() {
            let fault = format!(
                "{origin} shows no {LOADED}: it is no origin of wafpass, or has no metrics"
            );
            return Err(Fault::new(fault, "name the address where the origin shows its metrics"));
        }
        Ok(Self { origin, samples })
    }

    pub(super) fn about(&self, kid: &KeyId) -> OriginReport {
        let is_of_key = |sample: &&Sample| {
            sample.label("key_id").is_some_and(|label| is_of(kid.as_str(), label))
        };
        let mut loaded = self.samples.named(LOADED).filter(is_of_key).peekable();
        let is_known = loaded.peek().is_some();
        let used = self.samples.named(LAST_USED).filter(is_of_key);
        let started = STARTED.iter().flat_map(|name| self.samples.named(name));
        OriginReport {
            origin: self.origin.clone(),
            is_loaded: is_known && loaded.all(|sample| sample.value == 1.0),
            last_used: used.filter_map(Sample::moment).max(),
            started: started.filter_map(Sample::moment).max(),
        }
    }
}

/// Whether `label` is the key `kid`, or one of a day that is derived from it: `KID.YYYYMMDD`.
fn is_of(kid: &str, label: &str) -> bool {
    let day = label.strip_prefix(kid).and_then(|rest| rest.strip_prefix('.'));
    let is_day = |day: &str| day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit());
    label == kid || day.is_some_and(is_day)
}
