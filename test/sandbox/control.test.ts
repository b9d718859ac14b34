/** The control interface, from within the process and over HTTP; seeds as data; the standalone server. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { demoSeed } from '../../src/sandbox/demo-seed.js';
import { createSandbox } from '../../src/sandbox/sandbox.js';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { runSandbox } from '../../src/sandbox/standalone.js';
import type { FakeClock } from '../support/fake-clock.js';
import { createFakeClock, FAKE_START } from '../support/fake-clock.js';
import type { Started } from './start.js';
import { start } from './start.js';

const INVITE = '/v1/workspace/invites/add';
const NEW = { email: 'new@x.example' };

let running: Started;
let clock: FakeClock;

beforeEach(async () => {
  clock = createFakeClock();
  running = await start({ clock, seed: demoSeed() });
});
afterEach(() => running.close());

const control = () => running.sandbox.control;

describe('invitees', () => {
  it('accept once, with their groups that are still there', async () => {
    const [gone, stays] = [control().createGroup('Gone'), control().createGroup('Stays')];
    await running.call('POST', INVITE, { ...NEW, group_ids: [gone, stays], usage_limit: 9 });
    control().deleteGroup(gone);
    const member = control().accept('NEW@x.example', { firstName: 'Nia' });
    expect(member).toMatchObject({ email: NEW.email, first_name: 'Nia', is_locked: false, is_owner: false });
    expect(member.user_id).toMatch(/^[A-Za-z0-9]{28}$/);
    expect(control().member(NEW.email)?.usageLimit).toBe(9);
    expect(
      control()
        .state()
        .groups?.find((group) => group.name === 'Stays')?.members,
    ).toEqual([NEW.email]);
    expect(() => control().accept(NEW.email)).toThrow('no pending invitation');
  });

  it('cannot accept what was revoked, declined or has expired', async () => {
    for (const end of ['decline', 'expire', 'revoke'] as const) {
      await running.call('POST', INVITE, NEW);
      if (end === 'revoke') await running.call('DELETE', '/v1/workspace/invites', NEW);
      else control()[end](NEW.email);
      expect(() => control().accept(NEW.email)).toThrow('no pending invitation');
    }
    expect(control().mailbox()).toHaveLength(3);
  });

  it('may spell their address otherwise, and keep their id when they come back', async () => {
    await running.call('POST', INVITE, NEW);
    const { user_id: first } = control().accept(NEW.email, { as: 'New@X.example' });
    expect(control().member(NEW.email)?.email).toBe('New@X.example');
    control().removeMember(NEW.email);
    expect(control().member(NEW.email)).toBeUndefined();
    await running.call('POST', INVITE, NEW);
    expect(control().accept(NEW.email).user_id).toBe(first);
  });

  it('accept by themselves after a while, and wait for a seat', async () => {
    control().autoAccept(1000);
    await running.call('POST', INVITE, NEW);
    await running.call('POST', INVITE, { email: 'late@x.example' });
    await running.call('DELETE', '/v1/workspace/invites', { email: 'late@x.example' });
    control().setSeatLimits({ full: 4, basic: 0 });
    clock.advance(1000);
    expect(control().member(NEW.email)).toBeUndefined();
    control().setSeatLimits({ full: 10, basic: 0 });
    await running.call('POST', INVITE, { email: 'late@x.example' });
    clock.advance(999);
    expect(control().member(NEW.email)).toBeUndefined();
    clock.advance(1);
    expect(control().member(NEW.email)).toBeDefined();
    control().autoAccept(null);
    await running.call('POST', INVITE, { email: 'never@x.example' });
    clock.advance(5000);
    expect(control().member('never@x.example')).toBeUndefined();
  });
});

describe('by hand', () => {
  it('people on the dashboard change members and groups', async () => {
    const { call } = running;
    const id = control().addMember({ email: 'zoe@acme.example', seatType: 'workspace_lite_member', locked: true });
    control().setLocked('zoe@acme.example', false);
    control().changeEmail('zoe@acme.example', 'zoe@other.example');
    control().setSeat('zoe@other.example', null);
    control().transferOwner('ada@acme.example');
    const group = control().createGroup('Sales');
    control().putInGroup(group, 'zoe@other.example');
    control().putInGroup(group, 'ada@acme.example');
    control().takeOutOfGroup(group, 'ada@acme.example');
    control().renameGroup(group, 'Sellers');
    control().markGroup(group, { scimFrozen: true });
    const members = (await call('GET', '/v1/workspace/members')).json;
    expect(members.at(-1)).toEqual({
      user_id: id,
      email: 'zoe@other.example',
      first_name: null,
      seat_type: null,
      is_owner: false,
      is_locked: false,
    });
    expect(members.filter((row: { is_owner: boolean }) => row.is_owner)).toMatchObject([{ email: 'ada@acme.example' }]);
    expect((await call('GET', '/v1/workspace/groups')).json[group]).toMatchObject({
      name: 'Sellers',
      members: [id],
      scim_frozen: true,
    });
    expect(control().member('zoe@acme.example')).toBeUndefined();
  });

  it('keys come, lose scopes, are rotated and revoked', async () => {
    const get = async (key: string) => (await running.call('GET', '/v1/user', undefined, key)).status;
    const key = control().createKey({ owner: 'ada@acme.example' });
    expect(await get(key)).toBe(200);
    control().setScopes(key, ['workspace_read']);
    expect(await get(key)).toBe(401);
    control().setScopes(key, ['user_read']);
    const next = control().rotateKey(key);
    expect([await get(key), await get(next)]).toEqual([401, 200]);
    control().revokeKey(next);
    expect(await get(next)).toBe(401);
  });

  it('resources come and are shared', async () => {
    const id = control().createResource({ type: 'voice', creator: 'ada@acme.example' });
    expect(id).toMatch(/^[A-Za-z0-9]{20}$/);
    control().share({ type: 'voice', id }, 'editor', { userEmail: 'mae@acme.example' });
    control().unshare({ type: 'voice', id }, { userEmail: 'mae@acme.example' });
    control().share({ type: 'voice', id }, 'viewer', { groupId: 'default' });
    const { json } = await running.call('GET', `/v1/workspace/resources/${id}?resource_type=voice`);
    expect(json.role_to_group_ids).toEqual({
      admin: [control().member('ada@acme.example')?.user_id],
      viewer: ['default'],
    });
  });
});

describe('the request log', () => {
  it('keeps what was asked, never the key', async () => {
    await running.call('POST', INVITE, NEW);
    await running.call('GET', '/v1/workspace/groups/search?name=A%20b');
    await running.call('GET', '/v1/user', undefined, null);
    expect(control().requests()).toMatchObject([
      { at: FAKE_START, method: 'POST', path: INVITE, body: NEW, status: 200, outcome: 'answered' },
      { method: 'GET', path: '/v1/workspace/groups/search?name=A%20b', body: null },
      { path: '/v1/user', key: null, status: 401 },
    ]);
    expect(JSON.stringify(control().requests())).not.toContain(running.sandbox.apiKey());
    expect(control().requests({ method: 'POST', path: '/v1/workspace/**' })).toHaveLength(1);
    expect(control().requests({ path: '/v1/workspace/groups/search' })).toHaveLength(1);
    control().clearRequests();
    expect(control().requests()).toEqual([]);
  });
});

describe('seeds', () => {
  it('the state is a seed that gives the same workspace', async () => {
    await running.call('POST', INVITE, NEW);
    await running.call('POST', INVITE, { email: 'second@x.example' });
    control().accept(NEW.email);
    control().removeMember('linus@acme.example');
    control().share({ type: 'voice', id: '4ZUqyldxf71HqUbcP2Lc' }, 'viewer', { groupId: 'default' });
    const saved = JSON.parse(JSON.stringify(control().state()));
    const copy = createSandbox({ clock, seed: saved });
    expect(JSON.parse(JSON.stringify(copy.control.state()))).toEqual(saved);
    expect(copy.apiKey()).toBe(running.sandbox.apiKey());
    expect(copy.control.accept('second@x.example')).toBeDefined();
  });

  it('the same seed and randomness give the same ids', () => {
    const ids = () => createSandbox({ clock }).control.state();
    expect(ids()).toEqual(ids());
  });

  it('a contradictory one is refused and changes nothing', () => {
    const before = control().state();
    expect(() => control().reset({ members: [] })).toThrow('exactly one owner');
    expect(() => control().reset(minimalSeed({ groups: [{ name: 'G', members: ['who@x.example'] }] }))).toThrow(
      'who@x.example',
    );
    expect(control().state()).toEqual(before);
    control().reset(minimalSeed());
    expect(control().state().members).toHaveLength(1);
    control().reset();
    expect(control().state()).toEqual(before);
  });
});

describe('over HTTP', () => {
  it('needs its own token', async () => {
    for (const token of ['', 'wrong', running.sandbox.apiKey()]) {
      expect((await running.order('state', undefined, token)).status).toBe(401);
    }
    expect((await running.order('state')).json.members).toHaveLength(6);
  });

  it('does what the direct one does', async () => {
    const { order, call } = running;
    await order('set-switches', { duplicateInvite: 400, readLag: { ms: 5 } });
    await order('add-fault', { times: 1, path: INVITE, fault: { kind: 'status', status: 503 } });
    expect((await call('POST', INVITE, NEW)).status).toBe(503);
    expect((await call('POST', INVITE, NEW)).status).toBe(200);
    expect((await call('POST', INVITE, NEW)).status).toBe(400);
    expect((await order('mailbox')).json).toMatchObject([{ to: NEW.email }]);
    expect((await order('accept', NEW)).json).toMatchObject({ email: NEW.email });
    const { id } = (await order('create-group', { name: 'Sales' })).json;
    expect((await order('put-in-group', { groupId: id, email: NEW.email })).json).toEqual({});
    expect((await order('requests', { path: INVITE })).json).toHaveLength(3);
    expect((await order('switches')).json.values.duplicateInvite).toBe(400);
    await order('reset', { seed: minimalSeed() });
    expect((await order('state')).json.members).toHaveLength(1);
  });

  it('says what is wrong', async () => {
    const { order } = running;
    expect(await order('accept', { email: 'no@x.example' })).toMatchObject({
      status: 404,
      json: { error: expect.any(String) },
    });
    expect((await order('accept', {})).json.error).toContain('email');
    expect((await order('set-switches', { duplicateInvite: 418 })).json.error).toContain('"ok", 400, 409');
    expect((await order('set-switches', { nonsense: true })).status).toBe(400);
    expect((await order('add-fault', { fault: { kind: 'plague' } })).status).toBe(400);
    expect((await order('reset', { seed: { members: [] } })).json.error).toContain('owner');
    expect((await order('constructor', {})).status).toBe(404);
    expect((await order('decline')).status).toBe(405);
    expect((await order('help')).json.operations).toContain('release-hanging');
  });

  it('works while everything else fails', async () => {
    await running.order('add-fault', { fault: { kind: 'status', status: 500 } });
    expect((await running.order('clear-faults', {})).status).toBe(200);
    expect((await running.call('GET', '/v1/user')).status).toBe(200);
  });
});

describe('standing alone', () => {
  it('prints commands that work when pasted', async () => {
    const lines: string[] = [];
    const alone = await runSandbox({ write: (line) => lines.push(line), clock });
    try {
      const text = lines.join('\n');
      expect(text).toContain(alone.url);
      expect(text).toContain(alone.sandbox.controlToken);
      const answers = [];
      for (const line of lines.filter((candidate) => candidate.trim().startsWith('curl'))) {
        answers.push(JSON.parse(await runCurl(line)));
      }
      expect(answers).toMatchObject([
        Array(6).fill({ user_id: expect.any(String) }),
        { status: 'ok' },
        [{ to: 'new@acme.example' }],
        { email: 'new@acme.example', is_locked: false },
        {},
        { id: 'fault-1' },
        { operations: expect.arrayContaining(['accept']) },
      ]);
    } finally {
      await alone.close();
    }
  });
});

/** Does what the shell and curl would do with a printed line. */
async function runCurl(line: string): Promise<string> {
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');
  const headers: Record<string, string> = {};
  let body: string | undefined;
  let url = '';
  for (let index = 1; index < words.length; index += 1) {
    const word = words[index] ?? '';
    if (word === '-H') {
      const [name = '', ...value] = (words[++index] ?? '').split(': ');
      headers[name] = value.join(': ');
    } else if (word === '-d') body = words[++index];
    else if (word !== '-s') url = word;
  }
  const response = await fetch(url, { headers, ...(body === undefined ? {} : { method: 'POST', body }) });
  return response.text();
}
