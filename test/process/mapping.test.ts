/** A whole mapping file at work: every rule of it, asked for by an IdP, seen in the workspace, and told by `explain`. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { ensureBuilt } from '../support/bridge-process.js';
import { cli } from '../support/cli.js';
import { addressOf, startProcessBridge, type ProcessBridge } from '../support/process-bridge.js';
import { snapshotWorkspace } from '../support/workspace-snapshot.js';

const USER_URN = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP_URN = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const PATCH_URN = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const MAPPING = `
roles:
  builtin: false
  Producer: workspace_admin
groups:
  Interns:
    seat: workspace_lite_member
  Sprecher:
    workspaceGroup: Speakers
    shares: [voice:voice1:editor]
neverTouch: [vip@workspace.example]
inviteOnly: ["*@workspace.example"]
verifiedDomains: [workspace.example]
`;

let bridge: ProcessBridge;
const ids: Record<string, string> = {};

beforeAll(async () => {
  ensureBuilt();
  bridge = await startProcessBridge({
    seed: minimalSeed({
      tier: 'enterprise',
      verifiedDomains: ['workspace.example'],
      seatLimits: { full: 50, basic: 50 },
      members: ['owner', 'ann', 'ben', 'cem', 'vip'].map((name) => ({
        email: addressOf(name),
        owner: name === 'owner',
      })),
      groups: [{ name: 'Speakers' }, { name: 'Interns' }],
      resources: [{ type: 'voice', id: 'voice1', name: 'Brand voice', creator: addressOf('owner') }],
    }),
    before(directory) {
      const file = path.join(directory, 'mapping.yaml');
      writeFileSync(file, MAPPING);
      return { MAPPING_FILE: file };
    },
  });
  ids['ann'] = await create('ann', { roles: [{ value: 'Producer' }] });
  // A name of ElevenLabs, which builtin: false has switched off.
  ids['ben'] = await create('ben', { roles: [{ value: 'admin' }] });
  ids['cem'] = await create('cem');
  ids['vip'] = await create('vip', { roles: [{ value: 'Producer' }] });
  for (const [name, member] of [
    ['Interns', 'cem'],
    ['Sprecher', 'ann'],
  ] as const) {
    const members = [{ value: ids[member] }];
    expect((await bridge.scim('POST', '/Groups', { schemas: [GROUP_URN], displayName: name, members })).status).toBe(
      201,
    );
  }
}, 180_000);
afterAll(() => bridge.close());

const post = (name: string, more: object = {}, address = addressOf(name)) =>
  bridge.scim('POST', '/Users', {
    ...{ schemas: [USER_URN], userName: address, emails: [{ value: address, primary: true }], active: true, ...more },
  });
async function create(name: string, more: object = {}): Promise<string> {
  const { status, body } = await post(name, more);
  expect([name, status]).toEqual([name, 201]);
  return String(body.id);
}
const look = () => snapshotWorkspace(bridge.sandbox);
const member = (name: string) => look().members[addressOf(name)];
const explain = async (name: string): Promise<string> =>
  (await cli({ cwd: bridge.directory, env: bridge.env }, 'explain', addressOf(name))).stdout;

describe('the mapping file', () => {
  it('gives seats by role and by group, and none by the built-in names', async () => {
    await bridge.until(() => member('ann')?.seat === 'workspace_admin', 'the seat of a role');
    await bridge.until(() => member('cem')?.seat === 'workspace_lite_member', 'the seat of a group');
    expect(member('ben')?.seat).toBe('workspace_member');
    expect(await explain('ann')).toMatch(/^ok +seat: workspace_admin; rule: roles "Producer"/im);
    expect(await explain('cem')).toMatch(/^ok +seat: workspace_lite_member; rule: .*Interns/im);
    expect(await explain('ben')).toMatch(/^ok +seat: workspace_member; rule: no rule/im);
  }, 60_000);

  it('puts the group of the IdP into the workspace group of another name, and shares with it', async () => {
    await bridge.until(() => look().groups['Speakers']?.includes(addressOf('ann')) === true, 'the member');
    await bridge.until(() => look().groupShares['Speakers'] !== undefined, 'the share');
    expect(look().groupShares['Speakers']).toEqual(['voice:voice1:editor']);
    expect(await explain('ann')).toMatch(/^ok +group "Speakers": member; rule: member of "Sprecher"/im);
  }, 60_000);

  it('keeps the never-touch list, and says so', async () => {
    const disabled = await bridge.setActive(ids['vip'] ?? '', false);
    expect([disabled.status, disabled.body.scimType]).toEqual([400, 'mutability']);
    expect(member('vip')).toMatchObject({ seat: 'workspace_member', locked: false });
    expect(await explain('vip')).toContain(
      'nothing is changed: the address is on the neverTouch list of the mapping file',
    );
  }, 60_000);

  it('refuses an invite to whom inviteOnly does not name, and nothing is stored', async () => {
    const address = 'eve@elsewhere.example';
    const { status, body } = await post('eve', {}, address);
    expect([status, body.scimType]).toEqual([400, 'invalidValue']);
    expect(body.detail).toContain('inviteOnly');
    const filter = encodeURIComponent(`userName eq "${address}"`);
    expect((await bridge.scim('GET', `/Users?filter=${filter}`)).body.totalResults).toBe(0);
    expect(bridge.mails()).toEqual({});
  }, 60_000);

  it('sends invites to its verified domains together', async () => {
    for (const name of ['new1', 'new2', 'new3']) await create(name);
    await bridge.until(() => Object.keys(bridge.mails()).length === 3, 'the invites');
    const calls = bridge.sandbox.control.requests({ method: 'POST', path: '/v1/workspace/invites/**' });
    expect(calls.map(({ path: where }) => where)).toContain('/v1/workspace/invites/add-bulk');
    expect(Object.values(bridge.mails())).toEqual([1, 1, 1]);
  }, 60_000);

  it('explain names the request that locked, and the one that filled a group', async () => {
    const locked = await bridge.setActive(ids['ben'] ?? '', false);
    await bridge.until(() => member('ben')?.locked === true, 'the lock');
    await bridge.until(async () => (await explain('ben')).includes('lock done'), 'the end of the call');
    const request = locked.headers.get('x-request-id') ?? 'none';
    expect(await explain('ben')).toMatch(
      new RegExp(`access: locked; rule: the IdP wrote active = false; last: lock done \\S+ by ${request}`),
    );
    const Operations = [{ op: 'add', path: 'members', value: [{ value: ids['ann'] }] }];
    const filter = encodeURIComponent('displayName eq "Interns"');
    const [group] = (await bridge.scim('GET', `/Groups?filter=${filter}`)).body.Resources;
    const added = await bridge.scim('PATCH', `/Groups/${String(group.id)}`, { schemas: [PATCH_URN], Operations });
    const by = added.headers.get('x-request-id') ?? 'none';
    await bridge.until(async () => (await explain('ann')).includes(`by ${by}`), 'the group');
    expect(await explain('ann')).toMatch(
      new RegExp(`group "Interns": member; rule: member of "Interns"; last: addToGroup done \\S+ by ${by}`),
    );
  }, 60_000);
});
