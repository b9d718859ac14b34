/** What the tests of shares have in common: a workspace with resources, and ways to look at calls. */
import type { MappedShare } from '../../src/domain/rules.js';
import type { ShareRole } from '../../src/domain/types.js';
import { minimalSeed, type Seed } from '../../src/sandbox/seed.js';
import { GROUP_URN, type TestBridge } from '../support/bridge.js';

export const OWNER = 'owner@workspace.example';
export const ZOE = 'zoe@workspace.example';
export const ADA = 'ada@workspace.example';
export const MAX = 'max@workspace.example';
export const AGENT = { type: 'convai_agents', id: 'agent1' };
export const VOICE = { type: 'voice', id: 'voice1' };

/** The owner owns the resources and the key; zoe, ada and max are members whom nobody manages yet. */
export const seed = (more: Partial<Seed> = {}): Seed =>
  minimalSeed({
    members: [{ email: OWNER, owner: true }, { email: ZOE }, { email: ADA }, { email: MAX }],
    groups: [{ name: 'Support', id: 'wgSupport' }],
    resources: [
      { ...AGENT, name: 'Support line', creator: OWNER },
      { ...VOICE, name: 'Brand voice', creator: OWNER },
    ],
    ...more,
  });

export const entitled = (...values: readonly string[]) => ({ entitlements: values.map((value) => ({ value })) });

export const setEntitlements = (...values: readonly string[]) => ({
  op: 'replace',
  path: 'entitlements',
  value: values.map((value) => ({ value })),
});

/** The group extension with shares, each `type:id:role`. */
export const sharing = (...values: readonly string[]) => ({
  [GROUP_URN]: {
    shares: values.map((value) => {
      const [resourceType, resourceId, role] = value.split(':');
      return { resourceType, resourceId, role };
    }),
  },
});

export const mapped = (value: string): MappedShare => {
  const [type = '', id = '', role] = value.split(':');
  return { resource: { type, id }, role: role as ShareRole };
};

/** Longer than a reading of a resource may serve. */
export const later = (bridge: TestBridge): Promise<void> => bridge.clock.advanceAsync(20_000);

export const sharesOf = (bridge: TestBridge, email: string): readonly string[] | undefined =>
  bridge.workspace().members[email]?.shares;

export const groupShares = (bridge: TestBridge, name: string): readonly string[] =>
  bridge.workspace().groupShares[name] ?? [];

/** Calls about resources, as `GET agent1`, `share agent1 editor wgSupport`. */
export const resourceCalls = (bridge: TestBridge): readonly string[] =>
  bridge.control.requests().flatMap(({ method, path, body }) => {
    const [, id, verb] = /\/resources\/([^/?]+)(?:\/(\w+))?/u.exec(path) ?? [];
    if (id === undefined) return [];
    const { role, user_email, group_id, workspace_api_key_id } = (body ?? {}) as Record<string, string | undefined>;
    const target = user_email ?? group_id ?? workspace_api_key_id;
    return [[verb ?? method, id, role, target].filter((part) => part !== undefined).join(' ')];
  });

/** Without the readings. */
export const shareCalls = (bridge: TestBridge): readonly string[] =>
  resourceCalls(bridge).filter((call) => !call.startsWith('GET'));

/** A user of this name, with more attributes; the id. */
export async function user(bridge: TestBridge, name: string, more: object = {}): Promise<string> {
  const { status, body } = await bridge.createUser(name, more);
  if (status !== 201) throw new Error(`POST of ${name} answered ${String(status)}: ${JSON.stringify(body)}`);
  await bridge.idle();
  return body.id as string;
}

/** A group; the id. */
export async function group(
  bridge: TestBridge,
  name: string,
  members: readonly string[] = [],
  more: object = {},
): Promise<string> {
  const { status, body } = await bridge.createGroup(name, members, more);
  if (status !== 201) throw new Error(`POST of group ${name} answered ${String(status)}: ${JSON.stringify(body)}`);
  await bridge.idle();
  return body.id as string;
}
