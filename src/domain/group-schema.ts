/** Group: the core schema (RFC 7643 4.2) and the bridge's own extension (docs/design.md). */
import { attribute } from './attribute.js';
import { BRIDGE_GROUP, CORE_GROUP, type ResourceType, type Schema } from './schema.js';
import { SEAT_TYPES, SHARE_ROLES } from './types.js';

const coreGroup: Schema = {
  id: CORE_GROUP,
  name: 'Group',
  description: 'Group',
  attributes: [
    attribute('displayName', 'string', 'Unique name of the group, compared without regard to case.', {
      required: true,
      uniqueness: 'server',
    }),
    attribute('members', 'complex', 'Users who belong to the group. Groups cannot: ElevenLabs has no nested groups.', {
      multiValued: true,
      subAttributes: [
        attribute('value', 'string', 'Id of the User.', { caseExact: true, mutability: 'immutable' }),
        attribute('$ref', 'reference', 'URI of the User.', { referenceTypes: ['User'], mutability: 'immutable' }),
        attribute('type', 'string', 'Type of the member: always "User".', {
          canonicalValues: ['User'],
          mutability: 'immutable',
        }),
        attribute('display', 'string', 'Name of the User.', { mutability: 'readOnly' }),
      ],
    }),
  ],
};

const bridge: Schema = {
  id: BRIDGE_GROUP,
  name: 'ElevenLabsGroup',
  description: 'What the group means in the ElevenLabs workspace',
  attributes: [
    attribute('groupId', 'string', 'Id of the workspace group to which this group is linked.', { caseExact: true }),
    attribute('seatType', 'string', 'Seat given to the members of the group.', {
      canonicalValues: SEAT_TYPES,
      closed: true,
    }),
    attribute('shares', 'complex', 'Resources of the workspace shared with the group.', {
      multiValued: true,
      subAttributes: [
        attribute('resourceType', 'string', 'Type of the resource, as "convai_agents".', {
          required: true,
          caseExact: true,
        }),
        attribute('resourceId', 'string', 'Id of the resource.', { required: true, caseExact: true }),
        attribute('role', 'string', 'What the members may do with it.', {
          required: true,
          canonicalValues: SHARE_ROLES,
          closed: true,
        }),
      ],
    }),
    attribute('linkStatus', 'string', 'How the group is linked to a workspace group.', {
      mutability: 'readOnly',
      caseExact: true,
      canonicalValues: ['linked', 'unlinked', 'ambiguous', 'readOnly'],
      closed: true,
    }),
    attribute('lastError', 'string', 'What of the last removal of members was not applied, and why.', {
      mutability: 'readOnly',
    }),
  ],
};

export const GROUP: ResourceType = {
  name: 'Group',
  endpoint: '/Groups',
  description: 'Group',
  core: coreGroup,
  extensions: [bridge],
};
