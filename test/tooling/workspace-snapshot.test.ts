import { expect, it } from '@jest/globals';
import { createSandbox } from '../../src/sandbox/sandbox.js';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { createFakeClock } from '../support/fake-clock.js';
import { snapshotWorkspace } from '../support/workspace-snapshot.js';

it('shows a workspace by addresses and names', async () => {
  const sandbox = createSandbox({
    clock: createFakeClock(),
    seed: minimalSeed({
      members: [
        { email: 'owner@x.example', owner: true },
        { email: 'Ann@x.example', seatType: 'workspace_lite_member', locked: true },
      ],
      groups: [{ name: 'Team', id: 'team', members: ['Ann@x.example', 'owner@x.example'] }, { name: 'Empty' }],
      resources: [{ type: 'voice', id: 'v1' }],
    }),
  });
  const { control } = sandbox;
  control.share({ type: 'voice', id: 'v1' }, 'editor', { userEmail: 'ann@x.example' });
  control.share({ type: 'voice', id: 'v1' }, 'viewer', { groupId: 'team' });
  const headers = { 'xi-api-key': sandbox.apiKey() };
  const body = JSON.stringify({ email: 'New@x.example', usage_limit: 7 });
  for (let time = 0; time < 2; time += 1) {
    await sandbox.handle({ method: 'POST', url: '/v1/workspace/invites/add', headers, body });
  }
  const common = { owner: false, locked: false, groups: ['Team'], shares: [] };
  expect(snapshotWorkspace(sandbox)).toEqual({
    members: {
      'owner@x.example': { ...common, seat: 'workspace_admin', owner: true },
      'ann@x.example': { ...common, seat: 'workspace_lite_member', locked: true, shares: ['voice:v1:editor'] },
    },
    pendingInvites: { 'new@x.example': { seat: 'workspace_member', usageLimit: 7 } },
    groups: { Team: ['ann@x.example', 'owner@x.example'], Empty: [] },
    groupShares: { Team: ['voice:v1:viewer'] },
    mails: { 'new@x.example': 2 },
  });
});
