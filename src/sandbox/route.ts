/** What a route of the workspace API is made of. */
import { z } from 'zod';
import type { Caller } from './members.js';
import type { World } from './state.js';

/** One call that has passed the checks on its key. */
export interface Call {
  readonly world: World;
  readonly caller: Caller;
  /** The path parameters, decoded, in order. */
  readonly params: readonly string[];
  readonly query: URLSearchParams;
  readonly body: string;
}

export interface Route {
  /** For the switch `routeScopes`. */
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** `:` stands for a parameter. */
  readonly path: string;
  /** The scope that the API key needs. */
  readonly scope: string;
  readonly adminOnly?: true;
  /** Calls per minute and user. */
  readonly perMinute?: number;
  /** The route is not there unless this is true. */
  readonly enabled?: (world: World) => boolean;
  /** Answers the JSON body of a 200. */
  readonly run: (call: Call) => unknown;
}

/** The body of most successes. */
export const OK = { status: 'ok' } as const;

/** The body of calls that name a person. */
export const byEmail = z.object({ email: z.string() });

export function param(call: Call, index: number): string {
  return call.params[index] ?? '';
}
