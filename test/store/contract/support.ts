/** What the contract suite of the store works with: a store, its clock, its rules, and a workspace that obeys. */
import { expect } from '@jest/globals';
import type { ScimError } from '../../../src/errors.js';
import { foldAddress } from '../../../src/domain/fold.js';
import { planPerson } from '../../../src/domain/plan.js';
import type { Rules } from '../../../src/domain/rules.js';
import type {
  Address,
  Document,
  MemberId,
  SeatType,
  UserId,
  WorkspaceGroup,
  WorkspaceGroupId,
  WorkspaceMember,
} from '../../../src/domain/types.js';
import type { Person } from '../../../src/domain/person.js';
import type {
  CallFailure,
  CallResult,
  ListQuery,
  LedgerRow,
  Outcome,
  ReadingEffect,
  Store,
  UserRecord,
  WriteContext,
} from '../../../src/store/port.js';
import type { FakeClock } from '../../support/fake-clock.js';

export interface World {
  readonly store: Store;
  readonly clock: FakeClock;
  /** Replaces some rules, as a reload of the mapping file does. */
  setRules(rules: Partial<Rules>): void;
  rules(): Rules;
  /** The same database in a new store, as after a restart. */
  reopen(): Store;
}

/** Opens an empty store; every one opened is closed after the test. */
export type OpenWorld = (rules?: Partial<Rules>) => World;

export const IDP: WriteContext = {
  requestId: 'req-1',
  actor: 'token:entra',
  tokenId: 'tok-1',
  interactive: true,
  ifMatch: null,
};
export const BULK: WriteContext = { ...IDP, interactive: false };

export const EVERYTHING: ListQuery = {
  filter: null,
  sortBy: null,
  sortOrder: 'ascending',
  startIndex: 1,
  count: 1000,
};

/** A user as Entra sends one. */
export function ann(more: Document = {}): Document {
  return userDoc('ann@example.com', more);
}

export function userDoc(email: string, more: Document = {}): Document {
  return { userName: email, active: true, emails: [{ value: email, type: 'work', primary: true }], ...more };
}

export const asAddress = (email: string): Address => foldAddress(email);

export function member(memberId: string, email: string, more: Partial<WorkspaceMember> = {}): WorkspaceMember {
  return {
    memberId: memberId as MemberId,
    email,
    address: foldAddress(email),
    firstName: null,
    seatType: 'workspace_member',
    isOwner: false,
    isLocked: false,
    ...more,
  };
}

export const OWNER = member('m-owner', 'owner@example.com', { isOwner: true, seatType: 'workspace_admin' });

export function group(
  groupId: string,
  name: string,
  memberIds: readonly string[] = [],
  readOnly = false,
): WorkspaceGroup {
  return { groupId: groupId as WorkspaceGroupId, name, memberIds: memberIds as readonly MemberId[], readOnly };
}

/** Whoever is missing has gone: what three full readings, or an administrator, would say. */
export const WHOLE = { membersBelief: 'whole', groupsBelief: 'whole' } as const;

/** Reads the workspace a second later than whatever was done before. */
export function read(
  world: World,
  members: readonly WorkspaceMember[] | null,
  groups: readonly WorkspaceGroup[] | null = null,
): Promise<ReadingEffect> {
  world.clock.advance(1000);
  return world.store.applyReading({ startedAt: world.clock.now(), members, groups, ...WHOLE }, 'sync');
}

export async function findUser(store: Store, userName: string): Promise<UserRecord> {
  const { items } = await store.listUsers(EVERYTHING);
  const found = items.find((user) => user.document['userName'] === userName);
  if (found === undefined) throw new Error(`no user ${userName}`);
  return found;
}

export async function personOf(store: Store, userId: UserId): Promise<Person> {
  const person = await store.person(userId);
  if (person === null) throw new Error(`no person ${userId}`);
  return person;
}

export const CALL: CallResult = { startedAt: 0, latencyMs: 5, status: 200, requestId: 'up-1' };
export const FAILURE: CallFailure = { ...CALL, status: 400, code: 'no_seats_available', error: 'no seat is free' };

/** Plans a user and sends the first change, which ends as given. Null: there was nothing to send. */
export async function sendNext(
  world: World,
  userId: UserId,
  outcome: Outcome = { kind: 'done', call: CALL },
): Promise<LedgerRow | null> {
  const { store, clock } = world;
  const { changes } = planPerson(await personOf(store, userId), world.rules(), clock.now());
  const [send] = changes;
  const row = await store.record(`user:${userId}`, { changes, held: [], send: send ?? null, cause: 'req-1' });
  if (row !== null) await store.finish(row.id, outcome, null);
  return row;
}

/** Lets the workspace accept everything that is planned; answers what was sent. */
export async function settleUser(world: World, userId: UserId): Promise<string[]> {
  const sent: string[] = [];
  for (let round = 0; round < 20; round++) {
    const row = await sendNext(world, userId);
    if (row === null) return sent;
    sent.push(row.change.kind);
  }
  throw new Error(`the plan never ends: ${sent.join(', ')}`);
}

export async function planOf(world: World, userId: UserId): Promise<string[]> {
  const { changes } = planPerson(await personOf(world.store, userId), world.rules(), world.clock.now());
  return changes.map(({ change }) => change.kind);
}

/** A user who accepted the invite. */
export async function joined(
  world: World,
  email: string,
  memberId: string,
  seatType: SeatType = 'workspace_member',
): Promise<UserRecord> {
  const { record } = await world.store.createUser(userDoc(email), IDP);
  await settleUser(world, record.id);
  const members = [...(await world.store.members()), member(memberId, email, { seatType })];
  await read(world, members.some((known) => known.isOwner) ? members : [OWNER, ...members]);
  const linked = await world.store.getUser(record.id);
  if (linked?.bridge.memberId !== memberId) throw new Error(`${email} is not linked`);
  return linked;
}

/** Whose plans are due, without the prefix. */
export async function dueSubjects(store: Store): Promise<string[]> {
  return (await store.due(1000, new Set())).map((entry) => entry.subject);
}

/** Nothing is on the agenda any more. */
export async function clearAgenda(store: Store): Promise<void> {
  for (const entry of await store.due(10_000, new Set())) await store.settle(entry, null);
}

export async function refusal(promise: Promise<unknown>): Promise<ScimError> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ name: 'ScimError' });
  return error as ScimError;
}
