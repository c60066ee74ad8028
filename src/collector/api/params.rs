//! The parameters of a query, strictly: one that is unknown, misspelt or stands twice is refused, so that an
//! answer is never wider than what was meant.

use std::str::FromStr;

use axum::http::StatusCode;

use super::Problem;

/// The parameters that a request has, decoded.
#[derive(Debug)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads a query string. Each name has to be among `known`.
    pub(crate) fn read(query: Option<&str>, known: &[String]) -> Result<Self, Problem> {
        let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let read = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name).ok_or_else(not_utf8)?;
            let value = decode(value).ok_or_else(not_utf8)?;
            if known.contains(&name) { Ok((name, value)) } else { Err(unknown(&name, known)) }
        });
        Ok(Self(read.collect::<Result<_, _>>()?))
    }

    /// All values of a parameter, in the order of the request.
    pub(crate) fn all<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The names that stand in the request, in its order, each once.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in &self.0 {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }

    /// The value of a parameter that may stand once.
    pub(crate) fn one<'p>(&'p self, name: &'p str) -> Result<Option<&'p str>, Problem> {
        let mut values = self.all(name);
        let first = values.next();
        match values.next() {
            None => Ok(first),
            Some(_) => Err(bad(name, "it stands twice", "give it once")),
        }
    }

    /// A whole number in a range, or `default` where there is none.
    pub(crate) fn number<N>(&self, name: &str, default: N, min: N, max: N) -> Result<N, Problem>
    where
        N: Copy + FromStr + PartialOrd + std::fmt::Display,
    {
        let Some(text) = self.one(name)? else { return Ok(default) };
        // `+5` and `5` would be two spellings of one query.
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = if digits { text.parse::<N>().ok() } else { None };
        number.filter(|number| (min..=max).contains(number)).ok_or_else(|| {
            bad(name, "it is no whole number in range", &format!("give one from {min} to {max}"))
        })
    }

    /// `true` or `false`.
    pub(crate) fn truth(&self, name: &str) -> Result<Option<bool>, Problem> {
        match self.one(name)? {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(bad(name, "it is neither `true` nor `false`", "give one of the two")),
        }
    }
}

/// A parameter with a value that it cannot have.
pub(crate) fn bad(name: &str, fault: &str, way_out: &str) -> Problem {
    let detail = format!("`{name}`: {fault}\n{way_out}");
    Problem::new(StatusCode::BAD_REQUEST, "bad-parameter", "a parameter has a wrong value", detail)
}

/// The nearest of the names that could have been meant.
pub(crate) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    // Below this, two names have hardly more in common than letters of the alphabet.
    const ALIKE: f64 = 0.75;
    known
        .map(|other| (strsim::jaro_winkler(name, other), other))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, other)| other)
}

fn unknown(name: &str, known: &[String]) -> Problem {
    let name: String = name.chars().take(64).collect();
    let way_out = match nearest(&name, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "/v1/openapi.json lists those that there are".to_owned(),
    };
    let detail = format!("there is no parameter `{name}` here\n{way_out}");
    Problem::new(StatusCode::BAD_REQUEST, "unknown-parameter", "a parameter is unknown", detail)
}

fn not_utf8() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "bad-query",
        "the query string cannot be read",
        "its percent-encoding is broken, or what it stands for is no UTF-8\nencode each name and value",
    )
}

// application/x-www-form-urlencoded, but nothing is replaced: what cannot be decoded is refused.
fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<String> {
        ["limit", "action", "not_action", "cursor"].map(str::to_owned).into()
    }

    #[test]
    fn a_name_that_is_not_known_is_refused_with_the_nearest_one() {
        let problem = Parameters::read(Some("acton=block"), &known()).unwrap_err();
        assert_eq!(problem.detail, "there is no parameter `acton` here\ndid you mean `action`?");
        assert_eq!(problem.status, 400);
        let problem = Parameters::read(Some("zzz=1"), &known()).unwrap_err();
        assert!(problem.detail.ends_with("/v1/openapi.json lists those that there are"));
    }

    #[test]
    fn values_are_decoded_and_nothing_is_replaced() {
        let read = Parameters::read(Some("action=a+b%2Bc&action=%c3%A4&&limit"), &known()).unwrap();
        assert_eq!(read.all("action").collect::<Vec<_>>(), ["a b+c", "ä"]);
        assert_eq!(read.names(), ["action", "limit"]);
        for broken in ["action=%", "action=%4", "action=%zz", "action=%ff", "%ff=1"] {
            assert_eq!(
                Parameters::read(Some(broken), &known()).unwrap_err().status,
                400,
                "{broken}"
            );
        }
    }

    #[test]
    fn numbers_have_one_spelling_and_a_range() {
        let number = |query: &str| {
            Parameters::read(Some(query), &known())
                .and_then(|read| read.number("limit", 7_u64, 1, 100))
        };
        assert_eq!(number("action=x"), Ok(7));
        assert_eq!(number("limit=100"), Ok(100));
        for wrong in ["0", "101", "+5", "-5", "5.0", "", "1e2", "99999999999999999999999"] {
            assert!(number(&format!("limit={wrong}")).is_err(), "{wrong}");
        }
        assert!(number("limit=5&limit=5").is_err());
    }
}
