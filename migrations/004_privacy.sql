-- Who else writes, and what a purge needs.

-- A user that two tokens wrote within 24 hours: one row per user and day (days since the epoch).
CREATE TABLE writer_conflicts (
  user_id       TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  day           INTEGER NOT NULL,
  first_writer  TEXT NOT NULL,                          -- token id, or client id of OAuth
  second_writer TEXT NOT NULL,
  at            INTEGER NOT NULL,                       -- the latest write
  writes        INTEGER NOT NULL,
  reported      INTEGER NOT NULL DEFAULT 0 CHECK (reported IN (0, 1)),
  PRIMARY KEY (user_id, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX writer_conflicts_at ON writer_conflicts (at);

-- Personal data was removed: what is left of the tombstone says only that the member stays locked out.
ALTER TABLE users ADD COLUMN purged_at INTEGER;
