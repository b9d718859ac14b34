/** Requests that were refused: found by request, by name and at a glance, and forgotten in time. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { checkRequests } from '../../src/commands/doctor-store.js';
import { minimalSeed } from '../../src/sandbox/seed.js';
import type { RefusedRequest } from '../../src/store/port.js';
import { startAdmin, type AdminBrowser } from './support.js';

const DAY = 86_400_000;
/** After so long commands, which are processes of their own, know it too. */
const SOON = 1_000;
const USER_URN = 'urn:ietf:params:scim:schemas:core:2.0:User';
const NO_SEAT = 'No Full seat is free';

let admin: AdminBrowser;

beforeEach(async () => {
  admin = await startAdmin({ seed: minimalSeed(), env: { SEAT_LIMITS: 'full=1' } });
  await admin.signIn();
});
afterEach(() => admin.close());

const about = (word: string): Promise<readonly RefusedRequest[]> =>
  admin.bridge.store.refusedRequests({ about: [word], limit: 10 });

/** The owner has the only seat. */
async function refusal(name: string): Promise<string> {
  const answer = await admin.bridge.createUser(name, { displayName: `${name} the Refused` });
  expect(answer.status).toBe(400);
  return answer.headers.get('x-request-id') ?? '';
}

const standing = (): Promise<readonly RefusedRequest[]> =>
  admin.bridge.store.refusedRequests({ since: admin.bridge.clock.now() - DAY, standing: true, limit: 10 });

describe('a user whom the bridge refused', () => {
  it('is found on the page by address, by request and at a glance, with what the IdP was told', async () => {
    const request = await refusal('zoe');
    const overview = (await admin.get('')).text;
    expect(overview).toContain('1 request refused within a day');
    expect(overview).toContain(NO_SEAT);
    for (const where of ['/users?q=ZOE%40workspace.example', '/trace?id=zoe%40workspace.example', '/trace'])
      expect((await admin.get(where)).text).toMatch(/POST \/Users SCIM_TOKEN 400: active: No Full seat is free/);
    const traced = (await admin.get(`/trace?id=${request}`)).text;
    expect(traced).toMatch(
      /A request was refused just now \. “SCIM_TOKEN” sent POST \/Users and was told 400: active: No Full/,
    );
    const { html, text } = await admin.get('/setup/okta');
    expect(text).toMatch(/POST \/Users 400 just now/);
    expect(html).toContain(`href="/admin/trace?id=${request}"`);
    expect((await admin.get('/trace?id=nobody')).text).toContain('No request and no person is called “nobody”');
  });

  it('is no news any more once the IdP has come through', async () => {
    await refusal('zoe');
    await admin.bridge.clock.advanceAsync(SOON);
    expect(await standing()).toHaveLength(1);
    await admin.bridge.restart({ SEAT_LIMITS: 'full=9' });
    const zoe = await admin.bridge.createUser('zoe');
    expect(zoe.status).toBe(201);
    expect(await standing()).toEqual([]);
    expect(await about('zoe@workspace.example')).toHaveLength(1);
    await admin.signIn();
    const { text } = await admin.get(`/users/${String(zoe.body.id)}`);
    expect(text).toContain('zoe@workspace.example');
    expect(text).not.toContain('A request was refused');
  });

  it('is no news any more once the IdP has deleted the user', async () => {
    const { bridge } = admin;
    await bridge.restart({ SEAT_LIMITS: 'full=9' });
    const { body } = await bridge.createUser('max');
    expect((await bridge.createUser('max')).status).toBe(409);
    await bridge.clock.advanceAsync(SOON);
    expect(await standing()).toHaveLength(1);
    expect((await bridge.scim('DELETE', `/Users/${String(body.id)}`)).status).toBe(204);
    expect(await standing()).toEqual([]);
    await bridge.restart({ SEAT_LIMITS: 'full=1' });
    await refusal('max');
    await bridge.clock.advanceAsync(SOON);
    expect(await standing()).toHaveLength(1);
  });

  it('that is there already says so on its page', async () => {
    const { bridge } = admin;
    const { body } = await bridge.createUser('max', { active: false });
    const answer = await bridge.patchUser(body.id, { op: 'replace', path: 'active', value: true });
    expect(answer.status).toBe(400);
    expect((await admin.get(`/users/${String(body.id)}`)).text).toMatch(
      /A request was refused .* PATCH \/Users\/:id and was told 400: .*No Full seat is free/,
    );
  });
});

describe('operations of a bulk request that were refused', () => {
  it('are found by address and by request, each with what the IdP was told', async () => {
    const { bridge } = admin;
    await bridge.restart({ SEAT_LIMITS: 'full=9' });
    await admin.signIn();
    const user = (userName: string, more: object = {}) => ({ schemas: [USER_URN], userName, ...more });
    const address = (name: string) => ({ emails: [{ value: `${name}@workspace.example`, primary: true }] });
    const { body: max } = await bridge.createUser('max');
    const answer = await bridge.scim('POST', '/Bulk', {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
      Operations: [
        { method: 'POST', path: '/Users', bulkId: 'a', data: user('zoe', address('zoe')) },
        { method: 'POST', path: '/Users', bulkId: 'b', data: user('no-mailbox') },
        { method: 'POST', path: '/Users', data: user('no-bulk-id', address('ann')) },
        { method: 'PUT', path: `/Users/${String(max.id)}`, data: user('max', address('zoe')) },
      ],
    });
    expect(answer.status).toBe(200);
    await bridge.clock.advanceAsync(SOON);
    const request = answer.headers.get('x-request-id') ?? '';
    const [post, broken, put] = await bridge.store.refusedRequests({ requestId: request, limit: 10 });
    expect([post, broken, put]).toEqual([
      expect.objectContaining({ method: 'POST', template: '/Users in /Bulk', status: 400, about: ['no-mailbox'] }),
      expect.objectContaining({
        ...{ method: 'POST', template: '/Bulk', status: 400, detail: 'A POST needs a "bulkId".' },
        about: ['no-bulk-id', 'ann@workspace.example'],
      }),
      expect.objectContaining({
        ...{ method: 'PUT', template: '/Users/:id in /Bulk', status: 409 },
        about: [max.id, 'max', 'zoe@workspace.example'],
      }),
    ]);
    expect(await about('ann@workspace.example')).toEqual([broken]);
    expect((await admin.get('/users?q=ann@workspace.example')).text).toContain('A POST needs a "bulkId".');
    expect((await admin.get(`/users/${String(max.id)}`)).text).toMatch(
      /A request was refused .*\/Users\/:id in \/Bulk/,
    );
    const { text } = await admin.get(`/trace?id=${request}`);
    expect(text).toContain('Refused operations of this request');
    expect(text).toContain('What happened');
    for (const told of ['409: ', '400: An active user needs']) expect(text).toContain(told);
  });
});

describe('what is remembered', () => {
  it('is no look-up of what is not there, and nothing of strangers but their number', async () => {
    const { bridge } = admin;
    await bridge.scim('GET', '/Users/nobody');
    await bridge.scim('POST', '/Users', { userName: 'stranger' }, { authorization: 'Bearer wrong' });
    await bridge.scim('GET', '/Users?filter=nonsense');
    await bridge.clock.advanceAsync(SOON);
    const kept = await bridge.store.refusedRequests({ since: 0, limit: 10 });
    expect(kept).toEqual([expect.objectContaining({ method: 'GET', template: '/Users', status: 400, about: [] })]);
  });

  it('is, of strangers, their number since the last request with a valid token', async () => {
    const { bridge } = admin;
    const seen = async (): Promise<readonly string[]> => {
      await bridge.clock.advanceAsync(SOON);
      return (await checkRequests(bridge.store, bridge.clock.now())).map(({ text }) => text);
    };
    const strange = () => bridge.scim('GET', '/Users', undefined, { authorization: 'Bearer wrong' });
    const NONE = ['no error within a day that still stands'];
    await bridge.scim('GET', '/Users');
    expect(await seen()).toEqual(NONE);
    await strange();
    await strange();
    const TWO = [
      expect.stringMatching(/^2 requests came without a valid token, the last \d{4}-.*Z, and none with one/),
    ];
    expect(await seen()).toEqual(TWO);
    for (const where of ['', '/setup'])
      expect((await admin.get(where)).text).toMatch(/2 requests .*without a valid token/);
    await bridge.restart();
    await bridge.clock.advanceAsync(10_000);
    expect(await seen()).toEqual(TWO);
    await bridge.scim('GET', '/Users');
    expect(await seen()).toEqual(NONE);
    await strange();
    expect(await seen()).not.toEqual(NONE);
    bridge.clock.jump(DAY);
    expect(await seen()).toEqual(NONE);
  });

  it('is bounded by number and by age, and a purge removes what names the person', async () => {
    const { store, clock } = admin.bridge;
    const row = (n: number, word: string): RefusedRequest => ({
      ...{ requestId: `r${String(n)}`, at: n, method: 'PUT', template: '/Users/:id', status: 400, tokenLabel: 'idp' },
      ...{ detail: `Nothing for ${word}.`, about: [word] },
    });
    const ids = async () => (await store.refusedRequests({ since: 0, limit: 99 })).map(({ requestId }) => requestId);
    const many = Array.from({ length: 9 }, (_, n) => row(n, `u${String(n)}`));
    await store.addRefusedRequests(many, { rows: 3, since: 0 });
    expect(await ids()).toEqual(['r8', 'r7', 'r6']);
    await store.addRefusedRequests([row(9, 'u9')], { rows: 9, since: 8 });
    expect(await ids()).toEqual(['r9', 'r8']);
    expect(await store.expireOld(9, 100)).toBeGreaterThan(0);
    expect(await ids()).toEqual(['r9']);

    admin.bridge.control.addMember({ email: 'eve@workspace.example' });
    await admin.bridge.sync();
    const { body } = await admin.bridge.createUser('eve');
    const later = clock.now();
    await store.addRefusedRequests([{ ...row(10, 'Eve@Workspace.example'), at: later }], { rows: 9, since: 0 });
    expect(await about('eve@workspace.example')).toHaveLength(1);
    await admin.bridge.scim('DELETE', `/Users/${String(body.id)}`);
    await admin.bridge.idle();
    expect((await store.purgeUser(body.id, 'cli')).kind).toBe('purged');
    expect(await ids()).toEqual(['r9']);
  });
});
