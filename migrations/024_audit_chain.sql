-- Each row of the audit log names the one before it by its hash (store/audit-chain.ts). The rows that
-- are there already are chained by the same migration, in store/migrate.ts: SQLite has no SHA-256.
ALTER TABLE audit_log ADD COLUMN salt      TEXT;  -- blinds the digest; goes with the content in a purge
ALTER TABLE audit_log ADD COLUMN digest    TEXT;  -- SHA-256 of salt, before and after; NULL: there never was any content
ALTER TABLE audit_log ADD COLUMN prev      TEXT;  -- hash of the row before; NULL: the first one
ALTER TABLE audit_log ADD COLUMN hash      TEXT;  -- SHA-256 of prev, digest and every other field
ALTER TABLE audit_log ADD COLUMN signature TEXT;  -- '<key id>:<HMAC-SHA-256 of id and hash>', with AUDIT_KEY

DROP TRIGGER audit_log_only_purge;
CREATE TRIGGER audit_log_only_purge BEFORE UPDATE ON audit_log
WHEN new.id IS NOT old.id OR new.at IS NOT old.at OR new.actor IS NOT old.actor OR new.action IS NOT old.action
  OR new.subject IS NOT old.subject OR new.request_id IS NOT old.request_id OR new.version IS NOT old.version
  OR (new.before IS NOT NULL AND new.before IS NOT old.before) OR (new.after IS NOT NULL AND new.after IS NOT old.after)
  OR (old.hash IS NOT NULL AND (new.hash IS NOT old.hash OR new.prev IS NOT old.prev OR new.digest IS NOT old.digest
    OR new.signature IS NOT old.signature OR (new.salt IS NOT NULL AND new.salt IS NOT old.salt)))
BEGIN SELECT RAISE(ABORT, 'audit_log is append-only'); END;
