CREATE TABLE IF NOT EXISTS schema_version
(
    version UInt32,
    written_at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY version
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
