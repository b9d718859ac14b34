/**
 * What a failed call means. A refusal is never taken at its word: one reading, shared by all who
 * were refused meanwhile, shows whether the end is there. Hints of the error only save calls.
 *
 * | answer                           | change        | verdict                                              |
 * |----------------------------------|---------------|------------------------------------------------------|
 * | key rejected                     | any           | transient; the engine stops calling                  |
 * | permission missing               | any           | refused; the remedy names the permission             |
 * | transient, may have been applied | invite        | ambiguous                                            |
 * | transient                        | any           | transient                                            |
 * | 4xx or 500                       | revokeInvite  | a member now: done (the plan locks); one retry; done |
 * | refused, the end is there        | any           | done                                                 |
 * | refused, no reading to be had    | any           | transient                                            |
 * | refused, sent before             | invite        | done if "already invited", else ambiguous            |
 * | "already invited", not sent by us| invite        | revokeInvite once, then invite again; else refused   |
 * | refused, as if there were nobody | a try         | not yet a member (domain/unlisted.ts)                |
 * | refused                          | any           | refused                                              |
 */
import { isEffective } from '../domain/effect.js';
import type { Person } from '../domain/person.js';
import { principalKey, type Address, type Change } from '../domain/types.js';
import { isTry } from '../domain/unlisted.js';
import type { GatewayError } from '../elevenlabs/port.js';
import type { Engine } from './engine.js';
import { isShareChange } from './prepare-share.js';
import { VERIFY, type Part } from './read-workspace.js';
import { GROUPS, MEMBERS } from './readings.js';

export type Verdict =
  | { readonly kind: 'done' }
  | { readonly kind: 'transient'; /** Once more at once: no fault of the connection. */ readonly again: boolean }
  | { readonly kind: 'ambiguous' }
  | { readonly kind: 'refused' }
  /** It was tried whether the invitee is a member by now. */
  | { readonly kind: 'notYet' }
  /** An invite that somebody else sent is in the way. */
  | { readonly kind: 'replaceInvite'; readonly address: Address };

/** A sent change that was answered with an error, or not at all. */
export interface FailedCall {
  readonly change: Change;
  readonly error: GatewayError;
  /** Attempts of this ledger row, this one included. */
  readonly attempts: number;
  /** The person as planned with; null for the shares of a group. */
  readonly person: Person | null;
  /** Addresses whose foreign invite this run has revoked already. */
  readonly replaced: ReadonlySet<Address>;
}

const TRANSIENT: Verdict = { kind: 'transient', again: false };

export async function judgeFailure(call: FailedCall, engine: Engine): Promise<Verdict> {
  const { change, error } = call;
  if (isTry(change, call.person) && isNobodyThere(error)) return { kind: 'notYet' };
  switch (error.kind) {
    case 'keyRejected':
      engine.onKeyRejected(error);
      return TRANSIENT;
    case 'scopeMissing':
      return { kind: 'refused' };
    case 'transient':
      if (change.kind === 'revokeInvite' && error.status === 500) return judgeRevoke(call, engine);
      return change.kind === 'invite' && error.maybeApplied ? { kind: 'ambiguous' } : TRANSIENT;
    case 'refused':
    case 'alreadySo':
      return change.kind === 'revokeInvite' ? judgeRevoke(call, engine) : judgeRefusal(call, engine);
  }
}

/** Which status and code a call about somebody who is no member gets is not documented. */
function isNobodyThere({ kind, status, hint }: GatewayError): boolean {
  if (kind === 'transient') return status === 500;
  return kind === 'refused' && (hint === null || hint === 'unknownMember' || hint === 'badAddress');
}

/** ElevenLabs answers 500 where there is no such invite, so an error proves nothing about access. */
async function judgeRevoke(call: FailedCall, engine: Engine): Promise<Verdict> {
  if (call.attempts >= 2) return { kind: 'done' };
  const part = await read('members', engine);
  if (part.kind === 'failed' || part.kind === 'doubted') return TRANSIENT;
  const after = call.person === null ? null : await engine.store.person(call.person.userId);
  // Accepted meanwhile: there is nothing left to revoke, and the next plan locks the member.
  if (part.kind === 'applied' && after !== null && (after.member !== null || after.formerAccounts.length > 0))
    return { kind: 'done' };
  return { kind: 'transient', again: true };
}

async function judgeRefusal(call: FailedCall, engine: Engine): Promise<Verdict> {
  const { change, error, person } = call;
  if (isShareChange(change)) return judgeShare(call, engine);
  const isGroupChange = change.kind === 'addToGroup' || change.kind === 'removeFromGroup';
  const part = await read(isGroupChange ? 'groups' : 'members', engine);
  switch (part.kind) {
    case 'failed':
      if (part.error.kind === 'keyRejected') engine.onKeyRejected(part.error);
      return TRANSIENT;
    case 'doubted':
      return TRANSIENT;
    case 'blind':
      // Nothing can be verified: the answer has to do.
      if (change.kind !== 'invite') return error.kind === 'alreadySo' ? { kind: 'done' } : { kind: 'refused' };
      if (error.hint === 'alreadyMember') return { kind: 'done' };
      break;
    case 'applied': {
      const after = person === null ? null : await engine.store.person(person.userId);
      if (after !== null && isEffective(change, after) === true) return { kind: 'done' };
      break;
    }
  }
  return change.kind === 'invite' ? judgeInvite(change.address, call) : { kind: 'refused' };
}

/** An invite was refused, and the address is not a member's. */
function judgeInvite(address: Address, { error, person, replaced }: FailedCall): Verdict {
  const wasSent = person?.invite?.state === 'ambiguous' && person.invite.sends > 0;
  const isInvited = error.hint === 'alreadyInvited' || error.kind === 'alreadySo';
  if (wasSent) return isInvited ? { kind: 'done' } : { kind: 'ambiguous' };
  if (isInvited && error.hint !== 'alreadyMember' && !replaced.has(address)) return { kind: 'replaceInvite', address };
  return { kind: 'refused' };
}

/** The caller of the failed call still holds the lock of the resource. */
async function judgeShare({ change }: FailedCall, engine: Engine): Promise<Verdict> {
  if (!isShareChange(change)) return { kind: 'refused' };
  const { resource } = change;
  const state = await engine.resources.read(resource, { cause: VERIFY, except: null });
  switch (state.kind) {
    case 'failed':
      return TRANSIENT;
    case 'missing':
      // Nobody holds anything on what does not exist.
      return { kind: change.kind === 'unshare' ? 'done' : 'refused' };
    case 'unreadable':
      return { kind: 'refused' };
    case 'read': {
      const held = (await engine.store.resource(resource))?.holders.get(principalKey(change.principal));
      const isSo = change.kind === 'share' ? held === change.role : held === undefined;
      return { kind: isSo ? 'done' : 'refused' };
    }
  }
}

async function read(what: 'members' | 'groups', engine: Engine): Promise<Part> {
  const result = await engine.readings.read(what === 'members' ? MEMBERS : GROUPS, VERIFY);
  const part = result[what];
  if (part === null) throw new Error(`a reading of ${what} was asked for and not made`);
  return part;
}
