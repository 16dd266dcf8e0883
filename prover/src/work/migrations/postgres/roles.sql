-- Roles of least privilege, to be granted to the logins of planners, workers and whoever looks on:
--   GRANT tapstone_worker TO some_login;
-- Run it once by a role that may create roles, in the schema of the tables, after they were made. Only the owner of the tables migrates them.
DO $$
DECLARE wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['tapstone_planner', 'tapstone_worker', 'tapstone_observer'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        END IF;
    END LOOP;
END $$;

GRANT SELECT ON schema_version, tasks, workers TO tapstone_planner, tapstone_worker, tapstone_observer;

-- A planner adds tasks, rejects results, confines workers and queues dead letters again; it deletes nothing.
GRANT INSERT, UPDATE ON tasks, workers TO tapstone_planner;
GRANT USAGE ON SEQUENCE tasks_id_seq TO tapstone_planner;

-- A worker moves tasks on; it adds none, and changes nothing of what a task is.
GRANT UPDATE (state, attempts, lapses, epoch, worker, not_before, lease_until, claimed_at, result, result_worker, error, milliseconds,
              threads, peak_bytes)
    ON tasks TO tapstone_worker;
GRANT INSERT, UPDATE ON workers TO tapstone_worker;
