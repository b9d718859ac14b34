/** The API key and the workspace it belongs to: nothing is done with the wrong one, nothing is lost without one. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { BRIDGE_URN, startTestBridge, type TestBridge } from '../support/bridge.js';
import { settle } from '../support/fake-clock.js';

const at = (name: string): string => `${name}@workspace.example`;
const DISABLE = { op: 'replace', path: 'active', value: false };
const seed = () => minimalSeed({ members: [{ email: at('owner'), owner: true }, { email: at('ada') }] });

let bridge: TestBridge;
afterEach(() => bridge.close());

describe.each([false, true])('a rejected key (answered as 400: %s)', (rejectedKeyAs400) => {
  it('grants are turned away, withdrawals kept, and done when the key is good again', async () => {
    bridge = await startTestBridge({ seed: seed(), switches: { rejectedKeyAs400 } });
    const ada = (await bridge.createUser('ada')).body.id as string;
    bridge.control.revokeKey(bridge.sandbox.apiKey());
    expect((await bridge.patchUser(ada, DISABLE)).status).toBe(200);
    await bridge.until(() => bridge.app.reconciler.state.phase === 'keyRejected', 'the rejection');
    const { status, headers, body } = await bridge.createUser('zoe');
    expect([status, headers.get('retry-after')]).toEqual([503, '60']);
    expect(body.detail).toContain('API key');
    expect((await bridge.scim('GET', '/Users')).status).toBe(200);
    expect((await bridge.createUser('zoe')).status).toBe(503);

    const key = bridge.control.createKey({ owner: at('owner') });
    await bridge.restart({ ELEVENLABS_API_KEY: key });
    await bridge.idle();
    expect(bridge.workspace().members[at('ada')]).toMatchObject({ locked: true });
    expect((await bridge.createUser('zoe')).status).toBe(201);
  });
});

describe('a rejected key', () => {
  it('is tried again, and work goes on by itself when it is accepted', async () => {
    bridge = await startTestBridge({ seed: seed() });
    const ada = (await bridge.createUser('ada')).body.id as string;
    const rejected = { status: 401, body: { detail: { status: 'invalid_api_key', message: 'Invalid API key' } } };
    bridge.control.addFault({ path: '/v1/**', fault: { kind: 'status', ...rejected } });
    await bridge.patchUser(ada, DISABLE);
    await bridge.until(() => bridge.app.reconciler.state.phase === 'keyRejected', 'the rejection');
    bridge.control.clearRequests();
    await bridge.pass(60_000);
    expect(bridge.control.requests().length).toBeLessThan(10);
    const levels = bridge.logLines
      .map((line) => JSON.parse(line) as { readonly level: number; readonly msg: string })
      .filter(({ msg }) => msg.includes('rejects the API key'))
      .map(({ level }) => level);
    // The alert, once; each retry at debug level.
    expect(levels.filter((level) => level >= 40)).toEqual([50]);
    expect(levels.filter((level) => level === 20)).not.toEqual([]);
    bridge.control.clearFaults();
    await bridge.pass(120_000);
    expect(bridge.app.reconciler.state.phase).toBe('serving');
    await bridge.finish();
    expect(bridge.workspace().members[at('ada')]).toMatchObject({ locked: true });
  });
});

describe('the key of another workspace', () => {
  it('is not used: nothing is sent, and the bridge says so', async () => {
    bridge = await startTestBridge({ seed: seed() });
    const ada = (await bridge.createUser('ada')).body.id as string;
    bridge.control.reset(minimalSeed({ workspaceId: 'another', members: [{ email: at('stranger'), owner: true }] }));
    bridge.control.clearRequests();
    await bridge.restart({ ELEVENLABS_API_KEY: bridge.sandbox.apiKey() });
    expect(bridge.app.reconciler.state.phase).toBe('otherWorkspace');
    expect((await bridge.patchUser(ada, DISABLE)).status).toBe(503);
    expect(bridge.control.requests().map(({ path }) => path)).toEqual(['/v1/user']);
  });

  it('is known by its owner where the key may not tell the workspace', async () => {
    const scopes = ['workspace_read', 'workspace_write', 'workspace_members_read', 'workspace_members_invite'];
    const keys = [{ name: 'Provisioning', owner: at('owner'), scopes }];
    bridge = await startTestBridge({ seed: { ...seed(), keys } });
    await bridge.createUser('ada');
    const other = {
      members: [{ email: at('stranger'), owner: true }],
      keys: [{ ...keys[0], name: 'x', owner: at('stranger'), scopes }],
    };
    bridge.control.reset(minimalSeed(other));
    await bridge.restart({ ELEVENLABS_API_KEY: bridge.sandbox.apiKey() });
    expect(bridge.app.reconciler.state.phase).toBe('otherWorkspace');
  });
});

describe('the first start', () => {
  it('answers writes only after the workspace was read', async () => {
    bridge = await startTestBridge({
      seed: seed(),
      before: (control) => control.addFault({ path: '/v1/workspace/members', times: 1, fault: { kind: 'hang' } }),
    });
    await bridge.until(() => bridge.control.hanging() > 0, 'the first reading');
    const early = bridge.createUser('ada');
    await bridge.clock.advanceAsync(5_000);
    bridge.control.releaseHanging();
    const { status, body } = await early;
    expect(status).toBe(201);
    expect(body.emails[0].value).toBe(at('ada'));
    expect(bridge.writes()).toEqual([]); // Adopted, not invited.
  });

  it.each([
    '/Users?filter=userName eq "ada@workspace.example"',
    '/Users?filter=emails[type eq "work"].value eq "ada@workspace.example"&count=1',
    '/?filter=userName eq "ada@workspace.example"',
    '/Groups?filter=displayName eq "Sales"',
    '/Users?startIndex=1&count=2',
  ])('answers a look-up only after the workspace was read: %s', async (path) => {
    const members = [{ email: at('owner'), owner: true }, { email: at('ada') }];
    bridge = await startTestBridge({
      seed: minimalSeed({ members, groups: [{ name: 'Sales', members: [at('ada')] }] }),
      before: (control) => control.addFault({ path: '/v1/workspace/members', times: 1, fault: { kind: 'hang' } }),
    });
    await bridge.until(() => bridge.control.hanging() > 0, 'the first reading');
    const early = bridge.scim('GET', encodeURI(path));
    await bridge.clock.advanceAsync(5_000);
    bridge.control.releaseHanging();
    const { status, body } = await early;
    expect(status).toBe(200);
    expect(body.totalResults).toBeGreaterThan(0);
  });

  it('turns a look-up away after ten seconds, but not what is known', async () => {
    bridge = await startTestBridge({
      seed: seed(),
      before: (control) => control.addFault({ path: '/v1/**', fault: { kind: 'hang' } }),
    });
    await bridge.until(() => bridge.control.hanging() > 0, 'the first call');
    const context = { requestId: 'early', actor: 'cli', tokenId: null, interactive: false, ifMatch: null };
    const known = await bridge.store.createUser({ userName: 'known', emails: [{ value: at('known') }] }, context);
    const hits = await bridge.scim('GET', `/Users?filter=${encodeURIComponent('userName eq "known"')}`);
    expect([hits.status, hits.body.totalResults]).toEqual([200, 1]);
    expect((await bridge.scim('GET', `/Users/${known.record.id}`)).status).toBe(200);
    const timers = (): number => bridge.clock.pending().filter((left) => Math.round(left) === 10_000).length;
    const before = timers();
    const early = bridge.scim('GET', `/Users?filter=${encodeURIComponent('userName eq "ada"')}`);
    await bridge.until(() => timers() > before, 'the wait for the first reading');
    await bridge.clock.advanceAsync(10_001);
    const { status, headers } = await early;
    expect([status, Number(headers.get('retry-after')) > 0]).toEqual([503, true]);
  });

  it('answers look-ups at once where existing members are not listed anyway', async () => {
    bridge = await startTestBridge({
      seed: seed(),
      env: { IMPORT_EXISTING: 'false' },
      before: (control) => control.addFault({ path: '/v1/**', fault: { kind: 'hang' } }),
    });
    await bridge.until(() => bridge.control.hanging() > 0, 'the first call');
    const { status, body } = await bridge.scim('GET', `/Users?filter=${encodeURIComponent('userName eq "ada"')}`);
    expect([status, body.totalResults]).toEqual([200, 0]);
  });

  it('turns writes away after ten seconds, and discovery works', async () => {
    bridge = await startTestBridge({
      seed: seed(),
      before: (control) => control.addFault({ path: '/v1/**', fault: { kind: 'hang' } }),
    });
    await bridge.until(() => bridge.control.hanging() > 0, 'the first call');
    expect((await bridge.scim('GET', '/ServiceProviderConfig')).status).toBe(200);
    let isDone = false;
    const timers = (): number => bridge.clock.pending().filter((left) => Math.round(left) === 10_000).length;
    const before = timers();
    const early = bridge.createUser('zoe').finally(() => (isDone = true));
    await bridge.until(() => timers() > before, 'the wait for the first reading');
    await bridge.clock.advanceAsync(9_999);
    for (let turn = 0; turn < 50; turn++) await settle();
    expect(isDone).toBe(false);
    await bridge.clock.advanceAsync(2);
    await bridge.until(() => isDone, 'the answer');
    const { status, headers } = await early;
    expect([status, Number(headers.get('retry-after')) > 0]).toEqual([503, true]);
  });
});

describe('a restart', () => {
  it('on a workspace that answers nothing is no first start: what is known will do', async () => {
    bridge = await startTestBridge({ seed: seed(), env: { PROVISION_WAIT_MS: '0' } });
    bridge.control.addFault({ path: '/v1/**', fault: { kind: 'hang' } });
    const restarted = bridge.restart();
    await bridge.until(() => bridge.control.hanging() > 0, 'the first call after the restart');
    const begun = bridge.clock.monotonic();
    const { status, body } = await bridge.createUser('ada');
    expect([status, body[BRIDGE_URN].status, bridge.clock.monotonic()]).toEqual([201, 'member', begun]);
    bridge.control.clearFaults();
    bridge.control.releaseHanging();
    await restarted;
    await bridge.idle();
    expect(bridge.writes()).toEqual([]);
  });

  it('goes on with what was acknowledged, and sends no second invite', async () => {
    bridge = await startTestBridge({ seed: seed(), env: { PROVISION_WAIT_MS: '0' } });
    bridge.control.addFault({
      path: '/v1/workspace/invites/add',
      times: 1,
      fault: { kind: 'status', status: 503, body: { detail: { code: 'maintenance' } } },
    });
    const { status } = await bridge.createUser('zoe');
    expect(status).toBe(201);
    await bridge.restart();
    await bridge.finish();
    expect(Object.keys(bridge.workspace().pendingInvites)).toEqual([at('zoe')]);
    await bridge.restart();
    await bridge.finish();
    expect(bridge.workspace().mails).toEqual({ [at('zoe')]: 1 });
  });

  it('with a call in flight reads the workspace first, and sends once more at most', async () => {
    bridge = await startTestBridge({ seed: seed(), env: { PROVISION_WAIT_MS: '0' } });
    bridge.control.addFault({ path: '/v1/workspace/invites/add', times: 1, fault: { kind: 'hang', applied: true } });
    await bridge.createUser('zoe');
    await bridge.until(() => bridge.control.hanging() > 0, 'the call');
    await bridge.restart();
    bridge.control.accept(at('zoe'));
    await bridge.clock.advanceAsync(1000);
    await bridge.sync();
    await bridge.finish();
    expect(bridge.workspace().mails[at('zoe')]).toBeLessThanOrEqual(2);
    expect(bridge.workspace().members[at('zoe')]).toMatchObject({ locked: false });
  });
});
