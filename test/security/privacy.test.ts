/** Personal data at rest, two writers, tokens that end: through the front door, with the file looked into. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { tokenWarnings } from '../../src/auth/token-warnings.js';
import { newToken } from '../../src/domain/secret-token.js';
import type { UserId } from '../../src/domain/types.js';
import { startTestBridge, TOKEN, type TestBridge } from '../support/bridge.js';

const DAY = 86_400_000;
const HOUSEKEEPING = 61_000;

let bridge: TestBridge;
beforeEach(async () => {
  bridge = await startTestBridge({ env: { RETENTION_DAYS: '30' } });
});
afterEach(() => bridge.close());

const folder = () => path.dirname(bridge.config.databasePath);

/** Everything that lies in the folder of the database, as bytes. */
function bytesAtRest(): string {
  return readdirSync(folder())
    .map((name) => readFileSync(path.join(folder(), name), 'latin1'))
    .join('\n');
}

/** The rounds of the retention pause for a moment of the clock. */
async function passingTime(condition: () => Promise<boolean>): Promise<void> {
  await bridge.until(async () => {
    await bridge.clock.advanceAsync(100);
    return condition();
  }, 'the retention');
}

/** A reading that began after everything that the bridge has done. */
async function readAgain(): Promise<void> {
  bridge.clock.advance(1000);
  await bridge.sync();
}

async function leaver(name: string): Promise<UserId> {
  const { body } = await bridge.createUser(name, { displayName: `Display ${name}`, title: `Title-${name}` });
  await bridge.idle();
  bridge.control.accept(`${name}@workspace.example`);
  await bridge.sync();
  expect((await bridge.scim('DELETE', `/Users/${String(body.id)}`)).status).toBe(204);
  await bridge.idle();
  expect(bridge.control.member(`${name}@workspace.example`)?.is_locked).toBe(true);
  return body.id as UserId;
}

describe('files', () => {
  it('are for the account of the bridge alone', () => {
    expect(statSync(bridge.config.databasePath).mode & 0o777).toBe(0o600);
    for (const name of readdirSync(folder())) {
      expect([name, statSync(path.join(folder(), name)).mode & 0o777]).toEqual([name, 0o600]);
    }
  });

  it('hold no token that opens anything', () => {
    expect(bytesAtRest()).not.toContain(TOKEN);
    expect(bytesAtRest()).not.toContain(bridge.sandbox.apiKey());
  });
});

describe('purge', () => {
  it('removes everything personal of a leaver, and keeps the door shut', async () => {
    const id = await leaver('zoe');
    await bridge.store.checkpoint();
    expect(bytesAtRest().toLowerCase()).toContain('title-zoe');
    bridge.control.removeMember('zoe@workspace.example');
    for (let readings = 0; readings < 3; readings++) await readAgain();
    expect(await bridge.store.purgeUser(id, 'cli')).toEqual({ kind: 'purged', inWorkspace: false });
    await bridge.store.checkpoint();
    expect(bytesAtRest().toLowerCase()).not.toContain('zoe');
    const rows = await bridge.store.auditRows({ subject: `user:${id}`, limit: 50 });
    expect(rows.length).toBeGreaterThanOrEqual(3);
    expect(rows.slice(1).every(({ before, after }) => before === null && after === null)).toBe(true);
    expect(rows[0]).toMatchObject({ action: 'user.purge', actor: 'cli', before: null });
    expect(rows[0]?.after).toMatch(/^\{"emptied":"[\d,-]+"\}$/);
    const { findings, purged } = await bridge.store.verifyAudit([]);
    expect(findings).toEqual([]);
    expect(purged).toBeGreaterThanOrEqual(rows.length - 1);
    expect(await bridge.store.purgeUser(id, 'cli')).toEqual({ kind: 'notFound' });
  });

  it('of a member who is still listed keeps a nameless row: not imported anew, locked again when unlocked', async () => {
    const id = await leaver('zoe');
    expect(await bridge.store.purgeUser(id, 'cli')).toEqual({ kind: 'purged', inWorkspace: true });
    expect(await bridge.store.ledger({ subject: `user:${id}`, limit: 10 })).toEqual([]);
    expect((await bridge.store.findPeople('zoe@workspace.example')).length).toBe(0);
    await bridge.sync();
    expect((await bridge.scim('GET', '/Users?filter=userName%20sw%20%22zoe%22')).body.totalResults).toBe(0);
    bridge.control.setLocked('zoe@workspace.example', false);
    await readAgain();
    expect(bridge.control.member('zoe@workspace.example')?.is_locked).toBe(true);
    // The IdP may bring the person back.
    const { status, body } = await bridge.createUser('zoe');
    expect(status).toBe(201);
    await bridge.idle();
    expect((await bridge.bridgeOf(body.id))['status']).toBe('member');
  });

  it('is refused for who is not deleted, and for who may still get in', async () => {
    const { body } = await bridge.createUser('yan');
    await bridge.idle();
    expect(await bridge.store.purgeUser(body.id, 'cli')).toEqual({ kind: 'live' });
    bridge.control.addFault({ operation: 'revokeInvite', fault: { kind: 'status', status: 503 } } as never);
    await bridge.scim('DELETE', `/Users/${String(body.id)}`);
    await bridge.until(() => bridge.app.reconciler.state.inWork === 0, 'the attempt');
    expect((await bridge.store.purgeUser(body.id, 'cli')).kind).toBe('unsettled');
    bridge.control.clearFaults();
    await bridge.finish();
    expect(await bridge.store.purgeUser(body.id, 'cli')).toEqual({ kind: 'purged', inWorkspace: false });
  });
});

describe('retention', () => {
  it('removes finished work, audit payloads and old leavers after RETENTION_DAYS, and nobody who is there', async () => {
    const gone = await leaver('old');
    const { body: kept } = await bridge.createUser('new');
    await bridge.idle();
    const before = bridge.writes().length;
    const limit = bridge.clock.now() + 1;
    bridge.clock.jump(31 * DAY);
    await bridge.clock.advanceAsync(HOUSEKEEPING);
    await passingTime(async () => (await bridge.store.ledger({ subject: `user:${gone}`, limit: 10 })).length === 0);
    await passingTime(async () => {
      const rows = await bridge.store.auditRows({ until: limit, limit: 100 });
      return rows.length > 3 && rows.every((row) => row.before === null && row.after === null);
    });
    const left = await bridge.store.findPeople(gone);
    expect(left.map(({ userName }) => userName)).toEqual([`purged:${gone}`]);
    expect((await bridge.scim('GET', `/Users/${String(kept.id)}`)).body.userName).toBe('new@workspace.example');
    expect(await bridge.store.openInvites()).toMatchObject({ count: 1 });
    expect(bridge.writes().slice(before).join()).not.toContain('old@');
  });
});

describe('two writers', () => {
  const other = newToken('scim');
  const asOther = { authorization: `Bearer ${other.secret}` };
  const conflicts = () => bridge.store.writerConflicts({ since: 0, limit: 10 });
  const patch = (id: string, title: string, headers = {}) =>
    bridge.scim(
      'PATCH',
      `/Users/${id}`,
      {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
        Operations: [{ op: 'replace', path: 'title', value: title }],
      },
      headers,
    );
  beforeEach(async () => {
    const token = {
      id: 'second',
      kind: 'scim',
      label: 'old-app',
      scopes: [],
      clientId: null,
      expiresAt: null,
    } as const;
    await bridge.store.addToken({ ...token, hash: other.hash }, 'cli');
  });

  it('on one user within a day are reported once, by label', async () => {
    const { body } = await bridge.createUser('zoe');
    for (const title of ['a', 'b', 'c']) {
      await patch(body.id, `${title}1`, asOther);
      await patch(body.id, `${title}2`);
    }
    expect(await conflicts()).toEqual([
      expect.objectContaining({ userId: body.id, writes: 6, writers: ['SCIM_TOKEN', 'old-app'] }),
    ]);
    const told = () => bridge.logLines.filter((line) => line.includes('Two tokens wrote the same user')).length;
    await bridge.clock.advanceAsync(HOUSEKEEPING);
    await bridge.until(() => told() === 1, 'the warning');
    await patch(body.id, 'd', asOther);
    await bridge.clock.advanceAsync(3_600_000);
    await bridge.idle();
    expect(told()).toBe(1);
  });

  it('are none where the second writes a day later, or writes nothing new', async () => {
    const { body } = await bridge.createUser('zoe', { title: 'same' });
    await patch(body.id, 'same', asOther);
    bridge.clock.jump(DAY);
    await patch(body.id, 'other', asOther);
    expect(await conflicts()).toEqual([]);
  });
});

describe('tokens that end soon', () => {
  const add = (label: string, days: number | null, more: object = {}) =>
    bridge.store.addToken(
      {
        id: `${label}-${String(days)}`,
        kind: 'scim',
        label,
        scopes: [],
        clientId: null,
        expiresAt: days === null ? null : bridge.clock.now() + days * DAY,
        hash: newToken('scim').hash,
        ...more,
      },
      'cli',
    );

  it('are named 30 days ahead, unless a successor lives longer, and told once a day', async () => {
    await add('soon', 29.5);
    await add('later', 31);
    await add('gone', -2);
    await add('rotated', 1);
    await add('rotated', null);
    await add('client', 2, { kind: 'oauthClient', clientId: 'c1' });
    await add('client', 300, { kind: 'oauthClient', clientId: 'c1' });
    await add('lonely', 3, { kind: 'oauthClient', clientId: 'c2' });
    await add('revoked', 1);
    await bridge.store.revokeToken('revoked-1', 'cli');
    const warnings = await tokenWarnings(bridge.store, bridge.clock.now());
    expect(warnings.map(({ label, daysLeft }) => [label, daysLeft])).toEqual([
      ['gone', -2],
      ['lonely', 3],
      ['soon', 29],
    ]);
    const told = (text: string) => bridge.logLines.filter((line) => line.includes(text)).length;
    await bridge.clock.advanceAsync(HOUSEKEEPING);
    await bridge.until(
      () => told('expires soon') === 2 && told('has expired and has no successor') === 1,
      'the warnings',
    );
    await bridge.clock.advanceAsync(2 * 3_600_000);
    await bridge.idle();
    expect(told('expires soon')).toBe(2);
  });
});

describe('an address that is watched', () => {
  it('is nobody’s to be locked who owns the workspace by now', async () => {
    const { body } = await bridge.createUser('zoe');
    await bridge.idle();
    await bridge.scim('DELETE', `/Users/${String(body.id)}`);
    await bridge.idle();
    // The invite was withdrawn; somebody adds the person by hand, and hands the workspace over.
    bridge.control.addMember({ email: 'zoe@workspace.example', seatType: 'workspace_admin' });
    bridge.control.transferOwner('zoe@workspace.example');
    await bridge.sync();
    expect((await bridge.store.person(body.id))?.protection).toBe('owner');
    expect(bridge.control.member('zoe@workspace.example')?.is_locked).toBe(false);
    // Whoever comes in by such an address without being protected is locked, as before.
    const other = await bridge.createUser('yan');
    await bridge.idle();
    await bridge.scim('DELETE', `/Users/${String(other.body.id)}`);
    await bridge.idle();
    bridge.control.addMember({ email: 'yan@workspace.example', seatType: 'workspace_member' });
    await bridge.sync();
    expect(bridge.control.member('yan@workspace.example')?.is_locked).toBe(true);
  });
});
