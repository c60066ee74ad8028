//! What is done beside the requests: batches are finished or given up, and the spool is drained.

use std::sync::Arc;
use std::time::Duration;

use super::chunk::Target;
use super::client::Database;
use super::inner::{Inner, Job, Number};
use super::log::State;
use super::spool::{Next, Reader, Spool};
use super::sql::Sql;
use super::write::{blocking, give_up};
use super::{delete, settle};
use crate::collector::store::{BatchId, StoreError};
use crate::collector::telemetry;

/// Pauses between attempts, while ClickHouse is away.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(15);

/// Runs until the store is closed.
pub(super) async fn run(inner: Arc<Inner>, outside: Database, mut is_settled: bool) {
    let mut pause = FIRST_PAUSE;
    while inner.check_open().is_ok() {
        match work(&inner, &outside, &mut is_settled).await {
            Ok(()) => {
                pause = FIRST_PAUSE;
                inner.wake.notified().await;
            }
            Err(StoreError::Closed) => return,
            Err(error) => {
                let passes = matches!(
                    error,
                    StoreError::Unavailable { .. } | StoreError::Conflict | StoreError::Busy
                );
                if !passes {
                    telemetry::alarm("clickhouse");
                    tracing::error!(%error, "what waits for ClickHouse cannot go on");
                }
                let _ = tokio::time::timeout(pause, inner.closing.notified()).await;
                pause = pause.saturating_mul(2).min(LAST_PAUSE);
            }
        }
    }
}

/// Does all there is to do. An error means: later.
async fn work(inner: &Inner, outside: &Database, is_settled: &mut bool) -> Result<(), StoreError> {
    if !*is_settled {
        settle::database(inner, outside).await?;
        *is_settled = true;
    }
    loop {
        inner.check_open()?;
        // What was given up comes before what waits: both may hold the same events.
        if let Some(job) = inner.first_job() {
            finish(inner, job).await?;
            inner.job_done();
        } else if let Some((spool, batch)) = first(inner) {
            drain(inner, &spool, batch).await?;
            inner.show_spool();
        } else if inner.is_spooling() {
            inner.database.one::<u8>(&Sql::new("SELECT 1")).await?;
            inner.turn_back();
        } else {
            return Ok(());
        }
    }
}

fn first(inner: &Inner) -> Option<(Arc<Spool>, BatchId)> {
    let spool = inner.spool.clone()?;
    let batch = spool.first()?;
    Some((spool, batch))
}

async fn finish(inner: &Inner, job: Job) -> Result<(), StoreError> {
    match job {
        Job::Finish(entry) => {
            entry.write(&inner.database, State::Committed, inner.now_ms()).await?;
            inner.visibility.show([BatchId(entry.batch)]);
        }
        Job::GiveUp { entry, has_rows, number } => {
            entry.write(&inner.database, State::GivenUp, inner.now_ms()).await?;
            if has_rows {
                delete::batch(inner, &entry.tenant, entry.batch).await?;
            }
            if number == Number::Ends {
                inner.visibility.forget(BatchId(entry.batch));
            }
        }
    }
    Ok(())
}

/// Brings the batch that has waited longest to ClickHouse, under a number that begins now: so no cursor and no tail
/// has passed it by.
async fn drain(inner: &Inner, spool: &Arc<Spool>, batch: BatchId) -> Result<(), StoreError> {
    let _alone = inner.draining.lock().await;
    let Some(reader) = read(spool, batch).await? else { return set_aside(spool, batch) };
    let number = inner.next_batch()?;
    let mut target = Target::new(reader.tenant().clone(), number.0, batch.0);
    match store(inner, &mut target, reader).await {
        Ok(end) => {
            inner.visibility.show([number]);
            match end {
                End::Whole => spool.remove(batch).map_err(|error| failed(&error)),
                End::Damaged => set_aside(spool, batch),
            }
        }
        Err(error) => {
            give_up(inner, &target, Number::Ends);
            Err(error)
        }
    }
}

enum End {
    Whole,
    Damaged,
}

async fn store(inner: &Inner, target: &mut Target, mut reader: Reader) -> Result<End, StoreError> {
    loop {
        let (lent, next) = blocking(move || {
            let next = reader.next().map_err(|error| failed(&error))?;
            Ok((reader, next))
        })
        .await?;
        reader = lent;
        let end = match next {
            Next::Events(events) => {
                target.store(inner, &events).await?;
                continue;
            }
            Next::End => End::Whole,
            // What is whole of it is stored.
            Next::Damaged => End::Damaged,
        };
        if target.is_known_there() {
            target.entry.write(&inner.database, State::Committed, inner.now_ms()).await?;
        }
        return Ok(end);
    }
}

async fn read(spool: &Arc<Spool>, batch: BatchId) -> Result<Option<Reader>, StoreError> {
    let spool = spool.clone();
    blocking(move || spool.read(batch).map_err(|error| failed(&error))).await
}

fn set_aside(spool: &Spool, batch: BatchId) -> Result<(), StoreError> {
    telemetry::alarm("spool-damaged");
    tracing::error!(batch = batch.0, "a batch in the spool is damaged: see its folder `damaged`");
    spool.set_aside(batch).map_err(|error| failed(&error))
}

fn failed(error: &std::io::Error) -> StoreError {
    StoreError::Failed { reason: format!("the spool cannot be read: {error}") }
}
