/**
 * One reading of the workspace: ask, judge, take over. A broken or doubtful group list never hides
 * who has accepted an invite; but groups are not taken over without the members they belong to.
 */
import type { Clock } from '../clock.js';
import { judgeGroups, judgeMembers, type Doubt, type Judgement } from '../domain/reading.js';
import type { MemberId, WorkspaceGroup, WorkspaceMember } from '../domain/types.js';
import { isGatewayError, type GatewayError } from '../elevenlabs/port.js';
import type { ReadingEffect, Store } from '../store/port.js';
import { searchGroups } from './group-search.js';
import { freedSeats } from './seats.js';
import type { WorkspaceGateway } from '../elevenlabs/port.js';

export interface Need {
  readonly members: boolean;
  readonly groups: boolean;
}

export type Part =
  | { readonly kind: 'applied' }
  /** Not believed (domain/reading.ts): nothing was changed by it. */
  | { readonly kind: 'doubted'; readonly reason: string }
  /** The key may not read this: nothing can be verified. */
  | { readonly kind: 'blind'; readonly error: GatewayError }
  | { readonly kind: 'failed'; readonly error: GatewayError };

export interface ReadResult {
  /** Null: was not asked for. */
  readonly members: Part | null;
  readonly groups: Part | null;
  readonly effect: ReadingEffect | null;
  readonly freedSeats: number;
  readonly groupsBySearch: boolean;
}

/** The cause of a reading that shows whether a refused call was in truth done. */
export const VERIFY = 'verify';

/** What one reading has to know of those before it. */
export interface ReadingMemory {
  members: Doubt | null;
  groups: Doubt | null;
  /** An administrator's word: the next reading may be smaller than the last one. */
  acceptSmaller: boolean;
  /** The user the API key belongs to, once identity() told. */
  keyUser: MemberId | null;
}

export interface ReadingSources {
  readonly store: Store;
  readonly gateway: WorkspaceGateway;
  readonly clock: Clock;
  /** Folded IdP group name -> workspace group name, from the mapping file. */
  readonly groupAliases: () => ReadonlyMap<string, string>;
}

/** A setting: the id of the key's own user, once a reading had it among the members. */
export const KEY_MEMBER = 'keyMember';

interface GroupList {
  readonly groups: readonly WorkspaceGroup[];
  readonly isPartial: boolean;
}

export async function readWorkspace(
  need: Need,
  cause: string,
  sources: ReadingSources,
  memory: ReadingMemory,
): Promise<ReadResult> {
  const { clock, store, gateway } = sources;
  const startedAt = clock.now();
  const [memberCall, groupCall] = await Promise.all([
    need.members ? attempt(async () => (await gateway.listMembers()).value) : null,
    need.groups ? attempt(() => listGroups(sources)) : null,
  ]);
  // An answer of 5,000 members takes some 50 ms to read: those who wait meanwhile have their turn.
  await clock.turn();
  const before = await store.memberCounts();
  const keyUser = await expectedKeyUser(store, memory.keyUser);
  // Towards belief. Polls and verifications come in bursts: what they have seen proves nothing together.
  const counts = need.members && need.groups && cause !== VERIFY;
  const members = judged(memberCall, (list) => {
    const count = memory.acceptSmaller ? 0 : before.members;
    return note(memory, 'members', counts, (doubt) => judgeMembers(list, { count, doubt }, keyUser));
  });
  const groupsBefore = need.groups && !memory.acceptSmaller ? (await store.groups()).length : 0;
  const groups = besides(
    members?.part ?? null,
    judged(groupCall, ({ groups: list, isPartial }) =>
      isPartial
        ? { believed: true }
        : note(memory, 'groups', counts, (doubt) => judgeGroups(list, { count: groupsBefore, doubt })),
    ),
  );
  // After a fault readings follow each other fast, and the row begins anew.
  if (counts && [members, groups].some((one) => one?.part.kind === 'failed')) memory.members = memory.groups = null;
  if (members?.value !== undefined || groups?.value !== undefined) memory.acceptSmaller = false;
  const effect = await takeOver(startedAt, members?.value, groups?.value, cause, store);
  if (members?.value !== undefined) await rememberKeyUser(members.value, memory.keyUser, store);
  return {
    members: members?.part ?? null,
    groups: groups?.part ?? null,
    effect,
    freedSeats: members?.value === undefined ? 0 : freedSeats(before, members.value),
    groupsBySearch: groups?.value?.isPartial ?? false,
  };
}

async function takeOver(
  startedAt: number,
  members: readonly WorkspaceMember[] | undefined,
  list: GroupList | undefined,
  cause: string,
  store: Store,
): Promise<ReadingEffect | null> {
  if (members === undefined && list === undefined) return null;
  const groupPart = list === undefined ? { groups: null } : { groups: list.groups, groupsPartial: list.isPartial };
  return store.applyReading({ startedAt, members: members ?? null, ...groupPart }, cause);
}

type Attempt<T> = { readonly value: T } | { readonly error: GatewayError };

async function attempt<T>(call: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await call() };
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return { error };
  }
}

/** The fate of one list, and the list itself where it is believed. */
type Judged<T> = { readonly part: Part; readonly value?: T } | null;

function judged<T>(call: Attempt<T> | null, judge: (value: T) => Judgement): Judged<T> {
  if (call === null) return null;
  if ('error' in call) {
    const { error } = call;
    return { part: { kind: error.kind === 'scopeMissing' ? 'blind' : 'failed', error } };
  }
  const judgement = judge(call.value);
  if (!judgement.believed) return { part: { kind: 'doubted', reason: judgement.reason } };
  return { part: { kind: 'applied' }, value: call.value };
}

/** Judges by the readings before that count, and remembers the doubt if this one does. */
function note(
  memory: ReadingMemory,
  what: 'members' | 'groups',
  counts: boolean,
  judge: (doubt: Doubt | null) => Judgement,
): Judgement {
  const judgement = judge(counts ? memory[what] : null);
  if (judgement.believed) memory[what] = null;
  else if (counts) memory[what] = judgement.doubt;
  return judgement;
}

/** Groups without the members that were read with them would be compared with people who have gone. */
function besides(members: Part | null, groups: Judged<GroupList>): Judged<GroupList> {
  const isUsable = members === null || members.kind === 'applied' || members.kind === 'blind';
  return groups === null || isUsable ? groups : { part: members };
}

/** Where the key may not list groups, those that are wanted are searched by name. */
async function listGroups({ gateway, store, groupAliases }: ReadingSources): Promise<GroupList> {
  try {
    return { groups: (await gateway.listGroups()).value, isPartial: false };
  } catch (error) {
    if (!isGatewayError(error) || (error.kind !== 'scopeMissing' && error.kind !== 'refused')) throw error;
    return { groups: await searchGroups(gateway, store, groupAliases()), isPartial: true };
  }
}

/** A service account is never a member: its key's user is expected only after it was once seen. */
async function expectedKeyUser(store: Store, keyUser: MemberId | null): Promise<MemberId | null> {
  if (keyUser === null) return null;
  return (await store.setting(KEY_MEMBER)) === keyUser ? keyUser : null;
}

async function rememberKeyUser(
  members: readonly WorkspaceMember[],
  keyUser: MemberId | null,
  store: Store,
): Promise<void> {
  if (keyUser === null || !members.some((member) => member.memberId === keyUser)) return;
  if ((await store.setting(KEY_MEMBER)) !== keyUser) await store.setSetting(KEY_MEMBER, keyUser);
}
