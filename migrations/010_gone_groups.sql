-- Workspace groups that are no longer listed (reading-groups.ts). Should one come up again under its id,
-- it was never deleted, and what the bridge gave there is still its own to take away.
CREATE TABLE gone_groups (group_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
-- The one to which the group was linked (group-links.ts).
ALTER TABLE groups ADD COLUMN gone_group_id TEXT;
