/** Pages by cursor (RFC 9865), over HTTP. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { runs } from '../support/property.js';
import { patchBody, startBridge, type AnyJson, type Bridge } from './bridge.js';

const SEARCH = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';
const TIMEOUT = 600_000;

let bridge: Bridge;
beforeAll(async () => {
  bridge = await startBridge({ limits: { maxCount: 50, defaultCount: 10, cursorTimeoutMs: TIMEOUT } });
  for (let index = 0; index < 23; index += 1)
    await bridge.user(`u${String(index).padStart(2, '0')}`, {
      displayName: `Person ${String((index * 7) % 23).padStart(2, '0')}`,
      title: index % 2 === 0 ? 'even' : 'odd',
    });
  await bridge.group('Alpha');
  await bridge.group('Beta');
});
afterAll(() => bridge.close());

type Parameters = Readonly<Record<string, string>>;

const query = (parameters: Parameters): string => new URLSearchParams(parameters).toString();
const page = async (path: string, parameters: Parameters) =>
  bridge.call('GET', `${path}?${query({ cursor: '', ...parameters })}`);
const names = (body: AnyJson): string[] =>
  body.Resources.map((resource: AnyJson) => resource.userName ?? resource.displayName);

/** Every page from a first one on, in one direction. */
async function walk(path: string, parameters: Parameters, direction = 'nextCursor', first = ''): Promise<AnyJson[]> {
  const pages: AnyJson[] = [];
  for (let cursor: string | undefined = first; cursor !== undefined;) {
    const { status, body } = await page(path, { ...parameters, cursor });
    expect(status).toBe(200);
    pages.push(body);
    expect(pages.length).toBeLessThan(100);
    cursor = body[direction];
  }
  return pages;
}

describe('pages by cursor', () => {
  it.each<[string, string, Parameters]>([
    ['of users', '/Users', { count: '5' }],
    ['of users whose last page is full', '/Users', { count: '23' }],
    ['of the default size', '/Users', {}],
    ['with a filter on a column', '/Users', { count: '4', filter: 'userName sw "u1"' }],
    ['with a filter that reads documents', '/Users', { count: '4', filter: 'title eq "odd"' }],
    ['sorted', '/Users', { count: '6', sortBy: 'displayName' }],
    ['sorted the other way', '/Users', { count: '6', sortBy: 'displayName', sortOrder: 'descending' }],
    ['sorted and filtered', '/Users', { count: '3', sortBy: 'title', filter: 'userName sw "u0"' }],
    ['of groups', '/Groups', { count: '1' }],
    ['of everything', '/', { count: '4' }],
    ['of everything, sorted', '/', { count: '4', sortBy: 'displayName' }],
  ])('%s are together what pages by index are, forward and back', async (_, path, parameters) => {
    const whole = (await bridge.call('GET', `${path}?${query({ ...parameters, count: '50' })}`)).body;
    const forward = await walk(path, parameters);
    expect(forward.flatMap(names)).toEqual(names(whole));
    expect(forward[0].previousCursor).toBeUndefined();
    const count = Number(parameters['count'] ?? 10);
    for (const body of forward) {
      expect(body).toMatchObject({ totalResults: whole.totalResults, itemsPerPage: body.Resources.length });
      expect(body).not.toHaveProperty('startIndex');
      for (const cursor of [body.nextCursor, body.previousCursor])
        if (cursor !== undefined) expect(cursor).toMatch(/^[A-Za-z0-9\-._~]+$/);
    }
    expect(forward.slice(0, -1).every((body) => body.itemsPerPage === count)).toBe(true);
    const { previousCursor } = forward.at(-1);
    if (forward.length === 1) {
      expect(previousCursor).toBeUndefined();
      return;
    }
    const back = await walk(path, parameters, 'previousCursor', previousCursor);
    expect(back.reverse().map(names)).toEqual(forward.slice(0, -1).map(names));
    expect(back[0].previousCursor).toBeUndefined();
    const again = await walk(path, parameters, 'nextCursor', back[0].nextCursor);
    expect(again.map(names)).toEqual(forward.slice(1).map(names));
  });

  it('are asked for in a search as well', async () => {
    const ask = async (cursor: string) =>
      (await bridge.call('POST', '/Users/.search', { body: { schemas: [SEARCH], cursor, count: 20 } })).body;
    const first = await ask('');
    expect(first.itemsPerPage).toBe(20);
    expect((await ask(first.nextCursor)).itemsPerPage).toBe(3);
  });

  it('hold nothing where none is asked for, and no more than the maximum', async () => {
    expect((await page('/Users', { count: '0' })).body).toMatchObject({ totalResults: 23, itemsPerPage: 0 });
    expect((await page('/Users', { count: '-3' })).body.itemsPerPage).toBe(0);
    expect((await page('/Users', { count: '1000' })).body.itemsPerPage).toBe(23);
  });

  it('are by index where nothing is said', async () => {
    const { body } = await bridge.call('GET', '/Users?count=5');
    expect(body).toMatchObject({ startIndex: 1, itemsPerPage: 5 });
    expect(body).not.toHaveProperty('nextCursor');
    const both = await bridge.call('GET', '/Users?cursor=&startIndex=1');
    expect([both.status, both.body.scimType]).toEqual([400, 'invalidValue']);
  });

  it('are advertised with what holds', async () => {
    expect((await bridge.call('GET', '/ServiceProviderConfig')).body.pagination).toEqual({
      cursor: true,
      index: true,
      defaultPaginationMethod: 'index',
      defaultPageSize: 10,
      maxPageSize: 50,
      cursorTimeout: 600,
    });
  });
});

describe('a cursor', () => {
  it.each(['x', 'x.y', 'a~0~5~5~23~1~q~.zzzz', '%00', 'é'])(
    'that was never given is invalidCursor: %s',
    async (cursor) => {
      const { status, body } = await page('/Users', { cursor });
      expect([status, body.scimType]).toEqual([400, 'invalidCursor']);
    },
  );

  it('that was changed is invalidCursor, wherever', async () => {
    const { nextCursor } = (await page('/Users', { count: '5' })).body as { nextCursor: string };
    for (const at of [0, 5, nextCursor.length - 3]) {
      const other = nextCursor[at] === 'A' ? 'B' : 'A';
      const changed = nextCursor.slice(0, at) + other + nextCursor.slice(at + 1);
      expect((await page('/Users', { count: '5', cursor: changed })).body.scimType).toBe('invalidCursor');
    }
  });

  it('belongs to its query, and to its count', async () => {
    const { nextCursor: cursor } = (await page('/Users', { count: '5' })).body;
    for (const other of [{ filter: 'userName pr' }, { sortBy: 'userName' }, { attributes: 'userName' }] as Parameters[])
      expect((await page('/Users', { count: '5', cursor, ...other })).body.scimType).toBe('invalidCursor');
    expect((await page('/Groups', { count: '5', cursor })).body.scimType).toBe('invalidCursor');
    expect((await page('/Users', { count: '6', cursor })).body.scimType).toBe('invalidCount');
  });

  it('expires, and says so', async () => {
    for (const more of [{}, { sortBy: 'userName' }] as Parameters[]) {
      const { nextCursor: cursor } = (await page('/Users', { count: '5', ...more })).body;
      bridge.clock.advance(TIMEOUT - 1000);
      expect((await page('/Users', { count: '5', cursor, ...more })).status).toBe(200);
      bridge.clock.advance(2000);
      const { status, body } = await page('/Users', { count: '5', cursor, ...more });
      expect([status, body.scimType]).toEqual([400, 'expiredCursor']);
      expect(body.detail).toContain('600 seconds');
    }
  });

  it('of another bridge is none of this one', async () => {
    const other = await startBridge();
    await other.user('a');
    await other.user('b');
    const cursor = (await other.call('GET', '/Users?cursor&count=1')).body.nextCursor as string;
    await other.close();
    expect((await page('/Users', { count: '1', cursor })).body.scimType).toBe('invalidCursor');
  });
});

describe('writes in between', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('add' as const) }),
    fc.record({ kind: fc.constant('delete' as const), which: fc.nat(30) }),
    fc.record({ kind: fc.constant('change' as const), which: fc.nat(30), to: fc.constantFrom('A', 'M', 'Z') }),
  );

  it('neither repeat a resource on a later page nor skip one, in whatever order', async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<Parameters>({}, { sortBy: 'displayName' }, { filter: 'userType eq "T"' }),
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.array(step, { maxLength: 3 }), { minLength: 1, maxLength: 6 }),
        async (more, count, between) => {
          run += 1;
          const mark = `run${String(run)}-`;
          const made: { id: string; userName: string }[] = [];
          const add = async (): Promise<void> => {
            const name = `${mark}${String(made.length)}`;
            made.push(await bridge.user(name, { displayName: name, userType: 'T', externalId: mark }));
          };
          for (let index = 0; index < 8; index += 1) await add();
          const there = new Set(made.map(({ id }) => id));
          const filter = [`externalId eq "${mark}"`, ...(more['filter'] === undefined ? [] : [more['filter']])].join(
            ' and ',
          );
          const seen: string[] = [];
          let cursor: string | undefined = '';
          for (let round = 0; cursor !== undefined; round += 1) {
            const { status, body } = await page('/Users', { ...more, filter, count: String(count), cursor });
            expect(status).toBe(200);
            seen.push(...body.Resources.map(({ id }: { id: string }) => id));
            cursor = body.nextCursor as string | undefined;
            for (const write of between[round] ?? []) {
              const target = write.kind === 'add' ? undefined : made[write.which % made.length];
              if (write.kind === 'add') await add();
              else if (target !== undefined && write.kind === 'delete') {
                await bridge.call('DELETE', `/Users/${target.id}`);
                there.delete(target.id);
              } else if (target !== undefined && write.kind === 'change') {
                const body = patchBody({ op: 'replace', path: 'displayName', value: `${write.to}${target.userName}` });
                await bridge.call('PATCH', `/Users/${target.id}`, { body });
              }
            }
          }
          expect(new Set(seen).size).toBe(seen.length);
          for (const id of there) expect(seen).toContain(id);
          for (const { id } of made) await bridge.call('DELETE', `/Users/${id}`);
        },
      ),
      runs(25),
    );
  });
});
