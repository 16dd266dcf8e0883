-- Roles of least privilege, to be granted to the logins of planners, workers and whoever looks on. `tapstone queue migrate --roles` runs it, by a login
-- that may create roles, in the schema of the tables; again changes nothing. Only the owner of the tables migrates them.
DO $$
DECLARE wanted text;
BEGIN
    -- Others' grants would come to nothing, without an error.
    IF NOT pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = 'tasks'::regclass), 'MEMBER') THEN
        RAISE insufficient_privilege USING MESSAGE = 'permission denied: only the owner of the tables lets roles use them';
    END IF;
    FOREACH wanted IN ARRAY ARRAY['tapstone_planner', 'tapstone_worker', 'tapstone_observer'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        END IF;
    END LOOP;
END $$;

REVOKE ALL ON schema_version, tasks, workers, tries, spares FROM tapstone_planner, tapstone_worker, tapstone_observer;
GRANT SELECT ON schema_version, tasks, workers, tries, spares TO tapstone_planner, tapstone_worker, tapstone_observer;

-- A planner adds tasks, rejects results, confines workers, and decides which tasks are dead; it deletes no task and no worker.
GRANT INSERT, UPDATE ON tasks, workers TO tapstone_planner;
GRANT INSERT, UPDATE, DELETE ON tries, spares TO tapstone_planner;
GRANT USAGE ON SEQUENCE tasks_id_seq, spares_id_seq TO tapstone_planner;
GRANT EXECUTE ON FUNCTION tapstone_confine, tapstone_reject TO tapstone_planner;

-- A worker writes nothing: these functions do, each for the worker that calls it.
GRANT EXECUTE ON FUNCTION tapstone_claim, tapstone_heartbeat, tapstone_release, tapstone_fail, tapstone_complete, tapstone_left, tapstone_evict
    TO tapstone_worker, tapstone_planner;

-- What everybody may do in a new database, and no worker needs: make tables, of which some last as long as the session, and functions that pass for others.
DO $$
BEGIN
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC', current_schema());
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'the owner of the database should run: REVOKE CREATE ON SCHEMA % FROM PUBLIC', current_schema();
END $$;

-- The owner of the tables ends sessions of workers that hold locks and do nothing (tapstone_evict).
DO $$
DECLARE owner text;
BEGIN
    SELECT r.rolname INTO owner FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE c.oid = 'tasks'::regclass AND NOT r.rolsuper;
    IF FOUND THEN
        EXECUTE format('GRANT pg_signal_backend, pg_read_all_stats TO %I', owner);
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'a superuser should run: GRANT pg_signal_backend, pg_read_all_stats TO %', owner;
END $$;
