/**
 * What each transcript of an identity provider implies for a workspace that has its people already,
 * written down by hand from the requests. A transcript without a row is an error: nobody has
 * thought about what it means.
 */
export interface Adopted {
  readonly members: readonly string[];
  /** Groups at the start. The stranger is in each, too, and must be there to the end. */
  readonly groups?: Readonly<Record<string, readonly string[]>>;
  /** Groups after a step, in the words of its id; `end` for the end. Groups that are not named are as before. */
  readonly after?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  readonly locked?: readonly string[];
  readonly admins?: readonly string[];
  /** Those who moved to an address that is nobody's yet. */
  readonly pending?: readonly string[];
  /** Steps that expect an empty group, where the bridge tells whom the workspace already had in it. */
  readonly tellsMore?: readonly string[];
}

const pages = Array.from(
  { length: 11 },
  (_, at) => `page.user${String(at + 1).padStart(2, '0')}@meridian-rail.example`,
);
const ROLLOUTS = 'CN=Velmora Rollouts,OU=Groups,DC=velmora,DC=example';
const fernhollow = ['rosa.tremaine', 'kit.nakagawa', 'bea.olmedo', 'lev.moss'].map(
  (name) => `${name}@fernhollow.example`,
);
const tidewater = ['ada.ferro', 'ben.okafor', 'cleo.varga', 'dov.stein'].map((name) => `${name}@tidewater.example`);
const [ada, ben, cleo, dov] = tidewater as [string, string, string, string];
const orbital = ['marta.ruiz', 'luca.bianchi', 'ena.kovac'].map((name) => `${name}@orbital-foods.example`);
const [marta, luca, ena] = orbital as [string, string, string];
const [lena, marc] = ['lena.abiola@brightmoor.example', 'marc.duval@brightmoor.example'] as const;
const copperline = ['yara.quintero', 'milo.adeyemi', 'ines.fonseca', 'suki.watanabe'].map(
  (name) => `${name}@copperline.example`,
);
export const ADOPTED: Readonly<Record<string, Adopted>> = {
  'entra-test-connection': { members: [] },
  // Moving keeps the member under the old address; whoever is created after the deletion is somebody new.
  'entra-create-update-disable-restore-user': {
    members: ['amara.osei@halvorsen-marine.example'],
    locked: ['amara.osei@halvorsen-marine.example'],
    pending: ['amara.lindqvist@halvorsen-marine.example'],
  },
  'entra-flag-aadoptscim062020': {
    members: ['pilar.anand@gentian-labs.example', 'tomas.eide@gentian-labs.example'],
    groups: { 'Gentian Readers': ['tomas.eide@gentian-labs.example'] },
    after: {
      s13: { 'Gentian Readers': ['tomas.eide@gentian-labs.example'] },
      s14: { 'Gentian Readers': ['pilar.anand@gentian-labs.example', 'tomas.eide@gentian-labs.example'] },
      s15: { 'Gentian Readers': ['tomas.eide@gentian-labs.example'] },
    },
    tellsMore: ['s13'],
  },
  'entra-group-lifecycle': {
    members: orbital,
    groups: { 'SG-Orbital-Warehouse': [luca] },
    after: {
      s05: { 'SG-Orbital-Warehouse': [luca] },
      s07: { 'SG-Orbital-Warehouse': [marta, luca] },
      s08: { 'SG-Orbital-Warehouse': [marta, luca, ena] },
      s12: { 'SG-Orbital-Warehouse': [marta, ena] },
      s16: { 'SG-Orbital-Warehouse': [marta, ena] },
      s19: { 'SG-Orbital-Warehouse': [marta] },
      s21: { 'SG-Orbital-Warehouse': [] },
    },
    locked: [ena],
    tellsMore: ['s05'],
  },
  'entra-manager-reference': { members: fernhollow },
  'entra-null-and-empty-updates': {
    members: ['greta.solheim@palisade-energy.example', 'jo.young@palisade-energy.example'],
  },
  'entra-pagination-and-schemas': {
    members: pages,
    groups: { 'Meridian Team 1': pages.slice(0, 2) },
  },
  'entra-roles': {
    members: ['idris.vale', 'noor.castell', 'sef.brandt'].map((name) => `${name}@quillfeather.example`),
    admins: ['sef.brandt@quillfeather.example'],
  },
  'errors-contract': {
    members: ['err.one@statuspage.example', 'err.two@statuspage.example'],
    groups: { 'Status Team': [] },
  },
  'google-rippling-probes': {
    members: ['tamsin.boyle@harrowgate.example'],
    locked: ['tamsin.boyle@harrowgate.example'],
  },
  'jumpcloud-activation-probe': {
    members: ['scim.test@barnstable.example', 'olive.penn@barnstable.example'],
    groups: { 'JumpCloud SCIM Test Group': [], 'Barnstable Sales': ['olive.penn@barnstable.example'] },
    after: {
      s05: { 'JumpCloud SCIM Test Group': ['scim.test@barnstable.example'] },
      s07: { 'JumpCloud SCIM Test Group': [] },
      s15: { 'Barnstable Sales': ['olive.penn@barnstable.example'] },
    },
    locked: ['scim.test@barnstable.example'],
  },
  'okta-entitlements-discovery': {
    members: ['wren.okoye@lumenforge.example'],
    admins: ['wren.okoye@lumenforge.example'],
  },
  'okta-group-push': {
    members: tidewater,
    groups: { 'Tidewater Engineers': [ada] },
    after: {
      s06: { 'Tidewater Engineers': [ada] },
      s08: { 'Tidewater Engineers': [ada, ben] },
      s10: { 'Tidewater Engineers': [ben, cleo] },
      s12: { 'Tidewater Engineers': [ben, cleo] },
      s15: { 'Tidewater Engineers': [ada, dov] },
      s18: { 'Tidewater Engineers': [] },
      s21: { 'Tidewater Engineers': [] },
    },
    tellsMore: ['s06'],
  },
  'okta-group-push-aiw-put': {
    members: [lena, marc],
    groups: { 'Brightmoor Finance': [marc] },
    after: {
      s03: { 'Brightmoor Finance': [lena, marc] },
      s05: { 'Brightmoor Finance': [lena, marc] },
      s07: { 'Brightmoor Finance': [marc] },
      s10: { 'Brightmoor Finance': [] },
    },
    tellsMore: ['s03', 's04'],
  },
  'okta-runscope-spec': { members: ['seed.user@example.test', 'spec300hfluaklab151@specsuite.example'] },
  'okta-test-connection-and-import': {
    members: [...copperline, 'otto.lindgren@copperline.example'],
    locked: ['otto.lindgren@copperline.example'],
  },
  'okta-user-lifecycle': { members: ['delphine.marchetti@auric-health.example'] },
  'okta-user-lifecycle-aiw-put': { members: ['hugo.brannigan@stonewharf.example'] },
  // Who was in the group before the bridge is locked, and stays in it.
  'onelogin-user-and-group': {
    members: ['petra.nowak@glasswing.example'],
    groups: { 'Glasswing Animators': ['petra.nowak@glasswing.example'] },
    locked: ['petra.nowak@glasswing.example'],
    tellsMore: ['s06'],
  },
  'ping-put-users-list-groups': {
    members: ['jonas.richter@velmora.example'],
    groups: { [ROLLOUTS]: [] },
    after: {
      s08: { [ROLLOUTS]: ['jonas.richter@velmora.example'] },
      s09: { [ROLLOUTS]: [] },
    },
    locked: ['jonas.richter@velmora.example'],
  },
};
