/** The workspace of the demo: small enough to read on one page, with one of every special case. */
import type { Seed } from './seed.js';

/**
 * An owner, an administrator whose key the bridge uses, members on every seat, one of them locked,
 * three groups (one under native SCIM) and a few resources. Ids are fixed, so that a restarted
 * demo finds its workspace again.
 */
export function demoSeed(): Seed {
  return {
    workspaceId: '7f2c94b0d1e84a6f93b5c8a17e40d256',
    tier: 'business',
    seatLimits: { full: 10, basic: 20 },
    verifiedDomains: ['acme.example'],
    everyoneGroupId: 'Xb7QeR2mVtK9sYhU4cNpW1zLdJ6a',
    members: [
      { email: 'grace@acme.example', firstName: 'Grace', owner: true, userId: 'tR5vYq8LkWz3NcXhJ2bPm7GdSf9A' },
      {
        email: 'it-admin@acme.example',
        firstName: 'Ivo',
        seatType: 'workspace_admin',
        userId: 'Qm4HsT9wBxE6rLpZ1yKdVc8NjUf2',
      },
      { email: 'ada@acme.example', firstName: 'Ada', userId: 'a9KxWv3TqPzL5eRnYh7GmBc1DsJ4' },
      { email: 'linus@acme.example', firstName: 'Linus', userId: 'p2NfZr8YdKcV6wQmXt4LhSb9GjE1' },
      {
        email: 'mae@acme.example',
        firstName: 'Mae',
        seatType: 'workspace_lite_member',
        userId: 'H7bTgLq1ZxNw5RkPvYc3MsDf8JeU',
      },
      { email: 'rosa@acme.example', firstName: 'Rosa', locked: true, userId: 'V3dKmYs6QpXc9LhWtBn2RzGf7JaE' },
    ],
    groups: [
      { name: 'Engineering', id: 'gE4nXw8TqLzP5cRkYv2HmBd9SjN1', members: ['ada@acme.example', 'linus@acme.example'] },
      { name: 'Marketing', id: 'gM7kZt3VhWcQ9sLpXr5NyBf1DjE6', members: ['mae@acme.example'] },
      {
        name: 'Contractors (native SCIM)',
        id: 'gC2vRy6KdTzM8wQhLp4XsNb7GfJ3',
        members: ['rosa@acme.example'],
        scimSynced: true,
      },
    ],
    keys: [
      {
        name: 'Provisioning',
        owner: 'it-admin@acme.example',
        scopes: [
          'user_read',
          'workspace_read',
          'workspace_write',
          'workspace_members_read',
          'workspace_members_invite',
          'group_members_manage',
        ],
        key: 'sk_sandbox_0f4b8d6e2a917c35',
        keyId: 'kP8sXq2LmVtZ5yRwNc7B',
      },
    ],
    resources: [
      { type: 'convai_agents', id: 'agSupportLine01Qm4Xz', name: 'Support line', creator: 'grace@acme.example' },
      { type: 'voice', id: '4ZUqyldxf71HqUbcP2Lc', name: 'Brand voice', creator: 'mae@acme.example' },
      {
        type: 'pronunciation_dictionary',
        id: 'pdProductNames7Kx2Lw',
        name: 'Product names',
        creator: 'ada@acme.example',
      },
    ],
  };
}
