CREATE TABLE IF NOT EXISTS batch_log
(
    -- 0: rows may come. 1: committed, they are visible. 2: given up, they never are.
    state UInt8,
    tenant LowCardinality(String),
    batch UInt64,
    -- The number under which the batch was acknowledged, when it waited in the spool.
    spooled_as UInt64,
    rows UInt64,
    min_at DateTime64(9, 'UTC'),
    max_at DateTime64(9, 'UTC'),
    written_at DateTime64(3, 'UTC'),
    expire_at DateTime('UTC')
)
ENGINE = MergeTree
ORDER BY (state, tenant, batch)
TTL expire_at DELETE
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 10000
