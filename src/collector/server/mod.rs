//! Listening, limits on connections, shutdown.
