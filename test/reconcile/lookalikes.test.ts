/** Two members whose addresses differ by case only: which of them a user of the IdP is, is never guessed. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { minimalSeed, type SeedMember } from '../../src/sandbox/seed.js';
import { BRIDGE_URN, startTestBridge, type TestBridge, type TestBridgeOptions } from '../support/bridge.js';

const OWNER = 'owner@workspace.example';
const UPPER = 'Ann@workspace.example';
const LOWER = 'ann@workspace.example';
const BOTH = [{ email: UPPER }, { email: LOWER }];
const DISABLE = { op: 'replace', path: 'active', value: false };
const ENABLE = { op: 'replace', path: 'active', value: true };
const WRITER = { actor: 'admin:cli', requestId: 'cli-test' };
const HOUR = 3_600_000;
const ADMIN_TOKEN = 'esb_admin_a-token-for-tests-of-no-further-use';

let bridge: TestBridge;
afterEach(() => bridge.close());

async function start(members: readonly SeedMember[] = BOTH, more: TestBridgeOptions = {}): Promise<void> {
  bridge = await startTestBridge({
    seed: minimalSeed({ members: [{ email: OWNER, owner: true }, ...members], groups: [{ name: 'Sales' }] }),
    switches: { emailCaseSensitive: true },
    ...more,
  });
}

/** Ann as an IdP writes her, with a role and a group, while both are there. */
async function writeAnn(): Promise<string> {
  const { status, body } = await bridge.createUser(LOWER, { roles: [{ value: 'lite' }] });
  expect(status).toBe(201);
  await bridge.createGroup('Sales', [body.id]);
  await bridge.idle();
  return body.id;
}

const isLocked = (email: string): boolean | undefined => bridge.control.member(email)?.is_locked;
const alerts = (): readonly string[] => bridge.app.alerts.recent().map(({ kind }) => kind);
const heldRows = () => bridge.store.ledger({ states: ['held'], limit: 10 });
const openDrift = async () => (await bridge.store.drift({ open: true, limit: 10 })).map(({ kind }) => kind);
const foundBy = async (address: string): Promise<number> =>
  (await bridge.scim('GET', `/Users?filter=${encodeURIComponent(`userName eq "${address}"`)}`)).body.totalResults;

describe('an active user', () => {
  it('is accepted and listed with both addresses and the remedy; no invite, seat, group or lock for either', async () => {
    await start();
    expect(await foundBy(LOWER)).toBe(0);
    const id = await writeAnn();
    const { status, lastError, memberId } = await bridge.bridgeOf(id);
    expect({ status, memberId }).toEqual({ status: 'failed', memberId: undefined });
    expect(lastError).toMatch(/"Ann@workspace.example", "ann@workspace.example".*not guessed.*Remove the others/);
    await bridge.sync();
    await bridge.patchUser(id, { op: 'replace', path: 'displayName', value: 'Ann' });
    await bridge.idle();
    expect(bridge.writes()).toEqual([]);
    expect(await openDrift()).toEqual(['ambiguousMember']);
    expect(alerts()).toEqual(['ambiguousMember']);
    expect(bridge.logLines.filter((line) => line.includes('"alert":"ambiguousMember"'))).toHaveLength(1);
    const { users, ambiguousMembers } = await bridge.store.numbers();
    expect({ failed: users.failed, ambiguousMembers }).toEqual({ failed: 1, ambiguousMembers: 1 });
  });

  it('stands on the page, in the explanation of the user, and in the metrics', async () => {
    await start(BOTH, { env: { ADMIN_TOKEN } });
    const id = await writeAnn();
    expect(await ask('/admin')).toContain('1 user may be one of several members');
    expect(await ask('/admin/drift')).toContain('addresses that count as one');
    expect(await ask(`/admin/users/${id}`)).toMatch(/Access.*not guessed.*Last error|Last error.*Access.*not guessed/s);
    expect(await ask('/metrics')).toMatch(/^scim_bridge_ambiguous_members 1$/m);
  });

  it.each([
    ['is removed', () => bridge.control.removeMember(UPPER), LOWER],
    ['is removed, the other one', () => bridge.control.removeMember(LOWER), UPPER],
    ['gets another address', () => bridge.control.changeEmail(UPPER, 'bob@workspace.example'), LOWER],
  ])('is adopted, with seat and group, when one of the two %s', async (_, resolve, left) => {
    await start();
    const id = await writeAnn();
    resolve();
    await bridge.sync();
    expect(await bridge.bridgeOf(id)).toMatchObject({ status: 'member', origin: 'adopted' });
    expect(bridge.writes()).toEqual([expect.stringMatching(`POST groups/.*/members ${left}`)]);
    expect(await openDrift()).toEqual([]);
    await bridge.patchUser(id, { op: 'replace', path: 'roles', value: [{ value: 'admin' }] });
    await bridge.idle();
    expect(bridge.control.member(left)?.seat_type).toBe('workspace_admin');
  });

  it('is not refused for what an invite would be refused for', async () => {
    await start(BOTH, { env: { SEAT_LIMITS: 'full=3,basic=0' }, rules: { inviteOnly: ['*@elsewhere.example'] } });
    await writeAnn();
    expect(bridge.writes()).toEqual([]);
  });

  it('who was invited is not linked when two accounts appear, and not invited again', async () => {
    await start([], { env: { INVITE_TTL_DAYS: '1', SYNC_INTERVAL_SECONDS: '86400', PENDING_POLL_SECONDS: '3600' } });
    const { body } = await bridge.createUser('ann');
    bridge.control.accept(LOWER);
    bridge.control.addMember({ email: UPPER });
    await bridge.sync();
    expect(await bridge.bridgeOf(body.id)).toMatchObject({ status: 'failed' });
    await bridge.pass(1000);
    await bridge.clock.advanceAsync(25 * HOUR);
    await bridge.sync();
    expect(bridge.writes()).toEqual([`POST invites/add ${LOWER}`]);
    bridge.control.removeMember(UPPER);
    await bridge.sync();
    expect(await bridge.bridgeOf(body.id)).toMatchObject({ status: 'member', origin: 'idp' });
  });

  it('whose address moves to theirs loses the old invite and gets no new one', async () => {
    await start();
    const { body } = await bridge.createUser('zoe');
    const answer = await bridge.patchUser(body.id, {
      op: 'replace',
      path: 'emails[type eq "work"].value',
      value: LOWER,
    });
    expect(answer.status).toBe(200);
    expect(answer.body[BRIDGE_URN]).toMatchObject({ status: 'failed' });
    expect(bridge.writes()).toEqual(['POST invites/add zoe@workspace.example', 'DELETE invites zoe@workspace.example']);
  });

  it('is handed over to neither', async () => {
    await start([...BOTH, { email: 'zoe@workspace.example' }], { env: { EMAIL_CHANGE: 'handover' } });
    const { body } = await bridge.createUser('zoe');
    await bridge.patchUser(body.id, { op: 'replace', path: 'emails[type eq "work"].value', value: LOWER });
    await bridge.sync();
    expect(bridge.writes()).toEqual([]);
    expect(await openDrift()).toEqual(expect.arrayContaining(['ambiguousMember', 'otherAddress']));
    bridge.control.removeMember(LOWER);
    await bridge.sync();
    expect(isLocked('zoe@workspace.example')).toBe(true);
    expect(isLocked(UPPER)).toBe(false);
  });
});

describe('a leaver', () => {
  it('keeps both accounts, loudly: held, alerted, critical after an hour; nothing false is said', async () => {
    await start();
    const id = await writeAnn();
    const { status, body } = await bridge.patchUser(id, DISABLE);
    expect(status).toBe(200);
    expect(body[BRIDGE_URN]).toMatchObject({ status: 'held', pendingChanges: 2 });
    expect(body[BRIDGE_URN].lastError).toMatch(/Ann@workspace.example.*not guessed/);
    expect((await heldRows()).map(({ change, errorCode }) => [change.kind, errorCode])).toEqual([
      ['lock', 'ambiguousMember'],
      ['lock', 'ambiguousMember'],
    ]);
    await bridge.pass(1000);
    await bridge.clock.advanceAsync(HOUR + 900_000);
    await bridge.sync();
    expect(alerts()).toContain('lockHeld');
    expect(bridge.writes()).toEqual([]);
    expect(await openDrift()).toEqual(['ambiguousMember']);
  });

  it.each(['disabled', 'deleted'])('%s, is locked when the other account has gone', async (how) => {
    await start();
    const id = await writeAnn();
    const answer = await (how === 'disabled' ? bridge.patchUser(id, DISABLE) : bridge.scim('DELETE', `/Users/${id}`));
    expect(answer.status).toBe(how === 'disabled' ? 200 : 204);
    await bridge.sync();
    expect(bridge.writes()).toEqual([]);
    expect(await heldRows()).toHaveLength(2);
    bridge.control.removeMember(UPPER);
    await bridge.syncUntilGone();
    expect(bridge.writes()).toEqual([`POST members ${LOWER}`]);
    expect(isLocked(LOWER)).toBe(true);
    expect([await heldRows(), await openDrift()]).toEqual([[], []]);
  });

  it('is settled when an administrator locks the account by hand, and the other is released by name', async () => {
    await start();
    const id = await writeAnn();
    await bridge.patchUser(id, DISABLE);
    await bridge.idle();
    const [row] = (await heldRows()).filter(({ change }) => memberOf(change) === idOf(UPPER));
    await bridge.store.releaseHeld({ ids: [row?.id ?? 0] }, WRITER);
    await bridge.app.reconciler.syncNow('test');
    await bridge.idle();
    expect(bridge.writes()).toEqual([`POST members ${UPPER}`]);
    expect(await bridge.bridgeOf(id)).toMatchObject({ status: 'held' });
    await bridge.pass(1000);
    bridge.control.setLocked(LOWER, true);
    await bridge.sync();
    expect(await bridge.bridgeOf(id)).toMatchObject({ status: 'none' });
    expect([await heldRows(), await openDrift()]).toEqual([[], []]);
  });

  it('who comes back has nothing held any more, and nothing was done', async () => {
    await start();
    const id = await writeAnn();
    await bridge.patchUser(id, DISABLE);
    await bridge.patchUser(id, ENABLE);
    await bridge.idle();
    expect([await heldRows(), bridge.writes()]).toEqual([[], []]);
    expect(await bridge.bridgeOf(id)).toMatchObject({ status: 'failed' });
  });

  it('is listed still after a restart', async () => {
    await start();
    const id = await writeAnn();
    await bridge.patchUser(id, DISABLE);
    await bridge.restart();
    await bridge.sync();
    expect(await heldRows()).toHaveLength(2);
    expect(bridge.writes()).toEqual([]);
  });
});

describe('a link by id', () => {
  it('wins: the linked account is given, taken and locked; the other one is not touched, and told of at the end', async () => {
    await start([{ email: UPPER }]);
    const { body } = await bridge.createUser(LOWER);
    expect(body[BRIDGE_URN]).toMatchObject({ status: 'member' });
    bridge.control.addMember({ email: LOWER });
    await bridge.createGroup('Sales', [body.id]);
    await bridge.sync();
    expect(await bridge.bridgeOf(body.id)).toMatchObject({ status: 'member' });
    expect([await openDrift(), alerts()]).toEqual([[], []]);
    await bridge.patchUser(body.id, DISABLE);
    await bridge.sync();
    expect(bridge.writes()).toEqual([
      expect.stringMatching(`POST groups/.*/members ${UPPER}`),
      `POST members ${UPPER}`,
    ]);
    expect([isLocked(UPPER), isLocked(LOWER)]).toEqual([true, false]);
    expect(await bridge.bridgeOf(body.id)).toMatchObject({ status: 'held' });
    expect(alerts()).toEqual(['ambiguousMember']);
  });

  it('is not made by an import: who was found before the other came is told to no IdP any more', async () => {
    await start([{ email: UPPER }]);
    expect(await foundBy(UPPER)).toBe(1);
    bridge.control.addMember({ email: LOWER });
    await bridge.sync();
    expect(await foundBy(UPPER)).toBe(0);
    const id = await writeAnn();
    expect(await bridge.bridgeOf(id)).toMatchObject({ status: 'failed' });
    expect(bridge.writes()).toEqual([]);
    await bridge.scim('DELETE', `/Users/${id}`);
    bridge.control.removeMember(LOWER);
    await bridge.syncUntilGone();
    expect(isLocked(UPPER)).toBe(true);
  });

  it('stays with somebody who was released', async () => {
    await start([{ email: UPPER }]);
    const { body } = await bridge.createUser(LOWER);
    await bridge.store.releaseUser(body.id, { ...WRITER, tokenId: null, ifMatch: null, interactive: false });
    bridge.control.addMember({ email: LOWER });
    await bridge.sync();
    await bridge.patchUser(body.id, DISABLE);
    await bridge.idle();
    expect([isLocked(UPPER), isLocked(LOWER)]).toEqual([true, false]);
  });
});

async function ask(where: string): Promise<string> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, connection: 'close' };
  return (await fetch(new URL(where, bridge.scimUrl), { headers })).text();
}

const memberOf = (change: object): string | null => ('memberId' in change ? String(change.memberId) : null);
const idOf = (email: string): string | undefined => bridge.control.member(email)?.user_id;
