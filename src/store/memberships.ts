/**
 * Changes of a group's member set, in O(change): adding one to 50,000 costs what adding one to none
 * does. A pair taken out of a linked group by a request is remembered as withdrawn, because linking
 * alone never removes anybody upstream (docs/design.md 4).
 */
import type { MembershipOrigin, WorkspaceGroupId } from '../domain/types.js';
import type { Refuse } from '../domain/withdrawal.js';
import { invalidValue } from '../errors.js';
import type { Core } from './core.js';
import { membersOfGroup } from './groups.js';
import type { MemberOp } from './port.js';

/** Users whose membership a request changed, by seq. */
export interface MemberDelta {
  readonly added: ReadonlySet<number>;
  readonly removed: ReadonlySet<number>;
  /** Members already, because they were found in the workspace group; asked for from now on. */
  readonly claimed: ReadonlySet<number>;
  /** Of `removed`: found in the workspace group, and not in a full list of members. The list does not name them. */
  readonly unnamed: ReadonlySet<number>;
}

export const NO_DELTA: MemberDelta = { added: new Set(), removed: new Set(), claimed: new Set(), unnamed: new Set() };

/**
 * Applies the operations in order. Unknown ids of `add` and `replace` are refused, nothing is changed then;
 * with `refuse` they are left out.
 */
export function applyMemberOps(core: Core, groupSeq: number, ops: readonly MemberOp[], refuse?: Refuse): MemberDelta {
  const added = new Set<number>();
  const claimed = new Set<number>();
  const removed = new Map<number, MembershipOrigin>();
  const unnamed = new Set<number>();
  const put = (newcomers: readonly number[], others: readonly number[]): void => {
    for (const seq of newcomers) {
      unnamed.delete(seq);
      const origin = removed.get(seq);
      if (!removed.delete(seq)) added.add(seq);
      else if (origin === 'workspace') claimed.add(seq);
    }
    for (const seq of others) claimed.add(seq);
  };
  const take = (rows: readonly Taken[]): void => {
    for (const [seq, origin] of rows)
      if (!added.delete(seq)) removed.set(seq, claimed.delete(seq) ? 'workspace' : origin);
  };
  for (const op of ops) {
    switch (op.kind) {
      case 'add':
        put(...addMembers(core, groupSeq, op.userIds, refuse));
        break;
      case 'remove':
        take(removeMembers(core, groupSeq, op.userIds));
        break;
      case 'replace': {
        assertKnown(core, op.userIds, refuse);
        const dropped = core.raw<Taken>(DELETE_OTHERS, groupSeq, JSON.stringify(op.userIds));
        for (const [seq, origin] of dropped) if (origin === 'workspace') unnamed.add(seq);
        take(dropped);
        put(...addMembers(core, groupSeq, op.userIds, refuse));
        break;
      }
      case 'removeWhere': {
        const matching = membersOfGroup(core, groupSeq).filter((member) => op.test(member));
        take(
          removeMembers(
            core,
            groupSeq,
            matching.map((member) => member.userId),
          ),
        );
        break;
      }
    }
  }
  return { added, removed: new Set(removed.keys()), claimed, unnamed };
}

/** A row that went: user and origin. */
type Taken = readonly [seq: number, origin: MembershipOrigin];

/** Answers who is new, and who was found in the workspace and belongs to the IdP from here on. */
function addMembers(
  core: Core,
  groupSeq: number,
  userIds: readonly string[],
  refuse: Refuse | undefined,
): readonly [added: readonly number[], claimed: readonly number[]] {
  if (userIds.length === 0) return [[], []];
  assertKnown(core, userIds, refuse);
  const list = JSON.stringify(userIds);
  const added = core.values<number>(INSERT, groupSeq, core.now(), list);
  return [added, added.length < userIds.length ? core.values<number>(CLAIM, groupSeq, list) : []];
}

function removeMembers(core: Core, groupSeq: number, userIds: readonly string[]): readonly Taken[] {
  return userIds.length === 0 ? [] : core.raw<Taken>(DELETE, groupSeq, JSON.stringify(userIds));
}

const NAMED = 5;

function assertKnown(core: Core, userIds: readonly string[], refuse: Refuse | undefined): void {
  if (userIds.length === 0) return;
  const unknown = core.values<string>(SELECT_UNKNOWN, JSON.stringify(userIds), NAMED + 1);
  if (unknown.length === 0) return;
  const groups = core.values<string>(SELECT_GROUP_IDS, JSON.stringify(unknown));
  const more = unknown.length > NAMED ? ' and more' : '';
  const problem =
    groups.length > 0
      ? `members: ${quoted(groups)} is a Group. Groups cannot be members: ElevenLabs has no nested groups.`
      : `members: no User has the id ${quoted(unknown.slice(0, NAMED))}${more}.`;
  if (refuse === undefined) throw invalidValue(groups.length > 0 ? problem : `${problem} Nothing was changed.`);
  refuse('members', invalidValue(problem));
}

const quoted = (ids: readonly string[]): string => ids.map((id) => `"${id.slice(0, 100)}"`).join(', ');

/** What a request to a linked group means beyond the directory: to be taken out upstream, or no longer. */
export function markWithdrawn(core: Core, groupId: WorkspaceGroupId, delta: MemberDelta): void {
  if (delta.removed.size > 0) {
    const lists = [[...delta.removed], [...delta.unnamed]].map((seqs) => JSON.stringify(seqs));
    core.run(INSERT_WITHDRAWN, groupId, core.now(), ...lists);
  }
  const wanted = [...delta.added, ...delta.claimed];
  if (wanted.length > 0) core.run(DELETE_WITHDRAWN, groupId, JSON.stringify(wanted));
}

export function userIdsOfSeqs(core: Core, seqs: ReadonlySet<number>): readonly string[] {
  return core.values<string>(
    'SELECT u.id FROM json_each(?) AS j JOIN users AS u ON u.seq = j.value',
    JSON.stringify([...seqs]),
  );
}

const INSERT = `INSERT INTO memberships (group_seq, user_seq, origin, added_at)
  SELECT ?, u.seq, 'idp', ? FROM json_each(?) AS j JOIN users AS u ON u.id = j.value WHERE u.deleted_at IS NULL
  ON CONFLICT DO NOTHING RETURNING user_seq`;
const CLAIM = `UPDATE memberships SET origin = 'idp' WHERE group_seq = ? AND origin = 'workspace'
  AND user_seq IN (SELECT u.seq FROM json_each(?) AS j JOIN users AS u ON u.id = j.value) RETURNING user_seq`;
const DELETE = `DELETE FROM memberships WHERE group_seq = ?
  AND user_seq IN (SELECT u.seq FROM json_each(?) AS j JOIN users AS u ON u.id = j.value) RETURNING user_seq, origin`;
const DELETE_OTHERS = `DELETE FROM memberships WHERE group_seq = ?
  AND user_seq NOT IN (SELECT u.seq FROM json_each(?) AS j JOIN users AS u ON u.id = j.value) RETURNING user_seq, origin`;
const SELECT_UNKNOWN = `SELECT DISTINCT j.value FROM json_each(?) AS j
  LEFT JOIN users AS u ON u.id = j.value AND u.deleted_at IS NULL WHERE u.seq IS NULL LIMIT ?`;
const SELECT_GROUP_IDS = 'SELECT g.id FROM json_each(?) AS j JOIN groups AS g ON g.id = j.value';
const INSERT_WITHDRAWN = `INSERT OR IGNORE INTO withdrawn_memberships (user_id, workspace_group_id, withdrawn_at)
  SELECT u.id, ?, ? FROM json_each(?) AS j JOIN users AS u ON u.seq = j.value
  WHERE u.managed = 1 OR u.seq NOT IN (SELECT value FROM json_each(?))`;
const DELETE_WITHDRAWN = `DELETE FROM withdrawn_memberships WHERE workspace_group_id = ?
  AND user_id IN (SELECT u.id FROM json_each(?) AS j JOIN users AS u ON u.seq = j.value)`;
