-- Who was only found in a workspace group is no member of a group without a link (found-members.ts).
UPDATE groups SET version = version + 1 WHERE workspace_group_id IS NULL
  AND seq IN (SELECT group_seq FROM memberships WHERE origin = 'workspace');
DELETE FROM memberships WHERE origin = 'workspace'
  AND group_seq IN (SELECT seq FROM groups WHERE workspace_group_id IS NULL);
