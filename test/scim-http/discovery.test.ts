/** Discovery over HTTP (RFC 7644 4): true limits, URNs in any case, Okta's resource types. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DEFAULT_RULES } from '../../src/domain/rules.js';
import { startBridge, userBody, type AnyJson, type Bridge } from './bridge.js';

let bridge: Bridge;
beforeAll(async () => {
  bridge = await startBridge({
    limits: { maxCount: 500, bulkOperations: 3, largeBodyBytes: 5000 },
    rules: () => ({
      ...DEFAULT_RULES,
      namedEntitlements: [{ value: 'convai_agents:a1:viewer', display: 'Agent', description: 'May look' }],
    }),
  });
});
afterAll(() => bridge.close());

const get = async (path: string) => bridge.call('GET', path);

describe('/ServiceProviderConfig', () => {
  it('advertises everything, with the limits that hold', async () => {
    const { status, body } = await get('/ServiceProviderConfig');
    expect(status).toBe(200);
    for (const feature of ['patch', 'bulk', 'filter', 'sort', 'etag']) expect(body[feature].supported).toBe(true);
    expect(body.changePassword.supported).toBe(false);
    expect(body.authenticationSchemes.map(({ type }: AnyJson) => type)).toEqual(['oauthbearertoken', 'oauth2']);
    expect(body.meta.location).toBe(`${bridge.url}/ServiceProviderConfig`);
    expect([body.filter.maxResults, body.bulk.maxOperations, body.bulk.maxPayloadSize]).toEqual([500, 3, 5000]);
    const remove = { method: 'DELETE', path: '/Users/x' };
    const schemas = ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'];
    const bulk = (operations: readonly object[], more: object = {}) =>
      bridge.call('POST', '/Bulk', { body: { schemas, Operations: operations, ...more } });
    expect((await bulk([remove, remove, remove])).status).toBe(200);
    expect((await bulk([remove, remove, remove, remove])).status).toBe(413);
    expect((await bulk([], { padding: 'x'.repeat(5000) })).status).toBe(413);
  });

  it('is the same for a second application in the process', async () => {
    const second = await startBridge();
    const config = (await second.call('GET', '/ServiceProviderConfig')).body;
    expect([config.filter.maxResults, config.authenticationSchemes.length]).toEqual([1000, 2]);
    const user = await second.user('elsewhere');
    expect(user.meta.location.startsWith(second.url)).toBe(true);
    expect((await bridge.user('here')).meta.location.startsWith(bridge.url)).toBe(true);
    expect((await get('/Users')).body.totalResults).toBe(1);
    await second.close();
  });
});

describe('/Schemas and /ResourceTypes', () => {
  it('list what there is, each at its location', async () => {
    for (const path of ['/Schemas', '/ResourceTypes']) {
      const list = (await get(path)).body;
      expect(list.totalResults).toBe(list.Resources.length);
      for (const resource of list.Resources) {
        expect(resource.meta.location).toBe(`${bridge.url}${path}/${String(resource.id)}`);
        for (const id of [resource.id, resource.id.toUpperCase(), encodeURIComponent(resource.id)]) {
          expect((await get(`${path}/${String(id)}`)).body).toEqual(resource);
        }
      }
    }
    const types = (await get('/ResourceTypes')).body.Resources;
    const schemas = (await get('/Schemas')).body.Resources.map(({ id }: { id: string }) => id);
    for (const type of types) {
      expect((await get(type.endpoint)).status).toBe(200);
      expect(schemas).toContain(type.schema);
      for (const { schema } of type.schemaExtensions ?? []) expect(schemas).toContain(schema);
    }
  });

  it('take no filter, and know nothing else', async () => {
    for (const path of ['/Schemas', '/ResourceTypes', '/ServiceProviderConfig']) {
      expect((await get(`${path}?filter=id+pr`)).status).toBe(403);
      expect((await get(`${path}?count=1&startIndex=2`)).status).toBe(200);
    }
    expect((await get('/Schemas/urn:unknown')).status).toBe(404);
    expect((await get('/ResourceTypes/Nothing')).status).toBe(404);
  });
});

describe("Okta's resource types", () => {
  it('list the seat types as roles, whose ids a user may carry', async () => {
    const roles = (await get('/Roles?count=1&startIndex=2')).body;
    expect(roles).toMatchObject({ totalResults: 3, itemsPerPage: 1, startIndex: 2 });
    const role = roles.Resources[0];
    expect((await get(`/Roles/${String(role.id)}`)).body).toEqual(role);
    expect((await get('/Roles?filter=displayName+eq+%22admin%22')).body.Resources[0].id).toBe('workspace_admin');
    const user = await bridge.call('POST', '/Users', { body: userBody('holder', { roles: [{ value: role.id }] }) });
    expect(user.body.roles).toEqual([{ value: role.id }]);
    expect((await get('/Roles/none')).status).toBe(404);
  });

  it('list what may be shared as entitlements', async () => {
    const [entitlement] = (await get('/Entitlements')).body.Resources;
    expect(entitlement).toMatchObject({ id: 'convai_agents:a1:viewer', type: 'convai_agents', displayName: 'Agent' });
    expect((await get('/Entitlements/convai_agents:a1:viewer')).body).toEqual(entitlement);
  });
});
