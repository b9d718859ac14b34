/**
 * Why a user has, or lacks, what it has: for access, seat, every group and every share which rule
 * or IdP write asked for it, what the workspace has, and what stands between the two.
 *
 * A pure reading of the same data that the planner plans from: what it calls missing is exactly
 * what `planPerson` would change, were nothing refused or held.
 */
import type {
  LedgerFact,
  ExplainInput,
  UnlinkedGroup,
  StandingShare,
  Obstacle,
  About,
  Aspect,
  Explanation,
} from './explanation.js';
import { inTheWay } from './lookalikes.js';
import type { Person } from './person.js';
import { isOpen, MAX_INVITE_ROUNDS, planPerson, wantedSeat, type PlannedChange } from './plan.js';
import { overbooking } from './policies/seat-budget.js';
import { cleanText } from './refusal.js';
import { resourceKey } from './shares.js';
import type { RefusedValue } from './withdrawal.js';
import {
  changeKey,
  type Address,
  type Change,
  type Json,
  type MemberId,
  type SeatType,
  type WorkspaceGroupId,
  type WorkspaceMember,
} from './types.js';
import { unclearLeftMs } from './unclear-invites.js';

/** Explains one user. */
export function explain(input: ExplainInput): Explanation {
  const { person } = input;
  const { userId, userName, address, desired, managed, protection } = person;
  const pending = pendingChanges(input);
  return {
    person: { userId, userName, address, desired, managed, protection },
    memberId: person.member?.memberId ?? null,
    aspects: [
      explainAccess(input, pending),
      ...formerAddresses(person).map((former) => explainFormer(former, input, pending)),
      explainSeat(input, pending),
      ...groupIds(person).map((groupId) => explainGroup(groupId, input, pending)),
      ...(desired === 'active' ? (input.unlinked ?? []) : []).map(explainUnlinked),
      ...resources(person).map((resource) => explainShare(resource, input, pending)),
      ...(input.standing ?? []).map(explainStanding),
      ...(person.refusedValues ?? []).map(explainRefused),
    ],
  };
}

/** What would be changed, were nothing refused. Nothing for the unmanaged and protected. */
function pendingChanges({ person, rules, now }: ExplainInput): readonly PlannedChange[] {
  return planPerson({ ...person, refused: new Map() }, rules, now).changes;
}

type Pending = readonly PlannedChange[];

function explainAccess(input: ExplainInput, pending: Pending): Aspect {
  const { person } = input;
  const about: About = { kind: 'access' };
  const own = find(pending, (change) => isAccess(change, person));
  const wanted = person.managed ? (person.desired === 'active' ? 'member' : 'none') : null;
  const actual = accessOf(person);
  const obstacle = own === null ? restingAccess(input) : obstacleTo(own, input);
  const isSettled =
    own === null && (wanted === null || wanted === actual || (wanted === 'none' && actual === 'locked'));
  return {
    about,
    wanted,
    actual,
    rule: accessRule(person),
    isSettled,
    obstacle,
    last: lastOf(input, (change) => isAccess(change, person)),
  };
}

function accessRule({ desired, managed }: Person): string {
  if (!managed) return 'no IdP has written the user';
  switch (desired) {
    case 'active':
      return 'the IdP wrote the user with active = true';
    case 'inactive':
      return 'the IdP wrote active = false';
    case 'deleted':
      return 'the IdP deleted the user';
  }
}

function accessOf(person: Person): string | null {
  const { member, invite } = person;
  if (member === null && inTheWay(person).length > 0) return null;
  if (member !== null) return member.isLocked ? 'locked' : 'member';
  return invite !== null && isOpen(invite) ? 'invited' : 'none';
}

/** Why nothing is to be done about the access although it is not as wanted; null = it is as wanted. */
function restingAccess(input: ExplainInput): Obstacle | null {
  const { person } = input;
  const general = generalObstacle(person);
  if (general !== null) return general;
  if (person.desired !== 'active') return null;
  if (person.member !== null) return person.member.isLocked ? { kind: 'lockedByOther' } : null;
  const obstacle = absence(input);
  return obstacle.kind === 'invitePending'
    ? { ...obstacle, seatHint: seatHintFor(obstacle.invite.seatType, input) }
    : obstacle;
}

function seatHintFor(seat: SeatType, { seats, rules: { seatLimits } }: ExplainInput): string | null {
  if (seats === undefined) return null;
  if (seatLimits.full === null) return 'a seat has to be free then, which is known only with SEAT_LIMITS.';
  return overbooking(seat, seats, seatLimits);
}

/** Why an active user is no member. */
function absence({ person, rules, now }: ExplainInput): Obstacle {
  const { invite } = person;
  if (person.address === null) return { kind: 'noAddress' };
  const members = inTheWay(person);
  if (members.length > 0) return { kind: 'ambiguousMember', members };
  if (invite?.state === 'ambiguous') {
    const left = unclearLeftMs(invite);
    return { kind: 'inviteAmbiguous', invite, againAt: left === null ? null : now + left };
  }
  if (invite !== null && isOpen(invite)) {
    const { ageMs, round } = invite;
    const repeats = round < MAX_INVITE_ROUNDS && ageMs !== null;
    return {
      kind: 'invitePending',
      invite,
      repeatsAt: repeats ? now + rules.inviteTtlDays * 86_400_000 - ageMs : null,
      seatHint: null,
    };
  }
  if (person.removedAt !== null) return { kind: 'gone', since: person.removedAt };
  return { kind: 'notInvited' };
}

function explainRefused({ attribute, wanted, reason }: RefusedValue): Aspect {
  return {
    about: { kind: 'refusedValue', attribute },
    wanted: wanted === undefined ? null : wanted === null ? 'none' : shortText(wanted),
    actual: null,
    rule: 'the IdP wrote it together with active = false',
    isSettled: false,
    obstacle: { kind: 'refusedValue', reason, isRetried: wanted !== undefined },
    last: null,
  };
}

function shortText(value: Json): string {
  return cleanText(typeof value === 'string' ? value : JSON.stringify(value), 120);
}

interface Former {
  readonly address: Address;
  readonly actual: string;
  readonly isAbout: (change: Change) => boolean;
}

/** Addresses of this user that must have no access. */
function formerAddresses(person: Person): readonly Former[] {
  return [
    ...withdrawn(person).map(({ address, memberId, isLocked }) => ({
      address,
      actual: isLocked ? 'locked' : 'member',
      isAbout: (change: Change) => change.kind === 'lock' && change.memberId === memberId,
    })),
    ...person.staleInvites.map(({ address }) => ({
      address,
      actual: 'invited',
      isAbout: (change: Change) => change.kind === 'revokeInvite' && change.address === address,
    })),
  ];
}

/** Members who are to have no access, and are not the account that the user has or is looked for by. */
function withdrawn({ member, address, formerAccounts, lookalikes }: Person): readonly WorkspaceMember[] {
  const others = lookalikes.filter((one) => member !== null || one.member.address !== address);
  return [...formerAccounts, ...others].map((one) => one.member);
}

function explainFormer({ address, actual, isAbout }: Former, input: ExplainInput, pending: Pending): Aspect {
  const own = find(pending, isAbout);
  return {
    about: { kind: 'formerAddress', address },
    wanted: 'none',
    actual,
    rule: own?.why ?? 'access by this address was withdrawn',
    isSettled: own === null && actual === 'locked',
    obstacle: own !== null ? obstacleTo(own, input) : generalObstacle(input.person),
    last: lastOf(input, isAbout),
  };
}

function explainSeat(input: ExplainInput, pending: Pending): Aspect {
  const { person, rules } = input;
  const decision = wantedSeat(person);
  const declined = person.seat !== null && person.seat.seatType === person.seatDeclined;
  const own = find(pending, (change) => change.kind === 'setSeat');
  const actual = person.member === null ? null : person.member.seatType;
  const common = { about: { kind: 'seat' } as const, actual, last: lastOf(input, isSeat) };
  if (declined) {
    return { ...common, wanted: null, rule: person.seat.rule, isSettled: true, obstacle: { kind: 'declined' } };
  }
  const isNew = person.member === null && person.desired === 'active' && person.managed;
  const wanted: SeatType | null = decision?.seatType ?? (isNew ? rules.defaultSeat : null);
  const rule =
    decision?.rule ?? (isNew ? 'no rule; DEFAULT_SEAT_TYPE for the invite' : 'no rule; the seat found stays');
  const isSettled = own === null && (wanted === null || wanted === actual);
  const obstacle = isSettled ? null : own === null ? unplanned(input) : obstacleTo(own, input);
  return { ...common, wanted, rule, isSettled, obstacle };
}

function explainGroup(groupId: WorkspaceGroupId, input: ExplainInput, pending: Pending): Aspect {
  const { person } = input;
  const name = person.groups.get(groupId);
  const own = find(pending, (change) => isGroup(change, groupId));
  const isIn = person.memberGroups.has(groupId);
  const wanted = name === undefined ? (own === null ? null : 'none') : 'member';
  const isSettled = own === null && (wanted === null || isIn);
  return {
    about: { kind: 'group', groupId, name: input.groupName(groupId) },
    wanted,
    actual: person.member === null ? null : isIn ? 'member' : 'none',
    rule: name === undefined ? (own?.why ?? unwantedGroup(person.foundGroups.get(groupId))) : `member of "${name}"`,
    isSettled,
    obstacle:
      own !== null
        ? obstacleTo(own, input)
        : !isSettled
          ? unplannedGroup(input)
          : wanted === null
            ? { kind: 'notOurs' }
            : null,
    last: lastOf(input, (change) => isGroup(change, groupId)),
  };
}

/** `name`: the SCIM group that shows the person because of what was found in the workspace. */
function unwantedGroup(name: string | undefined): string {
  if (name === undefined) return 'no group of the IdP gives this';
  return `put there by hand; "${name}" gives nothing until the IdP has written this membership`;
}

function explainUnlinked({ name, trouble }: UnlinkedGroup): Aspect {
  return {
    about: { kind: 'unlinkedGroup', name },
    wanted: 'member',
    actual: 'none',
    rule: `member of "${name}"`,
    isSettled: false,
    obstacle: { kind: 'unlinked', trouble },
    last: null,
  };
}

function explainShare(resource: string, input: ExplainInput, pending: Pending): Aspect {
  const { person } = input;
  const share = person.shares.get(resource);
  const own = find(pending, (change) => isShare(change, resource));
  const actual = person.heldShares.get(resource) ?? person.givenShares.get(resource)?.role ?? null;
  const wanted = share?.role ?? (own === null ? null : 'none');
  const isSettled = own === null && (wanted === null || actual !== null);
  return {
    about: { kind: 'share', resource },
    wanted,
    actual,
    rule: share?.rule ?? own?.why ?? 'no rule gives this',
    isSettled,
    obstacle:
      own !== null
        ? obstacleTo(own, input)
        : !isSettled
          ? unplanned(input)
          : wanted === null
            ? { kind: 'notOurs' }
            : null,
    last: lastOf(input, (change) => isShare(change, resource)),
  };
}

function explainStanding({ resource, via, wanted, held, rule, refused }: StandingShare): Aspect {
  const isSettled = wanted === null || held === wanted;
  return {
    about: { kind: 'share', resource, via },
    wanted,
    actual: held,
    rule: rule ?? 'no rule gives this',
    isSettled,
    obstacle: wanted === null ? { kind: 'notOurs' } : isSettled ? null : standingObstacle(refused),
    last: null,
  };
}

function standingObstacle(refused: string | null): Obstacle {
  return refused === null ? { kind: 'underWay', state: null } : { kind: 'refused', error: refused, until: null };
}

/** Wanted and not so, yet not planned: the person cannot be given anything now. */
function unplanned(input: ExplainInput): Obstacle {
  const { person } = input;
  const general = generalObstacle(person);
  if (general !== null) return general;
  if (person.desired !== 'active') return { kind: 'inactive' };
  if (person.member === null) return absence(input);
  return person.member.isLocked ? { kind: 'lockedByOther' } : { kind: 'underWay', state: null };
}

/** A membership that an IdP wrote is managed, also of a user whose access is not. */
function unplannedGroup(input: ExplainInput): Obstacle {
  const { managed, isReleased, protection, member } = input.person;
  const isNamed = !managed && isReleased !== true && protection === null;
  return isNamed && member?.isLocked === true ? { kind: 'lockedByOther' } : unplanned(input);
}

function generalObstacle({ managed, protection }: Person): Obstacle | null {
  if (!managed) return { kind: 'unmanaged' };
  return protection === null ? null : { kind: 'protected', protection };
}

/** Why a planned change has not been made. */
function obstacleTo(planned: PlannedChange, { person, now, notes, ledger }: ExplainInput): Obstacle {
  const key = changeKey(planned.change);
  const refused = person.refused.get(key);
  if (refused !== undefined && now < refused.until) return { kind: 'refused', ...refused };
  const members = person.lookalikes.map(({ member }) => member);
  if (planned.change.kind === 'lock' && isAmong(members, planned.change) && !person.released.has(key))
    return { kind: 'ambiguousMember', members };
  const note = notes?.find((one) => changeKey(one.planned.change) === key);
  if (note !== undefined) return { kind: 'withheld', note };
  if (person.held.has(key) && !person.released.has(key)) return { kind: 'held' };
  const row = latest(ledger.filter((fact) => fact.changeKey === key));
  const isOpenRow = row?.state === 'planned' || row?.state === 'sending' || row?.state === 'ambiguous';
  return { kind: 'underWay', state: isOpenRow ? row.state : null };
}

function isAmong(members: readonly WorkspaceMember[], change: { readonly memberId: MemberId }): boolean {
  return members.some(({ memberId }) => memberId === change.memberId);
}

function groupIds({ groups, memberGroups }: Person): readonly WorkspaceGroupId[] {
  return [...new Set([...groups.keys(), ...memberGroups])];
}

function resources({ shares, givenShares, heldShares }: Person): readonly string[] {
  return [...new Set([...shares.keys(), ...givenShares.keys(), ...heldShares.keys()])];
}

function isAccess(change: Change, person: Person): boolean {
  const { member, address } = person;
  switch (change.kind) {
    case 'invite':
    case 'revokeInvite':
      return change.address === address;
    case 'lock':
    case 'unlock':
      // A member of before (removed, invited again) had another id.
      if (member === null) return !withdrawn(person).some(({ memberId }) => memberId === change.memberId);
      return change.memberId === member.memberId;
    case 'setSeat':
    case 'addToGroup':
    case 'removeFromGroup':
    case 'share':
    case 'unshare':
      return false;
  }
}

function isSeat({ kind }: Change): boolean {
  return kind === 'setSeat' || kind === 'invite';
}

function isGroup(change: Change, groupId: WorkspaceGroupId): boolean {
  return (change.kind === 'addToGroup' || change.kind === 'removeFromGroup') && change.groupId === groupId;
}

function isShare(change: Change, resource: string): boolean {
  return (change.kind === 'share' || change.kind === 'unshare') && resourceKey(change.resource) === resource;
}

function find(pending: Pending, test: (change: Change) => boolean): PlannedChange | null {
  return pending.find(({ change }) => test(change)) ?? null;
}

function lastOf({ ledger }: ExplainInput, test: (change: Change) => boolean): LedgerFact | null {
  return latest(ledger.filter(({ change, state }) => state !== 'superseded' && test(change)));
}

function latest(facts: readonly LedgerFact[]): LedgerFact | null {
  return facts.reduce<LedgerFact | null>(
    (best, fact) => (best === null || fact.createdAt >= best.createdAt ? fact : best),
    null,
  );
}
