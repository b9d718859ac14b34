/** Those who look: `explain`, `shares list|check`, /Entitlements and /Roles. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { differencesOf, reportShares, type ShareLine } from '../../src/reconcile/shares-report.js';
import { explain } from '../../src/domain/explain.js';
import { renderExplanation } from '../../src/domain/explain-text.js';
import { buildRules, parseMapping } from '../../src/domain/mapping-file.js';
import type { UserId } from '../../src/domain/types.js';
import { startTestBridge, type TestBridge } from '../support/bridge.js';
import { loadScenario, replay } from '../../src/conformance/replay.js';
import { TOKEN } from '../support/bridge.js';
import { ADA, entitled, group, later, mapped, seed, sharing, user, VOICE, ZOE } from './support.js';

let bridge: TestBridge;
beforeEach(async () => {
  bridge = await startTestBridge({ seed: seed() });
});
afterEach(() => bridge.close());

const report = async () => reportShares(await bridge.store.shareOverview());
const short = ({ resource, who, wanted, has, given, verdict }: ShareLine) =>
  [resource, who, wanted ?? '-', has ?? '-', given ?? '-', verdict].join(' ');

/** Zoe by entitlement, Support by its group, ada by hand, a newcomer who waits. */
async function everyKind(): Promise<string> {
  bridge.control.share(VOICE, 'editor', { userEmail: ADA });
  const zoe = await user(bridge, 'zoe', entitled('voice:voice1:viewer'));
  await group(bridge, 'Support', [zoe], sharing('convai_agents:agent1:editor'));
  await bridge.createUser('new', entitled('voice:voice1:viewer'));
  return zoe;
}

describe('the report', () => {
  it('says who should have what, who has what, and who gave it', async () => {
    await everyKind();
    const { shares, resources, idle } = await report();
    expect(shares.map(short)).toEqual([
      'convai_agents:agent1 group "Support" editor editor editor ok',
      'convai_agents:agent1 owner@workspace.example - admin - creator',
      `voice:voice1 ${ADA} - editor - byHand`,
      'voice:voice1 new@workspace.example viewer - - waiting',
      'voice:voice1 owner@workspace.example - admin - creator',
      `voice:voice1 ${ZOE} viewer viewer viewer ok`,
    ]);
    expect(resources.map(({ resource, name, holders, error }) => [resource, name, holders, error])).toEqual([
      ['convai_agents:agent1', 'Support line', 2, null],
      ['voice:voice1', 'Brand voice', 3, null],
    ]);
    expect(idle).toEqual([]);
    expect(differencesOf(await report())).toEqual({ shares: [], resources: [], idle: [] });
  });

  it('shows differences: what is missing, another role, what is refused, what cannot be read', async () => {
    await bridge.close();
    bridge = await startTestBridge({ seed: seed(), env: { DRIFT: 'report' } });
    const zoe = await everyKind();
    const ada = await user(bridge, 'ada');
    await group(bridge, 'Fans', [ada], sharing('voice:nowhere:viewer'));
    bridge.control.share(VOICE, 'editor', { userEmail: ZOE });
    bridge.control.unshare({ type: 'convai_agents', id: 'agent1' }, { groupId: 'wgSupport' });
    await later(bridge);
    await bridge.sync();
    const { shares, resources } = differencesOf(await report());
    expect(shares.map(short)).toEqual([
      'convai_agents:agent1 group "Support" editor - - missing',
      `voice:nowhere ${ADA} viewer - - refused`,
      `voice:voice1 ${ZOE} viewer editor viewer otherRole`,
    ]);
    expect(shares[1]?.problem).toContain('Check resource type and id');
    expect(resources.map(({ resource }) => resource)).toEqual(['voice:nowhere']);
    expect(zoe).toBeTruthy();
  });

  it('says which rules give nothing', async () => {
    await bridge.setRules({
      workspaceGroupShares: new Map([['studio', [mapped('voice:voice1:viewer')]]]),
      groupShares: new Map([['sales', [mapped('voice:voice1:viewer')]]]),
      allowedDangerousShares: new Set(['admin']),
    });
    await user(bridge, 'zoe', entitled('voice:voice1:admin'));
    await bridge.setRules({ allowedDangerousShares: new Set() });
    expect((await report()).idle).toEqual([
      'mapping file, shares: the workspace has no group "studio"',
      'mapping file, groups: the IdP has pushed no group "sales"',
      `user "${ZOE}": "voice:voice1:admin" gives nothing: only the mapping file may give it (allowDangerousShares)`,
    ]);
  });
});

describe('explain', () => {
  it('names the rules of every share, also of those that come through a group or to everybody', async () => {
    await bridge.setRules({ fixedShares: [{ principal: { kind: 'default' }, share: mapped('voice:voice1:viewer') }] });
    const zoe = await everyKind();
    await group(bridge, 'Editors', [zoe], sharing('voice:voice1:editor'));
    const person = await bridge.store.person(zoe as UserId);
    if (person === null) throw new Error('nobody');
    const [ledger, standing] = await Promise.all([
      bridge.store.ledger({ subject: `user:${zoe}`, limit: 100 }),
      bridge.store.standingShares(zoe as UserId),
    ]);
    const rules = buildRules(bridge.config, null);
    const text = renderExplanation(
      explain({ person, rules, ledger, standing, now: bridge.clock.now(), groupName: () => 'Support' }),
    );
    expect(text).toContain(
      'ok   share voice:voice1: editor; rule: group "Editors"; entitlement "voice:voice1:viewer" (viewer)',
    );
    expect(text).toContain(
      'ok   share convai_agents:agent1 of workspace group "Support": editor; rule: group "Support".',
    );
    expect(text).toContain('ok   share voice:voice1 of all members: viewer; rule: mapping file, all members.');
  });
});

describe('/Entitlements and /Roles', () => {
  const FILE = [
    'entitlements:',
    '  - value: convai_agents:agent1:viewer',
    '    display: Support agent (use)',
    '    description: Talk to the support agent.',
    '  - value: voice:voice1:editor',
    '    display: Brand voice (edit)',
    '',
  ].join('\n');

  it('list what the mapping file names, and the seats', async () => {
    const parsed = parseMapping(FILE);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    await bridge.setRules({ namedEntitlements: parsed.mapping.namedEntitlements });
    const { body } = await bridge.scim('GET', '/Entitlements');
    expect(body.totalResults).toBe(2);
    expect(body.Resources[0]).toMatchObject({
      schemas: ['urn:okta:scim:schemas:core:1.0:Entitlement'],
      id: 'convai_agents:agent1:viewer',
      displayName: 'Support agent (use)',
      description: 'Talk to the support agent.',
      type: 'convai_agents',
    });
    const one = await bridge.scim('GET', `/Entitlements/${encodeURIComponent('voice:voice1:editor')}`);
    expect(one.body).toMatchObject({ displayName: 'Brand voice (edit)', description: 'Role editor on voice voice1.' });
    const roles = (await bridge.scim('GET', '/Roles')).body.Resources.map(({ id }: { id: string }) => id);
    expect(roles).toEqual(['workspace_admin', 'workspace_member', 'workspace_lite_member']);
    // What is listed can be assigned.
    await user(bridge, 'zoe', entitled(body.Resources[0].id, body.Resources[1].id));
    expect(bridge.workspace().members[ZOE]?.shares).toEqual(['convai_agents:agent1:viewer', 'voice:voice1:editor']);
  });

  it('answer the transcript of Okta, with entitlements named', async () => {
    const parsed = parseMapping(FILE);
    if (parsed.ok) await bridge.setRules({ namedEntitlements: parsed.mapping.namedEntitlements });
    const features = new Set(['users', 'groups', 'roles', 'okta-roles'] as const);
    const result = await replay(loadScenario('okta-entitlements-discovery'), {
      baseUrl: bridge.scimUrl,
      token: TOKEN,
      features,
    });
    expect([result.failures, result.skipped]).toEqual([[], []]);
    expect(result.steps.length).toBeGreaterThan(0);
  });
});
