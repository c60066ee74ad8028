use serde::{Deserialize, Serialize};

use crate::policy::Freshness;

/// A window of freshness by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Preset {
    /// 60 s, one use: nothing between edge and origin repeats a request.
    Strict,
    /// 90 s, three uses: `CloudFront` and its retries.
    Cloudfront,
    /// 210 s, six uses: `CloudFront` with an origin group.
    CloudfrontOriginGroup,
}

impl Preset {
    /// What it stands for.
    #[must_use]
    pub const fn freshness(self) -> Freshness {
        match self {
            Self::Strict => Freshness::strict(),
            Self::Cloudfront => Freshness::cloudfront(),
            Self::CloudfrontOriginGroup => Freshness::cloudfront_origin_group(),
        }
    }
}
