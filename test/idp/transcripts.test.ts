/**
 * What identity providers send, against the whole bridge: the answers are what the transcript
 * demands, and the workspace ends as the transcript implies. Each is replayed twice: nobody
 * accepts an invite, and everybody does at once.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import type { SeatType } from '../../src/domain/types.js';
import { minimalSeed } from '../../src/sandbox/seed.js';
import { startTestBridge, TOKEN, type TestBridge } from '../support/bridge.js';
import { loadScenario, replay, scenarioNames, type ReplayResult } from '../../src/conformance/replay.js';

const OWNER = 'owner@workspace.example';
const RESIDENT = 'resident@workspace.example';
const FEATURES = new Set(['users', 'groups', 'roles', 'okta-roles'] as const);
const PAGE_USERS = Array.from({ length: 11 }, (_, index) => `page.user${String(index + 1).padStart(2, '0')}`);

interface End {
  readonly domain: string;
  /** Who is invited where nobody accepts. Everybody has the default seat but those named in `seats`. */
  readonly pending: readonly string[];
  /** Members with access, and locked ones, where everybody accepts at once. */
  readonly members: readonly string[];
  readonly locked?: readonly string[];
  readonly seats?: Readonly<Record<string, SeatType>>;
}

/** An e-mail changed after acceptance keeps the member; changed before it moves the invite. */
const ENDS: Readonly<Record<string, End>> = {
  'entra-create-update-disable-restore-user': {
    domain: 'halvorsen-marine.example',
    pending: ['amara.lindqvist'],
    // Deleted and created anew under the new address: another account, the old one stays locked.
    members: ['amara.lindqvist'],
    locked: ['amara.osei'],
  },
  'entra-flag-aadoptscim062020': {
    domain: 'gentian-labs.example',
    pending: ['p.anand', 'tomas.eide'],
    members: ['pilar.anand', 'tomas.eide'],
  },
  'entra-group-lifecycle': {
    domain: 'orbital-foods.example',
    pending: ['luca.bianchi', 'marta.ruiz'],
    members: ['luca.bianchi', 'marta.ruiz'],
    locked: ['ena.kovac'],
  },
  'entra-manager-reference': same('fernhollow.example', 'bea.olmedo', 'kit.nakagawa', 'lev.moss', 'rosa.tremaine'),
  'entra-null-and-empty-updates': same('palisade-energy.example', 'greta.solheim', 'jo.young'),
  'entra-pagination-and-schemas': same('meridian-rail.example', ...PAGE_USERS),
  'entra-roles': {
    ...same('quillfeather.example', 'idris.vale', 'noor.castell', 'sef.brandt'),
    // "Administrator", "Viewer", "Editor" and "Auditor" are no roles of ElevenLabs and give nothing.
    seats: { 'sef.brandt': 'workspace_admin' },
  },
  'entra-test-connection': same('nobody.example'),
  'errors-contract': same('statuspage.example', 'err.one', 'err.two'),
  'google-rippling-probes': {
    domain: 'harrowgate.example',
    pending: [],
    members: [],
    locked: ['tamsin.boyle'],
  },
  'jumpcloud-activation-probe': {
    domain: 'barnstable.example',
    pending: ['olive.penn'],
    members: ['olive.penn'],
    locked: ['scim.test'],
  },
  'okta-entitlements-discovery': {
    ...same('lumenforge.example', 'wren.okoye'),
    seats: { 'wren.okoye': 'workspace_admin' },
  },
  'okta-group-push': same('tidewater.example', 'ada.ferro', 'ben.okafor', 'cleo.varga', 'dov.stein'),
  'okta-group-push-aiw-put': same('brightmoor.example', 'lena.abiola', 'marc.duval'),
  'okta-runscope-spec': same('', 'seed.user@example.test', 'spec300hfluaklab151@specsuite.example'),
  'okta-test-connection-and-import': same(
    'copperline.example',
    ...['ines.fonseca', 'milo.adeyemi', 'suki.watanabe', 'yara.quintero'],
  ),
  'okta-user-lifecycle': same('auric-health.example', 'delphine.marchetti'),
  'okta-user-lifecycle-aiw-put': same('stonewharf.example', 'hugo.brannigan'),
  'onelogin-user-and-group': { domain: 'glasswing.example', pending: [], members: [], locked: ['petra.nowak'] },
  'ping-put-users-list-groups': { domain: 'velmora.example', pending: [], members: [], locked: ['jonas.richter'] },
};

function same(domain: string, ...names: readonly string[]): End {
  return { domain, pending: names, members: names };
}

let bridge: TestBridge;
afterEach(() => bridge.close());

async function play(
  name: string,
  acceptsAtOnce: boolean,
  afterStep: () => Promise<void> = async () => undefined,
): Promise<ReplayResult> {
  return replay(loadScenario(name), {
    baseUrl: bridge.scimUrl,
    token: TOKEN,
    features: FEATURES,
    afterStep: async () => {
      await bridge.idle();
      if (acceptsAtOnce) {
        for (const email of Object.keys(bridge.workspace().pendingInvites)) bridge.control.accept(email);
        await bridge.sync();
      }
      await afterStep();
    },
  });
}

function endOf(name: string): Required<Omit<End, 'domain'>> {
  const end = ENDS[name];
  if (end === undefined) throw new Error(`what ${name} ends in is not written down`);
  const at = (who: string): string => (who.includes('@') ? who : `${who}@${end.domain}`);
  const sorted = (list: readonly string[] = []): string[] => list.map(at).sort();
  return {
    pending: sorted(end.pending),
    members: sorted(end.members),
    locked: sorted(end.locked),
    seats: Object.fromEntries(Object.entries(end.seats ?? {}).map(([who, seat]) => [at(who), seat])),
  };
}

describe.each(scenarioNames())('%s', (name) => {
  it('where nobody accepts', async () => {
    bridge = await startTestBridge({ env: { IMPORT_EXISTING: 'false' } });
    const result = await play(name, false);
    expect(result.failures).toEqual([]);
    const { pending, seats } = endOf(name);
    const { pendingInvites, members } = bridge.workspace();
    expect(Object.keys(pendingInvites).sort()).toEqual(pending);
    for (const [who, { seat }] of Object.entries(pendingInvites))
      expect([who, seat]).toEqual([who, seats[who] ?? 'workspace_member']);
    expect(Object.keys(members)).toEqual([OWNER]);
    await nothingIsLeft();
  });

  it('where everybody accepts at once', async () => {
    bridge = await startTestBridge({ env: { IMPORT_EXISTING: 'false' } });
    const result = await play(name, true);
    expect(result.failures).toEqual([]);
    const end = endOf(name);
    const { pendingInvites, members, mails } = bridge.workspace();
    const others = Object.entries(members).filter(([who]) => who !== OWNER);
    expect(
      others
        .filter(([, { locked }]) => !locked)
        .map(([who]) => who)
        .sort(),
    ).toEqual(end.members);
    expect(
      others
        .filter(([, { locked }]) => locked)
        .map(([who]) => who)
        .sort(),
    ).toEqual(end.locked);
    for (const [who, { seat }] of others) expect([who, seat]).toEqual([who, end.seats[who] ?? 'workspace_member']);
    expect(pendingInvites).toEqual({});
    expect(Object.values(mails).every((count) => count === 1)).toBe(true);
    await nothingIsLeft();
  });
});

/** The transcripts with groups, and the name that the group has in the workspace. */
const GROUPS = [
  ['entra-group-lifecycle', 'SG-Orbital-Warehouse'],
  ['entra-flag-aadoptscim062020', 'Gentian Readers'],
  ['okta-group-push', 'Tidewater Engineers'],
  ['okta-group-push-aiw-put', 'Brightmoor Finance'],
  ['onelogin-user-and-group', 'Glasswing Animators'],
] as const;

describe.each(GROUPS)('%s, where the workspace has the group %s with a member', (name, group) => {
  it('the members of both are the same after each step, and who was there stays', async () => {
    bridge = await startTestBridge({
      env: { IMPORT_EXISTING: 'false' },
      seed: minimalSeed({
        members: [{ email: OWNER, owner: true }, { email: RESIDENT }],
        groups: [{ name: group, members: [RESIDENT] }],
      }),
    });
    let steps = 0;
    const result = await play(name, true, async () => {
      const wanted = await addressesInGroups();
      if (wanted.length > 0) steps++;
      const { groups, members } = bridge.workspace();
      // A locked member keeps its groups, for a restore.
      const active = groups[group]?.filter((who) => members[who]?.locked === false);
      expect(active).toEqual([...new Set([...wanted, RESIDENT])].sort());
    });
    expect(result.failures).toEqual([]);
    expect(steps).toBeGreaterThan(0);
    await nothingIsLeft();
  });
});

/** The addresses of the active users in the only SCIM group. */
async function addressesInGroups(): Promise<readonly string[]> {
  const { body } = await bridge.scim('GET', '/Groups');
  const ids: readonly string[] = (body.Resources ?? []).flatMap((group: { members?: { value: string }[] }) =>
    (group.members ?? []).map(({ value }) => value),
  );
  const users = await Promise.all(ids.map(async (id) => (await bridge.scim('GET', `/Users/${id}`)).body));
  const members = await bridge.store.members();
  return users
    .filter((user) => user.active === true)
    .map((user) => members.find(({ memberId }) => memberId === bridgeMember(user))?.address ?? '')
    .filter((address) => address !== '');
}

const bridgeMember = (user: Record<string, { memberId?: string }>): string | undefined =>
  user['urn:ietf:params:scim:schemas:extension:elevenlabs:2.0:User']?.memberId;

async function nothingIsLeft(): Promise<void> {
  const open = await bridge.store.ledger({ states: ['planned', 'sending', 'ambiguous', 'refused', 'held'], limit: 10 });
  expect(open).toEqual([]);
}
