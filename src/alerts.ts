/**
 * Alerts: what a person has to look at, in one place. Each goes to the log, to whoever observes
 * (metrics, page) and to the webhook. The same one is told again only after an hour, so that a
 * fault that comes with every call is one alert and not a thousand.
 */
import type { Clock } from './clock.js';
import type { Log } from './log.js';

export type AlertKind =
  /** People lose access beyond DEPROVISION_LIMIT, or are removed from a group beyond its limit. */
  | 'brake'
  /** Invites beyond INVITE_LIMIT. */
  | 'inviteLimit'
  /** A reading of the workspace is not believed. */
  | 'readingDoubt'
  | 'keyRejected'
  | 'otherWorkspace'
  /** Something is repaired and changed by hand again and again. */
  | 'flapping'
  /** An invite may or may not have been sent, and is not sent again. */
  | 'inviteAmbiguous'
  /** Several members have what counts as the address of a user: which is meant is not guessed. */
  | 'ambiguousMember'
  /** A member appeared at an address that a user without access had before: the lock waits for an administrator. */
  | 'formerAddress'
  /** The IdP was told that access ends, and it has not ended for an hour. */
  | 'lockHeld'
  /** ElevenLabs rejects for certain what would take access, a membership or a share away. */
  | 'withdrawalRejected'
  /** ElevenLabs has failed for ten minutes to take access, memberships or shares away. */
  | 'withdrawalFailing'
  /** The plan has something that it must never have: a bug, caught before it did harm. */
  | 'ownership';

export type AlertSeverity = 'warning' | 'critical';
export type AlertFacts = Readonly<Record<string, string | number | boolean | null>>;

export interface Alert {
  readonly kind: AlertKind;
  readonly severity: AlertSeverity;
  /** A sentence for people. */
  readonly text: string;
  /** Wall time. */
  readonly at: number;
  readonly facts: AlertFacts;
}

export interface Alerts {
  /** `about` tells alerts of one kind apart: those of the same kind and matter are told once an hour. */
  raise(kind: AlertKind, text: string, facts?: AlertFacts, about?: string): void;
  /** The matter is over: should it come again, it is told at once. */
  clear(kind: AlertKind, about?: string): void;
  /** The last ones, newest first. */
  recent(): readonly Alert[];
}

export interface AlertsOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Delivers to the webhook; null = none. */
  readonly post: ((alert: Alert) => Promise<void>) | null;
  readonly observe?: (alert: Alert) => void;
}

const SEVERITY: Readonly<Record<AlertKind, AlertSeverity>> = {
  brake: 'critical',
  formerAddress: 'critical',
  inviteLimit: 'warning',
  readingDoubt: 'critical',
  keyRejected: 'critical',
  otherWorkspace: 'critical',
  flapping: 'warning',
  inviteAmbiguous: 'warning',
  ambiguousMember: 'warning',
  lockHeld: 'critical',
  withdrawalRejected: 'critical',
  withdrawalFailing: 'critical',
  ownership: 'critical',
};

const AGAIN_AFTER_MS = 3_600_000;
const KEPT = 100;
/** A webhook that fails is tried again; what it lost is in the log. */
const POST_DELAYS_MS = [5_000, 60_000, 300_000];

export function createAlerts({ clock, log, post, observe }: AlertsOptions): Alerts {
  const toldAt = new Map<string, number>();
  let kept: readonly Alert[] = [];
  const keyOf = (kind: AlertKind, about: string): string => `${kind} ${about}`;
  const deliver = (alert: Alert, attempts: number): void => {
    if (post === null) return;
    post(alert).catch((error: unknown) => {
      const delay = POST_DELAYS_MS[attempts];
      log.error({ err: error, alert: alert.kind, again: delay !== undefined }, 'the webhook did not take an alert');
      if (delay !== undefined) clock.after(delay, () => deliver(alert, attempts + 1));
    });
  };
  return {
    raise(kind, text, facts = {}, about = '') {
      const now = clock.monotonic();
      for (const [key, at] of toldAt) if (now - at >= AGAIN_AFTER_MS) toldAt.delete(key);
      if (toldAt.has(keyOf(kind, about))) return;
      toldAt.set(keyOf(kind, about), now);
      const alert: Alert = { kind, severity: SEVERITY[kind], text, at: clock.now(), facts };
      kept = [alert, ...kept].slice(0, KEPT);
      const line = { alert: kind, severity: alert.severity, ...facts };
      if (alert.severity === 'critical') log.error(line, text);
      else log.warn(line, text);
      observe?.(alert);
      deliver(alert, 0);
    },
    clear: (kind, about = '') => void toldAt.delete(keyOf(kind, about)),
    recent: () => kept,
  };
}

/** What the webhook gets: `text` is what chat programs show, the rest is for machines. */
export function payloadOf({ kind, severity, text, at, facts }: Alert): object {
  return { text: `[${severity}] ${text}`, kind, severity, at: new Date(at).toISOString(), facts };
}
