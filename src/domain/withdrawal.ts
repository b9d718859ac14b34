/**
 * A withdrawal takes effect although something else in its request is refused: `active=false`, and the
 * removal of a member. A write is decided with everything first. If a value of it is refused, and it
 * withdraws, it is decided once more, and what is refused is left out: the value keeps its old state.
 */
import { ScimError, type ScimType } from '../errors.js';
import { sameJson } from './json.js';
import type { Document, Json } from './types.js';

/** What a withdrawal came with and was refused. */
export interface RefusedValue {
  /** The attribute, or the path that the client wrote. */
  readonly attribute: string;
  /** What was asked for, to be tried again; null = to be removed. Absent: it can never be stored. */
  readonly wanted?: Json;
  readonly reason: string;
}

export type Refuse = (attribute: string, error: ScimError, wanted?: Json) => void;

/** Collects what is left out of one write. */
export interface Tolerance {
  /** The refusal of the write as a whole: the answer if it withdraws nothing. */
  readonly because: ScimError;
  readonly refuse: Refuse;
  refused(): readonly RefusedValue[];
  /** Why the write is refused as it stands now; null = nothing of it is. */
  firstRefusal(): ScimError | null;
}

export function createTolerance(because: ScimError): Tolerance {
  const refused = new Map<string, RefusedValue>();
  let first: ScimError | null = null;
  return {
    because,
    // The same value may be looked at several times; the last reason is that of the store.
    refuse: (attribute, error, wanted) => {
      first ??= error;
      const reason = error.message;
      refused.set(attribute, { attribute, reason, ...(wanted !== undefined && { wanted }) });
    },
    refused: () => [...refused.values()],
    firstRefusal: () => first,
  };
}

const VALUES: readonly (ScimType | undefined)[] = ['uniqueness', 'mutability', 'invalidValue'];

/** Whether the error is about one value, which can be left out. Not so for syntax, paths and filters. */
export function isAboutValue(error: unknown): error is ScimError {
  return error instanceof ScimError && VALUES.includes(error.scimType);
}

/** The same for an operation that was read: where its filter chooses nothing, there is nothing to write. */
export function isAboutOperation(error: unknown): error is ScimError {
  return isAboutValue(error) || (error instanceof ScimError && error.scimType === 'noTarget');
}

/** What of `wanted` passes the check, one attribute after the other; the others are as in `base`. */
export function onlyWhatPasses(
  base: Document,
  wanted: Document,
  check: (document: Document) => void,
  refuse: Refuse,
): Document {
  check(base);
  let passed = base;
  for (const name of new Set([...Object.keys(wanted), ...Object.keys(base)])) {
    const value = wanted[name];
    if (sameJson(base[name], value)) continue;
    const next = withAttribute(passed, name, value);
    try {
      check(next);
      passed = next;
    } catch (error) {
      if (!isAboutValue(error)) throw error;
      refuse(name, error, value ?? null);
    }
  }
  return passed;
}

/** The document as it would be, had nothing been refused. */
export function withRefused(document: Document, refused: readonly RefusedValue[]): Document {
  return refused.reduce(
    (next, { attribute, wanted }) =>
      wanted === undefined ? next : withAttribute(next, attribute, wanted ?? undefined),
    document,
  );
}

/** What is still refused, as a later write leaves the document: `full` is what it came to with those values. */
export function stillRefused(
  refused: readonly RefusedValue[],
  document: Document,
  full: Document,
): readonly RefusedValue[] {
  return refused.flatMap((one) => {
    const { attribute } = one;
    if (one.wanted === undefined || sameJson(document[attribute], full[attribute])) return [];
    return [{ ...one, wanted: full[attribute] ?? null }];
  });
}

/** In one line, for `lastError`; null = nothing is refused. */
export function refusedInWords(refused: readonly RefusedValue[]): string | null {
  if (refused.length === 0) return null;
  return `Not applied, because the request that came with it took access away: ${refused.map(({ attribute, reason }) => `${attribute} (${reason})`).join(' ')}`;
}

function withAttribute(document: Document, name: string, value: Json | undefined): Document {
  if (value !== undefined) return { ...document, [name]: value };
  return Object.fromEntries(Object.entries(document).filter(([key]) => key !== name));
}
