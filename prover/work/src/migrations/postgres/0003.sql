-- Version 3: workers write no table. They act through functions with the owner's rights, which hold each of them to its own leases, and believe of a
-- failure no more than one worker can know.
--
-- A party answers for what workers do: the login, for logins that are only workers; for the owner's and planners' logins, which may do anything, the name that
-- the worker gives itself. A login's workers are named LOGIN or LOGIN/NAME, so none passes for another's.

-- While a task has a result of somebody else: until when the worker that has it may still go on with it.
ALTER TABLE tasks ADD COLUMN held_until bigint;
-- Of a worker whose login is not trusted.
ALTER TABLE workers ADD COLUMN login text;
CREATE INDEX workers_by_login ON workers (login) WHERE login IS NOT NULL;

-- What a party did with a task that it did not prove.
CREATE TABLE tries (
    task       bigint  NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    party      text    NOT NULL,
    claims     bigint  NOT NULL DEFAULT 0,
    failures   bigint  NOT NULL DEFAULT 0,
    -- It says that the task fails whoever tries.
    certain    boolean NOT NULL DEFAULT false,
    not_before bigint  NOT NULL DEFAULT 0,
    PRIMARY KEY (task, party)
);

-- Results that came after another one: the first may be rejected. One for each party.
CREATE TABLE spares (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task         bigint NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    party        text   NOT NULL,
    worker       text   NOT NULL,
    result       bytea  NOT NULL CHECK (length(result) = 32),
    milliseconds bigint,
    threads      bigint,
    peak_bytes   bigint,
    UNIQUE (task, party)
);

-- The login of the session, if it is a worker's and no more; null for one that may write the tables.
CREATE FUNCTION tapstone_login() RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF pg_has_role(session_user, (SELECT relowner FROM pg_class WHERE oid = 'tasks'::regclass), 'MEMBER') THEN
        RETURN NULL;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tapstone_planner') THEN
        IF pg_has_role(session_user, 'tapstone_planner', 'MEMBER') THEN
            RETURN NULL;
        END IF;
    END IF;
    IF position('/' IN session_user::text) > 0 THEN
        RAISE EXCEPTION 'the login of a worker may hold no slash';
    END IF;
    RETURN session_user::text;
END $$;

-- Notes that a worker was heard of, and locks it. Who it is, and why it is in quarantine if it is: a login's workers share it.
CREATE FUNCTION tapstone_enter(told text, OUT me text, OUT my_party text, OUT my_login text, OUT confined text)
LANGUAGE plpgsql AS $$
DECLARE now_ms bigint := (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
BEGIN
    IF told IS NULL OR octet_length(told) NOT BETWEEN 1 AND 256 OR told ~ '[[:cntrl:]]' THEN
        RAISE EXCEPTION 'no name of a worker';
    END IF;
    my_login := tapstone_login();
    me := told;
    IF my_login IS NOT NULL AND told <> my_login AND NOT starts_with(told, my_login || '/') THEN
        me := my_login || '/' || told;
    END IF;
    my_party := coalesce(my_login, me);
    IF my_login IS NOT NULL AND NOT EXISTS (SELECT FROM workers w WHERE w.name = me) THEN
        -- A worker that is started again has another name; of one login so many are remembered.
        DELETE FROM workers w WHERE w.login = my_login AND w.quarantine IS NULL
            AND w.name NOT IN (SELECT l.name FROM workers l WHERE l.login = my_login ORDER BY l.seen DESC LIMIT 63);
    END IF;
    INSERT INTO workers AS w (name, login, seen) VALUES (me, my_login, now_ms)
        ON CONFLICT (name) DO UPDATE SET seen = excluded.seen, login = coalesce(excluded.login, w.login);
    SELECT w.quarantine INTO confined FROM workers w
        WHERE w.quarantine IS NOT NULL AND (w.name = me OR w.name = my_login OR starts_with(w.name, my_login || '/')) LIMIT 1;
END $$;

-- Gives a worker's party nothing more, and what it has to others.
CREATE FUNCTION tapstone_confine(whom text, reason text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    now_ms    bigint := (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
    its_login text;
BEGIN
    INSERT INTO workers AS w (name, seen, quarantine) VALUES (whom, now_ms, left(reason, 4096))
        ON CONFLICT (name) DO UPDATE SET quarantine = excluded.quarantine RETURNING w.login INTO its_login;
    UPDATE tasks t SET state = 'queued', lease_until = NULL WHERE t.state = 'leased'
        AND (t.worker = whom OR t.worker IN (SELECT w.name FROM workers w WHERE w.login = coalesce(its_login, whom)));
    UPDATE tasks t SET held_until = NULL WHERE t.state = 'done' AND t.held_until IS NOT NULL
        AND (t.worker = whom OR t.worker IN (SELECT w.name FROM workers w WHERE w.login = coalesce(its_login, whom)));
    DELETE FROM spares s WHERE s.party = coalesce(its_login, whom);
END $$;

-- Ends sessions of workers' logins that hold locks and do nothing with them. The owner needs pg_signal_backend and pg_read_all_stats (roles.sql); without
-- them nobody is ended.
CREATE FUNCTION tapstone_evict() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    ended bigint := 0;
    owner oid := (SELECT relowner FROM pg_class WHERE oid = 'tasks'::regclass);
    idle  record;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tapstone_worker')
        OR NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tapstone_planner') THEN
        RETURN 0;
    END IF;
    FOR idle IN SELECT a.pid, a.usesysid FROM pg_stat_activity a
        WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.usesysid IS NOT NULL
            AND a.xact_start < clock_timestamp() - interval '10 seconds'
            -- Who waits for somebody else's lock is no culprit.
            AND (a.state <> 'active' OR a.wait_event_type IS DISTINCT FROM 'Lock' OR a.wait_event = 'advisory')
    LOOP
        IF pg_has_role(idle.usesysid, 'tapstone_worker', 'MEMBER') AND NOT pg_has_role(idle.usesysid, owner, 'MEMBER')
            AND NOT pg_has_role(idle.usesysid, 'tapstone_planner', 'MEMBER') THEN
            PERFORM pg_terminate_backend(idle.pid);
            ended := ended + 1;
        END IF;
    END LOOP;
    RETURN ended;
EXCEPTION WHEN insufficient_privilege THEN
    RETURN 0;
END $$;

-- Leases a task: 'claimed' with its key, 'none', or 'quarantined' with the reason.
CREATE FUNCTION tapstone_claim(worker text, vk_ids bytea[], most_memory bigint, lease bigint, OUT outcome text, OUT detail text, OUT task_key bytea)
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    now_ms   bigint := (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
    ours     record;
    length   bigint := greatest(0, lease);
    task_id  bigint;
BEGIN
    SELECT * INTO ours FROM tapstone_enter(worker);
    IF ours.confined IS NOT NULL THEN
        outcome := 'quarantined';
        detail := ours.confined;
        RETURN;
    END IF;
    outcome := 'none';
    IF ours.my_login IS NOT NULL THEN
        -- A login is a machine: it has no more tasks than a machine can work on, and is not silent for ever.
        length := least(length, 600000);
        IF (SELECT count(*) FROM tasks t WHERE t.state = 'leased' AND t.lease_until >= now_ms
            AND (t.worker = ours.my_login OR starts_with(t.worker, ours.my_login || '/'))) >= 64 THEN
            RETURN;
        END IF;
    END IF;
    UPDATE tasks SET state = 'leased', worker = ours.me, epoch = epoch + 1, claimed_at = now_ms, lease_until = now_ms + length,
        lapses = lapses + CASE tasks.state WHEN 'leased' THEN 1 ELSE 0 END
        WHERE id = (SELECT t.id FROM tasks t WHERE t.state IN ('queued', 'leased')
            AND CASE t.state WHEN 'queued' THEN t.not_before <= now_ms ELSE t.lease_until < now_ms END
            AND t.memory <= most_memory AND t.vk_id = ANY (vk_ids)
            AND NOT EXISTS (SELECT FROM tries r WHERE r.task = t.id AND r.party = ours.my_party
                AND (r.certain OR r.failures >= t.max_attempts OR r.claims >= 32 OR r.not_before > now_ms))
            ORDER BY t.deadline, t.id LIMIT 1 FOR UPDATE OF t SKIP LOCKED)
        RETURNING id, key INTO task_id, task_key;
    IF task_id IS NULL THEN
        -- What somebody holds locked would be passed over for ever.
        PERFORM tapstone_evict();
        RETURN;
    END IF;
    INSERT INTO tries AS r (task, party, claims) VALUES (task_id, ours.my_party, 1)
        ON CONFLICT (task, party) DO UPDATE SET claims = r.claims + 1;
    outcome := 'claimed';
END $$;

-- Notes that a party failed on a task, and decides whether it is dead: two parties say so of it, or two have used up their attempts.
CREATE FUNCTION tapstone_count(task_id bigint, who text, is_certain boolean, until bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE becomes text;
BEGIN
    INSERT INTO tries AS r (task, party, failures, certain, not_before) VALUES (task_id, who, 1, is_certain, until)
        ON CONFLICT (task, party) DO UPDATE
        SET failures = r.failures + 1, certain = r.certain OR excluded.certain, not_before = excluded.not_before;
    SELECT CASE WHEN count(*) FILTER (WHERE r.certain) >= 2 OR count(*) FILTER (WHERE r.failures >= t.max_attempts) >= 2
        THEN 'dead' ELSE 'queued' END
        INTO becomes FROM tries r JOIN tasks t ON t.id = r.task WHERE r.task = task_id;
    RETURN becomes;
END $$;

-- 'ok', 'lost' or 'unknown'.
CREATE FUNCTION tapstone_heartbeat(task_key bytea, of_epoch bigint, worker text, lease bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    now_ms bigint := (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
    length bigint := greatest(0, lease);
    ours   record;
    t      tasks%ROWTYPE;
BEGIN
    SELECT * INTO ours FROM tapstone_enter(worker);
    IF ours.confined IS NOT NULL THEN
        RETURN 'lost';
    END IF;
    SELECT * INTO t FROM tasks WHERE key = task_key FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'unknown';
    END IF;
    IF t.epoch <> of_epoch OR t.worker IS DISTINCT FROM ours.me THEN
        RETURN 'lost';
    END IF;
    IF ours.my_login IS NOT NULL THEN
        length := least(length, 600000);
        IF t.state = 'leased' AND now_ms - t.claimed_at > 3600000 THEN
            -- No proof takes so long: it is a failure, or tasks could be held for ever.
            UPDATE tasks SET state = tapstone_count(t.id, ours.my_party, false, now_ms), lease_until = NULL, attempts = attempts + 1,
                error = 'worker ' || ours.me || ' had the task for an hour and made no proof' WHERE id = t.id;
            RETURN 'lost';
        END IF;
    END IF;
    IF t.state = 'leased' THEN
        UPDATE tasks SET lease_until = now_ms + length WHERE id = t.id;
        RETURN 'ok';
    END IF;
    IF t.state = 'done' AND t.held_until IS NOT NULL THEN
        -- Somebody else's result may be none.
        UPDATE tasks SET held_until = now_ms + length WHERE id = t.id;
        RETURN 'ok';
    END IF;
    RETURN 'lost';
END $$;

-- 'ok', 'lost' or 'unknown'.
CREATE FUNCTION tapstone_release(task_key bytea, of_epoch bigint, worker text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    ours record;
    t    tasks%ROWTYPE;
BEGIN
    SELECT * INTO ours FROM tapstone_enter(worker);
    IF ours.confined IS NOT NULL THEN
        RETURN 'lost';
    END IF;
    SELECT * INTO t FROM tasks WHERE key = task_key FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'unknown';
    END IF;
    IF t.state <> 'leased' OR t.epoch <> of_epoch OR t.worker IS DISTINCT FROM ours.me THEN
        RETURN 'lost';
    END IF;
    UPDATE tasks SET state = 'queued', lease_until = NULL WHERE id = t.id;
    RETURN 'ok';
END $$;

-- 'queued' or 'dead' with the attempts so far, 'lost' or 'unknown'. What kind of failure: 'transient', 'certain' or 'bad proof'.
CREATE FUNCTION tapstone_fail(task_key bytea, of_epoch bigint, worker text, kind text, message text, after bigint, OUT outcome text, OUT failed bigint)
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    now_ms bigint := (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
    ours   record;
    t      tasks%ROWTYPE;
BEGIN
    SELECT * INTO ours FROM tapstone_enter(worker);
    IF ours.confined IS NOT NULL THEN
        outcome := 'lost';
        RETURN;
    END IF;
    SELECT * INTO t FROM tasks WHERE key = task_key FOR UPDATE;
    IF NOT FOUND THEN
        outcome := 'unknown';
        RETURN;
    END IF;
    IF t.state <> 'leased' OR t.epoch <> of_epoch OR t.worker IS DISTINCT FROM ours.me THEN
        outcome := 'lost';
        RETURN;
    END IF;
    failed := t.attempts + 1;
    outcome := tapstone_count(t.id, ours.my_party, kind = 'certain', now_ms + least(greatest(0, after), 1000000000000));
    UPDATE tasks SET state = outcome, lease_until = NULL, attempts = failed, error = left(message, 4096) WHERE id = t.id;
    IF kind = 'bad proof' THEN
        PERFORM tapstone_confine(ours.me, message);
    END IF;
END $$;

-- 'first', 'duplicate', 'unknown', or 'quarantined' with the reason. A duplicate of another party is kept: the first result may be none.
CREATE FUNCTION tapstone_complete(task_key bytea, worker text, proof bytea, used_threads bigint, used_bytes bigint, OUT outcome text, OUT detail text)
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    now_ms bigint := (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
    ours   record;
    t      tasks%ROWTYPE;
    maker  text;
    took   bigint;
    had    bigint := CASE WHEN used_threads BETWEEN 1 AND 4294967295 THEN used_threads END;
    peak   bigint := CASE WHEN used_bytes >= 0 THEN used_bytes END;
BEGIN
    SELECT * INTO ours FROM tapstone_enter(worker);
    IF ours.confined IS NOT NULL THEN
        outcome := 'quarantined';
        detail := ours.confined;
        RETURN;
    END IF;
    SELECT * INTO t FROM tasks WHERE key = task_key FOR UPDATE;
    IF NOT FOUND THEN
        outcome := 'unknown';
        RETURN;
    END IF;
    took := greatest(0, now_ms - t.claimed_at);
    IF t.state = 'done' THEN
        outcome := 'duplicate';
        SELECT coalesce(w.login, w.name) INTO maker FROM workers w WHERE w.name = t.result_worker;
        IF t.result <> proof AND maker IS DISTINCT FROM ours.my_party THEN
            INSERT INTO spares (task, party, worker, result, milliseconds, threads, peak_bytes)
                VALUES (t.id, ours.my_party, ours.me, proof, took, had, peak) ON CONFLICT (task, party) DO NOTHING;
        END IF;
        RETURN;
    END IF;
    outcome := 'first';
    UPDATE tasks SET state = 'done', lease_until = NULL, result = proof, result_worker = ours.me, milliseconds = took, threads = had,
        peak_bytes = peak, held_until = CASE WHEN t.state = 'leased' AND t.worker <> ours.me THEN t.lease_until END WHERE id = t.id;
    UPDATE workers w SET completed = w.completed + 1 WHERE w.name = ours.me;
END $$;

-- Whether a task is queued or leased that this worker may be given, now or later.
CREATE FUNCTION tapstone_left(worker text, vk_ids bytea[], most_memory bigint) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE ours record;
BEGIN
    SELECT * INTO ours FROM tapstone_enter(worker);
    RETURN EXISTS (SELECT FROM tasks t WHERE t.state IN ('queued', 'leased') AND t.memory <= most_memory AND t.vk_id = ANY (vk_ids)
        AND NOT EXISTS (SELECT FROM tries r WHERE r.task = t.id AND r.party = ours.my_party
            AND (r.certain OR r.failures >= t.max_attempts OR r.claims >= 32)));
END $$;

-- For planners: 'queued', 'replaced', 'outdated' or 'unknown'.
CREATE FUNCTION tapstone_reject(task_key bytea, proof bytea, reason text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    now_ms bigint := (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
    maker  text;
    t      tasks%ROWTYPE;
    spare  spares%ROWTYPE;
BEGIN
    -- The worker is locked before the task, and only the task says who it is; so it is looked at twice.
    SELECT k.result_worker INTO maker FROM tasks k WHERE k.key = task_key;
    IF NOT FOUND THEN
        RETURN 'unknown';
    END IF;
    PERFORM 1 FROM workers w WHERE w.name = maker FOR UPDATE;
    SELECT * INTO t FROM tasks k WHERE k.key = task_key FOR UPDATE;
    IF t.result IS DISTINCT FROM proof OR t.result_worker IS DISTINCT FROM maker THEN
        RETURN 'outdated';
    END IF;
    UPDATE workers w SET completed = greatest(0, w.completed - 1) WHERE w.name = maker;
    PERFORM tapstone_confine(maker, reason);
    SELECT * INTO spare FROM spares s WHERE s.task = t.id ORDER BY s.id LIMIT 1;
    IF FOUND THEN
        DELETE FROM spares s WHERE s.id = spare.id;
        UPDATE tasks SET result = spare.result, result_worker = spare.worker, milliseconds = spare.milliseconds, threads = spare.threads,
            peak_bytes = spare.peak_bytes, error = left(reason, 4096) WHERE id = t.id;
        UPDATE workers w SET completed = w.completed + 1 WHERE w.name = spare.worker;
        RETURN 'replaced';
    END IF;
    -- Whoever has the task goes on with it.
    UPDATE tasks SET state = CASE WHEN held_until >= now_ms THEN 'leased' ELSE 'queued' END,
        lease_until = CASE WHEN held_until >= now_ms THEN held_until END, held_until = NULL, result = NULL, result_worker = NULL,
        milliseconds = NULL, threads = NULL, peak_bytes = NULL, not_before = 0, error = left(reason, 4096) WHERE id = t.id;
    RETURN 'queued';
END $$;

-- No function looks for anything outside the schema of the tables, and nobody may call them but whom roles.sql lets.
DO $$
DECLARE f record;
BEGIN
    FOR f IN SELECT p.oid::regprocedure AS name FROM pg_proc p
        WHERE p.pronamespace = current_schema()::text::regnamespace AND starts_with(p.proname, 'tapstone_')
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', f.name, current_schema());
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f.name);
    END LOOP;
END $$;
-- Without statistics, as after many tasks were added, the database would sort all of them instead of walking the index.
ALTER FUNCTION tapstone_claim SET enable_sort = off;
ALTER FUNCTION tapstone_claim SET enable_bitmapscan = off;
-- What is forbidden counts as very dear, and what is dear is compiled first, which takes longer than the query.
ALTER FUNCTION tapstone_claim SET jit = off;
ALTER FUNCTION tapstone_enter SET enable_sort = on;

-- Workers that an earlier roles.sql let in wrote the tables themselves.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tapstone_worker') THEN
        IF has_table_privilege('tapstone_worker', 'tasks', 'SELECT') THEN
            REVOKE ALL ON tasks, workers FROM tapstone_worker;
            GRANT SELECT ON tasks, workers TO tapstone_worker;
        END IF;
    END IF;
END $$;
