//! What the store's parts share.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, Notify};

use super::chunk::Target;
use super::client::Database;
use super::log::Entry;
use super::node::Node;
use super::spool::{Spool, Writer};
use crate::clock::Clock;
use crate::collector::catalogue::Ledger;
use crate::collector::store::{BatchId, StoreError, Visibility};
use crate::collector::{TenantId, telemetry};

/// Numbers that are reserved at once: one sync of the catalogue for so many batches.
const RESERVED_AHEAD: u64 = 1_024;

pub(super) struct Inner {
    pub(super) database: Database,
    pub(super) node: Node,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) visibility: Visibility,
    pub(super) spool: Option<Arc<Spool>>,
    /// Something is to be done.
    pub(super) wake: Notify,
    /// Nothing more is.
    pub(super) closing: Notify,
    pub(super) fallback_retention_days: u32,
    /// Held while a batch goes from the spool to ClickHouse.
    pub(super) draining: AsyncMutex<()>,
    /// The place in the sequence up to which numbers are ours.
    reserved: Mutex<u64>,
    open: Mutex<HashMap<BatchId, Arc<AsyncMutex<Open>>>>,
    turns: Mutex<HashMap<TenantId, Arc<AsyncMutex<()>>>>,
    retention: Mutex<HashMap<TenantId, u32>>,
    jobs: Mutex<VecDeque<Job>>,
    is_away: AtomicBool,
    is_closed: AtomicBool,
}

/// A batch under way.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) tenant: TenantId,
    pub(super) route: Route,
}

/// Where a batch goes. It is decided with its first chunk.
#[derive(Debug)]
pub(super) enum Route {
    Undecided,
    Direct(Target),
    Spool(SharedWriter),
}

/// The disk's threads write with it.
pub(super) type SharedWriter = Arc<Mutex<Writer>>;

/// What becomes of the number of a batch that was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    /// It stays pending until its rows are gone.
    Ends,
    /// The batch goes on in the spool.
    GoesOn,
}

/// What is left to do, in this order.
#[derive(Clone, Debug)]
pub(super) enum Job {
    /// The ledger has the batch, the log has not.
    Finish(Entry),
    /// The batch was given up: its rows go.
    GiveUp { entry: Entry, has_rows: bool, number: Number },
}

impl Inner {
    pub(super) fn new(
        database: Database,
        node: Node,
        ledger: Arc<dyn Ledger>,
        clock: Arc<dyn Clock>,
        spool: Option<Arc<Spool>>,
        fallback_retention_days: u32,
    ) -> Result<Self, StoreError> {
        let (last, reserved) = reserve_after(&*ledger, 0)?;
        Ok(Self {
            database,
            node,
            clock,
            ledger,
            visibility: Visibility::new(node.number(last)),
            spool,
            wake: Notify::new(),
            closing: Notify::new(),
            fallback_retention_days,
            draining: AsyncMutex::new(()),
            reserved: Mutex::new(reserved),
            open: Mutex::default(),
            turns: Mutex::default(),
            retention: Mutex::default(),
            jobs: Mutex::default(),
            is_away: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
        })
    }

    pub(super) fn now_ms(&self) -> i64 {
        i64::try_from(self.clock.now_ms()).unwrap_or(i64::MAX)
    }

    /// A number that is reserved durably.
    pub(super) fn next_batch(&self) -> Result<BatchId, StoreError> {
        let mut reserved = lock(&self.reserved);
        if Node::sequence(self.visibility.snapshot().last) >= *reserved {
            self.reserve(&mut reserved, 0)?;
        }
        self.visibility.begin()
    }

    /// Sees to it that numbers go on after `used`.
    pub(super) fn skip_to(&self, used: u64) -> Result<(), StoreError> {
        let mut reserved = lock(&self.reserved);
        if Node::sequence(self.visibility.snapshot().last) < used {
            self.reserve(&mut reserved, used)?;
        }
        Ok(())
    }

    fn reserve(&self, reserved: &mut u64, used: u64) -> Result<(), StoreError> {
        let (last, end) = reserve_after(&*self.ledger, used)?;
        // Another process may have taken the numbers between.
        self.visibility.skip_to(self.node.number(last));
        *reserved = end;
        Ok(())
    }

    pub(super) fn add_open(&self, batch: BatchId, tenant: &TenantId) {
        let open = Open { tenant: tenant.clone(), route: Route::Undecided };
        lock(&self.open).insert(batch, Arc::new(AsyncMutex::new(open)));
    }

    pub(super) fn open(&self, batch: BatchId) -> Result<Arc<AsyncMutex<Open>>, StoreError> {
        lock(&self.open).get(&batch).cloned().ok_or(StoreError::NoSuchBatch)
    }

    pub(super) fn take_open(&self, batch: BatchId) -> Option<Arc<AsyncMutex<Open>>> {
        lock(&self.open).remove(&batch)
    }

    /// Whoever holds it writes the tenant's next chunk.
    pub(super) fn tenant_lock(&self, tenant: &TenantId) -> Arc<AsyncMutex<()>> {
        lock(&self.turns).entry(tenant.clone()).or_default().clone()
    }

    pub(super) fn retention_days(&self, tenant: &TenantId) -> u32 {
        lock(&self.retention).get(tenant).copied().unwrap_or(self.fallback_retention_days)
    }

    /// Remembers a tenant's retention, and what it was.
    pub(super) fn set_retention(&self, tenant: &TenantId, days: u32) -> Option<u32> {
        lock(&self.retention).insert(tenant.clone(), days)
    }

    pub(super) fn forget_retention(&self, tenant: &TenantId) {
        lock(&self.retention).remove(tenant);
    }

    pub(super) fn add_job(&self, job: Job) {
        lock(&self.jobs).push_back(job);
        self.wake.notify_one();
    }

    pub(super) fn first_job(&self) -> Option<Job> {
        lock(&self.jobs).front().cloned()
    }

    pub(super) fn job_done(&self) {
        lock(&self.jobs).pop_front();
    }

    /// Whether batches go to the spool: ClickHouse is away, or some wait there already.
    pub(super) fn is_spooling(&self) -> bool {
        self.is_away.load(Ordering::SeqCst)
    }

    /// ClickHouse has failed; whether there is a spool to turn to.
    pub(super) fn turn_to_spool(&self, reason: &str) -> bool {
        if self.spool.is_none() {
            return false;
        }
        if !self.is_away.swap(true, Ordering::SeqCst) {
            telemetry::alarm("spool");
            tracing::warn!(reason, "ClickHouse is away: batches go to the spool");
        }
        self.wake.notify_one();
        true
    }

    /// Nothing waits, and ClickHouse answers.
    pub(super) fn turn_back(&self) {
        if self.is_away.swap(false, Ordering::SeqCst) {
            tracing::info!("the spool is empty: batches go to ClickHouse");
        }
    }

    pub(super) fn check_open(&self) -> Result<(), StoreError> {
        if self.is_closed.load(Ordering::SeqCst) { Err(StoreError::Closed) } else { Ok(()) }
    }

    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
        self.wake.notify_one();
        self.closing.notify_one();
    }

    pub(super) fn show_spool(&self) {
        if let Some(spool) = &self.spool {
            let (batches, bytes) = spool.size();
            telemetry::spool(batches, bytes);
        }
    }
}

/// Reserves numbers after `used`: the last that was taken, and the last that is ours.
fn reserve_after(ledger: &dyn Ledger, used: u64) -> Result<(u64, u64), StoreError> {
    let mut last = ledger.reserve(RESERVED_AHEAD)?;
    while last < used {
        // The catalogue is new, or older than the tables: it catches up.
        ledger.reserve(used.saturating_sub(last))?;
        last = ledger.reserve(RESERVED_AHEAD)?;
    }
    Ok((last, last.saturating_add(RESERVED_AHEAD)))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
