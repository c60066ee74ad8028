//! The verifier of `verify` and `explain`, from their options and the key file.

use wafpass::clock;
use wafpass::explain::Comparer;
use wafpass::limits::DEFAULT_BODY_CAP_BYTES;
use wafpass::replay::Capacity;
use wafpass::{
    BodyCoverage, Freshness, HostBinding, Keyring, QueryMode, RestartBarrier, UnixTime, Verifier,
    WafRequirement,
};

use crate::error::Fault;
use crate::key_file::{DEFAULT_SKEW_S, KeyFile, KeySource, Preset, parse_moment};

/// What the origin asks of a request: give what its own verifier is built with.
#[derive(clap::Args)]
#[command(next_help_heading = "The origin's policy")]
pub(crate) struct Policy {
    #[command(flatten)]
    pub(crate) source: KeySource,
    /// Name of this site or origin [default: aud in the key file].
    #[arg(long, value_name = "NAME")]
    aud: Option<String>,
    /// strict, cloudfront or cloudfront-origin-group [default: key file].
    #[arg(long, value_name = "PRESET", conflicts_with_all = ["max_age", "skew"], hide_possible_values = true)]
    freshness: Option<Preset>,
    /// Oldest signature to accept, in place of a preset.
    #[arg(long, value_name = "SECONDS")]
    max_age: Option<u32>,
    /// How far ahead a date may be [default: 5].
    #[arg(long, value_name = "SECONDS", requires = "max_age")]
    skew: Option<u32>,
    /// Origin path prefix, such as /prod, which the edge does not sign.
    #[arg(long, value_name = "PATH", default_value = "", hide_default_value = true)]
    strip_prefix: String,
    /// What of the query is signed.
    #[arg(long, value_name = "all|none", default_value = "all", hide_possible_values = true)]
    query: Query,
    /// A field that has to be covered; may be given several times.
    #[arg(long, value_name = "NAME")]
    require_header: Vec<String>,
    /// A request with a body has to cover content-digest.
    #[arg(long)]
    require_body: bool,
    /// Largest covered body.
    #[arg(long, value_name = "BYTES", default_value_t = DEFAULT_BODY_CAP_BYTES)]
    body_cap: usize,
    /// The signed x-cloud-host has to be the Host.
    #[arg(long)]
    bind_host: bool,
    /// Accept waf=none: no evidence that the WAF saw the request.
    #[arg(long)]
    accept_waf_none: bool,
    /// When to judge: Unix seconds or YYYYMMDDTHHMMSSZ [default: now].
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub(crate) now: Option<UnixTime>,
}

/// What of the query is signed.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum Query {
    /// All of it, raw.
    All,
    /// Nothing.
    None,
}

impl From<Query> for QueryMode {
    fn from(query: Query) -> Self {
        match query {
            Query::All => Self::All,
            Query::None => Self::None,
        }
    }
}

impl Policy {
    pub(crate) fn now(&self) -> UnixTime {
        self.now.unwrap_or_else(clock::now)
    }

    pub(crate) fn verifier(&self, keys: &KeyFile) -> Result<Verifier, Fault> {
        let audience = audience(self.aud.as_deref(), keys)?;
        let waf = if self.accept_waf_none {
            WafRequirement::NotRequired
        } else {
            WafRequirement::Required
        };
        let body =
            if self.require_body { BodyCoverage::Required } else { BodyCoverage::WhenCovered };
        let host = if self.bind_host { HostBinding::Bound } else { HostBinding::Unbound };
        let builder =
            Verifier::builder(audience, Keyring::new(keys.keys()?)?, self.freshness(keys)?)
                .waf(waf)
                .strip_prefix(&self.strip_prefix)
                .query(self.query.into())
                .body_coverage(body)
                .body_cap(self.body_cap)
                .bind_host(host)
                // One request, judged once: there is nothing to replay, and no restart.
                .replay_capacity(Capacity::shared(1))
                .restart_barrier(RestartBarrier::InsecureOff);
        let builder =
            self.require_header.iter().fold(builder, |builder, name| builder.require_header(name));
        Ok(builder.build_at(self.now())?)
    }

    /// Compares what the signer signed with what the origin saw.
    pub(crate) fn comparer<'k>(&self, keyring: &'k Keyring) -> Result<Comparer<'k>, Fault> {
        Ok(Comparer::new(keyring).strip_prefix(&self.strip_prefix)?.query(self.query.into()))
    }

    fn freshness(&self, keys: &KeyFile) -> Result<Freshness, Fault> {
        if let Some(preset) = self.freshness {
            return Ok(preset.freshness());
        }
        if let Some(max_age) = self.max_age {
            return Ok(Freshness::custom(max_age, self.skew.unwrap_or(DEFAULT_SKEW_S))?);
        }
        keys.freshness()?.ok_or_else(|| {
            let fault = "how old may a signature be? There is no default";
            Fault::new(fault, "--freshness cloudfront, or strict, or --max-age SECONDS; or put it in the key file")
        })
    }
}

/// The audience from the options, or else from the key file.
pub(crate) fn audience<'a>(option: Option<&'a str>, keys: &'a KeyFile) -> Result<&'a str, Fault> {
    option.or(keys.aud.as_deref()).ok_or_else(|| {
        Fault::new(
            "there is no audience, the name of the site or origin",
            "--aud NAME, or put aud in the key file",
        )
    })
}
