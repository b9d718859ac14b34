-- What a withdrawal came with and was refused: JSON, kept until a later write settles it.
ALTER TABLE users ADD COLUMN refused_values TEXT;
ALTER TABLE groups ADD COLUMN refused_values TEXT;

-- "Stop managing": an administrator's word, which no membership write undoes.
ALTER TABLE users ADD COLUMN released_at INTEGER;
UPDATE users SET released_at = modified_at WHERE managed = 0 AND deleted_at IS NULL
  AND EXISTS (SELECT 1 FROM audit_log AS a WHERE a.subject = 'user:' || users.id AND a.action = 'user.release');
-- Until now, taking an unmanaged member out of a group had no effect. It is not made up for.
DELETE FROM withdrawn_memberships WHERE user_id IN (SELECT id FROM users WHERE managed = 0 AND deleted_at IS NULL);
