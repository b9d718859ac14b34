/** Requests that were answered with an error, in words and as data. */
import { cleanText } from '../domain/refusal.js';
import type { RefusedRequest } from '../store/port.js';
import { iso } from './output.js';

/** More than any error of the bridge is long. */
const LONGEST_DETAIL = 1_000;

export function refusalText({ at, method, template, status, tokenLabel, detail, requestId }: RefusedRequest): string {
  const from = tokenLabel === null ? '' : ` of token:${cleanText(tokenLabel)}`;
  const what = `${method} ${template ?? 'to an unknown path'}${from}`;
  const why = cleanText(detail, LONGEST_DETAIL);
  return `Refused ${iso(at)}: ${what} was answered ${String(status)}: ${why} (request ${requestId})`;
}

export function refusalToJson(refusal: RefusedRequest | null): object | null {
  return refusal === null ? null : { ...refusal, at: iso(refusal.at) };
}
