/**
 * The dateTime of SCIM (RFC 7643 2.3.5: xsd:dateTime) as milliseconds since the epoch. A value
 * without a zone is UTC, a date alone is its midnight; digits after the milliseconds are dropped.
 */
import type { Millis } from './types.js';

const DATE_TIME = /^(\d{4}-\d\d-\d\d)(?:[Tt](\d\d:\d\d)(:\d\d(?:[.]\d{1,12})?)?([Zz]|[+-]\d\d:\d\d)?)?$/;

/** Null where the text is no dateTime. */
export function parseInstant(text: string): Millis | null {
  const match = text.length <= 64 ? DATE_TIME.exec(text) : null;
  if (match === null) return null;
  const [, date = '', time = '00:00', seconds = ':00', zone = 'Z'] = match;
  // Date.parse turns 31 February into March: such a date is refused.
  const day = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(day.getTime()) || !day.toISOString().startsWith(date)) return null;
  const instant = Date.parse(`${date}T${time}${seconds.slice(0, 7)}${zone.toUpperCase()}`);
  return Number.isNaN(instant) ? null : instant;
}

/** For people: to the second. */
export function formatSecond(instant: Millis): string {
  return formatInstant(instant).replace(/\.\d{3}Z$/, 'Z');
}

export function formatInstant(instant: Millis): string {
  return new Date(instant).toISOString();
}
