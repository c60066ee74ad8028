-- One row: the secret of the keyed hashes, batch numbers, and what tells processes that a cache is old.
CREATE TABLE book (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    event_key BLOB NOT NULL CHECK (length(event_key) = 32),
    made_ms INTEGER NOT NULL,
    -- Batch numbers up to this one may have been given out.
    reserved INTEGER NOT NULL DEFAULT 0,
    -- Counts the changes of tenants, tokens, settings and keys.
    generation INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE tenants (
    tenant TEXT PRIMARY KEY,
    created_ms INTEGER NOT NULL,
    settings TEXT NOT NULL,
    -- Set when it is to go: no credential of it counts from here on.
    closing_ms INTEGER,
    -- Set when its events are gone. The row stays, so that its id is never another's.
    closed_ms INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    token TEXT PRIMARY KEY,
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    -- SHA-256 of 256 random bits.
    secret_hash BLOB NOT NULL CHECK (length(secret_hash) = 32),
    scopes INTEGER NOT NULL,
    name TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    revoked_ms INTEGER,
    -- To the hour.
    last_used_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_of ON tokens (tenant, created_ms);

CREATE TABLE keys (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    key_id BLOB NOT NULL CHECK (length(key_id) = 8),
    suite INTEGER NOT NULL,
    -- NULL once it turned out to be a private key that was registered by mistake.
    public_key BLOB,
    state INTEGER NOT NULL,
    proposed_ms INTEGER NOT NULL,
    PRIMARY KEY (tenant, key_id)
) STRICT, WITHOUT ROWID;
-- One key to seal with.
CREATE UNIQUE INDEX one_active_key ON keys (tenant) WHERE state = 4;

CREATE TABLE key_steps (
    step INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    key_id BLOB NOT NULL,
    state INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    -- The token's id, or the command line.
    actor TEXT NOT NULL
) STRICT;
CREATE INDEX key_steps_of ON key_steps (tenant, key_id, step);
CREATE TRIGGER key_steps_stay BEFORE UPDATE ON key_steps
BEGIN SELECT RAISE(ABORT, 'the history of keys is never changed'); END;
CREATE TRIGGER key_steps_never_go BEFORE DELETE ON key_steps
BEGIN SELECT RAISE(ABORT, 'the history of keys is never deleted'); END;

CREATE TABLE challenges (
    tenant TEXT NOT NULL,
    key_id BLOB NOT NULL,
    -- SHA-256 of the answer: who reads this file cannot answer.
    answer_hash BLOB NOT NULL CHECK (length(answer_hash) = 32),
    expires_ms INTEGER NOT NULL,
    attempts_left INTEGER NOT NULL,
    PRIMARY KEY (tenant, key_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE batches (
    batch INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    intake INTEGER NOT NULL,
    given_key TEXT,
    body_hash BLOB NOT NULL,
    received_ms INTEGER NOT NULL,
    stored INTEGER NOT NULL,
    repeated INTEGER NOT NULL,
    quarantined INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX batches_by_key ON batches (tenant, intake, given_key) WHERE given_key IS NOT NULL;
CREATE INDEX batches_by_content ON batches (tenant, intake, body_hash, received_ms);
CREATE INDEX batches_of ON batches (tenant, batch);
CREATE INDEX batches_by_age ON batches (received_ms);

-- Committed batches that are no longer listed: which numbers they had is never forgotten.
CREATE TABLE batch_ranges (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL CHECK (last >= first)
) STRICT;

CREATE TABLE quarantine (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    batch INTEGER NOT NULL,
    intake INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    line INTEGER NOT NULL,
    code TEXT NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;
CREATE INDEX quarantine_of ON quarantine (tenant, number);

CREATE TABLE quarantine_counts (
    tenant TEXT NOT NULL,
    code TEXT NOT NULL,
    lines INTEGER NOT NULL,
    PRIMARY KEY (tenant, code)
) STRICT, WITHOUT ROWID;
