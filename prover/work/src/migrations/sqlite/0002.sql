-- Version 2: what a proof took, where its worker tells.
ALTER TABLE tasks ADD COLUMN threads INTEGER;
ALTER TABLE tasks ADD COLUMN peak_bytes INTEGER;
