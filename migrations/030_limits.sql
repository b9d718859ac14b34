-- What the limits count: one row per account and decision, written in the transaction that marks the
-- row of the ledger as being sent. `at` is accumulated serving time, so that neither a restart nor a
-- jump of the wall clock moves a window, and a day without service empties none.
CREATE TABLE limit_uses (
  id        INTEGER PRIMARY KEY,
  kind      TEXT NOT NULL CHECK (kind IN ('loss', 'groupRemoval', 'invite', 'repeatedInvite', 'mail', 'repair')),
  scope     TEXT NOT NULL,                               -- workspace group, address or change; '' = all people
  who       TEXT NOT NULL,                               -- account, user, member
  at        INTEGER NOT NULL,
  is_open   INTEGER NOT NULL DEFAULT 1 CHECK (is_open IN (0, 1)), -- 0 = given back since: the next one is another decision
  ledger_id INTEGER REFERENCES ledger (id) ON DELETE SET NULL
) STRICT;
CREATE INDEX limit_uses_window ON limit_uses (kind, scope, at);
CREATE INDEX limit_uses_who ON limit_uses (kind, scope, who);
CREATE INDEX limit_uses_ledger ON limit_uses (ledger_id) WHERE ledger_id IS NOT NULL;

-- Since when an IdP manages the access, in serving time: percentages are of those who were managed
-- before the window began. Whoever is managed already has been for long.
ALTER TABLE users ADD COLUMN managed_at INTEGER;
UPDATE users SET managed_at = -1000000000000 WHERE managed = 1;

-- An update is no way around a limit: what the last hour of the ledger has counts on.
WITH last AS (SELECT MAX(sent_at) AS sent_at FROM ledger),
sent AS (
  SELECT l.id, l.kind, l.subject, l.change, l.sent_at - last.sent_at AS at,
    COALESCE(json_extract(l.change, '$.address'), m.address) AS address
  FROM ledger AS l JOIN last LEFT JOIN workspace_members AS m ON m.member_id = json_extract(l.change, '$.memberId')
  WHERE l.released = 0 AND l.sent_at > last.sent_at - 3600000
    AND (l.state IN ('done', 'sending', 'ambiguous') OR (l.state IN ('planned', 'superseded') AND l.attempts > 0))
)
INSERT INTO limit_uses (kind, scope, who, at, ledger_id)
SELECT 'loss', '', address, MIN(at), id FROM sent
  WHERE address IS NOT NULL AND (kind = 'revokeInvite'
    OR (kind = 'lock' AND json_extract(change, '$.reason') IN ('inactive', 'deleted'))
    OR (kind = 'setSeat' AND json_extract(change, '$.from') = 'workspace_admin'))
  GROUP BY address
UNION ALL
SELECT 'groupRemoval', json_extract(change, '$.groupId'), json_extract(change, '$.memberId'), MIN(at), id FROM sent
  WHERE kind = 'removeFromGroup' GROUP BY json_extract(change, '$.groupId'), json_extract(change, '$.memberId')
UNION ALL
SELECT 'invite', '', substr(subject, 6), MIN(at), id FROM sent WHERE kind = 'invite' GROUP BY subject
UNION ALL
SELECT 'mail', address, address, at, id FROM sent WHERE kind = 'invite';
