CREATE TABLE IF NOT EXISTS retention
(
    tenant String,
    days UInt32,
    set_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(set_at)
ORDER BY tenant
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
