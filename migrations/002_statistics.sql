-- Numbers for the admin page and the metrics, and an audit log that lets nothing but a purge through.

-- How often something happened in an hour (hours since the epoch); kept for some weeks.
CREATE TABLE hourly_counters (
  hour  INTEGER NOT NULL,
  name  TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (hour, name)
) STRICT, WITHOUT ROWID;

-- Open work is counted at every scrape: only rows that are open are looked at.
CREATE INDEX ledger_refused ON ledger (retry_at) WHERE state = 'refused' AND retry_at IS NOT NULL;
CREATE INDEX ledger_open ON ledger (state, created_at) WHERE state IN ('planned', 'sending', 'ambiguous', 'held');

-- Calls are looked up by the request id that ElevenLabs gave; readings are kept for a bounded time.
CREATE INDEX upstream_calls_request ON upstream_calls (upstream_request_id) WHERE upstream_request_id IS NOT NULL;
CREATE INDEX upstream_calls_readings ON upstream_calls (id) WHERE ledger_id IS NULL;

-- The audit log is filtered by time and by action.
CREATE INDEX audit_log_at ON audit_log (at);
CREATE INDEX audit_log_action ON audit_log (action, id);

-- A purge empties before and after; the row itself never changes.
CREATE TRIGGER audit_log_only_purge BEFORE UPDATE ON audit_log
WHEN new.id IS NOT old.id OR new.at IS NOT old.at OR new.actor IS NOT old.actor OR new.action IS NOT old.action
  OR new.subject IS NOT old.subject OR new.request_id IS NOT old.request_id OR new.version IS NOT old.version
  OR (new.before IS NOT NULL AND new.before IS NOT old.before) OR (new.after IS NOT NULL AND new.after IS NOT old.after)
BEGIN SELECT RAISE(ABORT, 'audit_log is append-only'); END;
