-- The store of one bridge: one workspace, one serving process.
-- Times are milliseconds since the epoch. *_key columns hold the folded form (NFKC, lower case).
-- Documents hold what clients wrote, as JSON under canonical attribute names.

-- The directory ---------------------------------------------------------------------------------

-- One row per SCIM User, and per tombstone (deleted_at set, document emptied) that is still watched.
CREATE TABLE users (
  seq              INTEGER PRIMARY KEY AUTOINCREMENT,   -- stable list order: creation
  id               TEXT NOT NULL UNIQUE,
  user_name        TEXT NOT NULL,
  user_name_key    TEXT NOT NULL,
  external_id      TEXT,
  display_name     TEXT,                                -- as sent, for members[].display
  display_name_key TEXT,
  active           INTEGER NOT NULL CHECK (active IN (0, 1)),
  manager_id       TEXT,                                -- enterprise extension, manager.value
  document         TEXT NOT NULL,
  address          TEXT,                                -- upstream address, folded
  address_slot     TEXT CHECK (address_slot IN ('primary', 'work', 'userName', 'only')), -- where it came from
  managed          INTEGER NOT NULL CHECK (managed IN (0, 1)),
  origin           TEXT NOT NULL CHECK (origin IN ('idp', 'adopted')),
  version          INTEGER NOT NULL,
  created_at       INTEGER NOT NULL,
  modified_at      INTEGER NOT NULL,
  deleted_at       INTEGER,
  -- link to the workspace
  member_id        TEXT,
  locked_by_bridge INTEGER NOT NULL DEFAULT 0 CHECK (locked_by_bridge IN (0, 1)),
  activation_fresh INTEGER NOT NULL DEFAULT 0 CHECK (activation_fresh IN (0, 1)), -- IdP turned active false -> true, not yet effected
  removed_at       INTEGER,                             -- was a member, has gone
  seat_before      TEXT,                                -- seat held before the bridge first set one
  seat_given       TEXT,                                -- seat the bridge set last
  seat_declined    TEXT,                                -- rule seat not applied at adoption (adoption never demotes)
  -- what the bridge reports (readOnly extension attributes)
  status           TEXT NOT NULL DEFAULT 'none',
  last_error       TEXT,
  pending_changes  INTEGER NOT NULL DEFAULT 0,
  invited_at       INTEGER,
  accepted_at      INTEGER,
  settled_at       INTEGER,                             -- last time the plan for this user was empty
  last_writer      TEXT                                 -- token id of the last writer
) STRICT;
CREATE UNIQUE INDEX users_user_name ON users (user_name_key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX users_address ON users (address) WHERE deleted_at IS NULL AND address IS NOT NULL;
CREATE UNIQUE INDEX users_live_member ON users (member_id) WHERE deleted_at IS NULL AND member_id IS NOT NULL;
CREATE INDEX users_member ON users (member_id) WHERE member_id IS NOT NULL;
CREATE INDEX users_live ON users (seq) WHERE deleted_at IS NULL;
CREATE INDEX users_external_id ON users (external_id) WHERE deleted_at IS NULL AND external_id IS NOT NULL;
CREATE INDEX users_display_name ON users (display_name_key) WHERE deleted_at IS NULL AND display_name_key IS NOT NULL;
CREATE INDEX users_manager ON users (manager_id) WHERE deleted_at IS NULL AND manager_id IS NOT NULL;
CREATE INDEX users_active ON users (active, seq) WHERE deleted_at IS NULL;
CREATE INDEX users_modified ON users (modified_at) WHERE deleted_at IS NULL;
CREATE INDEX users_status ON users (status, seq) WHERE deleted_at IS NULL;
CREATE INDEX users_tombstones ON users (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX users_old_address ON users (address) WHERE deleted_at IS NOT NULL AND address IS NOT NULL;

-- E-mails of live users, for filters.
CREATE TABLE user_emails (
  user_seq   INTEGER NOT NULL REFERENCES users (seq) ON DELETE CASCADE,
  position   INTEGER NOT NULL,
  value_key  TEXT,
  type_key   TEXT,
  is_primary INTEGER NOT NULL CHECK (is_primary IN (0, 1)),
  PRIMARY KEY (user_seq, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_emails_value ON user_emails (value_key, type_key);

CREATE TABLE groups (
  seq              INTEGER PRIMARY KEY AUTOINCREMENT,
  id               TEXT NOT NULL UNIQUE,
  display_name     TEXT NOT NULL,
  display_name_key TEXT NOT NULL UNIQUE,                -- deleted groups leave no row
  external_id      TEXT,
  document         TEXT NOT NULL,
  managed          INTEGER NOT NULL CHECK (managed IN (0, 1)),
  seat_type        TEXT,                                -- group extension: seat given to members
  version          INTEGER NOT NULL,
  created_at       INTEGER NOT NULL,
  modified_at      INTEGER NOT NULL,
  -- link to a workspace group
  workspace_group_id TEXT,                              -- followed by id, survives renames
  link_source      TEXT CHECK (link_source IN ('name', 'attribute', 'admin', 'import')),
  link_status      TEXT NOT NULL DEFAULT 'unlinked' CHECK (link_status IN ('linked', 'unlinked', 'ambiguous', 'readOnly')),
  linked_at        INTEGER,
  relink_by_hand   INTEGER NOT NULL DEFAULT 0 CHECK (relink_by_hand IN (0, 1)), -- its workspace group was deleted
  last_writer      TEXT
) STRICT;
CREATE INDEX groups_external_id ON groups (external_id) WHERE external_id IS NOT NULL;
CREATE INDEX groups_workspace_group ON groups (workspace_group_id) WHERE workspace_group_id IS NOT NULL;
CREATE INDEX groups_modified ON groups (modified_at);

CREATE TABLE memberships (
  group_seq INTEGER NOT NULL REFERENCES groups (seq) ON DELETE CASCADE,
  user_seq  INTEGER NOT NULL REFERENCES users (seq) ON DELETE CASCADE,
  origin    TEXT NOT NULL CHECK (origin IN ('idp', 'workspace')),
  added_at  INTEGER NOT NULL,
  PRIMARY KEY (group_seq, user_seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX memberships_user ON memberships (user_seq, group_seq);

-- What the bridge gave, and what it may therefore take away --------------------------------------

-- (group, member) pairs that the bridge added upstream.
CREATE TABLE given_memberships (
  user_id            TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  workspace_group_id TEXT NOT NULL,
  given_at           INTEGER NOT NULL,
  PRIMARY KEY (user_id, workspace_group_id)
) STRICT, WITHOUT ROWID;

-- Pairs that an IdP request took out after the link: to be removed although the bridge did not add them.
CREATE TABLE withdrawn_memberships (
  user_id            TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  workspace_group_id TEXT NOT NULL,
  withdrawn_at       INTEGER NOT NULL,
  PRIMARY KEY (user_id, workspace_group_id)
) STRICT, WITHOUT ROWID;

-- Shares that the bridge gave, written before the call goes out, so that a lost answer is no lost
-- share. subject is 'user:<id>', 'group:<id>' or 'mapping': whose rules gave it.
CREATE TABLE given_shares (
  subject       TEXT NOT NULL,
  resource_type TEXT NOT NULL,
  resource_id   TEXT NOT NULL,
  principal     TEXT NOT NULL,                          -- see principalKey
  role          TEXT,                                   -- surely given; NULL = none yet
  sent_role     TEXT,                                   -- sent, and what became of it is not known
  role_before   TEXT,                                   -- held before by somebody else's hand: what the holder returns to
  given_at      INTEGER NOT NULL,
  PRIMARY KEY (resource_type, resource_id, principal),
  CHECK (role IS NOT NULL OR sent_role IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX given_shares_principal ON given_shares (principal);
CREATE INDEX given_shares_subject ON given_shares (subject);

-- The workspace, as last read ---------------------------------------------------------------------

CREATE TABLE workspace_members (
  member_id  TEXT PRIMARY KEY,
  email      TEXT NOT NULL,
  address    TEXT NOT NULL,
  first_name TEXT,
  seat_type  TEXT,
  is_owner   INTEGER NOT NULL CHECK (is_owner IN (0, 1)),
  is_locked  INTEGER NOT NULL CHECK (is_locked IN (0, 1)),
  touched_at INTEGER NOT NULL DEFAULT 0                 -- last own write; a reading begun earlier does not overrule it
) STRICT, WITHOUT ROWID;
CREATE INDEX workspace_members_address ON workspace_members (address);
CREATE INDEX workspace_members_admins ON workspace_members (member_id) WHERE seat_type = 'workspace_admin' AND is_locked = 0;

CREATE TABLE workspace_groups (
  group_id  TEXT PRIMARY KEY,
  name      TEXT NOT NULL,
  name_key  TEXT NOT NULL,                              -- trimmed and folded
  read_only INTEGER NOT NULL CHECK (read_only IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE INDEX workspace_groups_name ON workspace_groups (name_key);

CREATE TABLE workspace_group_members (
  group_id   TEXT NOT NULL REFERENCES workspace_groups (group_id) ON DELETE CASCADE,
  member_id  TEXT NOT NULL,
  touched_at INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (group_id, member_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX workspace_group_members_member ON workspace_group_members (member_id, group_id);

-- Principals of managed resources, as resources.get reported them.
CREATE TABLE workspace_shares (
  resource_type TEXT NOT NULL,
  resource_id   TEXT NOT NULL,
  principal     TEXT NOT NULL,
  role          TEXT NOT NULL,
  PRIMARY KEY (resource_type, resource_id, principal)
) STRICT, WITHOUT ROWID;
CREATE INDEX workspace_shares_principal ON workspace_shares (principal);
CREATE TABLE workspace_resources (
  resource_type TEXT NOT NULL,
  resource_id   TEXT NOT NULL,
  name          TEXT,
  creator       TEXT,
  read_at       INTEGER NOT NULL,
  error         TEXT,
  PRIMARY KEY (resource_type, resource_id)
) STRICT, WITHOUT ROWID;

-- Work --------------------------------------------------------------------------------------------

-- One row per invite decision.
CREATE TABLE invites (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id     TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  address     TEXT NOT NULL,
  seat_type   TEXT NOT NULL,
  usage_limit INTEGER,
  state       TEXT NOT NULL CHECK (state IN ('planned', 'sending', 'invited', 'accepted', 'revoked', 'expired', 'ambiguous', 'refused')),
  sends       INTEGER NOT NULL DEFAULT 0,               -- calls whose answer was yes or unknown
  round       INTEGER NOT NULL DEFAULT 1,               -- 1 = first, 2.. = repeated after INVITE_TTL_DAYS
  sent_at     INTEGER,
  ended_at    INTEGER,
  member_id   TEXT
) STRICT;
CREATE INDEX invites_user ON invites (user_id, id);
CREATE INDEX invites_address ON invites (address);
CREATE INDEX invites_state ON invites (state, sent_at);

-- Addresses whose holder must not have access: an invite was withdrawn, or a deleted member was locked.
CREATE TABLE watches (
  address  TEXT NOT NULL,
  user_id  TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  since    INTEGER NOT NULL,
  PRIMARY KEY (address, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX watches_user ON watches (user_id);

-- The agenda: whose plan must be computed again. Written in the transaction of the change that
-- caused it, so that nothing acknowledged is ever lost. subject is 'user:<id>' or 'group:<id>'.
CREATE TABLE agenda (
  subject    TEXT PRIMARY KEY,
  priority   INTEGER NOT NULL,                          -- 0 interactive, 1 withdrawal, 2 grant, 3 background
  due_at     INTEGER NOT NULL,
  attempts   INTEGER NOT NULL DEFAULT 0,                -- consecutive transient failures
  generation INTEGER NOT NULL,                          -- moves with every new cause
  cause      TEXT,                                      -- request id of the last cause
  caused_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX agenda_due ON agenda (priority, due_at);
CREATE INDEX agenda_due_at ON agenda (due_at);
CREATE INDEX agenda_cause ON agenda (cause);

-- One row per Change.
CREATE TABLE ledger (
  id                  INTEGER PRIMARY KEY AUTOINCREMENT,
  subject             TEXT NOT NULL,
  kind                TEXT NOT NULL,
  change_key          TEXT NOT NULL,
  change              TEXT NOT NULL,                    -- JSON of the Change
  why                 TEXT NOT NULL,                    -- the rule that gave it
  state               TEXT NOT NULL CHECK (state IN ('planned', 'sending', 'done', 'refused', 'ambiguous', 'held', 'superseded')),
  cause               TEXT,                             -- id of the SCIM request, sync or command
  attempts            INTEGER NOT NULL DEFAULT 0,
  upstream_status     INTEGER,
  upstream_request_id TEXT,
  latency_ms          REAL,
  error_code          TEXT,
  error               TEXT,
  retry_at            INTEGER,                          -- refused rows: not planned again before this
  released            INTEGER NOT NULL DEFAULT 0 CHECK (released IN (0, 1)), -- held once, let go by an administrator
  created_at          INTEGER NOT NULL,
  sent_at             INTEGER,
  ended_at            INTEGER
) STRICT;
CREATE INDEX ledger_subject ON ledger (subject, id);
CREATE INDEX ledger_state ON ledger (state, subject);
CREATE INDEX ledger_cause ON ledger (cause) WHERE cause IS NOT NULL;
CREATE INDEX ledger_ended ON ledger (ended_at) WHERE ended_at IS NOT NULL;

-- One row per attempt of a ledger row: exactly what was sent when, and what came back.
CREATE TABLE upstream_calls (
  id                  INTEGER PRIMARY KEY AUTOINCREMENT,
  ledger_id           INTEGER REFERENCES ledger (id) ON DELETE CASCADE,
  endpoint            TEXT NOT NULL,
  started_at          INTEGER NOT NULL,
  latency_ms          REAL,
  outcome             TEXT NOT NULL,
  status              INTEGER,
  upstream_request_id TEXT,
  error               TEXT
) STRICT;
CREATE INDEX upstream_calls_ledger ON upstream_calls (ledger_id);
CREATE INDEX upstream_calls_started ON upstream_calls (started_at);

CREATE TABLE drift (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  subject     TEXT NOT NULL,
  kind        TEXT NOT NULL,
  detail      TEXT NOT NULL,
  found_at    INTEGER NOT NULL,
  ended_at    INTEGER,
  outcome     TEXT
) STRICT;
CREATE UNIQUE INDEX drift_open ON drift (subject, kind, detail) WHERE ended_at IS NULL;

-- Operations --------------------------------------------------------------------------------------

-- Append-only. before/after may be purged, the row stays.
CREATE TABLE audit_log (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  at         INTEGER NOT NULL,
  actor      TEXT NOT NULL,                             -- 'token:<label>', 'admin', 'cli', 'bridge'
  action     TEXT NOT NULL,                             -- 'user.create', 'token.revoke', ...
  subject    TEXT,
  request_id TEXT,
  version    INTEGER,                                   -- of the subject, after the action
  before     TEXT,
  after      TEXT
) STRICT;
CREATE INDEX audit_log_subject ON audit_log (subject, id);
CREATE INDEX audit_log_request ON audit_log (request_id) WHERE request_id IS NOT NULL;
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log BEGIN SELECT RAISE(ABORT, 'audit_log is append-only'); END;

CREATE TABLE tokens (
  id           TEXT PRIMARY KEY,
  kind         TEXT NOT NULL CHECK (kind IN ('scim', 'admin', 'oauthClient')),
  label        TEXT NOT NULL,
  hash         TEXT NOT NULL,                           -- SHA-256, hex; tokens are 256-bit random
  scopes       TEXT NOT NULL,                           -- JSON array: users, groups, read
  group_id     TEXT,                                    -- oauthClient: secrets of one client share it
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER,
  revoked_at   INTEGER,
  last_used_at INTEGER
) STRICT;
CREATE INDEX tokens_hash ON tokens (hash);

CREATE TABLE settings (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
