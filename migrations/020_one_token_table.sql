-- Access tokens are rows of the tokens table: opaque, stored as a hash, worth what the secret or the
-- trust is that they were given for (parent_id). Nothing is signed any more, so no signing key is kept.

CREATE TABLE tokens_next (
  id           TEXT PRIMARY KEY,
  kind         TEXT NOT NULL CHECK (kind IN ('scim', 'admin', 'oauthClient', 'federated', 'access')),
  label        TEXT NOT NULL,
  hash         TEXT,                                    -- SHA-256, hex; NULL: federated, which has no secret
  scopes       TEXT NOT NULL,                           -- JSON array: users, groups, read; metrics or a role of an admin token
  group_id     TEXT,                                    -- client id: the secrets and access tokens of one client share it
  parent_id    TEXT,                                    -- access: the row that it was given for
  trust        TEXT,                                    -- federated: JSON, whose assertions are believed
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER,
  revoked_at   INTEGER,
  last_used_at INTEGER,
  last_address TEXT,                                    -- from where it was last used
  CHECK ((kind = 'federated') = (hash IS NULL)),
  CHECK ((kind = 'federated') = (trust IS NOT NULL)),
  CHECK ((kind = 'access') = (parent_id IS NOT NULL))
) STRICT;
INSERT INTO tokens_next (id, kind, label, hash, scopes, group_id, created_at, expires_at, revoked_at, last_used_at)
  SELECT id, kind, label, hash, scopes, group_id, created_at, expires_at, revoked_at, last_used_at FROM tokens;
DROP TABLE tokens;
ALTER TABLE tokens_next RENAME TO tokens;
CREATE INDEX tokens_hash ON tokens (hash);
CREATE INDEX tokens_group ON tokens (group_id, created_at) WHERE kind = 'access';
CREATE INDEX tokens_end ON tokens (expires_at) WHERE kind IN ('access', 'oauthClient');

DELETE FROM settings WHERE name = 'oauthKeys';
