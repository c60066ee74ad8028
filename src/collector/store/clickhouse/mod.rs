//! Events in ClickHouse.
