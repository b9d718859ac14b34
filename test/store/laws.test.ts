/**
 * Random histories of an IdP, of people in the ElevenLabs UI, of invitees, of lost answers, refusals
 * and crashes, over a real store and a workspace in memory: whatever happened, the plan comes to an
 * end, withdrawn people have no access, and nobody who is not managed was touched.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { foldAddress } from '../../src/domain/fold.js';
import { nextPlanAt, planPerson } from '../../src/domain/plan.js';
import { DEFAULT_RULES, type Rules } from '../../src/domain/rules.js';
import type { Change, SeatType, UserId, WorkspaceGroup, WorkspaceMember } from '../../src/domain/types.js';
import { ScimError } from '../../src/errors.js';
import type { AgendaEntry, Outcome, Store } from '../../src/store/port.js';
import { openStore } from '../../src/store/sqlite-store.js';
import { createFakeClock, type FakeClock } from '../support/fake-clock.js';
import { BULK, CALL, EVERYTHING, FAILURE, group, member, OWNER } from './contract/support.js';

const EMAILS = ['ann@x.org', 'bob@x.org', 'cat@x.org', 'dan@x.org'];
const SEATS: readonly SeatType[] = ['workspace_admin', 'workspace_member', 'workspace_lite_member'];

type Step =
  | { readonly do: 'create' | 'delete' | 'accept' | 'uiRemove'; readonly who: number }
  | { readonly do: 'active' | 'uiLock'; readonly who: number; readonly on: boolean }
  | { readonly do: 'move'; readonly who: number; readonly to: number }
  | { readonly do: 'role'; readonly who: number; readonly seat: number }
  | { readonly do: 'join' | 'leave' | 'uiJoin' | 'uiLeave'; readonly who: number; readonly group: number }
  | { readonly do: 'createGroup' | 'deleteGroup'; readonly group: number }
  | { readonly do: 'work'; readonly luck: readonly Luck[] }
  | { readonly do: 'crash'; readonly applied: boolean }
  | { readonly do: 'read' | 'wait' };

/** How calls go: well, not at all, well but unheard, refused. */
type Luck = 'ok' | 'down' | 'lost' | 'refused';

const luck = fc.constantFrom<Luck>('ok', 'ok', 'down', 'lost', 'refused');
const who = fc.nat({ max: EMAILS.length - 1 });
const inGroup = fc.nat({ max: 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('create', 'delete', 'accept', 'uiRemove'), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('active', 'uiLock'), who, on: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('move'), who, to: who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('role'), who, seat: fc.nat({ max: 3 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('join', 'leave', 'uiJoin', 'uiLeave'), who, group: inGroup }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('createGroup', 'deleteGroup'), group: inGroup }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('read', 'read', 'wait') }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('work'), luck: fc.array(luck, { maxLength: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash'), applied: fc.boolean() }) },
);

/** The workspace: accepts every call that makes sense, and knows what was done to whom. */
class Workspace {
  readonly members = new Map<string, WorkspaceMember>([[OWNER.memberId, OWNER]]);
  readonly invites = new Map<string, SeatType>();
  readonly groups = new Map<string, WorkspaceGroup>([
    ['g-0', group('g-0', 'Group 0')],
    ['g-1', group('g-1', 'Group 1')],
  ]);
  /** Members changed by a call of the bridge. */
  readonly touched = new Set<string>();
  /** Members who came in by an invite. */
  readonly accepted = new Set<string>();
  #nextId = 0;

  at(email: string): WorkspaceMember | undefined {
    return [...this.members.values()].find((known) => known.address === foldAddress(email));
  }

  put(known: WorkspaceMember): void {
    this.members.set(known.memberId, known);
  }

  remove(memberId: string): void {
    this.members.delete(memberId);
    for (const id of this.groups.keys()) this.setInGroup(id, memberId, false);
  }

  accept(email: string): void {
    const seatType = this.invites.get(email);
    if (seatType === undefined || this.at(email) !== undefined) return;
    this.invites.delete(email);
    const memberId = `m-${String(this.#nextId++)}`;
    this.accepted.add(memberId);
    this.put(member(memberId, email, { seatType }));
  }

  setInGroup(groupId: string, memberId: string, isIn: boolean): void {
    const known = this.groups.get(groupId)!;
    const others = known.memberIds.filter((id) => id !== memberId);
    this.groups.set(groupId, { ...known, memberIds: isIn ? [...others, memberId as never] : others });
  }

  /** False: refused. */
  apply(change: Change): boolean {
    switch (change.kind) {
      case 'invite':
        if (this.at(change.address) !== undefined) return false;
        this.invites.set(change.address, change.seatType);
        return true;
      case 'revokeInvite':
        this.invites.delete(change.address);
        return true;
      case 'share':
      case 'unshare':
        return true;
      case 'lock':
      case 'unlock':
      case 'setSeat':
      case 'addToGroup':
      case 'removeFromGroup':
        return this.#applyToMember(change);
    }
  }

  #applyToMember(change: Extract<Change, { memberId: unknown }>): boolean {
    const known = this.members.get(change.memberId);
    if (known === undefined) return false;
    this.touched.add(known.memberId);
    if (change.kind === 'lock') this.put({ ...known, isLocked: true });
    if (change.kind === 'unlock') this.put({ ...known, isLocked: false });
    if (change.kind === 'setSeat') this.put({ ...known, seatType: change.seatType });
    if (change.kind === 'addToGroup') this.setInGroup(change.groupId, known.memberId, true);
    if (change.kind === 'removeFromGroup') this.setInGroup(change.groupId, known.memberId, false);
    return true;
  }
}

class Run {
  readonly workspace = new Workspace();
  readonly clock: FakeClock = createFakeClock();
  /** Every user that was ever made by the IdP, also the deleted ones. */
  readonly made = new Set<UserId>();
  store: Store;
  readonly #file: string;
  readonly #rules: Rules;

  constructor(folder: string, rules: Rules) {
    this.#rules = rules;
    this.#file = path.join(folder, 'bridge.db');
    this.store = this.#open();
  }

  #open(): Store {
    return openStore({ path: this.#file, clock: this.clock, rules: () => this.#rules, serve: true });
  }

  async step(it: Step): Promise<void> {
    this.clock.advance(1000);
    switch (it.do) {
      case 'read':
        return this.read();
      case 'work':
        await this.work(it.luck);
        return;
      case 'crash':
        return this.#crash(it.applied);
      case 'wait':
        this.clock.advance(86_400_000);
        return;
      case 'createGroup':
        return this.#idp(async () => {
          await this.store.createGroup({ displayName: `group ${String(it.group)}` }, [], BULK);
        });
      case 'deleteGroup':
        return this.#group(it.group, (id) => this.store.deleteGroup(id, BULK));
      case 'create':
        return this.#idp(async () => {
          const email = EMAILS[it.who]!;
          const document = { userName: email, active: true, emails: [{ value: email, type: 'work', primary: true }] };
          this.made.add((await this.store.createUser(document, BULK)).record.id);
        });
      case 'delete':
        return this.#user(it.who, (id) => this.store.deleteUser(id, BULK));
      case 'active':
        return this.#user(it.who, (id) => this.store.updateUser(id, (doc) => ({ ...doc, active: it.on }), BULK));
      case 'move': {
        const emails = [{ value: EMAILS[it.to]!, type: 'work', primary: true }];
        return this.#user(it.who, (id) => this.store.updateUser(id, (doc) => ({ ...doc, emails }), BULK));
      }
      case 'role': {
        const seat = SEATS[it.seat];
        const roles = seat === undefined ? [] : [{ value: seat }];
        return this.#user(it.who, (id) => this.store.updateUser(id, (doc) => ({ ...doc, roles }), BULK));
      }
      case 'join':
      case 'leave':
        return this.#user(it.who, (userId) =>
          this.#group(it.group, (id) => {
            const op = { kind: it.do === 'join' ? ('add' as const) : ('remove' as const), userIds: [userId] };
            return this.store.updateGroup(id, { document: (doc) => doc, members: [op] }, BULK, { members: false });
          }),
        );
      case 'accept':
        this.workspace.accept(EMAILS[it.who]!);
        return;
      case 'uiRemove':
      case 'uiLock':
      case 'uiJoin':
      case 'uiLeave': {
        const known = this.workspace.at(EMAILS[it.who]!);
        if (known === undefined) return;
        if (it.do === 'uiRemove') this.workspace.remove(known.memberId);
        else if (it.do === 'uiLock') this.workspace.put({ ...known, isLocked: it.on });
        else if (it.do === 'uiJoin' || it.do === 'uiLeave')
          this.workspace.setInGroup(`g-${String(it.group)}`, known.memberId, it.do === 'uiJoin');
        return;
      }
    }
  }

  async read(): Promise<void> {
    this.clock.advance(1);
    const startedAt = this.clock.now();
    const { members, groups } = this.workspace;
    await this.store.applyReading(
      {
        ...{ startedAt, members: [...members.values()], groups: [...groups.values()] },
        ...{ membersBelief: 'whole', groupsBelief: 'whole' },
      },
      'sync',
    );
    this.clock.advance(1);
  }

  /** As the reconciler: whoever is due, one call at a time, until nothing is due. */
  async work(luck: readonly Luck[] = []): Promise<number> {
    let calls = 0;
    for (let round = 0; round < 300; round++) {
      const [entry] = await this.store.due(1, new Set());
      if (entry === undefined) return calls;
      if (await this.#workOn(entry, luck[calls] ?? 'ok')) calls++;
    }
    throw new Error('the work never ends');
  }

  /** One step for one subject; answers whether a call was made. */
  async #workOn(entry: AgendaEntry, luck: Luck): Promise<boolean> {
    const userId = entry.subject.slice(5) as UserId;
    const person = entry.subject.startsWith('user:') ? await this.store.person(userId) : null;
    if (person === null) {
      await this.store.settle(entry, null);
      return false;
    }
    const { changes, needsReading } = planPerson(person, this.#rules, this.clock.now());
    const row = await this.store.record(entry.subject, { changes, held: [], send: changes[0] ?? null, cause: 'x' });
    if (row !== null) {
      await this.store.finish(row.id, this.#call(row.change, luck), null);
      return true;
    }
    if (needsReading) await this.read();
    else {
      const dueAt = nextPlanAt(person, this.#rules, this.clock.now());
      await this.store.settle(entry, dueAt === null ? null : { dueAt });
    }
    return false;
  }

  #call(change: Change, luck: Luck): Outcome {
    const refused: Outcome = { kind: 'refused', call: FAILURE, retryAt: this.clock.now() + 86_400_000 };
    switch (luck) {
      case 'down':
        return { kind: 'transient', call: FAILURE };
      case 'refused':
        return refused;
      case 'ok':
        return this.workspace.apply(change) ? { kind: 'done', call: CALL } : refused;
      case 'lost':
        this.workspace.apply(change);
        return { kind: change.kind === 'invite' ? 'ambiguous' : 'transient', call: FAILURE };
    }
  }

  /** The process dies between sending and the answer. */
  async #crash(applied: boolean): Promise<void> {
    const [entry] = await this.store.due(1, new Set());
    const person =
      entry?.subject.startsWith('user:') === true ? await this.store.person(entry.subject.slice(5) as UserId) : null;
    if (entry !== undefined && person !== null) {
      const { changes } = planPerson(person, this.#rules, this.clock.now());
      const row = await this.store.record(entry.subject, { changes, held: [], send: changes[0] ?? null, cause: 'x' });
      if (row !== null && applied) this.workspace.apply(row.change);
    }
    this.store.close();
    this.store = this.#open();
    await this.store.recover();
  }

  /** What the IdP may be refused is no matter here. */
  async #idp(write: () => Promise<unknown>): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (!(error instanceof ScimError) || error.status >= 500) throw error;
    }
  }

  async #user(index: number, write: (id: string) => Promise<unknown>): Promise<void> {
    const { items } = await this.store.listUsers(EVERYTHING);
    const user = items.find(({ document }) => document['userName'] === EMAILS[index]);
    if (user === undefined) return;
    await this.#idp(async () => {
      await write(user.id);
      // A membership alone makes nobody managed.
      if ((await this.store.getUser(user.id))?.managed !== false) this.made.add(user.id);
    });
  }

  async #group(index: number, write: (id: string) => Promise<unknown>): Promise<void> {
    const { items } = await this.store.listGroups(EVERYTHING, { members: false });
    const found = items.find(
      ({ document }) => asText(document['displayName']).toLowerCase() === `group ${String(index)}`,
    );
    if (found !== undefined) await this.#idp(() => write(found.id));
  }
}

const asText = (value: unknown): string => (typeof value === 'string' ? value : '');

async function inRun(rules: Rules, body: (run: Run) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'bridge-laws-'));
  const run = new Run(folder, rules);
  try {
    await body(run);
  } finally {
    run.store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Time goes on, the workspace is read, everything goes well, until nothing will ever be due. */
async function comeToRest(run: Run): Promise<void> {
  for (let i = 0; i < 60; i++) {
    await run.read();
    await run.work();
    await run.read();
    const next = await run.store.nextDueAt(new Set());
    if (next === null) return;
    run.clock.advance(Math.max(0, next - run.clock.now()));
  }
  throw new Error('the workspace never comes to rest');
}

describe('after any history', () => {
  const histories = fc.array(step, { minLength: 5, maxLength: 40 });

  it.each([
    ['members imported', true],
    ['members not imported', false],
  ])(
    'the plan ends, leavers have no access, others are untouched (%s)',
    async (_, importExisting) => {
      const rules: Rules = { ...DEFAULT_RULES, importExisting };
      await fc.assert(
        fc.asyncProperty(histories, (history) =>
          inRun(rules, async (run) => {
            run.workspace.put(member('m-eve', 'eve@x.org'));
            run.workspace.put(member('m-dan', 'dan@x.org', { seatType: 'workspace_admin' }));
            await run.read();
            for (const one of history) await run.step(one);
            await comeToRest(run);
            await checkAccess(run);
            await checkConsistency(run);
            await checkNobodyLeftOut(run);
            await checkNobodyLeftIn(run);
            const quiet = await run.work();
            expect(quiet).toBe(0);
          }),
        ),
        { numRuns: 30 },
      );
    },
    120_000,
  );
});

async function checkAccess(run: Run): Promise<void> {
  expect(run.workspace.touched.has('m-eve')).toBe(false);
  expect(run.workspace.touched.has(OWNER.memberId)).toBe(false);
  for (const id of run.made) {
    const person = await run.store.person(id);
    if (person === null || !person.managed || person.protection !== null) continue;
    if (person.desired !== 'active') {
      expect(person.member === null || person.member.isLocked).toBe(true);
      if (person.address !== null && !(await isHeldByOther(run, id, person.address)))
        expect(run.workspace.invites.has(person.address)).toBe(false);
    }
    for (const { copy, isDoubtful, member } of person.formerAccounts)
      if (copy !== 'due' && !isDoubtful) expect(member.isLocked).toBe(true);
  }
}

async function isHeldByOther(run: Run, id: UserId, address: string): Promise<boolean> {
  const { items } = await run.store.listUsers(EVERYTHING);
  return items.some((user) => user.id !== id && user.address === address);
}

/** Every invite that is out belongs to somebody who wants it; the mirror is the workspace; links are unique. */
async function checkConsistency(run: Run): Promise<void> {
  const { items } = await run.store.listUsers(EVERYTHING);
  const wanted = new Set(items.filter(({ document }) => document['active'] === true).map(({ address }) => address));
  for (const address of run.workspace.invites.keys()) expect(wanted.has(address as never)).toBe(true);
  const byId = (a: WorkspaceMember, b: WorkspaceMember) => (a.memberId < b.memberId ? -1 : 1);
  expect(await run.store.members()).toEqual([...run.workspace.members.values()].sort(byId));
  const linked = items.flatMap(({ bridge }) => bridge.memberId ?? []);
  expect(new Set(linked).size).toBe(linked.length);
  for (const user of items) {
    if (user.bridge.memberId === null) continue;
    expect(run.workspace.members.has(user.bridge.memberId)).toBe(true);
    expect(['member', 'locked', 'protected', 'failed']).toContain(user.bridge.status);
  }
}

/** Who is wanted is a member or has an invite; but for those who were removed by hand, refused or lost twice. */
async function checkNobodyLeftOut(run: Run): Promise<void> {
  const { items } = await run.store.listUsers(EVERYTHING);
  for (const { id, managed, address } of items) {
    const person = await run.store.person(id);
    if (!managed || address === null || person?.desired !== 'active' || person.member !== null) continue;
    const { invite, removedAt } = person;
    const isGivenUp = removedAt !== null || (invite !== null && invite.state === 'ambiguous' && invite.sends >= 2);
    const isTaken = run.workspace.at(address) !== undefined;
    expect(isGivenUp || isTaken || run.workspace.invites.has(address)).toBe(true);
  }
}

/** Whoever came in by an invite of the bridge has access only while an active user stands for the member. */
async function checkNobodyLeftIn(run: Run): Promise<void> {
  const { items } = await run.store.listUsers(EVERYTHING);
  const active = new Set(
    items.filter(({ document }) => document['active'] === true).map(({ bridge }) => bridge.memberId),
  );
  for (const known of run.workspace.members.values()) {
    if (!run.workspace.accepted.has(known.memberId) || known.isLocked) continue;
    expect(active.has(known.memberId)).toBe(true);
  }
}
