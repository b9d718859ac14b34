-- Groups and the mapping file, as far as their shares were once settled, with what they wanted
-- then: while they want the same, what is planned for them repairs what was changed by hand.
CREATE TABLE settled_subjects (
  subject TEXT PRIMARY KEY,
  wanted  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
