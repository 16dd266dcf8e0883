-- Version 3: what each worker did with a task that it did not prove, and results that came after another one.
-- While a task has a result of somebody else: until when the worker that has it may still go on with it.
ALTER TABLE tasks ADD COLUMN held_until INTEGER;

CREATE TABLE tries (
    task       INTEGER NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    party      TEXT    NOT NULL,
    claims     INTEGER NOT NULL DEFAULT 0,
    failures   INTEGER NOT NULL DEFAULT 0,
    -- It says that the task fails whoever tries.
    certain    INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (task, party)
) STRICT;

-- One for each worker: the first result may be rejected.
CREATE TABLE spares (
    id           INTEGER PRIMARY KEY,
    task         INTEGER NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    party        TEXT    NOT NULL,
    result       BLOB    NOT NULL CHECK (length(result) = 32),
    milliseconds INTEGER,
    threads      INTEGER,
    peak_bytes   INTEGER,
    UNIQUE (task, party)
) STRICT;
