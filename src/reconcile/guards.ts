/**
 * The policies with what they have to remember: who lost access lately, who was invited, what was
 * repaired, how many seats are in use. One set for the whole process; windows follow the monotonic
 * clock and are filled from the ledger at start, so that a restart is no way around a limit.
 */
import type { AlertKind, Alerts } from '../alerts.js';
import type { Clock } from '../clock.js';
import { inTheWay, lookalikesInWords } from '../domain/lookalikes.js';
import type { Person } from '../domain/person.js';
import type { PlannedChange } from '../domain/plan.js';
import { ambiguousMember } from '../domain/policies/ambiguous-member.js';
import { brake, EMPTY_HISTORY, historyFrom, isLoss, type BrakeHistory } from '../domain/policies/brake.js';
import { driftMode } from '../domain/policies/drift-mode.js';
import { dryRun, type DryRunReason } from '../domain/policies/dry-run.js';
import { flapGuard } from '../domain/policies/flap-guard.js';
import { inviteLimit } from '../domain/policies/invite-limit.js';
import { ownership } from '../domain/policies/ownership.js';
import { WINDOW_MS, type Dated, type PeopleLimit } from '../domain/policies/people-limit.js';
import {
  applyPolicies,
  type Policy,
  type PolicyContext,
  type PolicyNote,
  type Sorted,
} from '../domain/policies/policy.js';
import { reinviteCap } from '../domain/policies/reinvite-cap.js';
import { isRepair } from '../domain/policies/repair.js';
import { repeatGuard } from '../domain/policies/repeat-guard.js';
import { seatBudget } from '../domain/policies/seat-budget.js';
import { undoHold } from '../domain/policies/undo-hold.js';
import { describeChange } from '../domain/refusal.js';
import type { Rules } from '../domain/rules.js';
import { changeKey, type Change, type Millis, type WorkspaceGroupId } from '../domain/types.js';
import type { Log } from '../log.js';
import type { Census, Store, Subject } from '../store/port.js';

export interface GuardsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly alerts: Alerts;
  readonly rules: () => Rules;
  readonly deprovisionLimit: PeopleLimit;
  readonly inviteLimit: PeopleLimit;
  readonly dryRun: boolean;
  /** Lets invites wait for each other; absent where nothing is sent. */
  readonly company?: Policy;
}

/** A setting: nothing is sent before an administrator has accepted the plan (after a restore). */
export const DRY_RUN_UNTIL_ACCEPTED = 'dryRunUntilAccepted';

const HOUR = 3_600_000;
const NONE = { full: 0, basic: 0 };
const NOBODY: Census = { managedMembers: 0, groupSizes: new Map(), seats: { usage: NONE, invited: NONE } };

/** Whose plan it is: a person, or the shares of a group or the mapping file. */
export type PlanContext = Required<Pick<PolicyContext, 'person' | 'isDrift'>> &
  Pick<PolicyContext, 'known' | 'mayWait'>;

export class Guards {
  readonly #options: GuardsOptions;
  readonly #policies: readonly Policy[];
  #losses: BrakeHistory = EMPTY_HISTORY;
  #invites: readonly Dated[] = [];
  #repairs: readonly Dated[] = [];
  /** Invites, by address. */
  #sent: readonly Dated[] = [];
  #reinvites: readonly Dated[] = [];
  #census: Census = NOBODY;
  #dryRun: DryRunReason | null = null;

  constructor(options: GuardsOptions) {
    this.#options = options;
    const { clock, rules } = options;
    const monotonic = (): number => clock.monotonic();
    this.#policies = [
      ownership,
      undoHold,
      ambiguousMember,
      driftMode(() => rules().drift),
      flapGuard(() => this.#repairs, monotonic),
      repeatGuard(() => this.#sent, monotonic),
      seatBudget(() => ({ usage: this.#census.seats.usage, limits: rules().seatLimits })),
      inviteLimit({
        load: () => this.#invites,
        store: (history) => (this.#invites = history),
        limit: () => ({ limit: options.inviteLimit, managedMembers: this.#census.managedMembers }),
        monotonic,
      }),
      reinviteCap({ load: () => this.#reinvites, store: (history) => (this.#reinvites = history), monotonic }),
      brake({
        load: () => this.#losses,
        store: (history) => (this.#losses = history),
        limits: () => ({
          people: options.deprovisionLimit,
          managedMembers: this.#census.managedMembers,
          groupSize: (id) => this.#census.groupSizes.get(id) ?? 0,
        }),
        monotonic,
      }),
      dryRun(() => this.#dryRun),
      ...(options.company === undefined ? [] : [options.company]),
    ];
  }

  /** Before the first plan: what passed the limits in an earlier life of this database still counts. */
  async recover(): Promise<void> {
    const { store, clock } = this.#options;
    const [wall, monotonic] = [clock.now(), clock.monotonic()];
    const past = await store.pastChanges(wall - HOUR);
    const calls = past.map(({ subject, ...call }) => ({ ...call, who: subject.replace(/^user:/, '') }));
    this.#losses = historyFrom(calls, wall, monotonic);
    const dated = (whoOf: (call: (typeof calls)[number]) => string | false): readonly Dated[] =>
      calls.flatMap((call) => {
        const who = whoOf(call);
        return who === false ? [] : [{ who, at: monotonic - Math.max(0, wall - call.sentAt) }];
      });
    this.#invites = dated(({ who, change }) => change.kind === 'invite' && who);
    this.#sent = dated(({ change }) => change.kind === 'invite' && change.address);
    this.#reinvites = dated(({ who, isRepeat }) => isRepeat && who);
    this.#repairs = dated(({ change, isRepair: wasRepair }) => wasRepair && changeKey(change));
    await this.refresh();
  }

  /** The same limits and windows over another store: what is asked of the copy counts in the copy alone. */
  fork(parts: Pick<GuardsOptions, 'store' | 'log' | 'alerts'>): Guards {
    const copy = new Guards({ ...this.#options, ...parts, company: (sorted) => sorted });
    copy.#losses = this.#losses;
    copy.#invites = this.#invites;
    copy.#repairs = this.#repairs;
    copy.#sent = this.#sent;
    copy.#reinvites = this.#reinvites;
    copy.#dryRun = this.#dryRun;
    return copy;
  }

  /** Sorts what one subject's plan has into what goes, what is held and what waits. */
  async sort(changes: readonly PlannedChange[], about: PlanContext, now: Millis): Promise<Sorted> {
    if (changes.length > 0) await this.#look(changes);
    return applyPolicies(changes, this.#policies, { ...about, now });
  }

  /** Tells what is held, once per change: log and alert. */
  tell(subject: Subject, { notes }: Sorted, person: Person | null): void {
    const { log } = this.#options;
    if (person !== null) this.#tellAmbiguity(person);
    for (const note of notes) {
      if (note.fate === 'waiting' || (note.fate === 'dropped' && !note.alert)) continue;
      const { change } = note.planned;
      if (person?.held.has(changeKey(change)) === true) continue;
      log.warn({ subject, change: change.kind, policy: note.policy, reason: note.reason }, `a change is ${note.fate}`);
      if (note.alert) this.#alert(note, subject, person);
    }
  }

  #tellAmbiguity({ userId, address, userName, desired, lookalikes }: Person): void {
    const members = inTheWay({ desired, address, lookalikes });
    if (members.length === 0) return;
    const { alerts } = this.#options;
    const effect = desired === 'active' ? 'is not linked to a member' : 'should have no access, and may still have it';
    const text = `${address ?? userName} ${effect}: ${lookalikesInWords(members)}.`;
    alerts.raise('ambiguousMember', text, { subject: `user:${userId}`, members: members.length }, userId);
  }

  #alert(note: PolicyNote, subject: Subject, person: Person | null): void {
    const { alerts } = this.#options;
    const { policy, reason, planned } = note;
    const kind = ALERTS[policy];
    if (kind === undefined) return;
    const what = describeChange(planned.change, person === null ? {} : { person: person.address ?? person.userName });
    const facts = { subject, change: planned.change.kind, policy, reason };
    // A brake that holds hundreds is one alert.
    const about = kind === 'brake' || kind === 'inviteLimit' ? groupOf(planned.change) : changeKey(planned.change);
    alerts.raise(kind, `Held, and more may follow: ${what}. ${reason}. See \`held list\`.`, facts, about);
  }

  /** A call went through, or may have: windows that count what was done. */
  noteDone(change: Change, about: PlanContext): void {
    const monotonic = this.#options.clock.monotonic();
    if (change.kind === 'invite')
      this.#sent = [
        ...this.#sent.filter(({ at }) => at > monotonic - WINDOW_MS),
        { who: change.address, at: monotonic },
      ];
    const planned: PlannedChange = { change, why: '', attribute: 'active' };
    if (isRepair(planned, { ...about, now: 0 })) {
      const young = this.#repairs.filter(({ at }) => at > monotonic - WINDOW_MS);
      this.#repairs = [...young, { who: changeKey(change), at: monotonic }];
    }
  }

  /** Why nothing is sent; null = everything is. */
  get dryRunReason(): DryRunReason | null {
    return this.#dryRun;
  }

  /** Numbers are read anew where a limit is about to use them. */
  async #look(changes: readonly PlannedChange[]): Promise<void> {
    await this.refresh();
    if (!changes.some((planned) => this.#isLimited(planned.change))) return;
    this.#census = await this.#options.store.census(removedFrom(changes));
  }

  #isLimited(change: Change): boolean {
    const { rules, inviteLimit: limit } = this.#options;
    const { full, basic } = rules().seatLimits;
    const takesSeat = change.kind === 'invite' || change.kind === 'unlock' || change.kind === 'setSeat';
    if (takesSeat && (full !== null || basic !== null)) return true;
    if (change.kind === 'invite') return limit.count !== null || limit.percent !== null;
    return change.kind === 'removeFromGroup' || isLoss(change, { desired: 'inactive', lockedByBridge: false }, false);
  }

  /** Reads anew whether anything may be sent: what is planned next sees it, and who asks for the state. */
  async refresh(): Promise<void> {
    const { store, dryRun: isConfigured } = this.#options;
    if (isConfigured) this.#dryRun = 'config';
    else this.#dryRun = (await store.setting(DRY_RUN_UNTIL_ACCEPTED)) === 'true' ? 'unaccepted' : null;
  }
}

const ALERTS: Readonly<Partial<Record<PolicyNote['policy'], AlertKind>>> = {
  ownership: 'ownership',
  flapGuard: 'flapping',
  repeatGuard: 'flapping',
  inviteLimit: 'inviteLimit',
  brake: 'brake',
};

const groupOf = (change: Change): string => (change.kind === 'removeFromGroup' ? change.groupId : '');

function removedFrom(changes: readonly PlannedChange[]): readonly WorkspaceGroupId[] {
  return changes.flatMap(({ change }) => (change.kind === 'removeFromGroup' ? [change.groupId] : []));
}
