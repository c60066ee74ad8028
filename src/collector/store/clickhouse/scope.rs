//! Whose events a query sees, and of which batches: the one place that says so.

use super::node::Node;
use super::sql::{Sql, Value};
use crate::collector::TenantId;
use crate::collector::query::{Snapshot, TimeRange};

/// What bounds every query: a tenant, a time, what is visible.
#[derive(Clone, Debug)]
pub(super) struct Scope<'q> {
    pub(super) tenant: &'q TenantId,
    pub(super) range: TimeRange,
    pub(super) snapshot: &'q Snapshot,
    pub(super) node: Node,
}

impl Scope<'_> {
    /// Adds `WHERE` with all of that.
    pub(super) fn push(&self, sql: &mut Sql) {
        self.push_place(sql);
        sql.push(" AND batch IN (SELECT batch FROM batch_log WHERE state = 1 AND tenant = ");
        sql.bind(Value::Text(self.tenant.to_string()));
        sql.push(" AND max_at >= ")
            .time(self.range.from)
            .push(" AND min_at < ")
            .time(self.range.until)
            .push(")");
        self.push_snapshot(sql);
    }

    /// Adds `WHERE` with tenant and time only.
    pub(super) fn push_place(&self, sql: &mut Sql) {
        sql.push("WHERE tenant = ").bind(Value::Text(self.tenant.to_string()));
        sql.push(" AND at >= ").time(self.range.from).push(" AND at < ").time(self.range.until);
    }

    /// Adds that a batch of this node is part of the snapshot. The batches of others are visible from
    /// their commit on.
    pub(super) fn push_snapshot(&self, sql: &mut Sql) {
        let Snapshot { last, pending } = self.snapshot;
        sql.push(" AND (batch < ").bind(Value::Unsigned(self.node.first()));
        sql.push(" OR batch > ").bind(Value::Unsigned(self.node.last()));
        sql.push(" OR (batch <= ").bind(Value::Unsigned(*last));
        if !pending.is_empty() {
            sql.push(" AND batch NOT IN ").bind(Value::Numbers(pending.clone()));
        }
        sql.push("))");
    }
}

/// What both of them see: a cursor's text comes from a client, who may have made it up.
pub(super) fn both(asked: &Snapshot, now: &Snapshot) -> Snapshot {
    let mut pending: Vec<u64> = asked.pending.iter().chain(&now.pending).copied().collect();
    pending.sort_unstable();
    pending.dedup();
    Snapshot { last: asked.last.min(now.last), pending }
}
