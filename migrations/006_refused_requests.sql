-- Requests that were answered with an error: nothing else here remembers them, and IdPs hardly do.

CREATE TABLE refused_requests (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  request_id  TEXT NOT NULL,
  at          INTEGER NOT NULL,
  method      TEXT NOT NULL,
  template    TEXT,
  status      INTEGER NOT NULL,
  token_label TEXT,
  detail      TEXT NOT NULL,                            -- what the IdP was told
  about       TEXT NOT NULL                             -- JSON array: id, names and addresses that it named, folded
) STRICT;
CREATE INDEX refused_requests_request ON refused_requests (request_id);
CREATE INDEX refused_requests_at ON refused_requests (at);
