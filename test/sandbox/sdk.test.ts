/** Every endpoint of the sandbox through the official SDK: its serializers accept every success. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ElevenLabsClient } from '@elevenlabs/elevenlabs-js';
import type { Sandbox } from '../../src/sandbox/sandbox.js';
import { createSandbox } from '../../src/sandbox/sandbox.js';
import { demoSeed } from '../../src/sandbox/demo-seed.js';
import type { Listening } from '../../src/sandbox/server.js';
import { createFakeClock } from '../support/fake-clock.js';

const ENGINEERING = 'gE4nXw8TqLzP5cRkYv2HmBd9SjN1';
const AGENT = 'agSupportLine01Qm4Xz';

let sandbox: Sandbox;
let listening: Listening;
let client: ElevenLabsClient;

beforeEach(async () => {
  sandbox = createSandbox({ clock: createFakeClock(), seed: { ...demoSeed(), tier: 'enterprise' } });
  listening = await sandbox.listen();
  // The key of the demo has no more scopes than the bridge needs.
  const apiKey = sandbox.control.createKey({ owner: 'it-admin@acme.example' });
  client = new ElevenLabsClient({ apiKey, baseUrl: listening.url, maxRetries: 0, timeoutInSeconds: 5 });
});
afterEach(() => listening.close());

describe('the SDK reads every success of the sandbox', () => {
  it('user', async () => {
    const user = await client.user.get();
    expect(user).toMatchObject({ workspaceId: '7f2c94b0d1e84a6f93b5c8a17e40d256', seatType: 'workspace_admin' });
    expect((await client.user.subscription.get()).hasOpenInvoices).toBe(false);
  });

  it('members', async () => {
    const members = await client.workspace.members.list();
    expect(members.map((member) => member.email)).toEqual([
      'grace@acme.example',
      'it-admin@acme.example',
      'ada@acme.example',
      'linus@acme.example',
      'mae@acme.example',
      'rosa@acme.example',
    ]);
    expect(members.filter((member) => member.isOwner)).toHaveLength(1);
    expect(await client.workspace.members.update({ email: 'ada@acme.example', isLocked: true })).toEqual({
      status: 'ok',
    });
    expect(sandbox.control.member('ada@acme.example')?.is_locked).toBe(true);
    await client.workspace.members.update({ email: 'mae@acme.example', workspaceSeatType: 'workspace_member' });
    expect(sandbox.control.member('mae@acme.example')?.seat_type).toBe('workspace_member');
  });

  it('invites', async () => {
    const { invites } = client.workspace;
    expect(
      await invites.create({ email: 'new@other.example', seatType: 'workspace_lite_member', usageLimit: 5 }),
    ).toEqual({ status: 'ok' });
    expect(sandbox.control.invite('new@other.example')).toMatchObject({
      status: 'pending',
      seatType: 'workspace_lite_member',
      usageLimit: 5,
    });
    expect(await invites.createBatch({ emails: ['a@acme.example', 'b@acme.example'] })).toEqual({ status: 'ok' });
    expect(await invites.delete({ email: 'a@acme.example' })).toEqual({ status: 'ok' });
    expect(sandbox.control.invite('a@acme.example')?.status).toBe('revoked');
    expect(sandbox.control.mailbox().map((mail) => mail.to)).toEqual([
      'new@other.example',
      'a@acme.example',
      'b@acme.example',
    ]);
  });

  it('groups', async () => {
    const { groups } = client.workspace;
    const all = await groups.list();
    expect(Object.keys(all)).toHaveLength(3);
    expect(all[ENGINEERING]).toMatchObject({ name: 'Engineering', isScimSynced: false });
    expect(all[ENGINEERING]?.members).toHaveLength(2);
    expect(await groups.search({ name: 'Engineering' })).toEqual([
      { name: 'Engineering', id: ENGINEERING, membersEmails: ['ada@acme.example', 'linus@acme.example'] },
    ]);
    expect(await groups.members.add(ENGINEERING, { email: 'mae@acme.example' })).toEqual({ status: 'ok' });
    expect(await groups.members.remove(ENGINEERING, { email: 'ada@acme.example' })).toEqual({ status: 'ok' });
    expect((await groups.search({ name: 'Engineering' }))[0]?.membersEmails).toEqual([
      'linus@acme.example',
      'mae@acme.example',
    ]);
  });

  it('resources', async () => {
    const { resources } = client.workspace;
    const ref = { resourceType: 'convai_agents' } as const;
    await resources.share(AGENT, { ...ref, role: 'editor', userEmail: 'mae@acme.example' });
    await resources.share(AGENT, { ...ref, role: 'viewer', groupId: 'default' });
    await resources.share(AGENT, { ...ref, role: 'viewer', groupId: ENGINEERING });
    const shared = await resources.get(AGENT, ref);
    expect(shared.roleToGroupIds).toEqual({
      admin: [sandbox.control.member('grace@acme.example')?.user_id],
      editor: [sandbox.control.member('mae@acme.example')?.user_id],
      viewer: ['default', ENGINEERING],
    });
    expect(shared.shareOptions.map((option) => option.name)).not.toContain('mae@acme.example');
    await resources.unshare(AGENT, { ...ref, groupId: ENGINEERING });
    expect((await resources.get(AGENT, ref)).roleToGroupIds.viewer).toEqual(['default']);
  });

  it('service accounts and their keys', async () => {
    const { serviceAccounts } = client;
    const { serviceAccountUserId } = await serviceAccounts.create({ name: 'Robot' });
    const { xiApiKey, keyId } = await serviceAccounts.apiKeys.create(serviceAccountUserId, {
      name: 'First',
      permissions: ['user_read'],
    });
    const robot = new ElevenLabsClient({ apiKey: xiApiKey, baseUrl: listening.url, maxRetries: 0 });
    expect((await robot.user.get()).userId).toBe(serviceAccountUserId);
    await serviceAccounts.apiKeys.update(serviceAccountUserId, keyId, { isEnabled: false });
    await expect(robot.user.get()).rejects.toMatchObject({ statusCode: 401 });
    expect((await serviceAccounts.list()).serviceAccounts[0]?.apiKeys[0]).toMatchObject({ keyId, isDisabled: true });
    expect((await serviceAccounts.apiKeys.list(serviceAccountUserId)).apiKeys).toHaveLength(1);
    await serviceAccounts.apiKeys.delete(serviceAccountUserId, keyId);
    expect((await serviceAccounts.apiKeys.list(serviceAccountUserId)).apiKeys).toEqual([]);
  });

  it('audit logs, in pages', async () => {
    for (const email of ['one@other.example', 'two@other.example', 'three@other.example']) {
      await client.workspace.invites.create({ email });
    }
    const first = await client.workspace.auditLogs.list({ limit: 2 });
    expect(first.entries.map((entry) => entry.message)).toEqual([
      'three@other.example invited',
      'two@other.example invited',
    ]);
    const second = await client.workspace.auditLogs.list({ limit: 2, cursor: first.nextCursor! });
    expect(second).toMatchObject({ hasMore: false, entries: [{ classUid: 3005, activityName: 'Assign Privileges' }] });
  });

  it('names the request id and the time in every answer', async () => {
    const { rawResponse } = await client.workspace.members.list().withRawResponse();
    expect(rawResponse.headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/);
    expect(rawResponse.headers.get('request-id')).toBe(rawResponse.headers.get('x-request-id'));
    expect(Date.parse(rawResponse.headers.get('date') ?? '')).not.toBeNaN();
  });
});
