/**
 * What Entra ID and Okta send when a connection is tested and in a first cycle, in their own
 * dialects: docs/idp-behaviour of either, and the recorded exchanges in test/fixtures/idp.
 */
import type { Answer, Ask, Body, Probe } from './selfcheck-probe.js';

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error';

/** Names of throw-away objects: nobody's, and told apart from those of every other run. */
export interface Names {
  /** An address of a domain that receives no mail. */
  readonly user: string;
  readonly group: string;
  readonly externalId: string;
}

type Steps = (probe: Probe, names: Names) => Promise<void>;

const patch = (...operations: readonly object[]): object => ({ schemas: [PATCH], Operations: operations });
const query = (filter: string): string => `filter=${encodeURIComponent(filter)}`;

const total =
  (count: number) =>
  ({ body }: Answer): string | null =>
    body?.['totalResults'] === count ? null : `totalResults is ${String(body?.['totalResults'])}, not ${String(count)}`;

const has =
  (path: string, expected: unknown) =>
  ({ body }: Answer): string | null => {
    const found = path.split('.').reduce<unknown>((value, key) => (isRecord(value) ? value[key] : undefined), body);
    return found === expected
      ? null
      : `${path} is ${found === undefined ? 'absent' : JSON.stringify(found)}, not ${JSON.stringify(expected)}`;
  };

const members =
  (...ids: readonly string[]) =>
  ({ body }: Answer): string | null => {
    const list = Array.isArray(body?.['members']) ? (body['members'] as readonly unknown[]) : [];
    const found = list.map((member) => (isRecord(member) ? member['value'] : null));
    const isSame = found.length === ids.length && ids.every((id) => found.includes(id));
    return isSame ? null : `the members are ${JSON.stringify(found)}, not ${JSON.stringify(ids)}`;
  };

const all =
  (...judges: readonly ((answer: Answer) => string | null)[]) =>
  (answer: Answer): string | null =>
    judges.map((judge) => judge(answer)).find((problem) => problem !== null) ?? null;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const created = (answer: Answer): string | null =>
  idOf(answer.body) === '' ? 'the answer has no id' : answer.location === null ? 'the answer has no Location' : null;

const scimError = ({ body }: Answer): string | null => {
  const schemas = body?.['schemas'];
  return Array.isArray(schemas) && schemas.includes(ERROR) ? null : 'the error is no SCIM error';
};

const idOf = (body: Body): string => (typeof body?.['id'] === 'string' ? body['id'] : '');

/** Entra ID: filters with `+`, capitalised verbs, booleans as strings, membership by value list. */
export const entra: Steps = async (probe, { user, group, externalId }) => {
  const ask = (one: Ask): Promise<Answer> => probe.ask('Entra ID', one);
  const byName = `/Users?${query(`userName eq "${user}"`)}`;
  await ask({ step: 'test connection', method: 'GET', path: byName, status: [200], judge: total(0) });
  await ask({
    step: 'wrong token',
    method: 'GET',
    path: byName,
    status: [401],
    judge: scimError,
    token: 'not-a-token',
  });
  await ask({ step: 'read schemas', method: 'GET', path: '/Schemas', status: [200] });
  const document = {
    schemas: [USER, ENTERPRISE],
    externalId,
    userName: user,
    active: true,
    displayName: 'Self Check',
    emails: [{ primary: true, type: 'work', value: user }],
    meta: { resourceType: 'User' },
    name: { formatted: 'Self Check', familyName: 'Check', givenName: 'Self' },
  };
  const made = await ask({
    step: 'create user',
    method: 'POST',
    path: '/Users',
    body: document,
    status: [201],
    judge: created,
  });
  const id = idOf(made.body);
  if (id === '') return;
  const path = `/Users/${id}`;
  let groupId = '';
  try {
    await ask({ step: 'match user', method: 'GET', path: byName, status: [200], judge: total(1) });
    await ask({
      step: 'create again',
      method: 'POST',
      path: '/Users',
      body: document,
      status: [409],
      judge: scimError,
    });
    const update = patch(
      { op: 'Replace', path: 'displayName', value: 'Self Check II' },
      { op: 'Replace', path: `${ENTERPRISE}:department`, value: 'Checks' },
      { op: 'Add', path: 'phoneNumbers[type eq "mobile"].value', value: '+1 555 0100' },
    );
    await ask({ step: 'update user', method: 'PATCH', path, body: update, status: [200, 204] });
    await ask({ step: 'read user', method: 'GET', path, status: [200], judge: has('displayName', 'Self Check II') });
    const groupDocument = {
      schemas: [GROUP],
      externalId: `${externalId}-group`,
      displayName: group,
      meta: { resourceType: 'Group' },
    };
    const madeGroup = await ask({
      step: 'create group',
      method: 'POST',
      path: '/Groups',
      body: groupDocument,
      status: [201],
      judge: created,
    });
    groupId = idOf(madeGroup.body);
    if (groupId !== '') await entraMembers(ask, `/Groups/${groupId}`, groupId, id);
    const active = (value: string): object => patch({ op: 'Replace', path: 'active', value });
    await ask({ step: 'disable user', method: 'PATCH', path, body: active('False'), status: [200, 204] });
    await ask({ step: 'find disabled user', method: 'GET', path: byName, status: [200], judge: total(1) });
    await ask({ step: 'restore user', method: 'PATCH', path, body: active('True'), status: [200, 204] });
    await ask({ step: 'read restored user', method: 'GET', path, status: [200], judge: has('active', true) });
  } finally {
    if (groupId !== '')
      await ask({ step: 'delete group', method: 'DELETE', path: `/Groups/${groupId}`, status: [204] });
    await ask({ step: 'delete user', method: 'DELETE', path, status: [204] });
  }
  await ask({ step: 'read deleted user', method: 'GET', path, status: [404], judge: scimError });
};

async function entraMembers(
  ask: (one: Ask) => Promise<Answer>,
  path: string,
  groupId: string,
  id: string,
): Promise<void> {
  const change = (op: string): object => patch({ op, path: 'members', value: [{ $ref: null, value: id }] });
  const lookUp = `/Groups?attributes=id&${query(`id eq "${groupId}" and members eq "${id}"`)}`;
  await ask({ step: 'add member', method: 'PATCH', path, body: change('Add'), status: [200, 204] });
  await ask({ step: 'verify member', method: 'GET', path: lookUp, status: [200], judge: total(1) });
  await ask({
    step: 'read group',
    method: 'GET',
    path: `${path}?excludedAttributes=members`,
    status: [200],
    judge: has('members', undefined),
  });
  await ask({ step: 'remove member', method: 'PATCH', path, body: change('Remove'), status: [200, 204] });
  await ask({ step: 'verify removal', method: 'GET', path: lookUp, status: [200], judge: total(0) });
}

/** Okta: paging parameters, a password with each user, PUT for updates, PATCH without a path, group push. */
export const okta: Steps = async (probe, { user, group, externalId }) => {
  const ask = (one: Ask): Promise<Answer> => probe.ask('Okta', one);
  const byName = `/Users?${query(`userName eq "${user}"`)}&startIndex=1&count=100`;
  await ask({
    step: 'test connection',
    method: 'GET',
    path: '/Users?startIndex=1&count=2',
    status: [200],
    judge: pageOf(2),
  });
  await ask({
    step: 'test connection',
    method: 'GET',
    path: '/Groups?startIndex=1&count=100',
    status: [200],
    judge: pageOf(100),
  });
  await ask({ step: 'look up user', method: 'GET', path: byName, status: [200], judge: total(0) });
  const document = {
    schemas: [USER],
    userName: user,
    name: { givenName: 'Self', familyName: 'Check' },
    emails: [{ primary: true, value: user, type: 'work' }],
    displayName: 'Self Check',
    locale: 'en-US',
    externalId,
    groups: [],
    password: 'never-stored-1A',
    active: true,
  };
  const judgeUser = all(created, has('password', undefined));
  const made = await ask({
    step: 'create user',
    method: 'POST',
    path: '/Users',
    body: document,
    status: [201],
    judge: judgeUser,
  });
  const id = idOf(made.body);
  if (id === '') return;
  const path = `/Users/${id}`;
  let groupId = '';
  try {
    const renamed = { ...document, id, displayName: 'Self Check II' };
    await ask({
      step: 'update user',
      method: 'PUT',
      path,
      body: renamed,
      status: [200],
      judge: has('displayName', 'Self Check II'),
    });
    const pushed = { schemas: [GROUP], displayName: group, members: [] };
    const madeGroup = await ask({
      step: 'push group',
      method: 'POST',
      path: '/Groups',
      body: pushed,
      status: [201],
      judge: created,
    });
    groupId = idOf(madeGroup.body);
    if (groupId !== '') await oktaMembers(ask, `/Groups/${groupId}`, groupId, group, id);
    const active = (value: boolean): object => patch({ op: 'replace', value: { active: value } });
    await ask({ step: 'deactivate user', method: 'PATCH', path, body: active(false), status: [200, 204] });
    await ask({ step: 'find inactive user', method: 'GET', path: byName, status: [200], judge: total(1) });
    await ask({ step: 'reactivate user', method: 'PATCH', path, body: active(true), status: [200, 204] });
    await ask({ step: 'read user', method: 'GET', path, status: [200], judge: has('active', true) });
  } finally {
    if (groupId !== '')
      await ask({ step: 'unlink group', method: 'DELETE', path: `/Groups/${groupId}`, status: [204] });
    await ask({ step: 'clean up', method: 'DELETE', path, status: [204] });
  }
};

async function oktaMembers(
  ask: (one: Ask) => Promise<Answer>,
  path: string,
  groupId: string,
  name: string,
  id: string,
): Promise<void> {
  const naming = { op: 'replace', value: { id: groupId, displayName: name } };
  const add = patch(naming, { op: 'add', path: 'members', value: [{ value: id, display: 'Self Check' }] });
  const remove = patch({ op: 'remove', path: `members[value eq "${id}"]` });
  const replace = patch({ op: 'replace', path: 'members', value: [{ value: id, display: 'Self Check' }] });
  await ask({ step: 'push members', method: 'PATCH', path, body: add, status: [200, 204] });
  await ask({ step: 'read group', method: 'GET', path, status: [200], judge: members(id) });
  await ask({ step: 'remove member', method: 'PATCH', path, body: remove, status: [200, 204] });
  await ask({ step: 'read group', method: 'GET', path, status: [200], judge: members() });
  await ask({ step: 'push now', method: 'PATCH', path, body: replace, status: [200, 204] });
  await ask({ step: 'read group', method: 'GET', path, status: [200], judge: members(id) });
}

/** Okta adds its own page size to startIndex, so a page must hold what it asked for, counted in numbers. */
const pageOf =
  (count: number) =>
  ({ body }: Answer): string | null => {
    const sum = body?.['totalResults'];
    const items = body?.['itemsPerPage'];
    if (typeof sum !== 'number' || typeof items !== 'number') return 'totalResults or itemsPerPage is no number';
    return items === Math.min(count, sum)
      ? null
      : `${String(items)} items of ${String(sum)} on a page of ${String(count)}`;
  };
