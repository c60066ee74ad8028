use std::io::{self, Write};
use std::path::PathBuf;

use clap::ValueEnum;
use serde_json::json;
use wafpass::clock;
use wafpass::explain::Visible;
use wafpass::{
    ContentDigest, Key, MessageHead, Signature, Signer, UnixTime, WafEvidence, random_nonce,
};

use crate::error::Fault;
use crate::key_file::{KeySource, Keys, parse_moment};
use crate::policy::{Query, audience, told};
use crate::{Verdict, input, style};

const AFTER: &str = "\
The default format is made for curl: words without quotes, the URL last.
  curl $(wafpass sign --key-file keys.json --waf pass http://localhost:8080/a)
Quote a URL that has & or other signs of the shell. A field value with a space
does not survive $(...); the format curl-config takes it:
  wafpass sign ... --format curl-config | curl --config -
The format headers has a line for each field, name: value; json has
{\"url\": ..., \"method\": ..., \"headers\": {...}}.

To send a body that the signature covers:
  curl $(wafpass sign ... -X POST --body order.json http://localhost:8080/orders) \\
    --data-binary @order.json

Exit codes: 0 signed, 2 usage, or a request that cannot be signed";

/// Sign a request, as the edge would, for curl.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER)]
pub(crate) struct Args {
    #[command(flatten)]
    source: KeySource,
    /// The key to sign with [default: the only one that counts].
    #[arg(long, value_name = "ID")]
    kid: Option<String>,
    /// Audience of the signature [default: aud in the key file].
    #[arg(long, value_name = "NAME")]
    aud: Option<String>,
    /// What to claim of the WAF: that it let the request pass, or nothing.
    #[arg(long, value_enum, hide_possible_values = true, value_name = "pass|none")]
    waf: Waf,
    /// The method.
    #[arg(short = 'X', long, value_name = "METHOD", default_value = "GET")]
    method: String,
    /// A field to send and to cover; may be given several times.
    #[arg(short = 'H', long = "header", value_name = "NAME:VALUE", value_parser = parse_field)]
    headers: Vec<Field>,
    /// Cover the body in this file, with content-digest.
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// Origin path prefix in the URL, such as /prod, which is not signed.
    #[arg(long, value_name = "PATH")]
    strip_prefix: Option<String>,
    /// What of the query to sign [default: all].
    #[arg(long, value_name = "all|none", hide_possible_values = true)]
    query: Option<Query>,
    /// What makes the signature unique [default: random].
    #[arg(long, value_name = "TEXT")]
    nonce: Option<String>,
    /// Moment of signing: Unix seconds or YYYYMMDDTHHMMSSZ [default: now].
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    date: Option<UnixTime>,
    /// How to print it: curl, curl-config, headers or json.
    #[arg(long, value_name = "FORMAT", default_value = "curl", hide_possible_values = true)]
    format: Format,
    /// http or https URL, as the origin gets the request.
    #[arg(value_name = "URL")]
    url: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum Waf {
    Pass,
    None,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Curl,
    CurlConfig,
    Headers,
    Json,
}

#[derive(Clone)]
struct Field {
    name: String,
    value: String,
}

fn parse_field(text: &str) -> Result<Field, String> {
    let (name, value) = text.split_once(':').ok_or("write name:value")?;
    let trimmed = value.trim_matches([' ', '\t']);
    Ok(Field { name: name.trim().to_ascii_lowercase(), value: trimmed.into() })
}

impl Args {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Verdict, Fault> {
        let now = self.date.unwrap_or_else(clock::now);
        let keys = self.source.load(self.body.as_deref())?;
        let audience = audience(self.aud.as_deref(), &keys)?;
        let key = keys.to_sign(self.kid.as_deref(), audience, now)?;
        let url = Url::parse(&self.url)?;
        let mut fields = self.headers.clone();
        if let Some(path) = &self.body {
            let value = ContentDigest::of(&input::read(path)?).to_field_value();
            fields.push(Field { name: "content-digest".into(), value });
        }
        let signer = self.signer(audience, key, &keys, &fields)?;
        let signature = self.sign(&signer, &url, &fields, now)?;
        let own = signature
            .fields()
            .map(|(name, value)| Field { name: name.into(), value: value.into() });
        fields.extend(own);
        let request = Signed { method: &self.method, url: &url, fields: &fields };
        match self.format {
            Format::Curl => request.print_curl(out)?,
            Format::CurlConfig => request.print_curl_config(out)?,
            Format::Headers => request.print_headers(out)?,
            Format::Json => request.print_json(out)?,
        }
        Ok(Verdict::Good)
    }

    /// The signer that the options ask for, or else the configuration.
    fn signer(
        &self,
        audience: &str,
        key: Key,
        keys: &Keys,
        fields: &[Field],
    ) -> Result<Signer, Fault> {
        let (prefix, query) = told(self.strip_prefix.as_deref(), self.query, keys);
        let signer = Signer::builder(audience, key).strip_prefix(prefix).query(query);
        let signer = fields.iter().fold(signer, |signer, field| signer.cover(&field.name));
        Ok(signer.build()?)
    }

    fn sign(
        &self,
        signer: &Signer,
        url: &Url<'_>,
        fields: &[Field],
        now: UnixTime,
    ) -> Result<Signature, Fault> {
        let nonce = self.nonce.clone().map_or_else(random_nonce, Ok)?;
        let host = [(b"host".as_slice(), url.authority.as_bytes())];
        let fields = fields.iter().map(|field| (field.name.as_bytes(), field.value.as_bytes()));
        let lines: Vec<(&[u8], &[u8])> = host.into_iter().chain(fields).collect();
        let head = MessageHead::from_raw(self.method.as_bytes(), url.target.as_bytes(), &lines);
        let waf = match self.waf {
            Waf::Pass => WafEvidence::Pass,
            Waf::None => WafEvidence::None,
        };
        Ok(signer.sign(&head, waf, &nonce, now)?)
    }
}

/// A URL, taken apart and no further: what is signed is what was written.
struct Url<'a> {
    whole: &'a str,
    authority: &'a str,
    target: String,
}

impl<'a> Url<'a> {
    fn parse(whole: &'a str) -> Result<Self, Fault> {
        let fault = |text: &str| {
            Fault::new(format!("the URL {}", text), "write it as http://host/path?query")
        };
        let (scheme, rest) =
            whole.split_once("://").ok_or_else(|| fault("has no http:// or https:// in front"))?;
        if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return Err(fault("is not of http or https"));
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if authority.is_empty() || authority.contains('@') {
            return Err(fault("has no host, or a user in front of it"));
        }
        // It is printed for a shell and for curl to read: nothing that one of them takes apart.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%:[]".contains(&byte);
        if !authority.bytes().all(is_plain) {
            return Err(fault("has a host with characters that no host has"));
        }
        let slash = if target.starts_with('/') { "" } else { "/" };
        Ok(Self { whole, authority, target: format!("{slash}{target}") })
    }

    /// Whether curl would resolve dot segments in it.
    fn has_dot_segments(&self) -> bool {
        let path = self.target.split('?').next().unwrap_or_default().to_ascii_lowercase();
        path.contains("/.") || path.contains("/%2e")
    }

    /// Whether curl would take it for a set of URLs.
    fn has_curl_globs(&self) -> bool {
        self.whole.contains(['[', ']', '{', '}'])
    }
}

/// A request with its signature, to be printed.
struct Signed<'a> {
    method: &'a str,
    url: &'a Url<'a>,
    fields: &'a [Field],
}

impl Signed<'_> {
    /// The switches that make curl send the request as it was signed.
    fn switches(&self) -> impl Iterator<Item = &'static str> {
        let switches = [
            ("head", self.method == "HEAD"),
            ("path-as-is", self.url.has_dot_segments()),
            ("globoff", self.url.has_curl_globs()),
        ];
        switches.into_iter().filter(|(_, is_needed)| *is_needed).map(|(switch, _)| switch)
    }

    fn is_plain_method(&self) -> bool {
        ["GET", "HEAD"].contains(&self.method)
    }

    /// Words that `$(...)` splits as they are meant: no spaces in them, no quotes around them.
    fn print_curl(&self, out: &mut dyn Write) -> Result<(), Fault> {
        if let Some(field) = self.fields.iter().find(|field| field.value.contains([' ', '\t'])) {
            let fault = format!(
                "the value of {} has a space, which $(...) would split",
                Visible(field.name.as_bytes())
            );
            return Err(Fault::new(fault, "--format curl-config, and curl --config -"));
        }
        let mut words: Vec<String> = self.switches().map(|switch| format!("--{switch}")).collect();
        if !self.is_plain_method() {
            words.extend(["-X".into(), self.method.into()]);
        }
        for Field { name, value } in self.fields {
            // To curl, `name:` means to leave the field out, and `name;` to send it empty.
            let word =
                if value.is_empty() { format!("{name};") } else { format!("{name}:{value}") };
            words.extend(["-H".into(), word]);
        }
        words.push(self.url.whole.into());
        writeln!(out, "{}", words.join(" "))?;
        Ok(())
    }

    fn print_curl_config(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let quoted =
            |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\t', "\\t");
        for switch in self.switches() {
            writeln!(out, "{switch}")?;
        }
        if !self.is_plain_method() {
            writeln!(out, "request = \"{}\"", quoted(self.method))?;
        }
        for Field { name, value } in self.fields {
            let line =
                if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
            writeln!(out, "header = \"{}\"", quoted(&line))?;
        }
        writeln!(out, "url = \"{}\"", quoted(self.url.whole))?;
        Ok(())
    }

    fn print_headers(&self, out: &mut dyn Write) -> Result<(), Fault> {
        for Field { name, value } in self.fields {
            writeln!(out, "{name}: {value}")?;
        }
        Ok(())
    }

    fn print_json(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let headers: serde_json::Map<_, _> = self
            .fields
            .iter()
            .map(|field| (field.name.clone(), field.value.clone().into()))
            .collect();
        let report = json!({"url": self.url.whole, "method": self.method, "headers": headers});
        writeln!(out, "{}", serde_json::to_string_pretty(&report).map_err(io::Error::from)?)?;
        Ok(())
    }
}
