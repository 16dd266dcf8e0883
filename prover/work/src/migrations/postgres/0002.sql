-- Version 2: what a proof took, where its worker tells.
ALTER TABLE tasks ADD COLUMN threads bigint, ADD COLUMN peak_bytes bigint;

-- Workers that roles.sql let in before may write it.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tapstone_worker') THEN
        GRANT UPDATE (threads, peak_bytes) ON tasks TO tapstone_worker;
    END IF;
END $$;
