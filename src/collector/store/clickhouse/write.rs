//! Batches from their beginning to their commit, by either of two ways: to ClickHouse, or to the spool.

use std::sync::Arc;

use super::chunk::Target;
use super::inner::{Inner, Job, Open, Route};
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
    if written.is_err() {
        drop(open);
        abort(inner, batch);
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
        let direct = Target::new(open.tenant.clone(), batch.0, 0);
        open.route = if inner.is_spooling() {
            Route::Spool(spool_writer(inner, batch, &open.tenant).await?)
        } else {
            Route::Direct(direct)
        };
    }
    match &mut open.route {
        Route::Undecided => Err(StoreError::NoSuchBatch),
        Route::Spool(writer) => spool_events(inner, writer, events).await,
        Route::Direct(target) => match target.store(inner, &events).await {
            Err(StoreError::Unavailable { reason }) if inner.turn_to_spool(&reason) => {
                if target.entry.rows > 0 {
                    // Part of it is there already. The sender brings it again, and it goes to the spool.
                    return Err(StoreError::Unavailable { reason });
                }
                give_up(inner, target);
                let mut writer = spool_writer(inner, batch, &open.tenant).await?;
                let written = spool_events(inner, &mut writer, events).await;
                open.route = Route::Spool(writer);
                written
            }
            other => other,
        },
    }
}

pub(super) async fn commit(
    inner: &Arc<Inner>,
    batch: BatchId,
    record: BatchRecord,
) -> Result<(), StoreError> {
    inner.check_open()?;
    let open = inner.open(batch)?;
    let mut open = open.lock().await;
    let started = monotonic();
    if let Route::Spool(writer) = &mut open.route {
        seal(inner, writer).await?;
    }
    let ledger = inner.ledger.clone();
    blocking(move || ledger.record(&[(batch, record)])).await?;
    // From here on it is committed, whatever happens.
    inner.take_open(batch);
    match std::mem::replace(&mut open.route, Route::Undecided) {
        Route::Undecided => inner.visibility.show([batch]),
        Route::Spool(writer) => {
            if let Some(spool) = &inner.spool {
                spool.keep(writer);
            }
            // It becomes visible under another number: this one has no rows.
            inner.visibility.forget(batch);
            inner.wake.notify_one();
            inner.show_spool();
        }
        Route::Direct(target) => finish(inner, target).await,
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
    // Nobody else has it now but a `write` that was dropped half way, whose rows may still arrive.
    match Arc::try_unwrap(open).map(tokio::sync::Mutex::into_inner) {
        Ok(Open { route: Route::Direct(target), .. }) => give_up(inner, &target),
        Ok(Open { route: Route::Spool(writer), .. }) => {
            if let Some(spool) = &inner.spool {
                spool.drop_writer(&writer);
            }
        }
        Ok(_) => {}
        Err(shared) => {
            if let Ok(open) = shared.try_lock() {
                match &open.route {
                    Route::Direct(target) => give_up(inner, target),
                    Route::Spool(writer) => {
                        if let Some(spool) = &inner.spool {
                            spool.drop_writer(writer);
                        }
                    }
                    Route::Undecided => {}
                }
            }
        }
    }
    // Without a commit in the log, no query sees its rows: the number need not wait until they are gone.
    inner.visibility.forget(batch);
}

fn give_up(inner: &Inner, target: &Target) {
    if target.is_known_there() {
        inner.add_job(Job::GiveUp { entry: target.entry.clone(), has_rows: target.has_rows });
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

async fn spool_writer(inner: &Inner, batch: BatchId, tenant: &TenantId) -> Result<Writer, StoreError> {
    let (spool, tenant) = (spool(inner)?, tenant.clone());
    blocking(move || spool.begin(batch, &tenant)).await
}

/// Repeats are found when the batch goes on to ClickHouse; until then all count as stored.
async fn spool_events(
    inner: &Inner,
    writer: &mut Writer,
    events: Vec<NewEvent>,
) -> Result<Written, StoreError> {
    let spool = spool(inner)?;
    let stored = u64::try_from(events.len()).unwrap_or(u64::MAX);
    with_writer(writer, move |writer| spool.write(writer, &events)).await?;
    Ok(Written { stored, repeated: 0 })
}

async fn seal(inner: &Inner, writer: &mut Writer) -> Result<(), StoreError> {
    let spool = spool(inner)?;
    with_writer(writer, move |writer| spool.seal(writer)).await
}

fn spool(inner: &Inner) -> Result<Arc<Spool>, StoreError> {
    inner.spool.clone().ok_or_else(|| StoreError::Unavailable { reason: "there is no spool".to_owned() })
}

/// Lends the writer to a thread that may wait for the disk.
async fn with_writer<T: Send + 'static>(
    writer: &mut Writer,
    act: impl FnOnce(&mut Writer) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let mut lent = writer.lend();
    let (lent, result) = blocking(move || {
        let result = act(&mut lent);
        Ok((lent, result))
    })
    .await?;
    *writer = lent;
    result
}

/// Runs on a thread that may wait.
pub(super) async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let result = tokio::task::spawn_blocking(act).await;
    result.unwrap_or_else(|_| Err(StoreError::Failed { reason: "a thread ended early".to_owned() }))
}
