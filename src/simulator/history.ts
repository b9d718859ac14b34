/**
 * A history as plain data: what everybody does and what goes wrong, in order. A seed is expanded to
 * one before it is run, so that steps and faults can be taken away one by one.
 */
import { fork, seededRandom, type Random } from '../sandbox/random.js';
import type { Switches } from '../sandbox/switches.js';

/** One act. `who` is a person, `group` a group; both are numbers from 0. */
export type Step =
  | { readonly do: 'create'; readonly who: number; readonly active: boolean; readonly role: string | null }
  | { readonly do: 'activate' | 'deactivate' | 'delete' | 'deactivateAndTakeAddress'; readonly who: number }
  | { readonly do: 'changeAddress'; readonly who: number; readonly to: number }
  | { readonly do: 'setRole'; readonly who: number; readonly role: string | null }
  | { readonly do: 'addToGroup' | 'removeFromGroup'; readonly who: number; readonly group: number }
  | { readonly do: 'accept'; readonly who: number; readonly otherCase: boolean }
  | { readonly do: 'handLock' | 'handUnlock' | 'handRemove'; readonly who: number }
  | { readonly do: 'handSeat'; readonly who: number; readonly seat: 'workspace_admin' | 'workspace_lite_member' }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'kill' }
  | { readonly do: 'setClock'; readonly ms: number };

/** What may go wrong with a call of the workspace, or at a call of the store. */
export type Mishap =
  | { readonly kind: 'status'; readonly status: number; readonly applied: boolean }
  | { readonly kind: 'lost'; readonly applied: boolean }
  /** No answer in time; the effect comes so many milliseconds after the call was begun, or never. */
  | { readonly kind: 'hang'; readonly effectAfterMs: number | null }
  /** A list without these places (counted from its end). */
  | { readonly kind: 'omit'; readonly places: readonly number[] }
  | { readonly kind: 'kill'; readonly when: 'before' | 'after' };

/** The mishap of the `nth` call (from 1) of a method of the gateway, or of the `store`. */
export interface PlannedMishap {
  readonly call: string;
  readonly nth: number;
  readonly mishap: Mishap;
}

export interface History {
  readonly seed: number;
  readonly emailChange: 'keep' | 'handover' | 'reject';
  readonly drift: 'enforce' | 'report';
  /** Losses in an hour; null: as many as there are people. */
  readonly limit: number | null;
  readonly switches: Partial<Switches>;
  readonly steps: readonly Step[];
  readonly mishaps: readonly PlannedMishap[];
}

export const PEOPLE = 8;
/** The first so many are members before the bridge comes. */
export const MEMBERS_BEFORE = 4;
export const GROUPS = 2;

const pick = <T>(random: Random, values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
const MINUTE = 60_000;
const WAITS = [1_000, 20_000, 2 * MINUTE, 16 * MINUTE, 65 * MINUTE, 65 * MINUTE, 5 * 60 * MINUTE];
const ROLES = ['admin', 'lite', null];

/** The same seed gives the same history. */
export function expand(seed: number, length = 40): History {
  const random = seededRandom(seed * 2654435761);
  const settings = fork(random);
  const rate = pick(settings, [0, 0.02, 0.05, 0.15]);
  const steps: Step[] = [];
  const acts = fork(random);
  const style = pick(settings, ['entra', 'okta', 'fuzzer'] as const);
  while (steps.length < length) {
    steps.push(act(acts, style));
    if (acts() < 0.6) steps.push({ do: 'wait', ms: pick(acts, WAITS) });
  }
  return {
    seed,
    emailChange: pick(settings, ['keep', 'keep', 'handover', 'reject']),
    drift: pick(settings, ['enforce', 'enforce', 'report']),
    limit: pick(settings, [null, null, 2]),
    switches: switchesFor(settings),
    steps,
    mishaps: mishaps(fork(random), rate, pick(settings, [0, 0.03, 0.1, 0.2]), pick(settings, [0, 0, 0.002, 0.01])),
  };
}

function switchesFor(random: Random): Partial<Switches> {
  return {
    unknownMember: pick(random, [404, 400, 500] as const),
    addExisting: pick(random, ['ok', 400, 409] as const),
    removeNonMember: pick(random, [400, 'ok', 404] as const),
    deleteUnknownInvite: pick(random, [500, 404, 400, 200] as const),
    duplicateInvite: pick(random, ['ok', 400, 409] as const),
    lockRemovesFromGroups: random() < 0.2,
    memberIdsAsEmails: random() < 0.2,
    genericCodes: random() < 0.3,
  };
}

function act(random: Random, style: 'entra' | 'okta' | 'fuzzer'): Step {
  // Few people meet each other's acts more often than many.
  const who = Math.floor(random() * random() * PEOPLE);
  const group = Math.floor(random() * GROUPS);
  const dice = random() * 100;
  const hands = style === 'fuzzer' ? 14 : 8;
  if (dice < 22)
    return { do: 'create', who, active: random() < 0.85, role: random() < 0.25 ? pick(random, ROLES) : null };
  if (dice < 34) return { do: 'deactivate', who };
  if (dice < 44) return { do: 'activate', who };
  if (dice < (style === 'okta' ? 46 : 52)) return { do: 'delete', who };
  if (dice < 58) return { do: 'addToGroup', who, group };
  if (dice < 64) return { do: 'removeFromGroup', who, group };
  if (dice < 68) return { do: 'changeAddress', who, to: Math.floor(random() * 3) };
  if (dice < 73) return { do: 'setRole', who, role: pick(random, ROLES) };
  if (dice < 84) return { do: 'accept', who, otherCase: random() < 0.2 };
  if (dice < 84 + hands) {
    const hand = pick(random, ['handLock', 'handUnlock', 'handRemove', 'handSeat'] as const);
    return hand === 'handSeat'
      ? { do: hand, who, seat: pick(random, ['workspace_admin', 'workspace_lite_member'] as const) }
      : { do: hand, who };
  }
  if (dice < 97) return { do: 'kill' };
  if (style === 'fuzzer' && dice < 98) return { do: 'setClock', ms: pick(random, [-864e5, 864e5, -3_600_000]) };
  return { do: 'deactivateAndTakeAddress', who };
}

const WRITES = ['invite', 'revokeInvite', 'setLocked', 'setSeat', 'addToGroup', 'removeFromGroup'];

function mishaps(random: Random, rate: number, lists: number, kills: number): readonly PlannedMishap[] {
  const planned: PlannedMishap[] = [];
  const plan = (call: string, calls: number, chance: number, make: () => Mishap): void => {
    for (let nth = 1; nth <= calls; nth += 1) if (random() < chance) planned.push({ call, nth, mishap: make() });
  };
  const when = (): 'before' | 'after' => pick(random, ['before', 'after'] as const);
  for (const call of WRITES) {
    plan(call, 60, rate, () => broken(random));
    plan(call, 60, kills * 4, () => ({ kind: 'kill', when: when() }));
  }
  for (const call of ['listMembers', 'listGroups']) plan(call, 300, rate, () => broken(random));
  plan('listMembers', 300, lists, () => ({
    kind: 'omit',
    places: Array.from({ length: 1 + Math.floor(random() * 4) }, () => Math.floor(random() * 8)),
  }));
  plan('store', 4000, kills / 10, () => ({ kind: 'kill', when: when() }));
  return planned;
}

function broken(random: Random): Mishap {
  const applied = random() < 0.5;
  switch (pick(random, ['refusal', 'limit', 'server', 'lost', 'hang'] as const)) {
    case 'refusal':
      return { kind: 'status', status: 400, applied: false };
    case 'limit':
      return { kind: 'status', status: 429, applied: false };
    case 'server':
      return { kind: 'status', status: pick(random, [500, 502, 503]), applied };
    case 'lost':
      return { kind: 'lost', applied };
    case 'hang':
      return { kind: 'hang', effectAfterMs: applied ? pick(random, [10, 30_000, 120_000]) : null };
  }
}
