/**
 * Every transcript of an identity provider against a whole bridge on a workspace that is older than
 * the bridge: its people are members already and groups have members. Nobody is invited, and the
 * workspace ends as the transcript implies (adoption-expected.ts).
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { startTestBridge, TOKEN, type TestBridge } from '../support/bridge.js';
import { loadScenario, replay, scenarioNames, type ReplayResult, type Step } from '../../src/conformance/replay.js';
import type { MemberSnapshot } from '../support/workspace-snapshot.js';
import { ADOPTED, type Adopted } from './adoption-expected.js';

const FEATURES = new Set(['users', 'groups', 'roles', 'okta-roles'] as const);
const OWNER = 'owner@workspace.example';
/** A member of the workspace of whom no IdP knows: never to be changed. */
const STRANGER = 'stranger@workspace.example';

let bridge: TestBridge | undefined;
afterEach(async () => {
  await bridge?.close();
  bridge = undefined;
});

function play(
  running: TestBridge,
  name: string,
  afterStep: (step: Step) => void = () => undefined,
): Promise<ReplayResult> {
  const target = { baseUrl: running.scimUrl, token: TOKEN, features: FEATURES, afterStep };
  return replay(loadScenario(name), target);
}

const sorted = (addresses: readonly string[]): readonly string[] => [...addresses].sort();
const sortedGroups = (groups: Readonly<Record<string, readonly string[]>>, ...more: readonly string[]) =>
  Object.fromEntries(Object.entries(groups).map(([name, addresses]) => [name, sorted([...addresses, ...more])]));

describe('in a workspace that has its people and groups with members', () => {
  it.each(scenarioNames())('%s', async (name) => {
    const wanted = ADOPTED[name]!;
    bridge = await startWith(wanted);
    const running = bridge;
    const seen: Record<string, unknown> = {};
    const result = await play(running, name, ({ id }) => {
      if (wanted.after?.[id] !== undefined) seen[id] = groupsNamed(running, Object.keys(wanted.after[id]));
    });
    const { tellsMore = [] } = wanted;
    const deviating = result.steps.filter(({ failures }) => failures.length > 0);
    expect(deviating.map(({ id }) => id)).toEqual(tellsMore);
    for (const { failures } of deviating) {
      for (const failure of failures) expect(failure).toMatch(/^\/members (empty|length 1), but/);
    }
    for (const [id, groups] of Object.entries(wanted.after ?? {})) {
      expect([id, seen[id]]).toEqual([id, sortedGroups(groups, STRANGER)]);
    }

    for (const settled of [() => running.idle(), () => running.sync()]) {
      await settled();
      checkEnd(running, wanted);
    }
  });
});

function startWith({ members, groups = {} }: Adopted): Promise<TestBridge> {
  return startTestBridge({
    seed: minimalSeed({
      members: [{ email: OWNER, owner: true }, ...[STRANGER, ...members].map((email) => ({ email }))],
      groups: Object.entries(groups).map(([name, inside]) => ({ name, members: [STRANGER, ...inside] })),
    }),
    env: { IMPORT_EXISTING: 'false' },
  });
}

function groupsNamed(running: TestBridge, names: readonly string[]): Record<string, unknown> {
  const { groups } = running.workspace();
  return Object.fromEntries(names.map((group) => [group, groups[group]]));
}

function checkEnd(running: TestBridge, wanted: Adopted): void {
  const end = running.workspace();
  const having = (test: (member: MemberSnapshot) => boolean): readonly string[] =>
    sorted(Object.keys(end.members).filter((address) => test(end.members[address]!)));
  expect(having(() => true)).toEqual(sorted([OWNER, STRANGER, ...wanted.members]));
  expect(having(({ locked }) => locked)).toEqual(sorted(wanted.locked ?? []));
  expect(having(({ seat }) => seat === 'workspace_admin')).toEqual(sorted([OWNER, ...(wanted.admins ?? [])]));
  expect(having(({ seat }) => seat === 'workspace_lite_member')).toEqual([]);
  expect(sorted(Object.keys(end.pendingInvites))).toEqual(sorted(wanted.pending ?? []));
  expect(sorted(Object.keys(end.mails))).toEqual(sorted(wanted.pending ?? []));
  const last = Object.assign({}, wanted.groups, ...Object.values(wanted.after ?? {})) as NonNullable<Adopted['groups']>;
  expect(end.groups).toEqual(sortedGroups(last, STRANGER));
  const strangers = running.writes().filter((write) => write.includes(STRANGER));
  expect(strangers).toEqual([]);
}

it('every transcript has its row', () => {
  expect(Object.keys(ADOPTED).sort()).toEqual(scenarioNames());
});
