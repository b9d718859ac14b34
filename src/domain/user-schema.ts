/**
 * User: the core schema (RFC 7643 4.1), the enterprise extension (4.3) and the bridge's own
 * extension (docs/design.md). The tables tell the truth: where the bridge is stricter than the
 * RFC's example representation (readOnly `$ref`s that it computes, case-exact entitlements), they
 * say so.
 */
import { attribute, elementParts, readOnly } from './attribute.js';
import { BRIDGE_USER, CORE_USER, ENTERPRISE_USER, type ResourceType, type Schema } from './schema.js';
import { SEAT_TYPES } from './types.js';

const name = attribute('name', 'complex', 'The parts of the name.', {
  subAttributes: [
    attribute('formatted', 'string', 'The full name, formatted for display.'),
    attribute('familyName', 'string', 'The family name, or last name.'),
    attribute('givenName', 'string', 'The given name, or first name.'),
    attribute('middleName', 'string', 'The middle name or names.'),
    attribute('honorificPrefix', 'string', 'The title before the name, as "Ms.".'),
    attribute('honorificSuffix', 'string', 'The suffix after the name, as "III".'),
  ],
});

const addresses = attribute('addresses', 'complex', 'Physical mailing addresses.', {
  multiValued: true,
  subAttributes: [
    attribute('formatted', 'string', 'The full address, formatted for display.'),
    attribute('streetAddress', 'string', 'Street, house number, post office box.'),
    attribute('locality', 'string', 'City or locality.'),
    attribute('region', 'string', 'State or region.'),
    attribute('postalCode', 'string', 'Zip or postal code.'),
    attribute('country', 'string', 'Country, preferably as ISO 3166-1 alpha-2.'),
    attribute('type', 'string', 'What the address is used for.', { canonicalValues: ['work', 'home', 'other'] }),
    attribute('primary', 'boolean', 'Whether this is the preferred address. At most one is.'),
  ],
});

const groups = readOnly(
  attribute('groups', 'complex', 'Groups to which the user belongs directly. Changed through the groups.', {
    multiValued: true,
    subAttributes: [
      attribute('value', 'string', 'Id of the group.', { caseExact: true }),
      attribute('$ref', 'reference', 'URI of the group.', { referenceTypes: ['Group'] }),
      attribute('display', 'string', 'Name of the group.'),
      attribute('type', 'string', 'How the user belongs to it: always "direct".', { canonicalValues: ['direct'] }),
    ],
  }),
);

const coreUser: Schema = {
  id: CORE_USER,
  name: 'User',
  description: 'User Account',
  attributes: [
    attribute('userName', 'string', 'Unique name of the user, compared without regard to case.', {
      required: true,
      uniqueness: 'server',
    }),
    name,
    attribute('displayName', 'string', 'Name of the user for display.'),
    attribute('nickName', 'string', 'Casual name.'),
    attribute('profileUrl', 'reference', 'URL of a profile page.', { referenceTypes: ['external'] }),
    attribute('title', 'string', 'Job title.'),
    attribute('userType', 'string', 'Relation to the organization, as "Employee".'),
    attribute('preferredLanguage', 'string', 'Preferred language, as in Accept-Language.'),
    attribute('locale', 'string', 'Locale for dates, numbers and currency, as "en-US".'),
    attribute('timezone', 'string', 'IANA time zone, as "America/Los_Angeles".'),
    attribute('active', 'boolean', 'Whether the user has access to the workspace. True when not said at creation.', {
      // Every user has it and it cannot be removed; a POST without it means true.
      required: true,
    }),
    attribute('password', 'string', 'Accepted and dropped: ElevenLabs takes no passwords through provisioning.', {
      mutability: 'writeOnly',
      returned: 'never',
      caseExact: true,
    }),
    attribute(
      'emails',
      'complex',
      'E-mail addresses. The primary one, else the one of type "work", is invited to the workspace.',
      {
        multiValued: true,
        subAttributes: elementParts(
          'address',
          attribute('value', 'string', 'The address. The one that is invited is unique among all users.', {
            uniqueness: 'server',
          }),
          ['work', 'home', 'other'],
        ),
      },
    ),
    attribute('phoneNumbers', 'complex', 'Phone numbers.', {
      multiValued: true,
      subAttributes: elementParts('number', attribute('value', 'string', 'The phone number, kept as it was sent.'), [
        'work',
        'home',
        'mobile',
        'fax',
        'pager',
        'other',
      ]),
    }),
    attribute('ims', 'complex', 'Instant messaging addresses.', {
      multiValued: true,
      subAttributes: elementParts('address', attribute('value', 'string', 'The instant messaging address.'), [
        'aim',
        'gtalk',
        'icq',
        'xmpp',
        'msn',
        'skype',
        'qq',
        'yahoo',
      ]),
    }),
    attribute('photos', 'complex', 'URLs of photos.', {
      multiValued: true,
      subAttributes: elementParts(
        'photo',
        attribute('value', 'reference', 'URL of the photo.', { referenceTypes: ['external'] }),
        ['photo', 'thumbnail'],
      ),
    }),
    addresses,
    groups,
    attribute('entitlements', 'complex', 'Resources of the workspace shared with the user.', {
      multiValued: true,
      subAttributes: elementParts(
        'entitlement',
        // Ids of resources differ by case alone, so this is case-exact although the RFC's table is not.
        attribute('value', 'string', 'resourceType:resourceId:role, role being viewer, commenter, editor or admin.', {
          caseExact: true,
        }),
      ),
    }),
    attribute('roles', 'complex', 'Roles, mapped to a seat type of the workspace.', {
      multiValued: true,
      subAttributes: elementParts('role', attribute('value', 'string', 'Name of the role.')),
    }),
    attribute('x509Certificates', 'complex', 'Certificates issued to the user.', {
      multiValued: true,
      subAttributes: elementParts('certificate', attribute('value', 'binary', 'The certificate: DER, base64.')),
    }),
  ],
};

const enterprise: Schema = {
  id: ENTERPRISE_USER,
  name: 'EnterpriseUser',
  description: 'Enterprise User',
  attributes: [
    attribute('employeeNumber', 'string', 'Identifier given by the organization.'),
    attribute('costCenter', 'string', 'Name of a cost center.'),
    attribute('organization', 'string', 'Name of an organization.'),
    attribute('division', 'string', 'Name of a division.'),
    attribute('department', 'string', 'Name of a department.'),
    attribute('manager', 'complex', 'The manager of the user.', {
      subAttributes: [
        attribute('value', 'string', 'Id of the User who is the manager.', { caseExact: true }),
        attribute('$ref', 'reference', 'URI of the manager, made from `value`.', {
          referenceTypes: ['User'],
          mutability: 'readOnly',
        }),
        attribute('displayName', 'string', 'Display name of the manager, read from that User.', {
          mutability: 'readOnly',
        }),
      ],
    }),
  ],
};

const bridge: Schema = {
  id: BRIDGE_USER,
  name: 'ElevenLabsUser',
  description: 'What the bridge wants for and knows of the user in the ElevenLabs workspace',
  attributes: [
    attribute('seatType', 'string', 'Seat in the workspace. Goes before roles and seats given by groups.', {
      canonicalValues: SEAT_TYPES,
      closed: true,
    }),
    attribute('usageLimit', 'integer', 'Credits per month, 0 or more; used at the invitation.'),
    attribute('status', 'string', 'What the workspace makes of the user.', {
      mutability: 'readOnly',
      caseExact: true,
      canonicalValues: [
        'none',
        'invitePending',
        'invited',
        'member',
        'locked',
        'held',
        'failed',
        'removed',
        'protected',
      ],
      closed: true,
    }),
    attribute('memberId', 'string', 'Id of the workspace member, once the invitation was accepted.', {
      mutability: 'readOnly',
      caseExact: true,
    }),
    attribute('origin', 'string', 'Who brought the user: the identity provider, or the workspace (adopted).', {
      mutability: 'readOnly',
      caseExact: true,
      canonicalValues: ['idp', 'adopted'],
      closed: true,
    }),
    attribute('invitedAt', 'dateTime', 'When the last invitation was sent.', { mutability: 'readOnly' }),
    attribute('acceptedAt', 'dateTime', 'When the invitation was seen to be accepted.', { mutability: 'readOnly' }),
    attribute('pendingChanges', 'integer', 'Changes to the workspace that are still to be made.', {
      mutability: 'readOnly',
    }),
    attribute('lastError', 'string', 'Why the last change failed.', { mutability: 'readOnly' }),
  ],
};

export const USER: ResourceType = {
  name: 'User',
  endpoint: '/Users',
  description: 'User Account',
  core: coreUser,
  extensions: [enterprise, bridge],
};
