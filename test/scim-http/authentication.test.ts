import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connect } from 'node:net';
import pino from 'pino';
import { createDoors, type Doors } from '../../src/auth/doors.js';
import { hashToken, newToken } from '../../src/domain/secret-token.js';
import { ERROR_URN, patchBody, startBridge, userBody, type AnyJson, type Bridge } from './bridge.js';

let bridge: Bridge;
beforeEach(async () => {
  bridge = await startBridge({ attempts: { limit: 5, windowMs: 60_000, maxAddresses: 100 } });
});
afterEach(() => bridge.close());

describe('tokens', () => {
  it('are 256 random bits behind a recognisable prefix, and stored as a hash', () => {
    const a = newToken('scim');
    const b = newToken('scim');
    expect(a.secret).toMatch(/^esb_[A-Za-z0-9_-]{43}$/);
    expect(a.secret).not.toBe(b.secret);
    expect(a.hash).toBe(hashToken(a.secret));
    expect(a.hash).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('authentication', () => {
  it.each([
    ['no header', null, {}],
    ['an unknown token', 'esb_unknown', {}],
    ['another scheme', null, { Authorization: 'Basic dXNlcjpwYXNz' }],
    ['an empty token', null, { Authorization: 'Bearer ' }],
    ['odd characters', null, { Authorization: 'Bearer a b"; DROP TABLE tokens' }],
  ])('turns away %s with 401 and a challenge', async (_what, token, headers) => {
    const answer = await bridge.call('GET', '/Users', { token, headers });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer realm="scim"/);
    expect(answer.headers['content-type']).toMatch(/^application\/scim\+json/);
    expect(answer.body).toMatchObject({ schemas: [ERROR_URN], status: '401' });
    expect(answer.body.detail).not.toBe('');
  });

  it('comes before the endpoint, the method and the body', async () => {
    for (const [method, path, raw] of [
      ['GET', '/Nowhere', undefined],
      ['DELETE', '/Users', undefined],
      ['POST', '/Users', '{"broken'],
    ] as const) {
      const answer = await bridge.call(method, path, { token: 'esb_no', ...(raw === undefined ? {} : { raw }) });
      expect(answer.status).toBe(401);
    }
  });

  it('refuses an admin token, an expired one and a revoked one, and says why to whoever holds the secret', async () => {
    const { secret: admin, hash } = newToken('admin');
    await bridge.store.addToken(
      { id: 'a', kind: 'admin', label: 'page', scopes: [], clientId: null, expiresAt: null, hash },
      'cli',
    );
    expect((await bridge.call('GET', '/Users', { token: admin })).status).toBe(401);
    const expiring = await bridge.addToken('short', [], bridge.clock.now() + 1000);
    expect((await bridge.call('GET', '/Users', { token: expiring.secret })).status).toBe(200);
    bridge.clock.advance(1000);
    const expired = await bridge.call('GET', '/Users', { token: expiring.secret });
    expect([expired.status, expired.body.detail]).toEqual([401, expect.stringContaining('"short" expired')]);
    const revoked = await bridge.addToken('old');
    await bridge.store.revokeToken(revoked.id, 'cli');
    const answer = await bridge.call('GET', '/Users', { token: revoked.secret });
    expect([answer.status, answer.body.detail]).toEqual([401, expect.stringContaining('"old" was revoked')]);
  });

  it('takes a revocation into account at the next request', async () => {
    const token = await bridge.addToken('rotating');
    expect((await bridge.call('GET', '/Users', { token: token.secret })).status).toBe(200);
    await bridge.store.revokeToken(token.id, 'cli');
    expect((await bridge.call('GET', '/Users', { token: token.secret })).status).toBe(401);
  });

  it('does not believe a request with two Authorization headers', async () => {
    const port = Number(new URL(bridge.url).port);
    const reply = await new Promise<string>((resolve) => {
      let text = '';
      const socket = connect(port, '127.0.0.1', () =>
        socket.write(
          `GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${bridge.token}\r\n` +
            'Authorization: Bearer esb_other\r\nConnection: close\r\n\r\n',
        ),
      );
      socket.on('data', (data) => (text += data.toString()));
      socket.on('close', () => resolve(text));
    });
    expect(reply).toMatch(/^HTTP\/1\.1 401 /);
  });

  it('writes the last use down, at most once a minute', async () => {
    const lastUse = async () => (await bridge.store.listTokens()).find(({ id }) => id === 'id-default')?.lastUsedAt;
    const first = bridge.clock.now();
    await bridge.call('GET', '/Users');
    expect(await lastUse()).toBe(first);
    bridge.clock.advance(59_000);
    await bridge.call('GET', '/Users');
    expect(await lastUse()).toBe(first);
    bridge.clock.advance(1000);
    await bridge.call('GET', '/Users');
    expect(await lastUse()).toBe(first + 60_000);
  });
});

describe('failed attempts', () => {
  const guess = async () => (await bridge.call('GET', '/Users', { token: 'esb_guess' })).status;
  const guesses = async (count: number) => {
    const statuses: number[] = [];
    for (let attempt = 0; attempt < count; attempt += 1) statuses.push(await guess());
    return statuses;
  };

  it('slow an address down for right and wrong guesses alike', async () => {
    expect(await guesses(7)).toEqual([401, 401, 401, 401, 401, 429, 429]);
    const limited = await bridge.call('GET', '/Users');
    expect(limited.headers['retry-after']).toMatch(/^\d+$/);
    expect(limited.body).toMatchObject({ schemas: [ERROR_URN], status: '429' });
    bridge.clock.advance(60_000);
    expect((await bridge.call('GET', '/Users')).status).toBe(200);
  });

  it('never lock out an address that has shown a valid token within a day', async () => {
    expect((await bridge.call('GET', '/Users')).status).toBe(200);
    bridge.clock.advance(86_400_000 - 1);
    expect(await guesses(7)).toEqual([401, 401, 401, 401, 401, 429, 429]);
    expect((await bridge.call('GET', '/Users')).status).toBe(200);
    bridge.clock.advance(86_400_000);
    await guesses(6);
    expect((await bridge.call('GET', '/Users')).status).toBe(429);
  });

  it('do not lock out after a restart who had shown a valid token before', async () => {
    expect((await bridge.call('GET', '/Users')).status).toBe(200);
    const { store, clock } = bridge;
    const restarted = (attempts = { limit: 1, windowMs: 60_000, maxAddresses: 9 }) =>
      createDoors({ store, clock, log: pino({ enabled: false }), onFailure: () => undefined, attempts });
    const check = (doors: Doors, secret: string) => doors.check('scim', secret, '127.0.0.1', () => true);
    const [cold, warm] = [restarted(), restarted()];
    await warm.start();
    for (const doors of [cold, warm]) await check(doors, 'esb_guess');
    expect([(await check(cold, bridge.token)).kind, (await check(warm, bridge.token)).kind]).toEqual([
      'refused',
      'valid',
    ]);
  });

  it('are one event each: door, reason, address, and the label where it is known', async () => {
    const { secret } = await bridge.addToken('gone', [], bridge.clock.now() - 1);
    await guess();
    await bridge.call('GET', '/Users', { token: secret });
    await bridge.call('GET', '/Users', { token: null });
    const event = { door: 'scim', address: '127.0.0.1', token: null, clientId: null };
    expect(bridge.failures).toEqual([
      { ...event, reason: 'unknown' },
      { ...event, reason: 'expired', token: 'gone' },
      { ...event, reason: 'missing' },
    ]);
  });

  it('do not count where the token is known but expired: the IdP must see the reason', async () => {
    const { secret } = await bridge.addToken('gone', [], bridge.clock.now() - 1);
    for (let attempt = 0; attempt < 10; attempt += 1) {
      expect((await bridge.call('GET', '/Users', { token: secret })).status).toBe(401);
    }
  });
});

describe('behind a proxy', () => {
  it('attempts count for the address that a trusted proxy names, and for no other header', async () => {
    const guess = async (from: string, through: Bridge) =>
      (await through.call('GET', '/Users', { token: 'esb_guess', headers: { 'X-Forwarded-For': from } })).status;
    for (let attempt = 0; attempt < 5; attempt += 1) await guess(`198.51.100.${String(attempt)}`, bridge);
    expect(await guess('198.51.100.99', bridge)).toBe(429);
    const proxied = await startBridge({ attempts: { limit: 1, windowMs: 60_000, maxAddresses: 100 } }, true);
    expect([await guess('198.51.100.1', proxied), await guess('198.51.100.2', proxied)]).toEqual([401, 401]);
    expect([await guess('198.51.100.1', proxied), await guess('2001:db8::1', proxied)]).toEqual([429, 401]);
    expect(await guess('2001:db8:0:0:ffff::2', proxied)).toBe(429); // the same /64
    await proxied.close();
  });
});

describe('scopes', () => {
  it('close the other resource type', async () => {
    const { secret: token } = await bridge.addToken('users-only', ['users']);
    expect((await bridge.call('GET', '/Users', { token })).status).toBe(200);
    expect((await bridge.call('POST', '/Users', { token, body: userBody('ann') })).status).toBe(201);
    const refused = await bridge.call('GET', '/Groups', { token });
    expect(refused.status).toBe(403);
    expect(refused.body).toMatchObject({ schemas: [ERROR_URN], status: '403' });
    expect(refused.body.detail).toContain('"groups"');
    expect((await bridge.call('GET', '/ServiceProviderConfig', { token })).status).toBe(200);
  });

  it('keep a read-only token from every write, and let it search', async () => {
    const user = await bridge.user('bob');
    const { secret: token } = await bridge.addToken('auditor', ['read']);
    expect((await bridge.call('GET', `/Users/${user.id}`, { token })).status).toBe(200);
    expect((await bridge.call('POST', '/Users/.search', { token, body: {} })).status).toBe(200);
    for (const [method, path, body] of [
      ['POST', '/Users', userBody('eve')],
      ['PUT', `/Users/${user.id}`, userBody('bob')],
      ['PATCH', `/Users/${user.id}`, patchBody({ op: 'replace', path: 'title', value: 'x' })],
      ['DELETE', `/Users/${user.id}`, undefined],
    ] as const) {
      expect((await bridge.call(method, path, { token, body })).status).toBe(403);
    }
  });

  it('narrow a root query to what the token may see', async () => {
    await bridge.user('carl');
    await bridge.group('Team');
    const { secret: token } = await bridge.addToken('g', ['groups', 'read']);
    const found = await bridge.call('GET', '/', { token });
    expect(found.body.Resources.map((resource: AnyJson) => resource.meta.resourceType)).toEqual(['Group']);
  });

  describe('hide what stands in a resource and belongs to the other type', () => {
    const secretName = 'Layoffs in March';
    let userId: string;
    let groupId: string;
    let users: string;
    let groups: string;
    beforeEach(async () => {
      userId = (await bridge.user('ann', { displayName: 'Ann Example' })).id;
      groupId = (await bridge.group(secretName, [userId])).id;
      users = (await bridge.addToken('users-only', ['users'])).secret;
      groups = (await bridge.addToken('groups-only', ['groups'])).secret;
    });
    const search = { schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'] };

    it('the scope users reads no group names', async () => {
      for (const [method, at, body] of [
        ['GET', `/Users/${userId}`, undefined],
        ['GET', '/Users', undefined],
        ['GET', '/', undefined],
        ['POST', '/Users/.search', search],
        ['POST', '/.search', search],
        ['GET', `/Users/${userId}?attributes=groups,userName`, undefined],
        ['PATCH', `/Users/${userId}`, patchBody({ op: 'replace', path: 'title', value: 'x' })],
        ['PUT', `/Users/${userId}`, userBody('ann')],
      ] as const) {
        const answer = await bridge.call(method, at, { token: users, body });
        expect([at, answer.status]).toEqual([at, 200]);
        expect(answer.text).toContain('ann');
        expect(answer.text).not.toContain(secretName);
        expect(answer.text).not.toContain(groupId);
      }
      expect((await bridge.call('GET', `/Users/${userId}`)).text).toContain(secretName);
    });

    it.each([
      'filter=groups.display sw "L"',
      'filter=groups[display sw "L"]',
      'filter=not (groups.value eq "x")',
      'filter=userName eq "ann" and groups pr',
      'sortBy=groups.display',
    ])('the scope users searches by no group: %s', async (query) => {
      const [name = '', ...value] = query.split('=');
      const at = `?${name}=${encodeURIComponent(value.join('='))}`;
      for (const path of [`/Users${at}`, `/${at}`]) {
        const answer = await bridge.call('GET', path, { token: users });
        expect([answer.status, answer.body.detail]).toEqual([403, expect.stringContaining('no scope "groups"')]);
        expect((await bridge.call('GET', path)).status).toBe(200);
      }
    });

    it('the scope groups reads no names of members, and still their ids', async () => {
      for (const at of [`/Groups/${groupId}`, '/Groups', '/', `/Groups/${groupId}?attributes=members`]) {
        const answer = await bridge.call('GET', at, { token: groups });
        expect([at, answer.status]).toEqual([at, 200]);
        expect(answer.text).toContain(userId);
        expect(answer.text).not.toMatch(/ann/i);
      }
      expect((await bridge.call('GET', `/Groups/${groupId}`)).text).toMatch(/ann/i);
    });

    it('the scope groups searches and removes by no name of a member', async () => {
      const at = `/Groups?filter=${encodeURIComponent('members.display sw "A"')}`;
      const found = await bridge.call('GET', at, { token: groups });
      const remove = patchBody({ op: 'remove', path: 'members[display sw "A"]' });
      const removed = await bridge.call('PATCH', `/Groups/${groupId}`, { token: groups, body: remove });
      for (const answer of [found, removed])
        expect([answer.status, answer.body.detail]).toEqual([403, expect.stringContaining('no scope "users"')]);
      const byId = patchBody({ op: 'remove', path: `members[value eq "${userId}"]` });
      expect((await bridge.call('PATCH', `/Groups/${groupId}`, { token: groups, body: byId })).status).toBe(204);
    });
  });
});
