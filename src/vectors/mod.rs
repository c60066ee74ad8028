//! Vector files: the cases that every implementation has to agree on, told apart by their `spec`.
//!
//! | spec | a case is | described in |
//! | - | - | - |
//! | `edge-signature version 1` | a request, a configuration, a moment; or a derived key | `docs/wire-format.md` §5 |
//! | `matched data` | a blob, a private key, an event | `docs/matched-data.md` |
//! | `wafpass rules 1` | rules and a request: whether they match, and what is logged | `docs/rules.md` |
//!
//! A file is read strictly and each case runs on its own: one that cannot be run is a failure, never
//! skipped, and an acceptance that should have been a refusal fails as loudly as the other way round.
//!
//! ```
//! let text = r#"{"spec": "edge-signature version 1", "cases": [{
//!     "name": "nothing is signed",
//!     "request": {"method": "GET", "target": "/", "headers": [["host", "shop.example"]]},
//!     "config": {
//!         "keys": [{"kid": "a", "secret": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}],
//!         "audience": "shop", "max_age": 60, "skew": 5
//!     },
//!     "now": 1795307400,
//!     "expect": "missing-signature"
//! }]}"#;
//! let file = wafpass::vectors::VectorFile::parse(text.as_bytes()).unwrap();
//! assert!(file.run().all(|(_name, verdict)| verdict.is_ok()));
//! ```

mod edge;
mod failure;
mod matched_data;
mod rules;

pub use self::failure::{Failure, VectorError};

use std::collections::HashSet;

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A vector file that can be run.
#[derive(Debug)]
pub struct VectorFile(Kind);

/// One for each spec.
#[derive(Debug)]
enum Kind {
    Edge(edge::File),
    MatchedData(matched_data::File),
    Rules(rules::File),
}

impl VectorFile {
    /// Reads a file of any spec: UTF-8, no unknown field, no unknown reason, at least one case, no name
    /// twice.
    ///
    /// # Errors
    ///
    /// [`VectorError`], in two lines: the fault, the way out.
    pub fn parse(text: &[u8]) -> Result<Self, VectorError> {
        /// The one member that all of them have.
        #[derive(Deserialize)]
        struct Head {
            spec: String,
        }
        let Head { spec } = read(text, "begin it with the `spec` that it follows")?;
        let kind = match spec.as_str() {
            edge::SPEC => Kind::Edge(edge::File::parse(text)?),
            matched_data::SPEC => Kind::MatchedData(matched_data::File::parse(text)?),
            rules::SPEC => Kind::Rules(rules::File::parse(text)?),
            _ => {
                return Err(VectorError(format!(
                    "the spec is {spec:?}, not {:?}, {:?} or {:?}\nrun it with a version that knows this spec",
                    edge::SPEC,
                    matched_data::SPEC,
                    rules::SPEC
                )));
            }
        };
        Ok(Self(kind))
    }

    /// Runs everything in the file, in its order: a name, and what came of it.
    #[must_use]
    pub fn run(&self) -> Box<dyn Iterator<Item = (&str, Result<(), Failure>)> + '_> {
        match &self.0 {
            Kind::Edge(file) => Box::new(file.run()),
            Kind::MatchedData(file) => Box::new(file.run()),
            Kind::Rules(file) => Box::new(file.run()),
        }
    }
}

/// Reads JSON, and says where it is not what it has to be.
fn read<T: DeserializeOwned>(text: &[u8], way_out: &str) -> Result<T, VectorError> {
    serde_json::from_slice(text).map_err(|error| {
        VectorError(format!("not a vector file: {}\n{way_out}", error.to_string().escape_debug()))
    })
}

/// That there are cases, and each name once.
fn checked<'a>(names: impl Iterator<Item = &'a str>, cases: usize) -> Result<(), VectorError> {
    if cases == 0 {
        return Err(VectorError(
            "there is no case in it\na file proves something by its cases: add one".into(),
        ));
    }
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(VectorError(format!(
                "two cases have the name {name:?}\ngive each case a name of its own"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"spec": "edge-signature version 1", "cases": [{
        "name": "get root",
        "request": {"method": "GET", "target": "/", "headers": [
            ["host", "shop.example"],
            ["x-cloud-date", "20261122T003000Z"],
            ["x-cloud-signature", "v1;kid=2026-11-a;nonce=U7b4hR_RaxMADupvKvAr8_m9gsGXvioUggLV5Oyq-vmAtH8HADpjhw==;aud=shop;waf=pass;h=;sig=3fa741bc01969e1d0eeb292e4cd3c8b9fe7948d237fce0318ff78f7a6d9220c2"]
        ]},
        "config": {
            "keys": [{"kid": "2026-11-a", "secret": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}],
            "audience": "shop", "max_age": 60, "skew": 5
        },
        "now": 1795307400,
        "expect": "accept",
        "base": "WAFPASS1-HMAC-SHA256\n20261122T003000Z\n2026-11-a\nU7b4hR_RaxMADupvKvAr8_m9gsGXvioUggLV5Oyq-vmAtH8HADpjhw==\nshop\npass\nGET\n/\n"
    }]}"#;

    fn with(from: &str, to: &str) -> Result<VectorFile, VectorError> {
        assert!(GOOD.contains(from), "{from}");
        VectorFile::parse(GOOD.replace(from, to).as_bytes())
    }

    /// What came of the first one in the file.
    fn first(file: Result<VectorFile, VectorError>) -> Result<(), Failure> {
        file.unwrap().run().next().unwrap().1
    }

    #[test]
    fn the_runner_passes_a_good_case_and_fails_every_other() {
        first(with("GET", "GET")).unwrap();
        for (from, to, got) in [
            ("\"target\": \"/\"", "\"target\": \"/a\"", "signature-mismatch"),
            ("1795307400", "1795307500", "expired"),
            (
                "\\nGET\\n/",
                "\\nGET\\n/a",
                "line 8 of the base, expected: \"/a\"\nline 8 of the base, got:      \"/\"",
            ),
            ("GET\\n/\\n", "GET\\n/", "line 9 of the base, expected: no such line"),
            ("\"max_age\": 60", "\"max_age\": 86401", "out of bounds"),
            ("\"skew\": 5", "\"skew\": 5, \"strip_prefix\": \"p\"", "prefix"),
            (
                "GBkaGxwdHh8=",
                "GBkaGxwdHh8",
                "the secret of \"2026-11-a\" is not base64 with padding",
            ),
            ("DxAREhMUFRYXGBkaGxwdHh8=", "", "shorter than 32"),
        ] {
            let failure = first(with(from, to)).unwrap_err().to_string();
            assert!(failure.contains(got), "{to}: {failure}");
        }
        let (before, _) = GOOD.split_once(",\n        \"base\"").unwrap();
        let without_base = format!("{before} }}]}}");
        for (text, expected) in [
            (
                without_base.replace("\"accept\"", "\"expired\""),
                "expected: expired\ngot:      accept",
            ),
            (
                without_base,
                "expected: accept\ngot:      accept, but the case has no base to compare",
            ),
            (
                GOOD.replace("1795307400", "1795307500").replace("\"accept\"", "\"expired\""),
                "expected: expired\ngot:      expired, but the case has a base",
            ),
        ] {
            let failure = first(VectorFile::parse(text.as_bytes())).unwrap_err();
            assert_eq!(failure.to_string(), expected);
        }
    }

    #[test]
    fn derivations_and_roots_are_run_too() {
        const DERIVATION: &str = r#"{"name": "key", "secret": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "kid": "shop-root.20261122", "aud": "shop", "key": "f2cYSbM35RAD5MKt8SBQSuhSRW6GD1oF4TdDQJsLEGA"}"#;
        let parse = |derivation: &str| {
            let list = format!("\"derivations\": [{derivation}], \"cases\"");
            VectorFile::parse(GOOD.replace("\"cases\"", &list).as_bytes())
        };
        let good = parse(DERIVATION).unwrap();
        let names: Vec<&str> = good
            .run()
            .map(|(name, verdict)| {
                verdict.unwrap();
                name
            })
            .collect();
        assert_eq!(names, ["key", "get root"]);
        for (from, to, got) in [
            ("\"shop\"", "\"barn\"", "another key"),
            ("20261122", "20261123", "another key"),
            ("f2cY", "f2cZ", "another key"),
            ("20261122", "20260230", "\"shop-root.20260230\" is not the id of a derived key"),
            ("\"shop\"", "\"a b\"", "the audience \"a b\" is not"),
            ("Hh8=", "Hh8", "not base64 with padding"),
        ] {
            let failure = first(parse(&DERIVATION.replace(from, to))).unwrap_err().to_string();
            assert!(failure.contains(got), "{to}: {failure}");
        }
        for (from, to, fault) in [
            ("\"name\": \"key\"", "\"name\": \"get root\"", "two cases have the name"),
            ("\"aud\"", "\"audience\"", "unknown field `audience`"),
        ] {
            let error = parse(&DERIVATION.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(fault), "{error}");
        }

        let root = |entry: &str| {
            let config = format!("\"audience\": \"shop\", \"roots\": [{entry}]");
            with("\"audience\": \"shop\"", &config)
        };
        let secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        for (more, got) in [
            (", \"overlap\": 43200", None),
            (", \"overlap\": 43201", Some("an overlap of 43201 s")),
            (", \"not_before\": 9, \"not_after\": 9", Some("could never count")),
        ] {
            let file = root(&format!(r#"{{"kid": "r", "secret": "{secret}"{more}}}"#));
            let failure = first(file).err().map(|failure| failure.to_string());
            assert_eq!(failure.is_some(), got.is_some(), "{failure:?}");
            assert!(failure.unwrap_or_default().contains(got.unwrap_or_default()));
        }
        assert!(root(r#"{"kid": "r", "secret": "", "lap": 1}"#).is_err());
    }

    #[test]
    fn files_are_read_strictly() {
        for (from, to, fault) in [
            ("\"now\"", "\"then\"", "unknown field `then`"),
            ("\"kid\"", "\"id\"", "unknown field `id`"),
            ("\"skew\": 5", "\"skew\": 5, \"leeway\": 5", "unknown field `leeway`"),
            ("\"skew\": 5", "\"skew\": 5, \"skew\": 5", "duplicate field `skew`"),
            ("\"skew\": 5", "\"skew\": -5", "invalid value"),
            ("\"skew\": 5", "\"skew\": 5, \"query\": \"some\"", "unknown variant `some`"),
            ("\"host\", \"shop.example\"", "\"host\"", "invalid length 1"),
            ("\"accept\"", "\"acept\"", "expects \"acept\", which is no reason"),
            ("version 1", "version 2", "the spec is \"edge-signature version 2\""),
        ] {
            let fault_found = with(from, to).unwrap_err().to_string();
            assert!(fault_found.contains(fault), "{to}: {fault_found}");
            assert_eq!(fault_found.lines().count(), 2, "{fault_found}");
        }
        let empty = VectorFile::parse(br#"{"spec": "edge-signature version 1", "cases": []}"#);
        assert!(empty.unwrap_err().to_string().starts_with("there is no case in it\n"));
        let case = GOOD.split_once('[').unwrap().1.rsplit_once(']').unwrap().0;
        let twice = format!(r#"{{"spec": "edge-signature version 1", "cases": [{case}, {case}]}}"#);
        assert!(
            VectorFile::parse(twice.as_bytes())
                .unwrap_err()
                .to_string()
                .contains("two cases have the name")
        );
        assert!(VectorFile::parse(b"\xff").is_err());
    }
}
