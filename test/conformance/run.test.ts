/** The conformance checks: each can fail, none knows the bridge, and docs/conformance.md is what they say. */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { runCheck } from '../../src/conformance/check.js';
import { DEVIATIONS } from '../../src/conformance/deviations.js';
import { loadScenario, scenarioNames } from '../../src/conformance/replay.js';
import { makeReport, toHtml } from '../../src/conformance/report.js';
import { CHECKS, runAll } from '../../src/conformance/run.js';
import { startBridge } from '../scim-http/bridge.js';

let server: Server | null = null;
afterEach(async () => {
  await new Promise((resolve) => (server === null ? resolve(null) : server.close(resolve)));
  server = null;
});

/** A server that answers everything in the same way. */
async function always(status: number, body: string): Promise<{ baseUrl: string; token: string }> {
  const started = createServer((_request, response) => {
    response.writeHead(status, { 'Content-Type': 'text/plain' }).end(body);
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  return {
    baseUrl: `http://127.0.0.1:${String((started.address() as AddressInfo).port)}/scim/v2`,
    token: 'secret-token',
  };
}

describe('every check', () => {
  it.each([
    [200, '{}'],
    [500, 'no'],
  ])('fails on a server that answers %s to everything', async (status, body) => {
    const target = await always(status, body);
    for (const check of CHECKS) {
      const { outcome, reason, requirement } = await runCheck(check, target, 'm');
      // The one requirement that such a server meets: /Me may be 200.
      const isMet = status === 200 && requirement.startsWith('/Me ');
      expect([requirement, outcome, reason !== null]).toEqual([requirement, isMet ? 'pass' : 'fail', !isMet]);
    }
  });

  it('passes on the bridge, with every request in the report and no token', async () => {
    const bridge = await startBridge();
    try {
      const target = { baseUrl: bridge.url, token: bridge.token };
      const results = await runAll({ target, fresh: null, mark: 'm', onResult: () => undefined });
      expect(results.filter(({ outcome }) => outcome === 'fail')).toEqual([]);
      expect(results.filter(({ outcome }) => outcome === 'skipped').map(({ reason }) => reason)).toEqual(
        Array<string>(4).fill('it needs an empty server of its own'),
      );
      for (const { outcome, exchanges } of results) if (outcome === 'pass') expect(exchanges.length).toBeGreaterThan(0);
      const report = makeReport(results, { server: '<b>', version: '1', at: 'now', deviations: DEVIATIONS });
      expect(JSON.stringify(report)).not.toContain(bridge.token);
      expect(toHtml(report)).toContain('&#60;b&#62;');
      // Nothing is left of them.
      expect((await bridge.call('GET', '/Users')).body.totalResults).toBe(0);
      expect((await bridge.call('GET', '/Groups')).body.totalResults).toBe(0);
    } finally {
      await bridge.close();
    }
  }, 60_000);

  it('is skipped where the server does not announce what it needs', async () => {
    const target = await always(200, JSON.stringify({ Resources: [] }));
    const results = await runAll({ target, fresh: null, mark: 'm', onResult: () => undefined });
    const cursors = results.filter(({ requirement }) => requirement.includes('cursor'));
    expect(cursors.length).toBeGreaterThan(0);
    for (const { outcome, reason } of cursors)
      expect([outcome, reason]).toEqual(['skipped', expect.stringContaining('cursor')]);
  });
});

describe('docs/conformance.md', () => {
  const page = readFileSync(new URL('../../docs/conformance.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| ([^|]+?) *\| (.+?) *\| (pass|fail|skipped) *\| *(\d+) *\|$/gm)];

  it('has a row for each check and each transcript, all passed', () => {
    const expected = [
      ...CHECKS.map(({ section, requirement }) => `${section} | ${requirement}`),
      ...scenarioNames().map((name) => {
        const { idp, title } = loadScenario(name);
        return `${idp} | ${name}: ${title}`;
      }),
    ];
    const found = rows.map(([, section, requirement]) => `${String(section)} | ${String(requirement)}`);
    expect(found.sort()).toEqual(expected.map((row) => row.replaceAll('\\', '')).sort());
    expect(rows.every(([, , , outcome]) => outcome === 'pass')).toBe(true);
  });

  it('names every deviation, and why', () => {
    for (const { what, why } of DEVIATIONS) {
      expect(page).toContain(what);
      expect(page).toContain(why);
    }
  });
});
