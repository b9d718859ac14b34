/** The probes of `doctor`: they tell each permission, and change nothing, whatever ElevenLabs answers. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { checkWorkspace } from '../../src/commands/doctor-workspace.js';
import type { Finding } from '../../src/commands/finding.js';
import { loadConfig } from '../../src/config.js';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { createSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';
import type { Listening } from '../../src/sandbox/server.js';
import type { Switches } from '../../src/sandbox/switches.js';
import { createFakeClock, type FakeClock } from '../support/fake-clock.js';

let sandbox: Sandbox;
let listening: Listening;
let clock: FakeClock;

beforeAll(async () => {
  sandbox = createSandbox({ clock: createFakeClock() });
  listening = await sandbox.listen();
});

beforeEach(() => {
  clock = createFakeClock();
  sandbox.control.reset();
  sandbox.control.setScopes(sandbox.apiKey(), 'all');
});

afterAll(() => listening.close());

async function examine(): Promise<readonly Finding[]> {
  const loaded = loadConfig({ ELEVENLABS_API_KEY: sandbox.apiKey(), ELEVENLABS_BASE_URL: listening.url });
  if (!loaded.ok) throw new Error(loaded.problems.join());
  const found: Finding[] = [];
  for await (const finding of checkWorkspace({ config: loaded.config, store: null, clock })) found.push(finding);
  return found;
}

const levels = (findings: readonly Finding[]) => Object.fromEntries(findings.map(({ check, level }) => [check, level]));

const ALL = [
  'user_read',
  'workspace_members_read',
  'workspace_read',
  'workspace_members_invite',
  'workspace_write',
  'group_members_manage',
];

describe('the probes of the permissions', () => {
  const answers: readonly Partial<Switches>[] = [
    {},
    { deleteUnknownInvite: 200, unknownMember: 400, removeNonMember: 'ok' },
    { deleteUnknownInvite: 404, unknownMember: 500, removeNonMember: 404 },
    { deleteUnknownInvite: 400, legacyErrors: true, genericCodes: true, duplicateInvite: 409 },
    { missingScopeAs403: true, inviteWithoutSeat: 'accepted' },
  ];

  it.each(answers)('allow everything and change nothing: %j', async (switches) => {
    sandbox.control.setSwitches(switches);
    const before = JSON.stringify(sandbox.control.state());
    const findings = await examine();
    expect(findings.filter(({ level }) => level === 'fail')).toEqual([]);
    for (const scope of ALL) expect(levels(findings)[`Permission ${scope}`]).toBe('ok');
    expect(JSON.stringify(sandbox.control.state())).toBe(before);
    expect(sandbox.control.mailbox()).toEqual([]);
  });

  it.each(ALL)('tell that %s is missing, what that costs, and what to do', async (missing) => {
    sandbox.control.setScopes(
      sandbox.apiKey(),
      ALL.filter((scope) => scope !== missing),
    );
    const findings = await examine();
    const found = findings.filter(({ text }) => text.startsWith('may not'));
    // One scope opens both the revocation of invites and the lock of members.
    expect(found).toHaveLength(missing === 'workspace_write' ? 2 : 1);
    expect(found[0]?.check).toBe(`Permission ${missing}`);
    expect(found[0]?.text).toMatch(/^may not [^:]+: .{20,}/);
    expect(found[0]?.remedy).toBe(`Give the key the permission ${missing}.`);
  });
});

describe('the key', () => {
  it('may be of a service account, which leaves with nobody', async () => {
    const seed = { serviceAccounts: [{ name: 'Bridge' }], keys: [{ name: 'Bridge', owner: 'Bridge' }] };
    sandbox.control.reset(minimalSeed(seed));
    const found = await examine();
    expect(found.find(({ check }) => check === 'Key owner')).toMatchObject({
      level: 'ok',
      text: expect.stringContaining('a service account'),
    });
  });

  it.each([
    ['eu', 'ok'],
    [null, 'warn'],
  ])('is asked about in the region %s: %s', async (region, level) => {
    const where = region === null ? { ELEVENLABS_BASE_URL: 'https://proxy.example' } : { ELEVENLABS_REGION: region };
    const loaded = loadConfig({ ELEVENLABS_API_KEY: 'sk_0123456789', ...where });
    if (!loaded.ok) throw new Error(loaded.problems.join());
    // The first finding alone: ElevenLabs is not asked.
    const { value } = await checkWorkspace({ config: loaded.config, store: null, clock }).next();
    expect(value).toMatchObject({ check: 'Region', level, text: expect.stringContaining(region ?? 'proxy.example') });
  });

  it('must be of an unlocked admin: who else locks people?', async () => {
    sandbox.control.addMember({ email: 'plain@workspace.example', seatType: 'workspace_member' });
    const key = sandbox.control.createKey({ owner: 'plain@workspace.example' });
    const loaded = loadConfig({ ELEVENLABS_API_KEY: key, ELEVENLABS_BASE_URL: listening.url });
    if (!loaded.ok) throw new Error(loaded.problems.join());
    const found: Finding[] = [];
    for await (const finding of checkWorkspace({ config: loaded.config, store: null, clock })) found.push(finding);
    expect(levels(found)).toMatchObject({ 'Key owner': 'fail', 'Permission workspace_write, as an admin': 'fail' });
  });

  it.each([
    [10_000, 'ok'],
    [60_000, 'warn'],
    [-600_000, 'fail'],
  ])('a clock that is %d ms off is %s', async (skew, level) => {
    clock.jump(skew);
    expect(levels(await examine())['Clock']).toBe(level);
  });
});
