/**
 * Tokens at start: what the environment names is made valid, and where no token was ever made, the
 * first one is. Only hashes are stored, so a new token is told once: on a terminal, or in a file
 * that nobody else can read; never in a log.
 */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { hashToken, newToken } from '../domain/secret-token.js';
import { EXIT, StartError } from '../errors.js';
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
const KINDS: readonly TokenKind[] = ['scim', 'admin'];
const FIRST_LABEL = 'first';
const ACTOR = 'bridge';

/**
 * Makes sure that there are tokens. `keep` is told what was made before it is stored, and may throw:
 * a token that nobody can read must not be made.
 */
export async function ensureTokens(
  store: TokenStore,
  given: GivenTokens,
  log: Log,
  keep: (made: MadeTokens) => void = () => undefined,
): Promise<MadeTokens> {
  for (const kind of KINDS) {
    const secret = given[kind];
    if (secret !== null) await acceptGiven(store, kind, secret, log);
  }
  const known = await store.listTokens();
  const isMissing = (kind: TokenKind): boolean => given[kind] === null && !known.some((token) => token.kind === kind);
  const made = KINDS.filter(isMissing).map((kind) => ({ kind, ...newToken(kind) }));
  const secretOf = (kind: TokenKind): string | null => made.find((token) => token.kind === kind)?.secret ?? null;
  const secrets = { scim: secretOf('scim'), admin: secretOf('admin') };
  if (made.length > 0) keep(secrets);
  for (const { kind, hash } of made) await add(store, kind, FIRST_LABEL, hash);
  return secrets;
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

export const tokenFileOf = (databasePath: string): string =>
  path.resolve(path.dirname(databasePath), 'first-tokens.txt');

/**
 * Writes tokens that nobody was there to read. The file is made anew, readable by its owner alone, and
 * never through a link that somebody put there: StartError where there is one already.
 */
export function writeTokenFile(databasePath: string, made: MadeTokens): void {
  const file = tokenFileOf(databasePath);
  const lines = [
    ...(made.scim === null ? [] : [`SCIM_TOKEN=${made.scim}`]),
    ...(made.admin === null ? [] : [`ADMIN_TOKEN=${made.admin}`]),
  ];
  try {
    writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'EEXIST') throw error;
    throw new StartError(
      EXIT.config,
      `${file} exists already, and the first tokens are written to a new file only. Read it, move it away and start again.`,
    );
  }
}
