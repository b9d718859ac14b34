/** The people and groups of the bench: the n-th is always the same, so that no process has to ask another who there is. */
import { createHash } from 'node:crypto';

export const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';

/** Spread like random ids, which is what an index has to live with. */
function uuid(text) {
  const hex = createHash('md5').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

export const userId = (n) => uuid(`user ${n}`);
export const groupId = (size) => uuid(`group ${size}`);
export const userName = (n) => `Person.${n}@corp.example`;
export const externalId = (n) => `ext-${n}`;
export const DOMAIN = 'mail.example';
export const email = (n) => `person.${n}@${DOMAIN}`;

/** What Entra sends for a person, less what nobody maps. Inactive: a seat nobody asked for costs no call. */
export function userDocument(n, changes = {}) {
  return {
    schemas: [USER, ENTERPRISE],
    userName: userName(n),
    externalId: externalId(n),
    displayName: `Person ${n}`,
    name: { givenName: 'Person', familyName: `Number ${n}` },
    emails: [{ value: email(n), type: 'work', primary: true }],
    title: 'Engineer',
    preferredLanguage: 'en',
    active: false,
    [ENTERPRISE]: { employeeNumber: String(n), department: `Department ${n % 20}` },
    ...changes,
  };
}

/** A group of the first `size` people. */
export const groupDocument = (size) => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
  displayName: `Group of ${size}`,
  externalId: `group-${size}`,
});

export const memberAddress = (n) => `member.${n}@corp.example`;

/** A workspace for `npm run bench`: room for everybody, and as many members and groups as asked for. */
export function workspaceSeed(members, groups) {
  const perGroup = groups === 0 ? 0 : Math.floor(members / groups);
  return {
    tier: 'enterprise',
    seatLimits: { full: 1_000_000, basic: 1_000_000 },
    members: [
      { email: 'owner@workspace.example', firstName: 'Olivia', owner: true },
      ...Array.from({ length: members }, (_, n) => ({ email: memberAddress(n), firstName: `Member ${n}` })),
    ],
    groups: Array.from({ length: groups }, (_, g) => ({
      name: `Team ${g}`,
      members: Array.from({ length: perGroup }, (_, k) => memberAddress(g * perGroup + k)),
    })),
  };
}
