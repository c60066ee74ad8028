//! Rules: an expression and a request, whether the one matches the other, and what is logged of it.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;

use base64ct::{Base64, Encoding};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Value as Json, json};

use super::{Failure, VectorError, checked, read};
use crate::matched_data::{DenyList, Form, Payload, TRUNCATED, Traced, extract};
use crate::rules::request::{BodyEnd, RequestFacts, RequestView, UriScheme};
use crate::rules::{FieldId, Map, RuleFile, RuleSet, Scheme, Type, UriDecoding, Value, parse};

/// The `spec` of such a file.
pub(super) const SPEC: &str = "wafpass rules 1";

/// The id of the rule of a case that has only one.
const ONLY: &str = "rule";

/// When a request of a case comes that says no time.
const DEFAULT_TIMESTAMP_MS: u64 = 1_795_307_400_000;

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
    rule: Option<String>,
    rules: Option<Vec<CaseRule>>,
    #[serde(default)]
    uri_decoding: Decoding,
    version: Option<u8>,
    request: Request,
    #[serde(default)]
    fields: Ordered<Field>,
    lists: Option<Json>,
    expect: Json,
    at: Option<(usize, usize)>,
    payload: Option<Json>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseRule {
    id: String,
    expression: String,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Decoding {
    #[default]
    None,
    Url,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    method: Option<Text>,
    target: Text,
    version: Option<String>,
    scheme: Option<String>,
    headers: Vec<(Text, Text)>,
    body: Option<Text>,
    body_b64: Option<String>,
    client: Option<IpAddr>,
    country: Option<String>,
    timestamp_ms: Option<u64>,
}

/// A text, or where it is not UTF-8 the base64 of its bytes.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Text {
    Utf8(String),
    Bytes { b64: String },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Field {
    #[serde(rename = "type")]
    ty: String,
    value: Option<FieldValue>,
}

/// The members of an object in the order of the file: rules look at the values of a map in its order.
#[derive(Debug)]
struct Ordered<T>(Vec<(String, T)>);

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = Ordered<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Ordered<T>, A::Error> {
                let mut list = Vec::new();
                while let Some(member) = members.next_entry()? {
                    list.push(member);
                }
                Ok(Ordered(list))
            }
        }

        deserializer.deserialize_map(Members(PhantomData))
    }
}

/// The value of a field: which it is, its type says.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum FieldValue {
    Bool(bool),
    Int(i64),
    Text(String),
    List(Vec<Self>),
    Map(Ordered<Self>),
}

impl File {
    pub(super) fn parse(text: &[u8]) -> Result<Self, VectorError> {
        let file: Self =
            read(text, "see \"Vector files\" in docs/rules.md for the fields there are")?;
        checked(file.cases.iter().map(|case| case.name.as_str()), file.cases.len())?;
        for case in &file.cases {
            case.check().map_err(|(fault, way_out)| {
                VectorError(format!("the case {:?} {fault}\n{way_out}", case.name))
            })?;
        }
        Ok(file)
    }

    pub(super) fn run(&self) -> impl Iterator<Item = (&str, Result<(), Failure>)> {
        self.cases.iter().map(|case| (case.name.as_str(), case.run()))
    }
}

impl Case {
    /// That its members go together.
    fn check(&self) -> Result<(), (&'static str, &'static str)> {
        if self.rule.is_some() == self.rules.is_some() {
            return Err(("has both of `rule` and `rules`, or none", "give one of them"));
        }
        let is_logged = self.payload.is_some();
        match &self.expect {
            Json::Bool(matches) if *matches == is_logged && self.at.is_none() => Ok(()),
            Json::String(word) if word == "error" && !is_logged => Ok(()),
            Json::Bool(_) => Err((
                "does not go with its `expect`",
                "`true` needs a `payload`, `false` must have none; `at` is for errors",
            )),
            _ => Err(("expects something else", "expect true, false or \"error\"")),
        }
    }

    fn run(&self) -> Result<(), Failure> {
        self.verdict().map_err(|got| Failure { expected: self.expected(), got, base: None })
    }

    fn expected(&self) -> String {
        match (&self.payload, self.at) {
            (Some(payload), _) => format!("{}, {payload}", self.expect),
            (None, Some((line, column))) => format!("error at {line}:{column}"),
            (None, None) => self.expect.to_string(),
        }
    }

    /// What came instead of what is expected, if it is not that.
    fn verdict(&self) -> Result<(), String> {
        let got = self.evaluate()?;
        let is_same = match (&got, &self.expect) {
            (Got::Fault(line, column), Json::String(_)) => {
                self.at.is_none_or(|at| at == (*line, *column))
            }
            (Got::No, expect) => *expect == Json::Bool(false),
            (Got::Payload(payload), Json::Bool(true)) => Some(payload) == self.payload.as_ref(),
            _ => false,
        };
        if is_same { Ok(()) } else { Err(got.to_string()) }
    }

    fn evaluate(&self) -> Result<Got, String> {
        let mut scheme = Scheme::default();
        let fields = self.register(&mut scheme)?;
        let rules = self.case_rules();
        let scheme = match &self.lists {
            None => scheme,
            Some(lists) => self.file(&scheme, Some(lists), &[(ONLY, "ssl")])?.into_parts().0,
        };
        for (_, expression) in &rules {
            if let Err(fault) = parse(expression, &scheme) {
                return Ok(Got::Fault(fault.line(), fault.column()));
            }
        }
        let set = RuleSet::compile(self.file(&scheme, None, &rules)?);
        let set = set.map_err(|fault| fault.to_string())?;
        self.request.with_view(&scheme, fields, |view| self.payload(view, &set))
    }

    fn case_rules(&self) -> Vec<(&str, &str)> {
        let only = self.rule.iter().map(|expression| (ONLY, expression.as_str()));
        let several = self.rules.iter().flatten();
        only.chain(several.map(|rule| (rule.id.as_str(), rule.expression.as_str()))).collect()
    }

    /// A rule file of these rules, each of which logs.
    fn file(
        &self,
        scheme: &Scheme,
        lists: Option<&Json>,
        rules: &[(&str, &str)],
    ) -> Result<RuleFile, String> {
        let rule = |(id, expression): &(&str, &str)| json!({"id": id, "expression": expression, "action": "log"});
        let rules: Vec<Json> = rules.iter().map(rule).collect();
        let decoding = match self.uri_decoding {
            Decoding::None => "none",
            Decoding::Url => "url",
        };
        let mut file = json!({"uri_decoding": decoding, "rules": rules});
        if let (Some(lists), Some(members)) = (lists, file.as_object_mut()) {
            members.insert("lists".into(), lists.clone());
        }
        RuleFile::from_json(&file.to_string(), scheme).map_err(|fault| fault.to_string())
    }

    fn payload(&self, view: &RequestView<'_>, set: &RuleSet) -> Result<Got, String> {
        let facts = RequestFacts::new(view, set.scheme(), |decoding| set.wants(decoding));
        let matches = set.evaluate(&facts);
        if matches.is_empty() {
            return Ok(Got::No);
        }
        let decoding = match self.uri_decoding {
            Decoding::None => UriDecoding::None,
            Decoding::Url => UriDecoding::Url,
        };
        let traces: Vec<_> =
            matches.rules().iter().map(|number| (*number, set.trace(*number, &facts))).collect();
        let traced: Vec<Traced<'_>> = traces
            .iter()
            .filter_map(|(number, trace)| {
                Some(Traced { rule: &set.rule(*number)?.id, decoding, trace })
            })
            .collect();
        let form = match self.version {
            Some(3) => Form::V3,
            None | Some(4) => Form::V4,
            Some(other) => return Err(format!("there is no version {other}")),
        };
        let payload = extract(view, set.scheme(), &traced, &DenyList::default());
        let Ok(text) = payload.to_json(form) else { return Ok(Got::Payload(TRUNCATED.into())) };
        // What is written is what is read.
        let read = Payload::parse(text.as_bytes()).map_err(|fault| fault.to_string())?;
        if read.entries().len() != payload.entries().len() {
            return Err(format!("the payload reads as another: {text}"));
        }
        serde_json::from_str(&text).map(Got::Payload).map_err(|fault| fault.to_string())
    }

    /// Registers the fields of the case, and gives the values of those that have one.
    fn register(&self, scheme: &mut Scheme) -> Result<Vec<(FieldId, Value<'static>)>, String> {
        let mut values = Vec::new();
        for (name, field) in &self.fields.0 {
            let ty =
                type_of(&field.ty).ok_or_else(|| format!("there is no type {:?}", field.ty))?;
            let id = scheme.register(name, ty.clone()).map_err(|fault| fault.to_string())?;
            if let Some(value) = &field.value {
                let value = value_of(value, &ty);
                values.push((id, value.ok_or_else(|| format!("{name} has no value of its type"))?));
            }
        }
        Ok(values)
    }
}

impl Request {
    /// The request, with the values of these fields.
    fn with_view<T>(
        &self,
        scheme: &Scheme,
        fields: Vec<(FieldId, Value<'static>)>,
        then: impl FnOnce(&RequestView<'_>) -> Result<T, String>,
    ) -> Result<T, String> {
        let method = self.method.as_ref().map_or(Ok(b"GET".to_vec()), Text::bytes)?;
        let target = self.target.bytes()?;
        let lines = self.headers.iter().map(|(name, value)| Ok((name.bytes()?, value.bytes()?)));
        let lines: Vec<(Vec<u8>, Vec<u8>)> = lines.collect::<Result<_, String>>()?;
        let lines: Vec<(&[u8], &[u8])> =
            lines.iter().map(|(name, value)| (name.as_slice(), value.as_slice())).collect();
        let body = match (&self.body, &self.body_b64) {
            (Some(body), None) => body.bytes()?,
            (None, Some(body)) => bytes_of(body)?,
            (None, None) => Vec::new(),
            (Some(_), Some(_)) => return Err("the request has two bodies".into()),
        };
        let country = |_| self.country.clone().map(Cow::Owned);
        let uri_scheme = match self.scheme.as_deref() {
            None | Some("https") => UriScheme::Https,
            Some("http") => UriScheme::Http,
            Some(other) => return Err(format!("there is no scheme {other:?}")),
        };
        let mut view = RequestView::new(&method, &target, &lines)
            .version(self.version.as_deref().unwrap_or("HTTP/1.1"))
            .scheme(uri_scheme)
            .body(&body, BodyEnd::Whole)
            .client(self.client.unwrap_or(IpAddr::from([192, 0, 2, 1])))
            .country_of(&country)
            .timestamp_ms(self.timestamp_ms.unwrap_or(DEFAULT_TIMESTAMP_MS));
        for (field, value) in fields {
            view = view.registered(scheme, field, value).map_err(|fault| fault.to_string())?;
        }
        then(&view)
    }
}

impl Text {
    fn bytes(&self) -> Result<Vec<u8>, String> {
        match self {
            Self::Utf8(text) => Ok(text.as_bytes().to_vec()),
            Self::Bytes { b64 } => bytes_of(b64),
        }
    }
}

fn bytes_of(base64: &str) -> Result<Vec<u8>, String> {
    Base64::decode_vec(base64).map_err(|_| format!("{base64:?} is not base64 with padding"))
}

/// The type of this name: `Array(Bytes)`.
fn type_of(name: &str) -> Option<Type> {
    Some(match name {
        "Bool" => Type::Bool,
        "Int" => Type::Int,
        "Bytes" => Type::Bytes,
        "Ip" => Type::Ip,
        _ => {
            let (outer, element) = name.strip_suffix(')')?.split_once('(')?;
            match outer {
                "Array" => type_of(element)?.array(),
                "Map" => type_of(element)?.map(),
                _ => return None,
            }
        }
    })
}

fn value_of(value: &FieldValue, ty: &Type) -> Option<Value<'static>> {
    Some(match (value, ty) {
        (FieldValue::Bool(truth), Type::Bool) => Value::Bool(*truth),
        (FieldValue::Int(number), Type::Int) => Value::Int(*number),
        (FieldValue::Text(address), Type::Ip) => Value::Ip(address.parse().ok()?),
        (FieldValue::Text(text), Type::Bytes) => Value::Bytes(Cow::Owned(text.as_bytes().to_vec())),
        (FieldValue::Map(Ordered(members)), Type::Bytes) => match members.as_slice() {
            [(name, FieldValue::Text(b64))] if name == "b64" => {
                Value::Bytes(Cow::Owned(bytes_of(b64).ok()?))
            }
            _ => return None,
        },
        (FieldValue::List(list), Type::Array(element)) => {
            let values = list.iter().map(|value| value_of(value, element));
            Value::Array(values.collect::<Option<_>>()?)
        }
        (FieldValue::Map(Ordered(members)), Type::Map(element)) => {
            let mut map = Map::new();
            for (key, value) in members {
                map.insert(key.clone().into_bytes(), value_of(value, element)?);
            }
            Value::Map(map)
        }
        _ => return None,
    })
}

/// What came of a case.
enum Got {
    Fault(usize, usize),
    No,
    Payload(Json),
}

impl fmt::Display for Got {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(line, column) => write!(f, "error at {line}:{column}"),
            Self::No => f.write_str("false"),
            Self::Payload(payload) => write!(f, "true, {payload}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::VectorFile;

    const GOOD: &str = r#"{"spec": "wafpass rules 1", "cases": [{
        "name": "one",
        "rule": "http.request.uri.path contains \"../\" and my.score lt 5",
        "request": {"target": "/a/../b", "headers": [["host", {"b64": "aA=="}]]},
        "fields": {"my.score": {"type": "Int", "value": 3}},
        "expect": true,
        "payload": {"http.request.uri.path": {"before": "/a/", "content": "../", "after": "b"},
            "my.score": {"content": "3"}}
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
        for (from, to, end) in [
            ("/a/../b", "/a/./b", "got:      false"),
            ("/a/../b", "/x/../b", r#""before":"/x/""#),
            ("lt 5", "lt 2", "got:      false"),
            ("lt 5", "lt", "got:      error at 1:53"),
            ("\"Int\"", "\"Bytes\"", "my.score has no value of its type"),
            ("\"Int\"", "\"Array\"", "there is no type \"Array\""),
            ("\"expect\"", "\"version\": 2, \"expect\"", "there is no version 2"),
            ("aA==", "aA=", "\"aA=\" is not base64 with padding"),
            ("/a/../b\",", "/a/../b\", \"scheme\": \"ftp\",", "there is no scheme \"ftp\""),
        ] {
            let got = got(from, to);
            assert!(got.contains(end), "{to}: {got}");
        }
    }

    #[test]
    fn files_are_read_strictly() {
        for (from, to, fault) in [
            ("\"rule\"", "\"rul\"", "unknown field `rul`"),
            ("\"target\"", "\"uri\"", "unknown field `uri`"),
            ("true", "false", "does not go with its `expect`"),
            ("true", "\"yes\"", "expects something else"),
            ("\"rule\":", "\"rules\": [], \"rule\":", "has both of `rule` and `rules`, or none"),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let error =
                VectorFile::parse(GOOD.replacen(from, to, 1).as_bytes()).unwrap_err().to_string();
            assert!(error.contains(fault), "{to}: {error}");
            assert_eq!(error.lines().count(), 2, "{error}");
        }
    }
}
