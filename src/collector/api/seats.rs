//! Answers that last: how many of them a tenant may have at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;

use super::Problem;
use crate::collector::TenantId;
use crate::collector::limits::{MAX_EXPORTS_PER_TENANT, MAX_TAILS_PER_TENANT};

/// What lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Lasting {
    /// A live tail.
    Tail,
    /// An export.
    Export,
}

impl Lasting {
    const fn most(self) -> usize {
        match self {
            Self::Tail => MAX_TAILS_PER_TENANT,
            Self::Export => MAX_EXPORTS_PER_TENANT,
        }
    }
}

/// The seats that are taken. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seats(Arc<Mutex<Taken>>);

type Taken = HashMap<(TenantId, Lasting), usize>;

impl Seats {
    /// A seat, until it is dropped.
    pub(crate) fn take(&self, tenant: &TenantId, what: Lasting) -> Result<Seat, Problem> {
        let mut all = self.all();
        let taken = all.entry((tenant.clone(), what)).or_default();
        if *taken >= what.most() {
            return Err(full(what));
        }
        *taken += 1;
        Ok(Seat { seats: self.clone(), whose: (tenant.clone(), what) })
    }

    fn all(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of a tenant's seats.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Seats,
    whose: (TenantId, Lasting),
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut all = self.seats.all();
        if let Some(taken) = all.get_mut(&self.whose) {
            *taken = taken.saturating_sub(1);
            if *taken == 0 {
                all.remove(&self.whose);
            }
        }
    }
}

fn full(what: Lasting) -> Problem {
    let (title, most) = match what {
        Lasting::Tail => ("too many live tails", what.most()),
        Lasting::Export => ("too many exports at once", what.most()),
    };
    let detail = format!("this tenant has {most} open already\nclose one, or wait for one to end");
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-streams", title, detail).retry_after(5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_is_free_again_once_it_is_dropped() {
        let (seats, ours, theirs) =
            (Seats::default(), TenantId::new("ours").unwrap(), TenantId::new("theirs").unwrap());
        let mut taken: Vec<_> = (0..MAX_EXPORTS_PER_TENANT)
            .map(|_| seats.take(&ours, Lasting::Export).unwrap())
            .collect();
        assert_eq!(seats.take(&ours, Lasting::Export).unwrap_err().status, 429);
        assert!(seats.take(&theirs, Lasting::Export).is_ok(), "another tenant's seats are its own");
        assert!(seats.take(&ours, Lasting::Tail).is_ok());
        taken.pop();
        taken.push(seats.take(&ours, Lasting::Export).unwrap());
        drop(taken);
        assert!(seats.all().is_empty());
    }
}
