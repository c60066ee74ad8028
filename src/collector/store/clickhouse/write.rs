//! Batches from their beginning to their commit, by either of two ways: to ClickHouse, or to the spool.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::chunk::Target;
use super::inner::{Inner, Job, Number, Open, Route, SharedWriter};
use super::log::State;
use super::spool::{Spool, Writer};
use super::sql::Sql;
use crate::clock::monotonic;
use crate::collector::catalogue::BatchRecord;
use crate::collector::store::{BatchId, StoreError, Written};
use crate::collector::{NewEvent, TenantId, telemetry};

pub(super) fn begin(inner: &Inner, tenant: &TenantId) -> Result<BatchId, StoreError> {
    inner.check_open()?;
    let batch = inner.next_batch()?;
    inner.add_open(batch, tenant);
    Ok(batch)
}

pub(super) async fn write(
    inner: &Inner,
    batch: BatchId,
    events: Vec<NewEvent>,
) -> Result<Written, StoreError> {
    inner.check_open()?;
    let open = inner.open(batch)?;
    let mut open = open.lock().await;
    let written = write_on(inner, batch, &mut open, events).await;
    if written.is_err() || inner.open(batch).is_err() {
        // It failed, or was given up meanwhile.
        inner.take_open(batch);
        leave(inner, batch, &mut open);
        return written.and(Err(StoreError::NoSuchBatch));
    }
    written
}

async fn write_on(
    inner: &Inner,
    batch: BatchId,
    open: &mut Open,
    events: Vec<NewEvent>,
) -> Result<Written, StoreError> {
    if matches!(open.route, Route::Undecided) {
        open.route = if inner.is_spooling() {
            spool_writer(inner, batch, &open.tenant).await?
        } else {
            Route::Direct(Target::new(open.tenant.clone(), batch.0, 0))
        };
    }
    let Route::Direct(target) = &mut open.route else {
        return to_spool(inner, &open.route, events).await;
    };
    let written = target.store(inner, &events).await;
    let Err(StoreError::Unavailable { reason }) = written else { return written };
    if !inner.turn_to_spool(&reason) || target.entry.rows > 0 {
        // Where part of it is there already, the sender brings it again, and all of it goes to the spool.
        return Err(StoreError::Unavailable { reason });
    }
    give_up(inner, target, Number::GoesOn);
    open.route = spool_writer(inner, batch, &open.tenant).await?;
    to_spool(inner, &open.route, events).await
}

pub(super) async fn commit(
    inner: &Arc<Inner>,
    batch: BatchId,
    record: BatchRecord,
) -> Result<(), StoreError> {
    inner.check_open()?;
    // A task of its own: what the ledger has is shown, also where nobody waits for the answer any more.
    let task = tokio::spawn(commit_to_the_end(inner.clone(), batch, record));
    task.await.unwrap_or_else(|_| Err(ended_early()))
}

async fn commit_to_the_end(
    inner: Arc<Inner>,
    batch: BatchId,
    record: BatchRecord,
) -> Result<(), StoreError> {
    let open = inner.open(batch)?;
    let mut open = open.lock().await;
    let started = monotonic();
    if let Route::Spool(writer) = &open.route {
        with_writer(&inner, writer, Spool::seal).await?;
    }
    let ledger = inner.ledger.clone();
    blocking(move || ledger.record(&[(batch, record)])).await?;
    // From here on it is committed, whatever happens.
    inner.take_open(batch);
    match std::mem::replace(&mut open.route, Route::Undecided) {
        Route::Undecided => inner.visibility.show([batch]),
        Route::Spool(writer) => {
            with_writer(&inner, &writer, |spool, writer| {
                spool.keep(writer);
                Ok(())
            })
            .await?;
            // It becomes visible under another number: this one has no rows.
            inner.visibility.forget(batch);
            inner.wake.notify_one();
            inner.show_spool();
        }
        Route::Direct(target) => finish(&inner, target).await,
    }
    telemetry::commit(monotonic().saturating_duration_since(started).as_secs_f64());
    Ok(())
}

/// Writes the commit to the log, and shows the batch; later, if that cannot be done now.
async fn finish(inner: &Inner, target: Target) {
    let batch = BatchId(target.entry.batch);
    if target.is_known_there() {
        let written = target.entry.write(&inner.database, State::Committed, inner.now_ms()).await;
        if let Err(fault) = written {
            inner.turn_to_spool(&StoreError::from(fault).to_string());
            inner.add_job(Job::Finish(target.entry));
            return;
        }
    }
    inner.visibility.show([batch]);
}

pub(super) fn abort(inner: &Inner, batch: BatchId) {
    let Some(open) = inner.take_open(batch) else { return };
    // Where a `write` is under way, it finds the batch gone when it ends.
    if let Ok(mut open) = open.try_lock() {
        leave(inner, batch, &mut open);
    }
}

fn leave(inner: &Inner, batch: BatchId, open: &mut Open) {
    match std::mem::replace(&mut open.route, Route::Undecided) {
        Route::Undecided => inner.visibility.forget(batch),
        Route::Direct(target) => give_up(inner, &target, Number::Ends),
        Route::Spool(writer) => {
            if let Some(spool) = &inner.spool {
                spool.drop_writer(&lock(&writer));
            }
            inner.visibility.forget(batch);
        }
    }
}

/// Has what there is of a batch in ClickHouse deleted.
pub(super) fn give_up(inner: &Inner, target: &Target, number: Number) {
    let (entry, has_rows) = (target.entry.clone(), target.has_rows);
    if target.is_known_there() {
        inner.add_job(Job::GiveUp { entry, has_rows, number });
    } else if number == Number::Ends {
        inner.visibility.forget(BatchId(entry.batch));
    }
}

pub(super) async fn ready(inner: &Inner) -> Result<(), StoreError> {
    inner.check_open()?;
    if let Some(spool) = inner.spool.as_ref().filter(|_| inner.is_spooling()) {
        return if spool.has_room() { Ok(()) } else { Err(StoreError::Full) };
    }
    let answer = inner.database.one::<u8>(&Sql::new("SELECT 1")).await;
    match (answer, &inner.spool) {
        (Err(_), Some(spool)) if spool.has_room() => Ok(()),
        (answer, _) => Ok(answer.map(|_| ())?),
    }
}

async fn spool_writer(
    inner: &Inner,
    batch: BatchId,
    tenant: &TenantId,
) -> Result<Route, StoreError> {
    let (spool, tenant) = (spool(inner)?, tenant.clone());
    let writer = blocking(move || spool.begin(batch, &tenant)).await?;
    Ok(Route::Spool(Arc::new(Mutex::new(writer))))
}

/// Repeats are found when the batch goes on to ClickHouse; until then all count as stored.
async fn to_spool(
    inner: &Inner,
    route: &Route,
    events: Vec<NewEvent>,
) -> Result<Written, StoreError> {
    let Route::Spool(writer) = route else { return Err(StoreError::NoSuchBatch) };
    let stored = u64::try_from(events.len()).unwrap_or(u64::MAX);
    with_writer(inner, writer, move |spool, writer| spool.write(writer, &events)).await?;
    Ok(Written { stored, repeated: 0 })
}

fn spool(inner: &Inner) -> Result<Arc<Spool>, StoreError> {
    inner
        .spool
        .clone()
        .ok_or_else(|| StoreError::Unavailable { reason: "there is no spool".to_owned() })
}

/// Works on the spool, on a thread that may wait for the disk.
async fn with_writer(
    inner: &Inner,
    writer: &SharedWriter,
    act: impl FnOnce(&Spool, &mut Writer) -> Result<(), StoreError> + Send + 'static,
) -> Result<(), StoreError> {
    let (spool, writer) = (spool(inner)?, writer.clone());
    blocking(move || act(&spool, &mut lock(&writer))).await
}

/// Runs on a thread that may wait.
pub(super) async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(act).await.unwrap_or_else(|_| Err(ended_early()))
}

fn ended_early() -> StoreError {
    StoreError::Failed { reason: "a task ended early".to_owned() }
}

fn lock(writer: &SharedWriter) -> MutexGuard<'_, Writer> {
    writer.lock().unwrap_or_else(PoisonError::into_inner)
}
