/**
 * One reading of the workspace: ask, judge, take over. A broken or doubtful group list never hides
 * who has accepted an invite; but groups are not taken over without the members they belong to.
 */
import type { Clock } from '../clock.js';
import { judgeGroups, judgeMembers, type Doubt, type Judgement } from '../domain/reading.js';
import type { MemberId, WorkspaceGroup, WorkspaceMember } from '../domain/types.js';
import { isGatewayError, type GatewayError } from '../elevenlabs/port.js';
import type { Doubts, ReadingEffect, Store } from '../store/port.js';
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
  const isCounted = need.members && need.groups && cause !== VERIFY;
  const doubts = await store.doubts();
  const isAccepted = memory.acceptSmaller;
  const members = await judged(memberCall, async (list) => {
    const lack = await store.lackingMembers(list.map(({ memberId }) => memberId));
    return judgeMembers(list, { ...lack, doubt: isCounted ? doubts.members : null, isAccepted }, keyUser);
  });
  const groups = besides(
    members?.part ?? null,
    await judged(groupCall, async ({ groups: list, isPartial }): Promise<Judgement> => {
      if (isPartial) return { believed: true, isWhole: false };
      const lack = await store.lackingGroups(list.map(({ groupId }) => groupId));
      return judgeGroups(list, { ...lack, doubt: isCounted ? doubts.groups : null, isAccepted });
    }),
  );
  if (isCounted) await rememberDoubts([members, groups], doubts, store);
  if (isBelieved(members) || isBelieved(groups)) memory.acceptSmaller = false;
  const effect = await takeOver({ startedAt, members, groups, isCounted, cause }, store);
  if (members !== null && isBelieved(members)) await rememberKeyUser(members.value, memory.keyUser, store);
  return {
    members: members?.part ?? null,
    groups: groups?.part ?? null,
    effect,
    freedSeats: members !== null && isBelieved(members) ? freedSeats(before, members.value) : 0,
    groupsBySearch: groups !== null && isBelieved(groups) && groups.value.isPartial,
  };
}

/** A row of equal readings, or of those that show somebody missing, begins anew after a fault. */
async function rememberDoubts(
  [members, groups]: readonly [Judged<unknown>, Judged<unknown>],
  before: Doubts,
  store: Store,
): Promise<void> {
  const isFaulty = [members, groups].some((one) => one?.part.kind === 'failed');
  if (isFaulty) await store.interruptReadings();
  const after: Doubts = {
    members: isFaulty ? null : (members?.doubt ?? null),
    groups: isFaulty ? null : (groups?.doubt ?? null),
  };
  if (JSON.stringify(before) !== JSON.stringify(after)) await store.setDoubts(after);
}

interface TakeOver {
  readonly startedAt: number;
  readonly members: Judged<readonly WorkspaceMember[]>;
  readonly groups: Judged<GroupList>;
  readonly isCounted: boolean;
  readonly cause: string;
}

async function takeOver(
  { startedAt, members, groups, isCounted, cause }: TakeOver,
  store: Store,
): Promise<ReadingEffect | null> {
  const list = groups !== null && isBelieved(groups) ? groups : null;
  const memberList = members?.value ?? null;
  if (memberList === null && list === null) return null;
  const beliefOf = (judgedList: { readonly isWhole: boolean } | null): 'counted' | 'presence' | 'whole' =>
    judgedList?.isWhole === true ? 'whole' : isCounted ? 'counted' : 'presence';
  const reading = {
    startedAt,
    members: memberList,
    membersBelief: members?.part.kind === 'doubted' ? ('doubted' as const) : beliefOf(members),
    groups: list?.value.groups ?? null,
    groupsBelief: beliefOf(list),
    groupsPartial: list?.value.isPartial ?? false,
  };
  return store.applyReading(reading, cause);
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

/** The fate of one list; `value`: the list itself, where ElevenLabs gave one that has an owner. */
type Judged<T> = {
  readonly part: Part;
  readonly isWhole: boolean;
  readonly doubt: Doubt | null;
  readonly value?: T;
} | null;

function isBelieved<T>(one: Judged<T>): one is NonNullable<Judged<T>> & { readonly value: T } {
  return one?.part.kind === 'applied' && one.value !== undefined;
}

async function judged<T>(call: Attempt<T> | null, judge: (value: T) => Promise<Judgement>): Promise<Judged<T>> {
  if (call === null) return null;
  if ('error' in call) {
    const { error } = call;
    return { part: { kind: error.kind === 'scopeMissing' ? 'blind' : 'failed', error }, isWhole: false, doubt: null };
  }
  const judgement = await judge(call.value);
  if (judgement.believed)
    return { part: { kind: 'applied' }, value: call.value, isWhole: judgement.isWhole, doubt: null };
  const { reason, doubt } = judgement;
  const part = { kind: 'doubted', reason } as const;
  // Without its owner it is no list of this workspace at all.
  return doubt === null ? { part, isWhole: false, doubt } : { part, isWhole: false, doubt, value: call.value };
}

/** Groups without the members that were read with them would be compared with people who have gone. */
function besides(members: Part | null, groups: Judged<GroupList>): Judged<GroupList> {
  const isUsable = members === null || members.kind === 'applied' || members.kind === 'blind';
  return groups === null || isUsable ? groups : { part: members, isWhole: false, doubt: groups.doubt };
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
