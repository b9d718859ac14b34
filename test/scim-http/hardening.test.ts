/** In a realm of its own: freezing cannot be undone. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freezePrototypes } from '../../src/scim/hardening.js';
import { patchBody, startBridge, type Bridge } from './bridge.js';

let bridge: Bridge;
beforeAll(async () => {
  bridge = await startBridge();
  freezePrototypes();
});
afterAll(() => bridge.close());

describe('frozen prototypes', () => {
  it('cannot be changed', () => {
    expect(() => Object.assign(Object.prototype, { x: 1 })).toThrow(TypeError);
    expect(() => Object.assign(Object, { keys: 1 })).toThrow(TypeError);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  it('disturb nothing: HTTP, store and log work as before', async () => {
    const user = await bridge.user('frozen', { displayName: 'constructor', name: { givenName: 'toString' } });
    const group = await bridge.group('Frozen', [user.id]);
    const body = patchBody({ op: 'remove', path: 'members' });
    expect((await bridge.call('PATCH', `/Groups/${group.id}`, { body })).status).toBe(204);
    expect((await bridge.call('GET', '/Users?sortBy=userName&attributes=name')).body.Resources[0].name).toEqual({
      givenName: 'toString',
    });
    expect((await bridge.call('POST', '/Users', { raw: '{"toString":1,"valueOf":2}' })).body.scimType).toBe(
      'invalidValue',
    );
    expect((await bridge.call('GET', '/Users/none')).status).toBe(404);
    expect((await bridge.call('DELETE', `/Users/${user.id}`)).status).toBe(204);
    expect(bridge.logLines.length).toBeGreaterThan(5);
  });
});
