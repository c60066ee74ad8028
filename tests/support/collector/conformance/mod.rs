//! What every `Store` promises, checked for each of them alike.
//!
//! A test file names its [`Lab`] and calls `conformance!(ItsLab)`, and `durability!(ItsLab)` where the data
//! outlast the store. Nothing here sleeps to be right: waiting ends as soon as what it waits for is there.

pub(crate) mod batches;
pub(crate) mod counts;
pub(crate) mod deletes;
pub(crate) mod durable;
pub(crate) mod filters;
pub(crate) mod fresh;
pub(crate) mod pages;
pub(crate) mod random;
pub(crate) mod tenants;

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use wafpass::collector::store::Store;

/// Data with a store on them.
pub(crate) trait Lab: Sized + Send + Sync + 'static {
    /// Random sequences of calls are divided by this, for a store whose calls take long.
    const FEWER_CASES: u32 = 1;

    /// A store on new, empty data, which knows the tenants `acme` and `globex`.
    fn new() -> impl Future<Output = Self> + Send;

    /// The store.
    fn store(&self) -> Arc<dyn Store>;

    /// Closes the store and opens it again on the same data.
    fn reopen(self) -> impl Future<Output = Self> + Send;

    /// Opens a store on the data as kill -9 would leave them now: the one before is not closed.
    fn crash(self) -> impl Future<Output = Self> + Send;
}

/// Every value for a store that answers at once; every fourth, in turn, for one that takes long.
pub(crate) struct Turns<L>(u32, PhantomData<L>);

impl<L: Lab> Turns<L> {
    pub(crate) fn new() -> Self {
        Self(0, PhantomData)
    }

    pub(crate) fn is_due(&mut self) -> bool {
        self.0 += 1;
        self.0.is_multiple_of(L::FEWER_CASES.min(4))
    }
}

macro_rules! promises {
    ($lab:ty: $($part:ident::$promise:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                crate::support::conformance::$part::$promise::<$lab>().await;
            }
        )*
    };
}

/// The promises of a store while it lives.
macro_rules! conformance {
    ($lab:ty) => {
        promises! { $lab:
            batches::nothing_is_visible_before_the_commit_and_all_after_it
            batches::every_part_of_an_event_comes_back
            batches::a_batch_given_up_leaves_nothing
            batches::what_is_stored_already_is_counted_as_repeated
            batches::the_same_id_at_another_moment_is_another_event
            batches::events_of_a_batch_under_way_conflict
            batches::after_a_failed_write_a_batch_can_only_be_given_up
            batches::a_batch_that_is_not_under_way_is_refused
            batches::an_empty_batch_is_committed
            batches::so_many_batches_may_be_open_and_no_more
            batches::many_batches_at_once_are_all_stored
            batches::commits_are_announced
            batches::a_closed_store_says_so
            pages::newest_first_and_the_greater_id_first
            pages::of_any_size_hold_everything_once
            pages::a_range_holds_its_first_moment_and_not_its_last
            pages::stay_as_they_were_when_events_come_in
            pages::hold_no_batch_that_was_open_at_the_first
            pages::end_cleanly_where_events_were_deleted
            pages::end_cleanly_where_days_expired
            pages::a_budget_ends_a_page_and_not_the_paging
            pages::an_event_is_found_by_its_id
            filters::every_field_by_its_values
            filters::every_text_by_prefix
            filters::every_text_by_wildcard
            filters::addresses_by_network
            filters::by_door_and_by_matched_data
            filters::all_conditions_at_once
            filters::values_that_a_field_cannot_have_equal_nothing
            filters::nothing_in_a_value_is_taken_for_sql
            counts::a_histogram_of_every_interval
            counts::a_histogram_by_every_field
            counts::values_beyond_the_groups_are_added_up
            counts::edges_that_cut_a_bucket_count_what_is_inside
            counts::an_empty_range_has_no_bucket
            counts::histograms_see_what_pages_see
            counts::filtered_histograms
            counts::the_most_frequent_values_of_every_field
            counts::closed_days_know_their_most_frequent_values
            counts::a_budget_ends_a_count_and_says_where
            fresh::what_came_in_since
            fresh::batches_that_were_open_are_fresh_when_they_commit
            fresh::of_too_many_the_newest_are_given
            deletes::a_time_range
            deletes::counts_follow
            deletes::batches_under_way_are_spared
            deletes::what_was_deleted_can_be_stored_again
            deletes::whole_days_that_are_over_expire
            deletes::all_of_a_tenant
            tenants::the_same_ids_are_different_events
            tenants::no_answer_holds_anything_of_another
            tenants::deletes_touch_no_other
            tenants::stored_bytes_are_each_tenants_own
            random::any_order_of_calls
        }
    };
}

/// The promises of a store whose data outlast it.
macro_rules! durability {
    ($lab:ty) => {
        promises! { $lab:
            durable::what_was_committed_is_there_when_it_is_opened_again
            durable::what_was_not_committed_is_gone_when_it_is_opened_again
            durable::numbers_go_on_after_it_is_opened_again
            durable::a_cursor_outlives_the_store
            durable::maintenance_changes_no_answer
            batches::a_batch_of_many_chunks_over_many_days_is_one
            random::any_order_of_calls_and_reopenings
        }
    };
}
