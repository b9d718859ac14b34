/** Shapes that identity providers send against the letter of the specifications, each by itself. */
import { ENTERPRISE, filter, patch, type AnyJson, type Check, type Feature, type ServerUnderTest } from './check.js';

const of = (idp: string, requirement: string, run: Check['run'], needs: readonly Feature[] = ['patch']): Check => ({
  ...{ group: 'dialect', section: idp, requirement, run, needs },
});

async function after(t: ServerUnderTest, path: string, ...operations: readonly object[]): Promise<AnyJson> {
  await t.ask('PATCH', path, [200, 204], patch(...operations));
  return (await t.ask('GET', path, 200)).json;
}
const at = (resource: AnyJson): string =>
  `/${resource.meta?.resourceType === 'Group' ? 'Groups' : 'Users'}/${String(resource.id)}`;
const members = (group: AnyJson): string[] => (group.members ?? []).map((one: AnyJson) => one.value as string).sort();

export const DIALECT_CHECKS: readonly Check[] = [
  of(
    'Entra ID',
    'a look-up with + for spaces finds nobody: 200 and 0',
    async (t) => {
      const { json } = await t.ask('GET', `/Users?filter=userName+eq+%22${encodeURIComponent(t.unique())}%22`, 200);
      t.equal(json?.totalResults, 0, 'totalResults');
    },
    ['filter'],
  ),
  of('Entra ID', 'capitalised verbs, and active as the string "False"', async (t) => {
    const user = await t.user();
    t.equal((await after(t, at(user), { op: 'Replace', path: 'active', value: 'False' })).active, false, 'active');
    t.equal((await after(t, at(user), { op: 'Replace', path: 'active', value: 'True' })).active, true, 'active');
  }),
  of(
    'Entra ID',
    'a disabled user is still found',
    async (t) => {
      const user = await t.user({ active: false });
      const { json } = await t.ask('GET', `/Users?${filter(`userName eq "${String(user.userName)}"`)}`, 200);
      t.equal([json.totalResults, json.Resources?.[0]?.active], [1, false], 'totalResults and active');
    },
    ['filter'],
  ),
  of('Entra ID', 'Add and Replace through a filter make the element, consecutive ones join it', async (t) => {
    for (const op of ['Add', 'Replace']) {
      const user = await t.user();
      const made = await after(
        t,
        at(user),
        { op, path: 'addresses[type eq "work"].country', value: 'FR' },
        { op, path: 'addresses[type eq "work"].locality', value: 'Lyon' },
        { op, path: 'phoneNumbers[type eq "mobile"].value', value: '7' },
      );
      t.equal(
        [
          made.addresses?.length,
          made.addresses?.[0]?.country,
          made.addresses?.[0]?.locality,
          made.phoneNumbers?.[0]?.value,
        ],
        [1, 'FR', 'Lyon', '7'],
        'addresses and phoneNumbers',
      );
    }
  }),
  of('Entra ID', 'the app role: roles[primary eq "True"].value', async (t) => {
    const made = await after(t, at(await t.user()), {
      op: 'Add',
      path: 'roles[primary eq "True"].value',
      value: 'Reader',
    });
    t.equal([made.roles?.[0]?.value, made.roles?.[0]?.primary], ['Reader', true], 'roles[0]');
  }),
  of(
    'Entra ID',
    'a manager as a bare string is answered as an object',
    async (t) => {
      const [user, manager] = [await t.user(), await t.user()];
      const made = await after(t, at(user), { op: 'Add', path: `${ENTERPRISE}:manager`, value: manager.id });
      t.equal(made[ENTERPRISE]?.manager?.value, manager.id, 'manager.value');
    },
    ['patch', 'enterprise'],
  ),
  of(
    'Entra ID',
    'keys that are paths and URNs, in one replace without a path (aadOptscim062020)',
    async (t) => {
      const value = { displayName: 'D', 'name.givenName': 'G', [`${ENTERPRISE}:department`]: 'Dep' };
      const made = await after(t, at(await t.user()), { op: 'replace', value });
      t.equal(
        [made.displayName, made.name?.givenName, made[ENTERPRISE]?.department],
        ['D', 'G', 'Dep'],
        'displayName, givenName, department',
      );
    },
    ['patch', 'enterprise'],
  ),
  of('Entra ID', '"" and null clear an attribute', async (t) => {
    for (const value of ['', null])
      t.equal(
        (await after(t, at(await t.user({ title: 'T' })), { op: 'Replace', path: 'title', value })).title,
        undefined,
        'title',
      );
  }),
  of(
    'Entra ID',
    'Remove of members with a value list removes only those',
    async (t) => {
      const [a, b] = [await t.user(), await t.user()];
      const group = await t.group({ members: [{ value: a.id }, { value: b.id }] });
      const left = await after(t, at(group), { op: 'Remove', path: 'members', value: [{ value: a.id }] });
      t.equal(members(left), [b.id], 'members');
    },
    ['patch', 'groups'],
  ),
  of(
    'Entra ID',
    'the check of a reference: id eq and members eq',
    async (t) => {
      const user = await t.user();
      const group = await t.group({ members: [{ value: user.id }] });
      const text = `id eq "${String(group.id)}" and members eq "${String(user.id)}"`;
      t.equal(
        (await t.ask('GET', `/Groups?${filter(text, '&attributes=id')}`, 200)).json.totalResults,
        1,
        'totalResults',
      );
    },
    ['filter', 'groups'],
  ),
  of(
    'Okta',
    'paging numbers are integers, and itemsPerPage is what came',
    async (t) => {
      const { json } = await t.ask('GET', '/Users?startIndex=1&count=2', 200);
      for (const name of ['totalResults', 'startIndex', 'itemsPerPage'])
        t.holds(Number.isInteger(json?.[name]), `${name} is no integer`);
      t.equal(json.itemsPerPage, json.Resources?.length ?? 0, 'itemsPerPage');
    },
    [],
  ),
  of('Okta', 'deactivation without a path: {"op":"replace","value":{"active":false}}', async (t) => {
    t.equal((await after(t, at(await t.user()), { op: 'replace', value: { active: false } })).active, false, 'active');
  }),
  of(
    'Okta',
    'a user that was read is put back with changes, password and groups included',
    async (t) => {
      const user = await t.user();
      const { json } = await t.ask('PUT', at(user), 200, {
        body: { ...user, displayName: 'New', password: 'Unused-1', groups: [] },
      });
      t.equal([json.displayName, json.password], ['New', undefined], 'displayName and password');
    },
    [],
  ),
  of(
    'Okta',
    'a rename of a group with its id keeps the members',
    async (t) => {
      const user = await t.user();
      const group = await t.group({ members: [{ value: user.id }] });
      const displayName = t.unique();
      const renamed = await after(t, at(group), { op: 'replace', value: { id: group.id, displayName } });
      t.equal([renamed.displayName, members(renamed)], [displayName, [user.id]], 'displayName and members');
    },
    ['patch', 'groups'],
  ),
  of(
    'Okta',
    'Push now: members replaced by a whole list, also an empty one',
    async (t) => {
      const [a, b] = [await t.user(), await t.user()];
      const group = await t.group({ members: [{ value: a.id }] });
      t.equal(
        members(await after(t, at(group), { op: 'replace', path: 'members', value: [{ value: b.id }] })),
        [b.id],
        'members',
      );
      t.equal(members(await after(t, at(group), { op: 'replace', path: 'members', value: [] })), [], 'members');
    },
    ['patch', 'groups'],
  ),
  of(
    'JumpCloud',
    'a member is removed by a value without a filter',
    async (t) => {
      const user = await t.user();
      const group = await t.group({ members: [{ value: user.id }] });
      t.equal(
        members(await after(t, at(group), { op: 'remove', path: 'members', value: [{ value: user.id }] })),
        [],
        'members',
      );
    },
    ['patch', 'groups'],
  ),
  of(
    'OneLogin',
    'empty strings of a template are unassigned',
    async (t) => {
      const user = await t.user({ title: '', phoneNumbers: [{ value: '', type: 'work' }] });
      t.holds(user.title === undefined && user.phoneNumbers === undefined, 'an empty string is stored');
    },
    [],
  ),
];
