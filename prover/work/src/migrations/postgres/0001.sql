-- Version 1. Times are milliseconds since 1970 by the database's clock. No table is unlogged: what was told to be done is done after a crash.
CREATE TABLE schema_version (version bigint NOT NULL);
INSERT INTO schema_version VALUES (0);

CREATE TABLE tasks (
    id            bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key           bytea   NOT NULL UNIQUE CHECK (length(key) = 32),
    vk_id         bytea   NOT NULL CHECK (length(vk_id) = 32),
    chain_id      bigint  NOT NULL,
    batch_number  bigint  NOT NULL,
    bundle        bytea   NOT NULL CHECK (length(bundle) = 32),
    memory        bigint  NOT NULL,
    deadline      bigint  NOT NULL,
    max_attempts  bigint  NOT NULL CHECK (max_attempts >= 1),
    state         text    NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'leased', 'done', 'dead')),
    attempts      bigint  NOT NULL DEFAULT 0,
    lapses        bigint  NOT NULL DEFAULT 0,
    epoch         bigint  NOT NULL DEFAULT 0,
    worker        text,
    not_before    bigint  NOT NULL DEFAULT 0,
    lease_until   bigint,
    claimed_at    bigint,
    result        bytea CHECK (length(result) = 32),
    result_worker text,
    error         text,
    milliseconds  bigint,
    CHECK ((state = 'leased') = (lease_until IS NOT NULL)),
    CHECK ((state = 'done') = (result IS NOT NULL))
);

-- Claims walk it from its front.
CREATE INDEX open_tasks ON tasks (deadline, id) WHERE state IN ('queued', 'leased');
CREATE INDEX tasks_by_state ON tasks (state, deadline, id);

CREATE TABLE workers (
    name       text   PRIMARY KEY,
    seen       bigint NOT NULL,
    completed  bigint NOT NULL DEFAULT 0,
    quarantine text
);
