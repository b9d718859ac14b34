/**
 * From the SDK's shapes to the bridge's. An answer that makes no sense is not believed: it throws
 * an error named like the SDK's own schema errors, and is classified like them.
 */
import type { ElevenLabs } from '@elevenlabs/elevenlabs-js';
import { foldAddress } from '../domain/fold.js';
import { idIn, type IdsByAddress } from '../domain/lookalikes.js';
import {
  SEAT_TYPES,
  type MemberId,
  type ResourceRef,
  type SeatType,
  type WorkspaceGroup,
  type WorkspaceGroupId,
  type WorkspaceMember,
} from '../domain/types.js';
import { isRecord } from './error-body.js';
import type { KeyIdentity, ResourceMetadata } from './port.js';

/** An answer that no correct server gives. */
export function senseless(what: string): Error {
  return Object.assign(new Error(what), { name: 'ParseError' });
}

/** Each member once, in the order of the answer. */
export function toMembers(list: readonly ElevenLabs.WorkspaceMemberResponseModel[]): readonly WorkspaceMember[] {
  const members = new Map<string, WorkspaceMember>();
  for (const entry of list) {
    if (entry.userId === '') throw senseless('a member without an id');
    if (members.has(entry.userId)) continue;
    members.set(entry.userId, {
      memberId: entry.userId as MemberId,
      email: entry.email,
      address: foldAddress(entry.email),
      firstName: entry.firstName ?? null,
      seatType: toSeatType(entry.seatType),
      isOwner: entry.isOwner,
      isLocked: entry.isLocked,
    });
  }
  return [...members.values()];
}

/** A seat type that a later API version brings is null: it is never touched, except by a rule. */
function toSeatType(seat: string | undefined): SeatType | null {
  return SEAT_TYPES.find((known) => known === seat) ?? null;
}

/**
 * The API answers with an object; what its keys are is not documented, so each group's own id
 * counts. `members` are ids; should they be e-mail addresses, they are resolved by the last member
 * list, and stay addresses where that does not know them.
 */
export function toGroups(
  record: Readonly<Record<string, ElevenLabs.WorkspaceGroupResponseModel>>,
  known: IdsByAddress,
): readonly WorkspaceGroup[] {
  const groups = new Map<string, WorkspaceGroup>();
  for (const entry of Object.values(record)) {
    if (entry.id === '') throw senseless('a group without an id');
    const before = groups.get(entry.id);
    const ids = entry.members.map((member) => toMemberId(member, known));
    groups.set(entry.id, {
      groupId: entry.id as WorkspaceGroupId,
      name: entry.name,
      memberIds: [...new Set([...(before?.memberIds ?? []), ...ids])],
      readOnly: (before?.readOnly ?? false) || entry.isScimSynced === true || entry.scimFrozen === true,
    });
  }
  return [...groups.values()];
}

function toMemberId(member: string, known: IdsByAddress): MemberId {
  if (!member.includes('@')) return member as MemberId;
  return idIn(known, member) ?? (foldAddress(member) as string as MemberId);
}

export interface FoundGroup {
  readonly groupId: WorkspaceGroupId;
  readonly name: string;
  readonly memberEmails: readonly string[];
}

export function toFoundGroups(list: readonly ElevenLabs.WorkspaceGroupByNameResponseModel[]): readonly FoundGroup[] {
  const groups = new Map<string, FoundGroup>();
  for (const entry of list) {
    if (entry.id === '') throw senseless('a group without an id');
    groups.set(entry.id, {
      groupId: entry.id as WorkspaceGroupId,
      name: entry.name,
      memberEmails: [...new Set(entry.membersEmails)],
    });
  }
  return [...groups.values()];
}

export function toIdentity(user: ElevenLabs.User, serverTime: number | null): KeyIdentity {
  if (user.userId === '') throw senseless('a user without an id');
  return {
    workspaceId: user.workspaceId === '' ? null : user.workspaceId,
    userId: user.userId as MemberId,
    seatType: user.seatType,
    serverTime,
  };
}

/**
 * GET /v1/user carries the whole subscription, of which the SDK demands every field. A change there
 * must not keep the bridge from starting: the three fields it needs are read from the raw answer.
 */
export function identityFromRaw(body: Uint8Array, serverTime: number | null): KeyIdentity | null {
  let user: unknown;
  try {
    user = JSON.parse(new TextDecoder().decode(body));
  } catch {
    return null;
  }
  if (!isRecord(user)) return null;
  const text = (key: string): string | null => {
    const value = user[key];
    return typeof value === 'string' && value !== '' ? value : null;
  };
  const userId = text('user_id');
  if (userId === null) return null;
  return { userId: userId as MemberId, workspaceId: text('workspace_id'), seatType: text('seat_type'), serverTime };
}

/** Turns "slot -> principals" round. `ref` is what was asked for. */
export function toResource(ref: ResourceRef, model: ElevenLabs.ResourceMetadataResponseModel): ResourceMetadata {
  if (model.resourceId !== ref.id) throw senseless('the answer is about another resource');
  const roles = new Map<string, string[]>();
  for (const [slot, principals] of Object.entries(model.roleToGroupIds)) {
    for (const principal of new Set(principals)) roles.set(principal, [...(roles.get(principal) ?? []), slot]);
  }
  return {
    resource: ref,
    name: model.resourceName ?? null,
    creator: (model.creatorUserId ?? null) as MemberId | null,
    roles,
  };
}
