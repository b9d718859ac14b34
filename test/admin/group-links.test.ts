/** Links of groups that change: whom the bridge only found in a workspace group is not taken along anywhere. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { GROUP_URN, type TestBridge, type TestBridgeOptions } from '../support/bridge.js';
import { startAdmin, type AdminBrowser } from './support.js';

const at = (name: string): string => `${name}@workspace.example`;
const add = (id: string) => ({ op: 'add', path: 'members', value: [{ value: id }] });
const remove = (id: string) => ({ op: 'remove', path: `members[value eq "${id}"]` });

let admin: AdminBrowser;
let bridge: TestBridge;
/** Of users, by name. */
let ids: Record<'ada' | 'linus', string>;

/** Ada and Linus are managed and in Engineering, where somebody put them by hand. */
async function start(options: TestBridgeOptions = {}): Promise<void> {
  admin = await startAdmin({
    seed: minimalSeed({
      members: [{ email: at('owner'), owner: true }, { email: at('ada') }, { email: at('linus') }],
      groups: [
        { name: 'Engineering', id: 'gEng', members: [at('ada'), at('linus')] },
        { name: 'Marketing', id: 'gMar' },
        { name: 'Rest', id: 'gRest' },
      ],
      resources: [{ type: 'voice', id: 'voice1', creator: at('owner') }],
    }),
    ...options,
  });
  ({ bridge } = admin);
  await admin.signIn();
  const id = async (name: string): Promise<string> => (await bridge.createUser(name)).body.id;
  ids = { ada: await id('ada'), linus: await id('linus') };
}
afterEach(() => admin.close());

const designers = async (more: object = {}): Promise<string> =>
  (await bridge.createGroup('Designers', [], more)).body.id;

async function link(group: string, groupId: string | null): Promise<void> {
  const answer =
    groupId === null
      ? await admin.post(`/groups/${group}/unlink`)
      : await admin.post(`/groups/${group}/link`, { groupId });
  expect(answer.status).toBe(200);
  await bridge.idle();
}

async function membersOf(group: string): Promise<readonly string[]> {
  const { body } = await bridge.scim('GET', `/Groups/${group}`);
  return ((body.members ?? []) as readonly { display: string }[]).map(({ display }) => display).sort();
}

const groups = () => bridge.workspace().groups;
const everybody = [at('ada'), at('linus')];

/** Nobody was moved, given or taken anything, now and after another reading. */
async function expectUntouched(): Promise<void> {
  for (const settled of [() => bridge.idle(), () => bridge.sync()]) {
    await settled();
    expect(groups()).toMatchObject({ Engineering: everybody, Marketing: [] });
    expect(bridge.writes()).toEqual([]);
  }
}

describe('people found in a workspace group', () => {
  it('are members while the link lasts, and stay behind when the group is unlinked and linked to another one', async () => {
    await start();
    const group = await designers();
    await link(group, 'gEng');
    expect(await membersOf(group)).toEqual(everybody);
    const { version } = (await bridge.scim('GET', `/Groups/${group}`)).body.meta;
    await link(group, null);
    const { body } = await bridge.scim('GET', `/Groups/${group}`);
    expect(body.members ?? []).toEqual([]);
    expect(body.meta.version).not.toBe(version);
    await link(group, 'gMar');
    expect(await membersOf(group)).toEqual([]);
    await expectUntouched();
  });

  it('stay behind when the link is moved at once', async () => {
    await start();
    const group = await designers();
    await link(group, 'gEng');
    await link(group, 'gMar');
    expect(await membersOf(group)).toEqual([]);
    await expectUntouched();
  });

  it('stay behind when the IdP moves the link by groupId, and when it takes the attribute away', async () => {
    await start();
    const group = await designers({ [GROUP_URN]: { groupId: 'gEng' } });
    expect(await membersOf(group)).toEqual(everybody);
    await bridge.patchGroup(group, { op: 'replace', path: `${GROUP_URN}:groupId`, value: 'gMar' });
    expect(await membersOf(group)).toEqual([]);
    await bridge.patchGroup(group, { op: 'replace', path: `${GROUP_URN}:groupId`, value: 'gEng' });
    await bridge.patchGroup(group, { op: 'remove', path: `${GROUP_URN}:groupId` });
    expect(await membersOf(group)).toEqual([]);
    await expectUntouched();
  });

  it('stay behind when their workspace group is deleted and the group is linked to another one', async () => {
    await start();
    const group = await designers();
    await link(group, 'gEng');
    bridge.control.deleteGroup('gEng');
    await bridge.syncUntilGone();
    expect(await membersOf(group)).toEqual([]);
    await link(group, 'gMar');
    await bridge.sync();
    expect(groups()).toMatchObject({ Marketing: [] });
    expect(bridge.writes()).toEqual([]);
  });

  it('are found again when the group is linked to theirs again, by name or by hand', async () => {
    await start();
    const group = await designers();
    await link(group, 'gEng');
    await link(group, 'gEng');
    expect(await membersOf(group)).toEqual(everybody);
    await link(group, null);
    await link(group, 'gEng');
    expect(await membersOf(group)).toEqual(everybody);
    await expectUntouched();
  });

  it('come along once the IdP has written the membership', async () => {
    await start();
    const group = await designers();
    await link(group, 'gEng');
    await bridge.patchGroup(group, add(ids.linus));
    await link(group, null);
    expect(await membersOf(group)).toEqual([at('linus')]);
    await link(group, 'gMar');
    // Not put into Engineering by the bridge, and so not taken out of it.
    expect(groups()).toMatchObject({ Engineering: everybody, Marketing: [at('linus')] });
  });

  it('are invited again as what they are, and not put back into the group in which somebody had put them', async () => {
    await start();
    const group = await designers();
    await link(group, 'gEng');
    bridge.control.removeMember(at('linus'));
    await bridge.syncUntilGone();
    expect(await membersOf(group)).toEqual([at('ada')]);
    await bridge.patchUser(ids.linus, { op: 'replace', path: 'active', value: false });
    await bridge.patchUser(ids.linus, { op: 'replace', path: 'active', value: true });
    bridge.control.accept(at('linus'));
    await bridge.sync();
    expect(await bridge.bridgeOf(ids.linus)).toMatchObject({ status: 'member' });
    expect(groups()).toMatchObject({ Engineering: [at('ada')] });
  });
});

describe('people found in a workspace group are given nothing by the group', () => {
  const seatOf = (name: string) => bridge.workspace().members[at(name)]?.seat;

  it('no seat, before the IdP has written the membership', async () => {
    await start();
    const group = await designers({ [GROUP_URN]: { seatType: 'workspace_admin' } });
    await link(group, 'gEng');
    await expectUntouched();
    expect((await admin.get(`/users/${ids.linus}`)).text).toContain(
      'put there by hand; "Designers" gives nothing until the IdP has written this membership',
    );
    await bridge.patchGroup(group, add(ids.linus));
    expect([seatOf('ada'), seatOf('linus')]).toEqual(['workspace_member', 'workspace_admin']);
    await bridge.patchGroup(group, remove(ids.linus));
    expect(seatOf('linus')).toBe('workspace_member');
    expect(groups()).toMatchObject({ Engineering: [at('ada')] });
  });

  it('no seat, where one request takes them out and puts them in again: then it is the IdP that wants them', async () => {
    await start();
    const group = await designers({ [GROUP_URN]: { seatType: 'workspace_lite_member' } });
    await link(group, 'gEng');
    await bridge.patchGroup(group, remove(ids.ada), add(ids.ada));
    expect([seatOf('ada'), seatOf('linus')]).toEqual(['workspace_lite_member', 'workspace_member']);
  });

  it('no seat, by a group that was only imported and that the mapping file names', async () => {
    await start({ rules: { groupSeats: new Map([['engineering', 'workspace_admin']]) } });
    await expectUntouched();
    expect([seatOf('ada'), seatOf('linus')]).toEqual(['workspace_member', 'workspace_member']);
  });

  it('no share of their own, when the group is unlinked', async () => {
    const share = { resource: { type: 'voice', id: 'voice1' }, role: 'viewer' } as const;
    await start({ rules: { groupShares: new Map([['designers', [share]]]) } });
    const group = await designers();
    await link(group, 'gEng');
    await link(group, null);
    await bridge.sync();
    const [voice] = bridge.control.state().resources ?? [];
    expect(voice?.slots?.['viewer'] ?? []).toEqual([]);
  });

  it('no stay: whom the IdP takes out of one of two groups is out, though the other one had found them', async () => {
    await start();
    const first = await designers();
    await link(first, 'gEng');
    const { body: second } = await bridge.createGroup('Illustrators');
    await link(second.id, 'gEng');
    await bridge.patchGroup(first, remove(ids.ada));
    expect(groups()).toMatchObject({ Engineering: [at('linus')] });
    expect(await membersOf(second.id)).toEqual([at('linus')]);
  });
});
