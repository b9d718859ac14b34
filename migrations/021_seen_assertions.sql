-- Signed assertions of federated clients that were used once, until they end: none is believed twice.
CREATE TABLE seen_assertions (
  key        TEXT PRIMARY KEY,                          -- SHA-256 of issuer and jti
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_assertions_end ON seen_assertions (expires_at);
