/**
 * Tokens at start: what the environment names is made valid, and where no token was ever made, the
 * first one is. Only hashes are stored, so a new token is told once: on a terminal, or in a file
 * that nobody else can read; never in a log.
 */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { hashToken, newToken } from '../domain/secret-token.js';
import type { Log } from '../log.js';
import type { TokenStore } from '../store/port.js';

export type TokenKind = 'scim' | 'admin';

export interface GivenTokens {
  readonly scim: string | null;
  readonly admin: string | null;
}

/** Secrets made at this start; null = the token was given, or made earlier. */
export type MadeTokens = GivenTokens;

const ENVIRONMENT: Readonly<Record<TokenKind, string>> = { scim: 'SCIM_TOKEN', admin: 'ADMIN_TOKEN' };
const FIRST_LABEL = 'first';
const ACTOR = 'bridge';

export async function ensureTokens(store: TokenStore, given: GivenTokens, log: Log): Promise<MadeTokens> {
  return {
    scim: await ensureToken(store, 'scim', given.scim, log),
    admin: await ensureToken(store, 'admin', given.admin, log),
  };
}

async function ensureToken(store: TokenStore, kind: TokenKind, given: string | null, log: Log): Promise<string | null> {
  if (given !== null) {
    await acceptGiven(store, kind, given, log);
    return null;
  }
  const known = await store.listTokens();
  if (known.some((token) => token.kind === kind)) return null;
  const { secret, hash } = newToken(kind);
  await add(store, kind, FIRST_LABEL, hash);
  return secret;
}

/** The token of the environment is valid, and the one that stood there before is not any more. */
async function acceptGiven(store: TokenStore, kind: TokenKind, secret: string, log: Log): Promise<void> {
  const label = ENVIRONMENT[kind];
  const hash = hashToken(secret);
  const found = await store.findToken(hash);
  if (found !== null) {
    if (found.revokedAt !== null)
      log.warn({ variable: label }, 'the token of the environment was revoked and stays so');
    return;
  }
  for (const token of await store.listTokens()) {
    if (token.kind === kind && token.label === label && token.revokedAt === null)
      await store.revokeToken(token.id, ACTOR);
  }
  await add(store, kind, label, hash);
}

async function add(store: TokenStore, kind: TokenKind, label: string, hash: string): Promise<void> {
  const token = { id: randomUUID(), kind, label, hash, scopes: [], clientId: null, expiresAt: null };
  await store.addToken(token, ACTOR);
}

/** Writes tokens that nobody was there to read; answers the path. */
export function writeTokenFile(databasePath: string, made: MadeTokens): string {
  const file = path.resolve(path.dirname(databasePath), 'first-tokens.txt');
  const lines = [
    ...(made.scim === null ? [] : [`SCIM_TOKEN=${made.scim}`]),
    ...(made.admin === null ? [] : [`ADMIN_TOKEN=${made.admin}`]),
  ];
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600, flag: 'a' });
  return file;
}
