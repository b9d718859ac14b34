/**
 * The wall clock was set back. Stamps of the store are compared with each other (a reading against
 * the bridge's own writes) and with the clock (work that waits): what was written before would rule
 * until the clock has caught up, a day long after a day. So no stamp that anything is compared with
 * stays in the future, and what waited goes on waiting no longer than it would have.
 *
 * What is only told to people (audit log, ledger) stays as it was written.
 */
import type { Millis } from '../domain/types.js';
import type { Core } from './core.js';
import { SETTING } from './settings.js';

/** Beyond the longest time that a failed call is put off for (15 minutes, or as the workspace asks). */
const LONGEST_RETRY_MS = 3_600_000;

/** While the bridge runs: by so many milliseconds. */
export function clockSetBack(core: Core, ms: Millis): void {
  const now = core.now();
  core.run(BRING_FORWARD, now, ms, now);
  forgetFuture(core, now);
}

/** At start nobody knows whether, and by how much: whatever cannot have been meant is due now. */
export function recoverFromClock(core: Core): void {
  const now = core.now();
  core.run(BRING_TO_NOW, now, now, now, now + LONGEST_RETRY_MS);
  forgetFuture(core, now);
}

function forgetFuture(core: Core, now: Millis): void {
  // A reading of this very millisecond is younger than what it is compared with.
  for (const sql of CLAMP) core.run(sql, now - 1, now);
  for (const name of [SETTING.membersReadAt, SETTING.groupsReadAt]) core.run(CLAMP_SETTING, String(now - 1), name, now);
}

const BRING_FORWARD = 'UPDATE agenda SET due_at = MAX(?, due_at - ?) WHERE due_at > ?';
const BRING_TO_NOW =
  'UPDATE agenda SET due_at = ? WHERE due_at > ? AND (caused_at > ? OR (attempts > 0 AND due_at > ?))';
const CLAMP = [
  'UPDATE agenda SET caused_at = ? WHERE caused_at > ?',
  'UPDATE workspace_members SET touched_at = ? WHERE touched_at > ?',
  'UPDATE workspace_group_members SET touched_at = ? WHERE touched_at > ?',
  'UPDATE invites SET sent_at = ? WHERE sent_at > ?',
  "UPDATE ledger SET ended_at = ? WHERE ended_at > ? AND state = 'done' AND kind = 'removeFromGroup'",
];
const CLAMP_SETTING = 'UPDATE settings SET value = ? WHERE name = ? AND CAST(value AS INTEGER) > ?';
