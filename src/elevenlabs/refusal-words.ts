/**
 * What an error body says in words. Most codes of the workspace endpoints are not published, so
 * code and message are searched for what they are likely to say. A miss is harmless: consumers
 * look at the workspace itself, the hint only improves the text that people read.
 */
import type { RefusalHint } from '../domain/refusal.js';
import type { ErrorBody } from './error-body.js';
import type { GatewayMethod } from './port.js';

const PERSON = '(?:user|member|invitee|account|e-?mail(?: address)?|person)';
const MISSING = "(?:not found|does not exist|doesn't exist|do not exist|not exist|unknown|no such|not a valid)";

const BY_CODE: ReadonlyMap<string, RefusalHint> = new Map<string, RefusalHint>([
  ['user_not_found', 'unknownMember'],
  ['auth_account_not_found', 'unknownMember'],
  ['member_not_found', 'unknownMember'],
  ['user_not_in_workspace', 'unknownMember'],
  ['group_not_found', 'unknownGroup'],
  ['resource_not_found', 'unknownResource'],
  ['too_many_principals', 'tooManyPrincipals'],
  ['no_seats_available', 'noSeat'],
  ['domain_not_verified', 'domainNotVerified'],
  ['group_managed_by_scim', 'readOnlyGroup'],
  ['feature_not_available', 'featureNotAvailable'],
  ['subscription_required', 'featureNotAvailable'],
  ['invalid_subscription', 'featureNotAvailable'],
  ['payment_required', 'featureNotAvailable'],
  ['invalid_email', 'badAddress'],
  ['invalid_email_address', 'badAddress'],
]);

const WORDS: readonly (readonly [RefusalHint, RegExp])[] = [
  [
    'noSeat',
    /\b(no|not enough|insufficient|all|maximum|limit|exceed\w*|reached|run out|out of|full)\b.{0,60}\bseats?\b(?!.?type)|\bseats?\b(?!.?type).{0,60}\b(available|limit|exceed\w*|reached|full|taken|left|remaining)\b/,
  ],
  [
    'tooManyPrincipals',
    /\b(too many|at most|maximum|limit)\b.{0,40}\bprincipals?\b|\bprincipals?\b.{0,40}\b(limit|exceed\w*|reached)\b/,
  ],
  ['domainNotVerified', /\bdomains?\b.{0,60}\bverif|\b(un|not )verified\b.{0,30}\bdomains?\b|\bverified domains?\b/],
  ['readOnlyGroup', /\bgroups?\b.{0,60}\b(scim|frozen|synced|managed by|externally managed|read.?only)\b/],
  ['protectedMember', /\b(owner|creator|created the resource|last (workspace )?admin)\b/],
  ['unknownGroup', new RegExp(`\\bgroups?\\b.{0,40}\\b${MISSING}|\\b${MISSING}.{0,20}\\bgroup\\b`)],
  ['unknownResource', new RegExp(`\\bresources?\\b.{0,40}\\b${MISSING}|\\b${MISSING}.{0,20}\\bresource\\b`)],
  [
    'badAddress',
    /\b(invalid|malformed|not (a )?valid|bad|valid)\b.{0,20}\be-?mail\b|\be-?mail\b.{0,30}\b(invalid|malformed|not valid|is not an?)\b/,
  ],
  [
    'unknownMember',
    new RegExp(
      `\\b${PERSON}\\b.{0,40}\\b(?:${MISSING}|not (?:a |an )?(?:part|member)|not in|isn't in|must be (?:a |an )?member)|\\b${MISSING}.{0,20}\\b${PERSON}\\b`,
    ),
  ],
  ['featureNotAvailable', /\b(plan|tier|subscription|enterprise)\b/],
];

/** The end that was wanted, by call: what the words for "already there" look like. */
const ALREADY_MEMBER =
  /\balready\b.{0,40}\b(in|part of|belongs? to|(a )?member of|joined)\b.{0,20}\b(the |this |your )?workspace\b|\balready (a |an )?(workspace )?member\b|\bexists in (the |this )?workspace\b/;
const ALREADY_INVITED =
  /\balready\b.{0,20}\b(been )?(invited|an? (pending )?invit)|\b(pending|open|outstanding|existing) invit\w*.{0,30}\b(exists|already)\b|\binvit\w* already\b|\balready (has|have) an? .{0,20}invit/;
const ALREADY_IN_GROUP =
  /\balready\b.{0,40}\b(in|part of|(a )?member of|added to|belongs? to)\b.{0,30}\bgroup\b|\balready (a )?member\b/;
const NOT_IN_GROUP = /\b(not|isn't)\b.{0,20}\b(in|part of|(a )?member of|belong to)\b.{0,30}\bgroup\b/;
const NO_INVITE =
  /\b(no|not find)\b.{0,30}\binvit|\binvit\w*\b.{0,40}\b(not found|does not exist|doesn't exist|already (been )?(deleted|revoked|invalidated))\b/;
const NO_SHARE = /\b(not|never|isn't)\b.{0,20}\bshared with\b|\balready (been )?(unshared|removed)\b/;

/** Says that the wanted end is there already: its hint (may be null), or false. */
export function alreadySoHint(body: ErrorBody, method: GatewayMethod): RefusalHint | null | false {
  const words = wordsOf(body);
  switch (method) {
    case 'invite':
      if (ALREADY_MEMBER.test(words)) return 'alreadyMember';
      return ALREADY_INVITED.test(words) ? 'alreadyInvited' : false;
    case 'revokeInvite':
      return NO_INVITE.test(words) ? null : false;
    case 'setLocked':
      return /\balready (un)?locked\b/.test(words) ? null : false;
    case 'setSeat':
      return /\balready (has|have|on|assigned)\b.{0,40}\bseat\b/.test(words) ? null : false;
    case 'addToGroup':
      return ALREADY_IN_GROUP.test(words) ? null : false;
    case 'removeFromGroup':
      return NOT_IN_GROUP.test(words) ? null : false;
    case 'share':
      return /\balready\b.{0,30}\b(shared|has (this )?(access|role))\b/.test(words) ? null : false;
    case 'unshare':
      return NO_SHARE.test(words) ? null : false;
    // One address of many says nothing of the others.
    case 'inviteMany':
    case 'identity':
    case 'listMembers':
    case 'listGroups':
    case 'searchGroups':
    case 'getResource':
      return false;
  }
}

/** What a refusal is about; null if it does not say. */
export function hintFor(body: ErrorBody, status: number, method: GatewayMethod): RefusalHint | null {
  const known = body.code === null ? undefined : BY_CODE.get(body.code);
  if (known !== undefined) return known;
  if (method === 'inviteMany') {
    if (ALREADY_MEMBER.test(wordsOf(body))) return 'alreadyMember';
    if (ALREADY_INVITED.test(wordsOf(body))) return 'alreadyInvited';
  }
  const words = wordsOf(body);
  const found = WORDS.find(([hint, pattern]) => pattern.test(words) && fits(hint, method));
  if (found !== undefined) return found[0];
  if (body.param === 'email' || body.param === 'emails' || body.param === 'user_email') return 'badAddress';
  return status === 402 ? 'featureNotAvailable' : null;
}

/** Words about groups or resources in the answer to a call that has none are about something else. */
function fits(hint: RefusalHint, method: GatewayMethod): boolean {
  switch (hint) {
    case 'unknownResource':
    case 'tooManyPrincipals':
      return ['share', 'unshare', 'getResource'].includes(method);
    case 'noSeat':
      return ['invite', 'inviteMany', 'setLocked', 'setSeat'].includes(method);
    default:
      return true;
  }
}

/**
 * Code and message as one lower-case line. Addresses and quoted names are taken out first: a group
 * called "No seats" or a person called owner@… must not decide anything.
 */
function wordsOf(body: ErrorBody): string {
  const message = (body.message ?? '')
    .slice(0, 500)
    .replace(/\S+@\S+/gu, ' ')
    .replace(/"[^"]*"|'[^']{0,80}'(?![a-z])|`[^`]*`/gu, ' ');
  const code = (body.code ?? '').replace(/[_-]+/gu, ' ');
  return `${code}: ${message}`.toLowerCase().replace(/’/gu, "'").replace(/\s+/gu, ' ');
}
