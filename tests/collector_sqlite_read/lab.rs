//! A store whose segments are small, so that a test has many of them.

use std::sync::Arc;

use wafpass::collector::query::{Cursor, Page, PageQuery};
use wafpass::collector::store::Store;
use wafpass::collector::store::sqlite::{SqliteOptions, SqliteStore};
use wafpass::collector::{EventTime, StoredEvent};

use crate::support::events::{DAY, MIDNIGHT, acme};
use crate::support::ledger::MemoryLedger;

pub(crate) struct Lab {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) ledger: Arc<MemoryLedger>,
    pub(crate) store: SqliteStore,
}

impl Lab {
    pub(crate) fn new(segment_rows: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Arc::new(MemoryLedger::default());
        let mut options = SqliteOptions::default();
        options.segment_rows = segment_rows;
        let store = SqliteStore::open_with(folder.path(), ledger.clone(), options).unwrap();
        Self { folder, ledger, store }
    }

    /// Ends all days: every segment has its indexes, and every day its lists.
    pub(crate) async fn close_days(&self) {
        self.store.maintain(EventTime(MIDNIGHT.0 + 10 * DAY)).await.unwrap();
    }

    pub(crate) async fn page(&self, query: &PageQuery) -> Page {
        self.store.page(&acme(), query.clone()).await.unwrap()
    }

    /// All pages of a query, by the text of their cursors.
    pub(crate) async fn follow(&self, query: &PageQuery) -> Vec<Page> {
        let mut query = query.clone();
        let mut pages: Vec<Page> = Vec::new();
        loop {
            let page = self.page(&query).await;
            let is_cut = page.events.len() < query.limit && page.next.is_some();
            assert_eq!(page.scanned_until.is_some(), is_cut, "a short page says how far it looked");
            if let (Some(before), Some(next)) = (&query.after, &page.next) {
                assert!((next.at, next.id) < (before.at, before.id), "a page moves on");
            }
            query.after =
                page.next.as_ref().map(|next| Cursor::from_text(&next.to_text()).unwrap());
            pages.push(page);
            if query.after.is_none() {
                return pages;
            }
        }
    }
}

pub(crate) fn events(pages: &[Page]) -> Vec<StoredEvent> {
    pages.iter().flat_map(|page| page.events.clone()).collect()
}
