//! Events in SQLite: a file for each tenant and day.
