import { describe, expect, it } from '@jest/globals';
import type { GroupId, MemberId, UserId, WorkspaceGroupId } from '../../src/domain/types.js';
import { etag, renderGroup, renderUser } from '../../src/scim/render.js';
import type { GroupRecord, UserRecord } from '../../src/store/port.js';

const BASE = 'https://bridge.test/scim/v2';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const BRIDGE_USER = 'urn:ietf:params:scim:schemas:extension:elevenlabs:2.0:User';
const BRIDGE_GROUP = 'urn:ietf:params:scim:schemas:extension:elevenlabs:2.0:Group';

const user: UserRecord = {
  id: 'u1' as UserId,
  seq: 1,
  document: {
    userName: 'a',
    active: true,
    [ENTERPRISE]: { manager: { value: 'm 1' } },
    [BRIDGE_USER]: { seatType: 'workspace_admin' },
  },
  version: 3,
  createdAt: 0,
  modifiedAt: 1000,
  managed: true,
  address: null,
  groups: [{ id: 'g1' as GroupId, displayName: 'Sales' }],
  managerName: 'Mia',
  bridge: {
    status: 'invited',
    memberId: 'm1' as MemberId,
    origin: 'idp',
    invitedAt: 2000,
    acceptedAt: null,
    pendingChanges: 0,
    lastError: null,
  },
};
const group: GroupRecord = {
  id: 'g1' as GroupId,
  seq: 1,
  document: { displayName: 'Sales' },
  version: 1,
  createdAt: 0,
  modifiedAt: 0,
  managed: true,
  members: [{ userId: 'u1' as UserId, display: 'Alice' }],
  bridge: { groupId: 'w1' as WorkspaceGroupId, linkStatus: 'linked', lastError: null },
};

describe('a User', () => {
  it('is shown with everything that is computed', () => {
    expect(renderUser(user, BASE)).toEqual({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', ENTERPRISE, BRIDGE_USER],
      id: 'u1',
      userName: 'a',
      active: true,
      groups: [{ value: 'g1', $ref: `${BASE}/Groups/g1`, display: 'Sales', type: 'direct' }],
      [ENTERPRISE]: { manager: { value: 'm 1', $ref: `${BASE}/Users/m%201`, displayName: 'Mia' } },
      [BRIDGE_USER]: {
        seatType: 'workspace_admin',
        status: 'invited',
        memberId: 'm1',
        origin: 'idp',
        invitedAt: '1970-01-01T00:00:02.000Z',
        pendingChanges: 0,
      },
      meta: {
        resourceType: 'User',
        created: '1970-01-01T00:00:00.000Z',
        lastModified: '1970-01-01T00:00:01.000Z',
        location: `${BASE}/Users/u1`,
        version: 'W/"3"',
      },
    });
  });

  it('lists an extension only where it has data, and no empty groups', () => {
    const plain = renderUser({ ...user, document: { userName: 'a', active: true }, groups: [] }, BASE);
    expect(plain['schemas']).toEqual(['urn:ietf:params:scim:schemas:core:2.0:User', BRIDGE_USER]);
    expect(Object.keys(plain)).not.toContain('groups');
    expect(Object.keys(plain)).not.toContain(ENTERPRISE);
  });

  it('leaves the record as it was', () => {
    const before = JSON.stringify(user);
    renderUser(user, BASE);
    expect(JSON.stringify(user)).toBe(before);
  });
});

describe('a Group', () => {
  it('is shown with members and link', () => {
    expect(renderGroup(group, BASE)).toEqual({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group', BRIDGE_GROUP],
      id: 'g1',
      displayName: 'Sales',
      members: [{ value: 'u1', $ref: `${BASE}/Users/u1`, display: 'Alice', type: 'User' }],
      [BRIDGE_GROUP]: { groupId: 'w1', linkStatus: 'linked' },
      meta: {
        resourceType: 'Group',
        created: '1970-01-01T00:00:00.000Z',
        lastModified: '1970-01-01T00:00:00.000Z',
        location: `${BASE}/Groups/g1`,
        version: 'W/"1"',
      },
    });
  });

  it('shows the link that counts, else the one that was asked for', () => {
    const asked = {
      ...group,
      document: { displayName: 'Sales', [BRIDGE_GROUP]: { groupId: 'w0', seatType: 'workspace_admin' } },
    };
    expect(renderGroup(asked, BASE)[BRIDGE_GROUP]).toMatchObject({ groupId: 'w1', seatType: 'workspace_admin' });
    expect(
      renderGroup({ ...asked, bridge: { groupId: null, linkStatus: 'unlinked', lastError: null } }, BASE)[BRIDGE_GROUP],
    ).toMatchObject({ groupId: 'w0' });
  });

  it('has no members where none were read, or there are none', () => {
    for (const members of [null, []]) expect(renderGroup({ ...group, members }, BASE)).not.toHaveProperty('members');
  });
});

it('makes the ETag of a version', () => expect(etag(7)).toBe('W/"7"'));
