-- Since when an invite is out, in serving time: whether it is repeated is a matter of how long the
-- bridge has been there to see it accepted, and of no wall clock.
ALTER TABLE invites ADD COLUMN sent_served INTEGER;
UPDATE invites SET sent_served = MIN(0, sent_at - CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE sent_at IS NOT NULL;
