/**
 * What is otherwise than when this database was last served: other rules concern everybody, and the
 * end of a dry run lets go what waited for it. Both are shown before anything is sent.
 */
import type { Config } from '../config.js';
import { describeChange } from '../domain/refusal.js';
import type { Rules } from '../domain/rules.js';
import type { Clock } from '../clock.js';
import type { Alerts } from '../alerts.js';
import type { Log } from '../log.js';
import { Guards } from '../reconcile/guards.js';
import { planEverybody, type WholePlan } from '../reconcile/whole-plan.js';
import type { Store } from '../store/port.js';
import { fingerprintOf } from './rules-source.js';

const RULES = 'rulesFingerprint';
const WAS_DRY_RUN = 'wasDryRun';
const SHOWN = 200;

export interface SinceLastTime {
  readonly store: Store;
  readonly config: Config;
  readonly rules: () => Rules;
  readonly clock: Clock;
  readonly log: Log;
  readonly alerts: Alerts;
}

/** Puts everybody on the agenda if the rules are others than last time. Answers whether they are. */
export async function noticeRules({
  store,
  rules,
  log,
}: Pick<SinceLastTime, 'store' | 'rules' | 'log'>): Promise<boolean> {
  const [before, now] = [await store.setting(RULES), fingerprintOf(rules())];
  if (before === now) return false;
  // Everybody first: after a crash in between they are planned once more, and not never.
  const people = before === null ? 0 : await store.scheduleEverybody('rules');
  await store.setSetting(RULES, now);
  if (before !== null) log.info({ people }, 'the rules have changed: everybody is planned again');
  return before !== null;
}

/** The first start without DRY_RUN after one with it: the plan is shown, then it is done. */
export async function noticeGoingLive(parts: SinceLastTime): Promise<boolean> {
  const { store, config, log } = parts;
  const wasDry = (await store.setting(WAS_DRY_RUN)) === 'true';
  if (config.dryRun !== wasDry) await store.setSetting(WAS_DRY_RUN, String(config.dryRun));
  if (config.dryRun || !wasDry) return false;
  const plan = await wholePlan(parts);
  const counts = { calls: plan.calls.length, held: plan.held.length, waiting: plan.waiting.length };
  log.warn(counts, 'DRY_RUN has ended: this is what is done now');
  for (const { subject, change, why } of plan.calls.slice(0, SHOWN)) {
    const person = plan.people.get(subject);
    log.warn(
      { subject, why },
      describeChange(change, person === undefined ? {} : { person: person.address ?? person.userName }),
    );
  }
  if (plan.calls.length > SHOWN) log.warn({ more: plan.calls.length - SHOWN }, 'and more of them');
  await store.scheduleWaiting('dryRun', 'dryRunEnded');
  return true;
}

async function wholePlan({ store, config, rules, clock, log, alerts }: SinceLastTime): Promise<WholePlan> {
  const { deprovisionLimit, inviteLimit } = config;
  const guards = new Guards({ store, clock, log, alerts, rules, deprovisionLimit, inviteLimit, dryRun: false });
  await guards.refresh();
  return planEverybody({ store, rules: rules(), guards, now: clock.now(), onProgress: () => undefined });
}
