/** What the SCIM surface asks of provisioning, and what it makes of the answers (design section 3). */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { invalidValue, unavailable } from '../../src/errors.js';
import { GROUP_URN, patchBody, startBridge, userBody, type Bridge } from './bridge.js';

let bridge: Bridge;
beforeEach(async () => {
  bridge = await startBridge();
});
afterEach(() => bridge.close());

const calls = (): string[] => bridge.provisioning.calls.splice(0);

describe('a write to a user', () => {
  it('is admitted, stored, poked and waited for, in this order', async () => {
    const user = await bridge.user('ann');
    expect(calls()).toEqual(['admitGrant', 'poke', `settle ${String(user.meta.version).replace(/\D/g, '')}`]);
  });

  it('that only takes away is admitted while grants are not', async () => {
    const user = await bridge.user('leaver', { roles: [{ value: 'admin' }, { value: 'member' }] });
    const group = await bridge.group('Team', [user.id]);
    bridge.provisioning.grantError = unavailable('The API key is rejected.', 60);
    const tries = [
      ['PATCH', `/Users/${user.id}`, patchBody({ op: 'remove', path: 'roles[value eq "admin"]' }), 200],
      ['PATCH', `/Users/${user.id}`, patchBody({ op: 'replace', path: 'title', value: 'x' }), 200],
      [
        'PATCH',
        `/Groups/${group.id}`,
        patchBody({ op: 'remove', path: `members[value eq "${String(user.id)}"]` }),
        204,
      ],
      ['PATCH', `/Users/${user.id}`, patchBody({ op: 'replace', path: 'active', value: false }), 200],
      ['PATCH', `/Users/${user.id}`, patchBody({ op: 'add', path: 'roles', value: [{ value: 'lite' }] }), 200],
      ['DELETE', `/Users/${user.id}`, undefined, 204],
      ['DELETE', `/Groups/${group.id}`, undefined, 204],
    ] as const;
    for (const [method, path, body, status] of tries) {
      expect([path, (await bridge.call(method, path, { body })).status]).toEqual([path, status]);
    }
    expect(calls().filter((call) => call === 'admitGrant')).toHaveLength(2); // the two at the start
  });

  it('that gives is refused with 503 and Retry-After then, and stores nothing', async () => {
    const user = await bridge.user('active');
    const off = await bridge.user('inactive', { active: false });
    const group = await bridge.group('Team', [off.id]);
    bridge.provisioning.grantError = unavailable('The API key is rejected.', 12.3);
    const tries = [
      ['POST', '/Users', userBody('new')],
      ['PATCH', `/Users/${off.id}`, patchBody({ op: 'replace', path: 'active', value: true })],
      ['PATCH', `/Users/${user.id}`, patchBody({ op: 'add', path: 'roles', value: [{ value: 'admin' }] })],
      ['PUT', `/Users/${user.id}`, userBody('active', { emails: [{ value: 'elsewhere@example.test' }] })],
      ['PATCH', `/Groups/${group.id}`, patchBody({ op: 'add', path: 'members', value: [{ value: user.id }] })],
      ['PUT', `/Groups/${group.id}`, { schemas: [GROUP_URN], displayName: 'Team', members: [{ value: user.id }] }],
      ['PATCH', `/Groups/${group.id}`, patchBody({ op: 'replace', path: 'displayName', value: 'Other' })],
    ] as const;
    for (const [method, path, body] of tries) {
      const answer = await bridge.call(method, path, { body });
      expect([method, path, answer.status, answer.headers['retry-after']]).toEqual([method, path, 503, '13']);
    }
    expect((await bridge.call('GET', '/Users?filter=userName+eq+%22new%22')).body.totalResults).toBe(0);
    for (const [path, before] of [
      [`/Users/${user.id}`, user],
      [`/Users/${off.id}`, off],
      [`/Groups/${group.id}`, group],
    ] as const) {
      expect((await bridge.call('GET', path)).body.meta.version).toBe(before.meta.version);
    }
  });

  it('that was refused for good gets the reason, and no body of success', async () => {
    bridge.provisioning.settleWith = {
      kind: 'refused',
      error: invalidValue('emails: no seat is free for ann@example.test.'),
    };
    const answer = await bridge.call('POST', '/Users', { body: userBody('ann') });
    expect([answer.status, answer.body.scimType]).toEqual([400, 'invalidValue']);
    expect(answer.body.detail).toContain('no seat is free');
    expect(answer.body.detail).toContain(answer.headers['x-request-id']!);
    expect(answer.headers['location']).toBeUndefined();
    expect(answer.headers['etag']).toBeUndefined();
  });

  it('that is still running is answered as if it were done', async () => {
    bridge.provisioning.settleWith = { kind: 'pending' };
    expect((await bridge.call('POST', '/Users', { body: userBody('ann') })).status).toBe(201);
  });
});

describe('when nothing can be admitted', () => {
  it('writes get 503 and reads work', async () => {
    const user = await bridge.user('ann');
    bridge.provisioning.withdrawalError = unavailable('Shutting down.', 5);
    bridge.provisioning.grantError = bridge.provisioning.withdrawalError;
    expect((await bridge.call('DELETE', `/Users/${user.id}`)).status).toBe(503);
    expect((await bridge.call('POST', '/Users', { body: userBody('bob') })).status).toBe(503);
    expect((await bridge.call('GET', `/Users/${user.id}`)).status).toBe(200);
    expect((await bridge.call('GET', '/ServiceProviderConfig')).status).toBe(200);
  });

  it('the log says why, in one line without a stack', async () => {
    const busy = Object.assign(new Error('database is locked'), { code: 'SQLITE_BUSY' });
    for (const error of [unavailable('Shutting down.', 5), unavailable('Try again.', 5, busy)]) {
      bridge.provisioning.grantError = error;
      await bridge.call('POST', '/Users', { body: userBody('bob') });
    }
    const lines = bridge.logLines.filter((line) => line.includes('turned away'));
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ level: 40, template: '/Users', reason: 'Shutting down.' }),
      expect.objectContaining({ reason: 'Try again. Cause: database is locked (SQLITE_BUSY)' }),
    ]);
    for (const line of lines) expect(line).not.toMatch(/"err"|stack|\.ts:|\.js:/);
  });
});

describe('a write to a group', () => {
  it('is waited for, and a deletion too', async () => {
    const user = await bridge.user('ann');
    calls();
    const group = await bridge.group('Team', [user.id]);
    expect(calls()).toEqual(['admitGrant', 'poke', 'settleGroup']);
    await bridge.call('DELETE', `/Groups/${group.id}`);
    expect(calls()).toEqual(['admitWithdrawal', 'poke', 'settleGroup']);
    await bridge.call('DELETE', `/Users/${user.id}`);
    expect(calls()).toEqual(['admitWithdrawal', 'poke', 'settleGroup']);
  });

  it('is answered with what it wrote where the group is deleted while it waits', async () => {
    const user = await bridge.user('ann');
    const group = await bridge.group('Team');
    const { getGroup } = bridge.store;
    let reads = 0;
    bridge.store.getGroup = async (id, options) => {
      reads += 1;
      // The last one is that of the answer.
      return reads === 3 ? null : getGroup.call(bridge.store, id, options);
    };
    const body = { schemas: [GROUP_URN], displayName: 'New', members: [{ value: user.id }] };
    const answer = await bridge.call('PUT', `/Groups/${group.id}`, { body });
    expect([answer.status, answer.body.displayName, reads]).toEqual([200, 'New', 3]);
    expect(answer.body.members).toMatchObject([{ value: user.id }]);
  });

  it('does not read the members to change some of them', async () => {
    const user = await bridge.user('ann');
    const group = await bridge.group('Team');
    const reads: boolean[] = [];
    const { getGroup } = bridge.store;
    bridge.store.getGroup = async (id, options) => {
      reads.push(options.members);
      return getGroup.call(bridge.store, id, options);
    };
    await bridge.call('PATCH', `/Groups/${group.id}`, {
      body: patchBody({ op: 'add', path: 'members', value: [{ value: user.id }] }),
    });
    expect(reads).not.toContain(true);
  });
});

describe('the audit trail', () => {
  it('names token and request', async () => {
    const answer = await bridge.call('POST', '/Users', { body: userBody('ann') });
    const rows = await bridge.store.auditRows({ requestId: answer.headers['x-request-id']!, limit: 10 });
    expect(rows.map((row) => row.actor)).toContain('token:default');
  });
});
