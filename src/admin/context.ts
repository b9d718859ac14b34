/** What the pages are made from. */
import type { Request } from 'express';
import type { Clock } from '../clock.js';
import type { Rules } from '../domain/rules.js';
import type { Json, Millis } from '../domain/types.js';
import type { WhatIf } from '../domain/what-if.js';
import type { Log } from '../log.js';
import type { Numbers, ReadingEffect, Store, Subject } from '../store/port.js';
import type { AdminIdentity } from './sessions.js';

/** The engine as far as the page looks at it and acts on it; the Reconciler is one. */
export interface AdminEngine {
  readonly state: EngineState;
  syncNow(cause: string): Promise<SyncOutcome>;
  acceptSmallerWorkspace(): Promise<SyncOutcome>;
  retryRefused(subject: Subject | null): Promise<number>;
  poke(): void;
}

export interface EngineState {
  readonly phase: 'starting' | 'serving' | 'keyRejected' | 'otherWorkspace' | 'stopping';
  readonly hasReading: boolean;
  readonly inWork: number;
  readonly error: string | null;
  /** Why nothing is sent; null = everything is. */
  readonly dryRun: string | null;
  readonly readings: {
    readonly lastMembersAt: Millis | null;
    readonly lastFullAt: Millis | null;
    readonly doubt: string | null;
    readonly error: string | null;
    readonly blind: boolean;
    readonly groupsBySearch: boolean;
  };
}

export interface SyncOutcome {
  readonly members: { readonly kind: string } | null;
  readonly groups: { readonly kind: string } | null;
  readonly effect: ReadingEffect | null;
}

/** The gate before ElevenLabs. */
export interface UpstreamState {
  readonly breaker: string;
  readonly blockedMs: number;
  readonly queued: number;
}

/** A request as the set-up page shows it: enough to see why an IdP does not get through. */
export interface SeenRequest {
  readonly at: Millis;
  readonly requestId: string;
  readonly method: string;
  readonly template: string | null;
  readonly status: number;
  readonly idp: string;
  readonly tokenLabel: string | null;
}

export interface AdminOptions {
  readonly store: Store;
  readonly engine: AdminEngine;
  /** What SCIM requests would do; changes nothing. ScimError 400 where they are written down wrongly. */
  readonly whatIf: (script: Json) => Promise<WhatIf>;
  readonly upstream: () => UpstreamState;
  readonly clock: Clock;
  readonly log: Log;
  readonly rules: () => Rules;
  /** URL of the bridge as IdPs reach it, without a trailing slash. */
  readonly publicUrl: () => string;
  readonly scimPath: string;
  /** Whether the browser reached the page over TLS, here or at a proxy. */
  readonly isHttps: (request: Request) => boolean;
  /** The last requests of IdPs, newest first. */
  readonly recentRequests: () => readonly SeenRequest[];
  /** Brings the counters in the store up to date. */
  readonly flushCounters: () => Promise<void>;
  readonly metrics: { text(): Promise<string>; readonly contentType: string };
  /** Whether programs on this machine may read the metrics without a token. */
  readonly metricsOnLoopback: boolean;
  readonly facts: AdminFacts;
  readonly uuid: () => string;
}

/** What does not change while the bridge runs. */
export interface AdminFacts {
  readonly version: string;
  readonly isSandbox: boolean;
  readonly drift: 'enforce' | 'report';
  readonly inviteTtlDays: number;
}

/** One request of an administrator. */
export interface PageContext extends AdminOptions {
  readonly now: Millis;
  readonly numbers: Numbers;
  readonly admin: AdminIdentity;
  /** For the forms; empty where a script asks with a bearer token. */
  readonly csrfToken: string;
  readonly query: Query;
}

/** Parameters of the address or of a form: single strings, or absent. */
export interface Query {
  text(name: string): string;
  /** A whole number from 1 on, or `fallback`. */
  number(name: string, fallback: number): number;
}

const MAX_PARAMETER = 500;

export function readQuery(source: unknown, longest = MAX_PARAMETER): Query {
  const values = new Map<string, string>();
  if (typeof source === 'object' && source !== null) {
    for (const [name, value] of Object.entries(source))
      if (typeof value === 'string') values.set(name, value.slice(0, longest));
  }
  return {
    text: (name) => values.get(name)?.trim() ?? '',
    number(name, fallback) {
      const text = values.get(name) ?? '';
      return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : fallback;
    },
  };
}
