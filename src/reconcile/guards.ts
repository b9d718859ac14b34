/**
 * The policies, and what they look at: what the limits have counted, how many seats are in use. To
 * look spends nothing: what a call costs is reserved by the store when it is sent.
 */
import type { AlertKind, Alerts } from '../alerts.js';
import type { Clock } from '../clock.js';
import { inTheWay, lookalikesInWords } from '../domain/lookalikes.js';
import type { Person } from '../domain/person.js';
import type { PlannedChange } from '../domain/plan.js';
import { ambiguousMember } from '../domain/policies/ambiguous-member.js';
import { brake } from '../domain/policies/brake.js';
import { driftMode } from '../domain/policies/drift-mode.js';
import { dryRun, type DryRunReason } from '../domain/policies/dry-run.js';
import { formerAddress } from '../domain/policies/former-address.js';
import { flapGuard } from '../domain/policies/flap-guard.js';
import { inviteLimit } from '../domain/policies/invite-limit.js';
import { ownership } from '../domain/policies/ownership.js';
import {
  afterSpending,
  type LimitUse,
  type LimitWindows,
  type PeopleLimit,
  type Spent,
} from '../domain/policies/people-limit.js';
import {
  applyPolicies,
  type Policy,
  type PolicyContext,
  type PolicyNote,
  type Sorted,
} from '../domain/policies/policy.js';
import { reinviteCap } from '../domain/policies/reinvite-cap.js';
import { repeatGuard } from '../domain/policies/repeat-guard.js';
import { seatBudget } from '../domain/policies/seat-budget.js';
import { undoHold } from '../domain/policies/undo-hold.js';
import { usesOf } from '../domain/policies/uses.js';
import { describeChange } from '../domain/refusal.js';
import type { Rules } from '../domain/rules.js';
import { changeKey, type Change, type Millis } from '../domain/types.js';
import type { Log } from '../log.js';
import type { Store, Subject } from '../store/port.js';

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

/** Whose plan it is: a person, or the shares of a group or the mapping file. */
export type PlanContext = Required<Pick<PolicyContext, 'person' | 'isDrift'>> &
  Pick<PolicyContext, 'known' | 'mayWait'>;

export class Guards {
  readonly #options: GuardsOptions;
  readonly #policies: readonly Policy[];
  #dryRun: DryRunReason | null = null;

  constructor(options: GuardsOptions) {
    this.#options = options;
    const { rules } = options;
    this.#policies = [
      ownership,
      undoHold,
      ambiguousMember,
      formerAddress,
      driftMode(() => rules().drift),
      flapGuard,
      repeatGuard,
      seatBudget(() => rules().seatLimits),
      inviteLimit(options.inviteLimit),
      reinviteCap,
      brake(options.deprovisionLimit),
      dryRun(() => this.#dryRun),
      ...(options.company === undefined ? [] : [options.company]),
    ];
  }

  /**
   * Sorts what one subject's plan has into what goes, what is held and what waits. `spent`: what a look
   * at many plans has let through before this one.
   */
  async sort(changes: readonly PlannedChange[], about: PlanContext, now: Millis, spent?: Spent): Promise<Sorted> {
    if (changes.length === 0) return applyPolicies(changes, this.#policies, { ...about, now });
    await this.refresh();
    const uses = changes.flatMap((planned) => this.usesOf(planned, about));
    const takesSeat = this.#areSeatsLimited() && changes.some(({ change }) => TAKES_SEAT.has(change.kind));
    const inputs = uses.length > 0 || takesSeat ? await this.#options.store.limitInputs(uses) : null;
    const read: LimitWindows = inputs?.windows ?? new Map();
    const windows = spent === undefined ? read : afterSpending(read, uses, spent);
    const seats = inputs === null ? {} : { seats: inputs.seats.usage };
    return applyPolicies(changes, this.#policies, { ...about, now, windows, ...seats });
  }

  /** What this change costs the limits. */
  usesOf(planned: PlannedChange, about: PlanContext): readonly LimitUse[] {
    return usesOf(planned, { ...about, now: 0 }, this.#options);
  }

  #areSeatsLimited(): boolean {
    const { full, basic } = this.#options.rules().seatLimits;
    return full !== null || basic !== null;
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

  /** Why nothing is sent; null = everything is. */
  get dryRunReason(): DryRunReason | null {
    return this.#dryRun;
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
  formerAddress: 'formerAddress',
};

const groupOf = (change: Change): string => (change.kind === 'removeFromGroup' ? change.groupId : '');

/** What may be foreseen to lack a seat. */
const TAKES_SEAT: ReadonlySet<Change['kind']> = new Set(['invite', 'unlock', 'setSeat']);
