/**
 * deploy/idp: whatever the files map exists at the bridge and can be written, and whatever the recorded
 * requests of an IdP carry is mapped, or there is a reason why not.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestBridge, type TestBridge } from '../support/bridge.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): unknown => JSON.parse(readFileSync(path.join(root, file), 'utf8'));

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const CORE_USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const CORE_GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';

interface Mapping {
  readonly targetAttributeName: string;
  readonly matchingPriority: number;
}
interface EntraSchema {
  readonly synchronizationRules: readonly {
    readonly objectMappings: readonly {
      readonly sourceObjectName: string;
      readonly attributeMappings: readonly Mapping[];
    }[];
  }[];
}
const entra = read('deploy/idp/entra-synchronization-schema.json') as EntraSchema;
const entraTargets = (object: string): readonly Mapping[] =>
  entra.synchronizationRules[0]?.objectMappings.find(({ sourceObjectName }) => sourceObjectName === object)
    ?.attributeMappings ?? [];

interface OktaProperty {
  readonly externalName: string;
  readonly externalNamespace: string;
  readonly enum?: readonly string[];
}
const oktaProfile = (
  read('deploy/idp/okta-app-profile.json') as { definitions: { custom: { properties: Record<string, OktaProperty> } } }
).definitions.custom.properties;
const oktaMapping = (
  read('deploy/idp/okta-profile-mapping.json') as { properties: Record<string, { expression: string }> }
).properties;

/** A path as `emails.value`: without filters, brackets, the core URN, and with a dot behind the URN of an extension. */
const plain = (name: string): string =>
  name
    .replace(`${CORE_USER}:`, '')
    .replace(/\.?\^?\[[^\]]*\]/g, '')
    .replace(/(2\.0:User)[:.](?=\w)/, '$1|');

interface ServedAttribute {
  readonly name: string;
  readonly mutability: string;
  readonly canonicalValues?: readonly string[];
  readonly subAttributes?: readonly ServedAttribute[];
}
let bridge: TestBridge;
const served = new Map<string, readonly ServedAttribute[]>();
beforeAll(async () => {
  bridge = await startTestBridge();
  for (const { id, attributes } of (await bridge.scim('GET', '/Schemas')).body.Resources) served.set(id, attributes);
});
afterAll(() => bridge.close());

/** The attribute of a path in /Schemas. `externalId` belongs to every resource without being listed (RFC 7643 3.1). */
function find(schema: string, name: string): ServedAttribute | undefined {
  if (name === 'externalId') return { name, mutability: 'readWrite' };
  const [urn, rest = ''] = name.includes('|') ? name.split('|') : [schema, name];
  const [first, second] = rest.split('.');
  const attribute = served.get(urn ?? '')?.find((each) => each.name === first);
  return second === undefined ? attribute : attribute?.subAttributes?.find((each) => each.name === second);
}

/** Paths that the requests of an IdP carry, plain, by collection. */
function sentBy(idp: string): ReadonlyMap<string, ReadonlySet<string>> {
  const sent = new Map([
    ['Users', new Set<string>()],
    ['Groups', new Set<string>()],
  ]);
  const folder = path.join(root, 'src/conformance/transcripts');
  for (const file of readdirSync(folder).filter((name) => name.startsWith(`${idp}-`))) {
    const { steps } = read(`src/conformance/transcripts/${file}`) as {
      steps: { method: string; path: string; body?: { Operations?: { path?: string; value?: unknown }[] } }[];
    };
    for (const { path: at, body, method } of steps) {
      if (body === undefined || method === 'GET') continue;
      const paths = sent.get(at.split(/[/?]/)[1] ?? '');
      if (body.Operations === undefined) leaves(body).forEach((leaf) => paths?.add(plain(leaf)));
      for (const { path: target, value } of body.Operations ?? [])
        (target === undefined ? leaves(value) : [target]).forEach((leaf) => paths?.add(plain(leaf)));
    }
  }
  return sent;
}

function leaves(value: unknown, prefix = ''): readonly string[] {
  if (Array.isArray(value)) return value.length === 0 ? [prefix] : value.flatMap((item) => leaves(item, prefix));
  if (typeof value !== 'object' || value === null) return [prefix];
  return Object.entries(value).flatMap(([key, part]) => leaves(part, prefix === '' ? key : `${prefix}.${key}`));
}

/** Sent, and not mapped: why. */
const ARGUED: Readonly<Record<string, string>> = {
  schemas: 'the IdP writes it itself',
  'meta.resourceType': 'the IdP writes it itself',
  groups: 'read-only: groups are changed through /Groups',
  id: 'the IdP repeats the id that the bridge gave',
  userName: 'Okta sets the user name on the page Sign On',
  active: 'Okta sends it by itself',
  externalId: 'Okta sends it by itself',
  password: 'dropped by the bridge: never worth sending',
  'name.formatted': 'made of the parts; nothing depends on it',
  nickName: 'not proposed by Entra; stored if mapped',
  locale: 'not proposed by Entra; stored if mapped',
  department: 'sent without its URN by a mistake that the bridge answers',
  manager: 'sent without its URN by a mistake that the bridge answers',
  [`${ENTERPRISE}|costCenter`]: 'not proposed by Entra; stored if mapped',
  addresses: 'sent whole and empty; its parts are mapped',
  phoneNumbers: 'sent whole and empty; its parts are mapped',
  roles: 'a row of the administrator: docs/entra.md, seats by app roles',
  members: 'Okta pushes groups with name and members, without a mapping',
  displayName: 'Okta pushes groups with name and members, without a mapping',
};
const isArgued = (name: string): boolean =>
  name in ARGUED || /\.(type|primary|display)$/.test(name) || name.startsWith('roles.') || name.startsWith('members.');

describe('the mappings for Entra ID', () => {
  it.each([
    ['User', CORE_USER],
    ['Group', CORE_GROUP],
  ])('of a %s name attributes that the bridge serves and that can be written', (object, schema) => {
    const targets = entraTargets(object).map(({ targetAttributeName }) => targetAttributeName);
    expect(targets.length).toBeGreaterThan(2);
    expect(new Set(targets).size).toBe(targets.length);
    for (const target of targets)
      expect([target, find(schema, plain(target))?.mutability]).toEqual([target, 'readWrite']);
  });

  it('match by one key: user name, and display name of a group', () => {
    const keys = (object: string) =>
      entraTargets(object).flatMap(({ matchingPriority, targetAttributeName }) =>
        matchingPriority > 0 ? [targetAttributeName] : [],
      );
    expect([keys('User'), keys('Group')]).toEqual([['userName'], ['displayName']]);
  });

  it('cover what Entra sends', () => {
    for (const [object, collection] of [
      ['User', 'Users'],
      ['Group', 'Groups'],
    ] as const) {
      const mapped = entraTargets(object).map(({ targetAttributeName }) => plain(targetAttributeName));
      const left = [...(sentBy('entra').get(collection) ?? [])].filter(
        (name) => !mapped.includes(name) && !isArgued(name),
      );
      expect([object, left]).toEqual([object, []]);
    }
  });
});

describe('the mappings for Okta', () => {
  const targetOf = ({ externalName, externalNamespace }: OktaProperty): string =>
    plain(`${externalNamespace}:${externalName}`);

  it('name attributes that the bridge serves', () => {
    const targets = Object.values(oktaProfile).map(targetOf);
    expect(new Set(targets).size).toBe(targets.length);
    for (const target of targets) expect([target, find(CORE_USER, target)?.name]).toEqual([target, expect.any(String)]);
  });

  it('map every attribute of the profile but the seat, and no other', () => {
    expect(Object.keys(oktaMapping).sort()).toEqual(
      Object.keys(oktaProfile)
        .filter((name) => name !== 'seatType')
        .sort(),
    );
    for (const { expression } of Object.values(oktaMapping)) expect(expression).toMatch(/^user\.\w+$/);
  });

  it('offer the seats that the bridge takes', () => {
    const { seatType } = oktaProfile;
    expect(seatType?.enum).toEqual(find(CORE_USER, targetOf(seatType!))?.canonicalValues);
  });

  it('cover what Okta sends', () => {
    const mapped = Object.values(oktaProfile).map(targetOf);
    const left = [...(sentBy('okta').get('Users') ?? [])].filter((name) => !mapped.includes(name) && !isArgued(name));
    expect(left).toEqual([]);
  });
});
