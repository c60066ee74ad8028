//! The verifier of `verify` and `explain`, from their options, the key file and the configuration.

use wafpass::clock;
use wafpass::config::Preset;
use wafpass::explain::Comparer;
use wafpass::replay::Capacity;
use wafpass::{
    BodyCoverage, Freshness, HostBinding, Keyring, QueryMode, RestartBarrier, UnixTime, Verifier,
    VerifierBuilder, WafRequirement,
};

use crate::error::Fault;
use crate::key_file::{KeySource, Keys, PresetName, parse_moment};

/// Skew where `--max-age` is given without one; that of every preset.
const DEFAULT_SKEW_S: u32 = 5;

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
    freshness: Option<PresetName>,
    /// Oldest signature to accept, in place of a preset.
    #[arg(long, value_name = "SECONDS")]
    max_age: Option<u32>,
    /// How far ahead a date may be [default: 5].
    #[arg(long, value_name = "SECONDS", requires = "max_age")]
    skew: Option<u32>,
    /// Origin path prefix, such as /prod, which the edge does not sign.
    #[arg(long, value_name = "PATH")]
    strip_prefix: Option<String>,
    /// What of the query is signed [default: all].
    #[arg(long, value_name = "all|none", hide_possible_values = true)]
    query: Option<Query>,
    /// A field that has to be covered; may be given several times.
    #[arg(long, value_name = "NAME")]
    require_header: Vec<String>,
    /// A request with a body has to cover content-digest.
    #[arg(long)]
    require_body: bool,
    /// Largest covered body [default: 1048576].
    #[arg(long, value_name = "BYTES")]
    body_cap: Option<usize>,
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

    /// What the configuration asks, if there is one, and what the options ask in its place.
    pub(crate) fn verifier(&self, keys: &Keys) -> Result<Verifier, Fault> {
        let audience = audience(self.aud.as_deref(), keys)?;
        let builder = Verifier::builder(audience, keys.keyring()?, self.freshness(keys)?);
        let builder = match &keys.config {
            Some(config) => config.policy_of(builder),
            None => builder,
        };
        let builder = self
            .overriding(builder)
            // One request, judged once: there is nothing to replay, and no restart.
            .replay_capacity(Capacity::shared(1))
            .restart_barrier(RestartBarrier::InsecureOff);
        Ok(builder.build_at(self.now())?)
    }

    fn overriding(&self, builder: VerifierBuilder) -> VerifierBuilder {
        let builder = match &self.strip_prefix {
            Some(prefix) => builder.strip_prefix(prefix),
            None => builder,
        };
        let builder =
            self.query.into_iter().fold(builder, |builder, query| builder.query(query.into()));
        let builder = self.body_cap.into_iter().fold(builder, VerifierBuilder::body_cap);
        let builder =
            if self.accept_waf_none { builder.waf(WafRequirement::NotRequired) } else { builder };
        let builder =
            if self.require_body { builder.body_coverage(BodyCoverage::Required) } else { builder };
        let builder = if self.bind_host { builder.bind_host(HostBinding::Bound) } else { builder };
        self.require_header.iter().fold(builder, |builder, name| builder.require_header(name))
    }

    /// Compares what the signer signed with what the origin saw.
    pub(crate) fn comparer<'k>(
        &self,
        keys: &Keys,
        keyring: &'k Keyring,
    ) -> Result<Comparer<'k>, Fault> {
        let (prefix, query) = told(self.strip_prefix.as_deref(), self.query, keys);
        Ok(Comparer::new(keyring).strip_prefix(prefix)?.query(query))
    }

    fn freshness(&self, keys: &Keys) -> Result<Freshness, Fault> {
        if let Some(preset) = self.freshness {
            return Ok(Preset::from(preset).freshness());
        }
        if let Some(max_age) = self.max_age {
            return Ok(Freshness::custom(max_age, self.skew.unwrap_or(DEFAULT_SKEW_S))?);
        }
        keys.freshness.ok_or_else(|| {
            let fault = "how old may a signature be? There is no default";
            Fault::new(fault, "--freshness cloudfront, or strict, or --max-age SECONDS; or put it in the key file")
        })
    }
}

/// The audience from the options, or else from the key file.
pub(crate) fn audience<'a>(option: Option<&'a str>, keys: &'a Keys) -> Result<&'a str, Fault> {
    option.or(keys.audience.as_deref()).ok_or_else(|| {
        Fault::new(
            "there is no audience, the name of the site or origin",
            "--aud NAME, or put aud in the key file",
        )
    })
}

/// Origin path prefix and query, from the options or else from the configuration.
pub(crate) fn told<'a>(
    prefix: Option<&'a str>,
    query: Option<Query>,
    keys: &'a Keys,
) -> (&'a str, QueryMode) {
    let (of_config, query_of_config) = keys
        .config
        .as_ref()
        .map_or(("", QueryMode::All), |config| (config.strip_prefix(), config.query()));
    (prefix.unwrap_or(of_config), query.map_or(query_of_config, Into::into))
}
