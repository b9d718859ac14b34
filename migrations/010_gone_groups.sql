-- The workspace group to which the group was linked when that one went (group-links.ts).
ALTER TABLE groups ADD COLUMN gone_group_id TEXT;
