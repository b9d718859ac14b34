/**
 * Effects: what the bridge made of one aspect of one account. An effect is written in the transaction
 * that marks its ledger row `sending`. The answer makes it sure or takes it back; a lost answer leaves it
 * unsure until a reading settles it: presence at once, absence not before `SETTLING_MS` have passed.
 *
 * What is unsure counts as made when it has to be taken away, and as not made when it has to be there.
 * Shares have the same in given_shares, since their holders are not accounts alone.
 */
import type { MemberId, Millis, SeatType, WorkspaceGroupId } from '../domain/types.js';
import { accountOfCall, SETTLING_MS } from './accounts.js';
import type { Core } from './core.js';
import type { LedgerRow } from './port.js';
import { userIdOf } from './subject.js';

export type EffectAspect = 'access' | 'seat' | 'group';

/** Which aspect; `target` is the workspace group. */
export interface EffectKey {
  readonly accountId: number;
  readonly aspect: EffectAspect;
  readonly target: WorkspaceGroupId | '';
}

export interface EffectRow {
  readonly account_id: number;
  readonly aspect: EffectAspect;
  readonly target: WorkspaceGroupId | '';
  readonly value: string | null;
  readonly sent: string | null;
  readonly before: string | null;
  readonly repeated: number;
}

/** Full readings in a row that must not show a sure effect before it is taken for ended by a hand. */
const ABSENT_READINGS = 3;

/** The effect that a call has on an account; null = none that is remembered so. */
export function effectKeyOf(core: Core, row: Pick<LedgerRow, 'subject' | 'change'>): EffectKey | null {
  const { change } = row;
  switch (change.kind) {
    case 'lock':
      return keyFor(core, row.subject, change.memberId, { aspect: 'access', target: '' });
    case 'setSeat':
      return change.isCopy === true ? null : keyFor(core, row.subject, change.memberId, { aspect: 'seat', target: '' });
    case 'addToGroup':
      if (change.isCopy === true) return null;
      return keyFor(core, row.subject, change.memberId, { aspect: 'group', target: change.groupId });
    case 'invite':
    case 'revokeInvite':
    case 'unlock':
    case 'removeFromGroup':
    case 'share':
    case 'unshare':
      return null;
  }
}

function keyFor(
  core: Core,
  subject: string,
  memberId: MemberId,
  what: Pick<EffectKey, 'aspect' | 'target'>,
): EffectKey | null {
  const account = accountOfCall(core, userIdOf(subject), memberId);
  return account === undefined ? null : { accountId: account.id, ...what };
}

export function effectsOf(core: Core, accountId: number | null): readonly EffectRow[] {
  return accountId === null ? [] : core.all<EffectRow>('SELECT * FROM effects WHERE account_id = ?', accountId);
}

/** Whether the bridge made, or may have made, anything of an account of this user. */
export function hasEffects(core: Core, userId: string): boolean {
  return core.value(HAS_EFFECTS, userId) === 1;
}

export function findEffect(core: Core, { accountId, aspect, target }: EffectKey): EffectRow | undefined {
  return core.get<EffectRow>(SELECT, accountId, aspect, target);
}

/** Before the call. What was there before is remembered with the first one. */
export function beginEffect(core: Core, key: EffectKey, sent: string, before: string | null): void {
  core.run(BEGIN, key.accountId, key.aspect, key.target, sent, before, core.now());
}

/**
 * After the answer. `made`: it is so by our call. `found`: it was so before this call, which is ours
 * only if an earlier call of ours may have made it. `refused`: this call made nothing. `unsure`: not known.
 */
export function endEffect(core: Core, key: EffectKey, end: 'made' | 'found' | 'refused' | 'unsure'): void {
  const where = [key.accountId, key.aspect, key.target] as const;
  const effect = findEffect(core, key);
  if (effect?.sent === undefined || effect.sent === null) return;
  const isOurs = end === 'made' || (end === 'found' && (effect.repeated === 1 || effect.value !== null));
  if (isOurs) core.run(`UPDATE effects SET value = sent, sent = NULL, repeated = 0, absent = 0 ${WHERE}`, ...where);
  else if (end === 'unsure' || effect.repeated === 1)
    core.run(`UPDATE effects SET ended_at = ? ${WHERE}`, core.now(), ...where);
  else takeBack(core, key, effect);
}

function takeBack(core: Core, key: EffectKey, { value }: EffectRow): void {
  if (value === null) dropEffect(core, key);
  else core.run(`UPDATE effects SET sent = NULL, repeated = 0 ${WHERE}`, key.accountId, key.aspect, key.target);
}

/** Made without a call of its own: by an invite. */
export function noteEffect(core: Core, key: EffectKey, value: string, before: string | null): void {
  core.run(NOTE, key.accountId, key.aspect, key.target, value, before, core.now());
}

export function dropEffect(core: Core, { accountId, aspect, target }: EffectKey): void {
  core.run(`DELETE FROM effects ${WHERE}`, accountId, aspect, target);
}

/** A process that was sending is dead: its calls have ended without an answer. */
export function endDeadCalls(core: Core): void {
  core.run('UPDATE effects SET ended_at = ? WHERE sent IS NOT NULL AND ended_at IS NULL', core.now());
}

/** What a reading of the members that began then says of locks and seats. */
export function settleByMembers(core: Core, startedAt: Millis): void {
  core.run(SEEN_USABLE, startedAt);
  core.run(UNLOCKED_BY_HAND, startedAt);
  for (const row of core.all<UnsureRow>(SELECT_UNSURE, startedAt)) {
    const key = { accountId: row.account_id, aspect: row.aspect, target: row.target };
    const isSo = row.aspect === 'access' ? row.is_locked === 1 : row.seat_type === row.sent;
    settle(core, key, row, isSo, startedAt);
  }
}

/** What a full reading of the groups that began then says of memberships. */
export function settleByGroups(core: Core, startedAt: Millis): void {
  for (const row of core.all<UnsureGroupRow>(SELECT_UNSURE_GROUPS)) {
    const key = { accountId: row.account_id, aspect: 'group', target: row.target } as const;
    settle(core, key, row, row.is_in === 1, startedAt);
  }
}

/** Sure memberships that a counted full reading shows, or does not. */
export function countAbsences(core: Core): void {
  core.run(PRESENT_AGAIN);
  core.run(ABSENT_ONCE_MORE);
  core.run(`DELETE FROM effects WHERE aspect = 'group' AND absent >= ${String(ABSENT_READINGS)} AND sent IS NULL`);
}

function settle(core: Core, key: EffectKey, row: UnsureRow, isSo: boolean, startedAt: Millis): void {
  if (isSo)
    core.run(
      `UPDATE effects SET value = sent, sent = NULL, repeated = 0, absent = 0 ${WHERE}`,
      key.accountId,
      key.aspect,
      key.target,
    );
  else if (row.ended_at !== null && row.ended_at + SETTLING_MS <= startedAt) takeBack(core, key, row);
}

interface UnsureRow extends EffectRow {
  readonly ended_at: Millis | null;
  readonly is_locked?: number;
  readonly seat_type?: SeatType | null;
  readonly member_id?: MemberId;
}

interface UnsureGroupRow extends UnsureRow {
  readonly is_in: number;
}

const HAS_EFFECTS = 'SELECT 1 FROM effects AS e JOIN accounts AS a ON a.id = e.account_id WHERE a.user_id = ? LIMIT 1';
const WHERE = 'WHERE account_id = ? AND aspect = ? AND target = ?';
const SELECT = `SELECT * FROM effects ${WHERE}`;
const BEGIN = `INSERT INTO effects (account_id, aspect, target, sent, before, since) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (account_id, aspect, target) DO UPDATE SET
  repeated = CASE WHEN effects.sent IS NULL THEN 0 ELSE 1 END, sent = excluded.sent, ended_at = NULL`;
const NOTE = `INSERT INTO effects (account_id, aspect, target, value, before, since) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (account_id, aspect, target) DO UPDATE SET value = excluded.value`;
// A turn is used up once the account was seen usable after it.
const SEEN_USABLE = `UPDATE accounts SET unlock_since = NULL WHERE unlock_since < ? AND EXISTS
  (SELECT 1 FROM workspace_members AS m WHERE m.member_id = accounts.member_id AND m.is_locked = 0 AND m.missing_since IS NULL)`;
// Whoever unlocked it: a lock that is seen later is somebody else's.
const UNLOCKED_BY_HAND = `DELETE FROM effects WHERE aspect = 'access' AND sent IS NULL AND EXISTS
  (SELECT 1 FROM accounts AS a JOIN workspace_members AS m ON m.member_id = a.member_id
    WHERE a.id = effects.account_id AND m.is_locked = 0 AND m.missing_since IS NULL AND m.touched_at < ?)`;
const SELECT_UNSURE = `SELECT e.*, m.is_locked, m.seat_type FROM effects AS e JOIN accounts AS a ON a.id = e.account_id
  JOIN workspace_members AS m ON m.member_id = a.member_id AND m.missing_since IS NULL
  WHERE e.sent IS NOT NULL AND e.aspect <> 'group' AND m.touched_at < ?`;
const IS_IN = `EXISTS (SELECT 1 FROM accounts AS a JOIN workspace_group_members AS g ON g.member_id = a.member_id
  WHERE a.id = effects.account_id AND g.group_id = effects.target)`;
const IS_LISTED = `EXISTS (SELECT 1 FROM workspace_groups AS w WHERE w.group_id = effects.target AND w.missing_since IS NULL)`;
const SELECT_UNSURE_GROUPS = `SELECT *, ${IS_IN} AS is_in FROM effects WHERE sent IS NOT NULL AND aspect = 'group' AND ${IS_LISTED}`;
const PRESENT_AGAIN = `UPDATE effects SET absent = 0 WHERE aspect = 'group' AND absent > 0 AND ${IS_IN}`;
const ABSENT_ONCE_MORE = `UPDATE effects SET absent = absent + 1 WHERE aspect = 'group' AND sent IS NULL AND ${IS_LISTED} AND NOT ${IS_IN}`;
