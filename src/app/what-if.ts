/**
 * What would happen: SCIM requests played on the database in a transaction that is rolled back, with
 * the real services, the real store and the real policies, and a workspace that says yes. Nothing is
 * sent, stored, told or counted.
 */
import { randomUUID } from 'node:crypto';
import { createAlerts } from '../alerts.js';
import type { Authenticator } from '../auth/authenticate.js';
import type { Clock } from '../clock.js';
import type { Provisioning } from '../domain/provisioning.js';
import { planPerson } from '../domain/plan.js';
import type { Rules } from '../domain/rules.js';
import { changeKey, type Json, type UserId } from '../domain/types.js';
import type { RehearsedChange, WhatIf } from '../domain/what-if.js';
import { ScimError } from '../errors.js';
import type { Log } from '../log.js';
import type { Guards, GuardsOptions } from '../reconcile/guards.js';
import { workThrough, type Rehearsed } from '../reconcile/rehearsed-run.js';
import type { Planning } from '../reconcile/view.js';
import type { Caller } from '../scim/context.js';
import { playScript, readScript } from '../scim/rehearsal.js';
import { toApp } from '../scim/router.js';
import { rehearse } from '../store/rehearsal.js';
import type { Store } from '../store/port.js';

export interface WhatIfParts {
  /** As it is: what is planned already is told apart by it. */
  readonly store: Store;
  readonly databasePath: string;
  readonly clock: Clock;
  readonly rules: () => Rules;
  readonly scimUrl: () => string;
  /** The policies over the store of the rehearsal, with the windows in force. */
  readonly guards: (parts: Pick<GuardsOptions, 'store' | 'log' | 'alerts'>) => Promise<Guards>;
  /** What the bridge says now to whoever wants to give, or take away: rejects as it would. */
  readonly admit: Pick<Provisioning, 'admitGrant' | 'admitWithdrawal'>;
  readonly isBlind: () => boolean;
}

/** Answers what a script, in one of the forms of scim/rehearsal.ts, would do. ScimError 400 where it is none. */
export async function whatIf(text: Json, parts: WhatIfParts): Promise<WhatIf> {
  const script = readScript(text);
  const admission = await admissionNow(parts);
  const found = await rehearse(
    { path: parts.databasePath, clock: parts.clock, rules: parts.rules, scimBase: parts.scimUrl },
    (store) => play(script, store, admission, parts),
  );
  const known = await plannedAlready(found.calls, parts);
  const calls = found.calls.map((call) => ({
    ...call,
    isPlannedAlready: known.has(`${call.subject} ${changeKey(call.change)}`),
  }));
  return { ...found, calls, readAt: await parts.store.membersReadAt() };
}

/** Asked before the rehearsal, which must wait for nothing: null, or what refuses. */
interface Admission {
  readonly grant: unknown;
  readonly withdrawal: unknown;
}

async function admissionNow({ admit }: WhatIfParts): Promise<Admission> {
  const refusalOf = (asked: Promise<void>): Promise<unknown> =>
    asked.then(
      () => null,
      (error: unknown) => {
        if (error instanceof ScimError) return error;
        throw error;
      },
    );
  return { grant: await refusalOf(admit.admitGrant()), withdrawal: await refusalOf(admit.admitWithdrawal()) };
}

async function play(script: ReturnType<typeof readScript>, store: Store, admission: Admission, parts: WhatIfParts) {
  const { clock, rules } = parts;
  const alerts = createAlerts({ clock, log: SILENT, post: null });
  const guards = await parts.guards({ store, log: SILENT, alerts });
  const engine: Planning = { store, clock, rules, guards, readings: { state: { blind: parts.isBlind() } } };
  const rehearsed: Rehearsed = { calls: [], held: [], waiting: [], unread: [] };
  const before = (await store.limitInputs([])).seats;
  const requestIds = new Set<string>();
  const work = (): Promise<void> => workThrough(requestIds, rehearsed, engine);
  const app = toApp({
    ...{ store, clock, log: SILENT, rules },
    provisioning: provisioningOf(admission, work),
    baseUrl: parts.scimUrl,
    authenticator: NOBODY,
    // The rehearsal ends with the turn.
    turn: () => Promise.resolve(),
  });
  const caller = (requestId: string): Caller => ({
    ...{ app, requestId, interactive: true, ifMatch: null, ifNoneMatch: null },
    principal: { tokenId: null, label: 'what-if', scopes: ['users', 'groups'], actor: 'system' },
  });
  const requests = await playScript(script, caller(''), async (request) => {
    const requestId = randomUUID();
    requestIds.add(requestId);
    const played = await request(caller(requestId));
    await work();
    return played;
  });
  const after = (await store.limitInputs([])).seats;
  const named = [...rehearsed.calls, ...rehearsed.held, ...rehearsed.waiting].map(({ subject }) => subject);
  const people = await store.peopleOf([...new Set([...named, ...rehearsed.unread])]);
  const isBraked = rehearsed.held.some(({ policy }) => policy === 'brake');
  return { ...rehearsed, requests, seats: { before, after }, people, isBraked };
}

/** The requests of a rehearsal do not come over HTTP. */
const NOBODY: Authenticator = {
  authenticate: () => Promise.reject(new Error('a rehearsal has no doors')),
};

const quiet = (): void => undefined;
/** Nothing of it has happened. */
const SILENT: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet, fatal: quiet, child: () => SILENT };

/** Whoever waits for the effects of a request gets them. */
function provisioningOf({ grant, withdrawal }: Admission, work: () => Promise<void>): Provisioning {
  const unless = (refusal: unknown): Promise<void> =>
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- a ScimError, or null
    refusal === null ? Promise.resolve() : Promise.reject(refusal);
  return {
    poke: () => undefined,
    settle: () => work().then(() => ({ kind: 'settled' })),
    settleGroup: () => work().then(() => 'settled'),
    awaitFirstReading: () => Promise.resolve(false),
    admitGrant: () => unless(grant),
    admitWithdrawal: () => unless(withdrawal),
  };
}

/** Subject and key of what the plans as they are hold already. */
async function plannedAlready(
  calls: readonly RehearsedChange[],
  { store, rules, clock }: WhatIfParts,
): Promise<ReadonlySet<string>> {
  const known = new Set<string>();
  for (const subject of new Set(calls.map((call) => call.subject))) {
    if (!subject.startsWith('user:')) continue;
    const person = await store.person(subject.slice('user:'.length) as UserId);
    const changes = person === null ? [] : planPerson(person, rules(), clock.now()).changes;
    for (const { change } of changes) known.add(`${subject} ${changeKey(change)}`);
  }
  return known;
}
