//! Matched data: blobs, opened by every engine there is.

use base64ct::{Base64, Encoding};
use serde::Deserialize;
use serde_json::Value;

use super::{Failure, VectorError, checked, read};
use crate::matched_data::{Binding, Engine, Opener, PrivateKey, Refused, Suite};

/// The `spec` of such a file.
pub(super) const SPEC: &str = "matched data";

/// What a case expects of a blob that opens.
const OPEN: &str = "open";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(rename = "spec")]
    _spec: String,
    cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    blob: String,
    private_key: String,
    suite: Option<u8>,
    /// Any JSON: a malformed binding is what some cases are about.
    event: Option<Value>,
    expect: String,
    plaintext: Option<String>,
}

impl File {
    pub(super) fn parse(text: &[u8]) -> Result<Self, VectorError> {
        let file: Self =
            read(text, "see \"Vector files\" in docs/matched-data.md for the fields there are")?;
        checked(file.cases.iter().map(|case| case.name.as_str()), file.cases.len())?;
        for Case { name, expect, .. } in &file.cases {
            if expect != OPEN && !Refused::ALL.iter().any(|refused| refused.code() == expect) {
                return Err(VectorError(format!(
                    "the case {name:?} expects {expect:?}, which is no refusal\nexpect `open` or the code of a refusal"
                )));
            }
        }
        Ok(file)
    }

    pub(super) fn run(&self) -> impl Iterator<Item = (&str, Result<(), Failure>)> {
        self.cases.iter().map(|case| (case.name.as_str(), case.run()))
    }
}

impl Case {
    fn run(&self) -> Result<(), Failure> {
        for engine in Engine::ALL {
            self.run_by(*engine).map_err(|got| Failure {
                expected: self.expect.clone(),
                got: format!("{got} (engine {engine:?})"),
                base: None,
            })?;
        }
        Ok(())
    }

    /// What came instead of what is expected, if it is not that.
    fn run_by(&self, engine: Engine) -> Result<(), String> {
        let opener = self.opener().map_err(|fault| format!("a key that does not load: {fault}"))?;
        let binding = self.event.as_ref().and_then(|event| Binding::from_json(event).ok());
        let opened = opener.engine(engine).open(&self.blob, binding.as_ref());
        let got = match &opened {
            Ok(_) => OPEN,
            Err(refused) => refused.code(),
        };
        if got != self.expect {
            return Err(got.into());
        }
        match (opened, &self.plaintext) {
            (Err(_), None) => Ok(()),
            (Err(_), Some(_)) => Err(format!("{got}, but the case has a plaintext")),
            (Ok(_), None) => Err(format!("{got}, but the case has no plaintext to compare")),
            (Ok(opened), Some(expected)) => {
                let expected = Base64::decode_vec(expected)
                    .map_err(|_| format!("{got}, but the case's plaintext is not base64"))?;
                let differs = || opened.iter().zip(&expected).take_while(|(a, b)| a == b).count();
                if *opened == expected {
                    Ok(())
                } else {
                    Err(format!("{got}, with another plaintext from byte {} on", differs()))
                }
            }
        }
    }

    fn opener(&self) -> Result<Opener, String> {
        let number = self.suite.unwrap_or(Suite::X25519.number());
        let suite = Suite::from_number(number).ok_or(format!("there is no suite {number}"))?;
        let bytes = Base64::decode_vec(&self.private_key).ok();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        let bytes = bytes.ok_or("it is not the base64 of 32 bytes")?;
        let key = PrivateKey::from_bytes(suite, &bytes);
        key.and_then(|key| Opener::new([key])).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::super::VectorFile;

    const GOOD: &str = r#"{"spec": "matched data", "cases": [{
        "name": "one",
        "blob": "AzTY6FHajXYXuDMUte82wrd+1n5CEHPoydYiyd3FMg5IEQAAAAAAAAA0lOhGXBclw8pWU5jbbYuepSIJN5JohTtZekLliJBlVWk=",
        "private_key": "uBS5eBttHrqkdY41kbZPdvYnNz8Vj0TvKIUpjB1y/GA=",
        "expect": "open",
        "plaintext": "dGVzdCBtYXRjaGVkIGRhdGE="
    }]}"#;

    fn got(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "{from}");
        let file = VectorFile::parse(GOOD.replace(from, to).as_bytes()).unwrap();
        let verdict = file.run().next().unwrap().1;
        verdict.err().map_or_else(|| "passed".into(), |failure| failure.to_string())
    }

    #[test]
    fn a_good_case_passes_and_every_other_fails() {
        assert_eq!(got("one", "one"), "passed");
        assert_eq!(got("\"expect\"", "\"event\": {\"tenant\": 5}, \"expect\""), "passed");
        assert_eq!(got("\"expect\"", "\"suite\": 1, \"expect\""), "passed");
        for (from, to, end) in [
            ("\"open\"", "\"open-failed\"", "expected: open-failed\ngot:      open"),
            ("VWk=", "VWo=", "expected: open\ngot:      open-failed"),
            ("AzTY", "BDTY", "got:      unsupported-suite"),
            ("dGVzdC", "dGVzd!", "is not base64"),
            ("dGVzdCBtYXRjaGVkIGRhdGE=", "dGVzdCBtYXRjaGVkIGRhdGU=", "from byte 16 on"),
            ("dGVzdCBtYXRjaGVkIGRhdGE=", "dGVzdA==", "from byte 4 on"),
            (
                ",\n        \"plaintext\": \"dGVzdCBtYXRjaGVkIGRhdGE=\"",
                "",
                "no plaintext to compare",
            ),
            ("/GA=", "/A==", "it is not the base64 of 32 bytes"),
            ("\"expect\"", "\"suite\": 2, \"expect\"", "got:      wrong-key"),
            ("\"expect\"", "\"suite\": 3, \"expect\"", "there is no suite 3"),
        ] {
            let got = got(from, to);
            assert!(got.contains(end), "{to}: {got}");
        }
        let refused = GOOD.replace("VWk=", "VWo=").replace("\"open\"", "\"open-failed\"");
        let file = VectorFile::parse(refused.as_bytes()).unwrap();
        let failure = file.run().next().unwrap().1.unwrap_err().to_string();
        assert!(failure.contains("open-failed, but the case has a plaintext"), "{failure}");
    }

    #[test]
    fn files_are_read_strictly() {
        for (from, to, fault) in [
            ("\"blob\"", "\"blobs\"", "unknown field `blobs`"),
            ("\"expect\"", "\"suite\": \"2\", \"expect\"", "invalid type"),
            ("\"open\"", "\"opened\"", "expects \"opened\", which is no refusal"),
            ("\"matched data\"", "\"matched\"", "the spec is \"matched\""),
            ("\"spec\": \"matched data\", ", "", "missing field `spec`"),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let text = GOOD.replace(from, to);
            let error = VectorFile::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(fault), "{to}: {error}");
            assert_eq!(error.lines().count(), 2, "{error}");
        }
    }
}
