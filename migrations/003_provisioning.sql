-- What the reconciler remembers of people beyond one plan.

-- 1 = nothing was left to do after the last cause that was no reading (IdP write, acceptance,
-- changed rules): what is planned while it stands repairs what was changed by hand.
ALTER TABLE users ADD COLUMN converged INTEGER NOT NULL DEFAULT 0 CHECK (converged IN (0, 1));
-- An administrator put the directory back: withdrawals are held until the IdP next writes the user.
ALTER TABLE users ADD COLUMN undone_at INTEGER;
-- The address changed, and the account of the old one is to be handed over to the new one.
ALTER TABLE users ADD COLUMN handover_since INTEGER;

-- Accounts that a user had before a hand-over: what they hold is copied, then they are locked and
-- stay so. Nobody else is ever given one of them.
CREATE TABLE predecessors (
  member_id TEXT PRIMARY KEY,
  user_id   TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  since     INTEGER NOT NULL,
  copied    INTEGER NOT NULL DEFAULT 0 CHECK (copied IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE INDEX predecessors_user ON predecessors (user_id);

-- Held and waiting changes are looked for by their policy.
CREATE INDEX ledger_waiting ON ledger (error_code, id) WHERE state IN ('held', 'planned') AND error_code IS NOT NULL;
