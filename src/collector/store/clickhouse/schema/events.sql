CREATE TABLE IF NOT EXISTS events
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
ENGINE = MergeTree
PARTITION BY toDate(at)
ORDER BY (tenant, at, id)
TTL expire_at DELETE
SETTINGS
    ttl_only_drop_parts = 1,
    -- What an INSERT has answered is on the disk.
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    -- A repeated INSERT of the same token is none: tokens of the last so many blocks are kept.
    non_replicated_deduplication_window = 10000
