/**
 * The life of a token: made, rotated, revoked. The page, the command line and OAuth clients call
 * these; a secret exists only in the answer, the store has its hash.
 */
import { randomUUID } from 'node:crypto';
import { newToken } from '../domain/secret-token.js';
import type { Millis } from '../domain/types.js';
import type { TokenRecord, TokenStore } from '../store/port.js';
import { currentTokens } from './current-tokens.js';
import { isValid } from './doors.js';

export interface ShownToken {
  readonly record: TokenRecord;
  /** Shown once, stored nowhere. */
  readonly secret: string;
}

/** What cannot be done, in words for an administrator. */
export class TokenProblem extends Error {
  override readonly name = 'TokenProblem';
}

/** Kinds that have a secret which somebody is given. */
export type SecretTokenKind = 'scim' | 'admin' | 'oauthClient';

/** A label as it was typed, without white space around it. */
export function checkLabel(label: string): string {
  const name = label.trim();
  if (!/^[\w .@:-]{1,60}$/u.test(name))
    throw new TokenProblem('A label is 1 to 60 letters, digits, spaces, and . @ : _ -');
  return name;
}

/** Refuses a label that a valid token has: the audit log could not tell the two apart. */
export async function checkLabelIsFree(store: TokenStore, label: string, now: Millis): Promise<void> {
  if ((await store.listTokens()).some((token) => token.label === label && isValid(token, now)))
    throw new TokenProblem(`There is a valid token “${label}” already: take another label, or rotate that one.`);
}

/** Makes a token. */
export async function createToken(
  store: TokenStore,
  wanted: {
    readonly kind: SecretTokenKind;
    readonly label: string;
    readonly scopes: readonly string[];
    readonly expiresAt: Millis | null;
  },
  by: { readonly now: Millis; readonly actor: string },
): Promise<ShownToken> {
  const label = checkLabel(wanted.label);
  await checkLabelIsFree(store, label, by.now);
  return addSecret(
    store,
    { ...wanted, label, clientId: wanted.kind === 'oauthClient' ? randomUUID() : null },
    by.actor,
  );
}

export interface Rotation {
  readonly now: Millis;
  /** The old one stays valid for so long; 0: it is revoked. */
  readonly overlapMs: Millis;
  /** Undefined: the new one lives as long as the old one was meant to. */
  readonly expiresAt?: Millis | null;
}

/** Makes a successor with the same rights. Answers until when the old one is valid; null: it has ended. */
export async function rotateToken(
  store: TokenStore,
  old: TokenRecord,
  rotation: Rotation,
  actor: string,
): Promise<ShownToken & { readonly oldUntil: Millis | null }> {
  const { now, overlapMs } = rotation;
  const { kind, label, scopes, clientId } = old;
  if (kind === 'federated' || kind === 'access')
    throw new TokenProblem(`“${label}” has no secret that could be rotated.`);
  if (old.revokedAt !== null) throw new TokenProblem(`The token “${label}” was revoked: make a new one.`);
  const sameLife = old.expiresAt === null ? null : now + (old.expiresAt - old.createdAt);
  const expiresAt = rotation.expiresAt === undefined ? sameLife : rotation.expiresAt;
  const made = await addSecret(store, { kind, label, scopes, clientId, expiresAt }, actor);
  if (!isValid(old, now)) return { ...made, oldUntil: null };
  const oldUntil = Math.min(now + overlapMs, old.expiresAt ?? Number.MAX_SAFE_INTEGER);
  if (overlapMs === 0) await store.revokeToken(old.id, actor);
  else await store.expireToken(old.id, oldUntil, actor);
  return { ...made, oldUntil };
}

/** The token of this id, else those of this label; after a rotation the successor. Expired ones come last. */
export async function findTokens(store: TokenStore, text: string, now: Millis): Promise<readonly TokenRecord[]> {
  const tokens = (await store.listTokens()).filter(({ revokedAt }) => revokedAt === null);
  const byId = tokens.find(({ id }) => id === text);
  if (byId !== undefined) return [byId];
  const named = tokens.filter(({ label }) => label === text);
  const valid = named.filter((token) => isValid(token, now));
  return currentTokens(valid.length > 0 ? valid : named, now);
}

/** Stores the hash of a new secret. */
export async function addSecret(
  store: TokenStore,
  token: {
    readonly kind: SecretTokenKind;
    readonly label: string;
    readonly scopes: readonly string[];
    readonly clientId: string | null;
    readonly expiresAt: Millis | null;
  },
  actor: string,
): Promise<ShownToken> {
  const { secret, hash } = newToken(token.kind);
  return { record: await store.addToken({ id: randomUUID(), hash, ...token }, actor), secret };
}
