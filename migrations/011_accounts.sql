-- What is known of an identity in the workspace hangs on the account, whoever the account belongs to.

-- One row per identity that the bridge ever had to do with for somebody: an address, and the member id
-- once it was seen. A row without member_id is a bare address to which an invite may have been sent.
CREATE TABLE accounts (
  id            INTEGER PRIMARY KEY,
  user_id       TEXT,                                   -- whose it is; outlives the row of the user
  address       TEXT NOT NULL,                          -- folded, as last listed or invited
  member_id     TEXT UNIQUE,
  tied_at       INTEGER NOT NULL,
  copied        INTEGER CHECK (copied IN (0, 1)),       -- set on an account that the user had before: what it has is copied to the present one
  unlock_since  INTEGER,                                -- the IdP turned the user on then, and this account was locked: the bridge may unlock it
  seat_declined TEXT,                                   -- seat of a rule that was lower than the one found at adoption
  seat_found    TEXT,                                   -- seat that the account had when it came to the user
  gone_at       INTEGER,                                -- no longer a member of the workspace
  mailed_at     INTEGER,                                -- bare: the last e-mail that may have been sent
  revoked_at    INTEGER,                                -- bare: ElevenLabs confirmed that its invite is revoked
  ended_at      INTEGER                                 -- bare: it is not taken for the user's any more
) STRICT;
CREATE INDEX accounts_user ON accounts (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX accounts_address ON accounts (address);
CREATE UNIQUE INDEX accounts_bare ON accounts (user_id, address) WHERE member_id IS NULL;

-- What the bridge made of one aspect of one account. Written before the call: a lost answer leaves `sent`.
CREATE TABLE effects (
  account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  aspect     TEXT NOT NULL CHECK (aspect IN ('access', 'seat', 'group')),
  target     TEXT NOT NULL,                             -- id of the workspace group; otherwise empty
  value      TEXT,                                      -- surely made: 'locked', a seat, 'in'
  sent       TEXT,                                      -- sent, and what became of it is not known
  before     TEXT,                                      -- what was there before the first call
  repeated   INTEGER NOT NULL DEFAULT 0 CHECK (repeated IN (0, 1)), -- an earlier call was not settled when the last one went out
  ended_at   INTEGER,                                   -- when the last unsettled call ended, or the process that made it
  absent     INTEGER NOT NULL DEFAULT 0,                -- full readings in a row that did not show it
  since      INTEGER NOT NULL,
  PRIMARY KEY (account_id, aspect, target),
  CHECK (value IS NOT NULL OR sent IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX effects_unsure ON effects (account_id) WHERE sent IS NOT NULL;
CREATE INDEX effects_target ON effects (target) WHERE aspect = 'group';

ALTER TABLE users ADD COLUMN account_id INTEGER;        -- the present account

-- Missing: the last reading did not show it. Gone, and no longer here: three full readings in a row did not.
ALTER TABLE workspace_members ADD COLUMN missing_since INTEGER;
ALTER TABLE workspace_members ADD COLUMN missing_readings INTEGER NOT NULL DEFAULT 0;
CREATE INDEX workspace_members_missing ON workspace_members (member_id) WHERE missing_since IS NOT NULL;
ALTER TABLE workspace_groups ADD COLUMN missing_since INTEGER;
ALTER TABLE workspace_groups ADD COLUMN missing_readings INTEGER NOT NULL DEFAULT 0;
-- Ids under which workspace groups were imported: used again should one come back, and for nothing else.
CREATE TABLE imported_groups (group_id TEXT PRIMARY KEY, scim_id TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO imported_groups (group_id, scim_id)
  SELECT workspace_group_id, MIN(id) FROM groups WHERE link_source = 'import' AND workspace_group_id IS NOT NULL GROUP BY 1;

-- Bring over what is known. A live user comes before a tombstone of the same member.
INSERT OR IGNORE INTO accounts (user_id, address, member_id, tied_at, unlock_since, seat_declined, seat_found)
  SELECT u.id, COALESCE(m.address, u.address, ''), u.member_id, u.created_at,
    CASE WHEN u.activation_fresh = 1 THEN u.modified_at END, u.seat_declined, COALESCE(u.seat_before, m.seat_type)
  FROM users AS u LEFT JOIN workspace_members AS m ON m.member_id = u.member_id
  WHERE u.member_id IS NOT NULL ORDER BY u.deleted_at IS NOT NULL, u.seq;
UPDATE users SET account_id = (SELECT a.id FROM accounts AS a WHERE a.member_id = users.member_id AND a.user_id = users.id)
  WHERE member_id IS NOT NULL;
INSERT OR IGNORE INTO accounts (user_id, address, member_id, tied_at, copied, seat_found)
  SELECT p.user_id, COALESCE(m.address, ''), p.member_id, p.since, p.copied, m.seat_type
  FROM predecessors AS p LEFT JOIN workspace_members AS m ON m.member_id = p.member_id;
INSERT OR IGNORE INTO accounts (user_id, address, tied_at, mailed_at)
  SELECT w.user_id, w.address, w.since, (SELECT MAX(i.sent_at) FROM invites AS i WHERE i.user_id = w.user_id AND i.address = w.address)
  FROM watches AS w
  WHERE NOT EXISTS (SELECT 1 FROM accounts AS a WHERE a.user_id = w.user_id AND a.address = w.address);
INSERT OR IGNORE INTO accounts (user_id, address, tied_at, mailed_at)
  SELECT i.user_id, i.address, MIN(i.sent_at), MAX(i.sent_at) FROM invites AS i
  WHERE i.sent_at IS NOT NULL AND i.state IN ('sending', 'invited', 'ambiguous', 'expired')
    AND NOT EXISTS (SELECT 1 FROM accounts AS a WHERE a.user_id = i.user_id AND a.address = i.address)
  GROUP BY i.user_id, i.address;

INSERT INTO effects (account_id, aspect, target, value, since)
  SELECT account_id, 'access', '', 'locked', modified_at FROM users WHERE account_id IS NOT NULL AND locked_by_bridge = 1;
-- Accounts of before a hand-over, and those that came in by a withdrawn address, were locked by the bridge.
INSERT OR IGNORE INTO effects (account_id, aspect, target, value, since)
  SELECT a.id, 'access', '', 'locked', a.tied_at FROM accounts AS a
  JOIN workspace_members AS m ON m.member_id = a.member_id AND m.is_locked = 1
  WHERE EXISTS (SELECT 1 FROM ledger AS l WHERE l.kind = 'lock' AND l.state = 'done' AND l.change_key = 'lock ' || a.member_id)
    AND a.copied IS NOT NULL;
INSERT INTO effects (account_id, aspect, target, value, before, since)
  SELECT account_id, 'seat', '', COALESCE(seat_given, seat_before), seat_before, modified_at FROM users
  WHERE account_id IS NOT NULL AND seat_before IS NOT NULL;
INSERT OR IGNORE INTO effects (account_id, aspect, target, value, since)
  SELECT u.account_id, 'group', g.workspace_group_id, 'in', g.given_at FROM given_memberships AS g
  JOIN users AS u ON u.id = g.user_id WHERE u.account_id IS NOT NULL;
-- Calls whose answer may have been lost.
INSERT OR IGNORE INTO effects (account_id, aspect, target, sent, before, ended_at, since)
  SELECT a.id, CASE l.kind WHEN 'lock' THEN 'access' WHEN 'setSeat' THEN 'seat' ELSE 'group' END,
    COALESCE(json_extract(l.change, '$.groupId'), ''),
    CASE l.kind WHEN 'lock' THEN 'locked' WHEN 'setSeat' THEN json_extract(l.change, '$.seatType') ELSE 'in' END,
    json_extract(l.change, '$.from'), l.sent_at, l.sent_at
  FROM ledger AS l JOIN accounts AS a ON a.member_id = json_extract(l.change, '$.memberId')
  WHERE l.kind IN ('lock', 'setSeat', 'addToGroup') AND l.attempts > 0 AND l.sent_at IS NOT NULL
    AND l.state IN ('sending', 'planned') AND json_extract(l.change, '$.isCopy') IS NULL;

DROP TABLE predecessors;
DROP TABLE watches;
DROP TABLE given_memberships;
ALTER TABLE users DROP COLUMN locked_by_bridge;
ALTER TABLE users DROP COLUMN seat_before;
ALTER TABLE users DROP COLUMN seat_given;
ALTER TABLE users DROP COLUMN seat_declined;
-- A turn of `active` allows an invite only to somebody who had gone before it.
ALTER TABLE users RENAME COLUMN activation_fresh TO may_reinvite;
UPDATE users SET may_reinvite = 0 WHERE removed_at IS NULL;
