-- The collector's tables on a ClickHouse cluster: replicated, and to be read over all shards.
-- Run it in the collector's database, by clickhouse-client, before the collector comes for the first time.
-- The server fills in what stands in braces: its macros cluster, shard and replica.
-- The syntax is tested on the real engine. A cluster is not: try it before you rely on it.

CREATE TABLE IF NOT EXISTS schema_version ON CLUSTER '{cluster}'
(
    version UInt32,
    written_at DateTime64(3, 'UTC')
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/schema_version', '{replica}')
ORDER BY version
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS events ON CLUSTER '{cluster}'
(
    -- Whose event, when, which, and the batch that brought it.
    tenant LowCardinality(String),
    at DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    -- A hash: nothing makes it smaller.
    id FixedString(16) CODEC(NONE),
    batch UInt64 CODEC(Delta(8), ZSTD(1)),
    intake UInt8,
    flags UInt32 CODEC(ZSTD(1)),
    bytes UInt32 CODEC(ZSTD(1)),
    expire_at DateTime('UTC') CODEC(Delta(4), ZSTD(1)),

    datetime String CODEC(ZSTD(1)),
    rest String CODEC(ZSTD(1)),
    metadata String CODEC(ZSTD(1)),
    -- Raw bytes, not base64. Ciphertext does not compress either.
    blob Nullable(String) CODEC(NONE),
    blob_text Nullable(String) CODEC(ZSTD(1)),
    sealed_request Nullable(String) CODEC(NONE),

    action LowCardinality(Nullable(String)),
    rule_id LowCardinality(Nullable(String)),
    source LowCardinality(Nullable(String)),
    kind LowCardinality(Nullable(String)),
    ray_id Nullable(String) CODEC(ZSTD(1)),
    match_index Nullable(UInt32) CODEC(ZSTD(1)),
    ref LowCardinality(Nullable(String)),
    description LowCardinality(Nullable(String)),
    client_ip Nullable(IPv6) CODEC(ZSTD(1)),
    client_ip_class LowCardinality(Nullable(String)),
    client_country LowCardinality(Nullable(String)),
    client_asn Nullable(UInt32) CODEC(ZSTD(1)),
    client_asn_description LowCardinality(Nullable(String)),
    method LowCardinality(Nullable(String)),
    scheme LowCardinality(Nullable(String)),
    protocol LowCardinality(Nullable(String)),
    host LowCardinality(Nullable(String)),
    path Nullable(String) CODEC(ZSTD(1)),
    query Nullable(String) CODEC(ZSTD(1)),
    user_agent Nullable(String) CODEC(ZSTD(1)),
    referer_scheme LowCardinality(Nullable(String)),
    referer_host LowCardinality(Nullable(String)),
    referer_path Nullable(String) CODEC(ZSTD(1)),
    referer_query Nullable(String) CODEC(ZSTD(1)),
    edge_colo_code LowCardinality(Nullable(String)),
    edge_response_status Nullable(UInt32) CODEC(ZSTD(1)),
    origin_response_status Nullable(UInt32) CODEC(ZSTD(1)),
    originator_ray_id Nullable(String) CODEC(ZSTD(1)),
    key_id LowCardinality(Nullable(String)),

    INDEX by_id id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_ray ray_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_client_ip client_ip TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_batch batch TYPE minmax GRANULARITY 1
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/events', '{replica}')
PARTITION BY toDate(at)
ORDER BY (tenant, at, id)
TTL expire_at DELETE
SETTINGS
    ttl_only_drop_parts = 1,
    -- What an INSERT has answered is on the disk.
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    -- A repeated INSERT of the same token is none: tokens of the last so many blocks are kept.
    replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS batch_log ON CLUSTER '{cluster}'
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
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/batch_log', '{replica}')
ORDER BY (state, tenant, batch)
TTL expire_at DELETE
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS retention ON CLUSTER '{cluster}'
(
    tenant String,
    days UInt32,
    set_at DateTime64(3, 'UTC')
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/retention', '{replica}', set_at)
ORDER BY tenant
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS events_of_all_shards ON CLUSTER '{cluster}' AS events
ENGINE = Distributed('{cluster}', currentDatabase(), 'events', cityHash64(tenant));

CREATE TABLE IF NOT EXISTS batch_log_of_all_shards ON CLUSTER '{cluster}' AS batch_log
ENGINE = Distributed('{cluster}', currentDatabase(), 'batch_log', cityHash64(tenant));
