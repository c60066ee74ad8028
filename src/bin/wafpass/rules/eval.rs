//! `wafpass rules eval`

use std::io::Write;
use std::path::PathBuf;

use clap::ValueEnum;
use wafpass::matched_data::PublicKey;
use wafpass::rules::request::RequestFacts;
use wafpass::rules::{RuleSet, Scheme, UriDecoding};

use super::incoming::Incoming;
use super::outcome::Outcome;
use super::source::{Faulty, Fields, Read, compiled, of_expression, read_file};
use super::watch;
use crate::error::Fault;
use crate::input;
use crate::{Verdict, style};

const AFTER: &str = "\
Prints whether the request matches, what each rule that matched looked at (^)
and what it did not need to look at (-), and what would be logged of it, which
a running origin seals.

A request file is the request as it went over the wire: the request line, a
line for each field, an empty line, the body. Lines end with LF or CR LF.

With --watch, runs again when the rule file or the request changes. Each line
that is typed is an expression to run instead; an empty line goes back. Ctrl-D
ends it.

With -o json, always the same members, null where there is nothing to say:
  matches, action, status, rule (the one that decided), rules (id, action,
  looked_at, not_looked_at), payload, event (with --public-key)

Examples:
  wafpass rules eval --expr 'http.request.uri.path contains \"../\"' request.http
  wafpass rules eval --rules rules.toml --client 192.0.2.7 < request.http
  wafpass rules eval --rules rules.toml --watch request.http

Exit codes: 0 it matches, 1 it does not, 2 usage, an expression that does not
parse, or unreadable input";

/// Run rules on a captured request, and show what they looked at.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER)]
pub(super) struct Args {
    #[command(flatten)]
    what: What,
    /// How an expression reads the URI [default: none].
    #[arg(
        long,
        value_name = "none|url",
        default_value = "none",
        hide_default_value = true,
        hide_possible_values = true,
        conflicts_with = "rules"
    )]
    uri_decoding: Decoding,
    /// Run again at each change, and for each expression that is typed.
    #[arg(long)]
    watch: bool,
    /// Seal what matched into an event: a key, or its file.
    #[arg(long, value_name = "KEY|FILE")]
    public_key: Option<String>,
    /// How the outcome is told [default: text].
    #[arg(
        short,
        long,
        value_name = "text|json",
        default_value = "text",
        hide_default_value = true,
        hide_possible_values = true
    )]
    output: Output,
    #[command(flatten)]
    fields: Fields,
    #[command(flatten)]
    incoming: Incoming,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct What {
    /// An expression.
    #[arg(long, value_name = "EXPR")]
    expr: Option<String>,
    /// A rule file.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Decoding {
    None,
    Url,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    Text,
    Json,
}

impl Args {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Verdict, Fault> {
        let reads = [Some(&self.incoming.request), self.what.rules.as_ref()];
        let from_standard = reads.into_iter().flatten().filter(|path| input::is_standard(path));
        if from_standard.count() > usize::from(!self.watch) {
            let fault = "two things cannot both come from standard input";
            return Err(Fault::new(fault, "name a file for the request and for the rules"));
        }
        let scheme = self.fields.scheme()?;
        let key = self.key()?;
        if self.watch {
            let files = [Some(self.incoming.request.clone()), self.what.rules.clone()];
            let files = files.into_iter().flatten().collect();
            let mut once = |typed: Option<&str>, out: &mut dyn Write| {
                let once = self.once(typed, &scheme, key.as_ref(), out);
                once.map(|_| ())
            };
            watch::run(files, out, &mut once)?;
            return Ok(Verdict::Good);
        }
        self.once(None, &scheme, key.as_ref(), out)
    }

    /// Runs the rules, or an expression that was typed, once.
    fn once(
        &self,
        typed: Option<&str>,
        scheme: &Scheme,
        key: Option<&PublicKey>,
        out: &mut dyn Write,
    ) -> Result<Verdict, Fault> {
        match self.read(typed, scheme)? {
            Ok(rules) => self.evaluate(&rules, key, out),
            Err(faulty) if self.watch => faulty.print(out).map(|()| Verdict::Bad),
            Err(faulty) => Err(faulty.into_fault()),
        }
    }

    fn read(&self, typed: Option<&str>, scheme: &Scheme) -> Result<Read, Fault> {
        let decoding = match self.uri_decoding {
            Decoding::None => UriDecoding::None,
            Decoding::Url => UriDecoding::Url,
        };
        match (typed.or(self.what.expr.as_deref()), &self.what.rules) {
            (Some(text), _) => of_expression(text, decoding, scheme),
            (None, Some(path)) => match read_file(path, scheme)? {
                Ok(file) => compiled(file).map(Ok),
                Err(faulty) => Ok(Err::<RuleSet, Faulty>(faulty)),
            },
            (None, None) => of_expression("", decoding, scheme), // clap lets nobody here
        }
    }

    fn evaluate(
        &self,
        rules: &RuleSet,
        key: Option<&PublicKey>,
        out: &mut dyn Write,
    ) -> Result<Verdict, Fault> {
        let bytes = self.incoming.read()?;
        self.incoming.show(&bytes, |view| {
            let facts = RequestFacts::new(view, rules.scheme(), |decoding| rules.wants(decoding));
            let outcome = Outcome::of(rules, view, &facts, key)?;
            match self.output {
                Output::Text => outcome.print(out)?,
                Output::Json => outcome.print_json(out)?,
            }
            Ok(if outcome.matches.is_empty() { Verdict::Bad } else { Verdict::Good })
        })
    }

    fn key(&self) -> Result<Option<PublicKey>, Fault> {
        let Some(given) = &self.public_key else { return Ok(None) };
        if let Ok(key) = PublicKey::from_text(given) {
            return Ok(Some(key));
        }
        let path = PathBuf::from(given);
        if !path.is_file() {
            // Neither: what is wrong with it as a key says more.
            return Ok(Some(PublicKey::from_text(given)?));
        }
        let bytes = input::read(&path)?;
        let text = String::from_utf8_lossy(&bytes);
        let pair: Option<serde_json::Value> = serde_json::from_str(&text).ok();
        let member = pair.as_ref().and_then(|pair| pair.get("public_key")?.as_str());
        Ok(Some(PublicKey::from_text(member.unwrap_or(&text))?))
    }
}
