/**
 * Who may be invited with others in one call, and who waits for whom. ElevenLabs takes many
 * addresses at once where all belong to verified domains, gives one answer for all of them, and
 * refuses all because of one.
 *
 * Invariants:
 * - Only first tries of the same seat and usage limit go together, one such call at a time.
 * - Nobody waits much longer than LINGER_MS, but for a call of the same kind that is under way.
 * - Who was in a call that was refused goes alone from then on: one address spoils no second call.
 * - All of this is in memory: a restart makes people wait once more, and sends nothing twice.
 */
import type { Clock } from '../clock.js';
import type { Person } from '../domain/person.js';
import { company, isFirstTry, type PlannedInvite } from '../domain/policies/company.js';
import type { Policy } from '../domain/policies/policy.js';
import type { Rules } from '../domain/rules.js';
import type { Address, UserId } from '../domain/types.js';

/** Addresses in one call: the API says no number; this one saves 99 % of the calls. */
export const MOST_TOGETHER = 100;
const LINGER_MS = 5_000;
const BEHIND_OTHERS_MS = 1_000;
/** A workspace that takes no such calls at all (plan, domain) is asked again so much later. */
const CLOSED_MS = 3_600_000;

type Invite = PlannedInvite['change'];

export class Company {
  readonly #clock: Clock;
  readonly #rules: () => Rules;
  /** Since when each waits, by the monotonic clock and by what the call would say. */
  readonly #waiting = new Map<string, Map<UserId, number>>();
  readonly #leaders = new Map<string, UserId>();
  readonly #alone = new Set<Address>();
  #closedUntil = -Infinity;
  readonly policy: Policy = company({
    waitMs: (invite, person) => this.#waitMs(invite, person),
    forget: (person) => this.#forget(person),
  });

  constructor({ clock, rules }: { readonly clock: Clock; readonly rules: () => Rules }) {
    this.#clock = clock;
    this.#rules = rules;
  }

  /** May this invite go with others at all? */
  isWelcome({ change }: PlannedInvite, person: Person): boolean {
    const { verifiedDomains } = this.#rules();
    if (verifiedDomains.size === 0 || this.#clock.monotonic() < this.#closedUntil) return false;
    return isFirstTry(person) && !this.#alone.has(change.address) && verifiedDomains.has(domainOf(change.address));
  }

  /** Takes the lead of the next call for this seat and limit; false: somebody else has it. */
  lead(invite: Invite, userId: UserId): boolean {
    const terms = termsOf(invite);
    if (this.#leaders.has(terms)) return false;
    this.#leaders.set(terms, userId);
    return true;
  }

  /** These go now, and wait no longer. */
  leave(invite: Invite, userIds: readonly UserId[]): void {
    for (const userId of userIds) this.#waiting.get(termsOf(invite))?.delete(userId);
  }

  /** The call has ended. */
  endLead(invite: Invite): void {
    this.#leaders.delete(termsOf(invite));
  }

  /** A call was refused: its people are asked for one by one, so that each gets an answer of its own. */
  disperse(addresses: readonly Address[]): void {
    for (const address of addresses) this.#alone.add(address);
  }

  /** Went through alone, or was refused: it may join others when it is invited another time. */
  forgive(address: Address): void {
    this.#alone.delete(address);
  }

  /** The workspace takes no calls for many. */
  close(): void {
    this.#closedUntil = this.#clock.monotonic() + CLOSED_MS;
  }

  #waitMs(invite: PlannedInvite, person: Person): number {
    const { change } = invite;
    const { userId } = person;
    if (!this.isWelcome(invite, person)) {
      this.#forget(person);
      return 0;
    }
    const terms = termsOf(change);
    const now = this.#clock.monotonic();
    const waiting = this.#waiting.get(terms) ?? new Map<UserId, number>();
    this.#waiting.set(terms, waiting);
    if (!waiting.has(userId)) waiting.set(userId, now);
    const leader = this.#leaders.get(terms);
    if (leader !== undefined && leader !== userId) return BEHIND_OTHERS_MS;
    if (waiting.size >= MOST_TOGETHER) return 0;
    // Only the oldest goes when its time is over, and takes the others along. Somebody who is gone never comes.
    for (const [oldest, since] of waiting) {
      if (now - since > 3 * LINGER_MS) waiting.delete(oldest);
      else return since + LINGER_MS - now + (oldest === userId ? 0 : BEHIND_OTHERS_MS);
    }
    return 0;
  }

  #forget({ userId }: Person): void {
    for (const waiting of this.#waiting.values()) waiting.delete(userId);
  }
}

const domainOf = (address: Address): string => address.slice(address.indexOf('@') + 1);
const termsOf = ({ seatType, usageLimit }: Invite): string => `${seatType} ${String(usageLimit)}`;
