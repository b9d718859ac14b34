/** An explanation as text for a terminal or a page; every line stands for itself. */
import type { About, Aspect, Explanation, LedgerFact, Obstacle } from './explanation.js';
import type { LinkTrouble } from './types.js';
import { lookalikesInWords } from './lookalikes.js';
import type { Protection } from './person.js';
import { cleanText } from './refusal.js';
import { formatSecond } from './instant.js';
import { isSettledByReading, unclearInWords } from './unclear-invites.js';

/** More than any error is long: a remedy that is cut off is none. */
const LONGEST_ERROR = 1_000;

/** The whole explanation, one line per item. Times are ISO 8601 in UTC. */
export function renderExplanation({ person, memberId, aspects }: Explanation): string {
  const identity = [
    `${cleanText(person.userName)} (${person.address ?? 'no address'}), user ${person.userId}`,
    memberId === null ? 'no member of the workspace' : `member ${memberId}`,
  ].join(', ');
  return [`${identity}.`, ...aspects.map(renderAspect)].join('\n');
}

/** One item: what is, what should be, which rule says so, what is in the way, and the last call about it. */
export function renderAspect(aspect: Aspect): string {
  const { about, wanted, actual, rule, isSettled, obstacle, last } = aspect;
  const is = actual ?? 'unknown';
  const state = wanted === null ? is : isSettled ? is : `${is}, should be ${wanted}`;
  const mark = isSettled ? 'ok  ' : 'open';
  const parts = [
    `${mark} ${nameOf(about)}: ${state}; rule: ${cleanText(rule)}`,
    obstacle === null ? null : renderObstacle(obstacle),
    last === null ? null : renderLast(last),
  ];
  return `${parts.filter((part) => part !== null).join('; ')}.`;
}

function nameOf(about: About): string {
  switch (about.kind) {
    case 'access':
      return 'access';
    case 'formerAddress':
      return `former address ${about.address}`;
    case 'seat':
      return 'seat';
    case 'group':
      return about.name === null ? `group ${about.groupId}` : `group "${cleanText(about.name)}"`;
    case 'unlinkedGroup':
      return `group "${cleanText(about.name)}"`;
    case 'refusedValue':
      return `refused value of ${cleanText(about.attribute)}`;
    case 'share':
      return about.via === undefined ? `share ${about.resource}` : `share ${about.resource} of ${about.via}`;
  }
}

/** What stands in the way, and what removes it. */
export function renderObstacle(obstacle: Obstacle): string {
  switch (obstacle.kind) {
    case 'unmanaged':
      return 'nothing is changed: no IdP has written this user through /Users, or it was released';
    case 'protected':
      return `nothing is changed: ${PROTECTIONS[obstacle.protection]}`;
    case 'noAddress':
      return 'no invite can be sent: the user has no e-mail address, or one of nobody (.invalid); map one in the IdP';
    case 'notInvited':
      return 'not invited yet';
    case 'invitePending':
      return renderPending(obstacle);
    case 'inviteAmbiguous':
      return renderUnclear(obstacle);
    case 'gone':
      return `the member was removed in ElevenLabs (noticed ${formatSecond(obstacle.since)}); invited again when the IdP turns active off and on`;
    case 'ambiguousMember':
      return lookalikesInWords(obstacle.members);
    case 'lockedByOther':
      return 'locked by hand in ElevenLabs, left so; unlocked when the IdP turns active off and on';
    case 'inactive':
      return 'given when the IdP activates the user again';
    case 'declined':
      return 'not applied: it is lower than the seat found at adoption; applied when the rule changes';
    case 'notOurs':
      return 'given by somebody else, left so';
    case 'unlinked':
      return UNLINKED[obstacle.trouble];
    case 'refused':
      return `refused: ${cleanText(obstacle.error, LONGEST_ERROR)}${obstacle.until === null ? '' : ` Tried again after ${formatSecond(obstacle.until)} or when the IdP writes the user`}`;
    case 'withheld':
      return `${obstacle.note.fate}: ${cleanText(obstacle.note.reason)}`;
    case 'held':
      return 'held: an administrator has to release or drop it';
    case 'refusedValue':
      return `the bridge refused it and took the access away all the same: ${cleanText(obstacle.reason, LONGEST_ERROR)} ${
        obstacle.isRetried
          ? 'It is tried again when the IdP turns active on'
          : 'Send a valid value when the IdP turns active on'
      }`;
    case 'underWay':
      return obstacle.state === 'ambiguous'
        ? 'sent, but the answer was lost; verified at the next reading'
        : obstacle.state === 'sending'
          ? 'being sent now'
          : 'to be sent';
  }
}

const UNLINKED: Readonly<Record<LinkTrouble, string>> = {
  noGroup: 'the workspace has no group of this name: make one at ElevenLabs, or link the group to another one',
  gone: 'its workspace group is no longer there: link the group to another one',
  byHand: 'it was unlinked: link it by hand',
  ambiguous: 'several workspace groups have this name: link the group to the right one',
  readOnly: "ElevenLabs' own SCIM manages the workspace group of this name: nothing is changed in it",
};

function renderUnclear({ invite, againAt }: Extract<Obstacle, { kind: 'inviteAmbiguous' }>): string {
  if (isSettledByReading(invite))
    return 'whether the invite was sent is not known (its answer was lost); the members are read before anything else is sent';
  const again = againAt === null ? null : `at ${formatSecond(againAt)}`;
  return unclearInWords(invite.address, invite.sends, again);
}

function renderPending({ invite, repeatsAt, seatHint }: Extract<Obstacle, { kind: 'invitePending' }>): string {
  const sent = invite.sentAt === null ? 'being sent' : `sent ${formatSecond(invite.sentAt)}`;
  const next = repeatsAt === null ? 'not repeated' : `repeated after ${formatSecond(repeatsAt)}`;
  const waits = `waits until the invite is accepted (number ${String(invite.round)}, ${sent}, ${next})`;
  return seatHint === null ? waits : `${waits}; ${seatHint.replace(/\.$/, '')}`;
}

const PROTECTIONS: Readonly<Record<Protection, string>> = {
  owner: 'the member owns the workspace',
  keyOwner: 'the member owns the API key of the bridge',
  lastAdmin: 'the member is the last unlocked admin',
  neverTouch: 'the address is on the neverTouch list of the mapping file',
};

function renderLast({ change, state, cause, why, createdAt, endedAt }: LedgerFact): string {
  const by = cause === null ? '' : ` by ${cleanText(cause)}`;
  return `last: ${change.kind} ${state} ${formatSecond(endedAt ?? createdAt)}${by} (${cleanText(why)})`;
}
