/** `N`, `P%` or `N,P%`: how many may be concerned in 60 minutes. */

/** The larger of `count` and `percent` of a whole; both null = no limit. */
export interface PeopleLimit {
  readonly count: number | null;
  readonly percent: number | null;
}

/** The window of every limit on people: 60 minutes of the monotonic clock, so that no jump empties it. */
export const WINDOW_MS = 3_600_000;

/** The number that a limit allows out of `whole`; null = any. Part persons do not count. */
export function allowed(limit: PeopleLimit, whole: number): number | null {
  if (limit.count === null && limit.percent === null) return null;
  return Math.max(limit.count ?? 0, Math.floor(((limit.percent ?? 0) * whole) / 100));
}

/** Something that concerned somebody at some monotonic time. */
export interface Dated {
  readonly who: string;
  readonly at: number;
}

/** Who was concerned in the 60 minutes up to `now`. */
export function recent(history: readonly Dated[], now: number): ReadonlySet<string> {
  return new Set(history.filter(({ at }) => at > now - WINDOW_MS).map(({ who }) => who));
}
