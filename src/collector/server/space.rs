//! Free space: batches are refused while there is room to refuse them in.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::limits::SPACE_EVERY;
use crate::collector::api::Problem;
use crate::collector::telemetry;

/// Seconds after which a sender may try again.
const RETRY_S: u32 = 60;

/// Whether the data folder has the space that was asked for.
#[derive(Debug)]
pub(super) struct Space {
    folder: PathBuf,
    least_bytes: u64,
    is_low: AtomicBool,
}

impl Space {
    pub(super) fn new(folder: PathBuf, least_bytes: u64) -> Self {
        let space = Self { folder, least_bytes, is_low: AtomicBool::new(false) };
        space.look();
        space
    }

    pub(super) fn is_low(&self) -> bool {
        self.is_low.load(Ordering::Relaxed)
    }

    /// Looks at the disk. One that does not tell is not held to be full.
    pub(super) fn look(&self) {
        let Some(free) = free_bytes(&self.folder) else { return };
        telemetry::free_bytes(free);
        let is_low = free < self.least_bytes;
        if is_low != self.is_low.swap(is_low, Ordering::Relaxed) {
            if is_low {
                telemetry::alarm("space");
                tracing::error!(
                    free,
                    least = self.least_bytes,
                    "too little free space: batches are refused"
                );
            } else {
                tracing::info!(free, "there is space again");
            }
        }
    }

    pub(super) async fn watch(self: Arc<Self>, stop: CancellationToken) {
        let mut ticks = interval(SPACE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let space = Arc::clone(&self);
            // A network file system may keep it waiting.
            let _looked = tokio::task::spawn_blocking(move || space.look()).await;
        }
    }
}

/// Refuses what would be stored while there is too little space.
pub(super) async fn guard(
    State(space): State<Arc<Space>>,
    request: Request,
    next: Next,
) -> Response {
    if !space.is_low() {
        return next.run(request).await;
    }
    Problem::new(
        StatusCode::INSUFFICIENT_STORAGE,
        "full",
        "the collector has no space left",
        "send it again later; its operator has to free some, shorten the retention or give it more",
    )
    .retry_after(RETRY_S)
    .into_response()
}

#[cfg(unix)]
fn free_bytes(folder: &std::path::Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_: &std::path::Path) -> Option<u64> {
    None
}
