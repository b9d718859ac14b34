/**
 * What must be true, by somebody who knows nothing of the bridge: what the IdP was told, what hands
 * did, and what the workspace is. The laws are those of docs/reliability.md.
 */
import type { WriteCall } from './workspace-gateway.js';

export interface Violation {
  readonly law: string;
  /** Whom it is about; the same law and words are the same fault to the shrinker. */
  readonly text: string;
  readonly detail: string;
}

/** A User of the SCIM service, as its IdP has it in mind. */
export interface ScimUser {
  readonly id: string;
  readonly who: number;
  active: boolean;
  isDeleted: boolean;
  address: string;
  role: string | null;
  /** Spoken of by an IdP: access is managed. */
  isManaged: boolean;
  /** Virtual time of the last turn of `active` from false to true between two words of the IdP. */
  turnedOnAt: number;
  hasSpoken: boolean;
  /** An answer was lost or doubtful: what holds is not known until it is read. */
  isUncertain: boolean;
  /** Invites that may have been sent by the laws. */
  turns: number;
  readonly createdAt: number;
  /** The role that gave an admin seat is or was in force. */
  hadAdminRole: boolean;
  hadRole: boolean;
  /** Groups: the last word of the IdP; 'in' names were acknowledged. */
  readonly groups: Map<number, 'in' | 'out'>;
}

export interface WorkspaceMember {
  readonly userId: string;
  readonly email: string;
  readonly isLocked: boolean;
  readonly seatType: string | null;
}

export interface World {
  members(): readonly WorkspaceMember[];
  groupMembers(group: number): ReadonlySet<string>;
  pendingInvites(): readonly string[];
  mails(): readonly { readonly to: string; readonly at: number }[];
}

export interface Oracle {
  readonly users: ScimUser[];
  readonly violations: Violation[];
  /** People about whom an IdP is saying something just now: what follows may come before its answer. */
  readonly speaking: Set<number>;
  /** Who was removed in the UI: of unmanaged ones no trace has to stay. */
  readonly removedPeople: Set<number>;
  live(who: number): ScimUser | undefined;
  /** Looks at the workspace: who is whose. After each step and each acceptance. */
  tie(): void;
  noteHand(memberId: string, who: number, what: 'lock' | 'unlock' | 'remove' | 'seat'): void;
  noteInviteAt(address: string): void;
  onWrite(call: WriteCall): void;
  onAnswer(call: WriteCall, outcome: string): void;
  report(law: string, text: string, detail?: string): void;
  /** Liveness laws, once everything has been calm. `statusOf`: what SCIM shows. */
  judgeCalm(shown: ReadonlyMap<string, Shown>): void;
}

export interface Shown {
  readonly status: string;
  readonly active: boolean | null;
  readonly lastError: string | null;
}

interface HandLock {
  readonly at: number;
}

const DAY = 864e5;
const HOUR = 36e5;

export function createOracle(init: {
  readonly world: World;
  readonly now: () => number;
  readonly ttlDays: number;
  readonly ownerId: string;
  readonly limit: number | null;
  /** Laws that are not looked at: known faults would hide others. */
  readonly ignore: readonly string[];
  /** Address (folded) -> person, for every address that anybody may ever have. */
  readonly personOf: (address: string) => number | null;
}): Oracle {
  const { world, now } = init;
  const users: ScimUser[] = [];
  const violations: Violation[] = [];
  const speaking = new Set<number>();
  const ties = new Map<string, ScimUser>();
  const handLocks = new Map<string, HandLock>();
  const handTouched = new Set<string>();
  const removedPeople = new Set<number>();
  const handRemoved = new Set<ScimUser>();
  const handSeats = new Set<string>();
  /** Address -> the user who stated it when an invite was sent there. */
  const invitedFor = new Map<string, ScimUser>();
  const unclearInvites = new Map<number, number>();
  const losses: { readonly at: number; readonly email: string }[] = [];
  const sent = new Map<string, number>();

  const report = (law: string, text: string, detail = ''): void => {
    if (init.ignore.includes(law)) return;
    if (!violations.some((one) => one.law === law && one.text === text)) violations.push({ law, text, detail });
  };
  const live = (who: number): ScimUser | undefined => users.find((user) => user.who === who && !user.isDeleted);
  const name = (user: ScimUser): string => `p${String(user.who)}`;
  const memberAt = (address: string): WorkspaceMember | undefined =>
    world.members().find((member) => member.email.toLowerCase() === address);

  const tie = (): void => {
    for (const member of world.members()) {
      const address = member.email.toLowerCase();
      const invited = invitedFor.get(address);
      const owner = ties.get(member.userId);
      const stating = users.find((user) => !user.isDeleted && user.address === address);
      if (owner === undefined) {
        const first = invited ?? stating;
        if (first !== undefined) ties.set(member.userId, first);
      } else if (owner.isDeleted && stating !== undefined) ties.set(member.userId, stating);
    }
  };
  const accountsOf = (user: ScimUser): readonly WorkspaceMember[] =>
    world.members().filter((member) => ties.get(member.userId) === user);

  return {
    users,
    violations,
    speaking,
    removedPeople,
    live,
    tie,
    report,
    noteHand(memberId, who, what) {
      if (what === 'remove') removedPeople.add(who);
      handTouched.add(memberId);
      const user = ties.get(memberId);
      if (what === 'lock') handLocks.set(memberId, { at: now() });
      else if (what === 'unlock') handLocks.delete(memberId);
      else if (what === 'seat') handSeats.add(memberId);
      else if (user !== undefined) handRemoved.add(user);
    },
    noteInviteAt(address) {
      const user = users.find((one) => !one.isDeleted && one.address === address);
      if (user !== undefined) invitedFor.set(address, user);
    },
    onWrite(call) {
      const who = init.personOf(call.email);
      const isSpokenOf = who !== null && speaking.has(who);
      const managed = isSpokenOf || users.some((user) => user.who === who && (user.isManaged || user.groups.size > 0));
      if (!managed) report('L8', `${call.method} for somebody whom no IdP has written`, call.email);
      if (call.method === 'invite' && who !== null) sent.set(call.email, (sent.get(call.email) ?? 0) + 1);
      const member = memberAt(call.email);
      if (call.method === 'setLocked' && call.detail === 'unlock' && member !== undefined) {
        const lock = handLocks.get(member.userId);
        const user = ties.get(member.userId);
        if (
          lock !== undefined &&
          member.isLocked &&
          user !== undefined &&
          !isSpokenOf &&
          !user.isUncertain &&
          user.turnedOnAt < lock.at
        )
          report('L8', `the lock that a hand made after the last turn is undone: ${name(user)}`, call.email);
      }
      if (call.method === 'setLocked' && call.detail === 'lock' && member?.isLocked === false) {
        const owner = ties.get(member.userId);
        if (
          owner !== undefined &&
          owner.active &&
          !owner.isDeleted &&
          !isSpokenOf &&
          !owner.isUncertain &&
          accountsOf(owner).length === 1
        )
          report('L3', `an active user's only account is locked: ${name(owner)}`, call.email);
        if (init.limit !== null && !losses.some((loss) => loss.email === call.email && now() - loss.at < HOUR)) {
          losses.push({ at: now(), email: call.email });
          const recent = losses.filter((loss) => now() - loss.at < HOUR);
          if (recent.length > init.limit)
            report(
              'L7',
              `${String(recent.length)} people lose access in an hour at a limit of ${String(init.limit)}`,
              recent.map((loss) => loss.email).join(' '),
            );
        }
      }
    },
    onAnswer(call, outcome) {
      const who = init.personOf(call.email);
      if (call.method === 'invite' && who !== null && outcome.endsWith('perhaps applied'))
        unclearInvites.set(who, (unclearInvites.get(who) ?? 0) + 1);
    },
    judgeCalm(shown) {
      tie();
      for (const user of users) judgeUser(user, shown.get(user.id) ?? null);
      judgeMails();
    },
  };

  function judgeUser(user: ScimUser, shown: Shown | null): void {
    // Who has lost its id is told once; what follows from it is no fault of its own.
    if (user.isUncertain || (!user.isDeleted && live(user.who) !== user)) return;
    if (!user.isDeleted && shown === null) {
      if (removedPeople.has(user.who) && !user.isManaged) return;
      report('L9', `a user is not found under its id any more: ${name(user)}`, user.id);
      return;
    }
    const accounts = accountsOf(user).filter((member) => member.userId !== init.ownerId);
    const usable = accounts.filter((member) => !member.isLocked);
    const lastError = shown?.lastError ?? null;
    const state = `${shown === null ? 'not listed' : `status ${shown.status}`}${lastError === null ? '' : `, ${lastError}`}`;
    if (user.isDeleted || !user.active) {
      if (!user.isManaged) return;
      const word = user.isDeleted ? 'deleted' : 'inactive';
      if (init.limit === null)
        for (const member of usable)
          report('L1', `a ${word} user still has access: ${name(user)}`, `${member.email} ${member.userId}, ${state}`);
      const open = world.pendingInvites().filter((address) => invitedFor.get(address) === user);
      if (open.length > 0 && init.limit === null)
        report('L1', `an invite of a ${word} user is open: ${name(user)}`, open.join(' '));
    } else if (user.isManaged) {
      if (usable.length > 1 && init.limit === null)
        report('L2', `an active user has two usable accounts: ${name(user)}`, usable.map((one) => one.email).join(' '));
      judgeActive(user, accounts, usable, state, shown);
    }
    if (user.isManaged && !user.isDeleted && shown !== null && shown.active !== user.active)
      report(
        'L10',
        `an acknowledged write is lost: ${name(user)}`,
        `active is ${String(shown.active)}, ${String(user.active)} was written`,
      );
    for (const [group, word] of user.groups) {
      if (word !== 'out' && !user.isDeleted) continue;
      if (!user.isDeleted && !user.active) continue;
      for (const member of accounts)
        if (world.groupMembers(group).has(member.userId) && (user.isDeleted || !member.isLocked))
          report(
            'L4',
            `a member stays in a group that the IdP took away: ${name(user)}`,
            `group ${String(group)}, ${state}`,
          );
    }
    if (!user.isDeleted && user.active && user.hadAdminRole && user.role !== 'admin')
      for (const member of usable)
        if (member.seatType === 'workspace_admin' && !handSeats.has(member.userId))
          report(
            'L4',
            `a member stays admin after the role has gone: ${name(user)}`,
            `role ${String(user.role)}, ${state}`,
          );
  }

  function judgeActive(
    user: ScimUser,
    accounts: readonly WorkspaceMember[],
    usable: readonly WorkspaceMember[],
    state: string,
    shown: Shown | null,
  ): void {
    if (usable.length > 0) {
      if (
        shown !== null &&
        shown.status !== 'member' &&
        shown.status !== 'protected' &&
        usable.some((one) => one.email.toLowerCase() === user.address)
      )
        report('L9', `status of a member is wrong: ${name(user)} ${shown.status}`, state);
      return;
    }
    if (handRemoved.has(user) || accounts.some((member) => handLocks.has(member.userId))) return;
    if (accounts.some((member) => member.isLocked)) {
      if (user.turnedOnAt >= 0 || user.turns > 0)
        report('L6', `an active user stays locked, and no hand did it: ${name(user)}`, state);
      return;
    }
    const isInvited = world.pendingInvites().includes(user.address);
    const hasReason =
      shown !== null && (shown.status === 'failed' || shown.status === 'removed' || shown.status === 'held');
    if (!isInvited && !hasReason && accounts.length === 0)
      report('L6', `an active user is neither invited nor a member: ${name(user)}`, state);
  }

  function judgeMails(): void {
    const persons = new Set(users.map((user) => user.who));
    for (const who of persons) {
      const mails = world.mails().filter((mail) => init.personOf(mail.to.toLowerCase()) === who).length;
      const own = users.filter((user) => user.who === who);
      const rounds = own.reduce(
        (sum, user) => sum + Math.min(3, Math.floor((now() - user.createdAt) / (init.ttlDays * DAY))),
        0,
      );
      const allowed = own.reduce((sum, user) => sum + user.turns, 0) + rounds + (unclearInvites.get(who) ?? 0);
      if (mails > allowed)
        report('L5', `too many e-mails: p${String(who)}`, `${String(mails)} sent, ${String(allowed)} allowed`);
    }
  }
}
