use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::Refusal;
#[cfg(feature = "explain")]
use super::explaining::{ExplainSwitch, Explaining};
use crate::clock::Clock;
use crate::limits::DEFAULT_LOGGED_PER_SECOND;
use crate::route::Routes;
use crate::telemetry::{Bound, Telemetry};
use crate::time::UnixTime;
use crate::verify::Verifier;

/// What is asked of the requests to an origin: a [`Verifier`], the [`Routes`] on which it is asked, and
/// what a refused request gets. A running layer replaces it as a whole.
pub struct Perimeter<R = Refusal> {
    pub(super) verifier: Arc<Verifier>,
    pub(super) routes: Routes,
    pub(super) refuse: R,
    logged_per_second: u32,
}

impl Perimeter {
    /// Enforces everywhere, and refuses with an empty 403.
    #[must_use]
    pub fn new(verifier: impl Into<Arc<Verifier>>) -> Self {
        Self {
            verifier: verifier.into(),
            routes: Routes::default(),
            refuse: Refusal::default(),
            logged_per_second: DEFAULT_LOGGED_PER_SECOND,
        }
    }
}

impl<R> Perimeter<R> {
    /// Asks what `routes` say.
    #[must_use]
    pub fn routes(self, routes: Routes) -> Self {
        Self { routes, ..self }
    }

    /// Refuses with `refuse` instead: a [`Refusal`] with another status, or a closure that makes a
    /// page.
    #[must_use]
    pub fn refuse_with<R2>(self, refuse: R2) -> Perimeter<R2> {
        let Self { verifier, routes, refuse: _, logged_per_second } = self;
        Perimeter { verifier, routes, refuse, logged_per_second }
    }

    /// Logs up to `events` refusals of each reason in a second, 0 for none. Counters are exact whatever is
    /// logged. Default: [`DEFAULT_LOGGED_PER_SECOND`].
    #[must_use]
    pub fn logged_per_second(self, events: u32) -> Self {
        Self { logged_per_second: events, ..self }
    }

    /// The verifier.
    #[must_use]
    pub const fn verifier(&self) -> &Arc<Verifier> {
        &self.verifier
    }
}

impl<R> fmt::Debug for Perimeter<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Perimeter")
            .field("verifier", &self.verifier)
            .field("routes", &self.routes)
            .finish_non_exhaustive()
    }
}

/// The perimeter that holds now, with its counts.
pub(super) struct Present<R> {
    pub(super) perimeter: Perimeter<R>,
    pub(super) bound: Bound,
}

/// What the layer, all its services and all handles share.
pub(super) struct Shared<R> {
    pub(super) present: ArcSwap<Present<R>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) telemetry: Arc<Telemetry>,
    #[cfg(feature = "explain")]
    pub(super) explaining: Explaining,
}

impl<R> Shared<R> {
    pub(super) fn new(perimeter: Perimeter<R>, clock: Arc<dyn Clock>) -> Self {
        let telemetry = Arc::new(Telemetry::new(clock.now()));
        let present = ArcSwap::from_pointee(Present::new(perimeter, &telemetry));
        Self {
            present,
            clock,
            telemetry,
            #[cfg(feature = "explain")]
            explaining: Explaining::default(),
        }
    }
}

impl<R> Present<R> {
    fn new(perimeter: Perimeter<R>, telemetry: &Telemetry) -> Self {
        let Perimeter { verifier, routes, logged_per_second, .. } = &perimeter;
        let bound = telemetry.bind(routes, verifier, *logged_per_second);
        Self { perimeter, bound }
    }
}

/// A handle on a running [`VerifyLayer`](super::VerifyLayer): replaces what it asks, and shows what it
/// has counted.
pub struct PerimeterHandle<R = Refusal> {
    pub(super) shared: Arc<Shared<R>>,
}

impl<R> PerimeterHandle<R> {
    /// Asks what `perimeter` says, from the next request on. Requests that are under way end as they
    /// began, and what was counted stays.
    ///
    /// The new verifier should have the replay store of the present one
    /// ([`Verifier::shared_replay_store`]): with a new store, what was used before could be used again,
    /// or is refused by its restart barrier.
    pub fn replace(&self, perimeter: Perimeter<R>) {
        let Shared { present, clock, telemetry, .. } = &*self.shared;
        present.store(Arc::new(Present::new(perimeter, telemetry)));
        telemetry.replaced(clock.now());
    }

    /// The verifier that holds now.
    #[must_use]
    pub fn verifier(&self) -> Arc<Verifier> {
        Arc::clone(&self.shared.present.load().perimeter.verifier)
    }

    /// What was counted so far.
    #[must_use]
    pub fn telemetry(&self) -> &Arc<Telemetry> {
        &self.shared.telemetry
    }

    /// Brings the gauges up to date: replay entries, keys, clocks. Requests do so every ten seconds;
    /// an exporter does it before it answers, so that a quiet origin tells the truth as well.
    pub fn look(&self) {
        let Shared { present, clock, telemetry, .. } = &*self.shared;
        let Present { perimeter, bound } = &**present.load();
        telemetry.look(bound, &perimeter.verifier, clock.now());
    }

    /// Explains refusals in the log, as `switches` say, in the place of those that were given before.
    /// They hold over [`replace`](Self::replace), until each goes off by itself; one that was given before
    /// keeps its count. Only who has this handle can do so: nothing in a request switches anything on.
    #[cfg(feature = "explain")]
    pub fn explain(&self, switches: impl IntoIterator<Item = ExplainSwitch>) {
        self.shared.explaining.set(switches, self.now());
    }

    /// Explains nothing from now on.
    #[cfg(feature = "explain")]
    pub fn explain_off(&self) {
        self.explain([]);
    }

    /// The keys whose refusals are explained now.
    #[cfg(feature = "explain")]
    #[must_use]
    pub fn explained(&self) -> Vec<ExplainSwitch> {
        self.shared.explaining.present(self.now())
    }

    /// The time by the layer's clock.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        self.shared.clock.now()
    }
}

impl<R> Clone for PerimeterHandle<R> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<R> fmt::Debug for PerimeterHandle<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerimeterHandle")
            .field("verifier", &self.verifier())
            .finish_non_exhaustive()
    }
}
