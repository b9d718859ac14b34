/** Everything that can be done on the page: what it does, that it is audited, and that nobody else can. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import type { ScimAnswer } from '../support/bridge.js';
import { ADMIN_TOKEN, auditOf, startAdmin, type AdminBrowser } from './support.js';

let admin: AdminBrowser;
afterEach(() => admin.close());

const off = { op: 'replace', path: 'active', value: false };

/** Members by these names, with the brake at one. */
async function startWithHeld(): Promise<{ readonly ids: readonly string[] }> {
  admin = await startAdmin({ seed: minimalSeed(), env: { DEPROVISION_LIMIT: '1' } });
  const { bridge } = admin;
  await admin.signIn();
  const names = ['ann', 'ben', 'cem', 'dov'];
  const ids: string[] = [];
  for (const name of names) ids.push((await bridge.createUser(name)).body.id);
  for (const name of names) bridge.control.accept(`${name}@workspace.example`);
  await bridge.sync();
  for (const id of ids) await bridge.patchUser(id, off);
  await bridge.idle();
  return { ids };
}

const lockedNow = (): readonly boolean[] =>
  ['ann', 'ben', 'cem', 'dov'].map(
    (name) => admin.bridge.control.member(`${name}@workspace.example`)?.is_locked === true,
  );

const heldId = async (address: string): Promise<string> => {
  const { html } = await admin.get('/changes?state=held');
  const row = html.split('<tr').find((part) => part.includes(`Release: Lock ${address}`)) ?? '';
  return /name="id" value="(\d+)"/.exec(row)?.[1] ?? '';
};

describe('the form of a what-if', () => {
  beforeEach(async () => {
    admin = await startAdmin({ seed: minimalSeed() });
    await admin.signIn();
  });

  it('shows what assigning a group would do, and does nothing', async () => {
    const before = admin.bridge.writes().length;
    const fields = { group: 'Voices', users: 'ann@new.example\nben@new.example' };
    const { status, text } = await admin.post('/what-if', fields);
    expect(status).toBe(200);
    for (const words of [
      'POST /Users',
      'POST /Groups',
      'ben@new.example',
      '0 used and 0 invited → 0 used and 0 invited',
      '2 invited',
    ])
      expect(text).toContain(words);
    await admin.bridge.idle();
    expect(admin.bridge.writes().length).toBe(before);
    expect((await admin.bridge.scim('GET', '/Groups')).body.totalResults).toBe(0);
  });

  it('takes SCIM requests, long ones too, and says what is wrong with others', async () => {
    const users = Array.from({ length: 100 }, (_, index) => {
      const emails = [{ value: `many${String(index)}@new.example` }];
      return {
        method: 'POST',
        path: '/Users',
        body: { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: `many${String(index)}`, emails },
      };
    });
    const { text } = await admin.post('/what-if', { requests: JSON.stringify(users) });
    expect(text).toContain('100 invited');
    for (const [requests, words] of [
      ['{', 'not JSON'],
      ['{}', 'must be a request'],
      [JSON.stringify([...users, ...users]), 'plan --what-if'],
    ] as const)
      expect((await admin.post('/what-if', { requests })).text).toContain(words);
    expect((await admin.bridge.scim('GET', '/Users?count=0&filter=userName%20sw%20%22many%22')).body.totalResults).toBe(
      0,
    );
    expect((await admin.raw('POST', '/admin/what-if', { body: new URLSearchParams({ requests: '[]' }) })).status).toBe(
      403,
    );
  });
});

describe('held changes', () => {
  beforeEach(startWithHeld);

  it('are released one by one', async () => {
    expect(lockedNow()).toEqual([true, false, false, false]);
    const { text } = await admin.post('/changes/release', { id: await heldId('cem@workspace.example') });
    expect(text).toContain('1 change released');
    await admin.bridge.idle();
    expect(lockedNow()).toEqual([true, false, true, false]);
    expect((await auditOf(admin.bridge)).filter((row) => row.includes('release'))).toHaveLength(1);
  });

  it('are released all at once', async () => {
    expect((await admin.post('/changes/release', { all: 'true' })).text).toContain('3 changes released');
    await admin.bridge.idle();
    expect(lockedNow()).toEqual([true, true, true, true]);
  });

  it('are dropped: not made, and shown no more', async () => {
    await admin.post('/changes/drop', { id: await heldId('ben@workspace.example') });
    const { text } = await admin.post('/changes/drop', { all: 'true' });
    await admin.bridge.idle();
    await admin.bridge.sync();
    expect(lockedNow()).toEqual([true, false, false, false]);
    expect(text).toContain('Nothing is held.');
    expect((await auditOf(admin.bridge)).some((row) => row.includes('drop'))).toBe(true);
  });

  it('stay where the form names none of them', async () => {
    for (const fields of [{}, { id: '0' }, { id: '-1' }, { id: 'x' }, { all: 'false' }, { id: '999999' }] as const)
      await admin.post('/changes/release', fields);
    await admin.bridge.idle();
    expect(lockedNow()).toEqual([true, false, false, false]);
  });
});

describe('refused changes', () => {
  it('are tried again: one, all, and those of a user', async () => {
    admin = await startAdmin({
      seed: { ...minimalSeed(), seatLimits: { full: 1, basic: 0 } },
      env: { PROVISION_WAIT_MS: '0' },
    });
    const { bridge } = admin;
    await admin.signIn();
    const answers: ScimAnswer[] = [];
    for (const name of ['ann', 'ben', 'cem']) answers.push(await bridge.createUser(name));
    await bridge.idle();
    const { html, text } = await admin.get('/changes?state=refused');
    expect(text).toMatch(/seat/i);
    const [id = ''] = [...html.matchAll(/name="id" value="(\d+)"/g)].map(([, found]) => found);
    bridge.control.setSeatLimits({ full: 10, basic: 0 });
    expect((await admin.post('/changes/retry', { id })).text).toContain('1 change will be tried again now.');
    await bridge.idle();
    expect(bridge.control.mailbox()).toHaveLength(1);
    const left = answers.filter(
      (_, index) => bridge.control.invite(`${['ann', 'ben', 'cem'][index]}@workspace.example`) === undefined,
    );
    const user = left[0]?.body.id as string;
    expect((await admin.post(`/users/${user}/retry`)).text).toContain('1 change will be tried again now.');
    await bridge.idle();
    expect(bridge.control.mailbox()).toHaveLength(2);
    await admin.post('/changes/retry', { all: 'true' });
    await bridge.idle();
    expect(bridge.control.mailbox()).toHaveLength(3);
    expect(await auditOf(bridge)).toEqual(
      expect.arrayContaining(['change.retry', `change.retry user:${user}`, 'session.open']),
    );
  });
});

describe('users, groups, the workspace', () => {
  beforeEach(async () => {
    admin = await startAdmin({ seed: minimalSeed() });
    await admin.signIn();
  });

  it('releases a user: nothing changes upstream, then or later', async () => {
    const { bridge } = admin;
    const { body } = await bridge.createUser('ann');
    bridge.control.accept('ann@workspace.example');
    await bridge.sync();
    const before = bridge.writes().length;
    expect((await admin.post(`/users/${body.id}/release`)).text).toContain('not managed any more');
    await bridge.sync();
    expect(bridge.writes()).toHaveLength(before);
    expect((await bridge.store.getUser(body.id))?.managed).toBe(false);
    expect(await auditOf(bridge)).toContain(`user.release user:${body.id}`);
  });

  it('links a group by hand, and its members follow; unlinks it again', async () => {
    const { bridge } = admin;
    const artists = bridge.control.createGroup('Artists');
    const { body: user } = await bridge.createUser('ann');
    bridge.control.accept('ann@workspace.example');
    await bridge.sync();
    const { body: group } = await bridge.createGroup('Design', [user.id]);
    expect((await admin.post(`/groups/${group.id}/link`, { groupId: '' })).text).toContain(
      'Choose a workspace group first.',
    );
    expect((await admin.post(`/groups/${group.id}/link`, { groupId: 'nonsense' })).status).toBe(400);
    expect((await admin.post(`/groups/${group.id}/link`, { groupId: artists })).text).toContain('The group is linked.');
    await bridge.idle();
    expect(bridge.workspace().groups).toMatchObject({ Artists: ['ann@workspace.example'] });
    await admin.post(`/groups/${group.id}/unlink`);
    await bridge.idle();
    expect(bridge.workspace().groups).toMatchObject({ Artists: [] });
    expect(await auditOf(bridge)).toEqual(
      expect.arrayContaining([`group.link group:${group.id}`, `group.unlink group:${group.id}`]),
    );
  });

  it('reads the workspace at once, under the id of the request', async () => {
    const { bridge } = admin;
    await bridge.createUser('ann');
    bridge.control.accept('ann@workspace.example');
    expect((await admin.post('/sync')).text).toContain('The workspace was read.');
    await bridge.until(
      async () => (await bridge.store.invites({ open: true, limit: 9 })).length === 0,
      'acceptance noticed',
    );
    const [row] = await bridge.store.auditRows({ action: 'workspace.read', limit: 1 });
    const caused = await bridge.store.auditRows({ requestId: row?.requestId ?? '', limit: 9 });
    expect(caused.map(({ action }) => action)).toEqual(expect.arrayContaining(['workspace.read', 'user.accepted']));
  });
});

describe('tokens', () => {
  beforeEach(async () => {
    admin = await startAdmin();
    await admin.signIn();
  });

  const secretIn = (html: string): string => />(esb_[A-Za-z0-9_-]{40,})</.exec(html)?.[1] ?? '';
  const status = async (token: string, method = 'GET', path = '/Users'): Promise<number> =>
    (await admin.bridge.scim(method, path, undefined, { authorization: `Bearer ${token}` })).status;
  const idOf = async (label: string): Promise<string> =>
    (await admin.bridge.store.listTokens()).findLast((token) => token.label === label)?.id ?? '';

  it('are made with scopes and an end, work at once, and are shown once', async () => {
    const fields = { label: 'okta', kind: 'scim', expires: '90', 'scope-users': 'true', 'scope-read': 'true' };
    const { html, text } = await admin.post('/tokens', fields);
    const secret = secretIn(html);
    expect(await status(secret)).toBe(200);
    expect(await status(secret, 'GET', '/Groups')).toBe(403);
    expect(text).toContain('Copy it now');
    const again = await admin.get('/tokens');
    expect(again.html).not.toContain(secret);
    expect(again.text).toMatch(/okta identity provider Valid read users just now in 90 days/);
    expect(await auditOf(admin.bridge)).toContain(`token.create token:${await idOf('okta')}`);
    expect(JSON.stringify(await admin.bridge.store.auditRows({ limit: 100 }))).not.toContain(secret);
  });

  it('of a form that is sent twice are made once', async () => {
    const { html } = await admin.get('/tokens');
    const nonce = /name="nonce" value="([^"]+)"/.exec(html)?.[1] ?? '';
    await admin.post('/tokens', { label: 'one', kind: 'scim', expires: '', nonce });
    const second = await admin.post('/tokens', { label: 'two', kind: 'scim', expires: '', nonce });
    expect(second.status).toBe(400);
    expect(second.text).toContain('This form was sent before.');
    expect(await idOf('two')).toBe('');
  });

  it('have labels of a plain kind, and no two valid ones the same', async () => {
    for (const label of ['', '<b>x</b>', 'a'.repeat(61), 'new\nline'])
      expect((await admin.post('/tokens', { label, kind: 'scim' })).text).toContain('A label is');
    expect((await admin.post('/tokens', { label: 'x', kind: 'constructor' })).text).toContain('Choose for whom');
    expect((await admin.post('/tokens', { label: 'SCIM_TOKEN', kind: 'scim' })).text).toContain(
      'There is a valid token',
    );
  });

  it('are rotated with overlap: both work, then the new one alone', async () => {
    const first = secretIn((await admin.post('/tokens', { label: 'idp', kind: 'scim', expires: '365' })).html);
    const { html, text } = await admin.post(`/tokens/${await idOf('idp')}/rotate`, { overlap: '24' });
    const second = secretIn(html);
    expect(text).toContain('The old one stays valid for 1 day');
    expect([await status(first), await status(second)]).toEqual([200, 200]);
    admin.bridge.clock.jump(25 * 3_600_000);
    expect([await status(first), await status(second)]).toEqual([401, 200]);
  });

  it('are rotated at once where the old one is known to others', async () => {
    const first = secretIn((await admin.post('/tokens', { label: 'idp', kind: 'scim' })).html);
    const second = secretIn((await admin.post(`/tokens/${await idOf('idp')}/rotate`, { overlap: '0' })).html);
    expect([await status(first), await status(second)]).toEqual([401, 200]);
    expect((await admin.post('/tokens/nothing/rotate')).text).toContain('There is no such token.');
  });

  it('are revoked at once', async () => {
    const secret = secretIn((await admin.post('/tokens', { label: 'idp', kind: 'scim' })).html);
    expect((await admin.post(`/tokens/${await idOf('idp')}/revoke`)).text).toContain('The token is revoked.');
    expect(await status(secret)).toBe(401);
    expect((await admin.post('/tokens/nothing/revoke')).text).toContain('There was no such token');
  });

  it('of OAuth clients come with a client id, and give access tokens', async () => {
    const { html } = await admin.post('/tokens', { label: 'entra', kind: 'oauthClient', expires: '365' });
    const clientId = />([0-9a-f-]{36})</.exec(html)?.[1] ?? '';
    const basic = Buffer.from(`${clientId}:${secretIn(html)}`).toString('base64');
    const response = await admin.raw('POST', '/oauth/token', {
      headers: { authorization: `Basic ${basic}` },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    });
    const { access_token: accessToken } = (await response.json()) as { access_token: string };
    expect(await status(accessToken)).toBe(200);
  });

  it('for metrics open the metrics and nothing else', async () => {
    const secret = secretIn((await admin.post('/tokens', { label: 'prometheus', kind: 'metrics' })).html);
    const authorization = `Bearer ${secret}`;
    const proxied = { authorization, 'x-forwarded-for': '203.0.113.9' };
    expect((await admin.get('/tokens')).text).toMatch(/prometheus monitor Valid read metrics never/);
    expect((await admin.raw('GET', '/metrics', { headers: proxied })).status).toBe(200);
    expect((await admin.get('/tokens')).text).toMatch(/prometheus monitor Valid read metrics just now/);
    expect((await admin.raw('GET', '/admin/users', { headers: { authorization } })).status).toBe(401);
    expect(await status(secret)).toBe(401);
    expect((await admin.post('/logout')).text).toContain('Sign in');
    expect((await admin.signIn(secret)).status).toBe(401);
  });
});

describe('the way in', () => {
  beforeEach(async () => {
    admin = await startAdmin();
  });

  const ACTIONS = [
    '/sync',
    '/workspace/accept-smaller',
    '/users/x/retry',
    '/users/x/release',
    '/changes/release',
    '/changes/drop',
    '/changes/retry',
    '/groups/x/link',
    '/groups/x/unlink',
    '/tokens',
    '/tokens/x/rotate',
    '/tokens/x/revoke',
    '/logout',
  ];

  it('is closed: pages lead to the log-in and back, actions do nothing', async () => {
    const { headers, status } = await admin.raw('GET', '/admin/users?q=zoe');
    expect([status, headers.get('location')]).toEqual([
      303,
      `/admin/login?next=${encodeURIComponent('/admin/users?q=zoe')}`,
    ]);
    for (const action of ACTIONS)
      expect([action, (await admin.raw('POST', `/admin${action}`)).status]).toEqual([action, 401]);
    const login = await admin.raw('POST', '/admin/login', {
      body: new URLSearchParams({ token: ADMIN_TOKEN, next: '/admin/users?q=zoe' }),
    });
    expect(login.headers.get('location')).toBe('/admin/users?q=zoe');
  });

  it('leads nowhere but to this page', async () => {
    for (const next of [
      'https://evil.example/',
      '//evil.example',
      '/\\evil.example',
      '/scim/v2',
      'javascript:alert(1)',
    ]) {
      const login = await admin.raw('POST', '/admin/login', {
        body: new URLSearchParams({ token: ADMIN_TOKEN, next }),
      });
      expect([next, login.headers.get('location')]).toEqual([next, '/admin']);
    }
  });

  it('needs the CSRF token of the session for every action', async () => {
    await admin.signIn();
    for (const action of ACTIONS) {
      for (const csrf of ['', 'wrong']) {
        const { status, text } = await admin.post(action, { csrf: csrf || ' ' });
        expect([action, status]).toEqual([action, 403]);
        expect(text).toContain('The form has expired');
      }
    }
    expect(await auditOf(admin.bridge)).toEqual(['session.open']);
  });

  it('is audited both ways', async () => {
    await admin.signIn();
    await admin.post('/logout');
    expect([...(await auditOf(admin.bridge))].sort()).toEqual(['session.close', 'session.open']);
    expect((await admin.raw('GET', '/admin')).status).toBe(303);
  });

  it('has no action behind a GET', async () => {
    await admin.signIn();
    for (const action of ACTIONS.filter((one) => one !== '/tokens'))
      expect([action, (await admin.get(action)).status]).toEqual([action, 404]);
  });

  it('is open to scripts with an admin token, which need no form', async () => {
    const authorization = `Bearer ${ADMIN_TOKEN}`;
    const headers = { authorization, accept: 'application/json' };
    expect((await admin.raw('POST', '/admin/sync', { headers })).status).toBe(303);
    expect((await admin.raw('GET', '/admin/nothing', { headers })).headers.get('content-type')).toContain('json');
  });

  it('says what is wrong with a token, and nothing more', async () => {
    const { text, status, html } = await admin.signIn('esb_admin_wrong');
    expect([status, html.includes('esb_admin_wrong')]).toEqual([401, false]);
    expect(text).toContain('This is no valid admin token.');
    expect(admin.bridge.logLines.join('')).not.toContain('esb_admin_wrong');
  });

  it('takes no form that is too large', async () => {
    await admin.signIn();
    expect((await admin.post('/tokens', { label: 'x'.repeat(20_000) })).status).toBe(413);
  });
});
