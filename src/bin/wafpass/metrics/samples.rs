//! Prometheus' text format, as much of it as a few gauges need.

use std::time::Duration;

use wafpass::UnixTime;

/// The samples of some metrics.
pub(crate) struct Samples(Vec<Sample>);

/// One line.
#[derive(Debug, PartialEq)]
pub(crate) struct Sample {
    name: String,
    labels: Vec<(String, String)>,
    pub(crate) value: f64,
}

impl Samples {
    /// Reads the samples called one of `names`, and passes over all others. `Err` is the line, from 1,
    /// that has one of the names and is not a sample.
    pub(crate) fn parse(text: &str, names: &[&str]) -> Result<Self, usize> {
        let mut samples = Vec::new();
        for (line, number) in text.lines().zip(1_usize..) {
            let line = line.trim();
            let end = line.find(|c: char| !is_of_name(c)).unwrap_or(line.len());
            let (name, rest) = line.split_at(end);
            if names.contains(&name) {
                samples.push(Sample::parse(name, rest).ok_or(number)?);
            }
        }
        Ok(Self(samples))
    }

    pub(crate) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Sample> {
        self.0.iter().filter(move |sample| sample.name == name)
    }
}

impl Sample {
    /// `{label="value",…} value [timestamp]`.
    fn parse(name: &str, rest: &str) -> Option<Self> {
        let mut labels = Vec::new();
        let mut rest = rest.trim_start();
        if let Some(inside) = rest.strip_prefix('{') {
            rest = inside.trim_start();
            while !rest.starts_with('}') {
                let (label, after) = rest.split_once('=')?;
                let (value, after) = quoted(after.trim_start())?;
                labels.push((label.trim().into(), value));
                let after = after.trim_start();
                rest = match after.strip_prefix(',') {
                    Some(after) => after.trim_start(),
                    None if after.starts_with('}') => after,
                    None => return None,
                };
            }
            rest = rest.strip_prefix('}')?;
        }
        let mut words = rest.split_whitespace();
        let value = words.next()?.parse().ok()?; // "NaN" and "+Inf" too
        let is_time = |word: &str| word.parse::<i64>().is_ok();
        let is_whole = words.next().is_none_or(is_time) && words.next().is_none();
        is_whole.then(|| Self { name: name.into(), labels, value })
    }

    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| label == name).map(|(_, value)| value.as_str())
    }

    /// The value as Unix time, rounded down; `None` for what is no moment, and for 0: never.
    pub(crate) fn moment(&self) -> Option<UnixTime> {
        let since_1970 = Duration::try_from_secs_f64(self.value).ok()?.as_secs();
        let secs = i64::try_from(since_1970).ok().filter(|secs| *secs > 0)?;
        Some(UnixTime::from_secs(secs))
    }
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

/// A label's value and what follows it: `\\`, `\"` and `\n` are escapes.
fn quoted(text: &str) -> Option<(String, &str)> {
    let text = text.strip_prefix('"')?;
    let (mut value, mut chars) = (String::new(), text.char_indices());
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                c @ ('\\' | '"') => c,
                _ => return None,
            }),
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 2] = ["a_b", "c"];

    fn one(line: &str) -> Option<Sample> {
        Samples::parse(line, &NAMES).ok()?.0.pop()
    }

    #[test]
    fn reads_what_exporters_write() {
        let text = "# HELP a_b something\n# TYPE a_b gauge\na_b{key_id=\"k\\\"\\\\\\n,}\",x=\"\",} 1.5e3 1795307400000\n\na_bc 7\n  c +Inf\nodd{ line\n";
        let samples = Samples::parse(text, &NAMES).unwrap();
        let first = samples.named("a_b").next().unwrap();
        assert_eq!(first.label("key_id"), Some("k\"\\\n,}"));
        assert_eq!((first.label("x"), first.label("y")), (Some(""), None));
        assert_eq!(first.moment(), Some(UnixTime::from_secs(1_500)));
        assert_eq!(samples.named("c").next().unwrap().moment(), None);
        assert_eq!(samples.0.len(), 2);
    }

    #[test]
    fn a_broken_line_of_ours_is_no_sample() {
        for line in [
            "c",
            "c x",
            "c 1 2 3",
            "c 1 x",
            "c{a=\"b\" 1",
            "c{a=\"b\"d=\"e\"} 1",
            "c{a=b} 1",
            "c{a} 1",
            "c{a=\"b",
            "c{a=\"\\x\"} 1",
            "c{",
        ] {
            assert_eq!(Samples::parse(&format!("d 1\n{line}"), &NAMES).err(), Some(2), "{line}");
        }
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for (value, secs) in
            [("0", None), ("-1", None), ("NaN", None), ("1e300", None), ("1.9", Some(1))]
        {
            let moment = one(&format!("c {value}")).unwrap().moment();
            assert_eq!(moment.map(UnixTime::as_secs), secs, "{value}");
        }
    }
}
