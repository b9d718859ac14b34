/** What `doctor` finds in the database: tokens, work that is stuck, links, protected members. */
import { readStrangers } from '../app/telemetry.js';
import { cleanText } from '../domain/refusal.js';
import type { LinkTrouble, Millis } from '../domain/types.js';
import { DROPPED } from '../store/ledger.js';
import type { Store, TokenRecord } from '../store/port.js';
import type { Opened } from './context.js';
import { DRY_RUN_UNTIL_ACCEPTED } from './restored.js';
import { fail, ok, warn, type Finding } from './finding.js';
import { count, iso, span } from './output.js';

const DAY = 86_400_000;
const SOON_MS = 30 * DAY;
const STUCK_MS = 600_000;
const MOST_NAMES = 5;
const MOST_REFUSALS = 1_000;

export async function checkTokens(store: Store, now: Millis): Promise<readonly Finding[]> {
  const tokens = (await store.listTokens()).filter(
    ({ revokedAt, expiresAt }) => revokedAt === null && (expiresAt === null || expiresAt > now),
  );
  const clients = tokens.filter(({ kind }) => kind !== 'admin');
  if (clients.length === 0)
    return [fail('Tokens', 'no IdP can sign in: there is no valid token', 'Make one: `token create <label>`.')];
  const used = clients.filter(({ lastUsedAt }) => lastUsedAt !== null);
  const findings = [
    used.length > 0
      ? ok(
          'Tokens',
          `${count(clients.length, 'token')} valid for IdPs; last used ${iso(Math.max(...used.map((token) => token.lastUsedAt ?? 0)))}`,
        )
      : warn('Tokens', 'no IdP has signed in yet', 'Enter URL and token in the IdP, and test the connection there.'),
  ];
  return [
    ...findings,
    ...tokens.filter((token) => isEndingAlone(token, tokens, now)).map((token) => endingSoon(token, now)),
  ];
}

/** A token that was rotated has a successor of the same label: its end is meant. */
function isEndingAlone(token: TokenRecord, all: readonly TokenRecord[], now: Millis): boolean {
  if (token.expiresAt === null || token.expiresAt > now + SOON_MS) return false;
  const end = token.expiresAt;
  return !all.some(
    ({ id, label, kind, expiresAt }) =>
      id !== token.id && label === token.label && kind === token.kind && (expiresAt ?? Infinity) > end,
  );
}

function endingSoon({ label, kind, expiresAt }: TokenRecord, now: Millis): Finding {
  const left = span((expiresAt ?? now) - now);
  return warn('Tokens', `the ${kind} token "${label}" expires in ${left}`, `Rotate it: \`token rotate "${label}"\`.`);
}

export async function checkDirectory(opened: Opened, now: Millis): Promise<readonly Finding[]> {
  const { store } = opened;
  return [
    ...(await checkRestore(store)),
    ...(await checkWork(store, now)),
    ...(await checkAmbiguity(store)),
    ...(await checkRequests(store, now)),
    ...(await checkReading(opened, now)),
    ...(await checkLinks(store)),
    ...(await checkProtected(opened)),
  ];
}

async function checkRestore(store: Store): Promise<readonly Finding[]> {
  const mark = await store.setting(DRY_RUN_UNTIL_ACCEPTED);
  if (mark !== 'true') return [];
  return [
    warn(
      'Restore',
      'the database was restored: nothing is sent before you accept it',
      'Look at `plan`, then run `plan --accept`.',
    ),
  ];
}

async function checkWork(store: Store, now: Millis): Promise<readonly Finding[]> {
  const { ledger, oldestDueAt } = await store.counts();
  const refused = (await store.ledger({ states: ['refused'], limit: 10_000 })).filter(
    ({ retryAt, errorCode }) => retryAt !== null && errorCode !== DROPPED,
  );
  const findings: Finding[] = [];
  if (ledger.held > 0)
    findings.push(
      warn(
        'Held changes',
        `${count(ledger.held, 'change')} held: leavers may still have access`,
        'See `held list`, then `held release` or `held drop`.',
      ),
    );
  if (refused.length > 0)
    findings.push(
      warn(
        'Refused changes',
        `ElevenLabs refused ${count(refused.length, 'change')}`,
        'See `users list --status failed`, then `explain <e-mail>`.',
      ),
    );
  if (ledger.ambiguous > 0)
    findings.push(
      warn(
        'Unclear calls',
        `the answer to ${count(ledger.ambiguous, 'invite')} was lost`,
        'Ask the invitee, or wait for the acceptance; see `trace <e-mail>`.',
      ),
    );
  if (oldestDueAt !== null && now - oldestDueAt > STUCK_MS)
    findings.push(
      warn(
        'Queue',
        `the oldest change has been due for ${span(now - oldestDueAt)}`,
        'Is the server running, and the key good? See the log.',
      ),
    );
  return findings.length === 0 ? [ok('Work', 'nothing is held, refused or stuck')] : findings;
}

async function checkAmbiguity(store: Store): Promise<readonly Finding[]> {
  const { ambiguousMembers } = await store.numbers();
  if (ambiguousMembers === 0) return [];
  return [
    warn(
      'Ambiguous members',
      `${count(ambiguousMembers, 'user')} may be one of several members whose addresses count as one: nothing is given to any of them, and no leaver locked`,
      'See `drift`; leave one in ElevenLabs, or change the address of the others there.',
    ),
  ];
}

/** What IdPs were told within a day, as far as nothing has come right since. */
export async function checkRequests(store: Store, now: Millis): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const strangers = await readStrangers(store);
  if (strangers.lastAt !== null && strangers.lastAt > now - DAY)
    findings.push(
      warn(
        'Requests',
        `${count(strangers.count, 'request')} came without a valid token, the last ${iso(strangers.lastAt)}, and none with one since`,
        'If it is your IdP: enter its token there once more, or make a new one: `token create <label>`.',
      ),
    );
  const refused = await store.refusedRequests({ since: now - DAY, limit: MOST_REFUSALS, standing: true });
  const [last] = refused;
  if (last !== undefined)
    findings.push(
      warn(
        'Requests',
        `${count(refused.length, 'request')} within a day ${refused.length === 1 ? 'was' : 'were'} answered with an error; the last: ${cleanText(last.detail)}`,
        `See \`trace ${last.requestId}\`, and \`explain <e-mail>\` for whom it was about.`,
      ),
    );
  return findings.length === 0 ? [ok('Requests', 'no error within a day that still stands')] : findings;
}

async function checkReading({ store, config }: Opened, now: Millis): Promise<readonly Finding[]> {
  const readAt = await store.membersReadAt();
  const { isServed } = await import('../store/serving-lock.js');
  const remedy = isServed(config.databasePath)
    ? 'A bridge runs, and does not get to read: the check of the API key and the log say why.'
    : 'Start the bridge, or run `sync`.';
  if (readAt === null) return [warn('Reading', 'the workspace has never been read', remedy)];
  const age = now - readAt;
  const text = `the members were last read ${span(age)} ago`;
  const isOld = age > Math.max(3 * config.syncIntervalSeconds * 1000, STUCK_MS);
  return [isOld ? warn('Reading', text, remedy) : ok('Reading', text)];
}

async function checkLinks(store: Store): Promise<readonly Finding[]> {
  const links = (await store.links()).filter(({ managed }) => managed);
  const named = (what: LinkTrouble): readonly string[] =>
    links.filter(({ trouble }) => trouble === what).map(({ displayName }) => `"${displayName}"`);
  const findings: Finding[] = [];
  const put = (names: readonly string[], text: string, remedy: string): void => {
    if (names.length > 0) findings.push(warn('Groups', `${text}: ${some(names)}`, remedy));
  };
  put(
    named('noGroup'),
    'no workspace group of this name, so their members are in no group',
    'Make the group at ElevenLabs (the API cannot), or name an alias in the mapping file, or `groups link`.',
  );
  put(
    named('gone'),
    'their workspace group is no longer there, so their members are in no group',
    '`groups link` another one. Should the same one come up again, it is linked by itself.',
  );
  put(
    named('byHand'),
    'unlinked by hand, so their members are in no group',
    '`groups link` them, where that is wrong.',
  );
  put(
    named('ambiguous'),
    'several workspace groups have this name',
    'Rename one at ElevenLabs, or `groups link` the right one.',
  );
  put(
    named('readOnly'),
    "ElevenLabs' own SCIM manages these groups, so they are not changed",
    'Unassign them in the IdP, or turn that SCIM off.',
  );
  const linked = links.filter(({ linkStatus }) => linkStatus === 'linked').length;
  return findings.length > 0 ? findings : [ok('Groups', `${String(linked)} of ${count(links.length, 'group')} linked`)];
}

const some = (names: readonly string[]): string =>
  names.length <= MOST_NAMES
    ? names.join(', ')
    : `${names.slice(0, MOST_NAMES).join(', ')} and ${String(names.length - MOST_NAMES)} more`;

/** Who is never locked or demoted, whatever the IdP says. */
async function checkProtected({ store, rules }: Opened): Promise<readonly Finding[]> {
  const members = await store.members();
  if (members.length === 0) return [];
  const keyOwner = await store.setting('keyOwner');
  const admins = members.filter(({ seatType, isLocked }) => seatType === 'workspace_admin' && !isLocked);
  const reasons = members.flatMap((member) => {
    if (member.isOwner) return [`${member.email} (owner of the workspace)`];
    if (member.memberId === keyOwner) return [`${member.email} (owner of the API key)`];
    if (rules.neverTouch.has(member.address)) return [`${member.email} (neverTouch)`];
    return admins.length === 1 && admins[0]?.memberId === member.memberId ? [`${member.email} (last admin)`] : [];
  });
  const few =
    admins.length === 1
      ? [
          warn(
            'Admins',
            'there is only one unlocked admin',
            'Make a second person admin: if that one leaves, nobody can lock people.',
          ),
        ]
      : [];
  return [ok('Protected', `never locked or demoted: ${some(reasons)}`), ...few];
}
