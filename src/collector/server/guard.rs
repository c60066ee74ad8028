//! The edge signature before ingest, where `perimeter = true`.

use axum::Router;

use super::ServeError;
use crate::config::CollectorConfig;
use crate::layer::{PerimeterHandle, VerifyLayer};
use crate::reload::{self, Watch};
use crate::telemetry::Prometheus;

/// The layer, and what keeps it up to date.
pub(super) struct Guard {
    layer: VerifyLayer,
    _watch: Watch,
}

impl Guard {
    /// The one that the configuration asks for, if it asks for one.
    pub(super) fn load(
        config: &CollectorConfig,
        prometheus: &Prometheus,
    ) -> Result<Option<Self>, ServeError> {
        let Some(perimeter) = config.perimeter() else { return Ok(None) };
        let layer = VerifyLayer::from_config(perimeter)?;
        prometheus.look_at(layer.handle());
        let refused = |error| ServeError::System { what: "watching the configuration", error };
        let _watch = reload::watch(perimeter.clone(), layer.handle()).map_err(refused)?;
        Ok(Some(Self { layer, _watch }))
    }

    /// What tells whether signatures can be judged yet.
    pub(super) fn handle(&self) -> PerimeterHandle {
        self.layer.handle()
    }

    /// Asks for a signature before any of these routes.
    pub(super) fn around(&self, ingest: Router) -> Router {
        ingest.route_layer(self.layer.clone())
    }
}
