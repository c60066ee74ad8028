use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;
use wafpass::explain::Visible;
use wafpass::{Finish, MessageHead, Rejection, UnixTime, Verified, Verifier};

use crate::capture::Capture;
use crate::error::Fault;
use crate::style::{BAD, FAINT, GOOD};
use crate::{Verdict, style};

const AFTER: &str = "\
A request file is the request as it went over the wire: the request line, a
line for each field, an empty line, the body. Lines end with LF or CR LF. A
body that the signature covers is checked too.

Whether the signature was used before (rows 15 to 17) only the running origin
knows.

With --json, always the same fields, null where there is nothing to say:
  verdict (accepted or refused), reason, explanation, key_id, audience, nonce,
  date, age_s, waf, covered, body (checked or not-covered)
Of a refused request, only key_id and age_s are told, and they are its word.

Examples:
  wafpass verify --key-file keys.json --freshness cloudfront request.http
  wafpass verify --key-file keys.json --now 20261122T003010Z --json < request.http

Exit codes: 0 accepted, 1 refused, 2 usage or unreadable input";

/// Judge a captured request as the origin would.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER)]
pub(crate) struct Args {
    /// Print the verdict as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    capture: Capture,
}

/// The verdict as JSON. The fields are stable.
#[derive(Default, Serialize)]
struct Report<'a> {
    verdict: &'static str,
    reason: Option<&'static str>,
    explanation: Option<&'static str>,
    key_id: Option<String>,
    audience: Option<&'a str>,
    nonce: Option<&'a str>,
    date: Option<String>,
    age_s: Option<i64>,
    waf: Option<&'static str>,
    covered: Option<BTreeMap<&'a str, &'a str>>,
    body: Option<&'static str>,
}

/// A request that passed.
struct Accepted {
    verified: Verified,
    is_body_checked: bool,
}

impl Args {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Verdict, Fault> {
        let loaded = self.capture.load()?;
        let (request, now) = (loaded.request()?, loaded.now);
        let judged = match judge(&loaded.verifier, &request.head(), now) {
            Ok(Finish::Body(mut pending)) => {
                let body = request.body()?.ok_or_else(|| {
                    let fault = "the signature covers the body, which is not here";
                    Fault::new(
                        fault,
                        "put it behind an empty line; `wafpass explain` looks at the head alone",
                    )
                })?;
                let verified = pending.update(body).and_then(|()| pending.finish());
                verified.map(|verified| Accepted { verified, is_body_checked: true })
            }
            Ok(Finish::Verified(verified)) => Ok(Accepted { verified, is_body_checked: false }),
            Err(rejection) => Err(rejection),
        };
        if self.json {
            let report = match &judged {
                Ok(accepted) => Report::accepted(accepted, now),
                Err(rejection) => Report::refused(rejection),
            };
            writeln!(
                out,
                "{}",
                serde_json::to_string_pretty(&report).map_err(std::io::Error::from)?
            )?;
        } else {
            match &judged {
                Ok(accepted) => print_accepted(out, accepted, now)?,
                Err(rejection) => print_refused(out, rejection)?,
            }
        }
        Ok(if judged.is_ok() { Verdict::Good } else { Verdict::Bad })
    }
}

fn judge(verifier: &Verifier, head: &MessageHead<'_>, now: UnixTime) -> Result<Finish, Rejection> {
    verifier.admit(verifier.check(head, now)?, now)?.finish()
}

impl<'a> Report<'a> {
    fn accepted(Accepted { verified, is_body_checked }: &'a Accepted, now: UnixTime) -> Self {
        Self {
            verdict: "accepted",
            key_id: Some(verified.key_id().to_string()),
            audience: Some(verified.audience()),
            nonce: Some(verified.nonce()),
            date: Some(verified.date().to_string()),
            age_s: Some(now.seconds_since(verified.date())),
            waf: Some(verified.waf().as_str()),
            covered: Some(verified.covered().collect()),
            body: Some(if *is_body_checked { "checked" } else { "not-covered" }),
            ..Self::default()
        }
    }

    fn refused(rejection: &Rejection) -> Self {
        Self {
            verdict: "refused",
            reason: Some(rejection.code()),
            explanation: Some(rejection.kind.explanation()),
            key_id: rejection.key_id.map(|id| id.to_string()),
            age_s: rejection.age_s,
            ..Self::default()
        }
    }
}

fn print_accepted(out: &mut dyn Write, accepted: &Accepted, now: UnixTime) -> Result<(), Fault> {
    let Accepted { verified, is_body_checked } = accepted;
    let body = if *is_body_checked { "checked" } else { "not covered" };
    let date = format!("{} ({})", verified.date(), age(now.seconds_since(verified.date())));
    writeln!(out, "{GOOD}accepted{GOOD:#}")?;
    writeln!(out, "  key id    {}", verified.key_id())?;
    writeln!(out, "  audience  {}", verified.audience())?;
    writeln!(out, "  date      {date}")?;
    writeln!(out, "  nonce     {}", verified.nonce())?;
    writeln!(out, "  waf       {}", verified.waf().as_str())?;
    for (name, value) in verified.covered() {
        writeln!(out, "  covered   {name}: {}", Visible(value.as_bytes()))?;
    }
    writeln!(out, "  body      {body}")?;
    Ok(())
}

fn print_refused(out: &mut dyn Write, rejection: &Rejection) -> Result<(), Fault> {
    writeln!(out, "{BAD}refused: {}{BAD:#}", rejection.code())?;
    writeln!(out, "  {}", rejection.kind.explanation())?;
    writeln!(out, "  {FAINT}`wafpass explain` with the same arguments shows each step{FAINT:#}")?;
    Ok(())
}

fn age(age_s: i64) -> String {
    if age_s < 0 { format!("{} s ahead", age_s.unsigned_abs()) } else { format!("{age_s} s ago") }
}
