//! A changed configuration takes effect in a running origin: by file watch, by SIGHUP, and by looking
//! every few seconds, where a file system reports no changes.
//!
//! What passes: a configuration that loads, as a whole and from one request to the next. No request is
//! dropped, the replay store is kept, and so are the counts.
//!
//! What a broken one gets: nothing of it takes effect. The old one holds, an error under the target
//! `wafpass::reload` says what is wrong, and the gauge `wafpass_config_refused` is 1 until one loads.
//!
//! ```no_run
//! use wafpass::config::Config;
//! use wafpass::{VerifyLayer, reload};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::load("wafpass.toml")?;
//! let layer = VerifyLayer::of(config.perimeter()?);
//! let watch = reload::watch(config, layer.handle())?; // until it is dropped
//! # Ok(())
//! # }
//! ```

mod files;
mod hangups;

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{self, MissedTickBehavior};

use self::files::{FileWatch, fingerprint};
use self::hangups::{Hangups, hangups};
#[cfg(feature = "config")]
use crate::config::Config;
#[cfg(all(feature = "config", feature = "explain"))]
use crate::layer::ExplainSwitch;
#[cfg(feature = "config")]
use crate::layer::Refusal;
use crate::layer::{Perimeter, PerimeterHandle};
use crate::verify::Verifier;

/// Time that a change has to settle: an editor or a deployment writes several files, one after the
/// other, and each alone may not load.
const SETTLE: Duration = Duration::from_millis(200);

/// Where perimeters come from. With the feature `config`, [`Config`] is one.
pub trait Source<R>: Send + 'static {
    /// The files and folders whose change matters.
    fn files(&self) -> Vec<PathBuf>;

    /// Reads them anew. The verifier of the new perimeter has the replay store of the `present` one.
    ///
    /// # Errors
    ///
    /// Whatever speaks against it; the present perimeter holds on then.
    fn load(&mut self, present: &Verifier) -> Result<Perimeter<R>, Box<dyn Error + Send + Sync>>;

    /// Sets what is no part of a perimeter, once this source holds: at the start, and after each load.
    fn settle(&self, perimeter: &PerimeterHandle<R>) {
        let _ = perimeter;
    }
}

/// When a [`Source`] is read anew, beside SIGHUP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Triggers {
    /// When the file system reports a change.
    pub on_change: bool,
    /// This often, if what the files hold has changed, or was refused. `None` for never.
    pub every: Option<Duration>,
}

impl Triggers {
    /// The usual time between two looks: 10 seconds.
    pub const EVERY: Duration = Duration::from_secs(10);
}

impl Default for Triggers {
    fn default() -> Self {
        Self { on_change: true, every: Some(Self::EVERY) }
    }
}

/// Watches a source for a running layer until it is dropped.
#[must_use = "nothing is reloaded once this is dropped"]
pub struct Watch {
    asked: Arc<Notify>,
    task: AbortHandle,
}

impl Watch {
    /// Reads the source anew now, as SIGHUP does.
    pub fn reload(&self) {
        self.asked.notify_one();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

/// Why the source is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trigger {
    /// Something may have changed.
    Changed,
    /// Somebody wants it to be read, whether it has changed or not.
    Asked,
}

/// Watches `config` for the layer of `perimeter`, when its `[reload]` section says so, and at SIGHUP. Its
/// `[explain]` section is the whole of what is explained at distance, from here on. Call it right after
/// [`Config::load`]: a change between the two is taken up with the next one, or at SIGHUP.
///
/// # Errors
///
/// As [`watch_source`].
#[cfg(feature = "config")]
pub fn watch(config: Config, perimeter: PerimeterHandle) -> io::Result<Watch> {
    let settings = config.reload();
    let every = settings.watch.then(|| settings.poll());
    watch_source(config, perimeter, Triggers { on_change: settings.watch, every })
}

#[cfg(feature = "config")]
impl Source<Refusal> for Config {
    fn files(&self) -> Vec<PathBuf> {
        self.files()
    }

    fn load(&mut self, present: &Verifier) -> Result<Perimeter, Box<dyn Error + Send + Sync>> {
        let new = Self::load(self.path())?;
        if !new.has_replay_store_of(self) {
            let path = new.path().display();
            return Err(format!(
                "{path}: [replay] names another replay store than the one in use\nrestart the origin to change the store, or take the change back"
            )
            .into());
        }
        let perimeter = new.perimeter_with(present.shared_replay_store())?;
        *self = new;
        Ok(perimeter)
    }

    #[cfg(feature = "explain")]
    fn settle(&self, perimeter: &PerimeterHandle) {
        let switch = self.explain().and_then(|settings| {
            let switch =
                ExplainSwitch::new(settings.key_id, settings.until, perimeter.now()).ok()?;
            switch.per_minute(settings.per_minute).ok() // both were checked when the file was read
        });
        perimeter.explain(switch);
    }
}

/// Watches `source` for the layer of `perimeter`.
///
/// # Errors
///
/// [`io::Error`] outside a tokio runtime, and when SIGHUP cannot be taken.
pub fn watch_source<R: Send + Sync + 'static>(
    source: impl Source<R>,
    perimeter: PerimeterHandle<R>,
    triggers: Triggers,
) -> io::Result<Watch> {
    let runtime = Handle::try_current().map_err(io::Error::other)?;
    let asked = Arc::new(Notify::new());
    let seen = fingerprint(&source.files());
    source.settle(&perimeter);
    let loader = Loader { source, perimeter, seen, refused: None };
    let hangups = hangups()?;
    let task = runtime.spawn(run(loader, Arc::clone(&asked), hangups, triggers));
    Ok(Watch { asked, task: task.abort_handle() })
}

async fn run<R: Send + Sync + 'static, S: Source<R>>(
    mut loader: Loader<R, S>,
    asked: Arc<Notify>,
    mut hangups: Hangups,
    triggers: Triggers,
) {
    // Each holds one report until it is heard, so that none is lost while the source is read.
    let changed = Arc::new(Notify::new());
    let mut watcher = triggers.on_change.then(|| FileWatch::new(Arc::clone(&changed))).flatten();
    let mut ticks = triggers.every.map(time::interval);
    if let Some(ticks) = &mut ticks {
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    let telemetry = Arc::clone(loader.perimeter.telemetry());
    loop {
        if let Some(watcher) = &mut watcher {
            watcher.follow(&loader.source.files());
        }
        let trigger = tokio::select! {
            () = asked.notified() => Trigger::Asked,
            () = hangups.next() => Trigger::Asked,
            () = changed.notified() => Trigger::Changed,
            () = tick(&mut ticks) => Trigger::Changed,
        };
        if watcher.is_some() {
            time::sleep(SETTLE).await;
        }
        let attempt = tokio::task::spawn_blocking(move || {
            loader.attempt(trigger);
            loader
        });
        loader = match attempt.await {
            Ok(loader) => loader,
            Err(error) => {
                telemetry.refused_config(); // a source that panics: whatever it holds now does not count
                tracing::error!(target: "wafpass::reload", %error, "the configuration is not watched any more");
                return;
            }
        };
    }
}

async fn tick(ticks: &mut Option<time::Interval>) {
    match ticks {
        Some(ticks) => {
            ticks.tick().await;
        }
        None => std::future::pending().await,
    }
}

struct Loader<R, S> {
    source: S,
    perimeter: PerimeterHandle<R>,
    /// What the files held when they were read last; `None` to read them in any case.
    seen: Option<[u8; 32]>,
    /// Why that was refused. It is read again until it loads: a file may have been missing that no
    /// configuration in use names.
    refused: Option<String>,
}

impl<R: Send + Sync + 'static, S: Source<R>> Loader<R, S> {
    /// Reads the source, if there is a reason to, and puts it in the place of the present one.
    fn attempt(&mut self, trigger: Trigger) {
        let files = self.source.files();
        let found = fingerprint(&files);
        let is_known = found == self.seen;
        if trigger == Trigger::Changed && is_known && found.is_some() && self.refused.is_none() {
            return;
        }
        self.seen = found;
        match self.source.load(&self.perimeter.verifier()) {
            Ok(new) => {
                let keys: Vec<_> = new.verifier().keyring().ids().collect();
                tracing::info!(target: "wafpass::reload", ?keys, "a new configuration holds");
                self.perimeter.replace(new);
                self.source.settle(&self.perimeter);
                self.refused = None;
                if self.source.files() != files {
                    self.seen = None; // others than those that were looked at: look once more
                }
            }
            Err(error) => {
                let error = error.to_string();
                if trigger == Trigger::Asked || !is_known || self.refused.as_ref() != Some(&error) {
                    self.perimeter.telemetry().refused_config();
                    tracing::error!(target: "wafpass::reload", "the new configuration is refused, the old one holds\n{error}");
                }
                self.refused = Some(error);
            }
        }
    }
}
