/**
 * What is found stays true to what is shown. Filters look into columns and tables beside the
 * documents, and each kind of write keeps those by itself: after any history of an IdP, of the
 * workspace and of an administrator, every filter selects exactly the resources that show what it
 * asks for, and every answer to a write is what a GET shows next.
 */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { planPerson } from '../../src/domain/plan.js';
import { DEFAULT_RULES } from '../../src/domain/rules.js';
import type { UserId, WorkspaceMember } from '../../src/domain/types.js';
import { ScimError } from '../../src/errors.js';
import type { WriteContext } from '../../src/store/port.js';
import { CALL, EVERYTHING, FAILURE, member, OWNER } from '../store/contract/support.js';
import { factor, runs } from '../support/property.js';
import { GROUP_URN, patchBody, startBridge, USER_URN, type Answer, type AnyJson, type Bridge } from './bridge.js';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const BRIDGE = 'urn:ietf:params:scim:schemas:extension:elevenlabs:2.0:User';

// Few values, in several cases, so that histories meet and changes are at times of the case alone.
const ADDRESSES = ['ann@x.test', 'Ann@X.test', 'bob@x.test', 'cyd@x.test', 'dan@x.test'];
const USER_NAMES = ['ann', 'Ann', 'bob', ...ADDRESSES];
const DISPLAY_NAMES = ['Ann A', 'ANN a', 'Bo', 'annex'];
const EXTERNAL_IDS = ['e1', 'E1', 'e2'];
const GROUP_NAMES = ['Red', 'RED', 'Blue'];
const DAY_MS = 86_400_000;

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
/** Position among the users or groups that there are. */
const at = fc.nat(3);
const address = fc.constantFrom(...ADDRESSES);
const element = fc.record(
  {
    value: address,
    type: fc.constantFrom('work', 'WORK', 'home'),
    primary: fc.boolean(),
  },
  { requiredKeys: ['value'] },
);
/** At most one is primary, or the request is refused. */
const emails = fc
  .array(element, { maxLength: 3 })
  .map((all) => all.map((one, index) => (index === 0 ? one : { ...one, primary: false })));

const person = fc.record({
  userName: fc.constantFrom(...USER_NAMES),
  externalId: maybe(fc.constantFrom(...EXTERNAL_IDS)),
  displayName: maybe(fc.constantFrom(...DISPLAY_NAMES)),
  active: maybe(fc.boolean()),
  emails: maybe(emails),
  manager: maybe(at),
});
type Person = ReturnType<typeof person.generate>['value'];

const replace = (path: string, value: fc.Arbitrary<unknown>) =>
  value.map((one) => ({ op: 'replace', path, value: one }));
const change = fc.oneof(
  replace('userName', fc.constantFrom(...USER_NAMES)),
  replace('externalId', fc.constantFrom(...EXTERNAL_IDS)),
  replace('displayName', fc.constantFrom(...DISPLAY_NAMES)),
  replace('active', fc.constantFrom(true, false, 'True', 'False')),
  replace('emails', emails),
  replace('emails[type eq "work"].value', address),
  replace('emails[primary eq true].value', address),
  replace('title', fc.constantFrom('A', 'B')),
  emails.map((value) => ({ op: 'add', path: 'emails', value })),
  fc
    .constantFrom(
      ...['externalId', 'displayName', 'emails', 'emails[type eq "work"]', 'emails[primary eq true]'],
      ...[`${ENTERPRISE}:manager`, ENTERPRISE],
    )
    .map((path) => ({ op: 'remove', path })),
);

/** One account of the workspace, under an address that may be another one than before. */
const account = fc.record({ email: address, isLocked: fc.boolean() });
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('create' as const), person }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('put' as const), at, person }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('patch' as const),
      at,
      changes: fc.array(change, { minLength: 1, maxLength: 2 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('manager' as const), at, of: at }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), at }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('read' as const), members: fc.array(maybe(account), { maxLength: 4 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('undo' as const), steps: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('work' as const, 'accept' as const, 'handover' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('refuse' as const), at }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), at }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('createGroup' as const), name: fc.constantFrom(...GROUP_NAMES), at }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('patchGroup' as const),
      at,
      who: at,
      op: fc.constantFrom('add', 'remove'),
      name: maybe(fc.constantFrom(...GROUP_NAMES)),
      externalId: maybe(fc.constantFrom(...EXTERNAL_IDS)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('deleteGroup' as const), at }) },
);
type Step = ReturnType<typeof step.generate>['value'];

/** What happened, with how often: histories that get nowhere would prove nothing. */
type Tally = Map<string, number>;

class History {
  readonly #bridge: Bridge;
  readonly #tally: Tally;
  readonly #startOfSteps: number[] = [];

  constructor(bridge: Bridge, tally: Tally) {
    this.#bridge = bridge;
    this.#tally = tally;
  }

  async take(one: Step): Promise<void> {
    const { clock, store } = this.#bridge;
    this.#startOfSteps.push(clock.now());
    clock.advance(1000);
    switch (one.do) {
      case 'create':
        return this.#write('POST', '/Users', await this.#body(one.person));
      case 'put':
        return this.#onUser(one.at, async (path) => this.#write('PUT', path, await this.#body(one.person)));
      case 'patch':
        return this.#onUser(one.at, (path) => this.#write('PATCH', path, patchBody(...one.changes)));
      case 'manager': {
        const value = await this.#idOf('/Users', one.of);
        const path = `${ENTERPRISE}:manager`;
        return this.#onUser(one.at, (user) => this.#write('PATCH', user, patchBody({ op: 'add', path, value })));
      }
      case 'delete':
        return this.#onUser(one.at, (path) => this.#write('DELETE', path));
      case 'read':
        return this.#read(
          one.members.flatMap((seen, index) =>
            seen === undefined ? [] : [member(`m-${String(index)}`, seen.email, { isLocked: seen.isLocked })],
          ),
        );
      case 'accept': {
        const { items } = await store.listUsers(EVERYTHING);
        const joined = items.flatMap(({ id, address: mail, bridge }) =>
          bridge.status === 'invited' && mail !== null ? [member(`m-${id}`, mail)] : [],
        );
        return this.#read([...(await store.members()), ...joined]);
      }
      case 'undo': {
        const since = this.#startOfSteps.at(-one.steps - 1) ?? 0;
        const { upTo } = await store.previewUndo(since);
        const items = await store.undo({ since, upTo }, { actor: 'admin', requestId: 'undo' });
        for (const { what, problem } of items) this.#count(`undo: ${problem === null ? what : 'not possible'}`);
        return;
      }
      case 'work':
        for (const { id } of await listed(this.#bridge, '/Users')) await this.#call(id, false);
        return;
      case 'refuse':
        return this.#onUser(one.at, (_path, id) => this.#call(id, true));
      case 'handover':
        for (const { id } of await listed(this.#bridge, '/Users'))
          await this.#byHand('handover', (context) => store.handoverUser(id, context));
        return;
      case 'release':
        return this.#onUser(one.at, (_path, id) =>
          this.#byHand('release', (context) => store.releaseUser(id, context)),
        );
      case 'createGroup': {
        const id = await this.#idOf('/Users', one.at);
        const members = id === undefined ? [] : [{ value: id }];
        return this.#write('POST', '/Groups', { schemas: [GROUP_URN], displayName: one.name, members });
      }
      case 'patchGroup': {
        const value = [{ value: (await this.#idOf('/Users', one.who)) ?? 'nobody' }];
        const document = { displayName: one.name, externalId: one.externalId };
        const body = patchBody({ op: 'replace', value: document }, { op: one.op, path: 'members', value });
        return this.#onGroup(one.at, (path) => this.#write('PATCH', path, body));
      }
      case 'deleteGroup':
        return this.#onGroup(one.at, (path) => this.#write('DELETE', path));
    }
  }

  async #body({ manager, ...plain }: Person): Promise<object> {
    const value = manager === undefined ? undefined : await this.#idOf('/Users', manager);
    return {
      schemas: [USER_URN],
      ...plain,
      ...(value === undefined ? {} : { [ENTERPRISE]: { manager: { value } } }),
    };
  }

  /** Sends a request. Refused or not, it is no failure of the bridge, and what it shows is what there is. */
  async #write(method: string, path: string, body?: object): Promise<void> {
    const answer = await this.#bridge.call(method, path, { body });
    expect([answer.status < 500, answer.text]).toEqual([true, expect.any(String)]);
    this.#count(`${method} ${path.split('/')[1]!} ${String(answer.status)}`);
    if (answer.status >= 300 || answer.text === '') return;
    const shown = await this.#bridge.call('GET', String(answer.body.meta.location).slice(this.#bridge.url.length));
    expect([answer.body, answer.headers['etag']]).toEqual([shown.body, shown.headers['etag']]);
  }

  async #idOf(path: string, position: number): Promise<string | undefined> {
    const all = await listed(this.#bridge, path);
    return all.length === 0 ? undefined : String(all[position % all.length]!.id);
  }

  async #onUser(position: number, act: (path: string, id: string) => Promise<void>): Promise<void> {
    const id = await this.#idOf('/Users', position);
    if (id !== undefined) await act(`/Users/${id}`, id);
  }

  async #onGroup(position: number, act: (path: string) => Promise<void>): Promise<void> {
    const id = await this.#idOf('/Groups', position);
    if (id !== undefined) await act(`/Groups/${id}`);
  }

  /** A reading of the workspace. */
  async #read(members: readonly WorkspaceMember[]): Promise<void> {
    const byAddress = new Map([OWNER, ...members].map((one) => [one.address, one]));
    const reading = {
      ...{ startedAt: this.#bridge.clock.now(), members: [...byAddress.values()], groups: null },
      ...({ membersBelief: 'whole', groupsBelief: 'whole' } as const),
    };
    const { imported, accepted } = await this.#bridge.store.applyReading(reading, 'sync');
    if (imported > 0) this.#count('imported');
    if (accepted.length > 0) this.#count('accepted');
  }

  /** The next call for one user is made; refused for good, the write is taken back where that is possible. */
  async #call(id: string, isRefused: boolean): Promise<void> {
    const { store, clock } = this.#bridge;
    const [who, user] = [await store.person(id as UserId), await store.getUser(id)];
    if (who === null || user === null) return;
    const { changes } = planPerson(who, DEFAULT_RULES, clock.now());
    const [send] = changes;
    if (send === undefined) return;
    const row = await store.record(`user:${id}`, { changes, held: [], send, cause: 'work' });
    if (row === null) return;
    const refused = { kind: 'refused', call: FAILURE, retryAt: clock.now() + DAY_MS } as const;
    const { attribute } = send;
    const { reverted } = isRefused
      ? await store.finish(row.id, refused, { userId: user.id, version: user.version, attribute })
      : await store.finish(row.id, { kind: 'done', call: CALL }, null);
    this.#count(isRefused ? `refused: ${reverted ? 'reverted' : 'stays'}` : `done: ${send.change.kind}`);
  }

  /** An administrator's word. There may be nothing to do. */
  async #byHand(what: string, act: (context: WriteContext) => Promise<unknown>): Promise<void> {
    const context = { requestId: what, actor: 'admin', tokenId: null, interactive: false, ifMatch: null };
    await act(context).then(
      () => this.#count(what),
      (error: unknown) => expect(error).toBeInstanceOf(ScimError),
    );
  }

  #count(what: string): void {
    this.#tally.set(what, (this.#tally.get(what) ?? 0) + 1);
  }
}

async function listed(bridge: Bridge, path: string, more = ''): Promise<AnyJson[]> {
  const { body } = await bridge.call('GET', `${path}?count=1000${more}`);
  return body.Resources as AnyJson[];
}

interface Question {
  readonly path: string;
  readonly filter: string;
  /** Whether a resource shows what the filter asks for: in plain words, and by no code of the bridge. */
  readonly holds: (resource: AnyJson) => boolean;
}

const same = (a: unknown, b: string): boolean => typeof a === 'string' && a.toLowerCase() === b.toLowerCase();
const startsWith = (a: unknown, b: string): boolean =>
  typeof a === 'string' && a.toLowerCase().startsWith(b.toLowerCase());
const mails = (user: AnyJson): AnyJson[] => user.emails ?? [];
const managerOf = (user: AnyJson): AnyJson => user[ENTERPRISE]?.manager ?? {};

function questions(users: readonly AnyJson[], groups: readonly AnyJson[]): Question[] {
  const ask = (path: string, filter: string, holds: Question['holds']): Question => ({ path, filter, holds });
  const text = (value: string): string => JSON.stringify(value);
  return [
    ...USER_NAMES.map((name) => ask('/Users', `userName eq ${text(name)}`, (user) => same(user.userName, name))),
    ask('/Users', 'userName sw "an"', (user) => startsWith(user.userName, 'an')),
    ...DISPLAY_NAMES.flatMap((name) => [
      ask('/Users', `displayName eq ${text(name)}`, (user) => same(user.displayName, name)),
      ask('/Users', `displayName sw ${text(name.slice(0, 3))}`, (user) =>
        startsWith(user.displayName, name.slice(0, 3)),
      ),
      ask('/Users', `${ENTERPRISE}:manager.displayName eq ${text(name)}`, (user) =>
        same(managerOf(user).displayName, name),
      ),
    ]),
    ask('/Users', 'displayName pr', (user) => user.displayName !== undefined),
    ...EXTERNAL_IDS.map((id) => ask('/Users', `externalId eq ${text(id)}`, (user) => user.externalId === id)),
    ask('/Users', 'externalId pr', (user) => user.externalId !== undefined),
    ...ADDRESSES.flatMap((value) => [
      ask('/Users', `emails.value eq ${text(value)}`, (user) => mails(user).some((mail) => same(mail.value, value))),
      ask('/Users', `emails[type eq "work" and value eq ${text(value)}]`, (user) =>
        mails(user).some((mail) => same(mail.type, 'work') && same(mail.value, value)),
      ),
      ask('/Users', `emails[primary eq true and value eq ${text(value)}]`, (user) =>
        mails(user).some((mail) => mail.primary === true && same(mail.value, value)),
      ),
    ]),
    ask('/Users', 'emails pr', (user) => mails(user).length > 0),
    ask('/Users', 'active eq true', (user) => user.active === true),
    ask('/Users', 'active eq false', (user) => user.active === false),
    ...['none', 'invitePending', 'invited', 'member', 'locked', 'failed', 'removed'].map((status) =>
      ask('/Users', `${BRIDGE}:status eq ${text(status)}`, (user) => user[BRIDGE].status === status),
    ),
    ...users.flatMap(({ id }) => [
      ask('/Users', `${ENTERPRISE}:manager.value eq ${text(id)}`, (user) => managerOf(user).value === id),
      ask('/Groups', `members.value eq ${text(id)}`, ({ members = [] }) =>
        members.some((one: AnyJson) => one.value === id),
      ),
    ]),
    ...groups.map(({ id }) =>
      ask('/Users', `groups.value eq ${text(id)}`, (user) =>
        (user.groups ?? []).some((one: AnyJson) => one.value === id),
      ),
    ),
    ...GROUP_NAMES.map((name) =>
      ask('/Groups', `displayName eq ${text(name)}`, (group) => same(group.displayName, name)),
    ),
    ...EXTERNAL_IDS.map((id) => ask('/Groups', `externalId eq ${text(id)}`, (group) => group.externalId === id)),
  ];
}

/** Every filter against every resource, and the names by which resources show each other. */
async function check(bridge: Bridge): Promise<void> {
  const users = await listed(bridge, '/Users');
  const groups = await listed(bridge, '/Groups');
  for (const { path, filter, holds } of questions(users, groups)) {
    const { body }: Answer = await bridge.call('GET', `${path}?attributes=id&filter=${encodeURIComponent(filter)}`);
    const found = (body.Resources as AnyJson[]).map(({ id }) => id);
    const wanted = (path === '/Users' ? users : groups).filter(holds).map(({ id }) => id);
    expect([filter, found]).toEqual([filter, wanted]);
  }
  // Shown whole, a resource is not copied; without something that none of them has, it is.
  expect(await listed(bridge, '/Users', '&excludedAttributes=photos')).toEqual(users);
  expect(await listed(bridge, '/Groups', '&excludedAttributes=photos')).toEqual(groups);
  const byId = new Map([...users, ...groups].map((one) => [one.id, one]));
  for (const user of users) {
    const { value, displayName } = managerOf(user);
    expect(displayName).toBe(byId.get(value)?.displayName);
    for (const { value: id, display } of user.groups ?? []) expect(display).toBe(byId.get(id).displayName);
  }
  for (const { members = [] } of groups)
    for (const { value: id, display } of members)
      expect(display).toBe(byId.get(id).displayName ?? byId.get(id).userName);
}

describe('after any history of writes', () => {
  const histories = fc.array(step, { minLength: 10, maxLength: 60, size: 'max' });
  /** Ends the search for a smaller history, too. */
  const limitMs = 60_000 * factor;

  it(
    'filters select what is shown, and an answer is what a GET shows next',
    async () => {
      const tally: Tally = new Map();
      await fc.assert(
        fc.asyncProperty(histories, async (steps) => {
          const bridge = await startBridge();
          // Otherwise the user is read once more before it is shown.
          bridge.provisioning.settleWith = { kind: 'notAwaited' };
          try {
            const history = new History(bridge, tally);
            for (const one of steps) await history.take(one);
            await check(bridge);
          } finally {
            await bridge.close();
          }
        }),
        { ...runs(20), interruptAfterTimeLimit: limitMs, markInterruptAsFailure: true },
      );
      for (const what of [
        ...[
          'POST Users 201',
          'POST Users 409',
          'PUT Users 200',
          'PATCH Users 200',
          'DELETE Users 204',
          'PATCH Groups 204',
        ],
        ...['imported', 'accepted', 'handover', 'release', 'refused: reverted', 'done: invite', 'done: lock'],
        ...['undo: restored', 'undo: changed', 'undo: disabled'],
      ]) {
        expect([what, (tally.get(what) ?? 0) > 0]).toEqual([what, true]);
      }
    },
    2 * limitMs,
  );

  it('a userName that changes its case alone is shown and found as it is now', async () => {
    const bridge = await startBridge();
    try {
      const { id } = await bridge.user('ann');
      const team = await bridge.group('Team', [id]);
      await bridge.call('PATCH', `/Users/${String(id)}`, {
        body: patchBody({ op: 'replace', path: 'userName', value: 'Ann' }),
      });
      const { body } = await bridge.call('GET', `/Groups/${String(team.id)}`);
      expect(body.members.map(({ display }: AnyJson) => display)).toEqual(['Ann']);
      await check(bridge);
    } finally {
      await bridge.close();
    }
  });
});
