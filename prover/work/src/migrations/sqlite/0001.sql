-- Version 1. Times are milliseconds since 1970 by SQLite's clock.
CREATE TABLE tasks (
    id            INTEGER PRIMARY KEY,
    key           BLOB    NOT NULL UNIQUE CHECK (length(key) = 32),
    vk_id         BLOB    NOT NULL CHECK (length(vk_id) = 32),
    chain_id      INTEGER NOT NULL,
    batch_number  INTEGER NOT NULL,
    bundle        BLOB    NOT NULL CHECK (length(bundle) = 32),
    memory        INTEGER NOT NULL,
    deadline      INTEGER NOT NULL,
    max_attempts  INTEGER NOT NULL CHECK (max_attempts >= 1),
    state         TEXT    NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'leased', 'done', 'dead')),
    attempts      INTEGER NOT NULL DEFAULT 0,
    lapses        INTEGER NOT NULL DEFAULT 0,
    epoch         INTEGER NOT NULL DEFAULT 0,
    worker        TEXT,
    not_before    INTEGER NOT NULL DEFAULT 0,
    lease_until   INTEGER,
    claimed_at    INTEGER,
    result        BLOB CHECK (length(result) = 32),
    result_worker TEXT,
    error         TEXT,
    milliseconds  INTEGER,
    CHECK ((state = 'leased') = (lease_until IS NOT NULL)),
    CHECK ((state = 'done') = (result IS NOT NULL))
) STRICT;

-- Claims walk it from its front.
CREATE INDEX open_tasks ON tasks (deadline, id) WHERE state IN ('queued', 'leased');
CREATE INDEX tasks_by_state ON tasks (state, deadline, id);

CREATE TABLE workers (
    name       TEXT    PRIMARY KEY,
    seen       INTEGER NOT NULL,
    completed  INTEGER NOT NULL DEFAULT 0,
    quarantine TEXT
) STRICT;
