/**
 * A refusal of ElevenLabs in words for the administrator of an identity provider. That person
 * sees this one text and nothing else of the bridge: it must say what was refused, why, and what
 * to do, and carry the request id that ElevenLabs' support asks for.
 */
import { isGrant, type Change, type SeatType } from './types.js';

/** What a refusal is about, where the answer says so in a recognisable way; null otherwise. */
export type RefusalHint =
  | 'alreadyMember'
  | 'alreadyInvited'
  | 'noSeat'
  | 'badAddress'
  | 'unknownMember'
  | 'unknownGroup'
  | 'unknownResource'
  | 'tooManyPrincipals'
  | 'readOnlyGroup'
  | 'protectedMember'
  | 'domainNotVerified'
  | 'featureNotAvailable';

/** A failed call as far as words need it; `GatewayError` is one. */
export interface Refusal {
  readonly kind: 'transient' | 'refused' | 'alreadySo' | 'keyRejected' | 'scopeMissing';
  readonly hint: RefusalHint | null;
  readonly message: string;
  readonly status: number | null;
  readonly code: string | null;
  readonly requestId: string | null;
}

export interface RefusalWords {
  /** How to call the person: an e-mail address or user name. Changes name members by id only. */
  readonly person?: string;
  /** Name of the workspace group, if the change is about one. */
  readonly group?: string;
  /** The SCIM attribute that asked for the change, and its value as sent. */
  readonly attribute?: string;
  readonly value?: string;
}

const MAX_REASON = 300;
const MAX_NAME = 120;

/** Text from outside, safe in one line of a log, an error or a page: no control characters, limited length. */
export function cleanText(text: string, limit: number = MAX_REASON): string {
  // Cc and Cf (also direction overrides), line and paragraph separators, lone surrogates.
  const line = text
    .slice(0, limit * 8)
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]+/gu, ' ')
    .replace(/\s+/gu, ' ')
    .trim();
  const characters = Array.from(line);
  return characters.length <= limit ? line : `${characters.slice(0, limit - 1).join('')}…`;
}

/** The whole text: what was refused, the reason given, what to do, and the request id. */
export function remedyFor(refusal: Refusal, change: Change, words: RefusalWords = {}): string {
  const cause = attributeText(words);
  const reason = cleanText(refusal.message).replace(/[.\s]+$/u, '');
  const facts = [refusal.status === null ? null : `HTTP ${refusal.status}`, refusal.code].filter(
    (fact) => fact !== null,
  );
  const parts = [
    `${lead(refusal.kind)} to ${describeChange(change, words)}${cause}: ${reason === '' ? 'no reason given' : reason}` +
      `${facts.length === 0 ? '' : ` (${cleanText(facts.join(', '), MAX_NAME)})`}.`,
    advice(refusal, change),
    refusal.requestId === null ? '' : `ElevenLabs request id: ${cleanText(refusal.requestId, MAX_NAME)}.`,
  ];
  return parts.filter((part) => part !== '').join(' ');
}

/** A change as the object of "refused to …" or "would …". */
export function describeChange(change: Change, words: RefusalWords = {}): string {
  const member = 'memberId' in change ? name(words.person ?? `member ${change.memberId}`) : '';
  const group =
    'groupId' in change ? `group ${words.group === undefined ? change.groupId : `"${name(words.group)}"`}` : '';
  switch (change.kind) {
    case 'invite':
      return `invite ${name(change.address)} to ${SEATS[change.seatType]}`;
    case 'revokeInvite':
      return `revoke the invite of ${name(change.address)}`;
    case 'lock':
      return `lock ${member}`;
    case 'unlock':
      return `unlock ${member}`;
    case 'setSeat':
      return `give ${member} ${SEATS[change.seatType]}`;
    case 'addToGroup':
      return `add ${member} to the workspace ${group}`;
    case 'removeFromGroup':
      return `remove ${member} from the workspace ${group}`;
    case 'share':
      return `share ${resourceName(change.resource)} as ${change.role} with ${principalName(change, words)}`;
    case 'unshare':
      return `withdraw ${resourceName(change.resource)} from ${principalName(change, words)}`;
  }
}

const SEATS: Readonly<Record<SeatType, string>> = {
  workspace_admin: 'an admin seat (workspace_admin)',
  workspace_member: 'a full seat (workspace_member)',
  workspace_lite_member: 'a basic seat (workspace_lite_member)',
};

function lead(kind: Refusal['kind']): string {
  switch (kind) {
    case 'transient':
      return 'ElevenLabs could not be asked';
    case 'keyRejected':
    case 'scopeMissing':
      return "The bridge's ElevenLabs API key is not allowed";
    case 'refused':
    case 'alreadySo':
      return 'ElevenLabs refused';
  }
}

/** What to do about it. Names a person to turn to where the IdP's administrator cannot help. */
function advice(refusal: Refusal, change: Change): string {
  switch (refusal.kind) {
    case 'transient':
      return 'The bridge tries again by itself; nothing needs to be done.';
    case 'keyRejected':
      return 'Ask the operator of the bridge to replace the ElevenLabs API key; then send the request again.';
    case 'scopeMissing':
      return `Ask the operator of the bridge to give the ElevenLabs API key ${permissionFor(change)}; then send the request again.`;
    case 'refused':
    case 'alreadySo':
      return refusal.hint === null ? adviceByChange(change) : adviceByHint(refusal.hint);
  }
}

function adviceByHint(hint: RefusalHint): string {
  switch (hint) {
    case 'noSeat':
      return 'Free a seat (disable somebody, or choose a lower seat type) or buy seats in the ElevenLabs workspace settings, then send the request again.';
    case 'badAddress':
      return 'Correct the e-mail address in the directory, or map another attribute to emails, then send the request again.';
    case 'alreadyMember':
      return 'The person is in the workspace already; the bridge adopts the member at its next reading. If it does not, the address in the workspace differs from the one sent.';
    case 'alreadyInvited':
      return 'An invite for this address is open that the bridge did not send. Ask a workspace admin to delete it in the ElevenLabs workspace settings, then send the request again.';
    case 'unknownMember':
      return 'The person is not (or no longer) a member of the workspace under this address. Ask a workspace admin to check the member list, then send the request again.';
    case 'unknownGroup':
      return 'The workspace group was deleted. Ask a workspace admin to create it again, or link the SCIM group to another one.';
    case 'unknownResource':
      return 'Check resource type and id of the share: the resource does not exist, or the owner of the API key cannot see it.';
    case 'tooManyPrincipals':
      return 'Share the resource with a workspace group instead of single people (link the group of the IdP to it), or withdraw shares that are no longer needed in ElevenLabs.';
    case 'readOnlyGroup':
      return "ElevenLabs' own SCIM manages this group. Take the group out of that, or link the SCIM group to another workspace group.";
    case 'protectedMember':
      return 'This person owns the workspace or the resource, or is its last admin. Take the person out of the provisioning scope, or transfer the ownership in ElevenLabs first.';
    case 'domainNotVerified':
      return 'Verify the domain of the address in the ElevenLabs workspace settings, or take it off the list of verified domains of the bridge.';
    case 'featureNotAvailable':
      return 'The plan of the ElevenLabs workspace does not include this. Upgrade the plan, or remove the value in the directory.';
  }
}

/** Where the answer did not say what it is about. */
function adviceByChange(change: Change): string {
  switch (change.kind) {
    case 'invite':
      return 'Check the address, and that a seat of this type is free in the ElevenLabs workspace settings, then send the request again.';
    case 'unlock':
      return 'Check that a seat is free in the ElevenLabs workspace settings, then send the request again.';
    case 'setSeat':
      return isGrant(change)
        ? 'Check that a seat of this type is free in the ElevenLabs workspace settings, then send the request again.'
        : 'Ask a workspace admin to change the seat in the ElevenLabs workspace settings.';
    case 'lock':
    case 'revokeInvite':
      return 'Ask a workspace admin to withdraw the access in the ElevenLabs workspace settings.';
    case 'addToGroup':
    case 'removeFromGroup':
      return 'Ask a workspace admin to check the group in the ElevenLabs workspace settings.';
    case 'share':
    case 'unshare':
      return 'Check resource type, id and role, and that the owner of the API key administers the resource.';
  }
}

/** API key permissions by call (docs/api-limits.md). */
function permissionFor(change: Change): string {
  switch (change.kind) {
    case 'invite':
      return 'the permission workspace_members_invite';
    case 'revokeInvite':
      return 'the permissions workspace_write and workspace_members_invite';
    case 'lock':
    case 'unlock':
    case 'setSeat':
      return 'the permission workspace_write, and its owner the role of a workspace admin';
    case 'addToGroup':
    case 'removeFromGroup':
      return 'the permission group_members_manage';
    case 'share':
    case 'unshare':
      return 'the permission workspace_write, and its owner admin access to the resource';
  }
}

function attributeText(words: RefusalWords): string {
  if (words.attribute === undefined) return '';
  const value = words.value === undefined ? '' : ` "${name(words.value)}"`;
  return ` (asked for by ${name(words.attribute)}${value})`;
}

function resourceName(resource: { readonly type: string; readonly id: string }): string {
  return name(`${resource.type}:${resource.id}`);
}

function principalName(change: Extract<Change, { kind: 'share' | 'unshare' }>, words: RefusalWords): string {
  switch (change.principal.kind) {
    case 'member':
      return name(words.person ?? `member ${change.principal.memberId}`);
    case 'group':
      return `the workspace group ${words.group === undefined ? change.principal.groupId : `"${name(words.group)}"`}`;
    case 'default':
      return 'all members';
    case 'key':
      return `API key ${name(change.principal.keyId)}`;
  }
}

const name = (text: string): string => cleanText(text, MAX_NAME);
