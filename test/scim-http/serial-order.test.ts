/**
 * 200 writers at once on ten groups and fifty users, over HTTP, with handlers that are put off at
 * every step: what they leave behind is what some serial order of their requests leaves behind.
 *
 * The order is that of the audit log, which has a row per committed write. A plain model
 * (directory-model.ts) replays it: every row must be a change that the model makes, too, and the
 * last state must be the one that the bridge serves. Every answer must be true at a moment between
 * the request and its answer: of a write, the moment of its commit; of a read, of a refusal and of
 * a write that changes nothing, any moment.
 */
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Provisioning } from '../../src/domain/provisioning.js';
import { seed } from '../support/property.js';
import { GROUP_URN, patchBody, startBridge, userBody, type Answer, type AnyJson, type Bridge } from './bridge.js';
import { perform, view, type Action, type Directory, type MemberChange, type Outcome } from './directory-model.js';

const WRITERS = 200;
const REQUESTS_EACH = 5;
const USERS = 50;
const GROUPS = 10;

let bridge: Bridge;
let log: Database.Database;
beforeAll(async () => {
  bridge = await startBridge({ provisioning: slowProvisioning() });
  log = new Database(bridge.databasePath, { readonly: true });
});
afterAll(async () => {
  log.close();
  await bridge.close();
});

/** Numbers that look random and are the same for a seed (mulberry32). */
function createRandom(state: number): (below: number) => number {
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

/** Between reading and writing, and between writing and answering, others have their turn. */
function slowProvisioning(): Provisioning {
  const random = createRandom(seed);
  const otherTurns = async (): Promise<void> => {
    for (let left = random(6); left > 0; left -= 1) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    poke: () => undefined,
    async settle() {
      await otherTurns();
      return { kind: 'settled' };
    },
    async settleGroup() {
      await otherTurns();
      return 'settled';
    },
    admitGrant: otherTurns,
    admitWithdrawal: otherTurns,
    awaitFirstReading: () => Promise.resolve(false),
  };
}

// What was refused of a write has a row of its own beside that of the write, if there is one.
const IS_COMMIT = `NOT (action GLOB '*.refusedValues' AND EXISTS (SELECT 1 FROM audit_log AS other
  WHERE other.request_id = audit_log.request_id AND other.action NOT GLOB '*.refusedValues'))`;

/** One request as its sender saw it; moments are counted in commits. */
interface Trace {
  readonly action: Action;
  readonly sentAt: number;
  readonly answeredAt: number;
  readonly answer: Answer;
}

/** Ids that the writers know of, with the versions they last saw: what a real client goes by. */
class Knowledge {
  readonly users: string[] = [];
  readonly groups: string[] = [];
  readonly #versions = new Map<string, number>();

  /** Who is gone is forgotten, later than at once: some writers still try. */
  forget(id: string): void {
    for (const list of [this.users, this.groups]) if (list.includes(id)) list.splice(list.indexOf(id), 1);
  }

  learn({ status, body }: Answer): void {
    if (body.id === undefined) return;
    this.#versions.set(body.id, versionOf(body.meta.version));
    if (status === 201) (body.meta.resourceType === 'User' ? this.users : this.groups).push(body.id);
  }

  /** What If-Match says: mostly nothing, else the version last seen. */
  condition(id: string, random: (below: number) => number): number | null {
    return random(5) > 0 ? null : (this.#versions.get(id) ?? null);
  }
}

const versionOf = (tag: string): number => Number(/^W\/"(\d+)"$/.exec(tag)?.[1]);

function chooseAction(random: (below: number) => number, known: Knowledge): Action {
  const one = <T>(list: readonly T[]): T => list[random(list.length)]!;
  const some = (most: number): string[] => [
    ...new Set(Array.from({ length: random(most + 1) }, () => one(known.users))),
  ];
  // One of few names, for which many compete, or one that is rarely taken.
  const userName = `n${String(random(3) === 0 ? random(USERS) : random(1000))}`;
  const displayName = `g${String(random(3) === 0 ? random(GROUPS) : random(1000))}`;
  const title = one([null, 'A', 'B', 'C']);
  const user = one(known.users);
  const group = one(known.groups);
  const onUser = { id: user, match: known.condition(user, random) };
  const onGroup = { id: group, match: known.condition(group, random) };
  const change = (): MemberChange =>
    random(6) === 0 ? { op: 'replace', ids: some(8) } : { op: one(['add', 'remove'] as const), ids: some(4) };
  const choices: readonly (() => Action)[] = [
    () => ({ do: 'readUser', id: user }),
    () => ({ do: 'readGroup', id: group }),
    () => ({ do: 'createUser', userName, title }),
    () => ({ do: 'putUser', ...onUser, userName, title }),
    () => ({
      do: 'patchUser',
      ...onUser,
      ...(random(2) === 0 ? { active: random(2) === 0 } : { title: title ?? 'D' }),
    }),
    () => ({ do: 'patchUser', ...onUser, title: one(['A', 'B']) }),
    () => ({ do: 'createGroup', displayName, memberIds: some(5) }),
    () => ({ do: 'putGroup', ...onGroup, displayName, memberIds: some(8) }),
    ...Array.from({ length: 5 }, () => () => ({
      ...{ do: 'patchGroup' as const, ...onGroup, members: Array.from({ length: 1 + random(2) }, change) },
      ...(random(5) === 0 ? { displayName } : {}),
      ...(random(5) === 0 ? { externalId: one(['x', 'y']) } : {}),
    })),
    ...(random(3) === 0 ? [(): Action => ({ do: 'deleteUser', ...onUser })] : []),
    ...(random(6) === 0 ? [(): Action => ({ do: 'deleteGroup', ...onGroup })] : []),
  ];
  return one(choices)();
}

const references = (ids: readonly string[]): object[] => ids.map((value) => ({ value }));
const put = (path: string, value: unknown): object => ({ op: 'replace', path, value });
const groupBody = (displayName: string, memberIds: readonly string[]): object => ({
  schemas: [GROUP_URN],
  displayName,
  members: references(memberIds),
});

function send(action: Action): Promise<Answer> {
  const headers: Record<string, string> =
    'match' in action && action.match !== null ? { 'If-Match': `W/"${String(action.match)}"` } : {};
  switch (action.do) {
    case 'readUser':
      return bridge.call('GET', `/Users/${action.id}`);
    case 'readGroup':
      return bridge.call('GET', `/Groups/${action.id}`);
    case 'createUser':
      return bridge.call('POST', '/Users', { body: userBody(action.userName, { title: action.title }) });
    case 'putUser':
      return bridge.call('PUT', `/Users/${action.id}`, {
        body: userBody(action.userName, { title: action.title }),
        headers,
      });
    case 'patchUser': {
      const operations = (['title', 'active'] as const)
        .filter((name) => action[name] !== undefined)
        .map((name) => put(name, action[name]));
      return bridge.call('PATCH', `/Users/${action.id}`, { body: patchBody(...operations), headers });
    }
    case 'createGroup':
      return bridge.call('POST', '/Groups', { body: groupBody(action.displayName, action.memberIds) });
    case 'putGroup':
      return bridge.call('PUT', `/Groups/${action.id}`, {
        body: groupBody(action.displayName, action.memberIds),
        headers,
      });
    case 'patchGroup': {
      const operations = [
        ...(['displayName', 'externalId'] as const)
          .filter((name) => action[name] !== undefined)
          .map((name) => put(name, action[name])),
        ...action.members.map(({ op, ids }) => ({ op, path: 'members', value: references(ids) })),
      ];
      return bridge.call('PATCH', `/Groups/${action.id}`, { body: patchBody(...operations), headers });
    }
    case 'deleteUser':
      return bridge.call('DELETE', `/Users/${action.id}`, { headers });
    case 'deleteGroup':
      return bridge.call('DELETE', `/Groups/${action.id}`, { headers });
  }
}

/** What a body says, in the words of the model. */
function seen(body: AnyJson): object {
  const known = { id: body.id, version: versionOf(body.meta.version) };
  if (body.meta.resourceType === 'User') {
    const groups = (body.groups ?? []).map(({ value, display }: AnyJson) => `${value} ${display}`);
    const { userName, title = null, active } = body;
    return { ...known, userName, title, active, groups: groups.sort() };
  }
  const members = (body.members ?? []).map(({ value }: AnyJson) => value);
  return { ...known, displayName: body.displayName, externalId: body.externalId ?? null, members: members.sort() };
}

/** Keys in one order, so that equal states are equal as text. */
const asText = (shown: object | null): string =>
  JSON.stringify(Object.entries(shown ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Whether the answer is what the model says, a body showing the resource as it was at some moment from `from` on. */
function agrees(outcome: Outcome, { answer, answeredAt }: Trace, states: readonly Directory[], from: number): boolean {
  if (outcome.status !== answer.status || outcome.scimType !== answer.body.scimType) return false;
  if (outcome.version !== null && outcome.version !== versionOf(answer.headers['etag'] ?? '')) return false;
  const { shows } = outcome;
  if (shows === null) return true;
  if (answer.headers['etag'] !== answer.body.meta.version) return false;
  const shown = asText(seen(answer.body));
  return states.slice(from, answeredAt + 1).some((state) => asText(view(state, shows)) === shown);
}

it('200 writers on ten groups and fifty users leave what some serial order of their requests leaves', async () => {
  const known = new Knowledge();
  let start: Directory = { users: new Map(), groups: new Map() };
  const begin = async (action: Action): Promise<void> => {
    const answer = await send(action);
    expect(answer.status).toBe(201);
    known.learn(answer);
    start = perform(start, action, answer.body.id).next;
  };
  for (let at = 0; at < USERS; at += 1) await begin({ do: 'createUser', userName: `n${String(at)}`, title: null });
  for (let at = 0; at < GROUPS; at += 1) {
    const memberIds = known.users.filter((_, index) => index % GROUPS === at);
    await begin({ do: 'createGroup', displayName: `g${String(at)}`, memberIds });
  }
  const { last } = log.prepare<[], { last: number }>('SELECT max(id) AS last FROM audit_log').get()!;
  const countCommits = log
    .prepare<[number], number>(`SELECT count(*) FROM audit_log WHERE id > ? AND ${IS_COMMIT}`)
    .pluck();
  const now = (): number => countCommits.get(last)!;

  const traces: Trace[] = [];
  const write = async (writer: number): Promise<void> => {
    const random = createRandom(seed + writer);
    for (let left = REQUESTS_EACH; left > 0; left -= 1) {
      const action = chooseAction(random, known);
      const sentAt = now();
      const answer = await send(action);
      traces.push({ action, sentAt, answeredAt: now(), answer });
      known.learn(answer);
      if (answer.status === 404 && 'id' in action) known.forget(action.id);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));

  const traceOf = new Map(traces.map((trace) => [trace.answer.headers['x-request-id'], trace]));
  expect(traceOf.size).toBe(WRITERS * REQUESTS_EACH);
  const rows = log
    .prepare<[number], { requestId: string; action: string }>(
      `SELECT request_id AS requestId, action FROM audit_log WHERE id > ? AND ${IS_COMMIT} ORDER BY id`,
    )
    .all(last);
  const states: Directory[] = [start];
  const committed: [Trace, Outcome, number][] = [];
  for (const { requestId, action } of rows) {
    const trace = traceOf.get(requestId);
    const before = states.at(-1)!;
    if (trace === undefined) throw new Error(`${action} of a request that nobody sent, or a second one of its own`);
    traceOf.delete(requestId);
    const outcome = perform(before, trace.action, trace.answer.body.id ?? 'unknown');
    if (outcome.next === before && !action.endsWith('.refusedValues'))
      throw new Error(`${action} where the model changes nothing: ${describe(trace)}`);
    states.push(outcome.next);
    committed.push([trace, outcome, states.length - 1]);
  }
  const puzzling = [
    ...committed.filter(([trace, outcome, at]) => {
      const inTime = trace.sentAt < at && at <= trace.answeredAt;
      return !inTime || !agrees(outcome, trace, states, at);
    }),
    ...[...traceOf.values()]
      .filter(
        (trace) =>
          !states.slice(trace.sentAt, trace.answeredAt + 1).some((state, offset) => {
            const outcome = perform(state, trace.action, 'unknown');
            return outcome.next === state && agrees(outcome, trace, states, trace.sentAt + offset);
          }),
      )
      .map((trace) => [trace] as const),
  ];
  expect(puzzling.map(([trace]) => describe(trace))).toEqual([]);

  const end = states.at(-1)!;
  const all = async (path: string): Promise<AnyJson[]> =>
    (await bridge.call('GET', `${path}?count=1000`)).body.Resources;
  const served = [...(await all('/Users')), ...(await all('/Groups'))];
  expect(served.map((body) => asText(seen(body))).sort()).toEqual(
    [...end.users.keys(), ...end.groups.keys()].map((id) => asText(view(end, id))).sort(),
  );

  // The test would be worth little if the writers had not met.
  const statuses = traces.map(({ answer }) => answer.status);
  expect(rows.length).toBeGreaterThan(300);
  for (const status of [200, 201, 204, 400, 404, 409, 412]) expect(statuses).toContain(status);
  const overtaken = committed.filter(([{ sentAt }, , at]) => at - sentAt > 10);
  expect(overtaken.length).toBeGreaterThan(100);
}, 60_000);

function describe({ action, sentAt, answeredAt, answer }: Trace): string {
  const moments = `${String(sentAt)}..${String(answeredAt)}`;
  return `${moments} ${JSON.stringify(action)} -> ${String(answer.status)} ${answer.headers['etag'] ?? ''} ${answer.text}`;
}
