/** Every transcript of an identity provider, against the SCIM surface with a store and nothing upstream. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { loadScenario, replay, scenarioNames } from '../../src/conformance/replay.js';
import { startBridge, type Bridge } from './bridge.js';

let bridge: Bridge;
beforeEach(async () => {
  bridge = await startBridge();
});
afterEach(() => bridge.close());

const FEATURES = new Set(['users', 'groups', 'roles', 'okta-roles'] as const);

describe('transcripts', () => {
  it.each(scenarioNames())('%s', async (name) => {
    const result = await replay(loadScenario(name), { baseUrl: bridge.url, token: bridge.token, features: FEATURES });
    expect(result.failures).toEqual([]);
    expect(result.skipped).toEqual([]);
    expect(result.steps.length).toBeGreaterThan(0);
  });
});
