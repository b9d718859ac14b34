/**
 * `kill -9` with a real process and a real database file, before and after every upstream call and
 * every commit, while invites, a lock, a revocation, a group addition and hand-overs are under way.
 * After a restart and the retry of the IdP all is as it should be, and nobody has a second e-mail
 * but those whose invite was under way at the death: what the dead database says is sending.
 *
 * `npm run test:crash` dies around each answer, and CRASH_ROUNDS times at random, from CRASH_SEED on.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { systemClock } from '../../src/clock.js';
import type { FaultRule } from '../../src/sandbox/faults.js';
import { seededRandom } from '../../src/sandbox/random.js';
import { createSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import { minimalSeed } from '../../src/sandbox/seed.js';
import type { Listening } from '../../src/sandbox/server.js';
import { ensureBuilt, startProcess, type BridgeProcess } from '../support/bridge-process.js';
import { snapshotWorkspace, type WorkspaceSnapshot } from '../support/workspace-snapshot.js';

const TOKEN = 'esb_a-token-for-tests-of-no-further-use';
const ROUNDS = Number(process.env['CRASH_ROUNDS'] ?? 1);
const IS_LONG = ROUNDS > 1;
const SEED = Number(process.env['CRASH_SEED'] ?? 1);
const DISABLE = { op: 'replace', path: 'active', value: false };
const at = (name: string): string => `${name}@workspace.example`;
const MEMBERS = ['owner', 'resident', 'leaver', 'joiner', 'mover-old', 'copier-old', 'heir-old'];

let directory: string;
let sandbox: Sandbox;
let listening: Listening;
let bridge: BridgeProcess;
let scimUrl: string;
/** Ids of users and of the group, by name. */
let ids: Record<string, string>;

beforeAll(ensureBuilt, 180_000);
beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'crash-'));
  ids = {};
  sandbox = createSandbox({
    clock: systemClock,
    seed: minimalSeed({
      members: MEMBERS.map((name) => ({ email: at(name), ...(name === 'owner' && { owner: true }) })),
      groups: [{ name: 'Sales', members: ['resident', 'copier-old', 'heir-old'].map(at) }],
    }),
  });
  listening = await sandbox.listen();
}, 30_000);
afterEach(async () => {
  bridge.kill('SIGKILL');
  await bridge.ended;
  sandbox.control.releaseHanging({ drop: true });
  await listening.close();
  rmSync(directory, { recursive: true, force: true });
});

const file = (): string => path.join(directory, 'bridge.db');

async function start(): Promise<void> {
  const env = {
    ...{ PORT: '0', SCIM_TOKEN: TOKEN, PROVISION_WAIT_MS: '0', PENDING_POLL_SECONDS: '1', SYNC_INTERVAL_SECONDS: '1' },
    ...{ ELEVENLABS_API_KEY: sandbox.apiKey(), ELEVENLABS_BASE_URL: listening.url, ELEVENLABS_MAX_CONCURRENCY: '12' },
    ...{ EMAIL_CHANGE: 'handover', DATABASE_PATH: file() },
  };
  bridge = startProcess(['serve'], { cwd: directory, env });
  const [, url] = await bridge.says(/SCIM base URL\s+(http\S+)/);
  scimUrl = url ?? '';
}

/** Ends the process without a word, and what it was about to hear is never said. */
async function kill(): Promise<void> {
  bridge.kill('SIGKILL');
  await bridge.ended;
  sandbox.control.releaseHanging({ drop: true });
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers of any shape
async function scim(method: string, where: string, body?: object): Promise<any> {
  const response = await fetch(scimUrl + where, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/scim+json', connection: 'close' },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (response.status >= 300)
    throw new Error(`${method} ${where}: ${String(response.status)} ${await response.text()}`);
  const text = await response.text();
  return text === '' ? null : JSON.parse(text);
}

const patch = (where: string, operation: object): Promise<unknown> =>
  scim('PATCH', where, { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: [operation] });

/** As IdPs do: they look first, so that a retry finds what the lost answer was about. */
async function create(name: string, userName = name): Promise<void> {
  const filter = encodeURIComponent(`userName eq "${at(userName)}"`);
  const [found] = (await scim('GET', `/Users?filter=${filter}`)).Resources;
  const person = { userName: at(userName), emails: [{ value: at(userName), primary: true }], active: true };
  ids[name] = found === undefined ? (await scim('POST', '/Users', person)).id : found.id;
  if (found !== undefined) await scim('PUT', `/Users/${ids[name]}`, person);
}

const move = (name: string): Promise<unknown> =>
  patch(`/Users/${ids[name] ?? ''}`, {
    ...{ op: 'replace', path: 'emails', value: [{ value: at(`${name}-new`), primary: true }] },
  });

async function until(condition: () => boolean | Promise<boolean>, what: string, pauseMs = 50): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await condition())) {
    if (performance.now() > deadline)
      throw new Error(
        `waited in vain: ${what}\n${JSON.stringify(snapshotWorkspace(sandbox), null, 1)}\n${bridge.stdout().slice(-3000)}`,
      );
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

const look = (): WorkspaceSnapshot => snapshotWorkspace(sandbox);
const isPending = (name: string): boolean => at(name) in look().pendingInvites;

/** Everybody is managed; one invite waits, and two addresses have been given to others. */
async function prepare(): Promise<void> {
  await start();
  await Promise.all(['pending', 'leaver', 'joiner'].map((name) => create(name)));
  await Promise.all(['mover', 'copier', 'heir'].map((name) => create(name, `${name}-old`)));
  ids['Sales'] = (await scim('POST', '/Groups', { displayName: 'Sales' })).id;
  await Promise.all([move('copier'), move('heir')]);
  await until(() => ['pending', 'copier-new', 'heir-new'].every(isPending), 'the first invites');
}

/** What the IdP says, and says again when it got no answer. */
const WORDS: readonly (() => Promise<unknown>)[] = [
  () => create('newcomer'),
  () => patch(`/Users/${ids['pending'] ?? ''}`, DISABLE),
  () => patch(`/Users/${ids['leaver'] ?? ''}`, DISABLE),
  () => patch(`/Groups/${ids['Sales'] ?? ''}`, { op: 'add', path: 'members', value: [{ value: ids['joiner'] }] }),
  () => move('mover'),
];

const speak = (): Promise<unknown> => Promise.all(WORDS.map((word) => word()));

/** The heirs follow their links: their hand-overs go on. */
function accept(): void {
  for (const name of ['copier-new', 'heir-new']) if (isPending(name)) sandbox.control.accept(at(name));
}

/** One call of each kind: invite, revocation, lock, group addition; and of a hand-over invite, copy, lock. */
const CALLS: readonly Omit<FaultRule, 'fault'>[] = [
  { method: 'POST', path: '/v1/workspace/invites/add', bodyIncludes: at('newcomer'), times: 1 },
  { method: 'DELETE', path: '/v1/workspace/invites', bodyIncludes: at('pending'), times: 1 },
  { method: 'POST', path: '/v1/workspace/members', bodyIncludes: at('leaver'), times: 1 },
  { method: 'POST', path: '/v1/workspace/groups/*/members', bodyIncludes: at('joiner'), times: 1 },
  { method: 'POST', path: '/v1/workspace/invites/add', bodyIncludes: at('mover-new'), times: 1 },
  { method: 'POST', path: '/v1/workspace/groups/*/members', bodyIncludes: at('copier-new'), times: 1 },
  { method: 'POST', path: '/v1/workspace/members', bodyIncludes: at('heir-old'), times: 1 },
];

const answered = (): number =>
  sandbox.control.requests().filter(({ method, outcome }) => method !== 'GET' && outcome === 'answered').length;

/** Invites of which the dead process did not know yet what became of them. */
function inFlight(): ReadonlySet<string> {
  const database = new Database(file(), { readonly: true });
  try {
    const rows = database
      .prepare("SELECT change FROM ledger WHERE state = 'sending' AND kind = 'invite'")
      .pluck()
      .all();
    return new Set(rows.map((change) => (JSON.parse(change as string) as { address: string }).address));
  } finally {
    database.close();
  }
}

/** Whom the list of invites says to have two e-mails, perhaps. */
function sentTwice(): ReadonlySet<string> {
  const database = new Database(file(), { readonly: true });
  try {
    return new Set(database.prepare('SELECT address FROM invites WHERE sends > 1').pluck().all() as string[]);
  } finally {
    database.close();
  }
}

function isAsItShouldBe(): boolean {
  const { members, groups, pendingInvites } = look();
  const isLocked = (name: string): boolean => members[at(name)]?.locked === true;
  const sales = [...(groups['Sales'] ?? [])].sort();
  return (
    Object.keys(pendingInvites).sort().join() === ['mover-new', 'newcomer'].map(at).join() &&
    sales.join() === ['copier-new', 'copier-old', 'heir-new', 'heir-old', 'joiner', 'resident'].map(at).join() &&
    ['leaver', 'copier-old', 'heir-old'].every(isLocked) &&
    ['owner', 'resident', 'joiner', 'mover-old', 'copier-new', 'heir-new'].every((name) => !isLocked(name))
  );
}

/** Starts again, lets the IdP say again what it said, and looks at workspace and mailbox. */
async function recover(): Promise<void> {
  const doubtful = inFlight();
  await start();
  await speak();
  accept();
  await until(isAsItShouldBe, 'the right end');
  // Whatever more would be sent has been sent after two readings.
  sandbox.control.clearRequests();
  await until(() => sandbox.control.requests({ path: '/v1/workspace/groups' }).length >= 2, 'two readings');
  expect(isAsItShouldBe()).toBe(true);
  const { mails } = look();
  const invited = ['pending', 'newcomer', 'mover-new', 'copier-new', 'heir-new'].map(at);
  expect(Object.keys(mails).sort()).toEqual([...invited].sort());
  for (const [address, count] of Object.entries(mails)) {
    expect([address, count]).toEqual([address, doubtful.has(address) ? expect.any(Number) : 1]);
    expect(count).toBeLessThanOrEqual(2);
  }
  const twice = Object.keys(mails).filter((address) => mails[address] === 2);
  expect(twice.filter((address) => !sentTwice().has(address))).toEqual([]);
}

describe('kill -9 while one call of each kind is under way', () => {
  it.each([
    ['before the workspace has done anything', false],
    ['after the workspace has done it, before the answer', true],
  ])(
    '%s',
    async (_when, applied) => {
      await prepare();
      for (const call of CALLS) sandbox.control.addFault({ ...call, fault: { kind: 'hang', applied } });
      await speak();
      accept();
      await until(() => sandbox.control.hanging() === CALLS.length, 'a call of each kind under way');
      await kill();
      expect([...inFlight()].sort()).toEqual(['mover-new', 'newcomer'].map(at));
      await recover();
      const { mails } = look();
      const count = applied ? 2 : 1;
      expect([mails[at('newcomer')], mails[at('mover-new')]]).toEqual([count, count]);
    },
    180_000,
  );
});

describe('kill -9 around a commit', () => {
  const counts = CALLS.map((_call, index) => index + 1);
  it.each(IS_LONG ? counts : [1, CALLS.length])(
    'as soon as answers of the workspace are there: %i',
    async (count) => {
      await prepare();
      const before = answered();
      const said = speak().catch(() => undefined);
      accept();
      await until(() => answered() - before >= count, 'answers', 0);
      await kill();
      await said;
      await recover();
    },
    180_000,
  );

  it('as soon as the IdP was answered: nothing acknowledged is lost', async () => {
    await prepare();
    await speak();
    await kill();
    const spoken = ids['newcomer'];
    await recover();
    expect(ids['newcomer']).toBe(spoken);
  }, 180_000);
});

describe(`kill -9 at random times (CRASH_SEED=${String(SEED)})`, () => {
  const random = seededRandom(SEED);
  const deaths = Array.from({ length: ROUNDS }, (_, round) => [round + 1, Math.round(random() ** 2 * 1_500)] as const);

  it.each(deaths)(
    'round %i: after %i ms',
    async (_round, ms) => {
      await prepare();
      const said = speak().catch(() => undefined);
      setTimeout(accept, ms / 2);
      await new Promise((resolve) => setTimeout(resolve, ms));
      await kill();
      await said;
      await recover();
    },
    180_000,
  );
});
