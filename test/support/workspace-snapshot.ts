/** A sandbox workspace as a plain object to compare with: by address and by name, without ids and times. */
import type { SeatType } from '../../src/domain/types.js';
import type { Sandbox } from '../../src/sandbox/sandbox.js';

export interface MemberSnapshot {
  readonly seat: SeatType | null;
  readonly locked: boolean;
  readonly owner: boolean;
  /** Names, sorted. */
  readonly groups: readonly string[];
  /** `type:id:role`, sorted: what is shared with this member directly. */
  readonly shares: readonly string[];
}

export interface WorkspaceSnapshot {
  /** By address, in lower case. */
  readonly members: Readonly<Record<string, MemberSnapshot>>;
  /** By address, in lower case. */
  readonly pendingInvites: Readonly<Record<string, { readonly seat: SeatType; readonly usageLimit: number | null }>>;
  /** Addresses of the members of each group, sorted; groups of one name stand together. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
  /** `type:id:role`, sorted, by group name; "default" for everybody. */
  readonly groupShares: Readonly<Record<string, readonly string[]>>;
  /** How many invite mails each address got. */
  readonly mails: Readonly<Record<string, number>>;
}

export function snapshotWorkspace(sandbox: Sandbox): WorkspaceSnapshot {
  const state = sandbox.control.state();
  const groupsOf = new Map<string, string[]>();
  const groups: Record<string, string[]> = {};
  for (const { name, members = [] } of state.groups ?? []) {
    for (const email of members) push(groupsOf, fold(email), name);
    groups[name] = [...(groups[name] ?? []), ...members.map(fold)].sort();
  }
  const sharesOf = new Map<string, string[]>();
  for (const { type, id = '', slots = {} } of state.resources ?? []) {
    for (const [slot, principals] of Object.entries(slots)) {
      for (const principal of principals) push(sharesOf, principal, `${type}:${id}:${slot}`);
    }
  }
  const sharesWith = (principal: string): readonly string[] => (sharesOf.get(principal) ?? []).sort();
  const members = state.members.map((member) => [
    fold(member.email),
    {
      seat: member.seatType ?? null,
      locked: member.locked === true,
      owner: member.owner === true,
      groups: (groupsOf.get(fold(member.email)) ?? []).sort(),
      shares: sharesWith(member.userId ?? ''),
    },
  ]);
  const shared = [{ name: 'default', id: 'default' }, ...(state.groups ?? [])]
    .map(({ name, id = '' }) => [name, sharesWith(id)] as const)
    .filter(([, shares]) => shares.length > 0);
  return {
    members: Object.fromEntries(members),
    pendingInvites: Object.fromEntries(
      (state.invites ?? []).map(({ email, seatType = 'workspace_member', usageLimit = null }) => [
        fold(email),
        { seat: seatType, usageLimit },
      ]),
    ),
    groups,
    groupShares: Object.fromEntries(shared),
    mails: countMails(sandbox),
  };
}

function countMails(sandbox: Sandbox): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { to } of sandbox.control.mailbox()) counts[fold(to)] = (counts[fold(to)] ?? 0) + 1;
  return counts;
}

function push(map: Map<string, string[]>, key: string, value: string): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

const fold = (email: string): string => email.toLowerCase();
