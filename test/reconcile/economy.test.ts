/** Calls to the workspace: each has a reason, and none is made twice for the same one. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { startTestBridge, type TestBridge } from '../support/bridge.js';

const at = (name: string): string => `${name}@workspace.example`;
const range = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `p${String(index)}`);
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';

let bridge: TestBridge;
afterEach(() => bridge.close());

async function start(members: readonly string[], groups = 0): Promise<void> {
  bridge = await startTestBridge({
    seed: minimalSeed({
      seatLimits: { full: 5_000, basic: 10 },
      members: [{ email: at('owner'), owner: true }, ...members.map((name) => ({ email: at(name) }))],
      groups: Array.from({ length: groups }, (_, index) => ({
        name: `Team ${String(index)}`,
        members: members.map(at),
      })),
    }),
    env: { PROVISION_WAIT_MS: '0' },
  });
}

const calls = (): readonly string[] => bridge.control.requests().map(({ method, path }) => `${method} ${path}`);
const READING = ['GET /v1/workspace/members', 'GET /v1/workspace/groups'];

describe('a sync without changes', () => {
  it.each([
    [0, 0],
    [10, 1],
    [400, 60],
  ])('needs exactly two calls: %s members, %s groups', async (members, groups) => {
    await start(range(members), groups);
    for (const name of range(Math.min(members, 5))) await bridge.createUser(name);
    await bridge.idle();
    bridge.control.clearRequests();
    await bridge.sync();
    expect(calls()).toEqual(READING);
  });
});

describe('new users', () => {
  it('cost one invite call each, and nothing else that writes', async () => {
    await start([]);
    for (const name of range(120)) expect((await bridge.createUser(name)).status).toBe(201);
    await bridge.idle();
    expect(bridge.writes()).toHaveLength(120);
    expect(bridge.workspace().mails).toEqual(Object.fromEntries(range(120).map((name) => [at(name), 1])));
  }, 120_000);
});

describe('no call is repeated without a new reason', () => {
  it('not for an IdP that says the same again, nor for readings, restarts and time', async () => {
    await start(['p0', 'p1', 'p2'], 2);
    const ids: string[] = [];
    for (const name of range(6))
      ids.push((await bridge.createUser(name, { roles: [{ value: name === 'p1' ? 'lite' : 'member' }] })).body.id);
    const group = (await bridge.createGroup('Team 0', ids)).body.id as string;
    await bridge.patchUser(ids[2]!, { op: 'replace', path: 'active', value: false });
    await bridge.idle();
    bridge.control.accept(at('p3'));
    await bridge.sync();
    bridge.control.clearRequests();

    for (const [index, id] of ids.entries()) {
      const { body } = await bridge.scim('GET', `/Users/${id}`);
      const { userName, emails, roles, active } = body;
      expect(
        (await bridge.scim('PUT', `/Users/${id}`, { schemas: [USER], userName, emails, roles, active })).status,
      ).toBe(200);
      await bridge.patchUser(id, { op: 'replace', path: 'active', value: index !== 2 });
    }
    await bridge.patchGroup(group, { op: 'add', path: 'members', value: ids.map((value) => ({ value })) });
    await bridge.patchGroup(group, { op: 'replace', path: 'members', value: ids.map((value) => ({ value })) });
    await bridge.idle();
    await bridge.sync();
    await bridge.restart();
    await bridge.sync();
    await bridge.pass(1_200_000);
    await bridge.idle();
    expect(bridge.writes()).toEqual([]);
  });
});
