//! Whose query runs: a few at once, and of one tenant half of them at most.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::collector::TenantId;
use crate::collector::store::StoreError;

/// Queries that run at once. Each keeps a core busy: more would make all of them slow, and take the cores
/// from taking in.
const MAX_RUNNING: usize = 4;
/// Those of one tenant: whoever asks fifty things at once waits for its own, and for no place of the others.
const MAX_RUNNING_PER_TENANT: usize = 2;
/// How long a query waits for its turn: as long as those before it may run.
const MAX_WAIT: Duration = Duration::from_secs(3);

/// The turns that there are.
#[derive(Debug)]
pub(super) struct Turns {
    all: Arc<Semaphore>,
    /// Of tenants that have a query running or waiting, and no others.
    own: Mutex<HashMap<TenantId, Own>>,
}

#[derive(Debug)]
struct Own {
    turns: Arc<Semaphore>,
    users: usize,
}

impl Default for Turns {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(MAX_RUNNING)), own: Mutex::default() }
    }
}

impl Turns {
    /// A turn for a query, until it is dropped.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] after three seconds, [`StoreError::Closed`].
    pub(super) async fn take(self: &Arc<Self>, tenant: &TenantId) -> Result<Turn, StoreError> {
        timeout(MAX_WAIT, self.wait(tenant)).await.map_err(|_| StoreError::Busy)?
    }

    async fn wait(self: &Arc<Self>, tenant: &TenantId) -> Result<Turn, StoreError> {
        let (own, used) = self.enter(tenant);
        // The tenant's own first: what waits for it takes no turn from others.
        let own = own.acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let all = Arc::clone(&self.all).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        Ok(Turn { _all: all, _own: own, _used: used })
    }

    /// Gives no more of them.
    pub(super) fn close(&self) {
        self.all.close();
        self.with(|own| own.values().for_each(|own| own.turns.close()));
    }

    fn enter(self: &Arc<Self>, tenant: &TenantId) -> (Arc<Semaphore>, Used) {
        let turns = self.with(|own| {
            let new = || Own { turns: Arc::new(Semaphore::new(MAX_RUNNING_PER_TENANT)), users: 0 };
            let own = own.entry(tenant.clone()).or_insert_with(new);
            own.users = own.users.saturating_add(1);
            Arc::clone(&own.turns)
        });
        (turns, Used { turns: Arc::clone(self), tenant: tenant.clone() })
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashMap<TenantId, Own>) -> T) -> T {
        act(&mut self.own.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A query's turn.
#[derive(Debug)]
pub(super) struct Turn {
    _all: OwnedSemaphorePermit,
    _own: OwnedSemaphorePermit,
    // Last: the tenant is forgotten when its turns are back.
    _used: Used,
}

/// Somebody of a tenant has a turn, or waits for one.
#[derive(Debug)]
struct Used {
    turns: Arc<Turns>,
    tenant: TenantId,
}

impl Drop for Used {
    fn drop(&mut self) {
        self.turns.with(|all| {
            if let Some(own) = all.get_mut(&self.tenant) {
                own.users = own.users.saturating_sub(1);
                if own.users == 0 {
                    all.remove(&self.tenant);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name).unwrap()
    }

    #[tokio::test]
    async fn no_tenant_takes_all_turns() {
        let (turns, ours, theirs) = (Arc::new(Turns::default()), tenant("ours"), tenant("theirs"));
        let mut held = Vec::new();
        for _ in 0..MAX_RUNNING_PER_TENANT {
            held.push(turns.take(&ours).await.unwrap());
        }
        let mut waiting: Vec<_> = (0..50).map(|_| Box::pin(turns.take(&ours))).collect();
        assert!(waiting.iter_mut().all(|one| one.now_or_never().is_none()));
        let other = turns.take(&theirs).now_or_never().expect("at once").unwrap();

        // Who waits gets its turn when one of its own is back.
        held.pop();
        held.push(waiting.remove(0).await.unwrap());
        drop((waiting, other, held));
        assert!(turns.with(|own| own.is_empty()), "who asks nothing is forgotten");
    }

    #[tokio::test]
    async fn closed_turns_are_refused_to_those_who_wait_too() {
        let (turns, ours) = (Arc::new(Turns::default()), tenant("ours"));
        let held = [turns.take(&ours).await.unwrap(), turns.take(&ours).await.unwrap()];
        let mut waits = Box::pin(turns.take(&ours));
        assert!(waits.as_mut().now_or_never().is_none());
        turns.close();
        assert!(matches!(waits.await, Err(StoreError::Closed)));
        assert!(matches!(turns.take(&tenant("theirs")).await, Err(StoreError::Closed)));
        drop(held);
        assert!(turns.with(|own| own.is_empty()));
    }
}
