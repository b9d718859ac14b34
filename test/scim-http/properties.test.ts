/**
 * Laws of the SCIM surface over HTTP, for arbitrary directories and requests: the pages of a list
 * together are the list, and a Bulk request does what its operations do one by one.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { GROUP } from '../../src/domain/group-schema.js';
import { USER } from '../../src/domain/user-schema.js';
import { comparablePaths, filterText, word } from '../support/filter-arbitraries.js';
import { runs } from '../support/property.js';
import {
  BULK_URN,
  GROUP_URN,
  patchBody,
  startBridge,
  userBody,
  type Answer,
  type AnyJson,
  type Bridge,
} from './bridge.js';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

describe('pages', () => {
  let bridge: Bridge;
  beforeAll(async () => {
    bridge = await startBridge();
    const names = fc.sample(fc.uniqueArray(word, { selector: (text) => text.toLowerCase(), minLength: 8 }), {
      seed: 1,
      numRuns: 1,
    })[0]!;
    const ids: string[] = [];
    for (let at = 0; at < 23; at += 1) {
      const more = {
        displayName: names[at % names.length],
        title: names[(at * 3) % names.length],
        active: at % 4 !== 0,
        roles: at % 3 === 0 ? [{ value: names[at % 5], type: 'work' }] : [],
        ...(at % 2 === 0 ? { [ENTERPRISE]: { department: names[at % 7] } } : {}),
      };
      ids.push((await bridge.user(`user${String(at)}`, more)).id);
    }
    for (let at = 0; at < 7; at += 1)
      await bridge.group(
        `${names[at]!} group`,
        ids.filter((_, index) => index % (at + 2) === 0),
      );
  });
  afterAll(() => bridge.close());

  const listing = fc
    .constantFrom(
      { path: '/Users', type: USER },
      { path: '/Groups', type: GROUP },
      { path: '/', type: USER },
      { path: '/', type: GROUP },
    )
    .chain(({ path, type }) =>
      fc.record({
        path: fc.constant(path),
        filter: fc.option(filterText(type), { nil: null }),
        sortBy: fc.option(fc.constantFrom(...comparablePaths(type).map(({ text }) => text)), { nil: null }),
        sortOrder: fc.constantFrom('ascending', 'descending'),
        attributes: fc.constantFrom(null, 'displayName', 'meta.version,emails.value'),
        count: fc.integer({ min: 1, max: 9 }),
        bySearch: fc.boolean(),
      }),
    );
  type Listing = ReturnType<typeof listing.generate>['value'];

  const ask = ({ path, bySearch, ...rest }: Listing, page: { startIndex: number; count: number }): Promise<Answer> => {
    const given = Object.entries({ ...rest, ...page }).filter(([, value]) => value !== null);
    if (bySearch) {
      const schemas = ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'];
      return bridge.call('POST', `${path}/.search`.replace('//', '/'), {
        body: { schemas, ...Object.fromEntries(given) },
      });
    }
    const query = given.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&');
    return bridge.call('GET', `${path}?${query}`);
  };

  it('together are the list, each resource once, whatever is asked for and however', async () => {
    let found = 0;
    await fc.assert(
      fc.asyncProperty(listing, async (wanted) => {
        const whole = await ask(wanted, { startIndex: 1, count: 1000 });
        expect([whole.status, whole.body.detail]).toEqual([200, undefined]);
        const all: AnyJson[] = whole.body.Resources;
        const totalResults: number = whole.body.totalResults;
        expect([all.length, whole.body.itemsPerPage]).toEqual([totalResults, totalResults]);
        expect(new Set(all.map(({ id }: AnyJson) => id)).size).toBe(totalResults);
        const union: AnyJson[] = [];
        for (let startIndex = 1; startIndex <= totalResults + 1; startIndex += wanted.count) {
          const { body } = await ask(wanted, { startIndex, count: wanted.count });
          const length = Math.max(0, Math.min(wanted.count, totalResults - startIndex + 1));
          expect([body.totalResults, body.startIndex, body.itemsPerPage, body.Resources.length]).toEqual([
            ...[totalResults, startIndex, length, length],
          ]);
          union.push(...body.Resources);
        }
        expect(union).toEqual(all);
        found += totalResults;
      }),
      runs(60),
    );
    expect(found).toBeGreaterThan(100);
  }, 60_000);
});

/** An operation as it stands in a Bulk request. */
interface Operation {
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly bulkId?: string;
  readonly version?: string | undefined;
  readonly data?: unknown;
}

const USERS_AT_START = 3;
/** By position: people and groups that are there at the start, then those that operations create. */
const someone = fc.nat(5).map((at) => `bulkId:u${String(at)}`);
const somegroup = fc.nat(2).map((at) => `bulkId:g${String(at)}`);
const version = fc.constantFrom(undefined, undefined, undefined, 'W/"1"', 'W/"2"');
const name = fc.constantFrom('ann', 'bob', 'BOB', 'cyd', 'dan', 'eve');
const title = fc.constantFrom('A', 'B', '', null);
const people = fc.array(someone, { maxLength: 3 });

const personData = fc
  .tuple(name, title, fc.option(someone, { nil: null }))
  .map(([userName, job, manager]) =>
    userBody(userName, { title: job, ...(manager === null ? {} : { [ENTERPRISE]: { manager: { value: manager } } }) }),
  );
const groupData = fc
  .tuple(fc.constantFrom('Red', 'RED', 'Blue', 'Green'), people)
  .map(([displayName, ids]) => ({ schemas: [GROUP_URN], displayName, members: ids.map((value) => ({ value })) }));
const memberPatch = fc
  .tuple(fc.constantFrom('add', 'remove', 'replace'), people)
  .map(([op, ids]) => patchBody({ op, path: 'members', value: ids.map((value) => ({ value })) }));
const titlePatch = fc
  .tuple(title, fc.constantFrom('title', 'userName', 'nickName'))
  .map(([value, path]) => patchBody({ op: 'replace', path, value }));

const change: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ method: fc.constant('POST'), path: fc.constant('/Users'), data: personData }),
  fc.record({ method: fc.constant('POST'), path: fc.constant('/Groups'), data: groupData }),
  fc.record({ method: fc.constant('PUT'), path: someone.map((at) => `/Users/${at}`), data: personData, version }),
  fc.record({ method: fc.constant('PATCH'), path: someone.map((at) => `/Users/${at}`), data: titlePatch, version }),
  fc.record({ method: fc.constant('PUT'), path: somegroup.map((at) => `/Groups/${at}`), data: groupData, version }),
  fc.record({ method: fc.constant('PATCH'), path: somegroup.map((at) => `/Groups/${at}`), data: memberPatch, version }),
  fc.record({
    method: fc.constant('DELETE'),
    path: fc.oneof(
      someone.map((at) => `/Users/${at}`),
      somegroup.map((at) => `/Groups/${at}`),
    ),
    version,
  }),
);

/**
 * Gives every creation its bulkId, and makes every reference one that goes back: to a creation that
 * stands before, else to a resource that was there at the start. (References forward change the
 * order, so there is no sequence to compare with.)
 */
function numbered(changes: readonly Operation[], start: readonly string[]): Operation[] {
  const made = { u: [] as string[], g: [] as string[] };
  return changes.map((operation) => {
    const existing = (kind: 'u' | 'g', at: number): string => {
      const all = [...start.filter((label) => label.startsWith(kind)), ...made[kind]];
      return all[at % all.length]!;
    };
    const text = JSON.stringify(operation).replaceAll(
      /bulkId:([ug])(\d)/g,
      (_all, kind: 'u' | 'g', at: string) => `<${existing(kind, Number(at))}>`,
    );
    const resolved = JSON.parse(text) as Operation;
    if (operation.method !== 'POST') return resolved;
    const kind = operation.path === '/Users' ? 'u' : 'g';
    const bulkId = `new-${kind}${String(made.u.length + made.g.length)}`;
    made[kind].push(bulkId);
    return { ...resolved, bulkId };
  });
}

/** `<label>` -> the id of that resource, or what a Bulk request calls it before it has one. */
function named(operation: Operation, ids: ReadonlyMap<string, string>): Operation {
  const text = JSON.stringify(operation).replaceAll(
    /<([a-z0-9-]+)>/g,
    (_all, label: string) => ids.get(label) ?? `bulkId:${label}`,
  );
  return JSON.parse(text) as Operation;
}

describe('Bulk', () => {
  const begin = async (): Promise<{ bridge: Bridge; ids: Map<string, string> }> => {
    const bridge = await startBridge();
    const ids = new Map<string, string>();
    for (let at = 0; at < USERS_AT_START; at += 1)
      ids.set(`u${String(at)}`, (await bridge.user(`start${String(at)}`)).id);
    ids.set('g0', (await bridge.group('Start', [ids.get('u0')!, ids.get('u1')!])).id);
    return { bridge, ids };
  };

  /** Everything there is, ids in the order of creation, so that two directories can be compared. */
  const everything = async (bridge: Bridge): Promise<unknown> => {
    const { body } = await bridge.call('GET', '/?count=1000');
    const resources: { id: string }[] = body.Resources;
    const labels = new Map(resources.map(({ id }, at) => [id, `#${String(at)}`]));
    const text = JSON.stringify(body)
      .replaceAll(bridge.url, '')
      .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, (id) => labels.get(id) ?? 'gone');
    return JSON.parse(text);
  };

  const one = async (bridge: Bridge, { method, path, data, version: match }: Operation): Promise<Answer> =>
    bridge.call(method, path, {
      ...(method === 'DELETE' ? {} : { body: data }),
      ...(match === undefined || method === 'POST' ? {} : { headers: { 'If-Match': match } }),
    });

  it('does what its operations do one by one, with the same statuses and versions', async () => {
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { minLength: 1, maxLength: 8 }),
        fc.constantFrom(undefined, undefined, 1, 2),
        async (changes, failOnErrors) => {
          const together = await begin();
          const apart = await begin();
          try {
            const operations = numbered(changes, [...together.ids.keys()]);
            const answer = await together.bridge.call('POST', '/Bulk', {
              body: {
                schemas: [BULK_URN],
                ...(failOnErrors === undefined ? {} : { failOnErrors }),
                Operations: operations.map((operation) => named(operation, together.ids)),
              },
            });
            expect(answer.status).toBe(200);
            const results = answer.body.Operations.map(({ status, version: tag, response }: AnyJson) => [
              Number(status),
              tag,
              response?.scimType,
            ]);
            expect(results).toEqual(await sequence(apart, operations, failOnErrors ?? Infinity));
            expect(await everything(together.bridge)).toEqual(await everything(apart.bridge));
            for (const [status] of results) seen.set(String(status), (seen.get(String(status)) ?? 0) + 1);
          } finally {
            await together.bridge.close();
            await apart.bridge.close();
          }
        },
      ),
      runs(25),
    );
    for (const status of ['200', '201', '204', '404', '409', '412']) expect([...seen.keys()]).toContain(status);
  }, 60_000);

  /** Status, version and kind of error of each operation, sent alone, up to the last that Bulk performs. */
  async function sequence(
    { bridge, ids }: { readonly bridge: Bridge; readonly ids: Map<string, string> },
    operations: readonly Operation[],
    failOnErrors: number,
  ): Promise<unknown[]> {
    const results: unknown[] = [];
    let errors = 0;
    for (const operation of operations) {
      if (errors >= failOnErrors) break;
      const alone = named(operation, ids);
      if (JSON.stringify(alone).includes('bulkId:new-')) {
        // Alone it cannot even be said: what it refers to was not created.
        results.push([412, undefined, undefined]);
        errors += 1;
        continue;
      }
      const answer = await one(bridge, alone);
      if (operation.bulkId !== undefined && answer.status === 201) ids.set(operation.bulkId, answer.body.id);
      if (answer.status >= 400) errors += 1;
      results.push([answer.status, answer.headers['etag'], answer.body.scimType]);
    }
    return results;
  }
});
