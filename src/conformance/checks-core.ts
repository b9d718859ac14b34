/** What RFC 7643 and the reading half of RFC 7644 ask of a server. */
import { ENTERPRISE, ERROR, filter, GROUP, LIST, patch, USER, type AnyJson, type Check } from './check.js';

const of = (section: string, requirement: string, run: Check['run'], needs: Check['needs'] = []): Check => ({
  ...{ group: 'RFC', section, requirement, run, needs },
});
const ids = (json: AnyJson): string[] => (json?.Resources ?? []).map((one: AnyJson) => one.id as string);

export const CORE_CHECKS: readonly Check[] = [
  of('RFC 7644 2', 'a request without a valid token is 401, with a challenge', async (t) => {
    for (const token of [null, 'not-a-token']) {
      const answer = await t.ask('GET', '/Users?count=1', 401, { token });
      t.holds(answer.headers['www-authenticate'] !== undefined, 'WWW-Authenticate is missing');
    }
  }),
  of('RFC 7644 3.1', 'answers are application/scim+json, and application/json on request', async (t) => {
    const usual = await t.ask('GET', '/Users?count=1', 200);
    t.holds(
      usual.headers['content-type']?.startsWith('application/scim+json') === true,
      `the media type is ${String(usual.headers['content-type'])}`,
    );
    const json = await t.ask('GET', '/Users?count=1', 200, { headers: { Accept: 'application/json' } });
    t.holds(/^application\/(scim\+)?json/.test(json.headers['content-type'] ?? ''), 'application/json is not answered');
  }),
  of('RFC 7644 3.3', 'POST answers 201 with the resource and its Location', async (t) => {
    const userName = t.unique();
    const { json, headers } = await t.ask('POST', '/Users', 201, {
      body: { schemas: [USER], userName, emails: [{ value: userName }] },
    });
    t.holds(typeof json?.id === 'string' && json.id !== '', 'there is no id');
    t.equal(headers['location'], json.meta?.location, 'Location');
    t.equal(json.meta?.resourceType, 'User', 'meta.resourceType');
    t.equal(json.userName, userName, 'userName');
  }),
  of('RFC 7644 3.3', 'readOnly attributes in a POST are ignored', async (t) => {
    const user = await t.user({ id: 'mine', meta: { resourceType: 'Nothing', version: 'W/"9"' } });
    t.holds(user.id !== 'mine', 'the id of the client was taken');
    t.equal(user.meta.resourceType, 'User', 'meta.resourceType');
  }),
  of('RFC 7644 3.3', 'a second user of the same userName, in any case, is 409 uniqueness', async (t) => {
    const user = await t.user();
    const userName = String(user.userName).toUpperCase();
    const { json } = await t.ask('POST', '/Users', 409, {
      body: { schemas: [USER], userName, emails: [{ value: t.unique() }] },
    });
    t.equal(json?.scimType, 'uniqueness', 'scimType');
  }),
  of('RFC 7643 4.1.1', 'a user without userName is 400', async (t) => {
    await t.ask('POST', '/Users', 400, { body: { schemas: [USER], displayName: 'Nobody' } });
  }),
  of('RFC 7643 2.1', 'attribute names are read in any case', async (t) => {
    const userName = t.unique();
    const { json } = await t.ask('POST', '/Users', 201, {
      body: { schemas: [USER], USERNAME: userName, DisplayName: 'Any', EMAILS: [{ VALUE: userName }] },
    });
    t.equal([json?.userName, json?.displayName], [userName, 'Any'], 'userName and displayName');
  }),
  of('RFC 7643 2.4', 'at most one element is primary', async (t) => {
    const user = await t.user();
    const emails = [
      { value: t.unique(), type: 'work', primary: true },
      { value: t.unique(), type: 'home', primary: true },
    ];
    const answer = await t.ask('PUT', `/Users/${String(user.id)}`, [200, 400], { body: { ...user, emails } });
    const primaries = (answer.json?.emails ?? []).filter((email: AnyJson) => email.primary === true);
    t.holds(answer.status === 400 || primaries.length === 1, `${String(primaries.length)} elements are primary`);
  }),
  of('RFC 7643 2.5', 'null and [] are unassigned, and not returned', async (t) => {
    const user = await t.user({ title: null, phoneNumbers: [] });
    t.holds(user.title === undefined && user.phoneNumbers === undefined, 'an unassigned attribute is returned');
  }),
  of('RFC 7643 3.1', 'externalId is kept as it was sent, and may repeat', async (t) => {
    const externalId = `Ext ${t.unique()}`;
    t.equal(
      [(await t.user({ externalId })).externalId, (await t.user({ externalId })).externalId],
      [externalId, externalId],
      'externalId',
    );
  }),
  of('RFC 7643 4.1.1', 'a password is never returned', async (t) => {
    const user = await t.user({ password: 'Never-Returned-1' });
    const { text } = await t.ask('GET', `/Users/${String(user.id)}?attributes=password,userName`, 200);
    t.holds(user.password === undefined && !text.includes('Never-Returned-1'), 'the password is returned');
  }),
  of(
    'RFC 7643 4.1.2',
    'the groups of a user are shown, and cannot be written',
    async (t) => {
      const user = await t.user();
      const group = await t.group({ members: [{ value: user.id }] });
      const { json } = await t.ask('GET', `/Users/${String(user.id)}`, 200);
      t.equal(
        json?.groups?.map((one: AnyJson) => one.value),
        [group.id],
        'groups',
      );
      await t.ask(
        'PATCH',
        `/Users/${String(user.id)}`,
        400,
        patch({ op: 'add', path: 'groups', value: [{ value: group.id }] }),
      );
    },
    ['groups'],
  ),
  of(
    'RFC 7643 4.2',
    'a group has displayName and members with value and $ref',
    async (t) => {
      const user = await t.user();
      const made = await t.group({ members: [{ value: user.id }] });
      const { json } = await t.ask('GET', `/Groups/${String(made.id)}`, 200);
      t.equal(json?.members?.[0]?.value, user.id, 'members[0].value');
      t.holds(String(json.members[0].$ref ?? user.id).endsWith(String(user.id)), 'members[0].$ref leads elsewhere');
    },
    ['groups'],
  ),
  of(
    'RFC 7643 4.3',
    'the enterprise extension is stored below its URN, the manager as an object',
    async (t) => {
      const manager = await t.user();
      const user = await t.user({
        schemas: [USER, ENTERPRISE],
        [ENTERPRISE]: { department: 'D', manager: { value: manager.id } },
      });
      t.equal(
        [user[ENTERPRISE]?.department, user[ENTERPRISE]?.manager?.value],
        ['D', manager.id],
        'department and manager',
      );
      t.holds(user.schemas.includes(ENTERPRISE), 'schemas does not name the extension');
    },
    ['enterprise'],
  ),
  of('RFC 7644 3.4.1', 'GET of a resource is 200, of none 404 with a SCIM error', async (t) => {
    const user = await t.user();
    t.equal((await t.ask('GET', `/Users/${String(user.id)}`, 200)).json?.userName, user.userName, 'userName');
    const { json } = await t.ask('GET', '/Users/00000000-0000-4000-8000-000000000000', 404);
    t.equal([json?.schemas, json?.status], [[ERROR], '404'], 'schemas and status of the error');
  }),
  of('RFC 7644 3.4.2', 'a list is a ListResponse; nothing found is 200 with 0', async (t) => {
    const { json } = await t.ask('GET', `/Users?${filter(`userName eq "${t.unique()}"`)}`, 200);
    t.equal([json?.schemas, json?.totalResults], [[LIST], 0], 'schemas and totalResults');
  }),
  of(
    'RFC 7644 3.4.2.2',
    'filters: operators, logic, value paths, names in any case',
    async (t) => {
      const mark = t.unique();
      const a = await t.user({ externalId: mark, title: 'Alpha', active: true });
      const b = await t.user({ externalId: mark, title: 'Beta', emails: [{ value: t.unique(), type: 'home' }] });
      const cases: readonly (readonly [string, readonly string[]])[] = [
        [`userName eq "${String(a.userName).toUpperCase()}"`, [a.id]],
        [`USERNAME EQ "${String(a.userName)}"`, [a.id]],
        ['title sw "Al"', [a.id]],
        ['title co "et"', [b.id]],
        ['title ew "a"', [a.id, b.id]],
        ['title gt "Alpha"', [b.id]],
        ['not (title eq "Alpha")', [b.id]],
        ['title eq "Alpha" or title eq "Beta"', [a.id, b.id]],
        ['title pr and (title eq "Beta" or userName eq "nobody")', [b.id]],
        ['emails[type eq "home"]', [b.id]],
        ['emails[type eq "work" and value pr]', [a.id]],
        ['emails.type eq "home"', [b.id]],
      ];
      for (const [text, expected] of cases) {
        const { json } = await t.ask('GET', `/Users?${filter(`externalId eq "${mark}" and (${text})`)}`, 200);
        t.equal(ids(json).sort(), [...expected].sort(), `what "${text}" finds`);
      }
    },
    ['filter'],
  ),
  of(
    'RFC 7644 3.4.2.2',
    'a filter on a multi-valued attribute matches if any of its values does',
    async (t) => {
      const mark = t.unique();
      const emails = [
        { value: t.unique(), type: 'work' },
        { value: t.unique(), type: 'home' },
      ];
      const both = await t.user({ externalId: mark, emails });
      const work = await t.user({ externalId: mark });
      const find = async (text: string) =>
        ids((await t.ask('GET', `/Users?${filter(`externalId eq "${mark}" and ${text}`)}`, 200)).json);
      t.equal(await find('emails.type ne "work"'), [both.id], 'what emails.type ne "work" finds');
      t.equal(
        (await find('emails.type eq "work"')).sort(),
        [both.id, work.id].sort(),
        'what emails.type eq "work" finds',
      );
    },
    ['filter'],
  ),
  of(
    'RFC 7643 2.4',
    'an element without primary is not primary',
    async (t) => {
      const mark = t.unique();
      const user = await t.user({ externalId: mark, emails: [{ value: t.unique(), type: 'work' }] });
      const { json } = await t.ask(
        'GET',
        `/Users?${filter(`externalId eq "${mark}" and emails[primary eq false]`)}`,
        200,
      );
      t.equal(ids(json), [user.id], 'what emails[primary eq false] finds');
    },
    ['filter'],
  ),
  of(
    'RFC 7644 3.4.2.2',
    'a filter that is none is 400 invalidFilter',
    async (t) => {
      for (const text of ['userName eq', 'userName likes "x"', '(userName pr', 'nothing.of.it pr']) {
        const { json } = await t.ask('GET', `/Users?${filter(text)}`, 400);
        t.equal(json?.scimType, 'invalidFilter', `scimType of "${text}"`);
      }
    },
    ['filter'],
  ),
  of(
    'RFC 7644 3.4.2.3',
    'sortBy and sortOrder',
    async (t) => {
      const mark = t.unique();
      const [b, a] = [
        await t.user({ externalId: mark, displayName: 'b' }),
        await t.user({ externalId: mark, displayName: 'A' }),
      ];
      const find = async (more: string) =>
        ids((await t.ask('GET', `/Users?${filter(`externalId eq "${mark}"`, more)}`, 200)).json);
      t.equal(await find('&sortBy=displayName'), [a.id, b.id], 'the order');
      t.equal(await find('&sortBy=displayName&sortOrder=descending'), [b.id, a.id], 'the order descending');
    },
    ['sort', 'filter'],
  ),
  of(
    'RFC 7644 3.4.2.4',
    'pages by index: startIndex below 1 is 1, a negative count is 0',
    async (t) => {
      const mark = t.unique();
      for (let made = 0; made < 3; made += 1) await t.user({ externalId: mark });
      const find = async (more: string) =>
        (await t.ask('GET', `/Users?${filter(`externalId eq "${mark}"`, more)}`, 200)).json;
      const [first, second] = [await find('&startIndex=0&count=2'), await find('&startIndex=3&count=2')];
      t.equal(
        [first.totalResults, first.itemsPerPage, second.itemsPerPage],
        [3, 2, 1],
        'totalResults and itemsPerPage',
      );
      t.equal(new Set([...ids(first), ...ids(second)]).size, 3, 'resources on both pages');
      t.equal(ids(await find('&count=-1')), [], 'resources where count is negative');
    },
    ['filter'],
  ),
  of('RFC 7644 3.4.2.5', 'attributes and excludedAttributes; id is always there', async (t) => {
    const user = await t.user({ displayName: 'D', title: 'T' });
    const path = `/Users/${String(user.id)}`;
    const only = (await t.ask('GET', `${path}?attributes=displayName`, 200)).json;
    t.equal([only.id, only.displayName, only.title], [user.id, 'D', undefined], 'id, displayName, title');
    const without = (await t.ask('GET', `${path}?excludedAttributes=title,id`, 200)).json;
    t.equal([without.id, without.displayName, without.title], [user.id, 'D', undefined], 'id, displayName, title');
  }),
  of(
    'RFC 7644 3.4.3',
    'POST to /.search',
    async (t) => {
      const user = await t.user();
      const body = {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'],
        filter: `userName eq "${String(user.userName)}"`,
        attributes: ['userName'],
      };
      t.equal(ids((await t.ask('POST', '/Users/.search', 200, { body })).json), [user.id], 'what is found');
    },
    ['filter'],
  ),
  of('RFC 7644 3.11', '/Me is an alias, or 501', async (t) => {
    await t.ask('GET', '/Me', [200, 302, 307, 308, 404, 501]);
  }),
  of('RFC 7644 3.12', 'a body that is no JSON is 400 invalidSyntax, a SCIM error', async (t) => {
    const { json } = await t.ask('POST', '/Users', 400, { raw: '{"schemas":' });
    t.equal([json?.schemas, json?.status, json?.scimType], [[ERROR], '400', 'invalidSyntax'], 'the error');
  }),
  of('RFC 7644 4', 'discovery is there, its members at their location, and takes no filter', async (t) => {
    await t.ask('GET', '/ServiceProviderConfig', 200);
    for (const path of ['/Schemas', '/ResourceTypes']) {
      const { json } = await t.ask('GET', path, 200);
      t.holds(Array.isArray(json?.Resources) && json.Resources.length > 0, `${path} lists nothing`);
      const [one] = json.Resources;
      t.equal((await t.ask('GET', `${path}/${encodeURIComponent(String(one.id))}`, 200)).json?.id, one.id, 'id');
      await t.ask('GET', `${path}?${filter('id pr')}`, 403);
    }
  }),
  of('RFC 7643 7', 'every attribute of /Schemas has its characteristics', async (t) => {
    const { json } = await t.ask('GET', '/Schemas', 200);
    const visit = (attributes: AnyJson[], where: string): void => {
      for (const attribute of attributes) {
        for (const key of ['name', 'type', 'multiValued', 'required', 'mutability', 'returned'])
          t.holds(attribute[key] !== undefined, `${where}.${String(attribute.name)} has no ${key}`);
        if (attribute.type === 'complex') visit(attribute.subAttributes ?? [], `${where}.${String(attribute.name)}`);
      }
    };
    for (const schema of json.Resources) visit(schema.attributes, schema.id);
    t.holds(
      json.Resources.some((schema: AnyJson) => schema.id === USER),
      'the User schema is missing',
    );
  }),
  of('RFC 7643 3.2', 'every resource type names a schema that is there, and an endpoint that answers', async (t) => {
    const schemas = ids((await t.ask('GET', '/Schemas', 200)).json);
    for (const type of (await t.ask('GET', '/ResourceTypes', 200)).json.Resources) {
      t.holds(schemas.includes(type.schema), `${String(type.schema)} is not among the schemas`);
      await t.ask('GET', `${String(type.endpoint)}?count=1`, 200);
    }
    t.holds(schemas.includes(USER) && [USER, GROUP].length === 2, 'the User schema is missing');
  }),
  of(
    'RFC 9865 2',
    'pages by cursor, forward and back, each resource once',
    async (t) => {
      const mark = t.unique();
      for (let made = 0; made < 5; made += 1) await t.user({ externalId: mark });
      const query = filter(`externalId eq "${mark}"`, '&count=2');
      const found: string[] = [];
      const pages: AnyJson[] = [];
      for (let cursor: string | undefined = ''; cursor !== undefined && pages.length < 9;) {
        const { json }: AnyJson = await t.ask('GET', `/Users?${query}&cursor=${encodeURIComponent(cursor)}`, 200);
        pages.push(json);
        found.push(...ids(json));
        cursor = json.nextCursor as string | undefined;
        t.holds(
          cursor === undefined || /^[A-Za-z0-9\-._~]+$/.test(cursor),
          'a cursor has other characters than the unreserved ones',
        );
      }
      t.equal([new Set(found).size, found.length], [5, 5], 'resources on all pages');
      t.equal(pages[0].previousCursor, undefined, 'previousCursor of the first page');
      const back = pages.at(-1).previousCursor as string | undefined;
      if (back === undefined) return;
      const { json } = await t.ask('GET', `/Users?${query}&cursor=${encodeURIComponent(back)}`, 200);
      t.equal(ids(json), ids(pages.at(-2)), 'the page before the last');
    },
    ['cursor', 'filter'],
  ),
  of(
    'RFC 9865 2.1',
    'a cursor that was never given is 400 invalidCursor',
    async (t) => {
      t.equal((await t.ask('GET', '/Users?cursor=never-given', 400)).json?.scimType, 'invalidCursor', 'scimType');
    },
    ['cursor'],
  ),
  of(
    'RFC 9865 2',
    'a write between two pages neither skips nor repeats a resource',
    async (t) => {
      const mark = t.unique();
      const made: AnyJson[] = [];
      for (let index = 0; index < 4; index += 1) made.push(await t.user({ externalId: mark }));
      const query = filter(`externalId eq "${mark}"`, '&count=2');
      const first = (await t.ask('GET', `/Users?${query}&cursor=`, 200)).json;
      await t.ask('DELETE', `/Users/${String(ids(first)[0])}`, 204);
      const second = (await t.ask('GET', `/Users?${query}&cursor=${encodeURIComponent(String(first.nextCursor))}`, 200))
        .json;
      const seen = [...ids(first), ...ids(second)];
      t.equal([...seen].sort(), made.map(({ id }) => String(id)).sort(), 'resources on both pages');
    },
    ['cursor', 'filter'],
  ),
];
